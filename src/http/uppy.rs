//! The calls of Uppy's S3 plugin, versions 3 to 6, unmodified and in both of its modes.
//!
//! * `GET /uppy/{route}/s3/params`: the mode in which the plugin has an address only. It does not send the size, and
//!   version 6 sends no header either, so the route's rules have to be enough; a caller is authenticated by the ticket in
//!   `/uppy/{route}/t/{ticket}/s3/params`, or by the page's origin.
//! * `POST /uppy/{route}/sign`: the mode in which the page calls, with headers of its choice. Version 6 hands the body to
//!   the page; a page with an earlier version writes the same, and may add the size. It is also the call for every step of
//!   an upload in parts, which [`super::uppy_multipart`] describes.
//!
//! Version 6 reads `url` and `fields` of the response; the earlier versions also read `method`. All of it is what Uppy's
//! own server answers.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::grant::{Form, GrantRequest};
use crate::http::error::ApiError;
use crate::http::request::{ApiRequest, UnknownNames, content_type, find_route};
use crate::http::signing::{SigningSession, address_for_caller};
use crate::http::upload_session::{self, UploadSession};
use crate::http::uppy_multipart::{self, UppyFile};
use crate::http::{FormFields, UncachedJson};
use crate::policy::route::SuccessStatus;

/// What the plugin sends.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UppyRequest {
    method: Option<String>,
    key: String,
    content_type: Option<String>,
    /// Bytes. A page may add it.
    size: Option<u64>,
    /// Bytes. A page that divides files by its own rule may add it.
    part_size: Option<u64>,
    /// The upload token.
    upload_id: Option<String>,
    part_number: Option<u32>,
}

/// A step of an upload, as the plugin requests it.
enum UppyStep {
    /// A whole file.
    Whole,
    /// The begin of an upload in parts.
    Begin,
    /// One of its parts.
    Part(String, u32),
    /// The list of its parts.
    List(String),
    /// Its completion.
    Complete(String),
    /// Its end without an object.
    Abort(String),
}

/// The address of a request that the plugin sends as it is.
#[derive(Debug, Serialize)]
struct SignedStep<'a> {
    url: String,
    key: &'a str,
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
    let body = UppyRequest::parse(&request.body)?;
    let (url, key) = match body.step()? {
        UppyStep::Whole => return respond(&app, &request, body.file()?).await,
        UppyStep::Begin => {
            upload_session::rules(find_route(&app, Some(request.route()?))?)?;
            // A call to which no answer can be given begins nothing.
            address_for_caller(&app, &request)?;
            let (_, upload) = uppy_multipart::begin(&app, &request, body.large_file()).await?;
            (own_url(&app, &request, "created", &upload.text)?, upload.token.key)
        }
        UppyStep::Part(token, number) => {
            let upload = open(&app, &request, &token).await?;
            (uppy_multipart::part_url(&upload, number)?.0, upload.token.key)
        }
        UppyStep::List(token) => {
            let upload = open(&app, &request, &token).await?;
            (upload.sign_list()?, upload.token.key)
        }
        UppyStep::Complete(token) => {
            let upload = open(&app, &request, &token).await?;
            upload.complete(None).await?.callback_answer()?;
            (own_url(&app, &request, "completed", &token)?, upload.token.key)
        }
        UppyStep::Abort(token) => {
            let upload = open(&app, &request, &token).await?;
            upload.abort().await?;
            (own_url(&app, &request, "created", &token)?, upload.token.key)
        }
    };
    Ok(UncachedJson(SignedStep { url, key: &key }).into_response())
}

async fn open<'a>(
    app: &'a App,
    request: &ApiRequest,
    token: &str,
) -> Result<UploadSession<'a>, ApiError> {
    UploadSession::open(app, request, token, Some(request.route()?)).await
}

/// Returns the address of the function that answers what the plugin expects of OSS.
fn own_url(app: &App, request: &ApiRequest, call: &str, token: &str) -> Result<String, ApiError> {
    let address = address_for_caller(app, request)?;
    let route = utf8_percent_encode(request.route()?, NON_ALPHANUMERIC);
    Ok(format!("{address}/uppy/{route}/s3/{call}/{token}"))
}

async fn respond(
    app: &App,
    request: &ApiRequest,
    file: GrantRequest,
) -> Result<Response, ApiError> {
    // Version 3 reads the object's address from the XML of a 201, and from nothing else.
    let file = GrantRequest { success: Some(SuccessStatus::Created), ..file };
    let session = SigningSession::open(app, request, Some(request.route()?)).await?;
    let grant = session.grant(&file).await?;
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
        serde_json::from_slice(body).map_err(|error| ApiError::invalid_json(&error, EXAMPLE))
    }

    fn step(&self) -> Result<UppyStep, ApiError> {
        let method = self.method.as_deref().unwrap_or("PUT");
        Ok(match (method, self.upload_id.clone(), self.part_number) {
            ("PUT", None, None) => UppyStep::Whole,
            ("POST", None, None) => UppyStep::Begin,
            ("PUT", Some(token), Some(number)) => UppyStep::Part(token, number),
            ("GET", Some(token), None) => UppyStep::List(token),
            ("POST", Some(token), None) => UppyStep::Complete(token),
            ("DELETE", Some(token), None) => UppyStep::Abort(token),
            _ => {
                return Err(ApiError::invalid(
                    "'method', 'uploadId' and 'partNumber' are no step of an upload; objects are neither read nor \
                     deleted here",
                    "method、uploadId 和 partNumber 不构成上传的任何一步；此处不读取也不删除对象",
                ));
            }
        })
    }

    /// Returns a file that is uploaded in parts.
    fn large_file(self) -> UppyFile {
        UppyFile {
            name: Some(without_uuid(&self.key).to_owned()),
            content_type: self.content_type,
            size: self.size,
            part_size: self.part_size,
            metadata: BTreeMap::new(),
        }
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
