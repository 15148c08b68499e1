//! The options of a local OSS, and the events that it reports.
//!
//! Everything from outside is passed in here: the data directory, the buckets, the keys, the clock.
//! The emulator reads no environment variable and no clock of its own.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};

use crate::hosts::AllowedHosts;
use crate::keys::{AccessKey, KeyRing};
use crate::oss::callback::allowed::AllowedCallbacks;
use crate::oss::referer::RefererRules;
use crate::oss::strictness::Strictness;

/// The response headers that CORS exposes to pages by default.
const EXPOSED: [&str; 4] = ["ETag", "x-oss-request-id", "x-oss-hash-crc64ecma", "Location"];

/// Returns the current time in Unix seconds.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Receives events, for example to print them on a console.
pub type Observer = Arc<dyn Fn(&OssEvent) + Send + Sync>;

/// A bucket and its region.
#[derive(Clone, Debug)]
pub struct LocalBucket {
    /// The bucket's name, as it appears in the host.
    pub name: String,
    /// The general region id, such as `cn-hangzhou`.
    pub region: String,
}

/// The ACL of a bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BucketAcl {
    /// Reading needs a signature, as in new buckets.
    #[default]
    Private,
    /// Everyone may read.
    PublicRead,
}

/// The options of a local OSS.
#[derive(Clone)]
pub struct Options {
    /// The directory for objects; it is created if it does not exist.
    pub data_dir: PathBuf,
    /// The buckets. The first one also answers under a bare address and `localhost`.
    pub buckets: Vec<LocalBucket>,
    /// The keys that may sign; they are added to `ring`.
    pub keys: Vec<AccessKey>,
    /// The key ring. It can be shared with a local STS; the default is an empty ring.
    pub ring: KeyRing,
    /// The origins that CORS allows: `*` or exact origins. An empty list disables CORS.
    pub cors_origins: Vec<String>,
    /// The response headers that CORS exposes to pages; the default covers a browser upload.
    pub cors_exposed: Vec<String>,
    /// Whether responses carry `Vary: Origin`, which a CORS rule of a bucket may leave out.
    pub cors_vary: bool,
    /// The clock for expiry checks.
    pub clock: Clock,
    /// The receiver of events.
    pub observer: Option<Observer>,
    /// The settings for checks that the documentation leaves open.
    pub strictness: Strictness,
    /// The seed of the key that signs callbacks; the same seed gives the same key.
    pub seed: [u8; 16],
    /// Additional host names of the server; they are bound to the first bucket.
    pub hosts: AllowedHosts,
    /// Whether CORS also allows pages of this machine, at any port.
    pub cors_local_pages: bool,
    /// Whether requests of a page are rejected that is neither on this machine nor among
    /// `cors_origins`. The real OSS stores what such a page posts, and only prevents it from reading
    /// the response.
    pub refuse_other_pages: bool,
    /// The ACL of the buckets; they are private by default.
    pub bucket_acl: BucketAcl,
    /// The referer rules of the buckets; the default allows every `Referer`, and none.
    pub referers: RefererRules,
    /// The addresses that callbacks may be sent to.
    pub allowed_callbacks: AllowedCallbacks,
}

impl Options {
    /// Creates options with this data directory and clock, without buckets and keys, with CORS
    /// disabled, the strictest checks, a fixed seed, and callbacks to every address of this machine.
    #[must_use]
    pub fn new(data_dir: impl Into<PathBuf>, clock: Clock) -> Self {
        Self {
            data_dir: data_dir.into(),
            buckets: Vec::new(),
            keys: Vec::new(),
            ring: KeyRing::default(),
            cors_origins: Vec::new(),
            cors_exposed: EXPOSED.map(str::to_owned).to_vec(),
            cors_vary: true,
            clock,
            observer: None,
            strictness: Strictness::default(),
            seed: [0; 16],
            hosts: AllowedHosts::default(),
            cors_local_pages: false,
            refuse_other_pages: false,
            bucket_acl: BucketAcl::default(),
            referers: RefererRules::default(),
            allowed_callbacks: AllowedCallbacks::default(),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Options")
            .field("data_dir", &self.data_dir)
            .field("buckets", &self.buckets)
            .field("keys", &self.keys)
            .field("ring", &self.ring)
            .field("cors_origins", &self.cors_origins)
            .field("allowed_callbacks", &self.allowed_callbacks)
            .field("strictness", &self.strictness)
            .finish_non_exhaustive()
    }
}

/// An event that a request or a callback caused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OssEvent {
    /// An upload was stored.
    Stored {
        /// The bucket.
        bucket: String,
        /// The object's key.
        key: String,
        /// The size of the content in bytes.
        size: u64,
        /// The file with the content.
        path: PathBuf,
    },
    /// An object was stored whose form is valid and probably not what was meant: browsers may
    /// interpret its content type as another type, or its callback has no address.
    Warned {
        /// The object's key.
        key: String,
        /// One sentence for developers.
        reason: String,
    },
    /// A callback was sent to one of the addresses that the form names.
    Called {
        /// The address without its query, which may hold a secret.
        url: String,
        /// The object's key.
        key: String,
        /// The reason why the callback failed, for developers; `None` after a success.
        failure: Option<String>,
        /// The duration of the call.
        spent: Duration,
    },
    /// An upload or a preflight request was rejected.
    Refused {
        /// The HTTP status of the response.
        status: u16,
        /// The `Code` of the response.
        code: &'static str,
        /// The EC number, where one is known.
        ec: Option<&'static str>,
        /// One sentence for developers.
        reason: String,
    },
}

/// The reason why the local OSS could not be opened.
#[derive(Debug)]
pub enum OpenError {
    /// No bucket was given; give at least one.
    NoBucket,
    /// The name is not a valid bucket name; use 3 to 63 of `a-z`, `0-9` and `-`.
    BucketName(String),
    /// The data directory cannot be used; choose another one or correct its permissions.
    DataDir {
        /// The data directory.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
}

impl fmt::Display for OpenError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoBucket => formatter.write_str("the local OSS needs at least one bucket"),
            Self::BucketName(name) => write!(
                formatter,
                "{name:?} cannot be a bucket: 3 to 63 of a-z, 0-9 and -, not at either end"
            ),
            Self::DataDir { path, source } => write!(
                formatter,
                "the data folder {} cannot be created or written: {source}",
                path.display()
            ),
        }
    }
}

impl Error for OpenError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::NoBucket | Self::BucketName(_) => None,
            Self::DataDir { source, .. } => Some(source),
        }
    }
}
