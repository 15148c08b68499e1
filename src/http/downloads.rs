//! `POST /downloads`: links to objects of the caller's, for buckets that nobody may read without a signature.
//!
//! A route gives links out only where its settings say so, and only for keys that its template renders for this caller.
//! The function does not look whether the object exists.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::grant::download::{DownloadGrant, DownloadRequest};
use crate::http::UncachedJson;
use crate::http::error::{ApiError, ErrorBody, MessageLanguage};
use crate::http::request::{ApiRequest, find_route, parse_json};
use crate::http::signing::SigningSession;

const EXAMPLE: &str = r#"{"keys":["uploads/a.png"]}"#;

/// The most keys in one call.
const MAX_KEYS: usize = 100;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DownloadsRequest {
    route: Option<String>,
    keys: Vec<String>,
    /// The operation on every object, one of those that the route allows.
    process: Option<String>,
}

#[derive(Serialize)]
struct DownloadsResponse<'a> {
    server_time: String,
    downloads: Vec<DownloadResult<'a>>,
}

#[derive(Serialize)]
struct DownloadResult<'a> {
    key: &'a str,
    #[serde(flatten)]
    result: DownloadOutcome<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum DownloadOutcome<'a> {
    Granted { get: Link<'a>, head: Link<'a>, expires_at: String },
    Refused { error: ErrorBody },
}

#[derive(Serialize)]
struct Link<'a> {
    url: &'a str,
}

pub(super) async fn sign(
    State(app): State<Arc<App>>,
    request: ApiRequest,
) -> Result<Response, ApiError> {
    request.check_no_query()?;
    let body: DownloadsRequest = parse_json(&request.body, &["route", "keys", "process"], EXAMPLE)?;
    if !(1..=MAX_KEYS).contains(&body.keys.len()) {
        return Err(ApiError::invalid(
            format!("'keys' names 1 to {MAX_KEYS} objects"),
            format!("keys 应包含 1 到 {MAX_KEYS} 个对象名"),
        ));
    }
    let route = find_route(&app, body.route.as_deref())?;
    if route.download.is_none() {
        return Err(ApiError::DownloadNotEnabled);
    }
    let session = SigningSession::open_without_callback(&app, &request, route).await?;
    let process = body.process.as_deref();
    let results = body.keys.iter().map(|key| session.download(&DownloadRequest { key, process }));
    let mut results: Vec<_> = results.collect();
    // Each link is a grant without bytes.
    session.count_all(&mut results, |_, _| Some(0)).await?;
    // As with uploads: a call of which nothing fits the budget is refused as a whole.
    let is_over = |result: &Result<_, _>| matches!(result, Err(ApiError::BudgetExceeded(_)));
    if let Some(Err(error)) = results.first().filter(|_| results.iter().all(is_over)) {
        return Err(error.clone());
    }
    let language = request.language();
    let downloads = body.keys.iter().zip(&results);
    let response = DownloadsResponse {
        server_time: session.now.rfc3339(),
        downloads: downloads
            .map(|(key, result)| DownloadResult::new(key, result, language))
            .collect(),
    };
    Ok(UncachedJson(response).into_response())
}

impl<'a> DownloadResult<'a> {
    fn new(
        key: &'a str,
        result: &'a Result<DownloadGrant, ApiError>,
        language: MessageLanguage,
    ) -> Self {
        let result = match result {
            Ok(grant) => DownloadOutcome::Granted {
                get: Link { url: &grant.get },
                head: Link { url: &grant.head },
                expires_at: grant.expires_at.rfc3339(),
            },
            Err(error) => DownloadOutcome::Refused { error: error.body(language) },
        };
        Self { key, result }
    }
}
