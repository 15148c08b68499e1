//! `POST /callback/{route}`: OSS tells that an object is stored.
//!
//! Open to everyone, since OSS shows neither token nor origin: whoever calls has to bring OSS's signature
//! and a receipt, which is [`completion`](crate::callback)'s business.

use crate::app::App;
use crate::callback::CallbackRequest;
use crate::http::error::ApiError;
use crate::http::request::ApiRequest;
use crate::http::{Response, dialect};

pub(super) async fn answer(app: &App, asked: &ApiRequest) -> Result<Response, ApiError> {
    let name = asked.named()?.route;
    let Some(route) = app.route(Some(&name)) else {
        return Err(ApiError::RouteNotFound(Some(name)));
    };
    let callback = route.callback.as_ref().ok_or(ApiError::CallbackNotConfigured)?;
    let variables: Vec<_> = callback.variables.iter().map(|(name, _)| name.as_str()).collect();
    let call = CallbackRequest {
        route: &route.name,
        variables: &variables,
        path: asked.parts.uri.path(),
        query: asked.query(),
        headers: &asked.parts.headers,
        body: &asked.body,
    };
    Ok(dialect::uncached_json(app.complete(&call, app.now()).await?))
}
