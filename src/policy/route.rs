//! A named route: one kind of upload, and everything it fixes.

use std::time::Duration;

use crate::policy::PolicyError;
use crate::policy::bucket::{Bucket, Region, UploadHost};
use crate::policy::callback::Callback;
use crate::policy::content_type::{ContentType, TypePattern, is_allowed};
use crate::policy::header::Header;
use crate::policy::key::split_extension;
use crate::policy::metadata;
use crate::policy::template::Template;

/// The largest object that a form upload can make: 5 GB, of which the whole body must stay below.
pub const MAX_OBJECT_BYTES: u64 = 5 * 1024 * 1024 * 1024;

/// The longest validity of a V4 form, counted from `x-oss-date`; V1 names none, and is held to it too.
pub const MAX_LIFETIME: Duration = Duration::from_hours(7 * 24);

/// The most files that one call may name: each costs a signature, and an answer of some two kilobytes.
pub const MAX_FILES: usize = 100;

/// Refuses empty files, which are mistakes more often than files.
pub const DEFAULT_MIN_BYTES: u64 = 1;

/// Enough for photographs and documents; a page that wants more says so.
pub const DEFAULT_MAX_BYTES: u64 = 100 << 20;

/// How long the default grant lasts: time for a large file on a slow line, little for a thief.
pub const DEFAULT_LIFETIME: Duration = Duration::from_mins(10);

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
    /// The keys of its objects.
    pub template: Template,
    /// The file's size in bytes, both bounds included.
    pub size: SizeRange,
    /// The types it takes; empty takes all.
    pub types: Vec<TypePattern>,
    /// The extensions of the names it takes, in lower case without a dot; empty takes all.
    pub extensions: Vec<String>,
    /// The most files that one call may name.
    pub max_files: usize,
    /// How long a grant lasts, if its credential lasts that long.
    pub lifetime: Duration,
    /// Whether an upload may replace an object of the same key.
    pub overwrite: bool,
    /// The status that OSS answers a successful upload with.
    pub status: SuccessStatus,
    /// Further fields that it fixes, in the form's order.
    pub headers: Vec<Header>,
    /// The metadata that an ask may give, or has to.
    pub metadata: Vec<metadata::MetadataRule>,
    /// The version of the signature that its forms carry.
    pub signature: SignatureVersion,
    /// Whether each caller's forms are signed with a key of the caller's own.
    pub session: SessionMode,
    /// What OSS tells when an object is stored, and to whom.
    pub callback: Option<Callback>,
}

/// Whose key signs, where a role is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SessionMode {
    /// One that all callers share; the policy alone keeps them apart.
    #[default]
    Shared,
    /// One that can reach nothing but the caller's own directory.
    Caller,
}

impl SessionMode {
    /// Reads `shared` or `caller`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "shared" => Some(Self::Shared),
            "caller" => Some(Self::Caller),
            _ => None,
        }
    }
}

/// The status of the answer to a successful upload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SuccessStatus {
    /// What every kind of client takes for success.
    #[default]
    Ok,
    /// With XML that says what was stored.
    Created,
    /// Some clients lose its CORS headers on the way.
    NoContent,
}

impl SuccessStatus {
    /// Reads one of the three statuses that OSS knows.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Ok, Self::Created, Self::NoContent].into_iter().find(|one| one.as_str() == text)
    }

    /// Gives the status as a form says it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "200",
            Self::Created => "201",
            Self::NoContent => "204",
        }
    }
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

impl Route {
    /// Makes a route with the default of everything that is not named here: V4 forms to the
    /// bucket's public host, for one file of 1 byte to 100 MiB of any type, for ten minutes,
    /// without leave to overwrite.
    #[must_use]
    pub fn new(
        name: impl Into<String>,
        bucket: Bucket,
        region: Region,
        template: Template,
    ) -> Self {
        Self {
            name: name.into(),
            host: UploadHost::default_for(&bucket, &region),
            bucket,
            region,
            template,
            size: SizeRange { min: DEFAULT_MIN_BYTES, max: DEFAULT_MAX_BYTES },
            types: Vec::new(),
            extensions: Vec::new(),
            max_files: MAX_FILES,
            lifetime: DEFAULT_LIFETIME,
            overwrite: false,
            status: SuccessStatus::default(),
            headers: Vec::new(),
            metadata: Vec::new(),
            signature: SignatureVersion::default(),
            session: SessionMode::default(),
            callback: None,
        }
    }

    /// Refuses a size that OSS would refuse later under this route's policy.
    pub fn check_size(&self, size: u64) -> Result<(), PolicyError> {
        if size > self.size.max {
            return Err(PolicyError::FileTooLarge { size });
        }
        if size < self.size.min {
            return Err(PolicyError::FileTooSmall { size });
        }
        Ok(())
    }

    /// Refuses a type that this route does not take.
    pub fn check_type(&self, content_type: &ContentType) -> Result<(), PolicyError> {
        if is_allowed(&self.types, content_type) {
            return Ok(());
        }
        Err(PolicyError::TypeNotAllowed { content_type: content_type.as_str().to_owned() })
    }

    /// Refuses a name, once made safe, whose extension this route does not take.
    pub fn check_name(&self, name: Option<&str>) -> Result<(), PolicyError> {
        if self.extensions.is_empty() {
            return Ok(());
        }
        let name = name.ok_or(PolicyError::NameRequired)?;
        let extension = split_extension(name).1.unwrap_or_default();
        if self.extensions.iter().any(|one| one.eq_ignore_ascii_case(extension)) {
            return Ok(());
        }
        Err(PolicyError::ExtensionNotAllowed { name: name.to_owned() })
    }
}
