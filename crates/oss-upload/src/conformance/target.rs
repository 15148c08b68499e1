//! The bucket that is measured: its address, the key that signs, the scratch prefix, and the clock of the service.

use std::sync::Arc;
use std::time::Duration;

use crate::http_client::{TransportError, WebClient, WebRequest, WebResponse};
use crate::signing_context::v4_signer;
use oss_upload_signer::credentials::Credentials;
use oss_upload_signer::crypto;
use oss_upload_signer::policy::template::RandomBytes;
use oss_upload_signer::signing::request::{OssRequest, RequestSigner, object_path};
use oss_upload_signer::signing::v4::V4Signer;
use oss_upload_signer::time;
use oss_upload_signer::time::Timestamp;

/// The lifetime of a signed URL.
const URL_LIFETIME: Duration = Duration::from_mins(10);

/// The directory that contains the scratch prefix of each run.
const SCRATCH: &str = "oss-upload-conformance";

/// The bucket that is measured. It contains a key, so it has no `Debug`.
pub(super) struct MeasuredBucket {
    pub(super) bucket: String,
    pub(super) region: String,
    /// The address that requests go to, without a slash at its end.
    pub(super) url: String,
    pub(super) credentials: Arc<Credentials>,
    /// The prefix of every key of this run, with a slash at its end.
    pub(super) prefix: String,
    /// The address of a callback server that OSS can reach.
    pub(super) callback: Option<String>,
    /// How far the clock of the service is ahead of this machine's, in seconds.
    pub(super) clock_offset: i64,
}

impl MeasuredBucket {
    /// Returns the scratch prefix of a run with these random bytes.
    pub(super) fn scratch_prefix(random: &RandomBytes) -> String {
        format!("{SCRATCH}/{}/", crypto::hex(random))
    }

    /// Returns the time of the service's clock.
    pub(super) fn now(&self) -> Timestamp {
        let now = time::now();
        Timestamp::from_unix(now.unix() + self.clock_offset).unwrap_or(now)
    }

    /// Takes the clock of the service from a response.
    pub(super) fn set_clock(&mut self, response: &WebResponse) {
        if let Some(date) = response.date() {
            self.clock_offset = date.unix() - response.received_at.unix();
        }
    }

    /// Returns whether requests go to the default host of the bucket, which new accounts cannot use.
    pub(super) fn is_default_host(&self) -> bool {
        let host = self.url.split_once("://").map_or(self.url.as_str(), |(_, host)| host);
        host.strip_prefix(&self.bucket).is_some_and(|rest| rest.starts_with('.'))
    }

    pub(super) fn is_temporary_key(&self) -> bool {
        self.credentials.token.is_some()
    }

    /// Reads an object of this run.
    pub(super) async fn get_object(
        &self,
        client: &WebClient,
        key: &str,
    ) -> Result<WebResponse, TransportError> {
        client.send(self.signed("GET", key, WebRequest::get)).await
    }

    /// Deletes an object of this run. OSS also reports success if there is none.
    pub(super) async fn delete_object(
        &self,
        client: &WebClient,
        key: &str,
    ) -> Result<WebResponse, TransportError> {
        client.send(self.signed("DELETE", key, WebRequest::delete)).await
    }

    fn signed(&self, method: &str, key: &str, request: fn(String) -> WebRequest) -> WebRequest {
        let signer = RequestSigner::new(self.signer(self.now(), &self.region));
        let headers = signer.sign_headers(&OssRequest::new(method, &self.bucket, key));
        request(format!("{}{}", self.url, object_path(key))).headers(&headers)
    }

    /// Returns the V4 signer of a form with this time and region.
    pub(super) fn signer<'a>(&'a self, now: Timestamp, region: &'a str) -> V4Signer<'a> {
        v4_signer(&self.credentials, region, now)
    }

    /// Returns the URL of a request, signed with the key of this run.
    pub(super) fn sign_url(&self, request: &OssRequest<'_>) -> String {
        let signer = RequestSigner::new(self.signer(self.now(), &self.region));
        let query = signer.presign(request, URL_LIFETIME);
        let path = request.key.map_or_else(|| "/".to_owned(), object_path);
        format!("{}{path}?{query}", self.url)
    }

    /// Returns the request that aborts an upload.
    pub(super) fn abort_request(&self, key: &str, id: &str) -> WebRequest {
        let query = [("uploadId", Some(id))];
        let request = OssRequest { query: &query, ..OssRequest::new("DELETE", &self.bucket, key) };
        WebRequest::delete(self.sign_url(&request))
    }

    /// Returns the request that lists the unfinished uploads of this run.
    pub(super) fn list_uploads_request(&self) -> WebRequest {
        let query = [("uploads", None), ("prefix", Some(self.prefix.as_str()))];
        let request =
            OssRequest { key: None, query: &query, ..OssRequest::new("GET", &self.bucket, "") };
        WebRequest::get(self.sign_url(&request))
    }
}

/// The limit for a whole request with its response. The largest request has 8 MB.
pub(super) const REQUEST_TIMEOUT: Duration = Duration::from_mins(2);
