//! Requests on objects of the local OSS, signed by the function's signer at [`NOW`].

use std::time::Duration;

use oss_upload_signer::secret::Secret;
use oss_upload_signer::signing::request::{OssRequest, RequestSigner, object_path};
use oss_upload_signer::signing::v4::V4Signer;
use oss_upload_signer::time::Timestamp;

use crate::support::form::{BUCKET, KEY_ID, NOW, REGION, SECRET};

/// The lifetime of the URLs.
const LIFETIME: Duration = Duration::from_hours(1);

/// A request on an object.
#[derive(Clone, Debug)]
pub(crate) struct ObjectCall<'a> {
    pub(crate) method: &'a str,
    pub(crate) key: &'a str,
    pub(crate) query: Vec<(&'a str, Option<&'a str>)>,
    /// The headers that are signed, with lower-case names.
    pub(crate) headers: Vec<(&'a str, &'a str)>,
    pub(crate) additional: Vec<&'a str>,
    pub(crate) key_id: &'a str,
    pub(crate) secret: &'a str,
}

impl<'a> ObjectCall<'a> {
    /// Makes a request without parameters and signed headers.
    pub(crate) fn new(method: &'a str, key: &'a str) -> Self {
        Self {
            method,
            key,
            query: Vec::new(),
            headers: Vec::new(),
            additional: Vec::new(),
            key_id: KEY_ID,
            secret: SECRET,
        }
    }

    pub(crate) fn query(mut self, name: &'a str, value: &'a str) -> Self {
        self.query.push((name, Some(value)));
        self
    }

    /// Signs a header.
    pub(crate) fn header(mut self, name: &'a str, value: &'a str) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Signs a header that OSS does not verify by itself.
    pub(crate) fn additional(mut self, name: &'a str, value: &'a str) -> Self {
        self.additional.push(name);
        self.header(name, value)
    }

    pub(crate) fn by(self, key_id: &'a str, secret: &'a str) -> Self {
        Self { key_id, secret, ..self }
    }

    /// Returns path and query, signed in the URL.
    pub(crate) fn url(&self) -> String {
        let query = self.signed(|signer, request| signer.presign(request, LIFETIME).to_string());
        format!("{}?{query}", object_path(self.key))
    }

    /// Returns path and query, and all headers of a request that is signed in its headers.
    pub(crate) fn in_headers(&self) -> (String, Vec<(String, String)>) {
        let signed = self.signed(|signer, request| signer.sign_headers(request).into_iter());
        let own =
            self.headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let signed = signed.map(|(name, value)| (name.to_owned(), value));
        let query: Vec<String> = self
            .query
            .iter()
            .map(|(name, value)| format!("{name}={}", value.unwrap_or_default()))
            .collect();
        (format!("{}?{}", object_path(self.key), query.join("&")), own.chain(signed).collect())
    }

    fn signed<T>(&self, sign: impl FnOnce(&RequestSigner<'_>, &OssRequest<'_>) -> T) -> T {
        let secret = Secret::new(self.secret);
        let signer = RequestSigner::new(V4Signer {
            key_id: self.key_id,
            secret: &secret,
            token: None,
            region: REGION,
            now: Timestamp::from_unix(NOW).unwrap(),
        });
        let request = OssRequest {
            query: &self.query,
            headers: &self.headers,
            additional_headers: &self.additional,
            ..OssRequest::new(self.method, BUCKET, self.key)
        };
        sign(&signer, &request)
    }
}
