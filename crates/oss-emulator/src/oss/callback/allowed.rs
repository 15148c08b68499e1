//! The addresses that callbacks may be sent to.
//!
//! A form can name any address, and the response to the callback becomes the response to the
//! upload. Without a restriction, anyone who can upload could call every service on a developer's
//! machine and read its responses.

use std::fmt;
use std::str::FromStr;

use crate::oss::callback::client::CallbackError;
use crate::oss::callback::parameter::CallbackTarget;

/// The addresses of this machine that callbacks may be sent to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AllowedCallbacks {
    /// All addresses.
    #[default]
    All,
    /// Only these addresses.
    Only(Vec<CallbackAddress>),
}

/// An address that callbacks may be sent to: one path of a server with any query, or a whole
/// server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallbackAddress {
    target: CallbackTarget,
    is_whole_server: bool,
}

/// The reason why a text is not a callback address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidCallbackAddress(String);

impl fmt::Display for InvalidCallbackAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for InvalidCallbackAddress {}

impl FromStr for CallbackAddress {
    type Err = InvalidCallbackAddress;

    /// Parses `http://127.0.0.1:3000`, which means the whole server, or an address with a path.
    fn from_str(text: &str) -> Result<Self, InvalidCallbackAddress> {
        let target = CallbackTarget::parse(text).map_err(|error| {
            InvalidCallbackAddress(error.reason().replace("callbackUrl has the address", "it is"))
        })?;
        let authority = text.split_once("://").map_or(text, |(_, rest)| rest);
        Ok(Self { target, is_whole_server: !authority.contains(['/', '?']) })
    }
}

impl fmt::Display for CallbackAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.target.without_query();
        formatter.write_str(if self.is_whole_server { text.trim_end_matches('/') } else { &text })
    }
}

impl CallbackAddress {
    fn covers(&self, target: &CallbackTarget) -> bool {
        let own = &self.target;
        let same_server =
            (own.secure, &own.host, own.port) == (target.secure, &target.host, target.port);
        let same_path = own.path_and_query.path() == target.path_and_query.path();
        same_server && (self.is_whole_server || same_path)
    }
}

impl AllowedCallbacks {
    /// Checks that callbacks may be sent to this address.
    pub(super) fn check(&self, target: &CallbackTarget) -> Result<(), CallbackError> {
        match self {
            Self::All => Ok(()),
            Self::Only(allowed) if allowed.iter().any(|one| one.covers(target)) => Ok(()),
            Self::Only(allowed) => {
                Err(CallbackError::NotAllowed(allowed.iter().map(ToString::to_string).collect()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(allowed: &[&str], to: &str) -> bool {
        let allowed = allowed.iter().map(|one| one.parse().unwrap()).collect();
        AllowedCallbacks::Only(allowed).check(&CallbackTarget::parse(to).unwrap()).is_ok()
    }

    #[test]
    fn a_path_is_allowed_alone_and_with_any_query() {
        let allowed = ["http://127.0.0.1:8080/callback/a", "http://localhost:3000"];
        for to in [
            "http://127.0.0.1:8080/callback/a",
            "http://127.0.0.1:8080/callback/a?b=c",
            "http://LOCALHOST:3000/any/path",
            "http://localhost:3000",
        ] {
            assert!(allows(&allowed, to), "{to}");
        }
        for to in [
            "http://127.0.0.1:8080/",
            "http://127.0.0.1:8080/callback/ab",
            "http://127.0.0.1:8080/callback/a/",
            "http://127.0.0.1:8080/callback/a/../b",
            "http://127.0.0.1:8081/callback/a",
            "http://127.0.0.2:8080/callback/a",
            "https://127.0.0.1:8080/callback/a",
            "http://localhost:3001/",
            "http://localhost/",
            "http://evil.localhost:3000/",
        ] {
            assert!(!allows(&allowed, to), "{to}");
        }
        assert!(!allows(&[], "http://127.0.0.1:8080/"));
        assert!(!allows(&["http://127.0.0.1:8080/"], "http://127.0.0.1:8080/admin"));
    }

    #[test]
    fn all_addresses_are_allowed_by_default() {
        let target = CallbackTarget::parse("http://127.0.0.1:1/x").unwrap();
        assert_eq!(AllowedCallbacks::default().check(&target), Ok(()));
    }

    #[test]
    fn an_address_is_formatted_as_it_was_parsed() {
        for text in ["http://127.0.0.1:3000", "http://127.0.0.1:3000/", "http://a.localhost/b"] {
            assert_eq!(text.parse::<CallbackAddress>().unwrap().to_string(), text);
        }
        assert!("ftp://a".parse::<CallbackAddress>().is_err());
    }
}
