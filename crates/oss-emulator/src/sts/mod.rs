//! A local STS that issues temporary keys of roles, with a metadata service and a credentials URI.
//!
//! One server offers three services: STS itself at `/` (`AssumeRole` and `AssumeRoleWithOIDC`,
//! version 2015-04-01), the metadata service of an instance below `/latest/`, and a credentials URI
//! at `/credentials`. Issued keys are added to the [`KeyRing`](crate::keys::KeyRing) of the
//! [`Options`]; a local OSS with the same ring accepts them at once, within their permissions,
//! until they expire.
//!
//! The operations of RAM (version 2015-05-01) that create roles and policies are served at `/` too; a created role can
//! be assumed as the roles of the options, and [`Sts::lend`] lends it to a service, such as Function Compute.
//!
//! Both signature versions are verified with own code; nothing here comes from the signer. Not
//! emulated are MFA, and conditions in policies (such a policy is rejected,
//! because ignoring the condition would allow more). OIDC providers use a shared secret instead of
//! published keys.
//!
//! # Choices where the documentation is unclear
//!
//! | Question | What is documented | Behaviour here |
//! |---|---|---|
//! | The longest session name | 64 on the current page, 32 on older ones | 64 |
//! | The longest session policy | 2048 characters, smaller than 2048 bytes | 2047 bytes |
//! | The tolerance for timestamps | 15 minutes in most sources, an hour in an old one | 15 minutes either way |
//! | ACS3 with parameters in a form body | no official client does this | accepted |
//! | A header `x-acs-*` that ACS3 does not sign | the page requires all of them to be signed | `IncompleteSignature` |
//! | A parameter given twice | nothing | `InvalidParameter` |
//! | The response without `Format` | XML | XML, unless `Accept` names JSON |
//! | A shorter session for a role that assumes a role | nothing | no limit |
//! | White space around an OIDC token | nothing | `AuthenticationFail.OIDCToken.Invalid` |
//! | When the metadata service has a new key | nothing | after half of the old key's lifetime |
//! | An instance without a role | clients expect 404 | 404 |

use std::error::Error;
use std::future::Future;
use std::sync::Arc;
use std::{fmt, io};

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::{Body, Incoming};
use hyper::service::service_fn;
use tokio::net::TcpListener;

use crate::keys::AccessKey;
use crate::ram::Permissions;
use crate::server::{self, LocalAddress};
use crate::sts::state::StsState;

mod assume_role;
mod auth;
mod error;
mod handler;
mod key_issuer;
mod metadata;
mod oidc;
mod options;
mod ram_action;
mod ram_api;
mod ram_directory;
mod request;
mod response;
mod state;

pub use self::options::{
    Clock, InstanceMetadata, Observer, OidcProvider, OpenError, Options, RamRole, StsEvent,
    TrustedPrincipal,
};

/// A local STS. Clones share one instance.
#[derive(Clone)]
pub struct Sts(Arc<StsState>);

impl Sts {
    /// Opens a local STS.
    pub fn open(options: Options) -> Result<Self, OpenError> {
        StsState::open(options).map(|state| Self(Arc::new(state)))
    }

    /// Handles one request in process, without a socket.
    ///
    /// # Errors
    ///
    /// If an injected fault closes the connection before a response.
    pub async fn call<B>(
        &self,
        request: Request<B>,
    ) -> io::Result<Response<impl Body<Data = Bytes, Error = io::Error> + use<B>>>
    where
        B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>>,
    {
        handler::handle(&self.0, request).await
    }

    /// Issues a key of a created role, as a service of Alibaba such as `fc.aliyuncs.com` does for what runs in it.
    /// Returns `None` unless the role exists and its trust policy names the service.
    #[must_use]
    pub fn lend(&self, role: &str, service: &str) -> Option<AccessKey> {
        let state = &self.0;
        let role = state.directory.role(role)?;
        let service = TrustedPrincipal::Service(service.to_owned());
        role.trusted.contains(&service).then_some(())?;
        let permissions = Permissions::default().restricted_by(role.policy?);
        let arn = state.arn("role", &role.name);
        let issued = state.issuer.issue(arn, permissions, state.now(), role.max_session);
        state.notify_issued(&role.name, "service", &issued);
        let all = state.ring.all();
        all.iter().find(|key| key.id == issued.id).cloned()
    }

    /// Serves until `shutdown` completes, then waits briefly for requests in progress.
    ///
    /// A request under a foreign host name gets the status 421, because the metadata service returns
    /// keys without a signature.
    ///
    /// # Errors
    ///
    /// If the listener is unusable from the start.
    pub async fn serve<F: Future<Output = ()>>(
        self,
        listener: TcpListener,
        shutdown: F,
    ) -> io::Result<()> {
        listener.local_addr()?;
        let service = service_fn(move |request: Request<Incoming>| {
            let state = Arc::clone(&self.0);
            async move {
                let local = request.extensions().get().map(|LocalAddress(address)| *address);
                match state.hosts.foreign(request.uri(), request.headers(), local) {
                    Some(name) => Ok(response::misdirected(&name, state.now())),
                    None => handler::handle(&state, request).await,
                }
            }
        });
        server::serve(listener, service, shutdown).await;
        Ok(())
    }
}

impl fmt::Debug for Sts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Sts").finish_non_exhaustive()
    }
}
