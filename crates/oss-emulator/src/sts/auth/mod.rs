//! Who asks: the signature of a call, in both versions, and the key behind it.
//!
//! Both versions make the same [`Claim`]; the checks of clock, key, token, signature and nonce are
//! the same too. A nonce counts as used only after the signature was found right, or anybody could
//! use up those of others.

mod acs3;
mod nonces;
mod v1;

use percent_encoding::AsciiSet;
use percent_encoding::NON_ALPHANUMERIC;
use percent_encoding::utf8_percent_encode;

use crate::dates;
use crate::keys::AccessKey;
use crate::sts::call::Call;
use crate::sts::call::Parameter;
use crate::sts::refusal::Kind;
use crate::sts::refusal::Refusal;

pub(super) use self::nonces::Nonces;

/// How far a timestamp may be from the clock, in seconds.
const WINDOW: i64 = 15 * 60;

/// What stays as it is: RFC 3986's unreserved characters.
const UNRESERVED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// What a call is judged by.
#[derive(Clone, Copy)]
pub(super) struct Court<'a> {
    pub(super) keys: &'a [AccessKey],
    pub(super) nonces: &'a Nonces,
    pub(super) now: i64,
}

/// What a signed call says of itself.
struct Claim<'a> {
    key_id: &'a str,
    token: Option<&'a str>,
    timestamp: &'a str,
    nonce: &'a str,
    signature: &'a str,
    string_to_sign: String,
    /// Says whether a signature is the one that a secret makes for a text.
    verifies: fn(secret: &str, text: &str, signature: &str) -> bool,
}

impl<'a> Court<'a> {
    /// Checks that a call is signed by a key that works, and returns the key.
    pub(super) fn authenticate(&self, call: &Call) -> Result<&'a AccessKey, Refusal> {
        let claim = match call.header("authorization") {
            Some(authorization) => acs3::claim(call, authorization)?,
            None => v1::claim(call)?,
        };
        self.check_time(claim.timestamp)?;
        let key = self.find(&claim)?;
        if !(claim.verifies)(&key.secret, &claim.string_to_sign, claim.signature) {
            return Err(Kind::Mismatch
                .because(format_args!("server string to sign is:{}", claim.string_to_sign)));
        }
        self.use_nonce(claim.nonce)?;
        Ok(key)
    }

    /// Checks the clock and the nonce of a call that is not signed, as far as it has them.
    pub(super) fn admit(&self, call: &Call) -> Result<(), Refusal> {
        if let Some(timestamp) = call.common("x-acs-date", "Timestamp") {
            self.check_time(timestamp)?;
        }
        match call.common("x-acs-signature-nonce", "SignatureNonce") {
            Some(nonce) => self.use_nonce(nonce),
            None => Ok(()),
        }
    }

    fn check_time(&self, text: &str) -> Result<(), Refusal> {
        let moment = dates::parse_iso(text, false).ok_or_else(|| Kind::TimestampFormat.plain())?;
        if moment.abs_diff(self.now) > WINDOW.unsigned_abs() {
            return Err(Kind::TimestampExpired.plain());
        }
        Ok(())
    }

    fn use_nonce(&self, nonce: &str) -> Result<(), Refusal> {
        // A timestamp from the future keeps a call good for two windows.
        let good_until = self.now.saturating_add(2 * WINDOW);
        if self.nonces.take(nonce, self.now, good_until) {
            return Ok(());
        }
        Err(Kind::NonceUsed.plain())
    }

    fn find(&self, claim: &Claim<'_>) -> Result<&'a AccessKey, Refusal> {
        let mut own = self.keys.iter().filter(|key| key.id == claim.key_id);
        let first = own.clone().next().ok_or_else(|| Kind::KeyNotFound.plain())?;
        let key = own.find(|key| key.security_token.as_deref() == claim.token).unwrap_or(first);
        match (key.security_token.as_deref(), claim.token) {
            (None, None) => {}
            (Some(own), Some(sent)) if own == sent => {}
            (Some(_), None) => return Err(Kind::TokenMissing.plain()),
            (_, Some(sent)) => return Err(self.foreign(sent)),
        }
        if key.expires_at.is_some_and(|end| self.now >= end) {
            let temporary = key.security_token.is_some();
            let kind = if temporary { Kind::TokenExpired } else { Kind::KeyInactive };
            return Err(kind.plain());
        }
        Ok(key)
    }

    fn foreign(&self, token: &str) -> Refusal {
        let known = self.keys.iter().any(|key| key.security_token.as_deref() == Some(token));
        let kind = if known { Kind::TokenMismatch } else { Kind::TokenMalformed };
        kind.plain()
    }
}

/// Writes parameters in the one order and spelling that are signed.
fn canonical<'p>(parameters: impl Iterator<Item = &'p Parameter>) -> String {
    let mut sorted: Vec<&Parameter> = parameters.collect();
    sorted.sort();
    let pairs: Vec<String> = sorted
        .into_iter()
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
        .collect();
    pairs.join("&")
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, &UNRESERVED).to_string()
}

#[cfg(test)]
mod tests;
