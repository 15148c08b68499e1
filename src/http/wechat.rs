//! `GET /wechat/{route}`: one file's form as options of `wx.uploadFile`.
//!
//! A mini program sends no origin and reads any status as an answer, so nothing here differs from
//! the other calls but the shape.

use crate::app::App;
use crate::http::dialect::wechat::Wechat;
use crate::http::error::ApiError;
use crate::http::query::Query;
use crate::http::request::ApiRequest;
use crate::http::signing::SigningSession;
use crate::http::{Response, dialect};

pub(super) async fn answer(app: &App, asked: &ApiRequest) -> Result<Response, ApiError> {
    let named = asked.named()?;
    let query = Query::parse_typeless(asked.query())?;
    let signing = SigningSession::open_named(app, asked, &named).await?;
    Ok(dialect::uncached(&Wechat::new(&signing.grant(&query.ask)?)))
}
