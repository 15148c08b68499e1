//! Builds responses: JSON or XML for STS, plain text and JSON for the metadata service and the
//! credentials URI.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use hyper::body::{Body, Frame, SizeHint};
use serde_json::{Value, json};

use crate::dates;
use crate::sts::error::StsError;
use crate::xml::XmlEscaped;

/// A response of the local STS.
pub(super) type StsResponse = Response<StsResponseBody>;

const JSON: &str = "application/json;charset=utf-8";
const XML: &str = "text/xml;charset=utf-8";

/// The format and the common properties of a response of STS.
pub(super) struct ResponseContext<'a> {
    pub(super) request_id: String,
    pub(super) host: &'a str,
    pub(super) json: bool,
}

impl ResponseContext<'_> {
    /// Creates the response to a successful action.
    pub(super) fn success(&self, action: &str, mut value: Value) -> StsResponse {
        value["RequestId"] = json!(self.request_id);
        self.response(StatusCode::OK, &format!("{action}Response"), &value)
    }

    /// Creates the response to a rejected request.
    pub(super) fn error(&self, error: &StsError) -> StsResponse {
        let status = StatusCode::from_u16(error.status());
        let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut value = json!({
            "RequestId": self.request_id,
            "HostId": self.host,
            "Code": error.code(),
            "Message": error.message(),
            "Recommend": format!("https://api.aliyun.com/troubleshoot?q={}", error.code()),
        });
        if let Some(action) = error.denied_action() {
            value["AccessDeniedDetail"] =
                json!({ "AuthAction": action, "NoPermissionType": "ImplicitDeny" });
        }
        self.response(status, "Error", &value)
    }

    fn response(&self, status: StatusCode, root: &str, value: &Value) -> StsResponse {
        let mut response = if self.json {
            typed(status, JSON, value.to_string())
        } else {
            typed(
                status,
                XML,
                format!("<?xml version='1.0' encoding='UTF-8'?>{}", element(root, value)),
            )
        };
        let name = HeaderName::from_static("x-acs-request-id");
        if let Ok(id) = HeaderValue::from_str(&self.request_id) {
            response.headers_mut().insert(name, id);
        }
        response
    }
}

fn element(name: &str, value: &Value) -> String {
    let inner = match value {
        Value::Object(children) => {
            children.iter().map(|(name, child)| element(name, child)).collect()
        }
        Value::Array(items) => return items.iter().map(|item| element(name, item)).collect(),
        Value::String(text) => XmlEscaped(text).to_string(),
        other => other.to_string(),
    };
    format!("<{name}>{inner}</{name}>")
}

/// Creates a plain-text response.
pub(super) fn text(status: StatusCode, text: impl Into<String>) -> StsResponse {
    typed(status, "text/plain;charset=utf-8", text.into())
}

/// Creates the response to a request under a host name that is not accepted.
pub(super) fn misdirected(name: &str, now: i64) -> StsResponse {
    let sentence = format!(
        "the request is for {name:?}, which is not a name of this machine; call localhost or \
         127.0.0.1, or give the name with --allow-host"
    );
    let mut response = text(StatusCode::MISDIRECTED_REQUEST, sentence);
    add_date(&mut response, now);
    response
}

/// Creates a JSON response outside of STS.
pub(super) fn json(value: &Value) -> StsResponse {
    typed(StatusCode::OK, JSON, value.to_string())
}

fn typed(status: StatusCode, kind: &'static str, text: String) -> StsResponse {
    let mut response = Response::new(StsResponseBody::whole(text));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// Adds the `Date` header, by which a client may correct its clock.
pub(super) fn add_date(response: &mut StsResponse, now: i64) {
    if let Ok(date) = HeaderValue::from_str(&dates::http_date(now)) {
        response.headers_mut().insert(header::DATE, date);
    }
}

/// A response body: a text, which can be cut off in its middle.
#[derive(Debug)]
pub(super) struct StsResponseBody {
    rest: Bytes,
    /// The number of bytes that are counted in the length but never sent.
    missing: u64,
    /// Set after the first half has had a chance to be sent.
    paused: bool,
}

impl StsResponseBody {
    pub(super) fn whole(text: impl Into<Bytes>) -> Self {
        Self { rest: text.into(), missing: 0, paused: false }
    }

    /// Keeps the announced length and drops the second half.
    pub(super) fn cut(mut self) -> Self {
        let half = self.rest.len() / 2;
        self.missing = (self.rest.len() - half) as u64;
        self.rest.truncate(half);
        self
    }

    /// Drops the second half and announces the shorter length.
    pub(super) fn half(mut self) -> Self {
        self.rest.truncate(self.rest.len() / 2);
        self
    }
}

impl Body for StsResponseBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if !self.rest.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.rest)))));
        }
        if self.missing == 0 {
            return Poll::Ready(None);
        }
        if !self.paused {
            // The server flushes what it has while the body is pending; an error at once would
            // discard the first half.
            self.paused = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(io::ErrorKind::ConnectionReset.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.missing == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64 + self.missing)
    }
}
