//! `POST /uploads`: several files in one call, with a result for each. An event invocation carries the same JSON and
//! gets the same response.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{FromRequest, State};
use axum::response::{IntoResponse, Response};
use http::Request;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::grant::{Form, Grant, GrantRequest};
use crate::http::error::{ApiError, ErrorBody, Limits};
use crate::http::request::{ApiRequest, content_type};
use crate::http::signing::SigningSession;
use crate::http::{FormFields, UncachedJson};
use crate::time::Timestamp;

#[derive(Deserialize)]
struct UploadsRequest {
    route: Option<String>,
    files: Vec<FileRequest>,
}

#[derive(Deserialize)]
struct FileRequest {
    name: Option<String>,
    #[serde(rename = "type")]
    content_type: Option<String>,
    /// Bytes.
    size: Option<u64>,
    metadata: Option<BTreeMap<String, String>>,
}

pub(super) async fn sign(
    State(app): State<Arc<App>>,
    request: ApiRequest,
) -> Result<Response, ApiError> {
    const EXAMPLE: &str = r#"{"files":[{"name":"a.png","type":"image/png","size":1024}]}"#;
    let body: UploadsRequest = serde_json::from_slice(&request.body)
        .map_err(|error| ApiError::invalid_json(&error, EXAMPLE))?;
    if body.files.is_empty() {
        return Err(ApiError::invalid("'files' is empty; name the files to upload"));
    }
    let session = SigningSession::open(&app, &request, body.route.as_deref()).await?;
    if body.files.len() > session.route.max_files {
        return Err(ApiError::TooManyFiles(body.files.len(), Limits::of(session.route)));
    }
    let results: Vec<_> = body.files.into_iter().map(|file| sign_file(&session, file)).collect();
    if let Some(error) = exhausted_budget(&results) {
        return Err(error);
    }
    Ok(UncachedJson(UploadsResponse::new(session.now, &results)).into_response())
}

/// Answers an event invocation, whose caller the platform has authorised.
pub(super) async fn sign_event(
    app: Arc<App>,
    request: Request<fc_http::Body>,
) -> Result<Response, ApiError> {
    let request = request.map(axum::body::Body::new);
    let request = ApiRequest::from_request(request, &()).await?;
    sign(State(app), request).await
}

/// Returns the error of a call of which no file fits the budget: it is refused as a whole, so that the response can say
/// when to try again.
fn exhausted_budget(results: &[Result<Grant, ApiError>]) -> Option<ApiError> {
    let is_over = |result: &Result<_, _>| matches!(result, Err(ApiError::BudgetExceeded(_)));
    let first = results.first().filter(|_| results.iter().all(is_over))?;
    first.as_ref().err().cloned()
}

fn sign_file(session: &SigningSession<'_>, file: FileRequest) -> Result<Grant, ApiError> {
    // A browser that does not know the type of a file sends an empty text.
    let named = file.content_type.filter(|text| !text.is_empty());
    session.grant(&GrantRequest {
        filename: file.name,
        content_type: named.as_deref().map(content_type).transpose()?,
        size: file.size,
        metadata: file.metadata.unwrap_or_default(),
        ..GrantRequest::new(Form::Complete)
    })
}

/// The response to one call: a result for each file in the order of the request, and the server's time, so that a
/// browser with a wrong clock still knows when a grant ends.
#[derive(Debug, Serialize)]
pub struct UploadsResponse<'a> {
    server_time: String,
    uploads: Vec<UploadResult<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum UploadResult<'a> {
    Granted(SignedUpload<'a>),
    Refused { error: ErrorBody },
}

#[derive(Debug, Serialize)]
struct SignedUpload<'a> {
    method: &'static str,
    url: &'a str,
    fields: FormFields<'a>,
    key: Option<&'a str>,
    /// Whether no other grant has this key; then a 409 means an earlier attempt of the same upload.
    unique: bool,
    expires_at: String,
}

impl<'a> UploadsResponse<'a> {
    /// Formats results.
    #[must_use]
    pub fn new(now: Timestamp, results: &'a [Result<Grant, ApiError>]) -> Self {
        Self {
            server_time: now.rfc3339(),
            uploads: results.iter().map(UploadResult::new).collect(),
        }
    }
}

impl<'a> UploadResult<'a> {
    fn new(result: &'a Result<Grant, ApiError>) -> Self {
        match result {
            Ok(grant) => Self::Granted(SignedUpload {
                method: "POST",
                url: &grant.url,
                fields: FormFields(grant),
                key: grant.key.as_deref(),
                unique: grant.unique,
                expires_at: grant.expires_at.rfc3339(),
            }),
            Err(error) => Self::Refused { error: error.body() },
        }
    }
}
