//! The table of paths.
//!
//! Open paths answer everyone: they give nothing away. Guarded paths sign or tell what would be
//! signed, so the origin is judged before they are reached.

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use axum::routing::post;

use crate::app::App;
use crate::routes::cors;
use crate::routes::documented;
use crate::routes::limits;
use crate::routes::platform;
use crate::routes::problem::Problem;
use crate::routes::uploads;
use crate::routes::web;

pub(super) fn build(app: &Arc<App>) -> Router {
    let wrong_method = || async { Problem::MethodNotAllowed };
    let open = Router::new()
        .route("/health", get(platform::health))
        .merge(web::assets(app))
        .method_not_allowed_fallback(wrong_method);
    let guarded = Router::new()
        .route("/get_post_signature_for_oss_upload", get(documented::answer))
        .route("/uploads", post(uploads::answer))
        .route("/routes/{name}", get(limits::answer))
        // Before the guard, so that the guard sees every method: preflights come as OPTIONS.
        .method_not_allowed_fallback(wrong_method)
        .route_layer(from_fn_with_state(Arc::clone(app), cors::guard));
    let table = open.merge(guarded).fallback(|| async { Problem::NotFound });
    table.with_state(Arc::clone(app))
}
