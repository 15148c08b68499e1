//! The HTTP trigger in front of the gateway, as somebody has set it up: which methods it lets
//! through, whether it is open to the internet, and whether its domain speaks CORS of its own.
//!
//! "HTTP triggers overview" and "Web functions" name the settings and the sentence for a closed
//! address. No source shows what a method that is not listed is answered; only that the function is
//! not asked, so its own headers are missing. Nor is it known whether the default domain adds CORS
//! headers to those of the function: here it does so when told to.

use bytes::Bytes;
use http::HeaderValue;
use http::Method;
use http::Response;
use http::StatusCode;
use http::header;
use http::header::ACCESS_CONTROL_ALLOW_ORIGIN;
use http_body_util::Full;
use serde_json::json;

/// How the trigger is set up; the default lets everything through and adds nothing.
#[derive(Clone, Debug)]
pub struct Trigger {
    /// The methods that reach the function.
    pub methods: Vec<Method>,
    /// Whether the address can be called from the internet.
    pub internet: bool,
    /// Whether the domain lets every page read every answer, whatever the function says.
    pub adds_cors: bool,
}

impl Default for Trigger {
    fn default() -> Self {
        let methods = [
            Method::GET,
            Method::POST,
            Method::PUT,
            Method::DELETE,
            Method::HEAD,
            Method::PATCH,
            Method::OPTIONS,
        ];
        Self { methods: methods.to_vec(), internet: true, adds_cors: false }
    }
}

impl Trigger {
    /// Answers in the function's place what the trigger does not let through.
    pub(crate) fn refuse(&self, method: &Method) -> Option<Response<Full<Bytes>>> {
        if !self.internet {
            let closed = "access denied due to function internet URL is disabled";
            return Some(refusal(StatusCode::FORBIDDEN, "AccessDenied", closed));
        }
        if self.methods.contains(method) {
            return None;
        }
        let closed = "the HTTP trigger is not configured for this method";
        Some(refusal(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", closed))
    }

    /// Adds what the domain says of its own.
    pub(crate) fn finish<B>(&self, answer: &mut Response<B>) {
        if self.adds_cors {
            let every = HeaderValue::from_static("*");
            answer.headers_mut().append(ACCESS_CONTROL_ALLOW_ORIGIN, every);
        }
    }
}

fn refusal(status: StatusCode, code: &str, message: &str) -> Response<Full<Bytes>> {
    let body = json!({ "ErrorCode": code, "ErrorMessage": message }).to_string();
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}
