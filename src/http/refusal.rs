//! What the rules refuse: code, status, what happened and what to do. [`super::problem`] puts it into
//! an answer.

use http::StatusCode;

use crate::http::echo::Echo;
use crate::http::limits::Limits;
use crate::policy::metadata::Fault;
use crate::policy::metadata::MAX_BYTES;
use crate::policy::refusal::Refusal;

/// Gives the stable code.
pub(super) fn code(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::FileTooLarge { .. } => "file_too_large",
        Refusal::FileTooSmall { .. } => "file_too_small",
        Refusal::TypeNotAllowed { .. } => "type_not_allowed",
        Refusal::TypeRequired => "type_required",
        Refusal::ExtensionNotAllowed { .. } => "extension_not_allowed",
        Refusal::NameRequired => "name_required",
        Refusal::CallerUnknown { .. } => "caller_unknown",
        Refusal::CallerUnusable { .. } => "caller_unusable",
        Refusal::Metadata(Fault::NotAllowed(_)) => "metadata_not_allowed",
        Refusal::Metadata(Fault::Required(_)) => "metadata_required",
        Refusal::Metadata(Fault::Invalid(_)) => "metadata_invalid",
        Refusal::Metadata(Fault::TooLarge(_)) => "metadata_too_large",
        Refusal::NativeCallRequired { .. } => "native_call_required",
    }
}

/// Gives the code's status.
pub(super) fn status(refusal: &Refusal) -> StatusCode {
    match refusal {
        Refusal::CallerUnknown { .. } | Refusal::CallerUnusable { .. } => StatusCode::FORBIDDEN,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

/// Says what happened and what to do.
pub(super) fn describe(refusal: &Refusal, limits: &Limits) -> String {
    let types = || limits.types.join(", ");
    match refusal {
        Refusal::FileTooLarge { size } => format!(
            "The file has {size} bytes; at most {} are taken. Choose a smaller one.",
            limits.max_size
        ),
        Refusal::FileTooSmall { size } => format!(
            "The file has {size} bytes; at least {} are wanted. Choose another one.",
            limits.min_size
        ),
        Refusal::TypeNotAllowed { content_type } => {
            let content_type = Echo(content_type);
            format!("A file of type {content_type:?} is not taken; what is: {}.", types())
        }
        Refusal::TypeRequired => format!(
            "The file's type has to be named, since only these are taken: {}. Ask with the type.",
            types()
        ),
        Refusal::ExtensionNotAllowed { name } => format!(
            "A file named {:?} is not taken; the names that are end in: {}.",
            Echo(name),
            limits.extensions.join(", ")
        ),
        Refusal::NameRequired => {
            "The file's name has to be given, since the rules of this route speak of it. Ask with the name."
                .to_owned()
        }
        Refusal::CallerUnknown { placeholder } => format!(
            "Files of this route are kept or told of under {{{placeholder}}} of who asks, and that was \
             not shown. Ask with credentials that say it."
        ),
        Refusal::CallerUnusable { placeholder } => format!(
            "Files of this route are kept or told of under {{{placeholder}}} of who asks, and what it \
             is cannot stand there: it is empty, too long, or has a '/', a wildcard or the like. \
             Ask with another account, or let the settings name something else."
        ),
        Refusal::Metadata(fault) => describe_metadata(fault),
        Refusal::NativeCallRequired { fields } => format!(
            "This route fixes fields that the form of this call does not carry: {}. Ask with POST \
             /uploads and post every field of the answer.",
            fields.join(", ")
        ),
    }
}

fn describe_metadata(fault: &Fault) -> String {
    match fault {
        Fault::NotAllowed(name) => format!(
            "This route takes no metadata {:?}. Leave it out, or allow it in the settings.",
            Echo(name)
        ),
        Fault::Required(name) => {
            format!("This route wants the metadata {name:?}. Give it in the file's 'metadata'.")
        }
        Fault::Invalid(name) => format!(
            "The metadata {:?} is not as this route wants it: printable ASCII, and by the \
             pattern that GET /routes/{{name}} tells.",
            Echo(name)
        ),
        Fault::TooLarge(bytes) => format!(
            "The metadata have {bytes} bytes with their names; an object carries {MAX_BYTES}. Give less."
        ),
    }
}
