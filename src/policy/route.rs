//! A named route: a kind of upload with its limits.

use std::time::Duration;

use crate::policy::PolicyError;
use crate::policy::bucket::{Bucket, Region, UploadHost};
use crate::policy::callback::Callback;
use crate::policy::content_type::{ContentType, TypePattern, is_allowed};
use crate::policy::download::DownloadRules;
use crate::policy::header::Header;
use crate::policy::key::split_extension;
use crate::policy::metadata;
use crate::policy::part_size::MultipartRules;
use crate::policy::template::Template;

/// The largest object of a form upload or of one part: 5 GB. The whole body of a form has to be smaller.
pub const MAX_OBJECT_BYTES: u64 = 5 * 1024 * 1024 * 1024;

/// The longest validity of a V4 form, counted from `x-oss-date`. V1 documents none, and gets the same limit.
pub const MAX_LIFETIME: Duration = Duration::from_hours(7 * 24);

/// The largest number of files in one request. Each costs a signature and about two kilobytes of the response.
pub const MAX_FILES: usize = 100;

/// The default smallest size: empty files are usually mistakes.
pub const DEFAULT_MIN_BYTES: u64 = 1;

/// The default largest size: enough for photos and documents.
pub const DEFAULT_MAX_BYTES: u64 = 100 << 20;

/// The default lifetime of a grant: enough for a large file over a slow connection, and short for an attacker.
pub const DEFAULT_LIFETIME: Duration = Duration::from_mins(10);

/// A kind of upload: its destination and its limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The name in requests; `default` if a request names none.
    pub name: String,
    /// The bucket, which the policy fixes.
    pub bucket: Bucket,
    /// The bucket's region, also if the form is posted to a custom domain.
    pub region: Region,
    /// The URL to which the form is posted.
    pub host: UploadHost,
    /// The template of its object keys.
    pub template: Template,
    /// The allowed sizes.
    pub size: SizeRange,
    /// The allowed types; empty allows every type.
    pub types: Vec<TypePattern>,
    /// The allowed extensions of file names, in lower case without the dot; empty allows every extension.
    pub extensions: Vec<String>,
    /// The largest number of files in one request.
    pub max_files: usize,
    /// The lifetime of a grant, unless its credentials end earlier.
    pub lifetime: Duration,
    /// Whether an upload may replace an object with the same key.
    pub overwrite: bool,
    /// The status of OSS's response to a successful upload.
    pub status: SuccessStatus,
    /// Further fields that the policy fixes, in the order of the form.
    pub headers: Vec<Header>,
    /// The metadata that a request may or has to set.
    pub metadata: Vec<metadata::MetadataRule>,
    /// The signature version of its forms.
    pub signature: SignatureVersion,
    /// Whether every caller's forms are signed with a session of the caller's own.
    pub session: SessionMode,
    /// The upload callback, if there is one.
    pub callback: Option<Callback>,
    /// The rules of uploads in parts, if the route allows them.
    pub multipart: Option<MultipartRules>,
    /// The rules of download links, if the route gives out any.
    pub download: Option<DownloadRules>,
    /// The lifetime of session keys for callers, if the route gives out any.
    pub session_keys: Option<Duration>,
}

/// The session that signs forms if the function assumes a role.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SessionMode {
    /// One session for all callers; only the policy separates them.
    #[default]
    Shared,
    /// A session for each caller, which can access the caller's own directory only.
    Caller,
}

impl SessionMode {
    /// Parses `shared` or `caller`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "shared" => Some(Self::Shared),
            "caller" => Some(Self::Caller),
            _ => None,
        }
    }
}

/// The status of OSS's response to a successful upload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SuccessStatus {
    /// 200, which every client accepts as success.
    #[default]
    Ok,
    /// 201, with an XML body that describes the object.
    Created,
    /// 204. Some clients lose the CORS headers of this response.
    NoContent,
}

impl SuccessStatus {
    /// Parses one of the three statuses that OSS supports.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Ok, Self::Created, Self::NoContent].into_iter().find(|one| one.as_str() == text)
    }

    /// Returns the value of the form field.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "200",
            Self::Created => "201",
            Self::NoContent => "204",
        }
    }
}

/// The version of a form's signature. `signing` knows which fields it has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SignatureVersion {
    /// For pages that support nothing newer. OSS refuses it for accounts opened since 2025-03-01 and for buckets created
    /// since 2025-09-01.
    V1,
    /// The version that OSS accepts everywhere.
    #[default]
    V4,
}

impl SignatureVersion {
    /// Parses `v1` or `v4`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "v1" => Some(Self::V1),
            "v4" => Some(Self::V4),
            _ => None,
        }
    }
}

/// The allowed sizes of a file in bytes, both bounds inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SizeRange {
    /// The smallest size; 1 refuses empty files.
    pub min: u64,
    /// The largest size.
    pub max: u64,
}

impl Route {
    /// Returns a route with the default of every other setting: V4 forms for the bucket's public host, for one file of
    /// 1 byte to 100 MiB of any type, valid for ten minutes, without overwriting.
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
            multipart: None,
            download: None,
            session_keys: None,
        }
    }

    /// Returns the allowed sizes of a file that is uploaded in one request.
    #[must_use]
    pub fn single_request_size(&self) -> SizeRange {
        SizeRange { max: self.size.max.min(MAX_OBJECT_BYTES), ..self.size }
    }

    /// Checks the size that a request names.
    pub fn check_size(&self, size: u64) -> Result<(), PolicyError> {
        if size > self.size.max {
            return Err(PolicyError::FileTooLarge { size });
        }
        if size < self.size.min {
            return Err(PolicyError::FileTooSmall { size });
        }
        Ok(())
    }

    /// Checks the type that a request names.
    pub fn check_type(&self, content_type: &ContentType) -> Result<(), PolicyError> {
        if is_allowed(&self.types, content_type) {
            return Ok(());
        }
        Err(PolicyError::TypeNotAllowed { content_type: content_type.as_str().to_owned() })
    }

    /// Checks the extension of a safe file name.
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
