//! Upload callbacks: notifies the address that the form names of a stored object, and returns the
//! address's response to the browser.
//!
//! Callback page. [`parameter`] parses the `callback` field before anything is stored. Afterwards
//! the [`template`] is rendered, signed with the local [`signing_key`], and sent by [`client`]. The
//! object stays stored whatever the result is.
//!
//! # Differences from the real service
//!
//! Callbacks go to addresses of this machine only, and with HTTP only. The real service rejects
//! exactly these addresses; here a test must not send data about local uploads to another server.
//! [`AllowedCallbacks`](allowed::AllowedCallbacks) can restrict the addresses further, because anyone
//! who can upload chooses the address and reads its response. The key is generated from a seed at the first use and kept in memory. It has 512 bits like the
//! real one, so that a verifier that rejects such short keys fails here too.

use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Version, header};
use http_body_util::Full;

use crate::oss::callback::client::CallbackError;
use crate::oss::callback::parameter::{CallbackParameter, CallbackTarget};
use crate::oss::callback::signing_key::CallbackKey;
use crate::oss::callback::template::CallbackVariables;
use crate::oss::error::OssError;
use crate::oss::options::OssEvent;
use crate::oss::state::OssState;

pub(super) mod allowed;
mod client;
pub(super) mod parameter;
pub(super) mod signing_key;
pub(super) mod template;

const USER_AGENT: HeaderValue = HeaderValue::from_static("http-client/0.0.1");

const X_OSS_PUB_KEY_URL: HeaderName = HeaderName::from_static("x-oss-pub-key-url");

/// Sends the callback to one address after another until one responds correctly, and returns that
/// response's JSON.
///
/// All addresses share the time limit that is documented for one; there is no retry.
pub(super) async fn send(
    state: &OssState,
    callback: &CallbackParameter,
    variables: &CallbackVariables<'_>,
) -> Result<Bytes, OssError> {
    let body = template::render(&callback.body, callback.body_type, variables);
    let body = Bytes::from(body);
    // The first use generates the key; that time must not count against the callback's server.
    let key =
        state.callback_key.get().await.map_err(|error| CallbackError::Key(error).to_oss_error())?;
    let deadline = tokio::time::Instant::now() + state.strictness.limits.callback;
    let mut last = CallbackError::Timeout;
    for target in &callback.targets {
        let started = Instant::now();
        let request = state
            .allowed_callbacks
            .check(target)
            .and_then(|()| request(callback, target, &body, key, &variables.key_url(state)));
        let result = match request {
            Ok(request) => {
                let response = client::send(target, request);
                tokio::time::timeout_at(deadline, response)
                    .await
                    .unwrap_or(Err(CallbackError::Timeout))
            }
            Err(error) => Err(error),
        };
        report(state, target, variables, result.as_ref().err(), started.elapsed());
        match result {
            Ok(json) => return Ok(json),
            Err(error) => last = error,
        }
        if tokio::time::Instant::now() >= deadline {
            break;
        }
    }
    Err(last.to_oss_error())
}

/// Builds the request as the page shows it: HTTP/1.0, and the connection is closed afterwards.
fn request(
    callback: &CallbackParameter,
    target: &CallbackTarget,
    body: &Bytes,
    key: &CallbackKey,
    key_url: &str,
) -> Result<Request<Full<Bytes>>, CallbackError> {
    let signature = key.sign(&string_to_sign(target, body)).map_err(CallbackError::Key)?;
    // The page's own example has no port in `Host`.
    let host = callback.host.as_deref().unwrap_or(&target.host);
    Request::builder()
        .version(Version::HTTP_10)
        .method(Method::POST)
        .uri(target.path_and_query.clone())
        .header(header::HOST, host)
        .header(header::CONNECTION, "close")
        .header(header::CONTENT_LENGTH, body.len())
        .header(header::CONTENT_TYPE, callback.body_type.as_str())
        .header(header::USER_AGENT, USER_AGENT)
        .header(header::AUTHORIZATION, STANDARD.encode(signature))
        .header(X_OSS_PUB_KEY_URL, STANDARD.encode(key_url))
        .body(Full::new(body.clone()))
        // All parts were validated with the parameter, so this does not happen.
        .map_err(|error| CallbackError::Unreachable(error.to_string()))
}

/// Returns the string to sign: the decoded path, the query as it is, a line end, the body.
///
/// A `+` in the path is kept: the page's sample decodes it as a path, not as a form.
fn string_to_sign(target: &CallbackTarget, body: &[u8]) -> Vec<u8> {
    let mut text: Vec<u8> =
        percent_encoding::percent_decode_str(target.path_and_query.path()).collect();
    if let Some(query) = target.path_and_query.query() {
        text.push(b'?');
        text.extend_from_slice(query.as_bytes());
    }
    text.push(b'\n');
    text.extend_from_slice(body);
    text
}

fn report(
    state: &OssState,
    target: &CallbackTarget,
    variables: &CallbackVariables<'_>,
    error: Option<&CallbackError>,
    spent: Duration,
) {
    state.notify(&OssEvent::Called {
        url: target.without_query(),
        key: variables.object.key.clone(),
        failure: error.map(CallbackError::reason),
        spent,
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(url: &str) -> Vec<u8> {
        string_to_sign(&CallbackTarget::parse(url).unwrap(), b"a=1")
    }

    #[test]
    fn the_path_is_decoded_and_the_query_is_not() {
        assert_eq!(
            text("http://a.test/x%20y/%C3%A9+z?q=%20&r"),
            "/x y/é+z?q=%20&r\na=1".as_bytes()
        );
        assert_eq!(text("http://a.test"), b"/\na=1");
        assert_eq!(text("http://a.test?q=1"), b"/?q=1\na=1");
        assert_eq!(text("http://a.test/?"), b"/?\na=1");
        assert_eq!(text("http://a.test/%FF"), b"/\xff\na=1");
    }
}
