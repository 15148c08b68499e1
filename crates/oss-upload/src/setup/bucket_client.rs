//! Requests to OSS about the configuration of a bucket, signed in their headers with V4.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use md5::{Digest, Md5};

use crate::http_client::{WebClient, WebRequest, WebResponse};
use crate::language::text;
use crate::setup::refusal::{CloudError, CloudErrorCause, CloudService, Refusal};
use crate::signing_context::v4_signer;
use crate::xml::XmlElement;
use oss_upload_signer::credentials::Credentials;
use oss_upload_signer::signing::request::{OssRequest, RequestSigner};
use oss_upload_signer::time;

const XML: &str = "application/xml";

/// The header by which OSS accepts lifecycle rules with overlapping prefixes.
const ALLOW_OVERLAP: (&str, &str) = ("x-oss-allow-same-action-overlap", "true");

/// Sends requests to one bucket.
#[derive(Debug)]
pub(super) struct BucketConfigClient {
    pub(super) web: WebClient,
    pub(super) credentials: Arc<Credentials>,
    pub(super) name: String,
    pub(super) region: String,
    /// Scheme and host.
    pub(super) url: String,
}

/// A configuration of a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BucketSetting {
    Cors,
    Lifecycle,
}

/// The region and the owner of a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BucketInfo {
    pub(super) region: String,
    pub(super) owner: String,
}

impl BucketSetting {
    /// The query parameter.
    fn parameter(self) -> &'static str {
        match self {
            Self::Cors => "cors",
            Self::Lifecycle => "lifecycle",
        }
    }

    /// The rights to read, write and delete it.
    fn actions(self) -> [&'static str; 3] {
        match self {
            Self::Cors => ["oss:GetBucketCors", "oss:PutBucketCors", "oss:DeleteBucketCors"],
            Self::Lifecycle => {
                ["oss:GetBucketLifecycle", "oss:PutBucketLifecycle", "oss:DeleteBucketLifecycle"]
            }
        }
    }
}

impl BucketConfigClient {
    /// Returns where the bucket is, and whom it belongs to.
    pub(super) async fn info(&self) -> Result<BucketInfo, CloudError> {
        let action = "oss:GetBucketInfo";
        let response = self.send(Method::GET, "bucketInfo", action, None).await?;
        let info = XmlElement::parse(&response.body).ok();
        let bucket = info.as_ref().and_then(|root| root.child("Bucket"));
        let read = bucket.and_then(|bucket| {
            let location = bucket.text_of("Location")?;
            let owner = bucket.child("Owner").and_then(|owner| owner.text_of("ID"));
            Some(BucketInfo {
                region: location.strip_prefix("oss-").unwrap_or(location).to_owned(),
                owner: owner.unwrap_or_default().to_owned(),
            })
        });
        read.ok_or_else(|| self.error(action, CloudErrorCause::Malformed))
    }

    /// Returns a configuration as OSS writes it; `None` if the bucket has none.
    pub(super) async fn get(&self, setting: BucketSetting) -> Result<Option<String>, CloudError> {
        let [action, ..] = setting.actions();
        match self.send(Method::GET, setting.parameter(), action, None).await {
            Ok(response) => Ok(Some(response.body)),
            Err(error) if error.is_missing() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Replaces a configuration, or deletes it.
    pub(super) async fn set(
        &self,
        setting: BucketSetting,
        document: Option<&str>,
    ) -> Result<(), CloudError> {
        let [_, put, delete] = setting.actions();
        let (method, action) = match document {
            Some(_) => (Method::PUT, put),
            None => (Method::DELETE, delete),
        };
        self.send(method, setting.parameter(), action, document).await.map(|_| ())
    }

    async fn send(
        &self,
        method: Method,
        parameter: &'static str,
        action: &'static str,
        body: Option<&str>,
    ) -> Result<WebResponse, CloudError> {
        let digest = body.map(|body| STANDARD.encode(Md5::digest(body.as_bytes())));
        let mut headers: Vec<(&'static str, &str)> = Vec::new();
        if let Some(digest) = &digest {
            headers.extend([("content-type", XML), ("content-md5", digest.as_str())]);
            headers.extend((parameter == "lifecycle").then_some(ALLOW_OVERLAP));
        }
        let signed = self.sign(method.as_str(), parameter, &headers);
        let url = format!("{}/?{parameter}", self.url);
        let mut request = WebRequest::with_body(method, url, body.unwrap_or_default().to_owned());
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let response = self.web.send(request.headers(&signed)).await;
        let response =
            response.map_err(|error| self.error(action, CloudErrorCause::Transport(error)))?;
        if response.status.is_success() {
            return Ok(response);
        }
        let refusal = Refusal::of_oss(response.status.as_u16(), &response.body);
        Err(self.error(action, CloudErrorCause::Refused(Box::new(refusal))))
    }

    fn sign(
        &self,
        method: &str,
        parameter: &str,
        headers: &[(&str, &str)],
    ) -> Vec<(&'static str, String)> {
        let signer = RequestSigner::new(v4_signer(&self.credentials, &self.region, time::now()));
        signer.sign_headers(&OssRequest {
            method,
            bucket: &self.name,
            key: None,
            query: &[(parameter, None)],
            headers,
            additional_headers: &[],
        })
    }

    fn error(&self, action: &'static str, cause: CloudErrorCause) -> CloudError {
        let name = &self.name;
        let subject = text!("the bucket {name}", "Bucket {name}");
        CloudError { service: CloudService::Oss, action, subject, cause }
    }
}
