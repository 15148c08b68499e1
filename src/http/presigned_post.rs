//! `GET /presigned-post/{route}`: URL and fields of one form, in the format of S3's presigned POST, which most
//! libraries and samples read. Beside them are the members with which `POST /uploads` describes a grant.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::app::App;
use crate::grant::{Form, Grant};
use crate::http::error::ApiError;
use crate::http::request::{ApiRequest, UnknownNames};
use crate::http::signing::SigningSession;
use crate::http::{FormFields, UncachedJson};

/// A grant in the format of S3's presigned POST.
#[derive(Debug, Serialize)]
pub struct PresignedPost<'a> {
    url: &'a str,
    fields: FormFields<'a>,
    key: Option<&'a str>,
    /// Whether no other grant has this key; then a 409 means an earlier attempt of the same upload.
    unique: bool,
    expires_at: String,
}

impl<'a> PresignedPost<'a> {
    /// Formats a grant.
    #[must_use]
    pub fn new(grant: &'a Grant) -> Self {
        Self {
            url: &grant.url,
            fields: FormFields(grant),
            key: grant.key.as_deref(),
            unique: grant.unique,
            expires_at: grant.expires_at.rfc3339(),
        }
    }
}

pub(super) async fn sign(
    State(app): State<Arc<App>>,
    request: ApiRequest,
) -> Result<Response, ApiError> {
    let query = request.query(Form::Complete, UnknownNames::Refuse)?;
    let session = SigningSession::open(&app, &request, Some(request.route()?)).await?;
    let grant = session.grant(&query.file).await?;
    Ok(UncachedJson(PresignedPost::new(&grant)).into_response())
}
