//! STS: the service that lends out temporary keys of a role, and its neighbours.
//!
//! One server plays three: STS itself at `/` (`AssumeRole` and `AssumeRoleWithOIDC`, version
//! 2015-04-01), the metadata service of an instance below `/latest/`, and a credentials URI at
//! `/credentials`. The keys that they issue hang on the [`KeyRing`](crate::keys::KeyRing)
//! of the [`Options`]; a local OSS with the same ring takes them at once, within their permissions,
//! until they expire.
//!
//! It judges both signatures with code of its own; nothing here comes from the signer. What it does
//! not play: `GetCallerIdentity`, MFA, conditions in policies (a policy with one is refused, never
//! read as wider than it is), and the keys that real OIDC providers publish, for which a shared
//! secret stands in.
//!
//! # Where the documentation leaves a choice
//!
//! | Question | What is known of it | Taken here |
//! |---|---|---|
//! | The longest session name | 64 on the page of today, 32 on older ones | 64 |
//! | The longest session policy | 2048 characters, smaller than 2048 bytes | 2047 bytes |
//! | How far a timestamp may be off | 15 minutes in most sources, an hour in an old one | 15 minutes either way |
//! | ACS3 with parameters in a form body | no official client does it | taken |
//! | A header `x-acs-*` that ACS3 does not sign | the page wants all of them signed | `IncompleteSignature` |
//! | A parameter given twice | silent | `InvalidParameter` |
//! | Answer without `Format` | XML | XML, unless `Accept` names JSON |
//! | A shorter session for a role that assumes a role | no page knows one | none |
//! | White space around an OIDC token | silent | `AuthenticationFail.OIDCToken.Invalid` |
//! | When the metadata service has a new key | silent | from half of the old one's life on |
//! | An instance without a role | clients expect 404 | 404 |

mod answer;
mod assume_role;
mod auth;
mod call;
mod dispatch;
mod flow;
mod issue;
mod metadata;
mod oidc;
mod options;
mod refusal;
mod site;
mod wish;

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use http::Response;
use hyper::body::Body;
use hyper::body::Incoming;
use hyper::service::service_fn;
use tokio::net::TcpListener;

use crate::server;
use crate::server::Reached;

use self::site::Site;

pub use self::options::Clock;
pub use self::options::Event;
pub use self::options::Metadata;
pub use self::options::Observer;
pub use self::options::OpenError;
pub use self::options::Options;
pub use self::options::Provider;
pub use self::options::Role;
pub use self::options::Trusted;

/// A local STS, opened and not yet serving; its clones are the same.
#[derive(Clone)]
pub struct Sts(Arc<Site>);

impl Sts {
    /// Opens it.
    pub fn open(options: Options) -> Result<Self, OpenError> {
        Site::open(options).map(|site| Self(Arc::new(site)))
    }

    /// Answers one request in process, without a socket.
    ///
    /// # Errors
    ///
    /// If a fault was asked for that cuts the connection before an answer.
    pub async fn call<B>(
        &self,
        request: Request<B>,
    ) -> io::Result<Response<impl Body<Data = Bytes, Error = io::Error> + use<B>>>
    where
        B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>>,
    {
        dispatch::answer(&self.0, request).await
    }

    /// Serves until `shutdown` ends, then lets the calls that are under way finish for a moment. Who calls it
    /// by another name than this machine's is refused with 421: its neighbours hand out keys without a signature.
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
            let site = Arc::clone(&self.0);
            async move {
                let reached = request.extensions().get().map(|Reached(address)| *address);
                match site.hosts.foreign(request.uri(), request.headers(), reached) {
                    Some(name) => Ok(answer::misdirected(&name, site.now())),
                    None => dispatch::answer(&site, request).await,
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
