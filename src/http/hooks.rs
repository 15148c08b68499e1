//! Health, and the platform's hooks.

use serde::Serialize;

use crate::app::App;
use crate::http::{Response, dialect};

#[derive(Serialize)]
struct Health {
    status: &'static str,
    version: &'static str,
    time: String,
}

/// Says that the process answers, which version it is, and what its clock shows. Needs no
/// credentials and tells nothing of them.
pub(super) fn health(app: &App) -> Response {
    dialect::uncached(&Health {
        status: "ok",
        version: env!("CARGO_PKG_VERSION"),
        time: app.now().rfc3339(),
    })
}

/// Answers the initializer and the farewell: there is nothing to warm up and nothing to flush.
pub(super) fn acknowledge() -> Response {
    Response::default()
}
