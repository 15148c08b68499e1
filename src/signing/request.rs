//! The V4 signature of a request to OSS, in its URL or in its headers.
//!
//! ```text
//! signature      = hex(HMAC-SHA256(signing key, string to sign))
//! string to sign = "OSS4-HMAC-SHA256" LF x-oss-date LF scope LF hex(SHA-256(canonical request))
//! canonical request = method LF "/bucket/key" LF query LF headers LF additional headers LF "UNSIGNED-PAYLOAD"
//! ```
//!
//! * Path and query are percent-encoded as RFC 3986 defines it; the slashes of a key stay. A parameter without a
//!   value is written without `=`. Parameters are sorted by their encoded names.
//! * OSS verifies `content-type`, `content-md5` and every `x-oss-*` header that arrives, so whoever sends the request
//!   cannot add one. Any other header is free, unless its name is in `x-oss-additional-headers`: that is how a URL
//!   fixes the exact `content-length`.
//! * The body is not part of the signature.
//!
//! ```
//! use std::time::Duration;
//! use oss_upload_signer::secret::Secret;
//! use oss_upload_signer::signing::request::{OssRequest, RequestSigner, object_path};
//! use oss_upload_signer::signing::v4::V4Signer;
//! use oss_upload_signer::time::Timestamp;
//!
//! let secret = Secret::new("ExampleSecretKey/abcDEF+0123456789=");
//! let signer = RequestSigner::new(V4Signer {
//!     key_id: "LTAI5tExampleKeyId0001",
//!     secret: &secret,
//!     token: None,
//!     region: "cn-hangzhou",
//!     now: Timestamp::from_unix(1_796_119_872).unwrap(),
//! });
//! let part = OssRequest {
//!     query: &[("partNumber", Some("1")), ("uploadId", Some("0004B9894A22E5B1888A1E29F8236E2D"))],
//!     headers: &[("content-length", "8388608")],
//!     additional_headers: &["content-length"],
//!     ..OssRequest::new("PUT", "examplebucket", "videos/a.mp4")
//! };
//! let signed = signer.presign(&part, Duration::from_hours(1));
//! assert_eq!(signed.signature, "922c5180c6f2d6e9e68fefb28a95fdc92f345e5368d4c777fc46aad4fa4b9719");
//! assert_eq!(object_path("videos/a.mp4"), "/videos/a.mp4");
//! ```

use std::fmt;
use std::time::Duration;

use crate::crypto::{self, Digest};
use crate::signing::key::{self, Scope};
use crate::signing::v4::{
    OSS4_HMAC_SHA256, V4Signer, X_OSS_CREDENTIAL, X_OSS_DATE, X_OSS_SECURITY_TOKEN,
    X_OSS_SIGNATURE, X_OSS_SIGNATURE_VERSION,
};

/// The query parameter that lists the additional headers.
pub const X_OSS_ADDITIONAL_HEADERS: &str = "x-oss-additional-headers";
/// The query parameter with the lifetime of a URL in seconds, counted from `x-oss-date`.
pub const X_OSS_EXPIRES: &str = "x-oss-expires";
/// The header that says how the body is signed.
pub const X_OSS_CONTENT_SHA256: &str = "x-oss-content-sha256";
/// The value of [`X_OSS_CONTENT_SHA256`] for a body that is not signed. OSS accepts no other.
pub const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";

/// The longest lifetime of a presigned URL. It never outlives its security token.
pub const MAX_URL_LIFETIME: Duration = Duration::from_hours(7 * 24);

/// A request to OSS, as far as its signature covers it.
#[derive(Clone, Copy, Debug)]
pub struct OssRequest<'a> {
    /// The method in upper case.
    pub method: &'a str,
    /// The bucket, also if the request goes to a custom domain.
    pub bucket: &'a str,
    /// The object key; `None` for a request to the bucket itself.
    pub key: Option<&'a str>,
    /// The query parameters apart from those of the signature, not encoded.
    pub query: &'a [(&'a str, Option<&'a str>)],
    /// The headers to sign, with names in lower case: `content-type`, `content-md5`, those that begin with `x-oss-`,
    /// and the additional ones.
    pub headers: &'a [(&'a str, &'a str)],
    /// The names in `headers` that OSS does not verify by itself, such as `content-length`.
    pub additional_headers: &'a [&'a str],
}

impl<'a> OssRequest<'a> {
    /// Returns a request for an object, without parameters and headers.
    #[must_use]
    pub fn new(method: &'a str, bucket: &'a str, key: &'a str) -> Self {
        Self { method, bucket, key: Some(key), query: &[], headers: &[], additional_headers: &[] }
    }
}

/// The text whose hash is signed, in its parts.
#[derive(Clone, PartialEq, Eq)]
pub struct CanonicalRequest {
    /// The method.
    pub method: String,
    /// Bucket and key, encoded.
    pub uri: String,
    /// The sorted query, encoded.
    pub query: String,
    /// The sorted headers, each `name:value` with a line feed.
    pub headers: String,
    /// The sorted names of the additional headers, separated by semicolons.
    pub additional_headers: String,
}

impl fmt::Display for CanonicalRequest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, uri, query, headers, additional_headers } = self;
        write!(
            formatter,
            "{method}\n{uri}\n{query}\n{headers}\n{additional_headers}\n{UNSIGNED_PAYLOAD}"
        )
    }
}

/// It may contain a security token, so it is not shown.
impl fmt::Debug for CanonicalRequest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("CanonicalRequest").field("uri", &self.uri).finish_non_exhaustive()
    }
}

/// The query of a presigned URL.
#[derive(Clone, PartialEq, Eq)]
pub struct PresignedQuery {
    /// All parameters but the signature, encoded and sorted.
    pub unsigned: String,
    /// The signature: 64 lower-case hex digits.
    pub signature: String,
}

impl fmt::Display for PresignedQuery {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}&{X_OSS_SIGNATURE}={}", self.unsigned, self.signature)
    }
}

/// Who has the query may send the request, so it is not shown.
impl fmt::Debug for PresignedQuery {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PresignedQuery(..)")
    }
}

/// Signs any number of requests at one moment with one key.
pub struct RequestSigner<'a> {
    signer: V4Signer<'a>,
    scope: Scope,
    signing_key: Digest,
}

impl fmt::Debug for RequestSigner<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("RequestSigner").field("scope", &self.scope).finish_non_exhaustive()
    }
}

impl<'a> RequestSigner<'a> {
    /// Derives the signing key, once for all requests.
    #[must_use]
    pub fn new(signer: V4Signer<'a>) -> Self {
        let scope = Scope::new(signer.now, signer.region);
        let signing_key = key::derive(signer.secret, &scope);
        Self { signer, scope, signing_key }
    }

    /// Signs a URL that is valid for `lifetime`, in whole seconds. OSS accepts 1 second to [`MAX_URL_LIFETIME`].
    #[must_use]
    pub fn presign(&self, request: &OssRequest<'_>, lifetime: Duration) -> PresignedQuery {
        let canonical = self.canonical_url(request, lifetime);
        let signature = self.sign(&canonical);
        PresignedQuery { unsigned: canonical.query, signature }
    }

    /// Returns the headers to add to a request so that it is signed.
    #[must_use]
    pub fn sign_headers(&self, request: &OssRequest<'_>) -> Vec<(&'static str, String)> {
        let canonical = self.canonical_headers(request);
        let credential = self.scope.credential(self.signer.key_id);
        let additional = match canonical.additional_headers.as_str() {
            "" => String::new(),
            names => format!("AdditionalHeaders={names},"),
        };
        let signature = self.sign(&canonical);
        let authorization =
            format!("{OSS4_HMAC_SHA256} Credential={credential},{additional}Signature={signature}");
        let mut headers = self.date_headers();
        headers.push(("authorization", authorization));
        headers
    }

    /// Returns the canonical request of a presigned URL.
    #[must_use]
    pub fn canonical_url(&self, request: &OssRequest<'_>, lifetime: Duration) -> CanonicalRequest {
        let additional = additional_headers(request);
        let credential = self.scope.credential(self.signer.key_id);
        let (date, expires) = (self.signer.now.basic(), lifetime.as_secs().to_string());
        let mut query = request.query.to_vec();
        query.extend([
            (X_OSS_CREDENTIAL, Some(credential.as_str())),
            (X_OSS_DATE, Some(&date)),
            (X_OSS_EXPIRES, Some(&expires)),
            (X_OSS_SIGNATURE_VERSION, Some(OSS4_HMAC_SHA256)),
        ]);
        query.extend(self.signer.token.map(|token| (X_OSS_SECURITY_TOKEN, Some(token.expose()))));
        if !additional.is_empty() {
            query.push((X_OSS_ADDITIONAL_HEADERS, Some(&additional)));
        }
        canonical_request(request, &query, request.headers, &additional)
    }

    /// Returns the canonical request of a request that is signed in its headers.
    #[must_use]
    pub fn canonical_headers(&self, request: &OssRequest<'_>) -> CanonicalRequest {
        let added = self.date_headers();
        let mut headers = request.headers.to_vec();
        headers.extend(added.iter().map(|(name, value)| (*name, value.as_str())));
        canonical_request(request, request.query, &headers, &additional_headers(request))
    }

    /// Returns the text that is signed: algorithm, time, scope, and the hash of the canonical request.
    #[must_use]
    pub fn string_to_sign(&self, canonical: &CanonicalRequest) -> String {
        let date = self.signer.now.basic();
        let scope = &self.scope;
        let hash = crypto::hex(&crypto::sha256(canonical.to_string().as_bytes()));
        format!("{OSS4_HMAC_SHA256}\n{date}\n{scope}\n{hash}")
    }

    /// Signs a canonical request: 64 lower-case hex digits.
    #[must_use]
    pub fn sign(&self, canonical: &CanonicalRequest) -> String {
        let text = self.string_to_sign(canonical);
        crypto::hex(crypto::hmac_sha256(self.signing_key.as_slice(), text.as_bytes()).as_slice())
    }

    fn date_headers(&self) -> Vec<(&'static str, String)> {
        let mut headers = vec![
            (X_OSS_CONTENT_SHA256, UNSIGNED_PAYLOAD.to_owned()),
            (X_OSS_DATE, self.signer.now.basic()),
        ];
        let token = self.signer.token;
        headers.extend(token.map(|token| (X_OSS_SECURITY_TOKEN, token.expose().to_owned())));
        headers
    }
}

/// Returns the path of an object: a slash, and its key percent-encoded with its slashes kept.
#[must_use]
pub fn object_path(key: &str) -> String {
    format!("/{}", encode_key(key))
}

fn encode_key(key: &str) -> String {
    let segments: Vec<_> = key.split('/').map(crypto::percent_encode).collect();
    segments.join("/")
}

/// Returns the names in lower case, sorted, without duplicates and separated by semicolons.
fn additional_headers(request: &OssRequest<'_>) -> String {
    let mut names: Vec<_> =
        request.additional_headers.iter().map(|name| name.to_ascii_lowercase()).collect();
    names.sort();
    names.dedup();
    names.join(";")
}

fn canonical_request(
    request: &OssRequest<'_>,
    query: &[(&str, Option<&str>)],
    headers: &[(&str, &str)],
    additional: &str,
) -> CanonicalRequest {
    let mut headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim()))
        .filter(|(name, _)| is_signed(name, additional))
        .collect();
    headers.sort();
    CanonicalRequest {
        method: request.method.to_owned(),
        uri: format!("/{}/{}", request.bucket, request.key.map(encode_key).unwrap_or_default()),
        query: canonical_query(query),
        headers: headers.iter().flat_map(|(name, value)| [name, ":", value, "\n"]).collect(),
        additional_headers: additional.to_owned(),
    }
}

/// Returns whether OSS includes a header in its signature.
fn is_signed(name: &str, additional: &str) -> bool {
    matches!(name, "content-type" | "content-md5")
        || name.starts_with("x-oss-")
        || additional.split(';').any(|one| one == name)
}

fn canonical_query(query: &[(&str, Option<&str>)]) -> String {
    let mut pairs: Vec<_> = query
        .iter()
        .map(|(name, value)| {
            let value = value.filter(|value| !value.is_empty()).map(crypto::percent_encode);
            (crypto::percent_encode(name), value)
        })
        .collect();
    pairs.sort();
    let parameters = pairs.into_iter().map(|(name, value)| match value {
        Some(value) => format!("{name}={value}"),
        None => name,
    });
    parameters.collect::<Vec<_>>().join("&")
}
