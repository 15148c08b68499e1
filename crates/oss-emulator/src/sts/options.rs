//! The options of a local STS, and the events that it reports.
//!
//! Everything from outside is passed in here: keys, roles, clock and seed.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use crate::faults::Faults;
use crate::hosts::AllowedHosts;
use crate::keys::KeyRing;
use crate::ram::RamPolicy;

/// Returns the current time in Unix seconds.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Receives events, for example to print them on a console.
pub type Observer = Arc<dyn Fn(&StsEvent) + Send + Sync>;

/// A principal that may assume a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrustedPrincipal {
    /// Every user and role of the account, but not the account itself.
    Account,
    /// The user with the key of this id.
    Key(String),
    /// The sessions of the role with this ARN.
    Role(String),
    /// The holder of a token of this OIDC provider.
    Provider(String),
    /// The service of Alibaba with this name, such as `fc.aliyuncs.com`.
    Service(String),
}

/// A RAM role.
#[derive(Clone, Debug)]
pub struct RamRole {
    /// The name, as it appears at the end of the role's ARN.
    pub name: String,
    /// The principals that may assume the role.
    pub trusted: Vec<TrustedPrincipal>,
    /// The permissions of the role's sessions; `None` allows everything.
    pub policy: Option<RamPolicy>,
    /// The longest session in seconds.
    pub max_session: i64,
}

impl RamRole {
    /// Creates a role that every principal of the account may assume for up to an hour and that
    /// allows everything.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            trusted: vec![TrustedPrincipal::Account],
            policy: None,
            max_session: 3600,
        }
    }
}

/// An OIDC provider. Its tokens are signed with a shared secret (HS256) instead of the public keys
/// of a real provider.
#[derive(Clone)]
pub struct OidcProvider {
    /// The name, as it appears at the end of the provider's ARN.
    pub name: String,
    /// The `iss` of its tokens.
    pub issuer: String,
    /// The `aud` of its tokens.
    pub audience: String,
    /// The shared secret.
    pub secret: String,
}

impl OidcProvider {
    /// Creates a provider whose tokens are for `sts.aliyuncs.com`, like those of Kubernetes pods.
    #[must_use]
    pub fn new(
        name: impl Into<String>,
        issuer: impl Into<String>,
        secret: impl Into<String>,
    ) -> Self {
        Self {
            name: name.into(),
            issuer: issuer.into(),
            audience: "sts.aliyuncs.com".to_owned(),
            secret: secret.into(),
        }
    }
}

impl fmt::Debug for OidcProvider {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Provider")
            .field("name", &self.name)
            .field("issuer", &self.issuer)
            .field("audience", &self.audience)
            .finish_non_exhaustive()
    }
}

/// The instance whose metadata is served.
#[derive(Clone, Debug)]
pub struct InstanceMetadata {
    /// The instance's role; `None` for an instance without a role.
    pub role: Option<String>,
    /// The lifetime of the role's keys in seconds. A new key is issued after half of it.
    pub lifetime: i64,
    /// Whether requests without a metadata token are rejected.
    pub hardened: bool,
}

impl Default for InstanceMetadata {
    fn default() -> Self {
        Self { role: None, lifetime: 6 * 3600, hardened: false }
    }
}

/// The options of a local STS.
#[derive(Clone)]
pub struct Options {
    /// The account id of roles and providers.
    pub account: String,
    /// The key ring, with the keys of callers. Issued keys are added to it.
    pub ring: KeyRing,
    /// The roles of the account.
    pub roles: Vec<RamRole>,
    /// The OIDC providers of the account.
    pub providers: Vec<OidcProvider>,
    /// The instance whose metadata is served.
    pub metadata: InstanceMetadata,
    /// The faults to inject.
    pub faults: Faults,
    /// The clock for expiry checks.
    pub clock: Clock,
    /// The seed of keys, tokens and ids; the same seed gives the same values.
    pub seed: [u8; 16],
    /// The receiver of events.
    pub observer: Option<Observer>,
    /// Additional host names of the server.
    pub hosts: AllowedHosts,
}

impl Options {
    /// Creates options with this clock and seed, without keys, roles, providers and faults.
    #[must_use]
    pub fn new(clock: Clock, seed: [u8; 16]) -> Self {
        Self {
            account: "1234567890123456".to_owned(),
            ring: KeyRing::default(),
            roles: Vec::new(),
            providers: Vec::new(),
            metadata: InstanceMetadata::default(),
            faults: Faults::default(),
            clock,
            seed,
            observer: None,
            hosts: AllowedHosts::default(),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Options")
            .field("account", &self.account)
            .field("ring", &self.ring)
            .field("roles", &self.roles)
            .field("providers", &self.providers)
            .field("metadata", &self.metadata)
            .field("faults", &self.faults)
            .finish_non_exhaustive()
    }
}

/// An event that a request caused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StsEvent {
    /// A temporary key was issued.
    Issued {
        /// The role of the session.
        role: String,
        /// The session's name.
        session: String,
        /// The key's id.
        key_id: String,
        /// The Unix second from which the key is invalid.
        expires_at: i64,
    },
    /// A request to STS was rejected.
    Refused {
        /// The HTTP status of the response.
        status: u16,
        /// The `Code` of the response.
        code: &'static str,
    },
}

/// The reason why the local STS could not be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OpenError {
    /// A role's name is invalid or used twice; use 1 to 64 of letters, digits, `.`, `_` and `-`.
    RoleName(String),
    /// The role of the instance is not among the roles.
    UnknownRole(String),
}

impl fmt::Display for OpenError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RoleName(name) => write!(
                formatter,
                "{name:?} cannot be a role: 1 to 64 of letters, digits, . _ and -, each name once"
            ),
            Self::UnknownRole(name) => {
                write!(formatter, "the role {name:?} of the instance is not among the roles")
            }
        }
    }
}

impl Error for OpenError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::AccessKey;

    #[test]
    fn debug_output_contains_no_secret_and_no_seed() {
        let mut options = Options::new(Arc::new(|| 0), [77; 16]);
        options.ring.add(AccessKey::new("key-id", "marker-secret"));
        options.providers.push(OidcProvider::new("ack", "issuer", "marker-shared"));
        let text = format!("{options:?}");
        assert!(text.contains("key-id") && text.contains("issuer"));
        assert!(!text.contains("marker") && !text.contains("77"), "{text}");
    }
}
