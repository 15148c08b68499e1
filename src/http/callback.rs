//! `POST /callback/{route}`: OSS reports that an object is stored.
//!
//! Open to everyone, since OSS sends neither token nor origin: a call has to carry OSS's signature and a receipt, which
//! [`crate::callback`] verifies.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;

use crate::app::App;
use crate::callback::CallbackRequest;
use crate::http::error::ApiError;
use crate::http::request::{ApiRequest, find_route};
use crate::http::uncached_json;

pub(super) async fn receive(
    State(app): State<Arc<App>>,
    request: ApiRequest,
) -> Result<Response, ApiError> {
    let name = request.route()?;
    let route = find_route(&app, Some(name))?;
    let callback = route.callback.as_ref().ok_or(ApiError::CallbackNotConfigured)?;
    let variables: Vec<_> = callback.variables.iter().map(|(name, _)| name.as_str()).collect();
    let call = CallbackRequest {
        route: &route.name,
        variables: &variables,
        path: request.uri.path(),
        query: request.uri.query(),
        headers: &request.headers,
        body: &request.body,
    };
    Ok(uncached_json(app.callback.complete(&call, app.now(), &*app.http).await?))
}
