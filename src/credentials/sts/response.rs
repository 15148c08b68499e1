//! The response of STS: a key, or an error with what to do about it.
//!
//! Some gateways write names with small first letters, and some write XML although JSON was requested, so both
//! are read. A key counts only if it is complete and usable.
//!
//! An error is recognised by the beginning of its code, because different gateways send the same code with
//! different statuses. Its message may contain secrets: about a wrong signature it repeats the whole text that
//! was signed, token included.

use std::time::Duration;

use bytes::Bytes;
use http::header::{DATE, RETRY_AFTER};
use http::{HeaderMap, Response, StatusCode};
use serde_json::Value;

use crate::credentials::sts::request::StsRequest;
use crate::credentials::{Credentials, ProviderError};
use crate::crypto::percent_encode;
use crate::secret::Secret;
use crate::time::Timestamp;

/// Seconds by which the clocks may differ before the end of a key is corrected.
const CLOCK_TOLERANCE: i64 = 60;

/// Characters of an error's message that are shown.
const MAX_MESSAGE: usize = 300;

/// Texts with which a message begins to repeat what was signed.
const ECHOES: [&str; 3] = ["server string to sign", "string to sign", "post&%2f&"];

/// Beginnings of codes, what to do at once, and the advice to the operator. The first match counts.
const KNOWN: &[(&str, RetryAdvice, &str)] = &[
    (
        "Throttling",
        RetryAdvice::Retry,
        "the account calls STS too often; share keys between instances",
    ),
    ("ServiceUnavailable", RetryAdvice::Retry, "wait until STS works again"),
    ("InternalError", RetryAdvice::Retry, "wait until STS works again"),
    (
        "SignatureNonceUsed",
        RetryAdvice::Retry,
        "something repeats requests; look for it on the way",
    ),
    ("InvalidTimeStamp", RetryAdvice::ServerClock, "set this machine's clock"),
    ("IllegalTimestamp", RetryAdvice::ServerClock, "set this machine's clock"),
    (
        "InvalidSecurityToken.Expired",
        RetryAdvice::NewCredentials,
        "renew the key that takes the role",
    ),
    (
        "AuthenticationFail.OIDCToken.Expired",
        RetryAdvice::NewCredentials,
        "renew the token in the token file",
    ),
    (
        "AuthenticationFail.OIDCToken.AudienceNotMatch",
        RetryAdvice::Never,
        "issue it for the audience sts.aliyuncs.com",
    ),
    (
        "AuthenticationFail.OIDCToken",
        RetryAdvice::Never,
        "hold the token against the identity provider in RAM",
    ),
    (
        "AuthenticationFail.NoPermission",
        RetryAdvice::Never,
        "let the role's trust policy name the identity provider",
    ),
    (
        "NoPermission",
        RetryAdvice::Never,
        "let the role's trust policy name the caller, and allow the caller sts:AssumeRole on the \
         role; an account's own key can take no role",
    ),
    ("Forbidden", RetryAdvice::Never, "allow the caller sts:AssumeRole on the role"),
    ("EntityNotExist", RetryAdvice::Never, "check the role's ARN"),
    (
        "InvalidParameter.DurationSeconds",
        RetryAdvice::Never,
        "ask for at most the role's longest session",
    ),
    ("InvalidParameter.Policy", RetryAdvice::Never, "check the session policy"),
    ("InvalidParameter", RetryAdvice::Never, "check the settings of the role"),
    ("InvalidAccessKeyId", RetryAdvice::Never, "check that the access key exists and is enabled"),
    (
        "MissingSecurityToken",
        RetryAdvice::Never,
        "the key is a temporary one, so set its token too",
    ),
    ("InvalidSecurityToken", RetryAdvice::Never, "check that key and token belong together"),
    ("SignatureDoesNotMatch", RetryAdvice::Never, "check the access key's secret"),
];

/// Reads a response that arrived at `now` by the local clock.
///
/// # Errors
/// It contains no usable key.
pub fn read(response: &Response<Bytes>, now: Timestamp) -> Result<Credentials, StsError> {
    let json = serde_json::from_slice::<Value>(response.body()).unwrap_or_default();
    let issued = (response.status() == StatusCode::OK)
        .then(|| issued(field(&json, "Credentials")?, date(response.headers()), now));
    issued.flatten().ok_or_else(|| sts_error(response, &json))
}

/// Returns the server's time.
#[must_use]
pub fn date(headers: &HeaderMap) -> Option<Timestamp> {
    headers.get(DATE)?.to_str().ok().and_then(Timestamp::parse_http)
}

/// Returns the pause that the server demands.
#[must_use]
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u32>().ok();
    let millis = number("x-acs-retry-after").map(|count| Duration::from_millis(count.into()));
    millis.or_else(|| number(RETRY_AFTER.as_str()).map(|count| Duration::from_secs(count.into())))
}

fn issued(json: &Value, date: Option<Timestamp>, now: Timestamp) -> Option<Credentials> {
    let expiration = Timestamp::parse_rfc3339(text(json, "Expiration")?)?;
    let server_now = date.unwrap_or(now);
    let left =
        u64::try_from(expiration.unix() - server_now.unix()).ok().filter(|left| *left > 0)?;
    // The end is compared with the local clock later. If that one is wrong, the end by the server's clock
    // would be too early or, worse, too late; the time that is left is the same by every clock.
    let agree = (now.unix() - server_now.unix()).abs() <= CLOCK_TOLERANCE;
    let end = if agree { expiration } else { now.plus(Duration::from_secs(left)) };
    Some(Credentials {
        key_id: text(json, "AccessKeyId")?.to_owned(),
        secret: Secret::new(text(json, "AccessKeySecret")?),
        token: Some(Secret::new(text(json, "SecurityToken")?)),
        usable_until: Some(end),
    })
}

fn sts_error(response: &Response<Bytes>, json: &Value) -> StsError {
    let xml = std::str::from_utf8(response.body()).unwrap_or_default();
    let find = |name: &str| text(json, name).map(str::to_owned).or_else(|| element(xml, name));
    StsError {
        status: response.status().as_u16(),
        code: find("Code"),
        message: Secret::new(find("Message").unwrap_or_default()),
        request_id: find("RequestId"),
    }
}

/// Finds a field with a capital or a small first letter.
fn field<'a>(json: &'a Value, name: &str) -> Option<&'a Value> {
    let small = || format!("{}{}", name[..1].to_ascii_lowercase(), &name[1..]);
    json.get(name).or_else(|| json.get(small()))
}

fn text<'a>(json: &'a Value, name: &str) -> Option<&'a str> {
    field(json, name)?.as_str().filter(|text| !text.is_empty())
}

/// Finds an element of an XML error. Its elements are not nested, so the first one is right.
fn element(xml: &str, name: &str) -> Option<String> {
    let (_, rest) = xml.trim_start().strip_prefix('<')?.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    (!text.is_empty()).then(|| text.replace("&amp;", "&"))
}

/// What to do about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryAdvice {
    /// Repeat the request after a pause, with a new nonce.
    Retry,
    /// Repeat it at once with the server's time.
    ServerClock,
    /// Repeat it with a newer key or token.
    NewCredentials,
    /// Give up; a later request may succeed.
    Later,
    /// Give up; the configuration has to be changed.
    Never,
}

/// A response without a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StsError {
    /// The HTTP status, which alone says little.
    pub status: u16,
    /// The code; `None` if the response is not from STS.
    pub code: Option<String>,
    /// The original message, which may contain secrets.
    pub message: Secret,
    /// The id of the request, for Alibaba's support.
    pub request_id: Option<String>,
}

impl StsError {
    /// Returns what to do.
    #[must_use]
    pub fn advice(&self) -> RetryAdvice {
        let known = self.known().map(|(_, advice, _)| *advice);
        match (known, self.status) {
            (Some(advice), _) => advice,
            // With 200 it is an incomplete response, or one that a proxy has replaced.
            (None, 200 | 429 | 500..) => RetryAdvice::Retry,
            (None, _) if self.code.is_none() => RetryAdvice::Later,
            (None, _) => RetryAdvice::Never,
        }
    }

    /// Returns the error for the operator, without the secrets of the request that was `sent`.
    #[must_use]
    pub fn explain(&self, sent: &StsRequest) -> ProviderError {
        let reason = self.reason(sent);
        match self.advice() {
            RetryAdvice::Never => ProviderError::permanent(reason),
            _ => ProviderError::temporary(reason),
        }
    }

    fn known(&self) -> Option<&'static (&'static str, RetryAdvice, &'static str)> {
        let code = self.code.as_deref()?;
        KNOWN.iter().find(|(beginning, ..)| code.starts_with(beginning))
    }

    fn reason(&self, sent: &StsRequest) -> String {
        let status = self.status;
        let Some(code) = &self.code else {
            return format!(
                "the answer ({status}) is not one that STS writes; \
                 check the URL of STS and the proxies before it"
            );
        };
        let mut reason = format!("STS answered {} ({status})", plain(code));
        let message = self.message(sent);
        if !message.is_empty() {
            reason = format!("{reason}: {message}");
        }
        if let Some(advice) = self.signature(sent).or(self.known().map(|(.., advice)| *advice)) {
            reason = format!("{reason}; {advice}");
        }
        if let Some(id) = &self.request_id {
            reason = format!("{reason}; request id {}", plain(id));
        }
        reason
    }

    /// Returns the part of the message that may be shown.
    fn message(&self, sent: &StsRequest) -> String {
        let whole = self.message.expose();
        let small = whole.to_ascii_lowercase();
        let repeats =
            |secret: &str| whole.contains(secret) || whole.contains(&percent_encode(secret));
        if sent.confidential.iter().any(|secret| repeats(secret.expose())) {
            return String::new();
        }
        // Lower-casing ASCII letters moves none, so an index into one text fits the other.
        let echo = ECHOES.iter().filter_map(|echo| small.find(echo)).min();
        let shown = plain(&whole[..echo.unwrap_or(whole.len())]);
        shown.trim_end_matches([' ', '.', ':']).to_owned()
    }

    /// Distinguishes a wrong secret from a request that was changed on the way: STS returns the text that it
    /// has signed.
    fn signature(&self, sent: &StsRequest) -> Option<&'static str> {
        let ours = sent.string_to_sign.as_ref()?;
        if !self.code.as_deref()?.starts_with("SignatureDoesNotMatch") {
            return None;
        }
        let (_, theirs) = self.message.expose().split_once("string to sign is:")?;
        Some(if theirs.trim() == ours.expose() {
            "both signed the same text, so the access key's secret is wrong"
        } else {
            "STS signed another text, so something on the way changes requests"
        })
    }
}

/// Makes one short line of a foreign text.
fn plain(text: &str) -> String {
    let letters = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter });
    letters.take(MAX_MESSAGE).collect()
}
