//! Validates a whole upload request without storing it: checks 1 to 11 of the list in `post_object`.
//!
//! The server runs these checks while it stores the file. [`UploadValidator::validate`] runs the same
//! checks on a captured request, without a socket and without a data directory. What only the store
//! can know is left out: whether an object of the same key exists, and what a callback returns.

use std::error::Error;
use std::ops::RangeInclusive;

use bytes::Bytes;
use http::{Method, Request, request};
use hyper::body::Body;

use crate::hosts::AllowedHosts;
use crate::keys::AccessKey;
use crate::oss::error::{OssError, OssErrorKind};
use crate::oss::form::UploadForm;
use crate::oss::form_data::{FormDataReader, boundary};
use crate::oss::form_reader::{read_form, read_rest};
use crate::oss::host;
use crate::oss::options::LocalBucket;
use crate::oss::policy::{MAX_OBJECT, PostPolicy};
use crate::oss::request::{UploadBody, authority};
use crate::oss::strictness::{Relaxation, Strictness};
use crate::oss::validator::{AcceptedForm, Validator};

/// Validates upload requests at one point in time.
#[derive(Clone, Copy, Debug)]
pub struct UploadValidator<'a> {
    /// The buckets. The first one also answers under a bare address and under `hosts`.
    pub buckets: &'a [LocalBucket],
    /// Further host names, such as a custom domain; they are bound to the first bucket.
    pub hosts: &'a AllowedHosts,
    /// The keys that may sign.
    pub keys: &'a [AccessKey],
    /// The settings for checks that the documentation leaves open.
    pub strictness: &'a Strictness,
    /// The current time in Unix seconds.
    pub now: i64,
}

/// A request that passed all checks.
#[derive(Clone, Debug)]
pub struct ValidUpload {
    /// The name of the bucket.
    pub bucket: String,
    /// The fields before the file.
    pub form: UploadForm,
    /// The object that would be stored.
    pub accepted: AcceptedForm,
    /// The size of the file in bytes.
    pub size: u64,
}

impl<'a> UploadValidator<'a> {
    /// Validates a request. The error is the response that the server would send.
    ///
    /// The length of the upload is the body's size hint; a body without an exact one is rejected.
    /// Needs a tokio runtime with a timer.
    pub async fn validate<B>(&self, request: Request<B>) -> Result<ValidUpload, OssError>
    where
        B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
    {
        let (head, body) = request.into_parts();
        let bucket = self.bucket(host::without_port(authority(&head)))?;
        if head.method != Method::POST {
            // It is no form upload. If it is an operation on an object, that one is judged.
            self.validate_head(&head)?;
        }
        self.check_operation(&head)?;
        let mut body = UploadBody::new(body, self.strictness.limits);
        let PendingUpload { form, accepted, reader } =
            self.read_fields(bucket, &head, &mut body).await?;
        let mut content = FileContent::new(reader, &accepted.sizes);
        while content.chunk().await?.is_some() {}
        let size = content.finish(&accepted.policy, self.now, self.strictness).await?;
        Ok(ValidUpload { bucket: bucket.name.clone(), form, accepted, size })
    }

    /// Check 1: finds the bucket that a host (without its port) names.
    pub(super) fn bucket(&self, host: &str) -> Result<&'a LocalBucket, OssError> {
        // A further host name is a domain bound to the first bucket, like a bare address.
        let host = if self.hosts.has(host) { "localhost" } else { host };
        host::bucket(host, self.buckets, self.strictness)
    }

    /// The first half of check 2: the request posts to the bucket itself.
    pub(super) fn check_operation(&self, head: &request::Parts) -> Result<(), OssError> {
        if head.method == Method::POST && head.uri.path() == "/" {
            return Ok(());
        }
        let path = head.uri.path().strip_prefix('/').unwrap_or_default();
        let first = path.split('/').next().unwrap_or_default();
        if self.buckets.iter().any(|bucket| bucket.name == first) {
            return Err(host::path_style());
        }
        let resource = if path.is_empty() { "Bucket" } else { "Object" };
        let reason = if head.method == Method::POST {
            format!(
                "a form is posted to / and names its object in the field key; this one is posted to {}",
                head.uri.path()
            )
        } else {
            format!(
                "the local OSS accepts form uploads with POST / and returns objects; {} {} is neither",
                head.method,
                head.uri.path()
            )
        };
        Err(OssErrorKind::MethodNotAllowed
            .because(reason)
            .with_child("Method", head.method.as_str())
            .with_child("ResourceType", resource))
    }

    /// Checks 2 to 10: reads up to the first byte of the file.
    pub(super) async fn read_fields<'b>(
        &self,
        bucket: &LocalBucket,
        head: &request::Parts,
        body: &'b mut UploadBody,
    ) -> Result<PendingUpload<'b>, OssError>
    where
        'a: 'b,
    {
        let boundary = self.check_head(head, body)?;
        let mut reader = FormDataReader::new(body, &boundary, self.strictness);
        let mut form = read_form(&mut reader, self.strictness).await?;
        form.set_acl_header(text_header(head, "x-oss-object-acl"));
        let validator =
            Validator { bucket, keys: self.keys, strictness: self.strictness, now: self.now };
        let accepted = validator.validate(&form)?;
        Ok(PendingUpload { form, accepted, reader })
    }

    /// The second half of check 2: the head announces a form of less than 5 GB. Returns the boundary.
    fn check_head(&self, head: &request::Parts, body: &mut UploadBody) -> Result<String, OssError> {
        let content_type = text_header(head, "content-type");
        let boundary = boundary(content_type.as_deref(), self.strictness)?;
        let length = body.announced().ok_or_else(|| {
            OssErrorKind::MissingContentLength
                .because("the upload has no Content-Length; chunked uploads are not accepted")
        })?;
        if length >= MAX_OBJECT {
            let reason = format!("the upload has {length} bytes; less than 5 GB are allowed");
            return Err(OssErrorKind::BodyTooLarge.too_long(MAX_OBJECT, length, reason));
        }
        if let Some(digest) = head.headers.get("content-md5") {
            body.expect_digest(digest.as_bytes())?;
        }
        Ok(boundary)
    }
}

fn text_header(head: &request::Parts, name: &str) -> Option<String> {
    let value = head.headers.get(name)?;
    value.to_str().ok().map(str::to_owned)
}

/// A request whose fields are valid and whose file has not been read yet.
#[derive(Debug)]
pub(super) struct PendingUpload<'b> {
    pub(super) form: UploadForm,
    pub(super) accepted: AcceptedForm,
    /// Positioned at the first byte of the file.
    pub(super) reader: FormDataReader<'b>,
}

/// Check 11: reads the file, within the sizes that the policy allows, and the parts after it.
#[derive(Debug)]
pub(super) struct FileContent<'b> {
    reader: FormDataReader<'b>,
    sizes: RangeInclusive<u64>,
    /// The number of bytes read so far.
    size: u64,
}

impl<'b> FileContent<'b> {
    pub(super) fn new(reader: FormDataReader<'b>, sizes: &RangeInclusive<u64>) -> Self {
        Self { reader, sizes: sizes.clone(), size: 0 }
    }

    /// Returns the next bytes of the file, or `None` at its end. Fails as soon as the file exceeds
    /// the size that the policy allows.
    pub(super) async fn chunk(&mut self) -> Result<Option<Bytes>, OssError> {
        let Some(bytes) = self.reader.data().await? else {
            return Ok(None);
        };
        self.size += bytes.len() as u64;
        if self.size > *self.sizes.end() {
            return Err(too_large(self.size, &self.sizes));
        }
        Ok(Some(bytes))
    }

    /// Reads the parts after the file, and checks the smallest size and the expiry. Returns the size.
    pub(super) async fn finish(
        self,
        policy: &PostPolicy,
        now: i64,
        strictness: &Strictness,
    ) -> Result<u64, OssError> {
        read_rest(self.reader, strictness).await?;
        if self.size < *self.sizes.start() {
            return Err(too_small(self.size, &self.sizes));
        }
        if !strictness.allows(Relaxation::ExpiryDuringUpload) {
            policy.check_expiry(now)?;
        }
        Ok(self.size)
    }
}

fn too_large(size: u64, sizes: &RangeInclusive<u64>) -> OssError {
    let max = *sizes.end();
    let reason = format!("the file is larger than the {max} bytes that the policy allows");
    OssErrorKind::FileTooLarge.too_long(max, size, reason)
}

fn too_small(size: u64, sizes: &RangeInclusive<u64>) -> OssError {
    let min = sizes.start();
    OssErrorKind::FileTooSmall
        .because(format!("the file has {size} bytes; the policy wants at least {min}"))
}

#[cfg(test)]
mod tests {
    use http_body_util::Full;

    use super::*;

    async fn kind(request: http::request::Builder, body: &'static str) -> OssErrorKind {
        let bucket = LocalBucket { name: "first".to_owned(), region: "cn-hangzhou".to_owned() };
        let validator = UploadValidator {
            buckets: &[bucket],
            hosts: &AllowedHosts::named(["upload.example.com".to_owned()]),
            keys: &[],
            strictness: &Strictness::default(),
            now: 0,
        };
        let request = request.body(Full::new(Bytes::from_static(body.as_bytes()))).unwrap();
        validator.validate(request).await.unwrap_err().kind()
    }

    #[tokio::test]
    async fn host_operation_and_head_are_checked_before_the_body() {
        let post = |uri: &str| Request::post(uri).header("host", "upload.example.com");
        let typed = |uri: &str| post(uri).header("content-type", "multipart/form-data; boundary=b");
        let foreign = Request::post("/").header("host", "other.example.com");
        assert_eq!(kind(foreign, "").await, OssErrorKind::NoSuchBucket);
        assert_eq!(kind(typed("/key"), "").await, OssErrorKind::MethodNotAllowed);
        assert_eq!(kind(typed("/first/key"), "").await, OssErrorKind::PathStyle);
        let put = Request::put("/").header("host", "upload.example.com");
        assert_eq!(kind(put, "").await, OssErrorKind::MethodNotAllowed);
        assert_eq!(kind(post("/"), "").await, OssErrorKind::MethodNotAllowed);
        assert_eq!(kind(typed("/"), "x").await, OssErrorKind::BodyMalformed);
        let digest = typed("/").header("content-md5", "x");
        assert_eq!(kind(digest, "").await, OssErrorKind::InvalidDigest);
        assert_eq!(kind(typed("/"), "--b--").await, OssErrorKind::FileCount);
    }
}
