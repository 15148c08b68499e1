//! Authentication of requests that are signed in the URL or in the `Authorization` header.
//!
//! 1. The query can be read in one way, and the request is signed at one place at most.
//! 2. Form of the signature, version, credential, dates, lifetime and region are valid.
//! 3. The key is known, its token was sent with it, and neither has expired (`key_lookup`).
//! 4. The headers that the signature lists are there.
//! 5. The signature is correct.
//!
//! No page documents the order. Sources: the pages on signature V4 and V1 in headers and URLs, and the
//! error code pages that `error` names. Every `x-oss-*` header, `Content-Type` and `Content-MD5` that
//! arrives takes part in the signature, whether the client signed it or not, and so does the whole
//! query. V1 signs only some parameters. Form uploads are authenticated by their fields in
//! `validator::auth`; a signature in their head is ignored.
//!
//! What a caller may do is decided by the operation, with [`RequestIdentity::check`].

use http::{HeaderMap, header, request};
use percent_encoding::percent_decode_str;

use crate::keys::AccessKey;
use crate::oss::error::{OssError, OssErrorKind};
use crate::oss::key_lookup;
use crate::oss::key_lookup::KeyClaim;
use crate::oss::options::LocalBucket;
use crate::oss::query::RequestQuery;
use crate::oss::state::OssState;
use crate::oss::validator::Validator;

mod v1;
mod v4;
mod v4_canonical;
mod v4_place;

#[cfg(test)]
mod tests;

/// The header and the parameter with the security token.
const X_OSS_SECURITY_TOKEN: &str = "x-oss-security-token";

/// The name of the V4 algorithm.
const V4_VERSION: &str = "OSS4-HMAC-SHA256";

/// The reason where a temporary key came without its token.
const MISSING_TOKEN: &str =
    "the key is a temporary one, and its token is not at the place where the signature is";

/// The caller of a request.
#[derive(Clone, Debug)]
pub(super) struct RequestIdentity {
    /// The key that signed; `None` for a request without a signature.
    key: Option<AccessKey>,
}

/// Finds the caller of a request, and verifies its signature if it has one.
pub(super) fn authenticate(
    state: &OssState,
    bucket: &LocalBucket,
    head: &request::Parts,
) -> Result<RequestIdentity, OssError> {
    let keys = state.ring.all();
    let validator =
        Validator { bucket, keys: &keys, strictness: &state.strictness, now: state.now() };
    identify(&validator, head)
}

/// Finds the caller of a request by the keys and the clock of a validator.
pub(super) fn identify(
    validator: &Validator<'_>,
    head: &request::Parts,
) -> Result<RequestIdentity, OssError> {
    let query = RequestQuery::parse(head.uri.query())?;
    let request = SignedRequest { head, query: &query, bucket: &validator.bucket.name };
    let key = match request.scheme()? {
        None => None,
        Some(SignatureScheme::V4Url) => {
            let claim = v4_place::in_url(&request)?;
            Some(v4::verify(validator, &request, &claim)?)
        }
        Some(SignatureScheme::V4Header(items)) => {
            let claim = v4_place::in_header(&request, items)?;
            Some(v4::verify(validator, &request, &claim)?)
        }
        Some(SignatureScheme::V1Url) => Some(v1::verify_url(validator, &request)?),
        Some(SignatureScheme::V1Header(items)) => {
            Some(v1::verify_header(validator, &request, items)?)
        }
    };
    Ok(RequestIdentity { key: key.cloned() })
}

impl RequestIdentity {
    /// Returns the id of the key that signed.
    pub(super) fn key_id(&self) -> Option<&str> {
        self.key.as_ref().map(|key| key.id.as_str())
    }

    pub(super) fn is_signed(&self) -> bool {
        self.key.is_some()
    }

    /// Checks whether the caller may do a RAM action on an object, or on the bucket if the key is
    /// empty. A request without a signature may do nothing, because no bucket here is public.
    pub(super) fn check(
        &self,
        action: &str,
        bucket: &LocalBucket,
        key: &str,
    ) -> Result<(), OssError> {
        let Some(signer) = &self.key else {
            return Err(OssErrorKind::Anonymous
                .because("the request has no signature, and the bucket is not public"));
        };
        // Region and account of the resource are wildcards: buckets have no account here.
        let resource = match key {
            "" => format!("acs:oss:*:*:{}", bucket.name),
            key => format!("acs:oss:*:*:{}/{key}", bucket.name),
        };
        if signer.may(action, &resource) {
            return Ok(());
        }
        Err(OssErrorKind::NoPermission.because(format!(
            "the key that signed may not do {action} on {resource}; look at the policies of its \
             role and its session"
        )))
    }
}

/// Finds the key that a request names, with the token that came beside the signature.
fn find_key<'v>(
    validator: &Validator<'v>,
    id: &str,
    token: Option<&str>,
) -> Result<&'v AccessKey, OssError> {
    let claim = KeyClaim { id, token, missing_token: MISSING_TOKEN };
    key_lookup::find_key(validator.keys, validator.now, &claim)
}

/// Checks the date of a header, of which the clock may differ in both directions.
fn check_skew(validator: &Validator<'_>, signed_at: i64) -> Result<(), OssError> {
    let difference = signed_at.saturating_sub(validator.now).saturating_abs();
    if difference <= validator.strictness.date_ahead {
        return Ok(());
    }
    Err(OssErrorKind::TimeTooSkewed
        .because(format!("the date of the request differs by {difference} seconds from the clock")))
}

/// Where a signature is and of which version it is.
enum SignatureScheme<'a> {
    V4Url,
    V1Url,
    /// The header without the name of the algorithm.
    V4Header(&'a str),
    V1Header(&'a str),
}

/// The parts of a request that a signature is about.
struct SignedRequest<'a> {
    head: &'a request::Parts,
    query: &'a RequestQuery,
    bucket: &'a str,
}

impl<'a> SignedRequest<'a> {
    fn scheme(&self) -> Result<Option<SignatureScheme<'a>>, OssError> {
        let has = |names: &[&str]| names.iter().any(|name| self.query.has(name));
        let in_url = if has(&["x-oss-signature-version", "x-oss-credential", "x-oss-signature"]) {
            Some(SignatureScheme::V4Url)
        } else if has(&["OSSAccessKeyId", "Signature"]) {
            Some(SignatureScheme::V1Url)
        } else {
            None
        };
        let Some(value) = self.headers().get(header::AUTHORIZATION) else {
            return Ok(in_url);
        };
        if in_url.is_some() {
            return Err(OssErrorKind::SignedTwice
                .because("the request has a signature in the URL and an Authorization header"));
        }
        let text = value.to_str().unwrap_or_default();
        let (algorithm, items) = text.split_once(' ').unwrap_or((text, ""));
        match algorithm {
            V4_VERSION => Ok(Some(SignatureScheme::V4Header(items))),
            "OSS" => Ok(Some(SignatureScheme::V1Header(items))),
            _ => Err(OssErrorKind::AuthorizationInvalid.because(
                "the Authorization header begins neither with OSS4-HMAC-SHA256 nor with OSS; other \
                 signatures are not emulated",
            )),
        }
    }

    /// Returns a further hint on a wrong signature, for developers.
    fn hint(&self) -> &'static str {
        let path = self.head.uri.path().trim_start_matches('/');
        let first = path.split('/').next().unwrap_or_default();
        if first == self.bucket && path.len() > first.len() {
            "; the path begins with the name of the bucket, which belongs into the host"
        } else {
            ""
        }
    }

    fn headers(&self) -> &'a HeaderMap {
        &self.head.headers
    }

    /// Returns the text of a header, or nothing for one that is missing or not ASCII.
    fn header(&self, name: &str) -> &'a str {
        let value = self.headers().get(name).and_then(|value| value.to_str().ok());
        value.map(str::trim).unwrap_or_default()
    }

    /// Returns the bucket and the decoded key as a path.
    fn resource(&self) -> Vec<u8> {
        let path = self.head.uri.path();
        let key = percent_decode_str(path.strip_prefix('/').unwrap_or_default());
        format!("/{}/", self.bucket).into_bytes().into_iter().chain(key).collect()
    }

    /// Returns the value of a header as it is signed; the values of a repeated one are joined.
    fn signed_value(&self, name: &str) -> Option<Vec<u8>> {
        let all = self.headers().get_all(name);
        let mut values = all.iter().map(|value| value.as_bytes().trim_ascii()).peekable();
        values.peek()?;
        Some(values.collect::<Vec<_>>().join(&b','))
    }
}
