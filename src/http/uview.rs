//! `GET /uview/{route}`: what the OSS driver of uview-plus asks before each file.

use crate::app::App;
use crate::http::Response;
use crate::http::asked::Asked;
use crate::http::dialect;
use crate::http::dialect::uview::Uview;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::signing::Signing;
use crate::http::wording::Wording;

pub(super) async fn answer(app: &App, asked: &Asked) -> Result<Response, Problem> {
    let named = asked.named()?;
    let mut query = Query::parse_typeless(asked.query())?;
    // What the driver sends for a file that has no name.
    query.ask.filename = query.ask.filename.filter(|name| name != "undefined");
    let signing = Signing::open_named(app, asked, &named).await?;
    Ok(dialect::uncached(&Uview::new(&signing.grant(&query.ask)?)))
}

/// Has a failure of this call, wherever it arises, worded for the driver.
pub(super) fn mark(response: &mut Response) {
    response.extensions_mut().insert(Wording::Uview);
}
