//! Signature version 3, `ACS3-HMAC-SHA256`: method, path, query, headers and the body's hash.
//!
//! SDK page "Request structure and signature method V3". The secret signs as it is: no derived key,
//! no day, no region. Host, content type and every `x-acs-` header that is sent must be signed.

use std::fmt::Write;

use hmac::Hmac;
use hmac::KeyInit;
use hmac::Mac;
use sha2::Digest;
use sha2::Sha256;

use crate::sts::auth::Claim;
use crate::sts::auth::canonical;
use crate::sts::call::Call;
use crate::sts::refusal::Kind;
use crate::sts::refusal::Refusal;

const ALGORITHM: &str = "ACS3-HMAC-SHA256";

/// What every call carries and signs.
const NEEDED: [&str; 6] = [
    "host",
    "x-acs-action",
    "x-acs-content-sha256",
    "x-acs-date",
    "x-acs-signature-nonce",
    "x-acs-version",
];

/// Reads what a call claims.
pub(super) fn claim<'a>(call: &'a Call, authorization: &'a str) -> Result<Claim<'a>, Refusal> {
    let incomplete = |what: &str| Kind::Incomplete.because(what);
    let (key_id, names, signature) = take_apart(authorization).ok_or_else(|| {
        incomplete("Authorization is not ACS3-HMAC-SHA256 Credential=…,SignedHeaders=…,Signature=…")
    })?;
    let names: Vec<&str> = names.split(';').collect();
    check_cover(call, &names)?;
    let hash = hex::encode(Sha256::digest(&call.body));
    if call.header("x-acs-content-sha256") != Some(&hash) {
        return Err(Kind::Mismatch.because("x-acs-content-sha256 is not the hash of the body"));
    }
    let request = canonical_request(call, names, &hash)?;
    let need = |name| call.header(name).ok_or_else(|| incomplete(name));
    Ok(Claim {
        key_id,
        token: call.header("x-acs-security-token").filter(|token| !token.is_empty()),
        timestamp: need("x-acs-date")?,
        nonce: need("x-acs-signature-nonce")?,
        signature,
        string_to_sign: format!("{ALGORITHM}\n{}", hex::encode(Sha256::digest(request))),
        verifies,
    })
}

/// Takes key id, names of headers and signature out of `Authorization`.
fn take_apart(authorization: &str) -> Option<(&str, &str, &str)> {
    let items = authorization.strip_prefix(ALGORITHM)?.strip_prefix(' ')?;
    let items: Vec<&str> = items.split(',').collect();
    let [credential, names, signature] = items[..] else {
        return None;
    };
    let key_id = credential.strip_prefix("Credential=")?;
    Some((key_id, names.strip_prefix("SignedHeaders=")?, signature.strip_prefix("Signature=")?))
}

/// Refuses a call that leaves a header open which must be signed.
fn check_cover(call: &Call, names: &[&str]) -> Result<(), Refusal> {
    let must = |name: &str| name.starts_with("x-acs-") || name == "content-type";
    let sent = call.headers.keys().map(http::HeaderName::as_str).filter(|name| must(name));
    match NEEDED.into_iter().chain(sent).find(|name| !names.contains(name)) {
        None => Ok(()),
        Some(name) => Err(Kind::Incomplete.because(format_args!("{name} is not signed."))),
    }
}

fn canonical_request(call: &Call, mut names: Vec<&str>, hash: &str) -> Result<String, Refusal> {
    names.sort_unstable();
    let mut headers = String::new();
    for name in &names {
        let value = call.header(name).ok_or_else(|| {
            Kind::Incomplete.because(format_args!("{name} is said to be signed and is not sent."))
        })?;
        // Writing into a String cannot fail.
        let _ = writeln!(headers, "{name}:{}", value.trim());
    }
    let query = canonical(call.query.iter());
    let (method, path, names) = (&call.method, &call.path, names.join(";"));
    Ok(format!("{method}\n{path}\n{query}\n{headers}\n{names}\n{hash}"))
}

fn verifies(secret: &str, text: &str, signature: &str) -> bool {
    #[expect(clippy::expect_used, reason = "HMAC accepts keys of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any key length");
    mac.update(text.as_bytes());
    let lower_case = !signature.bytes().any(|byte| byte.is_ascii_uppercase());
    lower_case && hex::decode(signature).is_ok_and(|signature| mac.verify_slice(&signature).is_ok())
}
