//! Health, and the hooks of the platform.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::app::App;
use crate::http::UncachedJson;

#[derive(Serialize)]
struct Health {
    status: &'static str,
    version: &'static str,
    /// RFC 3339, so that a wrong clock shows.
    time: String,
}

/// `GET /health`: the process answers. Needs no credentials and says nothing about them.
pub(super) async fn health(State(app): State<Arc<App>>) -> Response {
    let (version, time) = (env!("CARGO_PKG_VERSION"), app.now().rfc3339());
    UncachedJson(Health { status: "ok", version, time }).into_response()
}

/// Answers the initializer and the pre-stop hook: there is nothing to prepare and nothing to flush.
pub(super) fn acknowledge() -> Response {
    Response::default()
}
