//! Reads the platform's headers into a [`Context`].
//!
//! Whether they can be believed is the host's word ([`Options::platform`]): the platform drops
//! `x-fc-*` headers that callers send, but without it in front anybody can write them. Then a
//! request id is still echoed, since it proves nothing, while keys and hooks are ignored. The
//! credential headers are taken out in every case.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task;
use std::task::Poll;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Request};
use tokio::time::Instant;
use tower::Service;
use zeroize::Zeroizing;

use crate::context::{Context, Event, RoleKeys};
use crate::options::Options;

/// The platform's name for a request.
pub(crate) const X_FC_REQUEST_ID: HeaderName = HeaderName::from_static("x-fc-request-id");
const X_FC_CONTROL_PATH: HeaderName = HeaderName::from_static("x-fc-control-path");
const X_FC_ACCESS_KEY_ID: HeaderName = HeaderName::from_static("x-fc-access-key-id");
const X_FC_ACCESS_KEY_SECRET: HeaderName = HeaderName::from_static("x-fc-access-key-secret");
const X_FC_SECURITY_TOKEN: HeaderName = HeaderName::from_static("x-fc-security-token");

/// The platform's ids have 36 bytes; more than this is not one of them.
const MAX_REQUEST_ID: usize = 128;

/// Adds a [`Context`] to every request.
#[derive(Clone)]
pub(crate) struct Contexts<S> {
    inner: S,
    platform: bool,
    patience: Duration,
    /// Numbers the requests that the platform did not name.
    unnamed: Arc<AtomicU64>,
}

impl<S> Contexts<S> {
    pub(crate) fn new(inner: S, options: &Options) -> Self {
        Self {
            inner,
            platform: options.platform,
            patience: options.deadline,
            unnamed: Arc::default(),
        }
    }

    fn context(&self, headers: &mut HeaderMap) -> Context {
        let given = visible(headers.get(X_FC_REQUEST_ID)).filter(|id| id.len() <= MAX_REQUEST_ID);
        let request_id = match given {
            Some(id) => id.to_owned(),
            None => format!("local-{:x}", self.unnamed.fetch_add(1, Ordering::Relaxed)),
        };
        let control_path = visible(headers.get(X_FC_CONTROL_PATH)).filter(|_| self.platform);
        let vouched = control_path.is_some() && visible(headers.get(X_FC_REQUEST_ID)).is_some();
        let mut context = Context::new(request_id, deadline(self.patience));
        context.event = event(control_path);
        context.role_keys = take_role_keys(headers).filter(|_| vouched);
        context
    }
}

impl<S, I> Service<Request<I>> for Contexts<S>
where
    S: Service<Request<I>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut task::Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<I>) -> Self::Future {
        let context = self.context(request.headers_mut());
        request.extensions_mut().insert(context);
        self.inner.call(request)
    }
}

/// More patience than the clock can count is a day: no invocation lasts longer.
fn deadline(patience: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(patience).unwrap_or_else(|| now + Duration::from_hours(24))
}

/// A missing header, an empty one and `/http-invoke` all mean an ordinary request.
fn event(control_path: Option<&str>) -> Event {
    match control_path {
        Some("/invoke") => Event::Invoke,
        Some("/initialize") => Event::Initialize,
        Some("/pre-stop") => Event::PreStop,
        _ => Event::Http,
    }
}

/// Takes the three credential headers out, and the keys if all three have one. A function without
/// a role gets all three empty.
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

/// Reads a value of visible ASCII without spaces, which can neither break a log line nor hide in
/// one; anything else, the empty value included, counts as absent.
fn visible(value: Option<&HeaderValue>) -> Option<&str> {
    let bytes = value?.as_bytes();
    // A token is long, and these look at many bytes at a time. A header value holds no other control
    // character than a tab.
    let visible =
        !bytes.is_empty() && bytes.is_ascii() && !bytes.contains(&b' ') && !bytes.contains(&b'\t');
    visible.then(|| std::str::from_utf8(bytes).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contexts(platform: bool) -> Contexts<()> {
        let options = Options { platform, ..Options::default() };
        Contexts::new((), &options)
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
        let context = contexts(true).context(&mut headers);
        let keys = context.role_keys.unwrap();
        assert_eq!(keys.access_key_id.as_str(), "STS.id");
        assert_eq!(keys.access_key_secret.as_str(), "secret");
        assert_eq!(keys.security_token.as_str(), "token");
        assert_eq!(headers.len(), 2);
    }

    #[test]
    fn keys_need_the_platform_and_its_two_other_headers() {
        let mut forged = full();
        assert_eq!(contexts(false).context(&mut forged).role_keys, None);
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
                let context = contexts(true).context(&mut headers);
                assert_eq!(context.role_keys, None, "{name}: {worthless:?}");
            }
            let mut headers = full();
            headers.remove(&name);
            let context = contexts(true).context(&mut headers);
            assert_eq!(context.role_keys, None, "{name}");
        }
    }

    #[test]
    fn every_copy_of_a_credential_header_is_removed() {
        let mut headers = full();
        headers.append(X_FC_SECURITY_TOKEN, HeaderValue::from_static("second"));
        contexts(true).context(&mut headers);
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
            let believed = contexts(true).context(&mut headers(&pair));
            assert_eq!(believed.event, event, "{path}");
            let forged = contexts(false).context(&mut headers(&pair));
            assert_eq!(forged.event, Event::Http, "{path}");
        }
    }

    #[test]
    fn an_id_that_is_none_is_replaced_by_a_local_one() {
        let contexts = contexts(false);
        let id = |text: &str| {
            let mut headers = headers(&[(X_FC_REQUEST_ID, text)]);
            contexts.context(&mut headers).request_id
        };
        let longest = "a".repeat(MAX_REQUEST_ID);
        assert_eq!(id("any/visible\"text"), "any/visible\"text");
        assert_eq!(id(&longest), longest);
        assert_eq!(id(""), "local-0");
        assert_eq!(id("1-a RequestId: 1-b"), "local-1");
        assert_eq!(id(&"a".repeat(MAX_REQUEST_ID + 1)), "local-2");
    }
}
