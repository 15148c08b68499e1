//! Who asks, and whether the signature is theirs.
//!
//! Checks 5 to 7 of the list: which version the form claims, whether its fields are complete, who
//! the key belongs to, and the signature over the policy's base64 text. Signature V4 and V1 pages of
//! PostObject; error code pages 0002-00000701 to 0002-00000715. What
//! the policy says is not looked at here.

mod credential;
mod keys;
mod v1;
mod v4;

use crate::keys::AccessKey;
use crate::oss::form::Form;
use crate::oss::judge::Court;
use crate::oss::refusal::Kind;
use crate::oss::refusal::Refusal;

/// The one value of `x-oss-signature-version` that is emulated.
const V4_VERSION: &str = "OSS4-HMAC-SHA256";

/// Any of these makes a form a signed one; without any it is anonymous.
const AUTH_FIELDS: [&str; 7] = [
    "policy",
    "OSSAccessKeyId",
    "Signature",
    "x-oss-signature-version",
    "x-oss-credential",
    "x-oss-access-key-id",
    "x-oss-signature",
];

/// Names a signature version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    V1,
    V4,
}

/// What a good signature vouches for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signed<'a> {
    pub(super) version: Version,
    /// The policy's base64 text.
    pub(super) policy: &'a str,
    /// The key that signed.
    pub(super) key: &'a AccessKey,
}

/// Checks that the form is signed by a key that works here.
pub(super) fn authenticate<'a>(court: &Court<'a>, form: &'a Form) -> Result<Signed<'a>, Refusal> {
    match claimed_version(form)? {
        Version::V4 => v4::authenticate(court, form),
        Version::V1 => v1::authenticate(court, form),
    }
}

/// Reads the version from the form; a form without that field is V1.
fn claimed_version(form: &Form) -> Result<Version, Refusal> {
    if AUTH_FIELDS.iter().all(|name| form.get(name).is_none()) {
        return Err(Kind::Anonymous.because(
            "the form has no policy, key id or signature before the file, and the bucket is not \
             public",
        ));
    }
    match form.get("x-oss-signature-version") {
        None => Ok(Version::V1),
        Some(V4_VERSION) => Ok(Version::V4),
        Some(other) => Err(Kind::VersionUnknown.argument(
            "x-oss-signature-version",
            other,
            "x-oss-signature-version must be OSS4-HMAC-SHA256; V2 and S3 forms are not emulated",
        )),
    }
}

/// The three fields that prove who asks, as one version names them.
struct Proof<'a> {
    policy: &'a str,
    key: &'a str,
    signature: &'a str,
}

/// The names of a version's fields.
struct Names {
    key: &'static str,
    signature: &'static str,
    /// Where the other version has its signature.
    other_signature: &'static str,
}

impl<'a> Proof<'a> {
    /// Takes the three fields; if one of them is there, all have to be.
    fn take(form: &'a Form, names: &Names) -> Result<Self, Refusal> {
        let policy = form.get("policy").filter(|policy| !policy.is_empty());
        let policy = policy.ok_or_else(|| {
            let reason = "the form has a key id or a signature, but no policy before the file";
            Kind::PolicyMissing.argument("policy", "", reason)
        })?;
        let key = form.get(names.key).ok_or_else(|| key_missing(form, names))?;
        if key.is_empty() {
            let reason = format!("the field {} is empty", names.key);
            return Err(Kind::KeyIdEmpty.argument(names.key, "", reason));
        }
        let signature = form.get(names.signature).ok_or_else(|| signature_missing(form, names))?;
        if signature.is_empty() {
            let reason = format!("the field {} is empty", names.signature);
            return Err(Kind::SignatureEmpty.argument(names.signature, "", reason));
        }
        Ok(Self { policy, key, signature })
    }
}

fn key_missing(form: &Form, names: &Names) -> Refusal {
    let reason = if form.get("x-oss-credential").is_some() {
        "the form has x-oss-credential but no x-oss-signature-version before the file, so OSS \
         takes it for V1 and misses OSSAccessKeyId"
            .to_owned()
    } else {
        format!("the form has no {} before the file", names.key)
    };
    let refusal = Kind::KeyIdMissing.argument(names.key, "", reason);
    refusal.with_message(format!(
        "The bucket POST must contain the specified '{}'. If it is specified, please check the \
         order of the fields",
        names.key
    ))
}

fn signature_missing(form: &Form, names: &Names) -> Refusal {
    if form.get(names.other_signature).is_some() {
        return Kind::SignatureMismatch.because(format!(
            "the signature stands in {}, but this signature version wants it in {}",
            names.other_signature, names.signature
        ));
    }
    let reason = format!("the form has no {} before the file", names.signature);
    Kind::SignatureMissing.argument(names.signature, "", reason)
}

/// Refuses a signature that is not the one computed here, with what was signed.
fn mismatch(id: &str, proof: &Proof<'_>, reason: &str) -> Refusal {
    let bytes: Vec<String> = proof.policy.bytes().map(|byte| format!("{byte:02X} ")).collect();
    Kind::SignatureMismatch
        .because(reason)
        .with_child("OSSAccessKeyId", id)
        .with_child("SignatureProvided", proof.signature)
        .with_child("StringToSign", proof.policy)
        .with_child("StringToSignBytes", bytes.concat())
}

#[cfg(test)]
mod tests;
