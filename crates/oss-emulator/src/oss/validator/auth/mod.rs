//! Authentication of a form: checks 5 to 7 of the list in `post_object`.
//!
//! They determine the signature version, require its fields to be complete, find the key, and
//! verify the signature over the policy's base64 text. The content of the policy is checked later.
//! Signature V1 (HMAC-SHA1, for old buckets) is implemented here; V4 is in `v4`.
//!
//! Sources: the pages on signature V4 and V1 of PostObject; error code pages 0002-00000701 to
//! 0002-00000715; the page on 403 errors. `key_lookup` finds the key, `signature` has the algorithms.

use crate::keys::AccessKey;
use crate::oss::error::{OssError, OssErrorKind};
use crate::oss::form::UploadForm;
use crate::oss::key_lookup::{KeyClaim, find_key as find_valid_key};
use crate::oss::signature;
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
    OssErrorKind::SignatureMismatch
        .because(reason)
        .with_child("OSSAccessKeyId", id)
        .with_child("SignatureProvided", fields.signature)
        .with_child("StringToSign", fields.policy)
        .with_child("StringToSignBytes", signature::spaced_hex(fields.policy.as_bytes()))
}

#[cfg(test)]
mod tests;

/// The field with the security token.
const X_OSS_SECURITY_TOKEN: &str = "x-oss-security-token";

/// Finds the key that signed the form.
fn find_key<'a>(
    validator: &Validator<'a>,
    form: &UploadForm,
    id: &str,
) -> Result<&'a AccessKey, OssError> {
    let claim = KeyClaim {
        id,
        token: form.get(X_OSS_SECURITY_TOKEN),
        missing_token: "the key is a temporary one, and the form has no x-oss-security-token before \
                        the file",
    };
    find_valid_key(validator.keys, validator.now, &claim)
}

const V1_FIELDS: SignatureFieldNames = SignatureFieldNames {
    key: "OSSAccessKeyId",
    signature: "Signature",
    other_signature: "x-oss-signature",
};

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
    let (strictness, text) = (validator.strictness, fields.policy.as_bytes());
    let check = strictness.signature_check;
    if strictness.skipped.signatures || signature::is_v1(&key.secret, text, fields.signature, check)
    {
        return Ok(SignedPolicy { version: PostSignatureVersion::V1, policy: fields.policy, key });
    }
    Err(mismatch(
        fields.key,
        &fields,
        "the V1 signature is not the one that this secret makes for this policy",
    ))
}
