//! Credentials as a service, a file or a command states them, before they are checked.
//!
//! Every provider checks here, so that none returns half a key: id, secret, token and end come from one
//! response together, and a missing, unprintable or expired part is an error. This file also reads the JSON
//! response of the metadata service and of credentials services.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer};

use crate::credentials::{Credentials, ProviderError};
use crate::secret::Secret;
use crate::time::Timestamp;

/// How long a temporary key without a stated end is used.
///
/// Its age is unknown. STS issues no key for less than this, so it is right for a key that was written a moment
/// ago; an old one is soon read again from its source.
pub(super) const UNKNOWN_END: Duration = Duration::from_mins(15);

/// Unchecked credentials. An empty text counts as `None`.
#[derive(Clone, Debug, Default)]
pub(super) struct RawCredentials {
    pub(super) key_id: Option<String>,
    pub(super) secret: Option<Secret>,
    pub(super) token: Option<Secret>,
    pub(super) expiration: Option<String>,
}

/// The reason why they are not usable. Never contains a part of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum InvalidCredentials {
    /// A part is missing.
    Missing(&'static str),
    /// A part contains a space or another character that no key has.
    Unprintable(&'static str),
    /// The end is not a timestamp.
    MalformedEnd,
    /// The end is past.
    Expired(Timestamp),
}

impl fmt::Display for InvalidCredentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(part) => write!(formatter, "it has no {part}"),
            Self::Unprintable(part) => {
                write!(formatter, "its {part} holds characters that no key has, such as a space")
            }
            Self::MalformedEnd => formatter.write_str("its expiration is no moment in time"),
            Self::Expired(end) => write!(formatter, "it ended at {end}"),
        }
    }
}

impl RawCredentials {
    /// Returns whether every part is missing, as in a file that was never filled in.
    #[cfg(feature = "local-credentials")]
    pub(super) fn is_empty(&self) -> bool {
        self.key_id.is_none() && self.secret.is_none() && self.token.is_none()
    }

    /// Returns usable credentials, or the first problem.
    pub(super) fn check(self, now: Timestamp) -> Result<Credentials, InvalidCredentials> {
        let key_id = self.key_id.ok_or(InvalidCredentials::Missing("access key id"))?;
        let secret = self.secret.ok_or(InvalidCredentials::Missing("access key secret"))?;
        for (part, text) in [
            ("access key id", key_id.as_str()),
            ("access key secret", secret.expose()),
            ("security token", self.token.as_ref().map_or("", Secret::expose)),
        ] {
            if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err(InvalidCredentials::Unprintable(part));
            }
        }
        let usable_until = match self.expiration.as_deref() {
            Some(text) => Some(read_end(text).ok_or(InvalidCredentials::MalformedEnd)?),
            None => self.token.as_ref().map(|_| now.plus(UNKNOWN_END)),
        };
        match usable_until {
            Some(end) if end <= now => Err(InvalidCredentials::Expired(end)),
            _ => Ok(Credentials { key_id, secret, token: self.token, usable_until }),
        }
    }

    /// Like [`check`](Self::check), for services: the key has to be temporary and to have an end.
    pub(super) fn check_temporary(self, now: Timestamp) -> Result<Credentials, InvalidCredentials> {
        if self.token.is_none() {
            return Err(InvalidCredentials::Missing("security token"));
        }
        if self.expiration.is_none() {
            return Err(InvalidCredentials::Missing("expiration"));
        }
        self.check(now)
    }
}

/// Reads a text; null and the empty text are `None`.
pub(super) fn text<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<String>::deserialize(from)?.filter(|text| !text.is_empty()))
}

/// Reads a secret; null and the empty text are `None`.
pub(super) fn secret<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Secret>, D::Error> {
    Ok(text(from)?.map(Secret::new))
}

/// Reads an end that is a text or a number of Unix seconds; zero is `None`.
pub(super) fn moment<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum StatedEnd {
        Seconds(u64),
        Text(String),
    }
    Ok(match Option::<StatedEnd>::deserialize(from)? {
        Some(StatedEnd::Seconds(seconds)) if seconds > 0 => Some(seconds.to_string()),
        Some(StatedEnd::Text(text)) if !text.is_empty() => Some(text),
        _ => None,
    })
}

/// Reads the end of a key: RFC 3339 as services write it, or Unix seconds as the command line tool does. It is
/// a point in time and never a duration.
fn read_end(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Timestamp::from_unix(text.parse().ok()?);
    }
    Timestamp::parse_rfc3339(text)
}

/// Bytes of a response. The length of a token is not specified, but this is far above any.
pub(super) const MAX_BODY: usize = 64 * 1024;

/// Characters of a response's code that are shown.
const MAX_CODE: usize = 64;

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct CredentialsResponse {
    #[serde(deserialize_with = "text")]
    code: Option<String>,
    #[serde(deserialize_with = "text")]
    access_key_id: Option<String>,
    #[serde(deserialize_with = "secret")]
    access_key_secret: Option<Secret>,
    #[serde(deserialize_with = "secret")]
    security_token: Option<Secret>,
    #[serde(deserialize_with = "moment")]
    expiration: Option<String>,
}

/// Reads the response of the metadata service or of a credentials service. The next response may be better, so
/// every error is temporary.
pub(super) fn read_response(body: &[u8], now: Timestamp) -> Result<Credentials, ProviderError> {
    // A JSON list would also be accepted, element by element, and something else be shown as the code.
    let is_object = body.trim_ascii_start().starts_with(b"{");
    let response: Option<CredentialsResponse> =
        is_object.then(|| serde_json::from_slice(body).ok()).flatten();
    let response = response
        .ok_or_else(|| ProviderError::temporary("the answer is not the JSON object of a key"))?;
    if let Some(code) = response.code.filter(|code| code != "Success") {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
        let shown = if code.len() <= MAX_CODE && code.bytes().all(plain) { &code } else { "other" };
        return Err(ProviderError::temporary(format!(
            "the answer's Code is {shown} and not Success"
        )));
    }
    let found = RawCredentials {
        key_id: response.access_key_id,
        secret: response.access_key_secret,
        token: response.security_token,
        expiration: response.expiration,
    };
    found.check_temporary(now).map_err(|error| {
        ProviderError::temporary(format!("the key in the answer is of no use: {error}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(id: &str, secret: &str, token: &str, end: &str) -> RawCredentials {
        let filled = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        RawCredentials {
            key_id: filled(id),
            secret: filled(secret).map(Secret::new),
            token: filled(token).map(Secret::new),
            expiration: filled(end),
        }
    }

    #[test]
    fn an_incomplete_or_malformed_key_is_an_error() {
        let now = Timestamp::from_unix(1_000).unwrap();
        let table = [
            (found("", "s", "t", ""), InvalidCredentials::Missing("access key id")),
            (found("id", "", "t", ""), InvalidCredentials::Missing("access key secret")),
            (found("i d", "s", "t", ""), InvalidCredentials::Unprintable("access key id")),
            (found("id", "s\n", "t", ""), InvalidCredentials::Unprintable("access key secret")),
            (found("id", "s", "t # old", ""), InvalidCredentials::Unprintable("security token")),
            (found("id", "s", "t", "soon"), InvalidCredentials::MalformedEnd),
            (found("id", "s", "t", "1000"), InvalidCredentials::Expired(now)),
        ];
        for (found, error) in table {
            assert_eq!(found.check(now).unwrap_err(), error);
        }
        assert_eq!(
            found("id", "s", "", "2000").check_temporary(now).unwrap_err(),
            InvalidCredentials::Missing("security token")
        );
        assert_eq!(
            found("id", "s", "t", "").check_temporary(now).unwrap_err(),
            InvalidCredentials::Missing("expiration")
        );
    }

    #[test]
    fn a_key_without_a_stated_end_is_used_for_a_short_time() {
        let now = Timestamp::from_unix(1_000).unwrap();
        let end = |found: RawCredentials| found.check(now).unwrap().usable_until;
        assert_eq!(end(found("id", "s", "t", "5000")), Timestamp::from_unix(5_000));
        assert_eq!(end(found("id", "s", "t", "")), Timestamp::from_unix(1_900));
        assert_eq!(end(found("id", "s", "", "")), None);
    }
}
