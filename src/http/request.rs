//! The extractor of the API: what a call sends.

use std::borrow::Cow;
use std::mem;

use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{FromRequest, FromRequestParts, RawPathParams, Request};
use bytes::Bytes;
use fc_http::{Context, Event, RoleKeys};
use http::HeaderMap;
use http::Uri;
use http_body_util::BodyExt;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::Value;
use tokio::time::Instant;

use crate::app::App;
use crate::auth::origin::OriginStatus;
use crate::config::table::nearest;
use crate::credentials::PlatformKeys;
use crate::grant::{Form, GrantRequest};
use crate::http::error::{ApiError, Echo, MessageLanguage};
use crate::policy::content_type::ContentType;
use crate::policy::route::Route;
use crate::secret::Secret;

/// A request with its whole body, which the runtime has read and limited.
///
/// One extractor for all calls: it takes the request apart and copies nothing. Its headers and its ticket authenticate
/// the caller, so it has no `Debug`.
pub(super) struct ApiRequest {
    pub(super) uri: Uri,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// What the platform calls.
    pub(super) event: Event,
    /// The moment at which the platform gives up the invocation, where it is known.
    pub(super) deadline: Option<Instant>,
    /// The keys of the function's role, where the platform sent them.
    pub(super) platform_keys: Option<PlatformKeys>,
    /// The result of the origin check.
    pub(super) origin: OriginStatus,
    /// The route in the path, percent-decoded.
    pub(super) route: Option<String>,
    /// The ticket in the path, percent-decoded.
    pub(super) ticket: Option<String>,
    /// The upload token in the path, percent-decoded.
    pub(super) upload: Option<String>,
    /// The number of a part in the path, percent-decoded.
    pub(super) part: Option<String>,
}

impl<S: Send + Sync> FromRequest<S> for ApiRequest {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let (mut parts, body) = request.into_parts();
        let (mut route, mut ticket, mut upload, mut part) = (None, None, None, None);
        match RawPathParams::from_request_parts(&mut parts, state).await {
            Ok(params) => {
                for (name, value) in &params {
                    match name {
                        "route" | "name" => route = Some(value.to_owned()),
                        "ticket" => ticket = Some(value.to_owned()),
                        "upload" => upload = Some(value.to_owned()),
                        "part" => part = Some(value.to_owned()),
                        _ => {}
                    }
                }
            }
            Err(RawPathParamsRejection::InvalidUtf8InPathParam(_)) => {
                return Err(ApiError::invalid("the path is not UTF-8", "路径不是 UTF-8"));
            }
            // A path without parameters.
            Err(_) => {}
        }
        // There is none where the request did not come through the runtime.
        let context = parts.extensions.remove::<Context>();
        let body = body.collect().await;
        let body = body.map_err(|_| ApiError::Internal("a body in memory could not be read"))?;
        Ok(Self {
            uri: parts.uri,
            headers: parts.headers,
            body: body.to_bytes(),
            event: context.as_ref().map_or(Event::Http, |context| context.event),
            deadline: context.as_ref().map(|context| context.deadline),
            platform_keys: context.and_then(|context| context.role_keys).map(platform_keys),
            // A path whose origin is not checked admits none.
            origin: parts.extensions.remove().unwrap_or(OriginStatus::Absent),
            route,
            ticket,
            upload,
            part,
        })
    }
}

/// Moves the keys out of the runtime's type: a copy would be one more to wipe.
fn platform_keys(mut keys: RoleKeys) -> PlatformKeys {
    PlatformKeys {
        key_id: mem::take(&mut keys.access_key_id),
        secret: Secret::new(mem::take(&mut *keys.access_key_secret)),
        token: Secret::new(mem::take(&mut *keys.security_token)),
    }
}

impl ApiRequest {
    /// Returns the route in the path of a call that has one.
    pub(super) fn route(&self) -> Result<&str, ApiError> {
        self.route.as_deref().ok_or(ApiError::Internal("a path without its route"))
    }

    /// Parses the query.
    pub(super) fn query(&self, form: Form, unknown: UnknownNames) -> Result<FileQuery, ApiError> {
        FileQuery::parse(self.uri.query().unwrap_or_default(), form, unknown)
    }

    /// Refuses a query, for a call that names everything in its body: `POST /uploads?route=photos` would otherwise be
    /// signed for the route `default`.
    pub(super) fn check_no_query(&self) -> Result<(), ApiError> {
        let mut parameters =
            form_urlencoded::parse(self.uri.query().unwrap_or_default().as_bytes());
        let Some((name, _)) = parameters.find(|(name, value)| !is_cache_buster(name, value)) else {
            return Ok(());
        };
        let name = Echo(&name);
        Err(ApiError::invalid(
            format!("this call has no parameter {name:?}; everything is named in the body"),
            format!("此请求没有参数 {name:?}，内容应写在请求体中"),
        ))
    }

    /// Returns the language in which the caller reads messages.
    pub(super) fn language(&self) -> MessageLanguage {
        MessageLanguage::of(&self.headers)
    }
}

/// What happens to parameters that a call does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UnknownNames {
    /// They are an error: a page writes the query for this function, and a misspelt name would be lost without a
    /// word. Numbers against caches are ignored.
    Refuse,
    /// They are ignored: the query is written by a program that was made for another server, or by the documentation's
    /// page inside an application whose request layer adds names of its own.
    Ignore,
}

/// The parameters of a call whose path names the route. `name` means the same as `filename`.
const PARAMETERS: [&str; 4] = ["filename", "name", "type", "size"];

/// The query of a signing call: which file, as far as the caller says.
#[derive(Debug)]
pub(super) struct FileQuery {
    /// The route, in calls whose path does not name it.
    pub(super) route: Option<String>,
    pub(super) file: GrantRequest,
}

impl FileQuery {
    /// Parses the parameters. An empty one counts as absent.
    fn parse(text: &str, form: Form, unknown: UnknownNames) -> Result<Self, ApiError> {
        // Decoding would replace such bytes, and the object would be stored under a damaged name.
        if percent_decode_str(text).decode_utf8().is_err() {
            return Err(ApiError::invalid(
                "the query is not UTF-8, perhaps it is GBK; encode its values with encodeURIComponent",
                "查询参数不是 UTF-8，请用 encodeURIComponent 编码",
            ));
        }
        let mut query = Self { route: None, file: GrantRequest::new(form) };
        let mut name = None;
        let parameters = form_urlencoded::parse(text.as_bytes());
        for (parameter, value) in parameters {
            match parameter.as_ref() {
                "route" if unknown == UnknownNames::Ignore => query.route = given(value),
                "filename" => query.file.filename = given(value),
                "name" => name = given(value),
                "type" => query.file.content_type = content_type(&value)?,
                "size" => query.file.size = size(&value)?,
                parameter if unknown == UnknownNames::Refuse => {
                    check_cache_buster(parameter, &value)?;
                }
                _ => {}
            }
        }
        query.file.filename = file_name(query.file.filename, name, unknown)?;
        Ok(query)
    }
}

/// Returns the file name from two parameters that mean the same.
fn file_name(
    filename: Option<String>,
    name: Option<String>,
    unknown: UnknownNames,
) -> Result<Option<String>, ApiError> {
    match (&filename, &name) {
        (Some(one), Some(other)) if one != other && unknown == UnknownNames::Refuse => {
            Err(ApiError::invalid(
                "'filename' and 'name' mean the same and differ; send one of them",
                "filename 和 name 含义相同而值不同，只能使用其中一个",
            ))
        }
        _ => Ok(filename.or(name)),
    }
}

fn given(value: Cow<'_, str>) -> Option<String> {
    (!value.is_empty()).then(|| value.into_owned())
}

/// Returns whether a parameter only keeps caches from answering: jQuery adds `_`, and many request layers add a time.
/// Only a number counts, so that `t=image/png` is not taken for one.
fn is_cache_buster(name: &str, value: &str) -> bool {
    let is_number = value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    is_number && matches!(name, "_" | "_t" | "t" | "_ts" | "ts" | "timestamp")
}

fn check_cache_buster(name: &str, value: &str) -> Result<(), ApiError> {
    if is_cache_buster(name, value) {
        return Ok(());
    }
    Err(unknown_name(["parameter", "参数"], name, &PARAMETERS))
}

/// The members of a file in a call, for the error about any other.
pub(super) const FILE_MEMBERS: [&str; 5] = ["name", "filename", "type", "size", "metadata"];

/// What a member of a file is called in errors.
pub(super) const FILE_MEMBER: [&str; 2] = ["member of a file", "文件成员"];

/// Parses a body with these members. Any other member is an error with the nearest name, also in a `file`.
pub(super) fn parse_json<'a, T: Deserialize<'a>>(
    body: &'a [u8],
    members: &[&str],
    example: &str,
) -> Result<T, ApiError> {
    serde_json::from_slice(body).map_err(|error| {
        let value = serde_json::from_slice::<Value>(body).unwrap_or_default();
        unknown_member(&value, members, ["member", "成员"])
            .or_else(|| unknown_member(&value["file"], &FILE_MEMBERS, FILE_MEMBER))
            .unwrap_or_else(|| ApiError::invalid_json(&error, example))
    })
}

/// Finds a member that an object does not have, for an error with the nearest name.
pub(super) fn unknown_member(value: &Value, known: &[&str], noun: [&str; 2]) -> Option<ApiError> {
    let mut names = value.as_object()?.keys();
    let unknown = names.find(|name| !known.contains(&name.as_str()))?;
    Some(unknown_name(noun, unknown, known))
}

/// Returns the error of a name that a call does not have. `noun` says what was named, in English and in Chinese.
pub(super) fn unknown_name(noun: [&str; 2], name: &str, known: &[&str]) -> ApiError {
    let [noun, chinese] = noun;
    let near = nearest(name, known.iter().copied());
    let name = Echo(name);
    match near {
        Some(near) => ApiError::invalid(
            format!("there is no {noun} {name:?}; the nearest name is {near}"),
            format!("没有{chinese} {name:?}，最接近的是 {near}"),
        ),
        None => ApiError::invalid(
            format!("there is no {noun} {name:?}; there are {}", known.join(", ")),
            format!("没有{chinese} {name:?}，可用的有 {}", known.join("、")),
        ),
    }
}

/// Returns whether a text stands for no value: a page writes these words where a variable has none. Neither can be a
/// content type or a size.
fn is_absent(text: &str) -> bool {
    matches!(text, "" | "undefined" | "null")
}

/// Parses the content type in a call; a browser names none where it does not know the file.
pub(super) fn content_type(text: &str) -> Result<Option<ContentType>, ApiError> {
    if is_absent(text) {
        return Ok(None);
    }
    ContentType::parse(text).map(Some).ok_or_else(|| {
        ApiError::invalid(
            "'type' is no content type; one looks like 'image/png', and has no comma and no parameter \
             but boundary, charset and codecs",
            "type 不是内容类型，正确的形式如 image/png",
        )
    })
}

fn size(text: &str) -> Result<Option<u64>, ApiError> {
    if is_absent(text) {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| {
        ApiError::invalid(
            "'size' is no number of bytes; one looks like '1024'",
            "size 不是字节数，正确的形式如 1024",
        )
    })
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

    fn parse(text: &str, unknown: UnknownNames) -> Result<FileQuery, String> {
        FileQuery::parse(text, Form::Complete, unknown).map_err(|error| error.message())
    }

    #[test]
    fn a_query_in_gbk_is_refused_and_one_in_utf_8_is_kept() {
        let parsed = parse("filename=%E7%85%A7.png", UnknownNames::Refuse).unwrap();
        assert_eq!(parsed.file.filename.as_deref(), Some("照.png"));
        for text in ["filename=%D5%D5.png", "other=%FF"] {
            let error = parse(text, UnknownNames::Ignore).unwrap_err();
            assert!(error.contains("not UTF-8"), "{text}");
        }
    }

    #[test]
    fn both_words_name_the_file() {
        for unknown in [UnknownNames::Refuse, UnknownNames::Ignore] {
            for text in [
                "filename=a.png",
                "name=a.png",
                "name=a.png&filename=a.png",
                "filename=&name=a.png",
            ] {
                let parsed = parse(text, unknown).unwrap();
                assert_eq!(parsed.file.filename.as_deref(), Some("a.png"), "{text}");
            }
        }
        let both = "filename=a.png&name=b.png";
        assert!(parse(both, UnknownNames::Refuse).unwrap_err().contains("mean the same"));
        let parsed = parse(both, UnknownNames::Ignore).unwrap();
        assert_eq!(parsed.file.filename.as_deref(), Some("a.png"));
    }

    #[test]
    fn words_for_no_value_are_absent_where_they_cannot_be_one() {
        for word in ["", "undefined", "null"] {
            let text = format!("type={word}&size={word}");
            let file = parse(&text, UnknownNames::Refuse).unwrap().file;
            assert_eq!((file.content_type, file.size), (None, None), "{word}");
        }
        let named = parse("filename=undefined", UnknownNames::Refuse).unwrap();
        assert_eq!(named.file.filename.as_deref(), Some("undefined"), "a file may have this name");
        assert!(parse("type=Undefined", UnknownNames::Refuse).is_err());
        assert!(parse("size=NaN", UnknownNames::Refuse).is_err());
    }

    #[test]
    fn an_unknown_name_is_refused_with_the_nearest_one_or_ignored() {
        let refused = |text| parse(text, UnknownNames::Refuse).unwrap_err();
        insta::assert_snapshot!(
            ["fileName=a", "sise=1", "contentType=a/b", "route=photos", "=", "t=image/png"].map(refused).join("\n"),
            @r#"
            The call cannot be understood: there is no parameter "fileName"; the nearest name is filename.
            The call cannot be understood: there is no parameter "sise"; the nearest name is size.
            The call cannot be understood: there is no parameter "contentType"; there are filename, name, type, size.
            The call cannot be understood: there is no parameter "route"; there are filename, name, type, size.
            The call cannot be understood: there is no parameter ""; there are filename, name, type, size.
            The call cannot be understood: there is no parameter "t"; there are filename, name, type, size.
            "#
        );
        for text in ["_=1732687781000", "t=1", "_t=0.5123", "ts=1&timestamp=2", ""] {
            assert!(parse(text, UnknownNames::Refuse).is_ok(), "{text}");
        }
        let ignored = parse("fileName=a&x=1&metadata[name]=b&route=photos", UnknownNames::Ignore);
        assert_eq!(ignored.unwrap().route.as_deref(), Some("photos"));
    }
}
