//! The response of a failure: status and headers at once, the JSON body when the request id is known.

use axum::response::{IntoResponse, Response};
use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use serde::Serialize;

use crate::auth::AuthError;
use crate::http::UncachedJson;
use crate::http::error::echo::Echo;
use crate::http::error::{ApiError, ErrorBody, MessageLanguage, auth, callback};

/// Marks a response whose client reads errors in a format of its own. The members of every other client are there too.
#[derive(Clone, Copy, Debug)]
pub(in crate::http) enum ErrorFormat {
    /// The OSS driver of uview-plus, which shows `msg` to the user.
    Uview,
}

#[derive(Serialize)]
struct ErrorJson<'a> {
    #[serde(flatten)]
    uview: Option<UviewError<'a>>,
    #[serde(flatten)]
    body: &'a ErrorBody,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
}

#[derive(Serialize)]
struct UviewError<'a> {
    /// The HTTP status.
    code: u16,
    msg: &'a str,
}

impl IntoResponse for ApiError {
    /// Returns status and headers, and leaves the error among the extensions for [`write_body`].
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        let headers = response.headers_mut();
        if let Self::Auth(error) = &self {
            headers.extend(auth::challenge(error).map(|value| (WWW_AUTHENTICATE, value)));
        }
        if let Some(wait) = self.retry_after() {
            // Whole seconds, rounded up.
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            headers.insert(RETRY_AFTER, seconds.max(1).into());
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// Writes the JSON of a failure, and logs it where an operator has to act. Any other response is returned as it is.
pub(in crate::http) fn write_body(
    mut response: Response,
    request_id: Option<&str>,
    language: MessageLanguage,
) -> Response {
    let Some(error) = response.extensions_mut().remove::<ApiError>() else {
        return response;
    };
    log(&error, request_id.unwrap_or_default());
    let body = error.body(language);
    let format = response.extensions_mut().remove::<ErrorFormat>();
    let uview = format.map(|ErrorFormat::Uview| UviewError {
        code: response.status().as_u16(),
        msg: &body.message,
    });
    let json = UncachedJson(ErrorJson { uview, body: &body, request_id }).into_response();
    let (mut parts, _) = response.into_parts();
    let (json_parts, json_body) = json.into_parts();
    parts.headers.extend(json_parts.headers);
    Response::from_parts(parts, json_body)
}

fn log(error: &ApiError, request_id: &str) {
    let code = error.code();
    match error {
        ApiError::Internal(reason) => tracing::error!(request_id, code, "{reason}"),
        ApiError::NoCredentials(reason) | ApiError::CredentialsUnavailable { reason, .. } => {
            tracing::error!(request_id, code, "{} {reason}", error.message());
        }
        ApiError::CredentialsExpired | ApiError::Auth(AuthError::JwksUnavailable { .. }) => {
            tracing::error!(request_id, code, "{}", error.message());
        }
        ApiError::Callback(error) => callback::log(error, request_id),
        ApiError::Multipart(error) => error.log(request_id),
        // A browser shows its user no reason for a refused preflight, so the operator has to find it here.
        ApiError::OriginNotAllowed(origin) => {
            let origin = Echo(origin);
            tracing::warn!(
                request_id,
                code,
                %origin,
                setting = "UPLOAD_ORIGINS",
                "a page of {origin:?} was refused; add its origin to UPLOAD_ORIGINS if it may upload"
            );
        }
        _ => tracing::debug!(request_id, code, "refused"),
    }
}
