//! The query of a signing call: which file, as far as the caller said.

use crate::grant::{Form, GrantRequest};
use crate::http::error::ApiError;
use crate::http::file_type;
use crate::policy::content_type::ContentType;

/// What a query asks for.
pub(super) struct Query {
    /// The route, in calls whose path does not name it.
    pub(super) route: Option<String>,
    pub(super) ask: GrantRequest,
}

impl Query {
    /// Reads the parameters; an empty one counts as absent, an unknown one is left alone.
    pub(super) fn parse(text: Option<&str>, form: Form) -> Result<Self, ApiError> {
        let mut query = Self { route: None, ask: GrantRequest::new(form) };
        let text = text.unwrap_or_default().as_bytes();
        for (name, value) in form_urlencoded::parse(text).filter(|(_, value)| !value.is_empty()) {
            match name.as_ref() {
                "route" => query.route = Some(value.into_owned()),
                "filename" => query.ask.filename = Some(value.into_owned()),
                "type" => query.ask.content_type = Some(content_type(&value)?),
                "size" => query.ask.size = Some(size(&value)?),
                _ => {}
            }
        }
        Ok(query)
    }

    /// Reads the parameters of a client that knows no types: they are read off the file's name.
    pub(super) fn parse_typeless(text: Option<&str>) -> Result<Self, ApiError> {
        let mut query = Self::parse(text, Form::Complete)?;
        let named = query.ask.filename.as_deref();
        query.ask.content_type =
            query.ask.content_type.or_else(|| named.and_then(file_type::of_name));
        Ok(query)
    }
}

/// Reads a content type that an ask named.
pub(super) fn content_type(text: &str) -> Result<ContentType, ApiError> {
    ContentType::parse(text).ok_or_else(|| {
        ApiError::invalid(
            "'type' is no content type; one looks like 'image/png', and has no comma and no parameter \
             but boundary, charset and codecs",
        )
    })
}

fn size(text: &str) -> Result<u64, ApiError> {
    text.parse()
        .map_err(|_| ApiError::invalid("'size' is no number of bytes; one looks like '1024'"))
}
