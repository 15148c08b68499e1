//! `GET /wechat/{route}`: one form as options of `wx.uploadFile`, whose names the other mini programs share. A page
//! spreads the response into the call and adds the path of the file.

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

/// A grant as options of `wx.uploadFile`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct WechatOptions<'a> {
    url: &'a str,
    /// The name of the part with the file; OSS accepts no other.
    name: &'static str,
    form_data: FormFields<'a>,
    key: Option<&'a str>,
    expires_at: String,
}

impl<'a> WechatOptions<'a> {
    fn new(grant: &'a Grant) -> Self {
        Self {
            url: &grant.url,
            name: "file",
            form_data: FormFields(grant),
            key: grant.key.as_deref(),
            expires_at: grant.expires_at.rfc3339(),
        }
    }
}

pub(super) async fn sign(
    State(app): State<Arc<App>>,
    request: ApiRequest,
) -> Result<Response, ApiError> {
    // The page itself writes the query.
    let query = request.query(Form::Complete, UnknownNames::Refuse)?;
    let session = SigningSession::open(&app, &request, Some(request.route()?)).await?;
    let grant = session.grant(&query.file).await?;
    Ok(UncachedJson(WechatOptions::new(&grant)).into_response())
}
