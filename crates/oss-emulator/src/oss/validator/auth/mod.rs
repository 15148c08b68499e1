//! Authentication of a form: checks 5 to 7 of the list in `post_object`.
//!
//! They determine the signature version, require its fields to be complete, find the key, and
//! verify the signature over the policy's base64 text. The content of the policy is checked later.
//! Signature V1 (HMAC-SHA1, for old buckets) is implemented here; V4 is in `v4`.
//!
//! Sources: the pages on signature V4 and V1 of PostObject; error code pages 0002-00000701 to
//! 0002-00000715; the page on 403 errors. Key ids and tokens are compared with `==`: they are not
//! secret from the client that sent them, and only the signature proves the right to use them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

use crate::keys::AccessKey;
use crate::oss::error::{OssError, OssErrorKind};
use crate::oss::form::UploadForm;
use crate::oss::strictness::SignatureCheck;
use crate::oss::validator::Validator;

mod v4;

/// The only supported value of `x-oss-signature-version`.
const V4_VERSION: &str = "OSS4-HMAC-SHA256";

/// A form with none of these fields is anonymous.
const AUTH_FIELDS: [&str; 7] = [
    "policy",
    "OSSAccessKeyId",
    "Signature",
    "x-oss-signature-version",
    "x-oss-credential",
    "x-oss-access-key-id",
    "x-oss-signature",
];

/// The signature version of a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PostSignatureVersion {
    V1,
    V4,
}

/// The result of a successful authentication.
#[derive(Clone, Copy, Debug)]
pub(super) struct SignedPolicy<'a> {
    pub(super) version: PostSignatureVersion,
    /// The policy's base64 text.
    pub(super) policy: &'a str,
    /// The key that signed.
    pub(super) key: &'a AccessKey,
}

/// Authenticates a form.
pub(super) fn authenticate<'a>(
    validator: &Validator<'a>,
    form: &'a UploadForm,
) -> Result<SignedPolicy<'a>, OssError> {
    match claimed_version(form)? {
        PostSignatureVersion::V4 => v4::authenticate(validator, form),
        PostSignatureVersion::V1 => authenticate_v1(validator, form),
    }
}

/// Returns the signature version of the form; a form without that field is V1.
fn claimed_version(form: &UploadForm) -> Result<PostSignatureVersion, OssError> {
    if AUTH_FIELDS.iter().all(|name| form.get(name).is_none()) {
        return Err(OssErrorKind::Anonymous.because(
            "the form has no policy, key id or signature before the file, and the bucket is not \
             public",
        ));
    }
    match form.get("x-oss-signature-version") {
        None => Ok(PostSignatureVersion::V1),
        Some(V4_VERSION) => Ok(PostSignatureVersion::V4),
        Some(other) => Err(OssErrorKind::VersionUnknown.argument(
            "x-oss-signature-version",
            other,
            "x-oss-signature-version must be OSS4-HMAC-SHA256; V2 and S3 forms are not emulated",
        )),
    }
}

/// The three fields of a signature.
struct SignatureFields<'a> {
    policy: &'a str,
    key: &'a str,
    signature: &'a str,
}

/// The names of the three fields in one signature version.
struct SignatureFieldNames {
    key: &'static str,
    signature: &'static str,
    /// The signature field of the other version.
    other_signature: &'static str,
}

impl<'a> SignatureFields<'a> {
    /// Reads the three fields; if one of them exists, all must exist.
    fn read(form: &'a UploadForm, names: &SignatureFieldNames) -> Result<Self, OssError> {
        let policy = form.get("policy").filter(|policy| !policy.is_empty());
        let policy = policy.ok_or_else(|| {
            let reason = "the form has a key id or a signature, but no policy before the file";
            OssErrorKind::PolicyMissing.argument("policy", "", reason)
        })?;
        let key = form.get(names.key).ok_or_else(|| key_missing(form, names))?;
        if key.is_empty() {
            let reason = format!("the field {} is empty", names.key);
            return Err(OssErrorKind::KeyIdEmpty.argument(names.key, "", reason));
        }
        let signature = form.get(names.signature).ok_or_else(|| signature_missing(form, names))?;
        if signature.is_empty() {
            let reason = format!("the field {} is empty", names.signature);
            return Err(OssErrorKind::SignatureEmpty.argument(names.signature, "", reason));
        }
        Ok(Self { policy, key, signature })
    }
}

fn key_missing(form: &UploadForm, names: &SignatureFieldNames) -> OssError {
    let reason = if form.get("x-oss-credential").is_some() {
        "the form has x-oss-credential but no x-oss-signature-version before the file, so OSS \
         treats it as V1 and requires OSSAccessKeyId"
            .to_owned()
    } else {
        format!("the form has no {} before the file", names.key)
    };
    let error = OssErrorKind::KeyIdMissing.argument(names.key, "", reason);
    error.with_message(format!(
        "The bucket POST must contain the specified '{}'. If it is specified, please check the \
         order of the fields",
        names.key
    ))
}

fn signature_missing(form: &UploadForm, names: &SignatureFieldNames) -> OssError {
    if form.get(names.other_signature).is_some() {
        return OssErrorKind::SignatureMismatch.because(format!(
            "the signature is in {}, but this signature version wants it in {}",
            names.other_signature, names.signature
        ));
    }
    let reason = format!("the form has no {} before the file", names.signature);
    OssErrorKind::SignatureMissing.argument(names.signature, "", reason)
}

/// Builds the error for a wrong signature, with the string to sign.
fn mismatch(id: &str, fields: &SignatureFields<'_>, reason: &str) -> OssError {
    let bytes: Vec<String> = fields.policy.bytes().map(|byte| format!("{byte:02X} ")).collect();
    OssErrorKind::SignatureMismatch
        .because(reason)
        .with_child("OSSAccessKeyId", id)
        .with_child("SignatureProvided", fields.signature)
        .with_child("StringToSign", fields.policy)
        .with_child("StringToSignBytes", bytes.concat())
}

#[cfg(test)]
mod tests;

/// The field with the security token.
const X_OSS_SECURITY_TOKEN: &str = "x-oss-security-token";

/// Finds the key that signed the form, and checks its token and expiry.
fn find_key<'a>(
    validator: &Validator<'a>,
    form: &UploadForm,
    id: &str,
) -> Result<&'a AccessKey, OssError> {
    // Old clients send an empty token with a long-term key; it counts as no token.
    let token = form.get(X_OSS_SECURITY_TOKEN).filter(|token| !token.is_empty());
    let mut keys = validator.keys.iter().filter(|key| key.id == id);
    let known = keys.clone().next();
    let key = keys
        .find(|key| key.security_token.as_deref() == token)
        .or(known)
        .ok_or_else(|| unknown(id, "the key id is not one of the keys that are known here"))?;
    check_token(validator, key, token)?;
    if key.expires_at.is_some_and(|end| validator.now >= end) {
        return Err(OssErrorKind::TokenExpired
            .because("the temporary key has expired; fetch new credentials before signing"));
    }
    Ok(key)
}

fn check_token(
    validator: &Validator<'_>,
    key: &AccessKey,
    token: Option<&str>,
) -> Result<(), OssError> {
    match (key.security_token.as_deref(), token) {
        (None, None) => Ok(()),
        (Some(own), Some(sent)) if own == sent => Ok(()),
        (Some(_), None) => Err(unknown(
            &key.id,
            "the key is a temporary one, and the form has no x-oss-security-token before the file",
        )),
        (_, Some(sent)) if belongs_to_another(validator, sent) => Err(OssErrorKind::TokenOfAnother
            .because("x-oss-security-token belongs to another key than the one that signed")),
        (_, Some(_)) => Err(OssErrorKind::TokenInvalid
            .because("x-oss-security-token is not the token of any key that is known here")),
    }
}

fn belongs_to_another(validator: &Validator<'_>, token: &str) -> bool {
    let mut tokens = validator.keys.iter().map(|key| key.security_token.as_deref());
    tokens.any(|one| one == Some(token))
}

fn unknown(id: &str, reason: &str) -> OssError {
    OssErrorKind::KeyIdUnknown.because(reason).with_child("OSSAccessKeyId", id)
}

const V1_FIELDS: SignatureFieldNames = SignatureFieldNames {
    key: "OSSAccessKeyId",
    signature: "Signature",
    other_signature: "x-oss-signature",
};

/// The length of a V1 signature in bytes.
const SHA1_BYTES: usize = 20;

/// Authenticates a V1 form.
fn authenticate_v1<'a>(
    validator: &Validator<'a>,
    form: &'a UploadForm,
) -> Result<SignedPolicy<'a>, OssError> {
    let fields = SignatureFields::read(form, &V1_FIELDS)?;
    if validator.strictness.refuse_v1 {
        return Err(OssErrorKind::V1Refused
            .because("the form is signed with V1, which this bucket does not take; sign with V4"));
    }
    let key = find_key(validator, form, fields.key)?;
    let strictness = validator.strictness;
    if strictness.skipped.signatures
        || verifies_v1(&key.secret, &fields, strictness.signature_check)
    {
        return Ok(SignedPolicy { version: PostSignatureVersion::V1, policy: fields.policy, key });
    }
    Err(mismatch(
        fields.key,
        &fields,
        "the V1 signature is not the one that this secret makes for this policy",
    ))
}

fn verifies_v1(secret: &str, fields: &SignatureFields<'_>, check: SignatureCheck) -> bool {
    let Ok(signature) = STANDARD.decode(fields.signature) else {
        return false;
    };
    if check == SignatureCheck::Shape {
        return signature.len() == SHA1_BYTES;
    }
    #[expect(clippy::expect_used, reason = "HMAC accepts keys of any length")]
    let mut mac = Hmac::<Sha1>::new_from_slice(secret.as_bytes()).expect("any key length");
    mac.update(fields.policy.as_bytes());
    mac.verify_slice(&signature).is_ok()
}
