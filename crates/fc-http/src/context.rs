//! What the platform says about a request.
//!
//! Owns the types; `layers/context` fills them from the `x-fc-*` headers and takes the credential
//! headers out of the request, so that the keys travel in [`RoleKeys`] and nowhere else.

use std::fmt;

use http::request::Parts;
use http::{Extensions, Request};
use tokio::time::Instant;
use zeroize::Zeroizing;

/// Describes the invocation that a request belongs to.
#[derive(Clone, Debug)]
pub struct Context {
    /// The platform's name for this request, or `local-…` where it gave none. Visible ASCII, at
    /// most 128 bytes; its inside means nothing.
    pub request_id: String,
    /// What the platform wants: an HTTP answer, an event's result, or a hook.
    pub event: Event,
    /// The function role's keys, if the platform sent them with this request.
    pub role_keys: Option<RoleKeys>,
    /// The moment at which the runtime stops waiting and answers 504 in the service's place.
    pub deadline: Instant,
}

impl Context {
    /// Describes an ordinary HTTP request without keys, as tests and hosts off the platform need it.
    #[must_use]
    pub fn new(request_id: impl Into<String>, deadline: Instant) -> Self {
        Self { request_id: request_id.into(), event: Event::Http, role_keys: None, deadline }
    }
}

/// Tells the four kinds of calls apart that share one port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A request to the HTTP trigger. Its path is the caller's, even if it reads `/initialize`.
    Http,
    /// An event invocation: `POST /invoke`, the body is the event, the answer's body the result.
    Invoke,
    /// The initializer: `POST /initialize`, once before the first request.
    Initialize,
    /// The farewell: `GET /pre-stop`, before the instance is destroyed.
    PreStop,
}

/// The function role's temporary credentials; prints none of them and is wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct RoleKeys {
    /// The key's name. Not a secret by itself, and still nobody's business.
    pub access_key_id: Zeroizing<String>,
    /// The key.
    pub access_key_secret: Zeroizing<String>,
    /// The token that must accompany whatever the key signs.
    pub security_token: Zeroizing<String>,
}

impl fmt::Debug for RoleKeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("RoleKeys(…)")
    }
}

/// Finds the [`Context`] in whatever carries extensions.
pub trait ContextExt {
    /// Returns the context, or none if the request did not come through the runtime.
    fn context(&self) -> Option<&Context>;
}

impl ContextExt for Extensions {
    fn context(&self) -> Option<&Context> {
        self.get()
    }
}

impl<B> ContextExt for Request<B> {
    fn context(&self) -> Option<&Context> {
        self.extensions().get()
    }
}

impl ContextExt for Parts {
    fn context(&self) -> Option<&Context> {
        self.extensions.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn debug_shows_no_key() {
        let marker = || Zeroizing::new("marker-secret".to_owned());
        let mut context = Context::new("1-a", Instant::now());
        context.role_keys = Some(RoleKeys {
            access_key_id: marker(),
            access_key_secret: marker(),
            security_token: marker(),
        });
        let text = format!("{context:?}");
        assert!(text.contains("RoleKeys(…)"), "{text}");
        assert!(!text.contains("marker"), "{text}");
    }

    #[test]
    fn a_context_is_found_wherever_extensions_travel() {
        let mut request = Request::new(());
        assert!(request.context().is_none());
        let context = Context::new("1-a", std::time::Instant::now().into());
        request.extensions_mut().insert(context);
        assert_eq!(request.context().unwrap().request_id, "1-a");
        assert_eq!(request.extensions().context().unwrap().event, Event::Http);
        let (parts, ()) = request.into_parts();
        assert!(parts.context().unwrap().role_keys.is_none());
    }
}
