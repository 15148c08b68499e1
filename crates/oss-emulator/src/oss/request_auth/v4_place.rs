//! The two places of a V4 signature: the query of the URL, and the `Authorization` header.
//!
//! Sources: the pages on signature V4 in URLs and headers; error code pages 0002-00000066 to
//! 0002-00000077 and 0002-00000209 to 0002-00000236. An error of one kind has another EC at each place.

use crate::oss::error::{OssError, OssErrorKind};
use crate::oss::request_auth::{SignedRequest, V4_VERSION, X_OSS_SECURITY_TOKEN};

/// The longest lifetime of a URL, in seconds.
const MAX_EXPIRES: i64 = 7 * 24 * 60 * 60;

/// What stands for the hash of the body.
pub(super) const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";

/// The parameter with the signature, the only one that is not signed.
pub(super) const X_OSS_SIGNATURE: &str = "x-oss-signature";

/// The parameter with the version.
const VERSION_NAME: &str = "x-oss-signature-version";

/// What a request says about its V4 signature.
pub(super) struct V4Claim<'a> {
    pub(super) errors: &'static V4Errors,
    pub(super) credential: &'a str,
    /// The text of `x-oss-date`.
    pub(super) date: &'a str,
    /// Seconds; `None` in a header, where the date alone limits the time.
    pub(super) expires: Option<i64>,
    /// The names of the headers that are signed in addition.
    pub(super) additional: Option<&'a str>,
    pub(super) token: Option<&'a str>,
    pub(super) signature: &'a str,
}

/// The error kinds of one place.
pub(super) struct V4Errors {
    /// The name of what holds the credential.
    pub(super) argument: &'static str,
    pub(super) credential: OssErrorKind,
    pub(super) day: OssErrorKind,
    pub(super) region: OssErrorKind,
    pub(super) product: OssErrorKind,
    pub(super) date: OssErrorKind,
    pub(super) names_empty: OssErrorKind,
    pub(super) name_absent: OssErrorKind,
}

static URL_ERRORS: V4Errors = V4Errors {
    argument: "x-oss-credential",
    credential: OssErrorKind::UrlCredentialInvalid,
    day: OssErrorKind::UrlDayInvalid,
    region: OssErrorKind::UrlRegionInvalid,
    product: OssErrorKind::UrlCredentialInvalid,
    date: OssErrorKind::UrlDateInvalid,
    names_empty: OssErrorKind::UrlNamesEmpty,
    name_absent: OssErrorKind::UrlNameAbsent,
};

static HEADER_ERRORS: V4Errors = V4Errors {
    argument: "Authorization",
    credential: OssErrorKind::HeaderCredentialInvalid,
    day: OssErrorKind::HeaderDayInvalid,
    region: OssErrorKind::HeaderRegionInvalid,
    product: OssErrorKind::HeaderProductInvalid,
    date: OssErrorKind::DateHeaderInvalid,
    names_empty: OssErrorKind::HeaderNamesEmpty,
    name_absent: OssErrorKind::HeaderNameAbsent,
};

/// Reads the parameters of a URL.
pub(super) fn in_url<'a>(request: &SignedRequest<'a>) -> Result<V4Claim<'a>, OssError> {
    let query = request.query;
    let required = |name: &str| {
        query.get(name).filter(|value| !value.is_empty()).ok_or_else(|| {
            let reason = format!("the URL has a part of a V4 signature but no {name}");
            OssErrorKind::UrlParameterMissing.argument(name, "", reason)
        })
    };
    let version = required(VERSION_NAME)?;
    if version != V4_VERSION {
        let reason = "x-oss-signature-version must be OSS4-HMAC-SHA256";
        return Err(OssErrorKind::UrlVersionUnknown.argument(VERSION_NAME, version, reason));
    }
    Ok(V4Claim {
        errors: &URL_ERRORS,
        credential: required("x-oss-credential")?,
        date: required("x-oss-date")?,
        expires: Some(expires(query.get("x-oss-expires"))?),
        additional: query.get("x-oss-additional-headers"),
        token: query.get(X_OSS_SECURITY_TOKEN),
        signature: required(X_OSS_SIGNATURE)?,
    })
}

fn expires(text: Option<&str>) -> Result<i64, OssError> {
    const NAME: &str = "x-oss-expires";
    let text = text.ok_or_else(|| {
        OssErrorKind::UrlExpiresMissing.argument(NAME, "", "the URL has no x-oss-expires")
    })?;
    if text.is_empty() {
        return Err(OssErrorKind::UrlExpiresEmpty.argument(NAME, "", "x-oss-expires is empty"));
    }
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    let seconds =
        text.parse().ok().filter(|seconds| is_number && (1..=MAX_EXPIRES).contains(seconds));
    seconds.ok_or_else(|| {
        let reason = format!("x-oss-expires is {text:?}; it must be 1 to {MAX_EXPIRES} seconds");
        OssErrorKind::UrlExpiresRange.argument(NAME, text, reason)
    })
}

/// Reads the items of an `Authorization` header; blanks after commas and any order are accepted.
pub(super) fn in_header<'a>(
    request: &SignedRequest<'a>,
    items: &'a str,
) -> Result<V4Claim<'a>, OssError> {
    let invalid = |reason: &str| OssErrorKind::AuthorizationInvalid.because(reason);
    let (mut credential, mut additional, mut signature) = (None, None, None);
    for item in items.split(',') {
        let (name, value) = item.trim().split_once('=').unwrap_or_default();
        let place = match name {
            "Credential" => &mut credential,
            "AdditionalHeaders" => &mut additional,
            "Signature" => &mut signature,
            _ => return Err(invalid("the Authorization header has an unknown item")),
        };
        if place.replace(value).is_some() {
            return Err(invalid("the Authorization header has an item twice"));
        }
    }
    let missing = "the Authorization header lacks Credential or Signature";
    let hash = request.header("x-oss-content-sha256");
    if hash != UNSIGNED_PAYLOAD {
        let reason = "the header x-oss-content-sha256 is not UNSIGNED-PAYLOAD";
        return Err(OssErrorKind::PayloadHashInvalid.argument(
            "x-oss-content-sha256",
            hash,
            reason,
        ));
    }
    Ok(V4Claim {
        errors: &HEADER_ERRORS,
        credential: credential.ok_or_else(|| invalid(missing))?,
        date: request.header("x-oss-date"),
        expires: None,
        additional,
        token: Some(request.header(X_OSS_SECURITY_TOKEN)),
        signature: signature.ok_or_else(|| invalid(missing))?,
    })
}
