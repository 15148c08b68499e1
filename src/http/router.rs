//! The table of paths.
//!
//! Open paths answer everyone: they give nothing away, or, as OSS's callbacks, bring a proof of their own.
//! Guarded paths sign or tell what would be signed, so the origin is judged before they are reached. A
//! path is called with one method (and `HEAD` where that is `GET`); a guarded one is preflighted besides.

use bytes::Bytes;
use http::header::ALLOW;
use http::{HeaderValue, Method, Request};
use matchit::{Params, Router};

use crate::app::App;
use crate::http::error::ApiError;
use crate::http::origin::OriginCheck;
use crate::http::request::ApiRequest;
use crate::http::web::Assets;
use crate::http::{
    Response, callback, documented, hooks, limits, presigned_post, uploads, uppy, uview, wechat,
};

/// What answers at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Asset,
    Health,
    Documented,
    Uploads,
    Limits,
    PresignedPost,
    UppyParams,
    UppySign,
    Uview,
    Wechat,
    Callback,
}

/// Every path but those of the assets, which are listed where they are.
const PLACES: [(Method, &str, Place); 11] = [
    (Method::GET, "/health", Place::Health),
    (Method::GET, "/get_post_signature_for_oss_upload", Place::Documented),
    (Method::POST, "/uploads", Place::Uploads),
    (Method::GET, "/routes/{name}", Place::Limits),
    (Method::GET, "/presigned-post/{route}", Place::PresignedPost),
    (Method::GET, "/uppy/{route}/s3/params", Place::UppyParams),
    (Method::GET, "/uppy/{route}/t/{ticket}/s3/params", Place::UppyParams),
    (Method::POST, "/uppy/{route}/sign", Place::UppySign),
    (Method::GET, "/uview/{route}", Place::Uview),
    (Method::GET, "/wechat/{route}", Place::Wechat),
    (Method::POST, "/callback/{route}", Place::Callback),
];

/// The paths, and the files that are served as they are.
#[derive(Debug)]
pub(super) struct Table {
    places: Router<(Method, Place)>,
    assets: Assets,
}

impl Table {
    pub(super) fn new(app: &App) -> Self {
        let mut places = Router::new();
        let assets = Assets::paths().map(|path| (Method::GET, path, Place::Asset));
        for (method, path, place) in PLACES.into_iter().chain(assets) {
            // No two paths of the lists are alike, which every test of the table would show.
            let _ = places.insert(path, (method, place));
        }
        Self { places, assets: Assets::new(app) }
    }

    /// Answers a request; a failure is a [`ApiError`] that is still to be worded.
    pub(super) async fn answer(&self, app: &App, request: Request<Bytes>) -> Response {
        let Ok(found) = self.places.at(request.uri().path()) else {
            return ApiError::NotFound.into_response();
        };
        let (method, place) = found.value;
        let named = name(&found.params);
        let (mut parts, body) = request.into_parts();
        let is_open = matches!(place, Place::Asset | Place::Health | Place::Callback);
        let guard = (!is_open).then(|| OriginCheck::judge(app, &mut parts));
        let early = guard.as_ref().and_then(OriginCheck::early);
        let is_right = parts.method == *method || is_head_of(&parts.method, method);
        let mut response = match early {
            Some(response) => response,
            None if !is_right => wrong_method(method),
            None => {
                let asked = ApiRequest { parts, body, named };
                let answer = self.call(*place, app, &asked).await;
                answer.unwrap_or_else(ApiError::into_response)
            }
        };
        if let Some(guard) = guard {
            guard.tell(&mut response);
        }
        if *place == Place::Uview {
            uview::mark(&mut response);
        }
        response
    }

    async fn call(
        &self,
        place: Place,
        app: &App,
        asked: &ApiRequest,
    ) -> Result<Response, ApiError> {
        match place {
            Place::Asset => self.assets.answer(asked.parts.uri.path()),
            Place::Health => Ok(hooks::health(app)),
            Place::Documented => documented::answer(app, asked).await,
            Place::Uploads => uploads::answer(app, asked).await,
            Place::Limits => limits::answer(app, asked),
            Place::PresignedPost => presigned_post::answer(app, asked).await,
            Place::UppyParams => uppy::params(app, asked).await,
            Place::UppySign => uppy::sign_request(app, asked).await,
            Place::Uview => uview::answer(app, asked).await,
            Place::Wechat => wechat::answer(app, asked).await,
            Place::Callback => callback::answer(app, asked).await,
        }
    }
}

fn is_head_of(asked: &Method, method: &Method) -> bool {
    *asked == Method::HEAD && *method == Method::GET
}

fn wrong_method(method: &Method) -> Response {
    let mut response = ApiError::MethodNotAllowed.into_response();
    let allowed = if *method == Method::GET { "GET,HEAD" } else { "POST" };
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    response
}

/// Takes the named parts of a path along, as they stand there.
fn name(params: &Params<'_, '_>) -> Vec<(&'static str, String)> {
    let names = ["name", "route", "ticket"];
    let find = |name: &'static str| Some((name, params.get(name)?.to_owned()));
    names.into_iter().filter_map(find).collect()
}
