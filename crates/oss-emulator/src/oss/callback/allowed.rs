//! The addresses that callbacks may go to.
//!
//! A form can name any address, and the answer to the callback is the answer to the upload. On a developer's machine
//! that would let whoever has a form call every service that listens there, and read what it answers.

use std::fmt;
use std::str::FromStr;

use crate::oss::callback::outcome::Failure;
use crate::oss::callback::target::Target;

/// Says which addresses of this machine callbacks may go to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum CallbackTo {
    /// Every one.
    #[default]
    Everywhere,
    /// These only.
    Only(Vec<Address>),
}

/// An address that callbacks may go to: a path of a server, with any query, or a whole server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    target: Target,
    is_whole_server: bool,
}

/// Says that a text is no address to call, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidAddress(String);

impl fmt::Display for InvalidAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for InvalidAddress {}

impl FromStr for Address {
    type Err = InvalidAddress;

    /// Reads `http://127.0.0.1:3000`, which is the whole server, or an address with a path.
    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        let target = Target::parse(text).map_err(|refusal| {
            InvalidAddress(refusal.reason().replace("callbackUrl has the address", "it is"))
        })?;
        let authority = text.split_once("://").map_or(text, |(_, rest)| rest);
        Ok(Self { target, is_whole_server: !authority.contains(['/', '?']) })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.target.without_query();
        formatter.write_str(if self.is_whole_server { text.trim_end_matches('/') } else { &text })
    }
}

impl Address {
    fn covers(&self, target: &Target) -> bool {
        let own = &self.target;
        let same_server =
            (own.secure, &own.host, own.port) == (target.secure, &target.host, target.port);
        let same_path = own.path_and_query.path() == target.path_and_query.path();
        same_server && (self.is_whole_server || same_path)
    }
}

impl CallbackTo {
    /// Refuses an address that may not be called.
    pub(super) fn check(&self, target: &Target) -> Result<(), Failure> {
        match self {
            Self::Everywhere => Ok(()),
            Self::Only(allowed) if allowed.iter().any(|one| one.covers(target)) => Ok(()),
            Self::Only(allowed) => {
                Err(Failure::NotAllowed(allowed.iter().map(ToString::to_string).collect()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn goes(allowed: &[&str], to: &str) -> bool {
        let allowed = allowed.iter().map(|one| one.parse().unwrap()).collect();
        CallbackTo::Only(allowed).check(&Target::parse(to).unwrap()).is_ok()
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
            assert!(goes(&allowed, to), "{to}");
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
            assert!(!goes(&allowed, to), "{to}");
        }
        assert!(!goes(&[], "http://127.0.0.1:8080/"));
        assert!(!goes(&["http://127.0.0.1:8080/"], "http://127.0.0.1:8080/admin"));
    }

    #[test]
    fn everything_is_allowed_where_nothing_is_said() {
        let target = Target::parse("http://127.0.0.1:1/x").unwrap();
        assert_eq!(CallbackTo::default().check(&target), Ok(()));
    }

    #[test]
    fn an_address_is_written_as_it_is_read() {
        for text in ["http://127.0.0.1:3000", "http://127.0.0.1:3000/", "http://a.localhost/b"] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
        assert!("ftp://a".parse::<Address>().is_err());
    }
}
