//! The answer in which the metadata service and a credentials URI hand over a key.

use serde::Deserialize;

use crate::credentials::Credentials;
use crate::credentials::Failure;
use crate::credentials::provider::found;
use crate::credentials::provider::found::Found;
use crate::secret::Secret;
use crate::time::Timestamp;

/// The longest answer: a token has no promised length, but this is far above any.
pub(super) const MAX_BODY: usize = 64 * 1024;

/// The longest code that is worth repeating.
const MAX_CODE: usize = 64;

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Reply {
    #[serde(deserialize_with = "found::text")]
    code: Option<String>,
    #[serde(deserialize_with = "found::text")]
    access_key_id: Option<String>,
    #[serde(deserialize_with = "found::secret")]
    access_key_secret: Option<Secret>,
    #[serde(deserialize_with = "found::secret")]
    security_token: Option<Secret>,
    #[serde(deserialize_with = "found::moment")]
    expiration: Option<String>,
}

/// Takes the key out of an answer, all of its parts together. A service may do better next time, so
/// every failure is a temporary one.
pub(super) fn read(body: &[u8], now: Timestamp) -> Result<Credentials, Failure> {
    // A list would be read as well, part by part, and what is no code be repeated as one.
    let is_object = body.trim_ascii_start().starts_with(b"{");
    let reply: Option<Reply> = is_object.then(|| serde_json::from_slice(body).ok()).flatten();
    let reply =
        reply.ok_or_else(|| Failure::temporary("the answer is not the JSON object of a key"))?;
    if let Some(code) = reply.code.filter(|code| code != "Success") {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
        let shown = if code.len() <= MAX_CODE && code.bytes().all(plain) { &code } else { "other" };
        return Err(Failure::temporary(format!("the answer's Code is {shown} and not Success")));
    }
    let found = Found {
        key_id: reply.access_key_id,
        secret: reply.access_key_secret,
        token: reply.security_token,
        expiration: reply.expiration,
    };
    found
        .check_temporary(now)
        .map_err(|flaw| Failure::temporary(format!("the key in the answer is of no use: {flaw}")))
}
