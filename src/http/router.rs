//! The paths.
//!
//! Open paths answer everyone: they give nothing away or, as OSS's callbacks, carry a proof of their own. The others
//! sign, or describe what would be signed, so the page's origin is checked before they are called.

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn_with_state, map_response};
use axum::routing::{delete, get, post};

use crate::app::App;
use crate::http::error::ApiError;
use crate::http::{
    callback, conformance, documented, downloads, hooks, multipart, origin, presigned_post, routes,
    sts, uploads, uppy, uppy_multipart, uview, web, wechat,
};

/// Builds the router.
pub(super) fn router(app: Arc<App>) -> Router {
    // Unlike `layer`, `route_layer` leaves a path that does not exist to the router's own 404.
    let check_origin = from_fn_with_state(Arc::clone(&app), origin::check);
    let signing = Router::new()
        .route("/get_post_signature_for_oss_upload", get(documented::sign))
        .route("/uploads", post(uploads::sign))
        .route("/multipart", post(multipart::begin))
        .route("/multipart/parts", post(multipart::sign_parts))
        .route("/multipart/status", post(multipart::status))
        .route("/multipart/complete", post(multipart::complete))
        .route("/multipart/abort", post(multipart::abort))
        .route("/downloads", post(downloads::sign))
        .route("/sts/{route}", post(sts::issue))
        .route("/routes/{name}", get(routes::describe))
        .route("/presigned-post/{route}", get(presigned_post::sign))
        .route("/uppy/{route}/s3/params", get(uppy::sign_params))
        .route("/uppy/{route}/t/{ticket}/s3/params", get(uppy::sign_params))
        .route("/uppy/{route}/sign", post(uppy::sign))
        .merge(uppy_multipart_calls())
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
    let open = if app.measures_gateway { open.merge(conformance::router()) } else { open };
    signing.merge(uview).merge(open).fallback(not_found).with_state(app)
}

/// Returns the calls of Uppy for uploads in parts, each also with a ticket in its path.
fn uppy_multipart_calls() -> Router<Arc<App>> {
    Router::new()
        .route("/uppy/{route}/s3/multipart", post(uppy_multipart::create))
        .route("/uppy/{route}/s3/multipart/{upload}", get(uppy_multipart::list))
        .route("/uppy/{route}/s3/multipart/{upload}", delete(uppy_multipart::abort))
        .route("/uppy/{route}/s3/multipart/{upload}/batch", get(uppy_multipart::sign_batch))
        .route("/uppy/{route}/s3/multipart/{upload}/complete", post(uppy_multipart::complete))
        .route("/uppy/{route}/s3/multipart/{upload}/{part}", get(uppy_multipart::sign_part))
        .route("/uppy/{route}/t/{ticket}/s3/multipart", post(uppy_multipart::create))
        .route("/uppy/{route}/t/{ticket}/s3/multipart/{upload}", get(uppy_multipart::list))
        .route("/uppy/{route}/t/{ticket}/s3/multipart/{upload}", delete(uppy_multipart::abort))
        .route(
            "/uppy/{route}/t/{ticket}/s3/multipart/{upload}/batch",
            get(uppy_multipart::sign_batch),
        )
        .route(
            "/uppy/{route}/t/{ticket}/s3/multipart/{upload}/complete",
            post(uppy_multipart::complete),
        )
        .route(
            "/uppy/{route}/t/{ticket}/s3/multipart/{upload}/{part}",
            get(uppy_multipart::sign_part),
        )
        .route("/uppy/{route}/s3/created/{upload}", post(uppy_multipart::show_created))
        .route("/uppy/{route}/s3/created/{upload}", delete(uppy_multipart::show_aborted))
        .route("/uppy/{route}/s3/completed/{upload}", post(uppy_multipart::show_completed))
}

async fn method_not_allowed() -> ApiError {
    ApiError::MethodNotAllowed
}

async fn not_found() -> ApiError {
    ApiError::NotFound
}
