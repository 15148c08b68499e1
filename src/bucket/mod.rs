//! The requests that the function itself sends to OSS: it creates, lists, completes and aborts uploads in parts.
//!
//! A browser gets the URLs of single parts only. What decides about the object, such as its type, its access and
//! whether it replaces another one, is in requests that no browser sends.
//!
//! | file | owns |
//! |---|---|
//! | `multipart_upload` | the operations on an upload in parts |
//! | `xml` | a bounded reader of OSS's answers |
//!
//! Each request is signed in its headers. Requests that can be repeated without harm are sent a second time where OSS
//! does not answer or fails; the others are not, because an answer that was lost may have been a success.

pub mod multipart_upload;

mod xml;

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use tokio::time::Instant;

use crate::credentials::Credentials;
use crate::net::{HttpClient, RequestLimits, SendError};
use crate::signing::request::{OssRequest, RequestSigner, object_path};
use crate::signing::v4::V4Signer;
use crate::time::Timestamp;

/// The time for one request, unless less is left.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The longest answer in bytes. A page of a thousand parts has a quarter of it.
const MAX_BODY: usize = 1 << 20;

/// The longest code, EC or id in an answer that is shown. Those of OSS have at most half of it.
const MAX_WORD: usize = 64;

/// Where a bucket is.
#[derive(Clone, Copy, Debug)]
pub struct BucketAddress<'a> {
    /// Scheme and host.
    pub url: &'a str,
    /// The name of the bucket.
    pub name: &'a str,
    /// The general id of its region.
    pub region: &'a str,
}

/// Sends requests to one bucket, all signed at one moment with one key.
#[derive(Debug)]
pub struct BucketClient<'a> {
    http: &'a dyn HttpClient,
    address: BucketAddress<'a>,
    signer: RequestSigner<'a>,
    deadline: Instant,
}

/// The reason why OSS did not do what was requested. It never contains a secret: of an answer it has the words that
/// name a fault, and not the message, which can quote the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BucketError {
    /// There was no answer.
    Unreachable {
        /// What happened on the way.
        reason: String,
        /// Whether the request may have arrived.
        may_have_arrived: bool,
    },
    /// OSS refused.
    Refused(BucketRefusal),
    /// The answer is not the one that is documented.
    Malformed(&'static str),
}

/// A refusal of OSS in its own words, each of which is empty where the answer has none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BucketRefusal {
    /// The HTTP status.
    pub status: u16,
    /// The code, such as `NoSuchUpload`.
    pub code: String,
    /// The EC, which names the check that failed.
    pub ec: String,
    /// The id with which OSS's support finds the request.
    pub request_id: String,
}

impl BucketError {
    /// Returns whether OSS does not know the upload: it was completed or aborted, or never began.
    #[must_use]
    pub fn is_no_such_upload(&self) -> bool {
        self.has_code("NoSuchUpload")
    }

    /// Returns whether there is an object already, and it must not be replaced.
    #[must_use]
    pub fn is_existing_object(&self) -> bool {
        self.has_code("FileAlreadyExists")
    }

    /// Returns whether OSS may have done what was requested although no success arrived.
    #[must_use]
    pub fn may_have_succeeded(&self) -> bool {
        match self {
            Self::Unreachable { may_have_arrived, .. } => *may_have_arrived,
            Self::Refused(refusal) => refusal.status >= 500,
            Self::Malformed(_) => true,
        }
    }

    fn has_code(&self, code: &str) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.code == code)
    }
}

impl fmt::Display for BucketError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable { reason, .. } => write!(formatter, "OSS did not answer: {reason}"),
            Self::Refused(refusal) => write!(formatter, "OSS answered {refusal}"),
            Self::Malformed(reason) => write!(formatter, "OSS's answer cannot be used: {reason}"),
        }
    }
}

impl std::error::Error for BucketError {}

impl fmt::Display for BucketRefusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.status)?;
        for (label, word) in
            [("", &self.code), ("EC ", &self.ec), ("request id ", &self.request_id)]
        {
            if !word.is_empty() {
                write!(formatter, ", {label}{word}")?;
            }
        }
        Ok(())
    }
}

impl From<SendError> for BucketError {
    fn from(error: SendError) -> Self {
        match error {
            SendError::TooLong => Self::Malformed("it is too long"),
            error => Self::Unreachable {
                may_have_arrived: !matches!(error, SendError::Unreachable(_)),
                reason: error.to_string(),
            },
        }
    }
}

/// A request to the bucket.
#[derive(Debug)]
struct BucketRequest<'a> {
    method: Method,
    key: &'a str,
    query: &'a [(&'a str, Option<&'a str>)],
    /// Names in lower case.
    headers: &'a [(&'a str, &'a str)],
    body: Bytes,
}

impl<'a> BucketRequest<'a> {
    fn new(method: Method, key: &'a str) -> Self {
        Self { method, key, query: &[], headers: &[], body: Bytes::new() }
    }
}

impl<'a> BucketClient<'a> {
    /// Takes the key. Sends nothing yet. No request takes longer than until `deadline`.
    #[must_use]
    pub fn new(
        http: &'a dyn HttpClient,
        address: BucketAddress<'a>,
        credentials: &'a Credentials,
        now: Timestamp,
        deadline: Instant,
    ) -> Self {
        let signer = RequestSigner::new(V4Signer {
            key_id: &credentials.key_id,
            secret: &credentials.secret,
            token: credentials.token.as_ref(),
            region: address.region,
            now,
        });
        Self { http, address, signer, deadline }
    }

    /// Sends a request that can be repeated, at most twice.
    async fn send_repeatable(
        &self,
        request: &BucketRequest<'_>,
    ) -> Result<Response<Bytes>, BucketError> {
        match self.send(request, TIMEOUT).await {
            Err(error) if self.is_worth_another_attempt(&error) => {
                self.send(request, TIMEOUT).await
            }
            result => result,
        }
    }

    /// Sends a request once, and returns its success.
    async fn send(
        &self,
        request: &BucketRequest<'_>,
        timeout: Duration,
    ) -> Result<Response<Bytes>, BucketError> {
        let timeout = timeout.min(self.deadline.saturating_duration_since(Instant::now()));
        let limits = RequestLimits { timeout, max_body: MAX_BODY, use_proxy: true };
        let response = self.http.send(self.signed(request)?, limits).await?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(BucketError::Refused(refusal(&response)))
    }

    fn is_worth_another_attempt(&self, error: &BucketError) -> bool {
        let can_pass = match error {
            BucketError::Unreachable { .. } => true,
            BucketError::Refused(refusal) => refusal.status >= 500,
            BucketError::Malformed(_) => false,
        };
        can_pass && Instant::now() < self.deadline
    }

    fn signed(&self, request: &BucketRequest<'_>) -> Result<Request<Bytes>, BucketError> {
        let BucketRequest { method, key, query, headers, body } = request;
        let signed = OssRequest {
            query,
            headers,
            ..OssRequest::new(method.as_str(), self.address.name, key)
        };
        let query = self.signer.canonical_headers(&signed).query;
        let separator = if query.is_empty() { "" } else { "?" };
        let url = format!("{}{}{separator}{query}", self.address.url, object_path(key));
        let mut builder = Request::builder().method(method.clone()).uri(url);
        for (name, value) in *headers {
            builder = builder.header(*name, *value);
        }
        for (name, value) in self.signer.sign_headers(&signed) {
            builder = builder.header(name, value);
        }
        if method == Method::POST && body.is_empty() {
            // The client library leaves it out for an empty body, and OSS requires it.
            builder = builder.header(CONTENT_LENGTH, 0);
        }
        let request = builder.body(body.clone());
        request.map_err(|_| BucketError::Malformed("no request can have this key or these headers"))
    }
}

/// Reads the refusal in an answer: from its XML, else from its headers, since an answer to `HEAD` has no body.
fn refusal(response: &Response<Bytes>) -> BucketRefusal {
    let mut refusal = BucketRefusal {
        status: response.status().as_u16(),
        ec: word(header(response.headers(), "x-oss-ec")),
        request_id: word(header(response.headers(), "x-oss-request-id")),
        ..BucketRefusal::default()
    };
    // An answer that is no XML, such as that of a proxy, leaves the words empty.
    let _ = xml::read(response.body(), |path, text| match path {
        ["Error", "Code"] => refusal.code = word(text),
        ["Error", "EC"] if refusal.ec.is_empty() => refusal.ec = word(text),
        ["Error", "RequestId"] if refusal.request_id.is_empty() => refusal.request_id = word(text),
        _ => {}
    });
    refusal
}

/// Returns a text if it is a plain word, and an empty text otherwise.
fn word(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let is_word = text.len() <= MAX_WORD && text.bytes().all(is_plain);
    if is_word { text.to_owned() } else { String::new() }
}

/// Returns the text of a header, or an empty one.
fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Returns whether an answer says that the key may not do this.
fn is_forbidden(error: &BucketError) -> bool {
    matches!(error, BucketError::Refused(refusal) if refusal.status == StatusCode::FORBIDDEN.as_u16())
}
