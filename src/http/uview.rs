//! `GET /uview/{route}`: what the OSS driver of uview-plus' upload component requests before each file.
//!
//! The driver posts every member of `params` as a form field, the address included: OSS ignores fields that it does not
//! know. The driver builds the object's URL from `host` and `key`.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::{Serialize, Serializer};

use crate::app::App;
use crate::grant::{Form, Grant};
use crate::http::UncachedJson;
use crate::http::error::{ApiError, ErrorFormat};
use crate::http::request::{ApiRequest, UnknownNames};
use crate::http::signing::SigningSession;

/// A grant in uview-plus' format.
#[derive(Debug, Serialize)]
struct UviewResponse<'a> {
    /// 200, the only number that the driver accepts.
    code: u16,
    msg: &'static str,
    data: UviewData<'a>,
}

#[derive(Debug, Serialize)]
struct UviewData<'a> {
    params: UviewParams<'a>,
}

#[derive(Debug)]
struct UviewParams<'a>(&'a Grant);

impl Serialize for UviewParams<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let fields = self.0.fields.iter().map(|(name, value)| (name.as_ref(), value.as_str()));
        serializer.collect_map([("host", self.0.url.as_str())].into_iter().chain(fields))
    }
}

pub(super) async fn sign(
    State(app): State<Arc<App>>,
    request: ApiRequest,
) -> Result<Response, ApiError> {
    // The driver writes the query, and a page can only add to the address that it is given.
    let mut query = request.query(Form::Complete, UnknownNames::Ignore)?;
    // The driver sends this word for a file without a name.
    query.file.filename = query.file.filename.filter(|name| name != "undefined");
    let session = SigningSession::open(&app, &request, Some(request.route()?)).await?;
    let grant = session.grant(&query.file).await?;
    let data = UviewData { params: UviewParams(&grant) };
    Ok(UncachedJson(UviewResponse { code: 200, msg: "", data }).into_response())
}

/// Marks a response so that an error is written in the driver's format, wherever it arises.
pub(super) async fn mark_errors(mut response: Response) -> Response {
    response.extensions_mut().insert(ErrorFormat::Uview);
    response
}
