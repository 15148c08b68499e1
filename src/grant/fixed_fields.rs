//! The fields that every grant fixes beside key, size and proof, and the type that the object gets.

use crate::grant::form::Field;
use crate::grant::{Form, GrantRequest};
use crate::policy::content_type::ContentType;
use crate::policy::header::CONTENT_DISPOSITION;
use crate::policy::route::Route;
use crate::policy::{header, metadata};

/// The field that says with which status OSS answers.
pub(super) const SUCCESS_ACTION_STATUS: &str = "success_action_status";

/// The type of a file that named none, where the form can say so.
const UNKNOWN_TYPE: &str = "application/octet-stream";

/// Fields that the server fixes, each of which is a condition too.
pub(super) fn fields(request: &GrantRequest, route: &Route) -> Vec<Field> {
    let status = request.success.unwrap_or(route.status);
    let mut fixed: Vec<Field> = vec![(SUCCESS_ACTION_STATUS.into(), status.as_str().to_owned())];
    if request.form == Form::Complete {
        if forbids_overwrite(request, route) {
            fixed.push(("x-oss-forbid-overwrite".into(), "true".to_owned()));
        }
        // This field decides the stored type over whatever the file's own part says.
        let content_type = request.content_type.as_ref().map_or(UNKNOWN_TYPE, ContentType::as_str);
        fixed.push(("x-oss-content-type".into(), content_type.to_owned()));
        fixed.extend(route.headers.iter().map(|one| (one.name.into(), one.value.clone())));
        fixed.extend(default_disposition(request, route));
        let metadata = request.metadata.iter();
        fixed.extend(metadata.map(|(name, value)| (metadata_field(name).into(), value.clone())));
    }
    fixed
}

/// Tells whether OSS refuses an upload under a key that is taken. The documentation's page posts no field that
/// says so.
pub(super) fn forbids_overwrite(request: &GrantRequest, route: &Route) -> bool {
    request.form == Form::Complete && !route.overwrite
}

/// The types that the stored object may have, as its receipt says it: without parameters, which the
/// policy pins and which whoever tells of the object may leave out.
pub(super) fn types(request: &GrantRequest, route: &Route) -> Vec<String> {
    match (request.form, &request.content_type) {
        (_, Some(content_type)) => vec![content_type.essence().to_owned()],
        (Form::Complete, None) => vec![UNKNOWN_TYPE.to_owned()],
        (Form::Documented, None) => route.types.iter().map(ToString::to_string).collect(),
    }
}

/// A file that could act as a page of the application is downloaded instead of shown, unless the
/// route says otherwise. The type is fixed beside it, so no other file can become one.
fn default_disposition(request: &GrantRequest, route: &Route) -> Option<Field> {
    let is_active = request.content_type.as_ref().is_some_and(header::is_active);
    let says = || route.headers.iter().any(|header| header.name == CONTENT_DISPOSITION);
    (is_active && !says()).then(|| (CONTENT_DISPOSITION.into(), header::ATTACHMENT.to_owned()))
}

pub(super) fn metadata_field(name: &str) -> String {
    format!("{}{name}", metadata::PREFIX)
}
