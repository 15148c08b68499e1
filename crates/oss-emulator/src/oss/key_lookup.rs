//! Finds the key that signed a form or a request, and checks its security token and its expiry.
//!
//! Source: the page on 403 errors. Key ids and tokens are compared with `==`: they are not secret from
//! the client that sent them, and only the signature proves the right to use them.

use crate::keys::AccessKey;
use crate::oss::error::{OssError, OssErrorKind};

/// What a client says about the key that signed.
pub(super) struct KeyClaim<'a> {
    pub(super) id: &'a str,
    pub(super) token: Option<&'a str>,
    /// The reason for developers where a temporary key came without its token.
    pub(super) missing_token: &'static str,
}

/// Finds a key that is valid at this Unix second.
pub(super) fn find_key<'a>(
    keys: &'a [AccessKey],
    now: i64,
    claim: &KeyClaim<'_>,
) -> Result<&'a AccessKey, OssError> {
    // Old clients send an empty token with a long-term key; it counts as no token.
    let token = claim.token.filter(|token| !token.is_empty());
    let id = claim.id;
    let mut candidates = keys.iter().filter(|key| key.id == id);
    let known = candidates.clone().next();
    let key = candidates
        .find(|key| key.security_token.as_deref() == token)
        .or(known)
        .ok_or_else(|| unknown(id, "the key id is not one of the keys that are known here"))?;
    check_token(keys, key, token, claim.missing_token)?;
    if key.expires_at.is_some_and(|end| now >= end) {
        return Err(OssErrorKind::TokenExpired
            .because("the temporary key has expired; fetch new credentials before signing"));
    }
    Ok(key)
}

fn check_token(
    keys: &[AccessKey],
    key: &AccessKey,
    token: Option<&str>,
    missing_token: &str,
) -> Result<(), OssError> {
    match (key.security_token.as_deref(), token) {
        (None, None) => Ok(()),
        (Some(own), Some(sent)) if own == sent => Ok(()),
        (Some(_), None) => Err(unknown(&key.id, missing_token)),
        (_, Some(sent)) if belongs_to_another(keys, sent) => Err(OssErrorKind::TokenOfAnother
            .because("x-oss-security-token belongs to another key than the one that signed")),
        (_, Some(_)) => Err(OssErrorKind::TokenInvalid
            .because("x-oss-security-token is not the token of any key that is known here")),
    }
}

fn belongs_to_another(keys: &[AccessKey], token: &str) -> bool {
    let mut tokens = keys.iter().map(|key| key.security_token.as_deref());
    tokens.any(|one| one == Some(token))
}

fn unknown(id: &str, reason: &str) -> OssError {
    OssErrorKind::KeyIdUnknown.because(reason).with_child("OSSAccessKeyId", id)
}
