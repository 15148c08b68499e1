//! The reader of OSS's answers to the function: no input causes a panic, an accepted list of parts has ascending numbers
//! and plain entity tags, and an error shows no more of the answer than plain words.
//!
//! Input: a byte for the status, then the body of every answer.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use oss_upload_signer::bucket::multipart_upload::Completion;
use oss_upload_signer::bucket::{BucketAddress, BucketClient, BucketError};
use oss_upload_signer::credentials::Credentials;
use oss_upload_signer::net::{HttpClient, RequestLimits, ResponseFuture};
use oss_upload_signer::secret::Secret;
use oss_upload_signer::time::Timestamp;

/// The statuses that an answer can have.
const STATUSES: [u16; 5] = [200, 203, 403, 404, 503];

/// Answers every request alike.
#[derive(Debug)]
struct SameAnswer {
    status: u16,
    body: Bytes,
}

impl HttpClient for SameAnswer {
    fn send(&self, _: Request<Bytes>, _: RequestLimits) -> ResponseFuture<'_> {
        let response = Response::builder().status(self.status).body(self.body.clone());
        Box::pin(async { Ok(response.unwrap()) })
    }
}

/// Runs one input.
pub(crate) fn run(input: &[u8]) {
    let Some((selector, body)) = input.split_first() else { return };
    let status = STATUSES[usize::from(*selector) % STATUSES.len()];
    let http = SameAnswer { status, body: Bytes::copy_from_slice(body) };
    let credentials = Credentials {
        key_id: "LTAI5tExampleKeyId0001".to_owned(),
        secret: Secret::new("example"),
        token: None,
        usable_until: None,
    };
    let address =
        BucketAddress { url: "http://bucket.test", name: "examplebucket", region: "cn-hangzhou" };
    let now = Timestamp::from_unix(1_732_687_781).unwrap();
    let deadline = tokio::time::Instant::now() + Duration::from_mins(1);
    let client = BucketClient::new(&http, address, &credentials, now, deadline);
    match finish(client.list_parts("a", "id")) {
        Ok(parts) => {
            assert!(parts.windows(2).all(|pair| pair[0].number < pair[1].number));
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
            assert!(parts.iter().all(|part| part.etag.bytes().all(is_plain)));
        }
        Err(error) => check(&error),
    }
    match finish(client.initiate("a", &[])) {
        Ok(id) => {
            assert!((1..=128).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic()));
        }
        Err(error) => check(&error),
    }
    for has_callback in [false, true] {
        let completion =
            Completion { key: "a", upload_id: "id", parts: &[], headers: &[], has_callback };
        if let Err(error) = finish(client.complete(&completion)) {
            check(&error);
        }
    }
}

/// Checks that the words of a refusal are plain.
fn check(error: &BucketError) {
    if let BucketError::Refused(refusal) = error {
        for word in [&refusal.code, &refusal.ec, &refusal.request_id] {
            let is_plain = |one: char| one.is_ascii_alphanumeric() || "-_.".contains(one);
            assert!(word.len() <= 64 && word.chars().all(is_plain), "{word:?}");
        }
    }
}

/// Runs a future that waits for nothing. The timer of the runtime is never used.
fn finish<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return value;
        }
    }
}
