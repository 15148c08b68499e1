//! The way to signer and bucket for files, which are sent while they are read.

use std::error::Error;

use bytes::Bytes;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use reqwest::{Client, RequestBuilder};

use crate::client;
use crate::failure::Failure;

/// More than any answer to an upload has.
const MAX_ANSWER: usize = 256 * 1024;

/// Sends requests.
#[derive(Clone, Debug)]
pub(super) struct Network(Client);

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: String,
}

impl Network {
    pub(super) fn open() -> Result<Self, Failure> {
        client::open(|client| client).map(Self)
    }

    /// Posts a body of a known length that is made while it is sent.
    pub(super) async fn post<B>(
        &self,
        url: &str,
        content_type: &str,
        body: B,
    ) -> Result<Answer, String>
    where
        B: http_body::Body<Data = Bytes, Error = std::io::Error> + Send + Sync + 'static,
    {
        let body = reqwest::Body::wrap(body);
        read(self.0.post(url).header(CONTENT_TYPE, content_type).body(body)).await
    }

    /// Posts JSON.
    pub(super) async fn post_json(&self, url: &str, json: String) -> Result<Answer, String> {
        read(self.0.post(url).header(CONTENT_TYPE, "application/json").body(json)).await
    }
}

async fn read(request: RequestBuilder) -> Result<Answer, String> {
    let mut response = request.send().await.map_err(|error| say(&error))?;
    let status = response.status();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| say(&error))? {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_ANSWER {
            return Err("the answer is far too long; is this the right address?".to_owned());
        }
    }
    Ok(Answer { status, body: String::from_utf8_lossy(&body).into_owned() })
}

/// Says what went wrong by its first cause: the client's own words repeat the address only.
fn say(error: &reqwest::Error) -> String {
    let mut cause: &dyn Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    if error.is_connect() {
        return format!("no connection ({cause}); check the address and the network");
    }
    if error.is_builder() {
        return format!("the address cannot be used ({cause})");
    }
    format!("the connection broke ({cause}); the file may or may not be stored, so try again")
}
