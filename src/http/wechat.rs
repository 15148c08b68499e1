//! `GET /wechat/{route}`: one file's form as options of `wx.uploadFile`.
//!
//! A mini program sends no origin and reads any status as an answer, so nothing here differs from
//! the other calls but the shape.

use crate::app::App;
use crate::http::Response;
use crate::http::asked::Asked;
use crate::http::dialect;
use crate::http::dialect::wechat::Wechat;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::signing::Signing;

pub(super) async fn answer(app: &App, asked: &Asked) -> Result<Response, Problem> {
    let named = asked.named()?;
    let query = Query::parse_typeless(asked.query())?;
    let signing = Signing::open_named(app, asked, &named).await?;
    Ok(dialect::uncached(&Wechat::new(&signing.grant(&query.ask)?)))
}
