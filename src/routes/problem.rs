//! Every failure that the routes can answer: status, stable code, what happened and what to do.
//!
//! The closed list of codes; with `denial`, which words why a caller was not let in, the only place
//! that names the status of a failure. Handlers return a [`Problem`]; its words are put together once,
//! at the very end, where the request id is known.
//! No sentence carries a secret or another system's answer.
//!
//! The runtime has codes of its own for what never reaches a route: see [`crate::runtime`].

use axum::body::Body;
use axum::response::IntoResponse;
use axum::response::Response;
use http::HeaderValue;
use http::StatusCode;
use http::header::CONTENT_LENGTH;
use http::header::RETRY_AFTER;
use http::header::WWW_AUTHENTICATE;
use serde::Serialize;

use crate::credentials::Unavailable;
use crate::grant::Refused;
use crate::identity::budget::Exceeded;
use crate::identity::denied::Denied;
use crate::policy::route::Refusal;
use crate::policy::route::Route;
use crate::routes::denial;
use crate::routes::dialect;
use crate::routes::uploads::MAX_FILES;

/// A failure, with what its sentence needs to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The page's origin is not on the list.
    OriginNotAllowed(String),
    /// The route's rule does not let this caller in.
    Denied(Denied),
    /// The caller has been granted as much as there is for now.
    BudgetExceeded(Exceeded),
    /// There is no such path.
    NotFound,
    /// The path exists, but not with this method.
    MethodNotAllowed,
    /// The call cannot be understood; the sentence says where.
    InvalidRequest(String),
    /// There is no route of this name.
    RouteNotFound(Option<String>),
    /// More files than one call may name.
    TooManyFiles(usize),
    /// The route's rules forbid this file.
    Refused(Refusal, Limits),
    /// There is nothing to sign with.
    NoCredentials,
    /// The key is at its end.
    CredentialsExpired,
    /// Something that should not happen; the text goes to the log, not to the caller.
    Internal(&'static str),
}

/// What a route takes, for a caller whose file it refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// The smallest file in bytes.
    pub min_size: u64,
    /// The largest file in bytes.
    pub max_size: u64,
    /// The types it takes; empty takes all.
    pub types: Vec<String>,
}

/// A failure in words, as it is answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Detail {
    /// The stable code.
    pub error: &'static str,
    /// What happened, what to do.
    pub message: String,
    /// What the route takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,
}

impl Problem {
    /// Says that a call cannot be understood.
    pub fn invalid(sentence: impl Into<String>) -> Self {
        Self::InvalidRequest(sentence.into())
    }

    /// Takes over why a wish was not granted.
    #[must_use]
    pub fn refused(refused: Refused, route: &Route) -> Self {
        match refused {
            Refused::CredentialEnding => Self::CredentialsExpired,
            Refused::ByRules(refusal) => Self::Refused(
                refusal,
                Limits {
                    min_size: route.size.min,
                    max_size: route.size.max,
                    types: route.types.iter().map(ToString::to_string).collect(),
                },
            ),
        }
    }

    /// Gives the code's status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::OriginNotAllowed(_) => StatusCode::FORBIDDEN,
            Self::Denied(denied) => denial::status(denied),
            Self::BudgetExceeded(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::NotFound | Self::RouteNotFound(_) => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::InvalidRequest(_) | Self::TooManyFiles(_) => StatusCode::BAD_REQUEST,
            Self::Refused(..) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::NoCredentials | Self::CredentialsExpired => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Gives the stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::OriginNotAllowed(_) => "origin_not_allowed",
            Self::Denied(denied) => denial::code(denied),
            Self::BudgetExceeded(_) => "budget_exceeded",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::InvalidRequest(_) => "invalid_request",
            Self::RouteNotFound(_) => "route_not_found",
            Self::TooManyFiles(_) => "too_many_files",
            Self::Refused(Refusal::FileTooLarge { .. }, _) => "file_too_large",
            Self::Refused(Refusal::FileTooSmall { .. }, _) => "file_too_small",
            Self::Refused(Refusal::TypeNotAllowed { .. }, _) => "type_not_allowed",
            Self::Refused(Refusal::TypeRequired, _) => "type_required",
            Self::NoCredentials => "no_credentials",
            Self::CredentialsExpired => "credentials_expired",
            Self::Internal(_) => "internal",
        }
    }

    /// Says what happened and what to do.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Self::OriginNotAllowed(origin) => format!(
                "Pages of {origin:?} may not ask for uploads here. If they should, add the origin to UPLOAD_ORIGINS."
            ),
            Self::Denied(denied) => denial::message(denied),
            Self::BudgetExceeded(Exceeded { retry_after }) => {
                format!("You have been granted as much as there is for now. Ask again in {retry_after} s.")
            }
            Self::NotFound => "There is nothing at this path. The README lists the calls.".to_owned(),
            Self::MethodNotAllowed => {
                "This path is not called with this method; the header 'allow' lists those that it takes.".to_owned()
            }
            Self::InvalidRequest(sentence) => format!("The call cannot be understood: {sentence}."),
            Self::RouteNotFound(name) => {
                let name = name.as_deref().unwrap_or("default");
                format!("There is no route {name:?}. Name one that the settings define.")
            }
            Self::TooManyFiles(count) => {
                format!("The call names {count} files, one call takes {MAX_FILES}. Ask in several calls.")
            }
            Self::Refused(refusal, limits) => describe(refusal, limits),
            Self::NoCredentials => "There are no credentials to sign with. Attach a role that may \
                 oss:PutObject on the bucket to the function, or set ALIBABA_CLOUD_ACCESS_KEY_ID and \
                 ALIBABA_CLOUD_ACCESS_KEY_SECRET."
                .to_owned(),
            Self::CredentialsExpired => "The credentials to sign with have reached their end. Redeploy the \
                 function, so that new instances start with new keys."
                .to_owned(),
            Self::Internal(_) => "Something failed inside the function. Try again; if it stays, look for the \
                 request id in its log."
                .to_owned(),
        }
    }

    /// Gives the failure in words.
    #[must_use]
    pub fn detail(&self) -> Detail {
        let limits = match self {
            Self::Refused(_, limits) => Some(limits.clone()),
            _ => None,
        };
        Detail { error: self.code(), message: self.message(), limits }
    }
}

fn describe(refusal: &Refusal, limits: &Limits) -> String {
    match refusal {
        Refusal::FileTooLarge { size } => {
            format!(
                "The file has {size} bytes; at most {} are taken. Choose a smaller one.",
                limits.max_size
            )
        }
        Refusal::FileTooSmall { size } => {
            format!(
                "The file has {size} bytes; at least {} are wanted. Choose another one.",
                limits.min_size
            )
        }
        Refusal::TypeNotAllowed { content_type } => {
            format!(
                "A file of type {content_type:?} is not taken; what is: {}.",
                limits.types.join(", ")
            )
        }
        Refusal::TypeRequired => format!(
            "The file's type has to be named, since only these are taken: {}. Ask with the type.",
            limits.types.join(", ")
        ),
    }
}

impl From<Unavailable> for Problem {
    fn from(unavailable: Unavailable) -> Self {
        match unavailable {
            Unavailable::Missing(_) | Unavailable::Failing { .. } => Self::NoCredentials,
            Unavailable::Expired => Self::CredentialsExpired,
        }
    }
}

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::RuleMissing => Self::Internal("a route without a rule"),
            denied => Self::Denied(denied),
        }
    }
}

impl Problem {
    /// Says in how many seconds asking again may help.
    fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Denied(Denied::JwksUnavailable { retry_after })
            | Self::BudgetExceeded(Exceeded { retry_after }) => Some(*retry_after),
            _ => None,
        }
    }
}

/// Carries the problem to [`word`], which knows the request id.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        if let Self::Denied(denied) = &self {
            headers.extend(denial::challenge(denied).map(|value| (WWW_AUTHENTICATE, value)));
        }
        headers.extend(self.retry_after().map(|wait| (RETRY_AFTER, HeaderValue::from(wait))));
        response.extensions_mut().insert(self);
        response
    }
}

#[derive(Serialize)]
struct Worded<'a> {
    #[serde(flatten)]
    detail: Detail,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
}

/// Puts a problem into words, and into the log where somebody should act.
pub(super) fn word(mut response: Response, request_id: Option<&str>) -> Response {
    let Some(problem) = response.extensions_mut().remove::<Problem>() else {
        return response;
    };
    let id = request_id.unwrap_or_default();
    match &problem {
        Problem::Internal(reason) => {
            tracing::error!(request_id = id, code = "internal", "{reason}");
        }
        Problem::NoCredentials
        | Problem::CredentialsExpired
        | Problem::Denied(Denied::JwksUnavailable { .. }) => {
            tracing::error!(request_id = id, code = problem.code(), "{}", problem.message());
        }
        _ => tracing::debug!(request_id = id, code = problem.code(), "refused"),
    }
    let worded = dialect::uncached(&Worded { detail: problem.detail(), request_id });
    let (mut parts, _) = response.into_parts();
    // The length was that of the empty body that carried the problem here.
    parts.headers.remove(CONTENT_LENGTH);
    parts.headers.extend(worded.headers().clone());
    Response::from_parts(parts, worded.into_body())
}
