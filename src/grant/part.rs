//! The signatures of the parts of a large file.
//!
//! A part's URL fixes object key, upload, number and exact length: a body that is one byte longer or shorter is
//! refused. The URLs of an upload differ in the number and the signature only, so one URL and 64 hex digits for each
//! part are enough for all of them:
//!
//! ```text
//! URL of part n = url "&partNumber=" n "&x-oss-signature=" signatures[n]
//! ```
//!
//! A part is sent without a content type: OSS verifies one that arrives, and a slice of a file has none.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::callback::upload_token::UploadToken;
use crate::credentials::Credentials;
use crate::grant::{GrantError, expiry, request_signer};
use crate::policy::PolicyError;
use crate::policy::part_size::{MAX_PARTS, PartPlan};
use crate::policy::route::Route;
use crate::signing::request::{CanonicalRequest, OssRequest, RequestSigner, object_path};
use crate::time::Timestamp;

const CONTENT_LENGTH: &str = "content-length";
const PART_NUMBER: &str = "partNumber";
const UPLOAD_ID: &str = "uploadId";

/// The signatures of some parts of an upload.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedParts {
    /// The URL of every part without its number and signature.
    pub url: String,
    /// The signatures by number, in ascending order.
    pub signatures: Vec<(u32, String)>,
    /// The last moment at which OSS accepts these parts.
    pub expires_at: Timestamp,
}

/// The signatures permit an upload and the URL contains the security token, so neither is shown.
impl fmt::Debug for SignedParts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SignedParts")
            .field("signatures", &self.signatures.len())
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

impl SignedParts {
    /// Returns the whole URL of each part.
    pub fn urls(&self) -> impl Iterator<Item = (u32, String)> + '_ {
        self.signatures.iter().map(|(number, signature)| {
            let url = &self.url;
            (*number, format!("{url}&{PART_NUMBER}={number}&x-oss-signature={signature}"))
        })
    }
}

/// Returns the number of parts of an upload; [`MAX_PARTS`] where the size of the file is not known.
pub fn part_count(token: &UploadToken) -> Result<u32, GrantError> {
    Ok(plan(token)?.map_or(MAX_PARTS, |plan| plan.count()))
}

/// Returns how the file is divided; `None` if its size is not known.
pub fn plan(token: &UploadToken) -> Result<Option<PartPlan>, GrantError> {
    let plan = token.size.map(|size| PartPlan::new(size, token.part_size)).transpose();
    plan.map_err(|error| GrantError::Policy(PolicyError::Parts(error)))
}

/// Signs a range of parts, each with its exact length where the size of the file is known.
///
/// # Errors
/// The upload has no such parts, or the credentials end too soon.
pub fn sign_parts(
    token: &UploadToken,
    numbers: RangeInclusive<u32>,
    route: &Route,
    credentials: &Credentials,
    now: Timestamp,
) -> Result<SignedParts, GrantError> {
    let plan = plan(token)?;
    let count = plan.map_or(MAX_PARTS, |plan| plan.count());
    let outside =
        [*numbers.start(), *numbers.end()].into_iter().find(|one| !(1..=count).contains(one));
    if let Some(number) = outside {
        return Err(GrantError::PartOutOfRange { number, count });
    }
    let end = Timestamp::from_unix(token.expires_at).ok_or(GrantError::CredentialsExpired)?;
    let expires_at = expiry(route, credentials, now)?.min(end);
    let signer = request_signer(route, credentials, now);
    let signer = PartSigner::new(&signer, token, expires_at.since(now), plan.is_some());
    let signatures = numbers.map(|number| {
        let length = plan.and_then(|plan| plan.length(number));
        (number, signer.sign(number, length))
    });
    let signatures = signatures.collect();
    let query = &signer.common.query;
    let url = format!("{}{}?{query}", route.host.as_str(), object_path(&token.key));
    Ok(SignedParts { url, signatures, expires_at })
}

/// Signs the URL that lists the parts of an upload. Returns it with the last moment at which OSS accepts it.
///
/// # Errors
/// The credentials end too soon.
pub fn sign_list(
    token: &UploadToken,
    route: &Route,
    credentials: &Credentials,
    now: Timestamp,
) -> Result<(String, Timestamp), GrantError> {
    let expires_at = expiry(route, credentials, now)?;
    let signer = request_signer(route, credentials, now);
    let query = [(UPLOAD_ID, Some(token.upload_id.as_str()))];
    let request = OssRequest::new("GET", &token.bucket, &token.key);
    let query = signer.presign(&OssRequest { query: &query, ..request }, expires_at.since(now));
    Ok((format!("{}{}?{query}", route.host.as_str(), object_path(&token.key)), expires_at))
}

/// Signs the parts of one upload. Their canonical requests differ in number and length only, so everything else is
/// encoded once: an upload can have ten thousand parts.
struct PartSigner<'a> {
    signer: &'a RequestSigner<'a>,
    /// The canonical request of every part without its number and length.
    common: CanonicalRequest,
}

impl<'a> PartSigner<'a> {
    fn new(
        signer: &'a RequestSigner<'a>,
        token: &UploadToken,
        lifetime: Duration,
        has_length: bool,
    ) -> Self {
        let query = [(UPLOAD_ID, Some(token.upload_id.as_str()))];
        let additional_headers: &[_] = if has_length { &[CONTENT_LENGTH] } else { &[] };
        let request = OssRequest::new("PUT", &token.bucket, &token.key);
        let request = OssRequest { query: &query, additional_headers, ..request };
        Self { signer, common: signer.canonical_url(&request, lifetime) }
    }

    fn sign(&self, number: u32, length: Option<u64>) -> String {
        let canonical = CanonicalRequest {
            // The name of the number sorts before every other one.
            query: format!("{PART_NUMBER}={number}&{}", self.common.query),
            headers: length.map(|one| format!("{CONTENT_LENGTH}:{one}\n")).unwrap_or_default(),
            ..self.common.clone()
        };
        self.signer.sign(&canonical)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::bucket::{Bucket, Region};
    use crate::policy::template::Template;
    use crate::secret::Secret;

    /// The moment of the golden vectors: 2026-12-01T10:11:12Z.
    const NOW: i64 = 1_796_119_872;

    fn now() -> Timestamp {
        Timestamp::from_unix(NOW).unwrap()
    }

    fn route() -> Route {
        let bucket = Bucket::parse("examplebucket").unwrap();
        let region = Region::parse("cn-hangzhou").unwrap();
        let template = Template::directory("videos/").unwrap();
        let lifetime = Duration::from_hours(1);
        Route { lifetime, ..Route::new("videos", bucket, region, template) }
    }

    fn credentials(usable_until: Option<i64>) -> Credentials {
        Credentials {
            key_id: "LTAI5tExampleKeyId0001".to_owned(),
            secret: Secret::new("ExampleSecretKey/abcDEF+0123456789="),
            token: None,
            usable_until: usable_until.and_then(Timestamp::from_unix),
        }
    }

    fn token(size: Option<u64>) -> UploadToken {
        UploadToken {
            id: [0; 16],
            route: "videos".to_owned(),
            bucket: "examplebucket".to_owned(),
            key: "videos/a.mp4".to_owned(),
            upload_id: "0004B9894A22E5B1888A1E29F8236E2D".to_owned(),
            size,
            part_size: 8 << 20,
            content_type: "video/mp4".to_owned(),
            subject: None,
            issued_at: NOW,
            expires_at: NOW + 86_400,
        }
    }

    fn sign(size: Option<u64>, numbers: RangeInclusive<u32>) -> Result<SignedParts, GrantError> {
        sign_parts(&token(size), numbers, &route(), &credentials(None), now())
    }

    #[test]
    fn a_part_has_the_signature_of_the_golden_vector() {
        let signed = sign(Some(20 << 20), 1..=3).unwrap();
        assert_eq!(
            signed.signatures[0],
            (1, "922c5180c6f2d6e9e68fefb28a95fdc92f345e5368d4c777fc46aad4fa4b9719".to_owned())
        );
        insta::assert_snapshot!(signed.urls().next().unwrap().1, @"https://examplebucket.oss-cn-hangzhou.aliyuncs.com/videos/a.mp4?uploadId=0004B9894A22E5B1888A1E29F8236E2D&x-oss-additional-headers=content-length&x-oss-credential=LTAI5tExampleKeyId0001%2F20261201%2Fcn-hangzhou%2Foss%2Faliyun_v4_request&x-oss-date=20261201T101112Z&x-oss-expires=3600&x-oss-signature-version=OSS4-HMAC-SHA256&partNumber=1&x-oss-signature=922c5180c6f2d6e9e68fefb28a95fdc92f345e5368d4c777fc46aad4fa4b9719");
        assert_eq!(signed.expires_at, now().plus(Duration::from_hours(1)));
        assert_ne!(signed.signatures[1].1, signed.signatures[2].1);
        assert!(!format!("{signed:?}").contains("922c"));
    }

    #[test]
    fn every_part_has_the_signature_of_a_presigned_url() {
        let route = route();
        let secret_token = Some(Secret::new("CAIS/token+with=reserved characters"));
        let credentials = Credentials { token: secret_token, ..credentials(None) };
        let key = "videos/照 片+1.mp4".to_owned();
        for size in [Some(20 << 20), None] {
            let token = UploadToken { key: key.clone(), ..token(size) };
            let signed = sign_parts(&token, 1..=3, &route, &credentials, now()).unwrap();
            let reference = request_signer(&route, &credentials, now());
            for (number, url) in signed.urls() {
                let text = number.to_string();
                let length = plan(&token).unwrap().and_then(|plan| plan.length(number));
                let length = length.map(|one| one.to_string());
                let headers: Vec<_> =
                    length.iter().map(|one| (CONTENT_LENGTH, one.as_str())).collect();
                let names: Vec<_> = headers.iter().map(|(name, _)| *name).collect();
                let request = OssRequest {
                    query: &[(PART_NUMBER, Some(&text)), (UPLOAD_ID, Some(&token.upload_id))],
                    headers: &headers,
                    additional_headers: &names,
                    ..OssRequest::new("PUT", "examplebucket", &token.key)
                };
                let presigned = reference.presign(&request, Duration::from_hours(1));
                assert!(url.ends_with(&presigned.signature), "{number} of {size:?}");
                let query = url.split('?').nth(1).unwrap();
                let mut sent: Vec<_> = query.split('&').collect();
                let presigned = presigned.to_string();
                let mut expected: Vec<_> = presigned.split('&').collect();
                sent.sort_unstable();
                expected.sort_unstable();
                assert_eq!(sent, expected);
            }
        }
    }

    #[test]
    fn the_last_part_is_signed_with_its_own_length() {
        let [whole, rest] = [24 << 20, 20 << 20].map(|size| sign(Some(size), 3..=3).unwrap());
        assert_ne!(whole.signatures, rest.signatures);
        let [one, other] = [24 << 20, 20 << 20].map(|size| sign(Some(size), 1..=2).unwrap());
        assert_eq!(one.signatures, other.signatures);
    }

    #[test]
    fn a_file_of_unknown_size_has_parts_of_any_length() {
        let signed = sign(None, 1..=1).unwrap();
        assert!(!signed.url.contains("additional-headers"), "{}", signed.url);
        assert!(sign(None, 10_000..=10_000).is_ok());
        let outside = GrantError::PartOutOfRange { number: 10_001, count: 10_000 };
        assert_eq!(sign(None, 1..=10_001), Err(outside));
    }

    #[test]
    fn only_the_parts_of_the_file_are_signed() {
        for (numbers, number) in [(0..=1, 0), (1..=4, 4), (4..=4, 4), (2..=u32::MAX, u32::MAX)] {
            let outside = GrantError::PartOutOfRange { number, count: 3 };
            assert_eq!(sign(Some(20 << 20), numbers), Err(outside));
        }
    }

    #[test]
    fn parts_end_with_the_route_the_credentials_or_the_upload() {
        let expires = |credentials_end: Option<i64>, token_end: i64| {
            let token = UploadToken { expires_at: NOW + token_end, ..token(Some(1 << 20)) };
            let signed = sign_parts(&token, 1..=1, &route(), &credentials(credentials_end), now());
            signed.map(|signed| signed.expires_at.unix() - NOW)
        };
        assert_eq!(expires(None, 86_400), Ok(3600));
        assert_eq!(expires(Some(NOW + 1000), 86_400), Ok(940));
        assert_eq!(expires(Some(NOW + 1000), 100), Ok(100));
        assert_eq!(expires(Some(NOW + 60), 100), Err(GrantError::CredentialsExpired));
    }

    #[test]
    fn ten_thousand_parts_are_signed_in_order() {
        let token = UploadToken { part_size: 100 << 10, ..token(Some(10_000 * (100 << 10))) };
        let signed = sign_parts(&token, 1..=10_000, &route(), &credentials(None), now()).unwrap();
        assert_eq!(signed.signatures.len(), 10_000);
        assert!(
            signed
                .signatures
                .iter()
                .zip(1..)
                .all(|((number, hex), n)| *number == n && hex.len() == 64)
        );
    }
}
