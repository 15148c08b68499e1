//! Every failure that the routes can answer: status, stable code, what happened and what to do.
//!
//! The closed list of codes; with `refusal`, `denial` and `callback_refusal`, which word why a wish, a
//! caller or a callback was refused, the only place that names the status of a failure. Handlers return a
//! [`ApiError`]; its words are put together once, at the very end, where the request id is known.
//! No sentence carries a secret or another system's answer.
//!
//! The runtime has codes of its own for what never reaches a route: see [`fc_http`].

use std::time::Duration;

use http::StatusCode;
use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use serde::Serialize;

use crate::auth::AuthError;
use crate::auth::rate_limit::RateLimitExceeded;
use crate::callback;
use crate::credentials::CredentialsError;
use crate::grant::GrantError;
use crate::http::echo::Echo;
use crate::http::limits::Limits;
use crate::http::{Response, auth_error, callback_error, error_response, policy_error};
use crate::policy::PolicyError;
use crate::policy::route::Route;

/// A failure, with what its sentence needs to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApiError {
    /// The page's origin is not on the list.
    OriginNotAllowed(String),
    /// The route's rule does not let this caller in.
    AuthError(AuthError),
    /// The caller has been granted as much as there is for now.
    BudgetExceeded(RateLimitExceeded),
    /// There is no such path.
    NotFound,
    /// The path exists, but not with this method.
    MethodNotAllowed,
    /// The call cannot be understood; the sentence says where.
    InvalidRequest(String),
    /// There is no route of this name.
    RouteNotFound(Option<String>),
    /// More files than one call may name under its route.
    TooManyFiles(usize, Limits),
    /// The route's rules forbid this file.
    Policy(PolicyError, Limits),
    /// There is nothing to sign with; which sources there are and why each passed goes to the log.
    NoCredentials(String),
    /// The source of credentials does not give any for now; what it said goes to the log.
    CredentialsUnavailable {
        /// What it said.
        reason: String,
        /// When to ask again.
        retry_after: Duration,
    },
    /// The key is at its end.
    CredentialsExpired,
    /// OSS is to call the function, and nothing says at which address.
    CallbackAddressUnknown,
    /// The route's forms order no callback.
    CallbackNotConfigured,
    /// OSS's callback came to nothing; the details go to the log.
    Callback(callback::CallbackError),
    /// Something that should not happen; the text goes to the log, not to the caller.
    Internal(&'static str),
}

/// A failure in words, as it is answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ErrorBody {
    /// The stable code.
    pub error: &'static str,
    /// What happened, what to do.
    pub message: String,
    /// What the route takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,
}

impl ApiError {
    /// Says that a call cannot be understood.
    pub fn invalid(sentence: impl Into<String>) -> Self {
        Self::InvalidRequest(sentence.into())
    }

    /// Says that a body is not the JSON of its call, and what such JSON looks like. The reader's own words
    /// can quote the body.
    pub(super) fn not_json(error: &serde_json::Error, example: &str) -> Self {
        let error = error.to_string();
        let error = Echo(&error);
        Self::InvalidRequest(format!(
            "the body is not the JSON of this call ({error}); it looks like {example}"
        ))
    }

    /// Takes over why a wish was not granted.
    #[must_use]
    pub fn refused(refused: GrantError, route: &Route) -> Self {
        match refused {
            GrantError::CredentialsExpired => Self::CredentialsExpired,
            GrantError::ReceiptSignerMissing => {
                Self::Internal("a route that has somebody told was given no seal")
            }
            GrantError::Policy(refusal) => Self::Policy(refusal, Limits::of(route)),
        }
    }

    /// Gives the code's status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::OriginNotAllowed(_) => StatusCode::FORBIDDEN,
            Self::AuthError(denied) => auth_error::status(denied),
            Self::BudgetExceeded(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::NotFound | Self::RouteNotFound(_) | Self::CallbackNotConfigured => {
                StatusCode::NOT_FOUND
            }
            Self::CallbackAddressUnknown => StatusCode::MISDIRECTED_REQUEST,
            Self::Callback(refused) => callback_error::status(refused),
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::InvalidRequest(_) | Self::TooManyFiles(..) => StatusCode::BAD_REQUEST,
            Self::Policy(refusal, _) => policy_error::status(refusal),
            Self::NoCredentials(_)
            | Self::CredentialsUnavailable { .. }
            | Self::CredentialsExpired => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Says after what time asking again may help.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::CredentialsUnavailable { retry_after, .. } => Some(*retry_after),
            Self::AuthError(AuthError::JwksUnavailable { retry_after })
            | Self::Callback(callback::CallbackError::KeyUnavailable { retry_after })
            | Self::BudgetExceeded(RateLimitExceeded { retry_after }) => {
                Some(Duration::from_secs(*retry_after))
            }
            _ => None,
        }
    }

    /// Gives the stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::OriginNotAllowed(_) => "origin_not_allowed",
            Self::AuthError(denied) => auth_error::code(denied),
            Self::BudgetExceeded(_) => "budget_exceeded",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::InvalidRequest(_) => "invalid_request",
            Self::RouteNotFound(_) => "route_not_found",
            Self::TooManyFiles(..) => "too_many_files",
            Self::Policy(refusal, _) => policy_error::code(refusal),
            Self::NoCredentials(_) => "no_credentials",
            Self::CredentialsUnavailable { .. } => "credentials_unavailable",
            Self::CredentialsExpired => "credentials_expired",
            Self::CallbackAddressUnknown => "callback_address_unknown",
            Self::CallbackNotConfigured => "callback_not_configured",
            Self::Callback(refused) => callback_error::code(refused),
            Self::Internal(_) => "internal",
        }
    }

    /// Says what happened and what to do.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Self::OriginNotAllowed(origin) => format!(
                "Pages of {:?} may not ask for uploads here. If they should, add the origin to UPLOAD_ORIGINS.",
                Echo(origin)
            ),
            Self::AuthError(denied) => auth_error::message(denied),
            Self::BudgetExceeded(RateLimitExceeded { retry_after }) => {
                format!("You have been granted as much as there is for now. Ask again in {retry_after} s.")
            }
            Self::NotFound => "There is nothing at this path. GET /openapi.json lists the calls.".to_owned(),
            Self::MethodNotAllowed => {
                "This path is not called with this method; the header 'allow' lists those that it takes.".to_owned()
            }
            Self::InvalidRequest(sentence) => format!("The call cannot be understood: {sentence}."),
            Self::RouteNotFound(name) => {
                let name = Echo(name.as_deref().unwrap_or("default"));
                format!("There is no route {name:?}. Name one that the settings define.")
            }
            Self::TooManyFiles(count, limits) => {
                let most = limits.max_files;
                format!("The call names {count} files, one call takes {most}. Ask in several calls.")
            }
            Self::Policy(refusal, limits) => policy_error::describe(refusal, limits),
            Self::NoCredentials(_) => "There are no credentials to sign with. Attach a role that may \
                 oss:PutObject on the bucket to the function, or set ALIBABA_CLOUD_ACCESS_KEY_ID and \
                 ALIBABA_CLOUD_ACCESS_KEY_SECRET. The log names every source and why it passed."
                .to_owned(),
            Self::CredentialsUnavailable { .. } => "The service that gives out credentials does not \
                 give any for now. Try again in a moment; the log says what it answered."
                .to_owned(),
            Self::CredentialsExpired => "The credentials to sign with have reached their end. Redeploy the \
                 function, so that new instances start with new keys."
                .to_owned(),
            Self::CallbackAddressUnknown => "OSS is to call this function, and this call was not made under a \
                 name that Function Compute gives to functions. Set PUBLIC_URL to the address at which OSS \
                 reaches the function."
                .to_owned(),
            Self::CallbackNotConfigured => "The forms of this route order no callback. Set 'to' in its \
                 [routes.<name>.callback], or correct the address that is called."
                .to_owned(),
            Self::Callback(refused) => callback_error::message(refused).to_owned(),
            Self::Internal(_) => "Something failed inside the function. Try again; if it stays, look for the \
                 request id in its log."
                .to_owned(),
        }
    }

    /// Gives the failure in words.
    #[must_use]
    pub fn detail(&self) -> ErrorBody {
        let limits = match self {
            Self::Policy(_, limits) | Self::TooManyFiles(_, limits) => Some(limits.clone()),
            _ => None,
        };
        ErrorBody { error: self.code(), message: self.message(), limits }
    }
}

impl From<CredentialsError> for ApiError {
    fn from(error: CredentialsError) -> Self {
        match error {
            CredentialsError::Missing(passed) => Self::NoCredentials(passed),
            CredentialsError::Failing { reason, retry_after } => {
                Self::CredentialsUnavailable { reason, retry_after }
            }
            CredentialsError::Expired => Self::CredentialsExpired,
        }
    }
}

impl From<AuthError> for ApiError {
    fn from(denied: AuthError) -> Self {
        match denied {
            AuthError::RuleMissing => Self::Internal("a route without a rule"),
            denied => Self::AuthError(denied),
        }
    }
}

impl From<callback::CallbackError> for ApiError {
    fn from(refused: callback::CallbackError) -> Self {
        Self::Callback(refused)
    }
}

impl ApiError {
    /// Carries the problem to [`word`], which knows the request id.
    pub(super) fn into_response(self) -> Response {
        let mut response = Response::default();
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        if let Self::AuthError(denied) = &self {
            headers.extend(auth_error::challenge(denied).map(|value| (WWW_AUTHENTICATE, value)));
        }
        if let Some(wait) = self.retry_after() {
            // Whole seconds, and not too early.
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            headers.insert(RETRY_AFTER, seconds.max(1).into());
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// Puts a problem into words, and into the log where somebody should act.
pub(super) fn word(mut response: Response, request_id: Option<&str>) -> Response {
    let Some(problem) = response.extensions_mut().remove::<ApiError>() else {
        return response;
    };
    let id = request_id.unwrap_or_default();
    match &problem {
        ApiError::Internal(reason) => {
            tracing::error!(request_id = id, code = "internal", "{reason}");
        }
        ApiError::NoCredentials(reason) | ApiError::CredentialsUnavailable { reason, .. } => {
            tracing::error!(
                request_id = id,
                code = problem.code(),
                "{} {reason}",
                problem.message()
            );
        }
        ApiError::CredentialsExpired | ApiError::AuthError(AuthError::JwksUnavailable { .. }) => {
            tracing::error!(request_id = id, code = problem.code(), "{}", problem.message());
        }
        ApiError::Callback(refused) => callback_error::log(refused, id),
        _ => tracing::debug!(request_id = id, code = problem.code(), "refused"),
    }
    let worded = error_response::word(&mut response, &problem.detail(), request_id);
    let (mut parts, _) = response.into_parts();
    parts.headers.extend(worded.headers().clone());
    Response::from_parts(parts, worded.into_body())
}
