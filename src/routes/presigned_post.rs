//! `GET /presigned-post/{route}`: one file's form as address and fields, for whatever can post a form.

use crate::app::App;
use crate::grant::Form;
use crate::routes::Response;
use crate::routes::asked::Asked;
use crate::routes::dialect;
use crate::routes::dialect::url_and_fields::UrlAndFields;
use crate::routes::problem::Problem;
use crate::routes::query::Query;
use crate::routes::signing::Signing;

pub(super) async fn answer(app: &App, asked: &Asked) -> Result<Response, Problem> {
    let named = asked.named()?;
    let query = Query::parse(asked.query(), Form::Complete)?;
    let signing = Signing::open_named(app, asked, &named).await?;
    Ok(dialect::uncached(&UrlAndFields::new(&signing.grant(&query.ask)?)))
}
