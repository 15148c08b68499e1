//! The callback: who asked for one is told of the stored object, and the answer goes to the browser.
//!
//! Callback page. [`parameter`] reads the `callback` field before anything is stored; afterwards the
//! body is made of its [`template`] and the [`variables`], signed with the local [`key`], and sent
//! by [`exchange`]. Whatever comes of it, the object stays: what went wrong is [`outcome`]'s.
//!
//! # How it differs from the real one
//!
//! It calls this machine only, and with HTTP only. The real one refuses exactly such addresses, but
//! nobody rehearses on a laptop to have another server told of what was never uploaded. Which addresses of
//! this machine can be limited ([`CallbackTo`]): whoever has a form can name others in it, and reads the answer. The key is
//! made at the first use from a seed, lives in memory, and is as short as the real one, 512 bits, so
//! that a verifier which takes no such key is found out here.

mod allowed;
mod exchange;
pub(super) mod key;
mod outcome;
mod parameter;
mod picture;
mod target;
mod template;
mod variables;

use std::time::Duration;
use std::time::Instant;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::HeaderName;
use http::HeaderValue;
use http::Method;
use http::Request;
use http::Version;
use http::header;
use http_body_util::Full;

use crate::oss::options::Event;
use crate::oss::refusal::Refusal;
use crate::oss::site::Site;

use self::outcome::Failure;

pub use self::allowed::Address;
pub use self::allowed::CallbackTo;
pub use self::allowed::InvalidAddress;
pub use self::parameter::BodyType;
pub use self::parameter::Callback;
pub(super) use self::parameter::parse;
pub(super) use self::picture::Picture;
pub use self::target::Target;
pub(super) use self::variables::Variables;

const USER_AGENT: HeaderValue = HeaderValue::from_static("http-client/0.0.1");

const X_OSS_PUB_KEY_URL: HeaderName = HeaderName::from_static("x-oss-pub-key-url");

/// Tells one address after another, until one answers as it should, and returns that answer's JSON.
///
/// All of them together have the time that one is documented to have; there is no second try.
pub(super) async fn tell(
    site: &Site,
    callback: &Callback,
    variables: &Variables<'_>,
) -> Result<Bytes, Refusal> {
    let body = template::render(&callback.body, callback.body_type, variables);
    let body = Bytes::from(body);
    // The first use makes the key; that is not to be taken off the server's time.
    let key = site.key.get().await.map_err(|error| Failure::Key(error).refusal())?;
    let deadline = tokio::time::Instant::now() + site.judgement.patience.callback;
    let mut last = Failure::Late;
    for target in &callback.targets {
        let started = Instant::now();
        let request = site
            .callback_to
            .check(target)
            .and_then(|()| request(callback, target, &body, key, &variables.key_url(site)));
        let told = match request {
            Ok(request) => {
                let answer = exchange::send(target, request);
                tokio::time::timeout_at(deadline, answer).await.unwrap_or(Err(Failure::Late))
            }
            Err(failure) => Err(failure),
        };
        report(site, target, variables, told.as_ref().err(), started.elapsed());
        match told {
            Ok(json) => return Ok(json),
            Err(failure) => last = failure,
        }
        if tokio::time::Instant::now() >= deadline {
            break;
        }
    }
    Err(last.refusal())
}

/// Makes the call as the page shows it: HTTP/1.0, and the connection is closed afterwards.
fn request(
    callback: &Callback,
    target: &Target,
    body: &Bytes,
    key: &key::Key,
    key_url: &str,
) -> Result<Request<Full<Bytes>>, Failure> {
    let signature = key.sign(&signed_text(target, body)).map_err(Failure::Key)?;
    // The page's own example leaves the port out of the host.
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
        // All of it was checked with the parameter, so this does not happen.
        .map_err(|error| Failure::Unreachable(error.to_string()))
}

/// Writes what is signed: the path decoded, the query as it is, a line end, the body.
///
/// A `+` in the path is left alone: the page's sample decodes it as a path is decoded, not a form.
fn signed_text(target: &Target, body: &[u8]) -> Vec<u8> {
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
    site: &Site,
    target: &Target,
    variables: &Variables<'_>,
    failure: Option<&Failure>,
    spent: Duration,
) {
    site.tell(&Event::Called {
        url: target.without_query(),
        key: variables.object.key.clone(),
        failure: failure.map(Failure::reason),
        spent,
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(url: &str) -> Vec<u8> {
        signed_text(&Target::parse(url).unwrap(), b"a=1")
    }

    #[test]
    fn path_is_decoded_query_is_not_and_the_body_follows_a_line_end() {
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
