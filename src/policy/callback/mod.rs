//! What OSS tells of a stored object, and to whom.
//!
//! The rules are those of the documentation's page on callbacks: one to five addresses, a body with
//! OSS's own `${…}`, and variables of the form, whose names begin with `x:`. Whether an address is one
//! that OSS can reach is `settings/`' business, how all of it stands in a form that of `receipt`.

pub mod body;

use std::fmt;

use crate::policy::callback::body::Body;
use crate::policy::template::Template;

/// The most addresses that OSS tries.
pub const MAX_ADDRESSES: usize = 5;

/// The longest value of the field `callback`, in bytes. One page says 5 KB for it; others say 8 KB and
/// 4 KB for any field of a form, and 2 MB besides. What keeps to the smallest is right by all of them.
pub const MAX_FIELD_BYTES: usize = 4096;

/// What stands before a variable's name in a form.
pub const PREFIX: &str = "x:";

/// The variable that the receipt travels in.
pub const RECEIPT: &str = "receipt";

/// The callback that a route's forms order from OSS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callback {
    /// Who is called.
    pub to: Target,
    /// What is told.
    pub body: Body,
    /// The `Host` of the call, where it is not that of the address.
    pub host: Option<String>,
    /// Whether OSS names the host in the TLS handshake.
    pub sni: bool,
    /// The variables that the server sets, by name without `x:`, in order.
    pub variables: Vec<(String, Template)>,
}

/// Who is called when an object is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The function itself, which verifies the call and its receipt.
    Own,
    /// Somebody else, at the first of these addresses that answers well.
    Addresses(Vec<String>),
}

impl Callback {
    /// Gives the address to call, several parted as OSS reads them; the function's own needs to know
    /// `own`, its scheme and host.
    #[must_use]
    pub fn address(&self, route: &str, own: Option<&str>) -> Option<String> {
        match &self.to {
            Target::Own => own.map(|own| format!("{own}/callback/{route}")),
            Target::Addresses(addresses) => Some(addresses.join(";")),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own => formatter.write_str("the function itself"),
            Self::Addresses(addresses) => formatter.write_str(&addresses.join(", else ")),
        }
    }
}

/// Tells a variable's name: lower-case letters, digits, `_` and `-`. OSS knows no capitals in them.
#[must_use]
pub fn is_name(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-');
    (1..=64).contains(&text.len()) && text.bytes().all(plain)
}

/// Tells a plain `host` or `host:port`: a name or an IPv4 address, and nothing that could lead
/// elsewhere when it is put into an address.
#[must_use]
pub fn is_authority(text: &str) -> bool {
    let (host, port) = text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port)));
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    let is_label = |label: &str| !label.is_empty() && label.bytes().all(plain);
    let is_port = |port: &str| {
        port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0)
    };
    host.len() <= 253 && host.split('.').all(is_label) && port.is_none_or(is_port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_is_a_host_and_perhaps_a_port() {
        for good in ["a", "a.example.com", "a_b.example.com:8443", "127.0.0.1:65535"] {
            assert!(is_authority(good), "{good}");
        }
        for bad in [
            "", ":80", "a:", "a:0", "a:65536", "a:+80", "a:8 0", "a..b", ".a", "a.", "[::1]",
            "u@a", "a/b", "a?b", "a#b", "a;b", "é", "a b", "a:80:80", "a\\b",
        ] {
            assert!(!is_authority(bad), "{bad}");
        }
        assert!(!is_authority(&"a".repeat(254)));
    }

    #[test]
    fn names_are_plain_and_in_lower_case() {
        for (name, plain) in [
            ("album", true),
            ("a_1-b", true),
            ("", false),
            ("Album", false),
            ("a.b", false),
            ("x:a", false),
            ("é", false),
        ] {
            assert_eq!(is_name(name), plain, "{name}");
        }
        assert!(!is_name(&"a".repeat(65)));
    }
}
