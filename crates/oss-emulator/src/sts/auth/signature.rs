//! Reads the two signature versions of requests to STS.
//!
//! ACS3-HMAC-SHA256 (SDK page "Request structure and signature method V3") signs method, path,
//! query, headers and the body's hash. The secret signs directly: there is no derived key, day or
//! region. Host, content type and every `x-acs-` header must be signed.
//!
//! Version 1 of RPC requests (RPC signature page) signs all parameters with HMAC-SHA1 and sends the
//! signature as one of them. It covers the method, but not path, host, headers and the place of a
//! parameter.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::sts::auth::{ClaimedSignature, canonical, encode};
use crate::sts::error::{StsError, StsErrorKind};
use crate::sts::request::StsRequest;

const ALGORITHM: &str = "ACS3-HMAC-SHA256";

/// The headers that every request must have and sign.
const NEEDED: [&str; 6] = [
    "host",
    "x-acs-action",
    "x-acs-content-sha256",
    "x-acs-date",
    "x-acs-signature-nonce",
    "x-acs-version",
];

/// Reads an ACS3 signature.
pub(super) fn acs3<'a>(
    request: &'a StsRequest,
    authorization: &'a str,
) -> Result<ClaimedSignature<'a>, StsError> {
    let incomplete = |what: &str| StsErrorKind::Incomplete.because(what);
    let (key_id, names, signature) = split_authorization(authorization).ok_or_else(|| {
        incomplete("Authorization is not ACS3-HMAC-SHA256 Credential=…,SignedHeaders=…,Signature=…")
    })?;
    let names: Vec<&str> = names.split(';').collect();
    check_cover(request, &names)?;
    let hash = hex::encode(Sha256::digest(&request.body));
    if request.header("x-acs-content-sha256") != Some(&hash) {
        return Err(
            StsErrorKind::Mismatch.because("x-acs-content-sha256 is not the hash of the body")
        );
    }
    let canonical_request = canonical_request(request, names, &hash)?;
    let need = |name| request.header(name).ok_or_else(|| incomplete(name));
    Ok(ClaimedSignature {
        key_id,
        token: request.header("x-acs-security-token").filter(|token| !token.is_empty()),
        timestamp: need("x-acs-date")?,
        nonce: need("x-acs-signature-nonce")?,
        signature,
        string_to_sign: format!("{ALGORITHM}\n{}", hex::encode(Sha256::digest(canonical_request))),
        verifies: verifies_acs3,
    })
}

/// Splits `Authorization` into key id, header names and signature.
fn split_authorization(authorization: &str) -> Option<(&str, &str, &str)> {
    let items = authorization.strip_prefix(ALGORITHM)?.strip_prefix(' ')?;
    let items: Vec<&str> = items.split(',').collect();
    let [credential, names, signature] = items[..] else {
        return None;
    };
    let key_id = credential.strip_prefix("Credential=")?;
    Some((key_id, names.strip_prefix("SignedHeaders=")?, signature.strip_prefix("Signature=")?))
}

/// Checks that all required headers are signed.
fn check_cover(request: &StsRequest, names: &[&str]) -> Result<(), StsError> {
    let must = |name: &str| name.starts_with("x-acs-") || name == "content-type";
    let sent = request.headers.keys().map(http::HeaderName::as_str).filter(|name| must(name));
    match NEEDED.into_iter().chain(sent).find(|name| !names.contains(name)) {
        None => Ok(()),
        Some(name) => Err(StsErrorKind::Incomplete.because(format_args!("{name} is not signed."))),
    }
}

fn canonical_request(
    request: &StsRequest,
    mut names: Vec<&str>,
    hash: &str,
) -> Result<String, StsError> {
    names.sort_unstable();
    let mut headers = String::new();
    for name in &names {
        let value = request.header(name).ok_or_else(|| {
            StsErrorKind::Incomplete
                .because(format_args!("{name} is in SignedHeaders but not in the request."))
        })?;
        // Writing into a String cannot fail.
        let _ = writeln!(headers, "{name}:{}", value.trim());
    }
    let query = canonical(request.query.iter());
    let (method, path, names) = (&request.method, &request.path, names.join(";"));
    Ok(format!("{method}\n{path}\n{query}\n{headers}\n{names}\n{hash}"))
}

fn verifies_acs3(secret: &str, text: &str, signature: &str) -> bool {
    #[expect(clippy::expect_used, reason = "HMAC accepts keys of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any key length");
    mac.update(text.as_bytes());
    let lower_case = !signature.bytes().any(|byte| byte.is_ascii_uppercase());
    lower_case && hex::decode(signature).is_ok_and(|signature| mac.verify_slice(&signature).is_ok())
}

/// Reads a signature of version 1.
pub(super) fn v1(request: &StsRequest) -> Result<ClaimedSignature<'_>, StsError> {
    let need = |name: &str| {
        let value = request.parameter(name).filter(|value| !value.is_empty());
        value.ok_or_else(|| StsErrorKind::Incomplete.because(format_args!("{name} is missing.")))
    };
    let signature = need("Signature")?;
    for (name, wanted) in [("SignatureMethod", "HMAC-SHA1"), ("SignatureVersion", "1.0")] {
        if need(name)? != wanted {
            return Err(StsErrorKind::Incomplete.because(format_args!("{name} must be {wanted}.")));
        }
    }
    let signed = canonical(request.all().filter(|(name, _)| name != "Signature"));
    Ok(ClaimedSignature {
        key_id: need("AccessKeyId")?,
        token: request.parameter("SecurityToken").filter(|token| !token.is_empty()),
        timestamp: need("Timestamp")?,
        nonce: need("SignatureNonce")?,
        signature,
        string_to_sign: format!("{}&%2F&{}", request.method, encode(&signed)),
        verifies: verifies_v1,
    })
}

fn verifies_v1(secret: &str, text: &str, signature: &str) -> bool {
    #[expect(clippy::expect_used, reason = "HMAC accepts keys of any length")]
    let mut mac =
        Hmac::<Sha1>::new_from_slice(format!("{secret}&").as_bytes()).expect("any key length");
    mac.update(text.as_bytes());
    STANDARD.decode(signature).is_ok_and(|signature| mac.verify_slice(&signature).is_ok())
}
