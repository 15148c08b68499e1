//! `GET /presigned-post/{route}`: one file's form as address and fields, for whatever can post a form.

use std::sync::Arc;

use axum::extract::Request;
use axum::extract::State;
use axum::response::Response;

use crate::app::App;
use crate::grant::Form;
use crate::routes::dialect;
use crate::routes::dialect::url_and_fields::UrlAndFields;
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
    let query = Query::parse(request.uri().query(), Form::Complete)?;
    let (parts, _) = request.into_parts();
    let call = Call::of(&parts).with_ticket(named.ticket.as_deref());
    let signing = Signing::open(&app, call, Some(&named.route)).await?;
    Ok(dialect::uncached(&UrlAndFields::new(&signing.grant(&query.ask)?)))
}
