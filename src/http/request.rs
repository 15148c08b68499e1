//! The extractor of the API: what a call sends.

use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{FromRequest, FromRequestParts, RawPathParams, Request};
use bytes::Bytes;
use fc_http::Context;
use http::HeaderMap;
use http::Uri;
use http_body_util::BodyExt;
use percent_encoding::percent_decode_str;

use crate::app::App;
use crate::auth::origin::OriginStatus;
use crate::grant::{Form, GrantRequest};
use crate::http::error::ApiError;
use crate::policy::content_type::ContentType;
use crate::policy::route::Route;

/// A request with its whole body, which the runtime has read and limited.
///
/// One extractor for all calls: it takes the request apart and copies nothing. Its headers and its ticket authenticate
/// the caller, so it has no `Debug`.
pub(super) struct ApiRequest {
    pub(super) uri: Uri,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// The invocation. `None` where the request did not come through the runtime.
    pub(super) context: Option<Context>,
    /// The result of the origin check.
    pub(super) origin: OriginStatus,
    /// The route in the path, percent-decoded.
    pub(super) route: Option<String>,
    /// The ticket in the path, percent-decoded.
    pub(super) ticket: Option<String>,
}

impl<S: Send + Sync> FromRequest<S> for ApiRequest {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let (mut parts, body) = request.into_parts();
        let (mut route, mut ticket) = (None, None);
        match RawPathParams::from_request_parts(&mut parts, state).await {
            Ok(params) => {
                for (name, value) in &params {
                    match name {
                        "route" | "name" => route = Some(value.to_owned()),
                        "ticket" => ticket = Some(value.to_owned()),
                        _ => {}
                    }
                }
            }
            Err(RawPathParamsRejection::InvalidUtf8InPathParam(_)) => {
                return Err(ApiError::invalid("the path is not UTF-8"));
            }
            // A path without parameters.
            Err(_) => {}
        }
        let body = body.collect().await;
        let body = body.map_err(|_| ApiError::Internal("a body in memory could not be read"))?;
        Ok(Self {
            uri: parts.uri,
            headers: parts.headers,
            body: body.to_bytes(),
            context: parts.extensions.remove(),
            // A path whose origin is not checked admits none.
            origin: parts.extensions.remove().unwrap_or(OriginStatus::Absent),
            route,
            ticket,
        })
    }
}

impl ApiRequest {
    /// Returns the route in the path of a call that has one.
    pub(super) fn route(&self) -> Result<&str, ApiError> {
        self.route.as_deref().ok_or(ApiError::Internal("a path without its route"))
    }

    /// Parses the query.
    pub(super) fn query(&self, form: Form) -> Result<FileQuery, ApiError> {
        FileQuery::parse(self.uri.query().unwrap_or_default(), form)
    }
}

/// The query of a signing call: which file, as far as the caller says.
#[derive(Debug)]
pub(super) struct FileQuery {
    /// The route, in calls whose path does not name it.
    pub(super) route: Option<String>,
    pub(super) file: GrantRequest,
}

impl FileQuery {
    /// Parses the parameters. An empty one counts as absent, an unknown one is ignored.
    fn parse(text: &str, form: Form) -> Result<Self, ApiError> {
        // Decoding would replace such bytes, and the object would be stored under a damaged name.
        if percent_decode_str(text).decode_utf8().is_err() {
            return Err(ApiError::invalid(
                "the query is not UTF-8, perhaps it is GBK; encode its values with encodeURIComponent",
            ));
        }
        let mut query = Self { route: None, file: GrantRequest::new(form) };
        let parameters = form_urlencoded::parse(text.as_bytes());
        for (name, value) in parameters.filter(|(_, value)| !value.is_empty()) {
            match name.as_ref() {
                "route" => query.route = Some(value.into_owned()),
                "filename" => query.file.filename = Some(value.into_owned()),
                "type" => query.file.content_type = Some(content_type(&value)?),
                "size" => query.file.size = Some(size(&value)?),
                _ => {}
            }
        }
        Ok(query)
    }
}

/// Parses the content type in a call.
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

/// Finds a route. The error lists the routes only if the app allows it.
pub(super) fn find_route<'a>(app: &'a App, name: Option<&str>) -> Result<&'a Route, ApiError> {
    app.route(name).ok_or_else(|| {
        let routes = app.routes.iter().filter(|_| app.lists_routes);
        let known = routes.map(|route| route.name.clone()).collect();
        ApiError::RouteNotFound { name: name.map(str::to_owned), known }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_in_gbk_is_refused_and_one_in_utf_8_is_kept() {
        let parsed = FileQuery::parse("filename=%E7%85%A7.png", Form::Complete).unwrap();
        assert_eq!(parsed.file.filename.as_deref(), Some("照.png"));
        for text in ["filename=%D5%D5.png", "other=%FF"] {
            let error = FileQuery::parse(text, Form::Complete).unwrap_err();
            let is_named =
                matches!(&error, ApiError::InvalidRequest(one) if one.contains("not UTF-8"));
            assert!(is_named, "{text}");
        }
    }
}
