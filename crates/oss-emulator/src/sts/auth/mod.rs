//! Authentication of a request to STS: its signature, in both versions, and the key that signed.
//!
//! Both versions produce a [`ClaimedSignature`]; the checks of clock, key, token, signature and
//! nonce are common. A nonce is recorded only after the signature was verified; otherwise anyone
//! could use up the nonces of others.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::dates;
use crate::keys::AccessKey;
use crate::sts::error::{StsError, StsErrorKind};
use crate::sts::request::{StsParameter, StsRequest};

mod signature;

/// The tolerance for timestamps in seconds.
const WINDOW: i64 = 15 * 60;

/// The characters that are percent-encoded: all but the unreserved ones of RFC 3986.
const UNRESERVED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The number of nonces below which expired ones are not removed.
const MIN_CLEANUP: usize = 1024;

/// Authenticates requests at one point in time.
#[derive(Clone, Copy)]
pub(super) struct StsAuthenticator<'a> {
    pub(super) keys: &'a [AccessKey],
    pub(super) nonces: &'a NonceStore,
    pub(super) now: i64,
}

/// The parts of a request's signature.
struct ClaimedSignature<'a> {
    key_id: &'a str,
    token: Option<&'a str>,
    timestamp: &'a str,
    nonce: &'a str,
    signature: &'a str,
    string_to_sign: String,
    /// Returns whether a signature is the one that a secret gives for a text.
    verifies: fn(secret: &str, text: &str, signature: &str) -> bool,
}

impl<'a> StsAuthenticator<'a> {
    /// Verifies the signature of a request and returns the key that signed.
    pub(super) fn authenticate(&self, request: &StsRequest) -> Result<&'a AccessKey, StsError> {
        let claimed = match request.header("authorization") {
            Some(authorization) => signature::acs3(request, authorization)?,
            None => signature::v1(request)?,
        };
        self.check_time(claimed.timestamp)?;
        let key = self.find(&claimed)?;
        if !(claimed.verifies)(&key.secret, &claimed.string_to_sign, claimed.signature) {
            return Err(StsErrorKind::Mismatch
                .because(format_args!("server string to sign is:{}", claimed.string_to_sign)));
        }
        self.use_nonce(claimed.nonce)?;
        Ok(key)
    }

    /// Checks timestamp and nonce of an unsigned request, if it has them.
    pub(super) fn check_request(&self, request: &StsRequest) -> Result<(), StsError> {
        if let Some(timestamp) = request.common("x-acs-date", "Timestamp") {
            self.check_time(timestamp)?;
        }
        match request.common("x-acs-signature-nonce", "SignatureNonce") {
            Some(nonce) => self.use_nonce(nonce),
            None => Ok(()),
        }
    }

    fn check_time(&self, text: &str) -> Result<(), StsError> {
        let moment =
            dates::parse_iso(text, false).ok_or_else(|| StsErrorKind::TimestampFormat.error())?;
        if moment.abs_diff(self.now) > WINDOW.unsigned_abs() {
            return Err(StsErrorKind::TimestampExpired.error());
        }
        Ok(())
    }

    fn use_nonce(&self, nonce: &str) -> Result<(), StsError> {
        // A request with a timestamp in the future is valid for up to two windows.
        let good_until = self.now.saturating_add(2 * WINDOW);
        if self.nonces.record(nonce, self.now, good_until) {
            return Ok(());
        }
        Err(StsErrorKind::NonceUsed.error())
    }

    fn find(&self, claimed: &ClaimedSignature<'_>) -> Result<&'a AccessKey, StsError> {
        let mut own = self.keys.iter().filter(|key| key.id == claimed.key_id);
        let first = own.clone().next().ok_or_else(|| StsErrorKind::KeyNotFound.error())?;
        let key = own.find(|key| key.security_token.as_deref() == claimed.token).unwrap_or(first);
        match (key.security_token.as_deref(), claimed.token) {
            (None, None) => {}
            (Some(own), Some(sent)) if own == sent => {}
            (Some(_), None) => return Err(StsErrorKind::TokenMissing.error()),
            (_, Some(sent)) => return Err(self.token_error(sent)),
        }
        if key.expires_at.is_some_and(|end| self.now >= end) {
            let temporary = key.security_token.is_some();
            let kind =
                if temporary { StsErrorKind::TokenExpired } else { StsErrorKind::KeyInactive };
            return Err(kind.error());
        }
        Ok(key)
    }

    fn token_error(&self, token: &str) -> StsError {
        let known = self.keys.iter().any(|key| key.security_token.as_deref() == Some(token));
        let kind = if known { StsErrorKind::TokenMismatch } else { StsErrorKind::TokenMalformed };
        kind.error()
    }
}

/// Sorts and encodes parameters as the signatures require.
fn canonical<'p>(parameters: impl Iterator<Item = &'p StsParameter>) -> String {
    let mut sorted: Vec<&StsParameter> = parameters.collect();
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

/// The used nonces, each with the last Unix second at which it could be used again.
#[derive(Default)]
pub(in crate::sts) struct NonceStore(Mutex<SeenNonces>);

#[derive(Default)]
struct SeenNonces {
    until: HashMap<String, i64>,
    /// The number of nonces left after the last removal.
    remaining: usize,
}

impl NonceStore {
    /// Records a nonce and returns whether it is new.
    pub(in crate::sts) fn record(&self, nonce: &str, now: i64, good_until: i64) -> bool {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Waiting until the number has doubled keeps the cost per request constant on average.
        if seen.until.len() >= MIN_CLEANUP.max(2 * seen.remaining) {
            seen.until.retain(|_, until| *until >= now);
            seen.remaining = seen.until.len();
        }
        match seen.until.insert(nonce.to_owned(), good_until) {
            None => true,
            Some(until) => until < now,
        }
    }
}

impl fmt::Debug for NonceStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("NonceStore(…)")
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::Request;

    use super::*;

    /// Returns a published example, which is a request to another service than STS.
    fn vector(id: &str) -> serde_json::Value {
        let text = include_str!("../../../../../tests/vectors/sts.json");
        let all: serde_json::Value = serde_json::from_str(text).unwrap();
        let all = all["vectors"].as_array().unwrap();
        all.iter().find(|vector| vector["id"] == id).unwrap().clone()
    }

    fn text(value: &serde_json::Value) -> &str {
        value.as_str().unwrap()
    }

    fn query(parameters: &serde_json::Value) -> String {
        let parameters = parameters.as_object().unwrap().iter();
        let pairs: Vec<String> =
            parameters.map(|(name, value)| format!("{name}={}", encode(text(value)))).collect();
        pairs.join("&")
    }

    fn authenticate(
        request: &StsRequest,
        key: AccessKey,
        date: &str,
    ) -> Result<String, &'static str> {
        let now = dates::parse_iso(date, false).unwrap();
        let authenticator = StsAuthenticator { keys: &[key], nonces: &NonceStore::default(), now };
        authenticator.authenticate(request).map(|key| key.id.clone()).map_err(|error| error.code())
    }

    #[test]
    fn the_published_v1_request_is_valid_for_its_secret_only() {
        let vector = vector("v1-published-describe-regions");
        let (parameters, secret) = (&vector["params"], text(&vector["secret"]));
        let signature = encode(text(&vector["signature"]));
        let address = format!("http://sts.test/?{}&Signature={signature}", query(parameters));
        let (head, ()) = Request::get(address).body(()).unwrap().into_parts();
        let request = StsRequest::new(head, Bytes::new());
        assert_eq!(
            signature::v1(&request).unwrap().string_to_sign,
            text(&vector["string_to_sign"])
        );
        let date = text(&parameters["Timestamp"]);
        let key = |secret| AccessKey::new("testid", secret);
        assert_eq!(authenticate(&request, key(secret), date), Ok("testid".to_owned()));
        assert_eq!(authenticate(&request, key("other"), date), Err("SignatureDoesNotMatch"));
    }

    #[test]
    fn the_published_v3_request_is_valid_for_its_secret_only() {
        let vector = vector("v3-published-run-instances");
        let (expected, secret) = (&vector["expected"], text(&vector["secret"]));
        let mut request = Request::post(format!("/?{}", query(&vector["query"])));
        for (name, value) in vector["headers"].as_object().unwrap() {
            request = request.header(name, text(value));
        }
        let authorization = text(&expected["authorization"]);
        let request = request.header("authorization", authorization).body(()).unwrap();
        let request = StsRequest::new(request.into_parts().0, Bytes::new());
        let claimed = signature::acs3(&request, authorization).unwrap();
        assert_eq!(claimed.string_to_sign, text(&expected["string_to_sign"]));
        let date = text(&vector["headers"]["x-acs-date"]);
        let key = |secret| AccessKey::new(text(&vector["access_key_id"]), secret);
        assert_eq!(authenticate(&request, key(secret), date), Ok("YourAccessKeyId".to_owned()));
        assert_eq!(authenticate(&request, key("other"), date), Err("SignatureDoesNotMatch"));
    }

    #[test]
    fn percent_encoding_is_that_of_the_table() {
        let text_of_vectors = include_str!("../../../../../tests/vectors/sts.json");
        let all: serde_json::Value = serde_json::from_str(text_of_vectors).unwrap();
        for row in all["percent_encoding_table"].as_array().unwrap() {
            assert_eq!(encode(text(&row["input"])), text(&row["encoded_once"]));
        }
    }

    #[test]
    fn a_nonce_is_valid_once_until_it_expires() {
        let nonces = NonceStore::default();
        assert!(nonces.record("a", 0, 10));
        assert!(nonces.record("b", 0, 10));
        assert!(!nonces.record("a", 10, 20));
        assert!(nonces.record("a", 21, 31));
    }

    #[test]
    fn expired_nonces_are_removed() {
        let nonces = NonceStore::default();
        for number in 0..3 * MIN_CLEANUP {
            let now = i64::try_from(number).unwrap();
            assert!(nonces.record(&number.to_string(), now, now + 10));
        }
        assert!(nonces.0.lock().unwrap().until.len() <= MIN_CLEANUP);
    }
}
