//! A key as a service, a file or a command told it, before it is believed.
//!
//! All sources check here, so that none gives out half a key: id, secret, token and end are taken
//! from one answer together, and what is missing, unprintable or over is a flaw and not a key.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use serde::Deserializer;

use crate::credentials::Credentials;
use crate::secret::Secret;
use crate::time::Timestamp;

/// How long a temporary key of unknown end is counted on.
///
/// Nobody knows how old it is. STS gives no key for less than this, so whoever wrote it a moment ago
/// is believed in full; and an old one is soon looked up again in the place where it was found.
pub(super) const UNKNOWN_END: Duration = Duration::from_mins(15);

/// What was found. An empty text counts as none.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    pub(super) key_id: Option<String>,
    pub(super) secret: Option<Secret>,
    pub(super) token: Option<Secret>,
    pub(super) expiration: Option<String>,
}

/// Says why what was found is no key. Never repeats what was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    /// A part is not there.
    Missing(&'static str),
    /// A part holds a space or what no key holds.
    Unprintable(&'static str),
    /// The end is no moment.
    NoMoment,
    /// The end is over.
    Ended(Timestamp),
}

impl fmt::Display for Flaw {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(part) => write!(formatter, "it has no {part}"),
            Self::Unprintable(part) => {
                write!(formatter, "its {part} holds characters that no key has, such as a space")
            }
            Self::NoMoment => formatter.write_str("its expiration is no moment in time"),
            Self::Ended(end) => write!(formatter, "it ended at {end}"),
        }
    }
}

impl Found {
    /// Tells whether there is nothing at all, as in a file that was never filled in.
    pub(super) fn is_empty(&self) -> bool {
        self.key_id.is_none() && self.secret.is_none() && self.token.is_none()
    }

    /// Believes the key, or says what is wrong with it.
    pub(super) fn check(self, now: Timestamp) -> Result<Credentials, Flaw> {
        let key_id = self.key_id.ok_or(Flaw::Missing("access key id"))?;
        let secret = self.secret.ok_or(Flaw::Missing("access key secret"))?;
        for (part, text) in [
            ("access key id", key_id.as_str()),
            ("access key secret", secret.expose()),
            ("security token", self.token.as_ref().map_or("", Secret::expose)),
        ] {
            if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err(Flaw::Unprintable(part));
            }
        }
        let usable_until = match self.expiration.as_deref() {
            Some(text) => Some(read_end(text).ok_or(Flaw::NoMoment)?),
            None => self.token.as_ref().map(|_| now.plus(UNKNOWN_END)),
        };
        match usable_until {
            Some(end) if end <= now => Err(Flaw::Ended(end)),
            _ => Ok(Credentials { key_id, secret, token: self.token, usable_until }),
        }
    }

    /// Believes a temporary key whose end is told, as services tell it.
    pub(super) fn check_temporary(self, now: Timestamp) -> Result<Credentials, Flaw> {
        if self.token.is_none() {
            return Err(Flaw::Missing("security token"));
        }
        if self.expiration.is_none() {
            return Err(Flaw::Missing("expiration"));
        }
        self.check(now)
    }
}

/// Reads a text; null and the empty text are none.
pub(super) fn text<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<String>::deserialize(from)?.filter(|text| !text.is_empty()))
}

/// Reads a secret text into the type that cannot print; null and the empty text are none.
pub(super) fn secret<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Secret>, D::Error> {
    Ok(text(from)?.map(Secret::new))
}

/// Reads an end that is a text or a number of Unix seconds; zero is none.
pub(super) fn moment<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Seconds(u64),
        Text(String),
    }
    Ok(match Option::<Written>::deserialize(from)? {
        Some(Written::Seconds(seconds)) if seconds > 0 => Some(seconds.to_string()),
        Some(Written::Text(text)) if !text.is_empty() => Some(text),
        _ => None,
    })
}

/// Reads the moment at which a key ends: as services write it, or in Unix seconds, as the command
/// line tool keeps it. An end is a moment and never a duration: the two have been mixed up before.
fn read_end(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Timestamp::from_unix(text.parse().ok()?);
    }
    Timestamp::parse_rfc3339(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(id: &str, secret: &str, token: &str, end: &str) -> Found {
        let filled = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Found {
            key_id: filled(id),
            secret: filled(secret).map(Secret::new),
            token: filled(token).map(Secret::new),
            expiration: filled(end),
        }
    }

    #[test]
    fn half_a_key_is_a_flaw() {
        let now = Timestamp::from_unix(1_000).unwrap();
        let table = [
            (found("", "s", "t", ""), Flaw::Missing("access key id")),
            (found("id", "", "t", ""), Flaw::Missing("access key secret")),
            (found("i d", "s", "t", ""), Flaw::Unprintable("access key id")),
            (found("id", "s\n", "t", ""), Flaw::Unprintable("access key secret")),
            (found("id", "s", "t # old", ""), Flaw::Unprintable("security token")),
            (found("id", "s", "t", "soon"), Flaw::NoMoment),
            (found("id", "s", "t", "1000"), Flaw::Ended(now)),
        ];
        for (found, flaw) in table {
            assert_eq!(found.check(now).unwrap_err(), flaw);
        }
        assert_eq!(
            found("id", "s", "", "2000").check_temporary(now).unwrap_err(),
            Flaw::Missing("security token")
        );
        assert_eq!(
            found("id", "s", "t", "").check_temporary(now).unwrap_err(),
            Flaw::Missing("expiration")
        );
    }

    #[test]
    fn an_end_is_told_or_short_or_none() {
        let now = Timestamp::from_unix(1_000).unwrap();
        let end = |found: Found| found.check(now).unwrap().usable_until;
        assert_eq!(end(found("id", "s", "t", "5000")), Timestamp::from_unix(5_000));
        assert_eq!(end(found("id", "s", "t", "")), Timestamp::from_unix(1_900));
        assert_eq!(end(found("id", "s", "", "")), None);
    }
}
