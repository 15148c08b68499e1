//! A request for one object, signed in its URL or in a header, that a probe changes in one point before it is sent.

use std::time::Duration;

use bytes::Bytes;

use crate::conformance::form::{BASELINE, BuiltProbe, CONTENT, PausedBody};
use crate::conformance::target::MeasuredBucket;
use crate::http_client::WebRequest;
use oss_upload_signer::signing::request::{OssRequest, RequestSigner, object_path};
use oss_upload_signer::time::Timestamp;

/// The lifetime of a URL.
const LIFETIME: Duration = Duration::from_mins(10);

/// A request, with everything that a probe can change.
pub(super) struct ProbeRequest<'a> {
    pub(super) bucket: &'a MeasuredBucket,
    /// The object; the default is the one of the correct form.
    pub(super) key: String,
    /// The body of a PUT; `None` is a GET.
    pub(super) content: Option<SentContent>,
    pub(super) place: SignaturePlace,
    pub(super) signed_at: Timestamp,
    pub(super) region: String,
    pub(super) lifetime: Duration,
    /// Parameters that are signed.
    pub(super) query: Vec<(&'static str, Option<&'static str>)>,
    /// Headers that are signed, but not sent.
    pub(super) signed: Vec<(&'static str, &'static str)>,
    /// Headers that are sent, but not signed.
    pub(super) sent: Vec<(&'static str, &'static str)>,
    /// The additional headers of the signature.
    pub(super) additional: Vec<&'static str>,
    /// Changes the query after the signature.
    pub(super) edit_query: fn(&str) -> String,
    /// Changes the headers after the signature.
    pub(super) edit_headers: fn(&mut Vec<(&'static str, String)>),
}

/// Where a request is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SignaturePlace {
    Url,
    Header,
    UrlAndHeader,
    Nowhere,
}

/// How the content of a PUT is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SentContent {
    /// With a pause before its last byte.
    Paused(Duration),
    /// Without a length, in chunks.
    Chunked,
}

impl<'a> ProbeRequest<'a> {
    /// Creates a correct GET, signed in its URL.
    pub(super) fn new(bucket: &'a MeasuredBucket) -> Self {
        Self {
            bucket,
            key: format!("{}{BASELINE}.txt", bucket.prefix),
            content: None,
            place: SignaturePlace::Url,
            signed_at: bucket.now(),
            region: bucket.region.clone(),
            lifetime: LIFETIME,
            query: Vec::new(),
            signed: Vec::new(),
            sent: Vec::new(),
            additional: Vec::new(),
            edit_query: str::to_owned,
            edit_headers: |_| {},
        }
    }

    /// Makes it a PUT of an object of its own.
    pub(super) fn put(&mut self, name: &str, content: SentContent) {
        self.key = format!("{}{name}.txt", self.bucket.prefix);
        self.content = Some(content);
    }

    /// Signs for another region.
    pub(super) fn sign_for_another_region(&mut self) {
        let is_here = self.region == "cn-shanghai";
        if is_here { "cn-hangzhou" } else { "cn-shanghai" }.clone_into(&mut self.region);
    }

    /// Signs the request.
    pub(super) fn build(self) -> BuiltProbe {
        let request = OssRequest {
            method: if self.content.is_some() { "PUT" } else { "GET" },
            bucket: &self.bucket.bucket,
            key: Some(&self.key),
            query: &self.query,
            headers: &self.signed,
            additional_headers: &self.additional,
        };
        let signer = RequestSigner::new(self.bucket.signer(self.signed_at, &self.region));
        let query = match self.place {
            SignaturePlace::Url | SignaturePlace::UrlAndHeader => {
                signer.presign(&request, self.lifetime).to_string()
            }
            SignaturePlace::Header | SignaturePlace::Nowhere => plain_query(&self.query),
        };
        let mut headers: Vec<_> =
            self.sent.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        if matches!(self.place, SignaturePlace::Header | SignaturePlace::UrlAndHeader) {
            headers.extend(signer.sign_headers(&request));
        }
        (self.edit_headers)(&mut headers);
        let query = (self.edit_query)(&query);
        let question = if query.is_empty() { "" } else { "?" };
        let url = format!("{}{}{question}{query}", self.bucket.url, object_path(&self.key));
        let request = match self.content {
            None => WebRequest::get(url),
            Some(content) => WebRequest::put(url, content.body()),
        };
        let keys = self.content.map(|_| self.key).into_iter().collect();
        BuiltProbe { request: request.headers(&headers), len: CONTENT.len() as u64, keys }
    }
}

impl SentContent {
    fn body(self) -> PausedBody {
        let (content, last) = (Bytes::from_static(CONTENT), CONTENT.len() - 1);
        match self {
            Self::Paused(pause) => PausedBody::new(content, last, pause),
            Self::Chunked => PausedBody::new(content, last, Duration::ZERO).without_length(),
        }
    }
}

fn plain_query(query: &[(&str, Option<&str>)]) -> String {
    let pairs = query.iter().map(|(name, value)| match value {
        Some(value) => format!("{name}={value}"),
        None => (*name).to_owned(),
    });
    pairs.collect::<Vec<_>>().join("&")
}
