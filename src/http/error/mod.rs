//! Every failure of the API: status, stable code, message, response.
//!
//! A closed list of codes. Handlers return an [`ApiError`]; [`write_body`] writes its JSON at the very end, where the
//! request id is known. No message contains a secret or the response of another system. The runtime has codes of its own
//! for requests that never reach the API: see [`fc_http`].

mod auth;
mod callback;
mod chinese;
mod echo;
mod language;
mod multipart;
mod policy;
mod response;

use std::time::Duration;

use http::StatusCode;
use serde::Serialize;

use crate::auth::AuthError;
use crate::auth::limits::LimitError;
use crate::auth::rate_limit::RateLimitExceeded;
use crate::callback::CallbackError;
use crate::credentials::CredentialsError;
use crate::grant::GrantError;
use crate::policy::PolicyError;
use crate::policy::route::Route;
use crate::store;

pub(super) use echo::Echo;
pub use language::MessageLanguage;
pub use multipart::MultipartError;
pub use policy::Limits;
pub(super) use response::{ErrorFormat, write_body};

/// A failure, with the values that its message needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApiError {
    /// The page's origin is not in the list.
    OriginNotAllowed(String),
    /// The route's auth rule does not admit this caller.
    Auth(AuthError),
    /// The caller's budget is used up for now.
    BudgetExceeded(RateLimitExceeded),
    /// The store that counts for all instances fails, and the setting says that nothing is granted then.
    LimitsUnavailable,
    /// There is no such path.
    NotFound,
    /// The path exists, but not with this method.
    MethodNotAllowed,
    /// The call is malformed; the texts say where, without a full stop.
    InvalidRequest {
        /// In English.
        english: String,
        /// In Chinese.
        chinese: String,
    },
    /// There is no route of this name.
    RouteNotFound {
        /// The name in the request.
        name: Option<String>,
        /// The names of the routes, if the response may list them.
        known: Vec<String>,
    },
    /// More files than one call of this route may name.
    TooManyFiles(usize, Limits),
    /// The route's rules forbid this file.
    Policy(PolicyError, Limits),
    /// No source has credentials to sign with. The text names each source and its reason, for the log.
    NoCredentials(String),
    /// The source of credentials fails for now.
    CredentialsUnavailable {
        /// The reason, for the log.
        reason: String,
        /// When to try again.
        retry_after: Duration,
    },
    /// The credentials end too soon to sign anything with them.
    CredentialsExpired,
    /// OSS is to call the function back, and the address of the function is unknown.
    CallbackAddressUnknown,
    /// The route has no callback.
    CallbackNotConfigured,
    /// OSS's callback was refused or could not be processed; the details go to the log.
    Callback(CallbackError),
    /// An upload in parts cannot begin, continue or end.
    Multipart(MultipartError),
    /// The route gives out no download links.
    DownloadNotEnabled,
    /// The route gives out no session keys.
    StsNotEnabled,
    /// The template of the route does not render this key for this caller.
    KeyNotAllowed(String),
    /// The route does not allow this operation on an object.
    ProcessNotAllowed(String),
    /// A bug or a failure of the system; the text goes to the log, not to the caller.
    Internal(&'static str),
}

/// The JSON of a failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ErrorBody {
    /// The stable code.
    pub error: &'static str,
    /// What happened and what to do.
    pub message: String,
    /// What the route accepts, where the file was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,
}

const NO_CREDENTIALS: &str = "There are no credentials to sign with. Attach a role that may \
    oss:PutObject on the bucket to the function, or set ALIBABA_CLOUD_ACCESS_KEY_ID and \
    ALIBABA_CLOUD_ACCESS_KEY_SECRET. The log names every source and why it passed.";
const CREDENTIALS_UNAVAILABLE: &str = "The service that gives out credentials does not \
    give any for now. Try again in a moment; the log says what it answered.";
const CREDENTIALS_EXPIRED: &str = "The credentials to sign with have reached their end. Redeploy the \
    function, so that new instances start with new keys.";
const LIMITS_UNAVAILABLE: &str = "The store that counts uploads for all instances does not answer, and nothing \
    is granted without it. Try again in a moment; the log says what is wrong with UPLOAD_STORE_URL.";
const CALLBACK_ADDRESS_UNKNOWN: &str = "OSS is to call this function, and this call was not made under a \
    name that Function Compute gives to functions. Set PUBLIC_URL to the address at which OSS \
    reaches the function.";
const CALLBACK_NOT_CONFIGURED: &str = "The forms of this route order no callback. Set 'to' in its \
    [routes.<name>.callback], or correct the address that is called.";
const DOWNLOAD_NOT_ENABLED: &str = "This route gives out no download links. Set 'enabled = true' in its \
    [routes.<name>.download].";
const STS_NOT_ENABLED: &str = "This route gives out no session keys. Set 'enabled = true' in its \
    [routes.<name>.sts], or use another call.";

impl ApiError {
    /// Returns the error of a malformed call, in both languages.
    pub fn invalid(english: impl Into<String>, chinese: impl Into<String>) -> Self {
        Self::InvalidRequest { english: english.into(), chinese: chinese.into() }
    }

    /// Returns the error of a body that is not the JSON of its call. The parser's message can quote the body.
    pub(super) fn invalid_json(error: &serde_json::Error, example: &str) -> Self {
        let error = error.to_string();
        let error = Echo(&error);
        Self::invalid(
            format!("the body is not the JSON of this call ({error}); it looks like {example}"),
            format!("请求体应为如下 JSON：{example}"),
        )
    }

    /// Converts the error of a grant.
    #[must_use]
    pub fn from_grant(error: GrantError, route: &Route) -> Self {
        match error {
            GrantError::CredentialsExpired => Self::CredentialsExpired,
            GrantError::ReceiptSignerMissing => {
                Self::Internal("a route with a callback has no receipt key")
            }
            GrantError::PartOutOfRange { number, count } => {
                Self::Multipart(MultipartError::PartOutOfRange { number, count })
            }
            GrantError::DownloadNotEnabled => Self::DownloadNotEnabled,
            GrantError::KeyNotAllowed(key) => Self::KeyNotAllowed(key),
            GrantError::ProcessNotAllowed(process) => Self::ProcessNotAllowed(process),
            GrantError::Policy(error) => Self::Policy(error, Limits::of(route)),
        }
    }

    /// Returns the HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::OriginNotAllowed(_) | Self::KeyNotAllowed(_) | Self::ProcessNotAllowed(_) => {
                StatusCode::FORBIDDEN
            }
            Self::Auth(error) => auth::status(error),
            Self::BudgetExceeded(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::NotFound
            | Self::RouteNotFound { .. }
            | Self::CallbackNotConfigured
            | Self::DownloadNotEnabled
            | Self::StsNotEnabled => StatusCode::NOT_FOUND,
            Self::CallbackAddressUnknown => StatusCode::MISDIRECTED_REQUEST,
            Self::Callback(error) => callback::status(error),
            Self::Multipart(error) => error.status(),
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::InvalidRequest { .. } | Self::TooManyFiles(..) => StatusCode::BAD_REQUEST,
            Self::Policy(error, _) => policy::status(error),
            Self::NoCredentials(_)
            | Self::CredentialsUnavailable { .. }
            | Self::CredentialsExpired
            | Self::LimitsUnavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Returns when the client may try again.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::CredentialsUnavailable { retry_after, .. } => Some(*retry_after),
            Self::LimitsUnavailable => Some(store::PAUSE),
            Self::Auth(AuthError::JwksUnavailable { retry_after })
            | Self::Callback(CallbackError::KeyUnavailable { retry_after })
            | Self::BudgetExceeded(RateLimitExceeded { retry_after }) => {
                Some(Duration::from_secs(*retry_after))
            }
            _ => None,
        }
    }

    /// Returns the stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::OriginNotAllowed(_) => "origin_not_allowed",
            Self::Auth(error) => auth::code(error),
            Self::BudgetExceeded(_) => "budget_exceeded",
            Self::LimitsUnavailable => "limits_unavailable",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::InvalidRequest { .. } => "invalid_request",
            Self::RouteNotFound { .. } => "route_not_found",
            Self::TooManyFiles(..) => "too_many_files",
            Self::Policy(error, _) => policy::code(error),
            Self::NoCredentials(_) => "no_credentials",
            Self::CredentialsUnavailable { .. } => "credentials_unavailable",
            Self::CredentialsExpired => "credentials_expired",
            Self::CallbackAddressUnknown => "callback_address_unknown",
            Self::CallbackNotConfigured => "callback_not_configured",
            Self::Callback(error) => callback::code(error),
            Self::Multipart(error) => error.code(),
            Self::DownloadNotEnabled => "download_not_enabled",
            Self::StsNotEnabled => "sts_not_enabled",
            Self::KeyNotAllowed(_) => "key_not_allowed",
            Self::ProcessNotAllowed(_) => "process_not_allowed",
            Self::Internal(_) => "internal",
        }
    }

    /// Returns the message in a language: what happened and what to do.
    #[must_use]
    pub fn message_in(&self, language: MessageLanguage) -> String {
        match language {
            MessageLanguage::English => self.message(),
            MessageLanguage::Chinese => chinese::message(self),
        }
    }

    /// Returns the message in English.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Self::OriginNotAllowed(origin) => format!(
                "Pages of {:?} may not ask for uploads here. If they should, add the origin to UPLOAD_ORIGINS.",
                Echo(origin)
            ),
            Self::Auth(error) => auth::message(error),
            Self::BudgetExceeded(RateLimitExceeded { retry_after }) => {
                format!("You have been granted as much as there is for now. Ask again in {retry_after} s.")
            }
            Self::LimitsUnavailable => LIMITS_UNAVAILABLE.to_owned(),
            Self::NotFound => "There is nothing at this path. GET /openapi.json lists the calls.".to_owned(),
            Self::MethodNotAllowed => {
                "This path is not called with this method; the header 'allow' lists those that it takes.".to_owned()
            }
            Self::InvalidRequest { english, .. } => format!("The call cannot be understood: {english}."),
            Self::RouteNotFound { name, known } => {
                let name = Echo(name.as_deref().unwrap_or("default"));
                if known.is_empty() {
                    return format!("There is no route {name:?}. Name one that the settings define.");
                }
                format!("There is no route {name:?}. Name one of these: {}.", known.join(", "))
            }
            Self::TooManyFiles(count, limits) => {
                let most = limits.max_files;
                format!("The call names {count} files, one call takes {most}. Ask in several calls.")
            }
            Self::Policy(error, limits) => policy::message(error, limits),
            Self::NoCredentials(_) => NO_CREDENTIALS.to_owned(),
            Self::CredentialsUnavailable { .. } => CREDENTIALS_UNAVAILABLE.to_owned(),
            Self::CredentialsExpired => CREDENTIALS_EXPIRED.to_owned(),
            Self::CallbackAddressUnknown => CALLBACK_ADDRESS_UNKNOWN.to_owned(),
            Self::CallbackNotConfigured => CALLBACK_NOT_CONFIGURED.to_owned(),
            Self::Callback(error) => callback::message(error).to_owned(),
            Self::Multipart(error) => error.message(),
            Self::DownloadNotEnabled => DOWNLOAD_NOT_ENABLED.to_owned(),
            Self::StsNotEnabled => STS_NOT_ENABLED.to_owned(),
            Self::KeyNotAllowed(key) => format!(
                "This route stores no object {:?} for this caller. Send the key as the upload returned it.",
                Echo(key)
            ),
            Self::ProcessNotAllowed(process) => format!(
                "This route does not allow the operation {:?}. Send one of 'download.process' in its settings.",
                Echo(process)
            ),
            Self::Internal(_) => "Something failed inside the function. Try again; if it stays, look for the \
                 request id in its log."
                .to_owned(),
        }
    }

    /// Returns the JSON of the failure.
    #[must_use]
    pub fn body(&self, language: MessageLanguage) -> ErrorBody {
        let limits = match self {
            Self::Policy(_, limits) | Self::TooManyFiles(_, limits) => Some(limits.clone()),
            _ => None,
        };
        ErrorBody { error: self.code(), message: self.message_in(language), limits }
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
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::RuleMissing => Self::Internal("a route without a rule"),
            error => Self::Auth(error),
        }
    }
}

impl From<LimitError> for ApiError {
    fn from(error: LimitError) -> Self {
        match error {
            LimitError::TicketUsed => Self::Auth(AuthError::TicketUsed),
            LimitError::Unavailable => Self::LimitsUnavailable,
        }
    }
}

impl From<MultipartError> for ApiError {
    fn from(error: MultipartError) -> Self {
        Self::Multipart(error)
    }
}

impl From<CallbackError> for ApiError {
    fn from(error: CallbackError) -> Self {
        Self::Callback(error)
    }
}
