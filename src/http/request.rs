//! One request on its way to the call that answers it.

use bytes::Bytes;
use http::request::Parts;
use percent_encoding::percent_decode_str;

use crate::http::error::ApiError;
use crate::http::signing::Call;

/// A request with its whole body, which the runtime has read and bounded, and the named parts of its
/// path.
#[derive(Debug)]
pub(super) struct ApiRequest {
    pub(super) parts: Parts,
    pub(super) body: Bytes,
    /// As they stand in the path.
    pub(super) named: Vec<(&'static str, String)>,
}

/// The route in the path `/…/{route}/…`, and the ticket in `/…/t/{ticket}/…`.
pub(super) struct Named {
    pub(super) route: String,
    pub(super) ticket: Option<String>,
}

impl ApiRequest {
    /// Gives what stands in the query.
    pub(super) fn query(&self) -> Option<&str> {
        self.parts.uri.query()
    }

    /// Gives what the caller shows of themselves in headers.
    pub(super) fn call(&self) -> Call<'_> {
        Call::of(&self.parts)
    }

    /// Reads the route and the ticket in the path.
    pub(super) fn named(&self) -> Result<Named, ApiError> {
        Ok(Named {
            route: self.part("route")?.ok_or_else(unreadable)?,
            ticket: self.part("ticket")?,
        })
    }

    /// Reads a named part of the path.
    pub(super) fn part(&self, name: &str) -> Result<Option<String>, ApiError> {
        let Some((_, text)) = self.named.iter().find(|(one, _)| *one == name) else {
            return Ok(None);
        };
        let decoded = percent_decode_str(text).decode_utf8();
        decoded.map(|text| Some(text.into_owned())).map_err(|_| unreadable())
    }
}

fn unreadable() -> ApiError {
    ApiError::invalid("the path is not UTF-8")
}
