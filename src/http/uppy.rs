//! The calls of Uppy's S3 plugin, versions 3 to 6, unmodified and in both of its modes.
//!
//! * `GET /uppy/{route}/s3/params`: the mode in which the plugin has an address only. It does not send the size, and
//!   version 6 sends no header either, so the route's rules have to be enough; a caller is authenticated by the ticket in
//!   `/uppy/{route}/t/{ticket}/s3/params`, or by the page's origin.
//! * `POST /uppy/{route}/sign`: the mode in which the page calls, with headers of its choice. Version 6 hands the body to
//!   the page; a page with an earlier version writes the same, and may add the size.
//!
//! Version 6 reads `url` and `fields` of the response; the earlier versions also read `method`. All of it is what Uppy's
//! own server answers.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::grant::{Form, GrantRequest};
use crate::http::error::ApiError;
use crate::http::request::{ApiRequest, UnknownNames, content_type};
use crate::http::signing::SigningSession;
use crate::http::{FormFields, UncachedJson};
use crate::policy::route::SuccessStatus;

/// What the plugin sends. Its calls for parts of a file have more members.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UppyRequest {
    method: Option<String>,
    key: String,
    content_type: Option<String>,
    /// Bytes.
    size: Option<u64>,
    upload_id: Option<String>,
}

#[derive(Debug, Serialize)]
struct UppyResponse<'a> {
    method: &'static str,
    url: &'a str,
    fields: FormFields<'a>,
    /// Seconds from now.
    expires: i64,
}

/// Answers the plugin.
pub(super) async fn sign_params(
    State(app): State<Arc<App>>,
    request: ApiRequest,
) -> Result<Response, ApiError> {
    // The plugin sends the metadata of the file too, under names that the page chooses.
    let file = request.query(Form::Complete, UnknownNames::Ignore)?.file;
    respond(&app, &request, file).await
}

/// Answers the page.
pub(super) async fn sign(
    State(app): State<Arc<App>>,
    request: ApiRequest,
) -> Result<Response, ApiError> {
    let file = UppyRequest::parse(&request.body)?.file()?;
    respond(&app, &request, file).await
}

async fn respond(
    app: &App,
    request: &ApiRequest,
    file: GrantRequest,
) -> Result<Response, ApiError> {
    // Version 3 reads the object's address from the XML of a 201, and from nothing else.
    let file = GrantRequest { success: Some(SuccessStatus::Created), ..file };
    let session = SigningSession::open(app, request, Some(request.route()?)).await?;
    let grant = session.grant(&file)?;
    let response = UppyResponse {
        method: "POST",
        url: &grant.url,
        fields: FormFields(&grant),
        expires: grant.expires_at.unix() - session.now.unix(),
    };
    Ok(UncachedJson(response).into_response())
}

impl UppyRequest {
    fn parse(body: &[u8]) -> Result<Self, ApiError> {
        const EXAMPLE: &str = r#"{"method":"PUT","key":"a.png","contentType":"image/png"}"#;
        let request: Self = serde_json::from_slice(body)
            .map_err(|error| ApiError::invalid_json(&error, EXAMPLE))?;
        let is_whole = request.method.as_deref().is_none_or(|method| method == "PUT");
        if !is_whole || request.upload_id.is_some() {
            return Err(ApiError::invalid(
                "only whole files are signed here; set 'shouldUseMultipart' to false in Uppy",
                "此处只签名整个文件，请在 Uppy 中将 shouldUseMultipart 设为 false",
            ));
        }
        Ok(request)
    }

    fn file(self) -> Result<GrantRequest, ApiError> {
        Ok(GrantRequest {
            filename: Some(without_uuid(&self.key).to_owned()),
            content_type: self.content_type.as_deref().map_or(Ok(None), content_type)?,
            size: self.size,
            ..GrantRequest::new(Form::Complete)
        })
    }
}

/// Removes the UUID that version 6 puts before the name of a file to make a key of it; the function makes the key.
fn without_uuid(key: &str) -> &str {
    let is_uuid = |text: &str| {
        text.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
    };
    match (key.get(..36), key.get(36..).and_then(|rest| rest.strip_prefix('-'))) {
        (Some(uuid), Some(name)) if is_uuid(uuid) => name,
        _ => key,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_uuid_with_its_hyphen_is_removed_from_a_key() {
        for (key, name) in [
            ("0f0e0d0c-0b0a-4908-8706-050403020100-a.png", "a.png"),
            ("0f0e0d0c-0b0a-4908-8706-050403020100-照片.png", "照片.png"),
            (
                "0f0e0d0c-0b0a-4908-8706-050403020100.png",
                "0f0e0d0c-0b0a-4908-8706-050403020100.png",
            ),
            ("0f0e0d0c-0b0a-4908-8706-05040302010z-a", "0f0e0d0c-0b0a-4908-8706-05040302010z-a"),
            ("a.png", "a.png"),
            ("照照照照照照照照照照照照照-a", "照照照照照照照照照照照照照-a"),
            ("", ""),
        ] {
            assert_eq!(without_uuid(key), name);
        }
    }
}
