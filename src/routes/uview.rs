//! `GET /uview/{route}`: what the OSS driver of uview-plus asks before each file.

use std::sync::Arc;

use axum::extract::Request;
use axum::extract::State;
use axum::response::Response;

use crate::app::App;
use crate::routes::dialect;
use crate::routes::dialect::uview::Uview;
use crate::routes::named::Named;
use crate::routes::problem::Problem;
use crate::routes::query::Query;
use crate::routes::signing::Call;
use crate::routes::signing::Signing;
use crate::routes::wording::Wording;

pub(super) async fn answer(
    State(app): State<Arc<App>>,
    named: Named,
    request: Request,
) -> Result<Response, Problem> {
    let mut query = Query::parse_typeless(request.uri().query())?;
    // What the driver sends for a file that has no name.
    query.ask.filename = query.ask.filename.filter(|name| name != "undefined");
    let (parts, _) = request.into_parts();
    let call = Call::of(&parts).with_ticket(named.ticket.as_deref());
    let signing = Signing::open(&app, call, Some(&named.route)).await?;
    Ok(dialect::uncached(&Uview::new(&signing.grant(&query.ask)?)))
}

/// Has a failure of this call, wherever it arises, worded for the driver.
pub(super) async fn word(mut response: Response) -> Response {
    response.extensions_mut().insert(Wording::Uview);
    response
}
