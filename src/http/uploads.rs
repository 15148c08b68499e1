//! `POST /uploads`: several files in one call, with a verdict for each. An event invocation
//! carries the same JSON and is answered the same.

use bytes::Bytes;
use http::Request;
use serde::Deserialize;
use std::collections::BTreeMap;

use crate::app::App;
use crate::grant::{Form, Grant, GrantRequest};
use crate::http::dialect::native::Native;
use crate::http::error::ApiError;
use crate::http::limits::Limits;
use crate::http::query::content_type;
use crate::http::request::ApiRequest;
use crate::http::signing::{Call, SigningSession};
use crate::http::{Response, dialect};
use fc_http::ContextExt;

#[derive(Deserialize)]
struct Wish {
    route: Option<String>,
    files: Vec<File>,
}

#[derive(Deserialize)]
struct File {
    name: Option<String>,
    #[serde(rename = "type")]
    content_type: Option<String>,
    size: Option<u64>,
    metadata: Option<BTreeMap<String, String>>,
}

pub(super) async fn answer(app: &App, asked: &ApiRequest) -> Result<Response, ApiError> {
    sign_all(app, asked.call(), &asked.body).await
}

/// Answers an event invocation, which the platform let in by its own rules.
pub(super) async fn answer_event(app: &App, request: &Request<Bytes>) -> Response {
    sign_all(app, Call::of_platform(request.context()), request.body())
        .await
        .unwrap_or_else(ApiError::into_response)
}

async fn sign_all(app: &App, call: Call<'_>, body: &[u8]) -> Result<Response, ApiError> {
    const EXAMPLE: &str = r#"{"files":[{"name":"a.png","type":"image/png","size":1024}]}"#;
    let wish: Wish =
        serde_json::from_slice(body).map_err(|error| ApiError::not_json(&error, EXAMPLE))?;
    if wish.files.is_empty() {
        return Err(ApiError::invalid("'files' is empty; name the files to upload"));
    }
    let signing = SigningSession::open(app, call, wish.route.as_deref()).await?;
    if wish.files.len() > signing.route.max_files {
        return Err(ApiError::TooManyFiles(wish.files.len(), Limits::of(signing.route)));
    }
    let verdicts: Vec<_> = wish.files.into_iter().map(|file| sign_one(&signing, file)).collect();
    if let Some(problem) = used_up(&verdicts) {
        return Err(problem);
    }
    Ok(dialect::uncached(&Native::new(signing.now, &verdicts)))
}

/// A call of which nothing fits the budget is refused as a whole, so that its caller hears when to
/// ask again.
fn used_up(verdicts: &[Result<Grant, ApiError>]) -> Option<ApiError> {
    let is_over = |verdict: &Result<_, _>| matches!(verdict, Err(ApiError::BudgetExceeded(_)));
    let first = verdicts.first().filter(|_| verdicts.iter().all(is_over))?;
    first.as_ref().err().cloned()
}

fn sign_one(signing: &SigningSession<'_>, file: File) -> Result<Grant, ApiError> {
    // A browser that does not know a file's type says so with an empty text.
    let named = file.content_type.filter(|text| !text.is_empty());
    signing.grant(&GrantRequest {
        filename: file.name,
        content_type: named.as_deref().map(content_type).transpose()?,
        size: file.size,
        metadata: file.metadata.unwrap_or_default(),
        ..GrantRequest::new(Form::Complete)
    })
}
