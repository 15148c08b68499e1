//! What the local OSS is opened with, and what it tells while it runs.
//!
//! Everything from the outside world comes in here: the folder, the buckets, the keys, the clock.
//! Reads no environment and no clock of its own.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::hosts::Hosts;
use crate::keys::AccessKey;
use crate::keys::KeyRing;
use crate::oss::callback::CallbackTo;
use crate::oss::judgement::Judgement;

/// What CORS lets pages read unless told otherwise.
const EXPOSED: [&str; 4] = ["ETag", "x-oss-request-id", "x-oss-hash-crc64ecma", "Location"];

/// Gives the time in Unix seconds.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Is told what happened, for the tool's console.
pub type Observer = Arc<dyn Fn(&Event) + Send + Sync>;

/// Names a bucket and the region where it lies.
#[derive(Clone, Debug)]
pub struct Bucket {
    /// The bucket's name, as it stands in the host.
    pub name: String,
    /// The general region id, such as `cn-hangzhou`.
    pub region: String,
}

/// Holds everything that a local OSS is opened with.
#[derive(Clone)]
pub struct Options {
    /// Where objects are kept; created when it is not there.
    pub data_dir: PathBuf,
    /// The buckets; the first is the one behind a bare address or `localhost`.
    pub buckets: Vec<Bucket>,
    /// The keys that may sign; they are put on the ring.
    pub keys: Vec<AccessKey>,
    /// The ring of keys, to be shared with who issues more; by default one of its own.
    pub ring: KeyRing,
    /// The origins that CORS allows: `*` or exact ones; none switches CORS off.
    pub cors_origins: Vec<String>,
    /// The headers of answers that CORS lets pages read; by default all that a browser upload needs.
    pub cors_exposed: Vec<String>,
    /// Whether answers say `Vary: Origin`, which a rule of the bucket may leave out.
    pub cors_vary: bool,
    /// The clock that expiry is judged by.
    pub clock: Clock,
    /// Who is told what happened.
    pub observer: Option<Observer>,
    /// How strictly to judge.
    pub judgement: Judgement,
    /// What the key that signs callbacks is made of; the same seed makes the same key.
    pub seed: [u8; 16],
    /// The names that the server answers to beside this machine's own; they are bound to the first bucket.
    pub hosts: Hosts,
    /// Whether CORS allows pages of this machine too, at any port.
    pub cors_local_pages: bool,
    /// Whether a request of a page is refused that is neither on this machine nor among `cors_origins`. The real
    /// OSS stores what such a page posts, and only keeps it from reading the answer.
    pub refuse_other_pages: bool,
    /// Where callbacks may go.
    pub callback_to: CallbackTo,
}

impl Options {
    /// Makes options with this folder and clock, no bucket, no key, CORS off, the strict judge, a
    /// seed that everybody knows, and callbacks to every address of this machine.
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
            judgement: Judgement::default(),
            seed: [0; 16],
            hosts: Hosts::default(),
            cors_local_pages: false,
            refuse_other_pages: false,
            callback_to: CallbackTo::default(),
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
            .field("callback_to", &self.callback_to)
            .field("judgement", &self.judgement)
            .finish_non_exhaustive()
    }
}

/// Tells what happened to a request, or to the call that it led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// An upload arrived whole and was kept.
    Stored {
        /// The bucket.
        bucket: String,
        /// The object's key.
        key: String,
        /// The content's size in bytes.
        size: u64,
        /// The file that holds the content.
        path: PathBuf,
    },
    /// An object was stored with a type that browsers may read as another one.
    Warned {
        /// The object's key.
        key: String,
        /// One sentence in words that a developer understands.
        reason: String,
    },
    /// Somebody was to be told of a stored object, at one of the addresses that the form names.
    Called {
        /// The address, without its query, which may hold a secret.
        url: String,
        /// The object's key.
        key: String,
        /// Why it failed, in words that a developer understands; none if it went well.
        failure: Option<String>,
        /// How long it took.
        spent: Duration,
    },
    /// An upload or a preflight was refused.
    Refused {
        /// The HTTP status of the answer.
        status: u16,
        /// The `Code` of the answer.
        code: &'static str,
        /// The EC number, where one is known.
        ec: Option<&'static str>,
        /// One sentence in words that a developer understands.
        reason: String,
    },
}

/// Says why the local OSS could not be opened.
#[derive(Debug)]
pub enum OpenError {
    /// No bucket was named; name at least one.
    NoBucket,
    /// A name that no bucket can have; use 3 to 63 of `a-z`, `0-9` and `-`.
    BucketName(String),
    /// The data folder cannot be used; choose another or mend its permissions.
    DataDir {
        /// The folder.
        path: PathBuf,
        /// What the system said.
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
