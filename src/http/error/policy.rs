//! Files that the rules of a route refuse: status, stable code, message.

use http::StatusCode;
use serde::Serialize;

use crate::config::value::size_text;
use crate::http::error::echo::Echo;
use crate::policy::PolicyError;
use crate::policy::metadata::MetadataError::{Invalid, NotAscii};
use crate::policy::metadata::{MAX_BYTES, MetadataError};
use crate::policy::part_size::PartPlanError::{Empty, PartSize, TooManyParts};
use crate::policy::part_size::{MAX_PARTS, PartPlanError};
use crate::policy::route::Route;

/// What a route accepts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// The smallest file in bytes.
    pub min_size: u64,
    /// The largest file in bytes.
    pub max_size: u64,
    /// Accepted content types; empty accepts all.
    pub types: Vec<String>,
    /// Accepted extensions without a dot; empty accepts all.
    pub extensions: Vec<String>,
    /// The most files in one call.
    pub max_files: usize,
}

impl Limits {
    /// Returns the limits of a route.
    #[must_use]
    pub fn of(route: &Route) -> Self {
        Self {
            min_size: route.size.min,
            max_size: route.size.max,
            types: route.types.iter().map(ToString::to_string).collect(),
            extensions: route.extensions.clone(),
            max_files: route.max_files,
        }
    }
}

/// Returns the stable code.
pub(super) fn code(error: &PolicyError) -> &'static str {
    match error {
        PolicyError::FileTooLarge { .. } => "file_too_large",
        PolicyError::FileTooSmall { .. } | PolicyError::Parts(Empty) => "file_too_small",
        PolicyError::MultipartRequired { .. } => "multipart_required",
        PolicyError::Parts(PartSize) => "invalid_request",
        PolicyError::Parts(TooManyParts(_)) => "too_many_parts",
        PolicyError::TypeNotAllowed { .. } => "type_not_allowed",
        PolicyError::TypeRequired => "type_required",
        PolicyError::SizeRequired => "size_required",
        PolicyError::ExtensionNotAllowed { .. } => "extension_not_allowed",
        PolicyError::NameRequired => "name_required",
        PolicyError::CallerUnknown { .. } => "caller_unknown",
        PolicyError::CallerUnusable { .. } => "caller_unusable",
        PolicyError::Metadata(MetadataError::NotAllowed(_)) => "metadata_not_allowed",
        PolicyError::Metadata(MetadataError::Required(_)) => "metadata_required",
        PolicyError::Metadata(Invalid(_) | NotAscii(_)) => "metadata_invalid",
        PolicyError::Metadata(MetadataError::TooLarge(_)) => "metadata_too_large",
        PolicyError::NativeCallRequired { .. } => "native_call_required",
    }
}

/// Returns the HTTP status.
pub(super) fn status(error: &PolicyError) -> StatusCode {
    match error {
        PolicyError::CallerUnknown { .. } | PolicyError::CallerUnusable { .. } => {
            StatusCode::FORBIDDEN
        }
        PolicyError::MultipartRequired { .. } | PolicyError::Parts(PartSize | TooManyParts(_)) => {
            StatusCode::BAD_REQUEST
        }
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

const SIZE_REQUIRED: &str =
    "The file's size is required, since a signed PUT is for exactly one. Ask with the size.";
const NAME_REQUIRED: &str =
    "The file's name is required, since the rules of this route depend on it. Ask with the name.";

/// Returns the message: what happened and what to do.
pub(super) fn message(error: &PolicyError, limits: &Limits) -> String {
    let types = || limits.types.join(", ");
    match error {
        PolicyError::FileTooLarge { size } => format!(
            "The file has {size} bytes; at most {} are taken. Choose a smaller one.",
            size_text(limits.max_size)
        ),
        PolicyError::FileTooSmall { size } => format!(
            "The file has {size} bytes; at least {} are wanted. Choose another one.",
            size_text(limits.min_size)
        ),
        PolicyError::MultipartRequired { size } => multipart_required_message(*size),
        PolicyError::Parts(error) => parts_message(*error),
        PolicyError::TypeNotAllowed { content_type } => {
            let content_type = Echo(content_type);
            format!("A file of type {content_type:?} is not taken; what is: {}.", types())
        }
        PolicyError::TypeRequired => format!(
            "The file's type has to be named, since only these are taken: {}. Ask with the type.",
            types()
        ),
        PolicyError::SizeRequired => SIZE_REQUIRED.to_owned(),
        PolicyError::ExtensionNotAllowed { name } => format!(
            "A file named {:?} is not taken; the names that are end in: {}.",
            Echo(name),
            limits.extensions.join(", ")
        ),
        PolicyError::NameRequired => NAME_REQUIRED.to_owned(),
        PolicyError::CallerUnknown { placeholder } => format!(
            "The key or the callback of this route contains {{{placeholder}}} of the caller, and the caller has \
             sent none. Ask with credentials that contain it."
        ),
        PolicyError::CallerUnusable { placeholder } => format!(
            "The key or the callback of this route contains {{{placeholder}}} of the caller, and this caller's \
             value cannot be used there: it is empty or too long, or has a '/', a wildcard or the like. Ask with \
             another account, or change the placeholder in the settings."
        ),
        PolicyError::Metadata(fault) => metadata_message(fault),
        PolicyError::NativeCallRequired { fields } => format!(
            "This route fixes fields that the form of this call does not carry: {}. Ask with POST \
             /uploads and post every field of the answer.",
            fields.join(", ")
        ),
    }
}

fn multipart_required_message(size: u64) -> String {
    format!(
        "The file has {size} bytes, and one request carries at most 5 GiB. Upload it in parts with POST \
         /multipart."
    )
}

fn parts_message(error: PartPlanError) -> String {
    match error {
        Empty => {
            "The file is empty, and an upload in parts has at least 1 byte. Upload it with POST /uploads.".to_owned()
        }
        PartSize => {
            "A part has from 100 KiB to 5 GiB. Ask with another 'part_size', or without one.".to_owned()
        }
        TooManyParts(parts) => format!(
            "The file would have {parts} parts; an upload has at most {MAX_PARTS}. Ask with a larger 'part_size'."
        ),
    }
}

fn metadata_message(fault: &MetadataError) -> String {
    match fault {
        MetadataError::NotAllowed(name) => format!(
            "This route takes no metadata {:?}. Leave it out, or allow it in the settings.",
            Echo(name)
        ),
        MetadataError::Required(name) => {
            format!("This route wants the metadata {name:?}. Give it in the file's 'metadata'.")
        }
        MetadataError::Invalid(name) => format!(
            "The metadata {:?} is not as this route wants it: printable ASCII, and by the \
             pattern that GET /routes/{{name}} returns.",
            Echo(name)
        ),
        MetadataError::NotAscii(name) => format!(
            "The metadata {:?} has characters beyond ASCII, which a header cannot carry. Percent-encode the value, \
             as encodeURIComponent does, and decode it where it is read.",
            Echo(name)
        ),
        MetadataError::TooLarge(bytes) => format!(
            "The metadata have {bytes} bytes with their names; an object carries {MAX_BYTES}. Give less."
        ),
    }
}
