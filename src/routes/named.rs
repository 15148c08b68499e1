//! What the path of a call names. A `{ticket}` in it says who asks, and is none of this file's.

use axum::extract::FromRequestParts;
use axum::extract::RawPathParams;
use http::request::Parts;

use crate::routes::problem::Problem;

/// The route in the path `/…/{route}/…`.
pub(super) struct Named {
    pub(super) route: String,
}

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let unreadable = || Problem::invalid("the path is not UTF-8");
        let named = RawPathParams::from_request_parts(parts, state);
        let named = named.await.map_err(|_| unreadable())?;
        let route = named.iter().find(|(name, _)| *name == "route");
        Ok(Self { route: route.map(|(_, value)| value.to_owned()).ok_or_else(unreadable)? })
    }
}
