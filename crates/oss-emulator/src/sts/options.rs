//! What the local STS is opened with, and what it tells while it runs.
//!
//! Everything from the outside world comes in here: keys, roles, clock, seed.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use crate::faults::Faults;
use crate::hosts::Hosts;
use crate::keys::KeyRing;
use crate::ram::Document;

/// Gives the time in Unix seconds.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Is told what happened, for the tool's console.
pub type Observer = Arc<dyn Fn(&Event) + Send + Sync>;

/// Names somebody whom a role trusts to assume it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trusted {
    /// Every user and every role of the account; never the account itself.
    Account,
    /// The user who has the key of this id.
    Key(String),
    /// The sessions of the role with this ARN.
    Role(String),
    /// Whoever has a token of this OIDC provider.
    Provider(String),
}

/// Describes a role.
#[derive(Clone, Debug)]
pub struct Role {
    /// The role's name, as it stands at the end of its ARN.
    pub name: String,
    /// Who may assume it.
    pub trusted: Vec<Trusted>,
    /// What its sessions may do; none means everything.
    pub policy: Option<Document>,
    /// The longest session in seconds.
    pub max_session: i64,
}

impl Role {
    /// Makes a role that its whole account may assume for an hour and that may do everything.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), trusted: vec![Trusted::Account], policy: None, max_session: 3600 }
    }
}

/// Describes an OIDC provider. Its tokens are signed with a shared secret (HS256), a stand-in for
/// the published keys of a real one.
#[derive(Clone)]
pub struct Provider {
    /// The provider's name, as it stands at the end of its ARN.
    pub name: String,
    /// The `iss` of its tokens.
    pub issuer: String,
    /// The `aud` of its tokens.
    pub audience: String,
    /// What signs them.
    pub secret: String,
}

impl Provider {
    /// Makes a provider whose tokens are for `sts.aliyuncs.com`, as those of pods are.
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

impl fmt::Debug for Provider {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Provider")
            .field("name", &self.name)
            .field("issuer", &self.issuer)
            .field("audience", &self.audience)
            .finish_non_exhaustive()
    }
}

/// Describes the instance whose metadata is served.
#[derive(Clone, Debug)]
pub struct Metadata {
    /// The instance's role; none means that the instance has none.
    pub role: Option<String>,
    /// How long its keys live, in seconds; new ones are there from half of that on.
    pub lifetime: i64,
    /// Whether a call without a metadata token is refused.
    pub hardened: bool,
}

impl Default for Metadata {
    fn default() -> Self {
        Self { role: None, lifetime: 6 * 3600, hardened: false }
    }
}

/// Holds everything that a local STS is opened with.
#[derive(Clone)]
pub struct Options {
    /// The account to which roles and providers belong.
    pub account: String,
    /// The keys of callers, and where issued ones go.
    pub ring: KeyRing,
    /// The roles.
    pub roles: Vec<Role>,
    /// The OIDC providers.
    pub providers: Vec<Provider>,
    /// The instance whose metadata is served.
    pub metadata: Metadata,
    /// The faults that calls meet.
    pub faults: Faults,
    /// The clock that expiry is judged by.
    pub clock: Clock,
    /// What keys, tokens and ids are made from; the same seed makes the same ones.
    pub seed: [u8; 16],
    /// Who is told what happened.
    pub observer: Option<Observer>,
    /// The names that the server answers to beside this machine's own.
    pub hosts: Hosts,
}

impl Options {
    /// Makes options with this clock and seed, no key, no role, no provider and no fault.
    #[must_use]
    pub fn new(clock: Clock, seed: [u8; 16]) -> Self {
        Self {
            account: "1234567890123456".to_owned(),
            ring: KeyRing::default(),
            roles: Vec::new(),
            providers: Vec::new(),
            metadata: Metadata::default(),
            faults: Faults::default(),
            clock,
            seed,
            observer: None,
            hosts: Hosts::default(),
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

/// Tells what happened to a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A temporary key was issued.
    Issued {
        /// The role whose session it is.
        role: String,
        /// The session's name.
        session: String,
        /// The key's id.
        key_id: String,
        /// The Unix second at which it ends.
        expires_at: i64,
    },
    /// A call of STS was refused.
    Refused {
        /// The HTTP status of the answer.
        status: u16,
        /// The `Code` of the answer.
        code: &'static str,
    },
}

/// Says why the local STS could not be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OpenError {
    /// A role's name is none; use 1 to 64 of letters, digits, `.`, `_` and `-`, and each once.
    RoleName(String),
    /// The instance has a role that is not among the roles.
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
                write!(formatter, "the instance has the role {name:?}, which is not described")
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
    fn debug_shows_no_secret_and_no_seed() {
        let mut options = Options::new(Arc::new(|| 0), [77; 16]);
        options.ring.add(AccessKey::new("key-id", "marker-secret"));
        options.providers.push(Provider::new("ack", "issuer", "marker-shared"));
        let text = format!("{options:?}");
        assert!(text.contains("key-id") && text.contains("issuer"));
        assert!(!text.contains("marker") && !text.contains("77"), "{text}");
    }
}
