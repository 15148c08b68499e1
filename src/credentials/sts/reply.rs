//! What STS answers: a key, or a refusal.
//!
//! Some gateways write names with small first letters, and some write XML though JSON was asked
//! for, so both are read. A key counts only if all of it is there and it can still be used.

use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::Response;
use http::StatusCode;
use http::header::DATE;
use http::header::RETRY_AFTER;
use serde_json::Value;

use crate::credentials::Credentials;
use crate::credentials::sts::refusal::Refusal;
use crate::secret::Secret;
use crate::time::Timestamp;

/// How far two clocks may differ before it matters.
const SLACK: i64 = 60;

/// Reads an answer that came when the local clock showed `now`.
///
/// # Errors
/// It holds no key that can be used.
pub fn read(answer: &Response<Bytes>, now: Timestamp) -> Result<Credentials, Refusal> {
    let json = serde_json::from_slice::<Value>(answer.body()).unwrap_or_default();
    let issued = (answer.status() == StatusCode::OK)
        .then(|| issued(field(&json, "Credentials")?, date(answer.headers()), now));
    issued.flatten().ok_or_else(|| refusal(answer, &json))
}

/// Reads the server's clock.
#[must_use]
pub fn date(headers: &HeaderMap) -> Option<Timestamp> {
    headers.get(DATE)?.to_str().ok().and_then(Timestamp::parse_http)
}

/// Reads how long the server wants to be left alone.
#[must_use]
pub fn wait(headers: &HeaderMap) -> Option<Duration> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u32>().ok();
    let millis = number("x-acs-retry-after").map(|count| Duration::from_millis(count.into()));
    millis.or_else(|| number(RETRY_AFTER.as_str()).map(|count| Duration::from_secs(count.into())))
}

fn issued(json: &Value, date: Option<Timestamp>, now: Timestamp) -> Option<Credentials> {
    let expiration = Timestamp::parse_rfc3339(text(json, "Expiration")?)?;
    let their_now = date.unwrap_or(now);
    let left = u64::try_from(expiration.unix() - their_now.unix()).ok().filter(|left| *left > 0)?;
    // Whoever asks later whether the key is still good reads the local clock. Where that one is
    // wrong, the key's end by the server's clock would come too early or, worse, too late; how
    // long it has left is the same by every clock.
    let agree = (now.unix() - their_now.unix()).abs() <= SLACK;
    let end = if agree { expiration } else { now.plus(Duration::from_secs(left)) };
    Some(Credentials {
        key_id: text(json, "AccessKeyId")?.to_owned(),
        secret: Secret::new(text(json, "AccessKeySecret")?),
        token: Some(Secret::new(text(json, "SecurityToken")?)),
        usable_until: Some(end),
    })
}

fn refusal(answer: &Response<Bytes>, json: &Value) -> Refusal {
    let xml = std::str::from_utf8(answer.body()).unwrap_or_default();
    let find = |name: &str| text(json, name).map(str::to_owned).or_else(|| element(xml, name));
    Refusal {
        status: answer.status().as_u16(),
        code: find("Code"),
        message: Secret::new(find("Message").unwrap_or_default()),
        request_id: find("RequestId"),
    }
}

/// Finds a field, whichever way its first letter is written.
fn field<'a>(json: &'a Value, name: &str) -> Option<&'a Value> {
    let small = || format!("{}{}", name[..1].to_ascii_lowercase(), &name[1..]);
    json.get(name).or_else(|| json.get(small()))
}

fn text<'a>(json: &'a Value, name: &str) -> Option<&'a str> {
    field(json, name)?.as_str().filter(|text| !text.is_empty())
}

/// Finds an element of an XML error. Nothing in it is nested, so the first one is it.
fn element(xml: &str, name: &str) -> Option<String> {
    let (_, rest) = xml.trim_start().strip_prefix('<')?.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    (!text.is_empty()).then(|| text.replace("&amp;", "&"))
}
