//! The state that all requests share: roles, providers, key ring, used nonces.

use std::collections::HashMap;
use std::fmt::Display;
use std::sync::Mutex;

use crate::faults::Faults;
use crate::hosts::AllowedHosts;
use crate::keys::KeyRing;
use crate::sts::auth::NonceStore;
use crate::sts::key_issuer::{IssuedKey, KeyIssuer};
use crate::sts::options::{
    Clock, InstanceMetadata, Observer, OidcProvider, OpenError, Options, RamRole, StsEvent,
};
use crate::sts::ram_directory::RamDirectory;

/// Everything that a request handler needs.
pub(super) struct StsState {
    account: String,
    roles: Vec<RamRole>,
    /// The roles and policies that were created by requests.
    pub(super) directory: RamDirectory,
    providers: Vec<OidcProvider>,
    pub(super) ring: KeyRing,
    pub(super) issuer: KeyIssuer,
    pub(super) nonces: NonceStore,
    pub(super) instance: InstanceState,
    pub(super) faults: Faults,
    pub(super) hosts: AllowedHosts,
    clock: Clock,
    observer: Option<Observer>,
}

/// The instance's options, valid metadata tokens (with the Unix second at which they expire) and
/// current key.
pub(super) struct InstanceState {
    pub(super) metadata: InstanceMetadata,
    pub(super) tokens: Mutex<HashMap<String, i64>>,
    pub(super) key: Mutex<Option<IssuedKey>>,
}

impl InstanceState {
    fn new(metadata: InstanceMetadata) -> Self {
        Self { metadata, tokens: Mutex::default(), key: Mutex::default() }
    }
}

impl StsState {
    pub(super) fn open(options: Options) -> Result<Self, OpenError> {
        for (at, role) in options.roles.iter().enumerate() {
            let twice = options.roles[..at].iter().any(|other| other.name == role.name);
            if twice || !is_role_name(&role.name) {
                return Err(OpenError::RoleName(role.name.clone()));
            }
        }
        let unknown = |name: &&String| options.roles.iter().all(|role| role.name != **name);
        if let Some(name) = options.metadata.role.as_ref().filter(unknown) {
            return Err(OpenError::UnknownRole(name.clone()));
        }
        Ok(Self {
            issuer: KeyIssuer::new(options.seed, options.ring.clone()),
            instance: InstanceState::new(options.metadata),
            nonces: NonceStore::default(),
            account: options.account,
            roles: options.roles,
            directory: RamDirectory::default(),
            providers: options.providers,
            ring: options.ring,
            faults: options.faults,
            hosts: options.hosts,
            clock: options.clock,
            observer: options.observer,
        })
    }

    /// Returns the current time in Unix seconds.
    pub(super) fn now(&self) -> i64 {
        (self.clock)()
    }

    /// Sends an event to the observer, if there is one.
    pub(super) fn notify(&self, event: &StsEvent) {
        if let Some(observer) = &self.observer {
            observer(event);
        }
    }

    /// Reports an issued key to the observer.
    pub(super) fn notify_issued(&self, role: &str, session: &str, issued: &IssuedKey) {
        self.notify(&StsEvent::Issued {
            role: role.to_owned(),
            session: session.to_owned(),
            key_id: issued.id.clone(),
            expires_at: issued.expires_at,
        });
    }

    /// Returns the ARN of a role or a provider of this account.
    pub(super) fn arn(&self, kind: &str, name: impl Display) -> String {
        format!("acs:ram::{}:{kind}/{name}", self.account)
    }

    /// Finds a role by its ARN.
    pub(super) fn role(&self, arn: &str) -> Option<RamRole> {
        let name = arn.strip_prefix(&self.arn("role", ""))?;
        self.role_named(name).cloned().or_else(|| self.directory.role(name))
    }

    /// Returns the id of the account.
    pub(super) fn account(&self) -> &str {
        &self.account
    }

    /// Finds a role of the options by its name.
    pub(super) fn role_named(&self, name: &str) -> Option<&RamRole> {
        self.roles.iter().find(|role| role.name == name)
    }

    /// Finds a provider by its ARN.
    pub(super) fn provider(&self, arn: &str) -> Option<&OidcProvider> {
        self.providers.iter().find(|provider| self.arn("oidc-provider", &provider.name) == arn)
    }
}

fn is_role_name(name: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=64).contains(&name.len()) && name.bytes().all(known)
}
