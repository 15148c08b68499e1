//! `GET /uview/{route}`: what the OSS driver of uview-plus asks before each file.

use crate::app::App;
use crate::http::dialect::uview::Uview;
use crate::http::error::ApiError;
use crate::http::error_response::Wording;
use crate::http::query::Query;
use crate::http::request::ApiRequest;
use crate::http::signing::SigningSession;
use crate::http::{Response, dialect};

pub(super) async fn answer(app: &App, asked: &ApiRequest) -> Result<Response, ApiError> {
    let named = asked.named()?;
    let mut query = Query::parse_typeless(asked.query())?;
    // What the driver sends for a file that has no name.
    query.ask.filename = query.ask.filename.filter(|name| name != "undefined");
    let signing = SigningSession::open_named(app, asked, &named).await?;
    Ok(dialect::uncached(&Uview::new(&signing.grant(&query.ask)?)))
}

/// Has a failure of this call, wherever it arises, worded for the driver.
pub(super) fn mark(response: &mut Response) {
    response.extensions_mut().insert(Wording::Uview);
}
