//! Signature V4: the credential `<key id>/<day>/<region>/oss/aliyun_v4_request`, its date, and an
//! HMAC-SHA256 under a derived key, in lower-case hex.
//!
//! Sources: the page on signature V4 of PostObject; error code pages 0002-00000707 to
//! 0002-00000715. The valid day and region depend on the clock and the bucket, which are arguments.

use crate::dates;
use crate::oss::error::{OssError, OssErrorKind};
use crate::oss::form::UploadForm;
use crate::oss::signature;
use crate::oss::signature::V4KeyScope;
use crate::oss::validator::Validator;
use crate::oss::validator::auth::{
    PostSignatureVersion, SignatureFieldNames, SignatureFields, SignedPolicy, find_key, mismatch,
};

const V4_FIELDS: SignatureFieldNames = SignatureFieldNames {
    key: X_OSS_CREDENTIAL,
    signature: "x-oss-signature",
    other_signature: "Signature",
};

/// The field with the credential.
pub(super) const X_OSS_CREDENTIAL: &str = "x-oss-credential";

/// The field with the time of signing.
const X_OSS_DATE: &str = "x-oss-date";

/// Authenticates a V4 form.
pub(super) fn authenticate<'a>(
    validator: &Validator<'a>,
    form: &'a UploadForm,
) -> Result<SignedPolicy<'a>, OssError> {
    let fields = SignatureFields::read(form, &V4_FIELDS)?;
    let credential = V4Credential::parse(fields.key, validator)?;
    credential.check_date(form, validator)?;
    let key = find_key(validator, form, credential.id)?;
    let scope = V4KeyScope { secret: &key.secret, day: credential.day, region: credential.region };
    let (strictness, text) = (validator.strictness, fields.policy.as_bytes());
    let check = strictness.signature_check;
    if strictness.skipped.signatures || signature::is_v4(scope, text, fields.signature, check) {
        return Ok(SignedPolicy { version: PostSignatureVersion::V4, policy: fields.policy, key });
    }
    Err(mismatch(
        credential.id,
        &fields,
        "the V4 signature is not the one that this secret makes for this policy, day and region",
    ))
}

/// A well-formed credential.
#[derive(Clone, Copy, Debug)]
pub(super) struct V4Credential<'a> {
    pub(super) id: &'a str,
    pub(super) day: &'a str,
    pub(super) region: &'a str,
}

impl<'a> V4Credential<'a> {
    /// Parses a credential and checks its items from left to right.
    pub(super) fn parse(text: &'a str, validator: &Validator<'_>) -> Result<Self, OssError> {
        let refuse =
            |kind: OssErrorKind, reason: &str| kind.argument(X_OSS_CREDENTIAL, text, reason);
        let mut items = text.split('/');
        let id = items.next().unwrap_or_default();
        if id.is_empty() {
            return Err(refuse(
                OssErrorKind::KeyIdEmpty,
                "x-oss-credential begins without a key id",
            ));
        }
        if !id.bytes().all(is_key_id_byte) {
            let reason = "the key id in x-oss-credential has a character that no key id has";
            return Err(refuse(OssErrorKind::KeyIdIllegal, reason));
        }
        if text.rsplit('/').next() != Some("aliyun_v4_request") {
            let reason = "x-oss-credential does not end with /aliyun_v4_request";
            return Err(refuse(OssErrorKind::TerminatorInvalid, reason));
        }
        let rest: Vec<&str> = items.collect();
        let [day, region, product, _] = rest[..] else {
            let reason = "x-oss-credential does not have its five items: key id, day, region, oss, \
                          aliyun_v4_request";
            return Err(refuse(OssErrorKind::CredentialInvalid, reason));
        };
        if dates::parse_day(day).is_none() {
            let reason = "the day in x-oss-credential is not of the form 20241127";
            return Err(refuse(OssErrorKind::DateInvalid, reason));
        }
        if region != validator.bucket.region {
            return Err(refuse(OssErrorKind::RegionInvalid, &region_reason(region, validator)));
        }
        if product != "oss" {
            let reason = "the product in x-oss-credential is not oss";
            return Err(refuse(OssErrorKind::CredentialInvalid, reason));
        }
        Ok(Self { id, day, region })
    }

    /// Checks `x-oss-date` against the credential's day and the clock.
    pub(super) fn check_date(
        &self,
        form: &UploadForm,
        validator: &Validator<'_>,
    ) -> Result<(), OssError> {
        let text = form.get(X_OSS_DATE).unwrap_or_default();
        let refuse = |kind: OssErrorKind, reason: String| kind.argument(X_OSS_DATE, text, reason);
        let signed_at = dates::parse_basic(text).ok_or_else(|| {
            let reason = "x-oss-date is missing before the file or not of the form \
                          20241127T060941Z";
            refuse(OssErrorKind::DateFieldInvalid, reason.to_owned())
        })?;
        if !text.starts_with(self.day) {
            let reason = format!(
                "x-oss-date is not on the day {} that x-oss-credential names; read the clock once, \
                 in UTC",
                self.day
            );
            return Err(refuse(OssErrorKind::DateInvalid, reason));
        }
        let ahead = signed_at.saturating_sub(validator.now);
        if ahead > validator.strictness.date_ahead {
            let reason = format!("x-oss-date lies {ahead} seconds in the future");
            return Err(refuse(OssErrorKind::DateInvalid, reason));
        }
        let behind = validator.now.saturating_sub(signed_at);
        if behind > validator.strictness.date_behind {
            let reason = format!("x-oss-date lies {behind} seconds in the past");
            return Err(refuse(OssErrorKind::DateInvalid, reason));
        }
        Ok(())
    }
}

fn is_key_id_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_')
}

fn region_reason(region: &str, validator: &Validator<'_>) -> String {
    let wanted = &validator.bucket.region;
    if region.strip_prefix("oss-") == Some(wanted) {
        return format!(
            "the region in x-oss-credential is {region:?}; write the general id {wanted:?}, \
             without oss-"
        );
    }
    format!("the region in x-oss-credential is {region:?}, but the bucket lies in {wanted:?}")
}
