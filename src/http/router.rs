//! The paths.
//!
//! Open paths answer everyone: they give nothing away or, as OSS's callbacks, carry a proof of their own. The others
//! sign, or describe what would be signed, so the page's origin is checked before they are called.

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn_with_state, map_response};
use axum::routing::{get, post};

use crate::app::App;
use crate::http::error::ApiError;
use crate::http::{
    callback, documented, hooks, origin, presigned_post, routes, uploads, uppy, uview, web, wechat,
};

/// Builds the router.
pub(super) fn router(app: Arc<App>) -> Router {
    // Unlike `layer`, `route_layer` leaves a path that does not exist to the router's own 404.
    let check_origin = from_fn_with_state(Arc::clone(&app), origin::check);
    let signing = Router::new()
        .route("/get_post_signature_for_oss_upload", get(documented::sign))
        .route("/uploads", post(uploads::sign))
        .route("/routes/{name}", get(routes::describe))
        .route("/presigned-post/{route}", get(presigned_post::sign))
        .route("/uppy/{route}/s3/params", get(uppy::sign_params))
        .route("/uppy/{route}/t/{ticket}/s3/params", get(uppy::sign_params))
        .route("/uppy/{route}/sign", post(uppy::sign))
        .route("/wechat/{route}", get(wechat::sign))
        .method_not_allowed_fallback(method_not_allowed)
        .route_layer(check_origin.clone());
    let uview = Router::new()
        .route("/uview/{route}", get(uview::sign))
        .method_not_allowed_fallback(method_not_allowed)
        .route_layer(check_origin)
        .route_layer(map_response(uview::mark_errors));
    let open = Router::new()
        .route("/health", get(hooks::health))
        .route("/callback/{route}", post(callback::receive))
        .merge(web::router(&app))
        .method_not_allowed_fallback(method_not_allowed);
    signing.merge(uview).merge(open).fallback(not_found).with_state(app)
}

async fn method_not_allowed() -> ApiError {
    ApiError::MethodNotAllowed
}

async fn not_found() -> ApiError {
    ApiError::NotFound
}
