//! Which operation a request asks for: decided by its method, its path and its query.
//!
//! Sources: the pages of the operations. The form upload is the only operation that a client names by
//! posting to the bucket; all others name the object in the path.

use http::{Method, request};

use crate::oss::error::{OssError, OssErrorKind};
use crate::oss::query::RequestQuery;

/// An operation on a bucket or an object, without preflight requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OssOperation {
    PostObject,
    PutObject,
    GetObject,
    HeadObject,
    DeleteObject,
    Multipart(MultipartOperation),
    Bucket(BucketOperation),
    /// Something that no request can ask for here, such as a list of objects.
    Unknown,
}

/// Parameters that turn an operation into another one, which is not emulated.
const OTHER_RESOURCES: [&str; 25] = [
    "acl",
    "append",
    "asyncFetch",
    "bucketInfo",
    "cors",
    "delete",
    "encryption",
    "inventory",
    "lifecycle",
    "list-type",
    "location",
    "logging",
    "policy",
    "qosInfo",
    "referer",
    "restore",
    "seal",
    "stat",
    "symlink",
    "tagging",
    "versionId",
    "versioning",
    "versions",
    "website",
    "worm",
];

/// An operation of a multipart upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MultipartOperation {
    Initiate,
    UploadPart,
    ListParts,
    Complete,
    Abort,
    ListUploads,
}

/// An operation on the configuration of a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BucketOperation {
    Info,
    GetCors,
    PutCors,
    DeleteCors,
    GetLifecycle,
    PutLifecycle,
    DeleteLifecycle,
}

impl BucketOperation {
    fn of(method: &Method, query: &RequestQuery) -> Option<Self> {
        let (has_cors, has_lifecycle) = (query.has("cors"), query.has("lifecycle"));
        match *method {
            Method::GET if query.has("bucketInfo") => Some(Self::Info),
            Method::GET if has_cors => Some(Self::GetCors),
            Method::PUT if has_cors => Some(Self::PutCors),
            Method::DELETE if has_cors => Some(Self::DeleteCors),
            Method::GET if has_lifecycle => Some(Self::GetLifecycle),
            Method::PUT if has_lifecycle => Some(Self::PutLifecycle),
            Method::DELETE if has_lifecycle => Some(Self::DeleteLifecycle),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        self.action().trim_start_matches("oss:")
    }

    /// Returns the RAM action of the operation.
    pub(super) fn action(self) -> &'static str {
        match self {
            Self::Info => "oss:GetBucketInfo",
            Self::GetCors => "oss:GetBucketCors",
            Self::PutCors => "oss:PutBucketCors",
            Self::DeleteCors => "oss:DeleteBucketCors",
            Self::GetLifecycle => "oss:GetBucketLifecycle",
            Self::PutLifecycle => "oss:PutBucketLifecycle",
            Self::DeleteLifecycle => "oss:DeleteBucketLifecycle",
        }
    }
}

impl OssOperation {
    /// Returns the name of the operation and the RAM action that it needs; `None` for a form upload,
    /// whose fields are authenticated, and for what is not emulated.
    pub(super) fn name_and_action(self) -> Option<(&'static str, &'static str)> {
        use MultipartOperation::{Abort, Complete, Initiate, ListParts, ListUploads, UploadPart};
        Some(match self {
            Self::PostObject | Self::Unknown => return None,
            Self::PutObject => ("PutObject", "oss:PutObject"),
            Self::GetObject => ("GetObject", "oss:GetObject"),
            Self::HeadObject => ("HeadObject", "oss:GetObject"),
            Self::DeleteObject => ("DeleteObject", "oss:DeleteObject"),
            Self::Bucket(operation) => (operation.name(), operation.action()),
            Self::Multipart(Initiate) => ("InitiateMultipartUpload", "oss:PutObject"),
            Self::Multipart(UploadPart) => ("UploadPart", "oss:PutObject"),
            Self::Multipart(Complete) => ("CompleteMultipartUpload", "oss:PutObject"),
            Self::Multipart(ListParts) => ("ListParts", "oss:ListParts"),
            Self::Multipart(Abort) => ("AbortMultipartUpload", "oss:AbortMultipartUpload"),
            Self::Multipart(ListUploads) => ("ListMultipartUploads", "oss:ListMultipartUploads"),
        })
    }

    /// Rejects a request for something beside the content of the object, and a copy.
    pub(super) fn check_supported(
        self,
        head: &request::Parts,
        query: &RequestQuery,
    ) -> Result<(), OssError> {
        if matches!(self, Self::Bucket(_)) {
            return Ok(());
        }
        let other = OTHER_RESOURCES.iter().find(|name| query.has(name));
        let copy = "x-oss-copy-source";
        let copy = head.headers.contains_key(copy).then_some(&copy);
        match other.or(copy) {
            None => Ok(()),
            Some(name) => Err(OssErrorKind::NotImplemented
                .because(format!("the local OSS does not support {name}"))),
        }
    }

    pub(super) fn of(head: &request::Parts, query: &RequestQuery) -> Self {
        let is_bucket = head.uri.path() == "/";
        if let Some(operation) = BucketOperation::of(&head.method, query).filter(|_| is_bucket) {
            return Self::Bucket(operation);
        }
        match (&head.method, is_bucket) {
            (&Method::POST, true) => Self::PostObject,
            (&Method::POST, false) if query.has("uploads") => {
                Self::Multipart(MultipartOperation::Initiate)
            }
            (&Method::POST, false) if query.has("uploadId") => {
                Self::Multipart(MultipartOperation::Complete)
            }
            (&Method::PUT, false) if query.has("partNumber") || query.has("uploadId") => {
                Self::Multipart(MultipartOperation::UploadPart)
            }
            (&Method::PUT, false) => Self::PutObject,
            (&Method::DELETE, false) if query.has("uploadId") => {
                Self::Multipart(MultipartOperation::Abort)
            }
            (&Method::DELETE, false) => Self::DeleteObject,
            (&Method::GET, true) if query.has("uploads") => {
                Self::Multipart(MultipartOperation::ListUploads)
            }
            (&Method::GET, false) if query.has("uploadId") => {
                Self::Multipart(MultipartOperation::ListParts)
            }
            (&Method::GET, _) => Self::GetObject,
            (&Method::HEAD, _) => Self::HeadObject,
            _ => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn method_path_and_query_decide() {
        use MultipartOperation::{Abort, Complete, Initiate, ListParts, ListUploads, UploadPart};
        use OssOperation::{DeleteObject, GetObject, HeadObject, Multipart, PostObject, PutObject};
        for (method, target, expected) in [
            ("POST", "/", PostObject),
            ("PUT", "/k", PutObject),
            ("PUT", "/", OssOperation::Unknown),
            ("GET", "/k?x-oss-process=style%2Fa", GetObject),
            ("HEAD", "/k", HeadObject),
            ("DELETE", "/k", DeleteObject),
            ("DELETE", "/", OssOperation::Unknown),
            ("POST", "/k?uploads", Multipart(Initiate)),
            ("POST", "/k?uploads=&encoding-type=url", Multipart(Initiate)),
            ("PUT", "/k?partNumber=1&uploadId=A", Multipart(UploadPart)),
            ("PUT", "/k?uploadId=A", Multipart(UploadPart)),
            ("PUT", "/k?partNumber=1", Multipart(UploadPart)),
            ("GET", "/k?uploadId=A", Multipart(ListParts)),
            ("POST", "/k?uploadId=A", Multipart(Complete)),
            ("DELETE", "/k?uploadId=A", Multipart(Abort)),
            ("GET", "/?uploads", Multipart(ListUploads)),
            ("GET", "/?bucketInfo", OssOperation::Bucket(BucketOperation::Info)),
            ("PUT", "/?cors", OssOperation::Bucket(BucketOperation::PutCors)),
            ("PUT", "/k?cors", PutObject),
            ("DELETE", "/?lifecycle=", OssOperation::Bucket(BucketOperation::DeleteLifecycle)),
            ("POST", "/?cors", PostObject),
            ("POST", "/k", OssOperation::Unknown),
            ("PATCH", "/k", OssOperation::Unknown),
        ] {
            let request = http::Request::builder().method(method).uri(target).body(()).unwrap();
            let (head, ()) = request.into_parts();
            let query = RequestQuery::parse(head.uri.query()).unwrap();
            assert_eq!(OssOperation::of(&head, &query), expected, "{method} {target}");
        }
    }
}
