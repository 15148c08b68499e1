//! How answers look: JSON or XML for STS, plain text and JSON for its neighbours.

use http::HeaderName;
use http::HeaderValue;
use http::Response;
use http::StatusCode;
use http::header;
use serde_json::Value;
use serde_json::json;

use crate::dates;
use crate::sts::flow::Flow;
use crate::sts::refusal::Refusal;
use crate::xml::Escaped;

/// An answer on its way out.
pub(super) type Answer = Response<Flow>;

const JSON: &str = "application/json;charset=utf-8";
const XML: &str = "text/xml;charset=utf-8";

/// What the answer to a call of STS carries besides its meaning.
pub(super) struct Frame<'a> {
    pub(super) request_id: String,
    pub(super) host: &'a str,
    pub(super) json: bool,
}

impl Frame<'_> {
    /// Makes the answer to an action that went well.
    pub(super) fn success(&self, action: &str, mut value: Value) -> Answer {
        value["RequestId"] = json!(self.request_id);
        self.answer(StatusCode::OK, &format!("{action}Response"), &value)
    }

    /// Makes the answer to a refused call.
    pub(super) fn refused(&self, refusal: &Refusal) -> Answer {
        let status = StatusCode::from_u16(refusal.status());
        let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let value = json!({
            "RequestId": self.request_id,
            "HostId": self.host,
            "Code": refusal.code(),
            "Message": refusal.message(),
            "Recommend": format!("https://api.aliyun.com/troubleshoot?q={}", refusal.code()),
        });
        self.answer(status, "Error", &value)
    }

    fn answer(&self, status: StatusCode, root: &str, value: &Value) -> Answer {
        let mut answer = if self.json {
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
            answer.headers_mut().insert(name, id);
        }
        answer
    }
}

fn element(name: &str, value: &Value) -> String {
    let inner = match value {
        Value::Object(children) => {
            children.iter().map(|(name, child)| element(name, child)).collect()
        }
        Value::String(text) => Escaped(text).to_string(),
        other => other.to_string(),
    };
    format!("<{name}>{inner}</{name}>")
}

/// Makes an answer of plain text.
pub(super) fn text(status: StatusCode, text: impl Into<String>) -> Answer {
    typed(status, "text/plain;charset=utf-8", text.into())
}

/// Refuses a request that calls the server by a name which is not this machine's.
pub(super) fn misdirected(name: &str, now: i64) -> Answer {
    let sentence = format!(
        "the request is for {name:?}, which is not a name of this machine; call localhost or \
         127.0.0.1, or give the name with --allow-host"
    );
    let mut answer = text(StatusCode::MISDIRECTED_REQUEST, sentence);
    stamp(&mut answer, now);
    answer
}

/// Makes an answer of JSON that is no answer of STS.
pub(super) fn json(value: &Value) -> Answer {
    typed(StatusCode::OK, JSON, value.to_string())
}

fn typed(status: StatusCode, kind: &'static str, text: String) -> Answer {
    let mut answer = Response::new(Flow::whole(text));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    answer
}

/// Adds the date, by which a client may correct its clock.
pub(super) fn stamp(answer: &mut Answer, now: i64) {
    if let Ok(date) = HeaderValue::from_str(&dates::http_date(now)) {
        answer.headers_mut().insert(header::DATE, date);
    }
}
