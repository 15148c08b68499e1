//! Looks up who a key id belongs to, and whether its token is good.
//!
//! Signature V4 page and the page of 403 errors. Tokens and ids are compared plainly: they are no
//! secrets to whoever sent them, and the signature is what proves the right to use them.

use crate::keys::AccessKey;
use crate::oss::form::Form;
use crate::oss::judge::Court;
use crate::oss::refusal::Kind;
use crate::oss::refusal::Refusal;

/// The field with the token.
const X_OSS_SECURITY_TOKEN: &str = "x-oss-security-token";

/// Finds the key that a form is signed with, or says why it cannot be used.
pub(super) fn find<'a>(court: &Court<'a>, form: &Form, id: &str) -> Result<&'a AccessKey, Refusal> {
    // An old client sends an empty token along with a long-term key; it means none.
    let token = form.get(X_OSS_SECURITY_TOKEN).filter(|token| !token.is_empty());
    let mut keys = court.keys.iter().filter(|key| key.id == id);
    let known = keys.clone().next();
    let key = keys
        .find(|key| key.security_token.as_deref() == token)
        .or(known)
        .ok_or_else(|| unknown(id, "the key id is not one of the keys that are known here"))?;
    check_token(court, key, token)?;
    if key.expires_at.is_some_and(|end| court.now >= end) {
        return Err(Kind::TokenExpired
            .because("the temporary key has expired; fetch new credentials before signing"));
    }
    Ok(key)
}

fn check_token(court: &Court<'_>, key: &AccessKey, token: Option<&str>) -> Result<(), Refusal> {
    match (key.security_token.as_deref(), token) {
        (None, None) => Ok(()),
        (Some(own), Some(sent)) if own == sent => Ok(()),
        (Some(_), None) => Err(unknown(
            &key.id,
            "the key is a temporary one, and the form has no x-oss-security-token before the file",
        )),
        (_, Some(sent)) if belongs_to_another(court, sent) => Err(Kind::TokenOfAnother
            .because("x-oss-security-token belongs to another key than the one that signed")),
        (_, Some(_)) => Err(Kind::TokenInvalid
            .because("x-oss-security-token is not the token of any key that is known here")),
    }
}

fn belongs_to_another(court: &Court<'_>, token: &str) -> bool {
    let mut tokens = court.keys.iter().map(|key| key.security_token.as_deref());
    tokens.any(|one| one == Some(token))
}

fn unknown(id: &str, reason: &str) -> Refusal {
    Kind::KeyIdUnknown.because(reason).with_child("OSSAccessKeyId", id)
}
