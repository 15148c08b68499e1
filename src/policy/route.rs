//! A named route: one kind of upload, and everything it fixes.

use std::time::Duration;

use crate::policy::content_type::ContentType;
use crate::policy::content_type::TypePattern;
use crate::policy::content_type::is_allowed;
use crate::policy::name::Bucket;
use crate::policy::name::Region;
use crate::policy::name::UploadHost;
use crate::policy::template::Directory;

/// The largest object that a form upload can make: 5 GB, of which the whole body must stay below.
pub const MAX_OBJECT_BYTES: u64 = 5 * 1024 * 1024 * 1024;

/// The longest validity of a V4 form, counted from `x-oss-date`; V1 names none, and is held to it too.
pub const MAX_LIFETIME: Duration = Duration::from_hours(7 * 24);

/// One kind of upload: where it goes and what it may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The name that an ask carries; `default` when it carries none.
    pub name: String,
    /// The bucket, which the policy pins.
    pub bucket: Bucket,
    /// The bucket's region, also when the form is posted to a custom domain.
    pub region: Region,
    /// The address the form is posted to.
    pub host: UploadHost,
    /// The directory of its objects.
    pub directory: Directory,
    /// The file's size in bytes, both bounds included.
    pub size: SizeRange,
    /// The types it takes; empty takes all.
    pub types: Vec<TypePattern>,
    /// How long a grant lasts, if its credential lasts that long.
    pub lifetime: Duration,
    /// Whether an upload may replace an object of the same key.
    pub overwrite: bool,
    /// The version of the signature that its forms carry.
    pub signature: SignatureVersion,
}

/// The version of a form's signature. Which fields that means is `signature/`'s business.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SignatureVersion {
    /// For pages that know nothing newer. OSS refuses it to accounts opened since 2025-03-01 and
    /// for buckets created since 2025-09-01.
    V1,
    /// What OSS takes everywhere.
    #[default]
    V4,
}

impl SignatureVersion {
    /// Reads `v1` or `v4`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "v1" => Some(Self::V1),
            "v4" => Some(Self::V4),
            _ => None,
        }
    }
}

/// The bounds of a file's size in bytes, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SizeRange {
    /// The smallest file; 1 refuses empty files.
    pub min: u64,
    /// The largest file.
    pub max: u64,
}

/// Says why a route's rules refuse a wish before anything is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The file is larger than the route takes; ask with a smaller file.
    FileTooLarge {
        /// The size that was asked for, in bytes.
        size: u64,
    },
    /// The file is smaller than the route takes; an empty file is refused unless `min_size` is 0.
    FileTooSmall {
        /// The size that was asked for, in bytes.
        size: u64,
    },
    /// The route does not take this type.
    TypeNotAllowed {
        /// The type that was asked for.
        content_type: String,
    },
    /// The route takes several kinds, which one policy can only say when the ask names one.
    TypeRequired,
}

impl Route {
    /// Refuses a size that OSS would refuse later under this route's policy.
    pub fn check_size(&self, size: u64) -> Result<(), Refusal> {
        if size > self.size.max {
            return Err(Refusal::FileTooLarge { size });
        }
        if size < self.size.min {
            return Err(Refusal::FileTooSmall { size });
        }
        Ok(())
    }

    /// Refuses a type that this route does not take.
    pub fn check_type(&self, content_type: &ContentType) -> Result<(), Refusal> {
        if is_allowed(&self.types, content_type) {
            return Ok(());
        }
        Err(Refusal::TypeNotAllowed { content_type: content_type.as_str().to_owned() })
    }
}
