//! The object of an upload that is not a form: its key, its type, and the headers that OSS stores with it.
//!
//! The rules are those of a form with all its fields. A request carries them as headers, which the signature covers,
//! or the function itself sends them.

use crate::grant::form::{self, X_OSS_CONTENT_TYPE};
use crate::grant::{Form, GrantRequest, ObjectLocation, location, resolve_file, type_conditions};
use crate::policy::PolicyError;
use crate::policy::content_type::{ContentType, UNKNOWN};
use crate::policy::metadata;
use crate::policy::route::Route;
use crate::policy::template::RenderContext;

/// The name of the header with the object's type.
pub const CONTENT_TYPE: &str = "content-type";

/// An object that a caller may upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectGrant {
    /// The object key.
    pub key: String,
    /// Whether no other grant has this key.
    pub unique: bool,
    /// Whether no other grant has this key and the object cannot be overwritten.
    pub once: bool,
    /// The content type.
    pub content_type: String,
    /// The headers of the object in lower case, the content type among them.
    pub headers: Vec<(String, String)>,
}

/// Decides key, type and headers of the object by the rules of the route. The size is checked by the caller.
pub fn grant_object(
    request: &GrantRequest,
    route: &Route,
    context: &RenderContext<'_>,
) -> Result<ObjectGrant, PolicyError> {
    let request = GrantRequest { form: Form::Complete, ..resolve_file(request, route) };
    metadata::check(&route.metadata, &request.metadata).map_err(PolicyError::Metadata)?;
    let ObjectLocation { key, .. } = location(&request, route, context)?;
    // A complete form always has its key.
    let key = key.ok_or(PolicyError::NameRequired)?;
    type_conditions(&request, route)?;
    let fields = form::object_fields(&request, route, context)?;
    let name = |name: &str| match name {
        X_OSS_CONTENT_TYPE => CONTENT_TYPE.to_owned(),
        name => name.to_ascii_lowercase(),
    };
    let unique = route.template.is_unique();
    let content_type = request.content_type.as_ref().map_or(UNKNOWN, ContentType::as_str);
    Ok(ObjectGrant {
        key,
        unique,
        once: unique && form::forbids_overwrite(&request, route),
        content_type: content_type.to_owned(),
        headers: fields.into_iter().map(|(field, value)| (name(&field), value)).collect(),
    })
}
