//! The address of the store: `redis://user:password@host:port/database`, or `rediss://` with TLS.

use std::fmt;
use std::net::IpAddr;

use percent_encoding::percent_decode_str;
use reqwest::Url;

use crate::secret::Secret;

/// The port of the protocol.
const DEFAULT_PORT: u16 = 6379;

/// The highest number of a database that an address may name.
const MAX_DATABASE: u8 = 255;

const FORM: &str = "the address looks like rediss://user:password@host:6379/0";
const SCHEME: &str = "the address begins with redis://, or with rediss:// for TLS";
const DATABASE: &str = "behind the host there is nothing but the number of a database, 0 to 255; percent-encode the password";
const PASSWORD: &str = "user and password are percent-encoded UTF-8";

/// The address of the store. `Debug` and `Display` leave out user and password.
#[derive(Clone)]
pub struct StoreUrl {
    /// Whether the connection is by TLS.
    pub(super) tls: bool,
    /// A name or an IP address, without brackets.
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) database: u8,
    pub(super) user: Option<String>,
    pub(super) password: Option<Secret>,
}

impl StoreUrl {
    /// Parses an address. No error shows any part of it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let url = Url::parse(text).map_err(|_| FORM)?;
        let tls = match url.scheme() {
            "redis" => false,
            "rediss" => true,
            _ => return Err(SCHEME),
        };
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(FORM)?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err(DATABASE);
        }
        let database = match url.path().trim_start_matches('/') {
            "" => 0,
            number => number.parse().map_err(|_| DATABASE)?,
        };
        if url.path().len() > "/".len() + MAX_DATABASE.to_string().len() {
            return Err(DATABASE);
        }
        let password = url.password().map(decode).transpose()?;
        Ok(Self {
            tls,
            host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
            port: url.port().filter(|port| *port > 0).unwrap_or(DEFAULT_PORT),
            database,
            user: Some(decode(url.username())?).filter(|user| !user.is_empty()),
            password: password.filter(|password| !password.is_empty()).map(Secret::new),
        })
    }

    /// Returns whether the network path can read the password: without TLS, unless the store is on this machine.
    #[must_use]
    pub fn is_readable(&self) -> bool {
        let is_here = self.host == "localhost"
            || self.host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        !self.tls && self.password.is_some() && !is_here
    }

    /// Returns the password; empty if there is none.
    pub(super) fn password(&self) -> &str {
        self.password.as_ref().map_or("", Secret::expose)
    }
}

fn decode(text: &str) -> Result<String, &'static str> {
    let decoded = percent_decode_str(text).decode_utf8().map_err(|_| PASSWORD)?;
    Ok(decoded.into_owned())
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, database, .. } = self;
        let scheme = if self.tls { "rediss" } else { "redis" };
        let (open, close) = if host.contains(':') { ("[", "]") } else { ("", "") };
        write!(formatter, "{scheme}://{open}{host}{close}:{port}/{database}")
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "StoreUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_user_and_password() {
        for (text, shown, user, password) in [
            ("redis://store", "redis://store:6379/0", None, ""),
            ("rediss://store.example.com:6380/", "rediss://store.example.com:6380/0", None, ""),
            ("redis://:marker@10.0.0.1/3", "redis://10.0.0.1:6379/3", None, "marker"),
            (
                "rediss://user:mark%40er%2F@[::1]:7/255",
                "rediss://[::1]:7/255",
                Some("user"),
                "mark@er/",
            ),
        ] {
            let url = StoreUrl::parse(text).unwrap();
            assert_eq!(url.to_string(), shown);
            assert_eq!(format!("{url:?}"), format!("StoreUrl({shown})"));
            assert_eq!((url.user.as_deref(), url.password()), (user, password), "{text}");
        }
    }

    #[test]
    fn no_error_shows_a_part_of_the_address() {
        for (text, error) in [
            ("", FORM),
            ("marker", FORM),
            ("redis://", FORM),
            ("redis://:marker@", FORM),
            ("redis://store:marker", FORM),
            ("http://:marker@store", SCHEME),
            ("redis://:mark#er@store", FORM),
            ("redis://:marker@store/one", DATABASE),
            ("redis://:marker@store/256", DATABASE),
            ("redis://:marker@store/0001", DATABASE),
            ("redis://:marker@store/0?x=1", DATABASE),
            ("redis://:marker@store/0#1", DATABASE),
            ("redis://:%ff@store", PASSWORD),
        ] {
            assert_eq!(StoreUrl::parse(text).map(|url| url.to_string()), Err(error), "{text}");
        }
    }
}
