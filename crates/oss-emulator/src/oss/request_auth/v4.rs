//! Signature V4 of a request: the credential `<key id>/<day>/<region>/oss/aliyun_v4_request`, its date
//! and lifetime, and an HMAC-SHA256 over the canonical request.
//!
//! Source: the page on signature V4.

use sha2::{Digest, Sha256};

use crate::dates;
use crate::keys::AccessKey;
use crate::oss::error::{OssError, OssErrorKind};
use crate::oss::request_auth::v4_canonical::CanonicalHeaders;
use crate::oss::request_auth::v4_place::V4Claim;
use crate::oss::request_auth::{SignedRequest, V4_VERSION, v4_canonical};
use crate::oss::signature::V4KeyScope;
use crate::oss::validator::Validator;
use crate::oss::{request_auth, signature};

/// The last item of a credential.
const TERMINATOR: &str = "aliyun_v4_request";

/// Verifies a signature and returns the key that made it.
pub(super) fn verify<'v>(
    validator: &Validator<'v>,
    request: &SignedRequest<'_>,
    claim: &V4Claim<'_>,
) -> Result<&'v AccessKey, OssError> {
    let credential = RequestCredential::parse(validator, claim)?;
    check_time(validator, claim, credential.day)?;
    let key = request_auth::find_key(validator, credential.id, claim.token)?;
    let headers = CanonicalHeaders::of(request, claim.additional, claim.errors)?;
    let canonical = v4_canonical::text(request, &headers);
    let text = format!(
        "{V4_VERSION}\n{}\n{}\n{}",
        claim.date,
        credential.scope(),
        hex::encode(Sha256::digest(&canonical))
    );
    let scope = V4KeyScope { secret: &key.secret, day: credential.day, region: credential.region };
    let strictness = validator.strictness;
    let check = strictness.signature_check;
    if strictness.skipped.signatures
        || signature::is_v4(scope, text.as_bytes(), claim.signature, check)
    {
        return Ok(key);
    }
    let reason = format!(
        "the V4 signature is not the one that this secret makes for {} {}, its query, and {}; a header \
         or a parameter may have been added or changed on the way{}",
        request.head.method,
        request.head.uri.path(),
        headers.names(),
        request.hint()
    );
    Err(OssErrorKind::RequestSignatureMismatch
        .because(reason)
        .with_child("OSSAccessKeyId", credential.id)
        .with_child("SignatureProvided", claim.signature)
        .with_child("StringToSign", text.as_str())
        .with_child("StringToSignBytes", signature::spaced_hex(text.as_bytes()))
        .with_child("CanonicalRequest", String::from_utf8_lossy(&canonical)))
}

/// A well-formed credential.
#[derive(Clone, Copy)]
struct RequestCredential<'a> {
    id: &'a str,
    day: &'a str,
    region: &'a str,
}

impl<'a> RequestCredential<'a> {
    fn parse(validator: &Validator<'_>, claim: &V4Claim<'a>) -> Result<Self, OssError> {
        let (text, errors) = (claim.credential, claim.errors);
        let refuse =
            |kind: OssErrorKind, reason: String| kind.argument(errors.argument, text, reason);
        let items: Vec<&str> = text.split('/').collect();
        let [id, day, region, product, TERMINATOR] = items[..] else {
            let reason = "the credential does not have its five items: key id, day, region, oss, \
                          aliyun_v4_request";
            return Err(refuse(errors.credential, reason.to_owned()));
        };
        if id.is_empty() {
            let reason = "the credential begins without a key id";
            return Err(refuse(errors.credential, reason.to_owned()));
        }
        if dates::parse_day(day).is_none() {
            let reason = "the day in the credential is not of the form 20241127";
            return Err(refuse(errors.day, reason.to_owned()));
        }
        let wanted = &validator.bucket.region;
        if region != wanted {
            let reason = format!(
                "the region in the credential is {region:?}, but the bucket lies in {wanted:?}"
            );
            return Err(refuse(errors.region, reason));
        }
        if product != "oss" {
            let reason = "the product in the credential is not oss";
            return Err(refuse(errors.product, reason.to_owned()));
        }
        Ok(Self { id, day, region })
    }

    fn scope(&self) -> String {
        format!("{}/{}/oss/{TERMINATOR}", self.day, self.region)
    }
}

/// Checks `x-oss-date` against the credential's day and the clock, and the lifetime of a URL.
fn check_time(validator: &Validator<'_>, claim: &V4Claim<'_>, day: &str) -> Result<(), OssError> {
    let (text, errors) = (claim.date, claim.errors);
    let refuse = |kind: OssErrorKind, reason: String| kind.argument("x-oss-date", text, reason);
    let signed_at = dates::parse_basic(text).ok_or_else(|| {
        let reason = "x-oss-date is missing or not of the form 20241127T060941Z";
        refuse(errors.date, reason.to_owned())
    })?;
    if !text.starts_with(day) {
        let reason = format!(
            "x-oss-date is not on the day {day} that the credential names; read the clock once, in UTC"
        );
        return Err(refuse(errors.day, reason));
    }
    let ahead = signed_at.saturating_sub(validator.now);
    let Some(expires) = claim.expires else {
        return request_auth::check_skew(validator, signed_at);
    };
    if ahead > validator.strictness.date_ahead {
        let reason = format!("the URL is used {ahead} seconds before its x-oss-date");
        return Err(OssErrorKind::UrlTooEarly.because(reason));
    }
    let over = validator.now.saturating_sub(signed_at.saturating_add(expires));
    if over > 0 {
        let reason = format!("the URL expired {over} seconds ago: x-oss-date plus x-oss-expires");
        return Err(OssErrorKind::UrlExpired.because(reason));
    }
    Ok(())
}
