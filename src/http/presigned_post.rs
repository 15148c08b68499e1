//! `GET /presigned-post/{route}`: one file's form as address and fields, for whatever can post a form.

use crate::app::App;
use crate::grant::Form;
use crate::http::dialect::url_and_fields::UrlAndFields;
use crate::http::error::ApiError;
use crate::http::query::Query;
use crate::http::request::ApiRequest;
use crate::http::signing::SigningSession;
use crate::http::{Response, dialect};

pub(super) async fn answer(app: &App, asked: &ApiRequest) -> Result<Response, ApiError> {
    let named = asked.named()?;
    let query = Query::parse(asked.query(), Form::Complete)?;
    let signing = SigningSession::open_named(app, asked, &named).await?;
    Ok(dialect::uncached(&UrlAndFields::new(&signing.grant(&query.ask)?)))
}
