//! What all calls share: roles, providers, the ring, the mint, what was used up.

use std::fmt::Display;

use crate::faults::Faults;
use crate::hosts::Hosts;
use crate::keys::KeyRing;
use crate::sts::auth::Nonces;
use crate::sts::issue::Mint;
use crate::sts::metadata::Instance;
use crate::sts::options::Clock;
use crate::sts::options::Event;
use crate::sts::options::Observer;
use crate::sts::options::OpenError;
use crate::sts::options::Options;
use crate::sts::options::Provider;
use crate::sts::options::Role;

/// Holds everything that a call needs.
pub(super) struct Site {
    account: String,
    roles: Vec<Role>,
    providers: Vec<Provider>,
    pub(super) ring: KeyRing,
    pub(super) mint: Mint,
    pub(super) nonces: Nonces,
    pub(super) instance: Instance,
    pub(super) faults: Faults,
    clock: Clock,
    observer: Option<Observer>,
    pub(super) hosts: Hosts,
}

impl Site {
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
            mint: Mint::new(options.seed, options.ring.clone()),
            instance: Instance::new(options.metadata),
            nonces: Nonces::default(),
            account: options.account,
            roles: options.roles,
            providers: options.providers,
            ring: options.ring,
            faults: options.faults,
            clock: options.clock,
            observer: options.observer,
            hosts: options.hosts,
        })
    }

    /// Returns the time in Unix seconds.
    pub(super) fn now(&self) -> i64 {
        (self.clock)()
    }

    /// Tells the observer, if there is one.
    pub(super) fn tell(&self, event: &Event) {
        if let Some(observer) = &self.observer {
            observer(event);
        }
    }

    /// Writes the ARN of a role or a provider of this account.
    pub(super) fn arn(&self, kind: &str, name: impl Display) -> String {
        format!("acs:ram::{}:{kind}/{name}", self.account)
    }

    /// Finds a role by its ARN.
    pub(super) fn role(&self, arn: &str) -> Option<&Role> {
        self.roles.iter().find(|role| self.arn("role", &role.name) == arn)
    }

    /// Finds a role by its name.
    pub(super) fn role_named(&self, name: &str) -> Option<&Role> {
        self.roles.iter().find(|role| role.name == name)
    }

    /// Finds a provider by its ARN.
    pub(super) fn provider(&self, arn: &str) -> Option<&Provider> {
        self.providers.iter().find(|provider| self.arn("oidc-provider", &provider.name) == arn)
    }
}

fn is_role_name(name: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=64).contains(&name.len()) && name.bytes().all(known)
}
