//! What a route allows, and how that is said to OSS.
//!
//! Owns the rules of a named route, object keys and their templates, the conditions and the policy
//! document. Knows nothing of keys and signatures (`signature/`), of who asks (`identity/`), or of
//! how the two meet (`grant`). Everything here is pure: the clock and the random are arguments.
//!
//! | file | question it answers |
//! |---|---|
//! | `route` | which bucket, under which rules? |
//! | `name` | is this a bucket, a region, an upload host? |
//! | `template` | where do this route's objects go? |
//! | `key` | what will this one object be called? |
//! | `content_type` | is this type allowed, and how is that said? |
//! | `header` | which other fields does a route fix? |
//! | `disposition` | under which file name is an object saved? |
//! | `callback` | what is told when an object is stored, and to whom? |
//! | `metadata` | which metadata may an ask give? |
//! | `refusal` | why is a wish not granted? |
//! | `condition` | one line of a policy |
//! | `document` | the policy's text |

pub mod bucket;
pub mod callback;
pub mod content_type;
pub mod document;
pub mod header;
pub mod key;
pub mod metadata;
pub mod route;
pub mod template;

mod disposition;

use crate::policy::metadata::MetadataError;

/// Says why a wish is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicyError {
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
    /// The route takes other extensions.
    ExtensionNotAllowed {
        /// The name that was asked for, made safe.
        name: String,
    },
    /// The key or the extension is made of the file's name, so the ask has to give one.
    NameRequired,
    /// The key speaks of who asks, and that was not shown.
    CallerUnknown {
        /// The placeholder without its braces.
        placeholder: String,
    },
    /// What a caller has shown of themselves cannot stand in a key.
    CallerUnusable {
        /// The placeholder without its braces.
        placeholder: String,
    },
    /// The metadata are not what the route takes.
    Metadata(MetadataError),
    /// The route fixes fields that this client's form does not carry.
    NativeCallRequired {
        /// The fields.
        fields: Vec<String>,
    },
}
