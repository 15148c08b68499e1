//! Signature V1 of a request, which `ali-oss` sends by default: an HMAC-SHA1 over method, MD5, type,
//! date, `x-oss-*` headers and the resource.
//!
//! Sources: the pages on signature V1 in headers and URLs; the 403 page. New accounts and buckets refuse
//! it. In a header `x-oss-date` takes precedence over `Date`, as in SDKs of browsers, which cannot set
//! `Date`. Of the query only [`SUBRESOURCES`] are signed.

use crate::dates;
use crate::keys::AccessKey;
use crate::oss::error::{OssError, OssErrorKind};
use crate::oss::request_auth::{SignedRequest, X_OSS_SECURITY_TOKEN};
use crate::oss::validator::Validator;
use crate::oss::{request_auth, signature};

/// The parameters that take part in a signature, apart from those that begin with `x-oss-` or
/// `response-`.
const SUBRESOURCES: [&str; 57] = [
    "accessPoint",
    "accessPointPolicy",
    "acl",
    "append",
    "asyncFetch",
    "bucketInfo",
    "callback",
    "callback-var",
    "cloudboxes",
    "cname",
    "comp",
    "continuation-token",
    "cors",
    "delete",
    "encryption",
    "endTime",
    "img",
    "inventory",
    "inventoryId",
    "lifecycle",
    "live",
    "location",
    "logging",
    "metaQuery",
    "objectMeta",
    "partNumber",
    "policy",
    "position",
    "qos",
    "qosInfo",
    "referer",
    "regionList",
    "replication",
    "replicationLocation",
    "replicationProgress",
    "requestPayment",
    "resourceGroup",
    "restore",
    "security-token",
    "sequential",
    "startTime",
    "stat",
    "status",
    "style",
    "styleName",
    "symlink",
    "tagging",
    "transferAcceleration",
    "uploadId",
    "uploads",
    "versionId",
    "versioning",
    "versions",
    "vod",
    "website",
    "worm",
    "wormId",
];

/// What a request says about its V1 signature.
struct V1Claim<'a> {
    id: &'a str,
    token: Option<&'a str>,
    /// The line of the signed text that holds the date, or the end of a URL.
    moment: &'a str,
    signature: &'a str,
}

/// Verifies a signature in the URL and returns the key that made it.
pub(super) fn verify_url<'v>(
    validator: &Validator<'v>,
    request: &SignedRequest<'_>,
) -> Result<&'v AccessKey, OssError> {
    check_allowed(validator)?;
    let required = |name: &str| {
        request.query.get(name).filter(|value| !value.is_empty()).ok_or_else(|| {
            let reason = format!("the URL has a part of a V1 signature but no {name}");
            OssErrorKind::V1UrlIncomplete.because(reason)
        })
    };
    let claim = V1Claim {
        id: required("OSSAccessKeyId")?,
        token: request.query.get("security-token"),
        moment: required("Expires")?,
        signature: required("Signature")?,
    };
    let end = claim.moment.parse::<i64>().map_err(|_| {
        OssErrorKind::V1UrlIncomplete.because("Expires is not a number of Unix seconds")
    })?;
    let over = validator.now.saturating_sub(end);
    if over > 0 {
        let reason = format!("the URL expired {over} seconds ago, as its parameter Expires says");
        return Err(OssErrorKind::V1UrlExpired.because(reason));
    }
    verify(validator, request, &claim)
}

/// Verifies a signature in the header and returns the key that made it.
pub(super) fn verify_header<'v>(
    validator: &Validator<'v>,
    request: &SignedRequest<'_>,
    items: &str,
) -> Result<&'v AccessKey, OssError> {
    check_allowed(validator)?;
    let (id, signature) = items.trim().split_once(':').unwrap_or_default();
    if id.is_empty() || signature.is_empty() {
        return Err(OssErrorKind::AuthorizationInvalid
            .because("the Authorization header is not of the form OSS <key id>:<signature>"));
    }
    let own = request.header("x-oss-date");
    let moment = if own.is_empty() { request.header("date") } else { own };
    let signed_at = dates::parse_http(moment).or_else(|| dates::parse_basic(moment));
    let signed_at = signed_at.ok_or_else(|| {
        OssErrorKind::DateHeaderInvalid
            .because("the request has no Date and no x-oss-date, or one that cannot be read")
    })?;
    request_auth::check_skew(validator, signed_at)?;
    let token = Some(request.header(X_OSS_SECURITY_TOKEN));
    verify(validator, request, &V1Claim { id, token, moment, signature })
}

fn check_allowed(validator: &Validator<'_>) -> Result<(), OssError> {
    if !validator.strictness.refuse_v1 {
        return Ok(());
    }
    Err(OssErrorKind::V1Refused
        .because("the request is signed with V1, which this bucket does not take; sign with V4"))
}

fn verify<'v>(
    validator: &Validator<'v>,
    request: &SignedRequest<'_>,
    claim: &V1Claim<'_>,
) -> Result<&'v AccessKey, OssError> {
    let key = request_auth::find_key(validator, claim.id, claim.token)?;
    let text = string_to_sign(request, claim.moment);
    let strictness = validator.strictness;
    let check = strictness.signature_check;
    if strictness.skipped.signatures || signature::is_v1(&key.secret, &text, claim.signature, check)
    {
        return Ok(key);
    }
    let reason = format!(
        "the V1 signature is not the one that this secret makes for this request{}",
        request.hint()
    );
    Err(OssErrorKind::RequestSignatureMismatch
        .because(reason)
        .with_child("OSSAccessKeyId", claim.id)
        .with_child("SignatureProvided", claim.signature)
        .with_child("StringToSign", String::from_utf8_lossy(&text))
        .with_child("StringToSignBytes", signature::spaced_hex(&text)))
}

fn string_to_sign(request: &SignedRequest<'_>, moment: &str) -> Vec<u8> {
    let mut text = request.head.method.as_str().as_bytes().to_vec();
    for name in ["content-md5", "content-type"] {
        text.push(b'\n');
        text.extend(request.signed_value(name).unwrap_or_default());
    }
    text.extend_from_slice(format!("\n{moment}\n").as_bytes());
    let names = request.headers().keys().map(http::HeaderName::as_str);
    let mut names: Vec<&str> = names.filter(|name| name.starts_with("x-oss-")).collect();
    names.sort_unstable();
    for name in names {
        text.extend_from_slice(name.as_bytes());
        text.push(b':');
        text.extend(request.signed_value(name).unwrap_or_default());
        text.push(b'\n');
    }
    text.extend(request.resource());
    text.extend_from_slice(subresources(request).as_bytes());
    text
}

/// Writes the signed parameters, decoded, in the order of their names.
fn subresources(request: &SignedRequest<'_>) -> String {
    let is_signed = |name: &str| {
        SUBRESOURCES.contains(&name) || name.starts_with("x-oss-") || name.starts_with("response-")
    };
    let mut signed: Vec<_> = request.query.iter().filter(|(name, _)| is_signed(name)).collect();
    signed.sort_unstable();
    let mut text = String::new();
    for (name, value) in signed {
        text.push(if text.is_empty() { '?' } else { '&' });
        text.push_str(name);
        if !value.is_empty() {
            text.push('=');
            text.push_str(value);
        }
    }
    text
}
