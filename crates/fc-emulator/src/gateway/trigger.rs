//! The settings of the HTTP trigger: the methods that it accepts, whether it is open to the internet, and
//! whether its domain adds CORS headers.
//!
//! "HTTP triggers overview" and "Web functions" name the settings and the message of a closed address. No
//! source shows the response to a method that is not listed, only that the function is not called and its
//! headers are missing. It is not documented either whether the default domain adds CORS headers to those
//! of the function: here it does so if the setting says so.

use bytes::Bytes;
use http::header::ACCESS_CONTROL_ALLOW_ORIGIN;
use http::{HeaderValue, Method, Response, StatusCode};
use http_body_util::Full;

use crate::error::error_response;

/// The settings of an HTTP trigger. The default accepts every request and adds nothing.
#[derive(Clone, Debug)]
pub struct Trigger {
    /// The methods that reach the function.
    pub methods: Vec<Method>,
    /// Whether the address can be called from the internet.
    pub internet: bool,
    /// Whether the domain adds `Access-Control-Allow-Origin: *` to every response.
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
    /// Returns the response to a request that the trigger refuses, or `None` if it accepts the method.
    pub(super) fn refuse(&self, method: &Method) -> Option<Response<Full<Bytes>>> {
        if !self.internet {
            let message = "access denied due to function internet URL is disabled";
            return Some(error_response(StatusCode::FORBIDDEN, "AccessDenied", message));
        }
        if self.methods.contains(method) {
            return None;
        }
        let message = "the HTTP trigger is not configured for this method";
        Some(error_response(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", message))
    }

    /// Adds the headers of the domain.
    pub(super) fn complete_response<B>(&self, response: &mut Response<B>) {
        if self.adds_cors {
            let every = HeaderValue::from_static("*");
            response.headers_mut().append(ACCESS_CONTROL_ALLOW_ORIGIN, every);
        }
    }
}
