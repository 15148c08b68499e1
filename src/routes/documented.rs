//! `GET /get_post_signature_for_oss_upload`: the call that the documentation's page makes.
//!
//! The page asks without parameters. Those that there are (`route`, `filename`, `type`, `size`)
//! narrow the grant. The route's signature decides the shape: the page of each version reads its own.

use crate::app::App;
use crate::grant::Form;
use crate::policy::route::SignatureVersion;
use crate::routes::Response;
use crate::routes::asked::Asked;
use crate::routes::dialect;
use crate::routes::dialect::documented::Documented;
use crate::routes::dialect::documented_v1::DocumentedV1;
use crate::routes::problem::Problem;
use crate::routes::query::Query;
use crate::routes::signing::Signing;

pub(super) async fn answer(app: &App, asked: &Asked) -> Result<Response, Problem> {
    let query = Query::parse(asked.query(), Form::Documented)?;
    let signing = Signing::open(app, asked.call(), query.route.as_deref()).await?;
    let grant = signing.grant(&query.ask)?;
    Ok(match signing.route.signature {
        SignatureVersion::V1 => dialect::uncached(&DocumentedV1::new(&grant)),
        SignatureVersion::V4 => dialect::uncached(&Documented::new(&grant)),
    })
}
