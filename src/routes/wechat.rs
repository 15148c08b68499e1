//! `GET /wechat/{route}`: one file's form as options of `wx.uploadFile`.
//!
//! A mini program sends no origin and reads any status as an answer, so nothing here differs from
//! the other calls but the shape.

use std::sync::Arc;

use axum::extract::Request;
use axum::extract::State;
use axum::response::Response;

use crate::app::App;
use crate::routes::dialect;
use crate::routes::dialect::wechat::Wechat;
use crate::routes::named::Named;
use crate::routes::problem::Problem;
use crate::routes::query::Query;
use crate::routes::signing::Call;
use crate::routes::signing::Signing;

pub(super) async fn answer(
    State(app): State<Arc<App>>,
    named: Named,
    request: Request,
) -> Result<Response, Problem> {
    let query = Query::parse_typeless(request.uri().query())?;
    let (parts, _) = request.into_parts();
    let call = Call::of(&parts).with_ticket(named.ticket.as_deref());
    let signing = Signing::open(&app, call, Some(&named.route)).await?;
    Ok(dialect::uncached(&Wechat::new(&signing.grant(&query.ask)?)))
}
