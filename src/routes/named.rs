//! What the path of a call names: the route, and for clients that cannot send headers a ticket.

use axum::extract::FromRequestParts;
use axum::extract::RawPathParams;
use http::request::Parts;

use crate::routes::problem::Problem;

/// The route in the path `/…/{route}/…`, and the ticket in `/…/t/{ticket}/…`.
pub(super) struct Named {
    pub(super) route: String,
    pub(super) ticket: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let unreadable = || Problem::invalid("the path is not UTF-8");
        let named = RawPathParams::from_request_parts(parts, state);
        let named = named.await.map_err(|_| unreadable())?;
        let find = |wanted| {
            named.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value.to_owned())
        };
        Ok(Self { route: find("route").ok_or_else(unreadable)?, ticket: find("ticket") })
    }
}
