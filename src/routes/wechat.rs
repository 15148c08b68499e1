//! `GET /wechat/{route}`: one file's form as options of `wx.uploadFile`.
//!
//! A mini program sends no origin and reads any status as an answer, so nothing here differs from
//! the other calls but the shape.

use crate::app::App;
use crate::routes::Response;
use crate::routes::asked::Asked;
use crate::routes::dialect;
use crate::routes::dialect::wechat::Wechat;
use crate::routes::problem::Problem;
use crate::routes::query::Query;
use crate::routes::signing::Signing;

pub(super) async fn answer(app: &App, asked: &Asked) -> Result<Response, Problem> {
    let named = asked.named()?;
    let query = Query::parse_typeless(asked.query())?;
    let signing = Signing::open_named(app, asked, &named).await?;
    Ok(dialect::uncached(&Wechat::new(&signing.grant(&query.ask)?)))
}
