//! The table of paths.
//!
//! Open paths answer everyone: they give nothing away. Guarded paths sign or tell what would be
//! signed, so the origin is judged before they are reached.

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::middleware::map_response;
use axum::routing::get;
use axum::routing::post;

use crate::app::App;
use crate::routes::cors;
use crate::routes::documented;
use crate::routes::limits;
use crate::routes::platform;
use crate::routes::presigned_post;
use crate::routes::problem::Problem;
use crate::routes::uploads;
use crate::routes::uppy;
use crate::routes::uview;
use crate::routes::web;
use crate::routes::wechat;

pub(super) fn build(app: &Arc<App>) -> Router {
    let open = Router::new()
        .route("/health", get(platform::health))
        .merge(web::assets(app))
        .method_not_allowed_fallback(wrong_method);
    let guarded = Router::new()
        .route("/get_post_signature_for_oss_upload", get(documented::answer))
        .route("/uploads", post(uploads::answer))
        .route("/routes/{name}", get(limits::answer))
        .route("/presigned-post/{route}", get(presigned_post::answer))
        .route("/uppy/{route}/s3/params", get(uppy::params))
        .route("/uppy/{route}/t/{ticket}/s3/params", get(uppy::params))
        .route("/uppy/{route}/sign", post(uppy::sign_request))
        .route("/wechat/{route}", get(wechat::answer));
    let uview = guard(Router::new().route("/uview/{route}", get(uview::answer)), app);
    let table = open.merge(guard(guarded, app)).merge(uview.layer(map_response(uview::word)));
    table.fallback(async || Problem::NotFound).with_state(Arc::clone(app))
}

fn guard(paths: Router<Arc<App>>, app: &Arc<App>) -> Router<Arc<App>> {
    paths
        // Before the guard, so that the guard sees every method: preflights come as OPTIONS.
        .method_not_allowed_fallback(wrong_method)
        .route_layer(from_fn_with_state(Arc::clone(app), cors::guard))
}

async fn wrong_method() -> Problem {
    Problem::MethodNotAllowed
}
