//! `GET /get_post_signature_for_oss_upload`: the call that the documentation's page makes.
//!
//! The page asks without parameters. Those that there are (`route`, `filename`, `type`, `size`)
//! narrow the grant. The route's signature decides the shape: the page of each version reads its own.

use crate::app::App;
use crate::grant::Form;
use crate::http::dialect::documented::Documented;
use crate::http::dialect::documented_v1::DocumentedV1;
use crate::http::error::ApiError;
use crate::http::query::Query;
use crate::http::request::ApiRequest;
use crate::http::signing::SigningSession;
use crate::http::{Response, dialect};
use crate::policy::route::SignatureVersion;

pub(super) async fn answer(app: &App, asked: &ApiRequest) -> Result<Response, ApiError> {
    let query = Query::parse(asked.query(), Form::Documented)?;
    let signing = SigningSession::open(app, asked.call(), query.route.as_deref()).await?;
    let grant = signing.grant(&query.ask)?;
    Ok(match signing.route.signature {
        SignatureVersion::V1 => dialect::uncached(&DocumentedV1::new(&grant)),
        SignatureVersion::V4 => dialect::uncached(&Documented::new(&grant)),
    })
}
