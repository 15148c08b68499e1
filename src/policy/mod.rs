//! The rules of a route, and the policy document that states them to OSS.
//!
//! This module knows nothing of credentials and signatures (`signing`), of authentication (`auth`), or of their
//! combination (`grant`). It is pure: time and randomness are arguments.
//!
//! | file | owns |
//! |---|---|
//! | `route` | a route and its limits |
//! | `bucket` | names of buckets, regions and upload hosts |
//! | `template` | templates of object keys |
//! | `key` | safe file names |
//! | `content_type` | the type of a file, and the types that a route allows |
//! | `header` | fields that a route fixes |
//! | `download` | the download links of a route |
//! | `disposition` | the file name in a `Content-Disposition` header |
//! | `callback` | the upload callback of a route |
//! | `metadata` | metadata that a client may set |
//! | `part_size` | the parts of a large file |
//! | `document` | the policy document and its conditions |

pub mod bucket;
pub mod callback;
pub mod content_type;
pub mod disposition;
pub mod document;
pub mod download;
pub mod header;
pub mod key;
pub mod metadata;
pub mod part_size;
pub mod route;
pub mod template;

use crate::policy::metadata::MetadataError;
use crate::policy::part_size::PartPlanError;

/// The reason why the rules of a route refuse a request. `http` writes the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicyError {
    /// The file is larger than the route allows.
    FileTooLarge {
        /// The requested size in bytes.
        size: u64,
    },
    /// The file is smaller than the route allows; an empty file is refused unless `min_size` is 0.
    FileTooSmall {
        /// The requested size in bytes.
        size: u64,
    },
    /// The route does not allow this type.
    TypeNotAllowed {
        /// The requested type.
        content_type: String,
    },
    /// The file is larger than a form or a single request may be, so it has to be uploaded in parts.
    MultipartRequired {
        /// The requested size in bytes.
        size: u64,
    },
    /// The file cannot be divided into parts of the requested size.
    Parts(PartPlanError),
    /// The route allows several kinds of types, which one policy can express only if the request names a type.
    TypeRequired,
    /// The request names no size, and a presigned PUT fixes exactly one.
    SizeRequired,
    /// The route allows other extensions.
    ExtensionNotAllowed {
        /// The requested name, made safe.
        name: String,
    },
    /// The key or the extension depends on the file name, and the request has none.
    NameRequired,
    /// The key depends on an attribute of the caller that the credentials do not contain.
    CallerUnknown {
        /// The placeholder without its braces.
        placeholder: String,
    },
    /// An attribute of the caller contains characters that are not allowed in a key.
    CallerUnusable {
        /// The placeholder without its braces.
        placeholder: String,
    },
    /// The route does not allow the metadata.
    Metadata(MetadataError),
    /// The route fixes fields that the form of this API does not contain.
    NativeCallRequired {
        /// The names of the fields.
        fields: Vec<String>,
    },
}
