//! Verifies tokens of OIDC providers: compact JWTs signed with the provider's secret (HS256).
//!
//! STS page `AssumeRoleWithOIDC`, RFC 7515 and 7519. A real provider signs with a private key and
//! publishes the public one. A shared secret replaces both here, so that a test can create a token
//! with a few lines.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sha2::Sha256;

use crate::dates;
use crate::sts::error::{StsError, StsErrorKind};
use crate::sts::options::OidcProvider;

#[derive(Deserialize)]
struct JwtHeader {
    alg: String,
}

#[derive(Deserialize)]
struct JwtClaims {
    iss: String,
    sub: String,
    aud: JwtAudience,
    exp: i64,
    #[serde(default)]
    iat: i64,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum JwtAudience {
    One(String),
    Many(Vec<String>),
}

/// Verifies a token and returns its description for the response.
pub(super) fn verify(provider: &OidcProvider, token: &str, now: i64) -> Result<Value, StsError> {
    let invalid = || StsErrorKind::OidcInvalid.error();
    if !(4..=20_000).contains(&token.len()) {
        return Err(invalid());
    }
    let items: Vec<&str> = token.split('.').collect();
    let [header, claims, signature] = items[..] else {
        return Err(invalid());
    };
    let known: JwtHeader = decode(header).ok_or_else(invalid)?;
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| invalid())?;
    let signed = &token[..header.len() + 1 + claims.len()];
    if known.alg != "HS256" || !verifies(&provider.secret, signed, &signature) {
        return Err(StsErrorKind::OidcSignature.error());
    }
    let claims: JwtClaims = decode(claims).ok_or_else(invalid)?;
    if claims.iss != provider.issuer {
        return Err(StsErrorKind::OidcIssuer.error());
    }
    let audiences = match &claims.aud {
        JwtAudience::One(one) => std::slice::from_ref(one),
        JwtAudience::Many(many) => many,
    };
    if !audiences.contains(&provider.audience) {
        return Err(StsErrorKind::OidcAudience.error());
    }
    if now >= claims.exp {
        return Err(StsErrorKind::OidcExpired.error());
    }
    Ok(json!({
        "ClientIds": audiences.join(","),
        "ExpirationTime": dates::iso(claims.exp),
        "IssuanceTime": dates::iso(claims.iat),
        "Issuer": claims.iss,
        "Subject": claims.sub,
        "VerificationInfo": "Success",
    }))
}

fn decode<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}

fn verifies(secret: &str, text: &str, signature: &[u8]) -> bool {
    #[expect(clippy::expect_used, reason = "HMAC accepts keys of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any key length");
    mac.update(text.as_bytes());
    mac.verify_slice(signature).is_ok()
}
