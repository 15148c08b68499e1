//! What the platform says about a request, and where it says it.
//!
//! The platform's headers are trusted only where [`Options::platform`] is set: the platform drops `x-fc-*` headers
//! that clients send, but without it in front anybody can write them. A request id is still repeated then, since it
//! proves nothing; keys and hooks are ignored. The headers with the role's keys are removed in every case, so that
//! the keys travel in [`RoleKeys`] and nowhere else.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::request::Parts;
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, Request};
use tokio::time::Instant;
use zeroize::Zeroizing;

use crate::options::Options;

/// The platform's id of a request.
pub(crate) const X_FC_REQUEST_ID: HeaderName = HeaderName::from_static("x-fc-request-id");
const X_FC_CONTROL_PATH: HeaderName = HeaderName::from_static("x-fc-control-path");
const X_FC_ACCESS_KEY_ID: HeaderName = HeaderName::from_static("x-fc-access-key-id");
const X_FC_ACCESS_KEY_SECRET: HeaderName = HeaderName::from_static("x-fc-access-key-secret");
const X_FC_SECURITY_TOKEN: HeaderName = HeaderName::from_static("x-fc-security-token");

/// The longest id that is taken over, in bytes. The platform's own have 36.
const MAX_REQUEST_ID: usize = 128;

/// Describes the invocation that a request belongs to.
#[derive(Clone, Debug)]
pub struct Context {
    /// The platform's id of this request, or `local-…` where it gave none. Visible ASCII, at most 128 bytes.
    pub request_id: String,
    /// What the platform calls: the HTTP trigger, the event handler, or a hook.
    pub event: Event,
    /// The temporary credentials of the function's role, if the platform sent them with this request.
    pub role_keys: Option<RoleKeys>,
    /// The moment at which the runtime stops waiting for the service and answers 504.
    pub deadline: Instant,
}

impl Context {
    /// Describes an HTTP request without keys, as tests and programs outside of the platform need it.
    #[must_use]
    pub fn new(request_id: impl Into<String>, deadline: Instant) -> Self {
        Self { request_id: request_id.into(), event: Event::Http, role_keys: None, deadline }
    }
}

/// Distinguishes the four kinds of calls that share one port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A request to the HTTP trigger. Its path is the client's, even if it reads `/initialize`.
    Http,
    /// An event invocation: `POST /invoke`. The body is the event, the body of the response the result.
    Invoke,
    /// The initializer hook: `POST /initialize`, once before the first request.
    Initialize,
    /// The pre-stop hook: `GET /pre-stop`, before the instance ends.
    PreStop,
}

/// The temporary credentials of the function's role. Does not print them, and wipes them when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct RoleKeys {
    /// Names the key.
    pub access_key_id: Zeroizing<String>,
    /// Signs.
    pub access_key_secret: Zeroizing<String>,
    /// Accompanies every signature of the key.
    pub security_token: Zeroizing<String>,
}

impl fmt::Debug for RoleKeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("RoleKeys(…)")
    }
}

/// Finds the [`Context`] of a request.
pub trait ContextExt {
    /// Returns the context, or `None` if the request did not come through this runtime.
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

/// Makes the [`Context`] of every request.
#[derive(Debug)]
pub(crate) struct ContextReader {
    platform: bool,
    timeout: Duration,
    /// Numbers the requests without an id of the platform.
    unnamed: AtomicU64,
}

impl ContextReader {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            platform: options.platform,
            timeout: options.deadline,
            unnamed: AtomicU64::default(),
        }
    }

    /// Reads the platform's headers, and removes those that hold the role's keys.
    pub(crate) fn read(&self, headers: &mut HeaderMap) -> Context {
        let given = visible(headers.get(X_FC_REQUEST_ID));
        let request_id = match given.filter(|id| id.len() <= MAX_REQUEST_ID) {
            Some(id) => id.to_owned(),
            None => format!("local-{:x}", self.unnamed.fetch_add(1, Ordering::Relaxed)),
        };
        let control_path = visible(headers.get(X_FC_CONTROL_PATH)).filter(|_| self.platform);
        // The platform sends keys together with its two other headers, and never without.
        let is_platforms = control_path.is_some() && given.is_some();
        let event = event(control_path);
        let role_keys = take_role_keys(headers).filter(|_| is_platforms);
        Context { request_id, event, role_keys, deadline: deadline(self.timeout) }
    }
}

/// Returns the moment after `timeout`. A timeout beyond what the clock can count is a day: no invocation lasts longer.
fn deadline(timeout: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(timeout).unwrap_or_else(|| now + Duration::from_hours(24))
}

/// A missing header, an empty one and `/http-invoke` all mean a request to the HTTP trigger.
fn event(control_path: Option<&str>) -> Event {
    match control_path {
        Some("/invoke") => Event::Invoke,
        Some("/initialize") => Event::Initialize,
        Some("/pre-stop") => Event::PreStop,
        _ => Event::Http,
    }
}

/// Removes the three headers with credentials; returns the keys if all three have a value. A function without a
/// role gets all three empty.
fn take_role_keys(headers: &mut HeaderMap) -> Option<RoleKeys> {
    let id = headers.remove(X_FC_ACCESS_KEY_ID);
    let secret = headers.remove(X_FC_ACCESS_KEY_SECRET);
    let token = headers.remove(X_FC_SECURITY_TOKEN);
    let text = |value: Option<HeaderValue>| {
        visible(value.as_ref()).map(|text| Zeroizing::new(text.to_owned()))
    };
    Some(RoleKeys {
        access_key_id: text(id)?,
        access_key_secret: text(secret)?,
        security_token: text(token)?,
    })
}

/// Reads a value of visible ASCII without spaces, which cannot break a log line. Any other value, the empty one
/// included, counts as absent.
fn visible(value: Option<&HeaderValue>) -> Option<&str> {
    let bytes = value?.as_bytes();
    // A token is long. Without a way out of the loop, it checks many bytes at a time.
    let is_visible =
        bytes.iter().fold(!bytes.is_empty(), |all, byte| all & byte.is_ascii_graphic());
    is_visible.then(|| std::str::from_utf8(bytes).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contexts(platform: bool) -> ContextReader {
        let options = Options { platform, ..Options::default() };
        ContextReader::new(&options)
    }

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        let value = |text: &str| HeaderValue::from_bytes(text.as_bytes()).unwrap();
        pairs.iter().map(|(name, text)| (name.clone(), value(text))).collect()
    }

    fn full() -> HeaderMap {
        headers(&[
            (X_FC_REQUEST_ID, "1-a"),
            (X_FC_CONTROL_PATH, "/http-invoke"),
            (X_FC_ACCESS_KEY_ID, "STS.id"),
            (X_FC_ACCESS_KEY_SECRET, "secret"),
            (X_FC_SECURITY_TOKEN, "token"),
        ])
    }

    #[test]
    fn the_platforms_keys_move_from_the_headers_into_the_context() {
        let mut headers = full();
        let context = contexts(true).read(&mut headers);
        let keys = context.role_keys.unwrap();
        assert_eq!(keys.access_key_id.as_str(), "STS.id");
        assert_eq!(keys.access_key_secret.as_str(), "secret");
        assert_eq!(keys.security_token.as_str(), "token");
        assert_eq!(headers.len(), 2);
    }

    #[test]
    fn keys_need_the_platform_and_its_two_other_headers() {
        let mut forged = full();
        assert_eq!(contexts(false).read(&mut forged).role_keys, None);
        assert_eq!(forged.len(), 2, "forged keys are removed all the same");
        for name in [
            X_FC_REQUEST_ID,
            X_FC_CONTROL_PATH,
            X_FC_ACCESS_KEY_ID,
            X_FC_ACCESS_KEY_SECRET,
            X_FC_SECURITY_TOKEN,
        ] {
            for worthless in ["", "a b", "ключ"] {
                let mut headers = full();
                let value = HeaderValue::from_bytes(worthless.as_bytes()).unwrap();
                headers.insert(name.clone(), value);
                let context = contexts(true).read(&mut headers);
                assert_eq!(context.role_keys, None, "{name}: {worthless:?}");
            }
            let mut headers = full();
            headers.remove(&name);
            let context = contexts(true).read(&mut headers);
            assert_eq!(context.role_keys, None, "{name}");
        }
    }

    #[test]
    fn every_copy_of_a_credential_header_is_removed() {
        let mut headers = full();
        headers.append(X_FC_SECURITY_TOKEN, HeaderValue::from_static("second"));
        contexts(true).read(&mut headers);
        assert!(!headers.contains_key(X_FC_SECURITY_TOKEN));
    }

    #[test]
    fn endless_patience_is_a_day() {
        let left = deadline(Duration::MAX) - Instant::now();
        assert_eq!(left.as_secs().div_ceil(3600), 24);
    }

    #[test]
    fn the_control_path_tells_hooks_from_requests() {
        let cases = [
            ("/invoke", Event::Invoke),
            ("/initialize", Event::Initialize),
            ("/pre-stop", Event::PreStop),
            ("/http-invoke", Event::Http),
            ("/pre-freeze", Event::Http),
            ("", Event::Http),
        ];
        for (path, event) in cases {
            let pair = [(X_FC_CONTROL_PATH, path)];
            let believed = contexts(true).read(&mut headers(&pair));
            assert_eq!(believed.event, event, "{path}");
            let forged = contexts(false).read(&mut headers(&pair));
            assert_eq!(forged.event, Event::Http, "{path}");
        }
    }

    #[test]
    fn an_id_that_is_none_is_replaced_by_a_local_one() {
        let contexts = contexts(false);
        let id = |text: &str| {
            let mut headers = headers(&[(X_FC_REQUEST_ID, text)]);
            contexts.read(&mut headers).request_id
        };
        let longest = "a".repeat(MAX_REQUEST_ID);
        assert_eq!(id("any/visible\"text"), "any/visible\"text");
        assert_eq!(id(&longest), longest);
        assert_eq!(id(""), "local-0");
        assert_eq!(id("1-a RequestId: 1-b"), "local-1");
        assert_eq!(id(&"a".repeat(MAX_REQUEST_ID + 1)), "local-2");
    }

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
