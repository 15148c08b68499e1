//! Authentication of a request: the route's rule, the request's credentials and the time give a caller or an error.
//!
//! Of `any`, the first rule that succeeds counts. If none does, the error is that of the first credentials that were
//! sent: a client that has sent a token needs the error about the token.

use std::collections::BTreeMap;
use std::fmt;

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName};

use crate::auth::jwt::claims::RequiredClaim;
use crate::auth::origin::OriginStatus;
use crate::auth::rule::AuthRule;
use crate::auth::{AuthError, AuthMethod, Caller, jwt, ticket};
use crate::net::HttpClient;
use crate::time::Timestamp;

/// The settings of authentication.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The rule of each route, by the route's name.
    pub rules: BTreeMap<String, AuthRule>,
    /// Claims that a token needs for a route in addition to those for every route, by the route's name.
    pub claims: BTreeMap<String, Vec<RequiredClaim>>,
    /// The verification of tokens, if a rule needs one.
    pub jwt: Option<jwt::Options>,
    /// The verification of tickets, if a rule needs one.
    pub tickets: Option<ticket::Options>,
}

/// Authenticates requests.
#[derive(Debug)]
pub struct Authenticator {
    rules: BTreeMap<String, AuthRule>,
    claims: BTreeMap<String, Vec<RequiredClaim>>,
    jwt: Option<jwt::JwtVerifier>,
    tickets: Option<ticket::Options>,
}

impl Authenticator {
    /// Takes the rules and the keys. Fetches nothing before the first token arrives.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self {
            rules: options.rules,
            claims: options.claims,
            jwt: options.jwt.map(jwt::JwtVerifier::new),
            tickets: options.tickets,
        }
    }

    /// Returns the rule of a route.
    #[must_use]
    pub fn rule(&self, route: &str) -> Option<&AuthRule> {
        self.rules.get(route)
    }

    /// Authenticates one request. Missing keys are fetched through `http`.
    pub async fn authenticate(
        &self,
        credentials: &RequestCredentials<'_>,
        now: Timestamp,
        http: &dyn HttpClient,
    ) -> Result<Caller, AuthError> {
        let rule = self.rule(credentials.route).ok_or(AuthError::RuleMissing)?;
        // The token first, because its keys may have to be fetched; the rest needs no waiting.
        let jwt = if rule.contains(&AuthRule::Jwt) {
            self.read_token(credentials, now, http).await
        } else {
            Err(AuthError::TokenMissing)
        };
        self.check(rule, &AuthAttempt { credentials, now, jwt })
    }

    async fn read_token(
        &self,
        credentials: &RequestCredentials<'_>,
        now: Timestamp,
        http: &dyn HttpClient,
    ) -> Result<Caller, AuthError> {
        let token = credentials.token()?;
        let verifier = self.jwt.as_ref().ok_or(AuthError::TokenKeyUnknown)?;
        let required = self.claims.get(credentials.route).map_or(&[][..], Vec::as_slice);
        verifier.verify(token, required, now, http).await
    }

    fn check(&self, rule: &AuthRule, attempt: &AuthAttempt<'_>) -> Result<Caller, AuthError> {
        match rule {
            AuthRule::Anonymous => Ok(Caller::without_subject(AuthMethod::Anonymous)),
            AuthRule::Jwt => attempt.jwt.clone(),
            AuthRule::Ticket => {
                let ticket = attempt.credentials.ticket()?;
                let keys = self.tickets.as_ref().ok_or(AuthError::TicketSignatureInvalid)?;
                keys.verify(ticket, attempt.credentials.route, attempt.now)
            }
            AuthRule::Origin => match attempt.credentials.origin {
                OriginStatus::Allowed => Ok(Caller::without_subject(AuthMethod::Origin)),
                OriginStatus::Absent | OriginStatus::NotAllowed => Err(AuthError::OriginRequired),
            },
            AuthRule::All(methods) => {
                let mut caller = Caller::default();
                for method in methods {
                    caller = caller.with(self.check(method, attempt)?)?;
                }
                Ok(caller)
            }
            AuthRule::Any(methods) => self.check_any(methods, attempt),
        }
    }

    fn check_any(
        &self,
        methods: &[AuthRule],
        attempt: &AuthAttempt<'_>,
    ) -> Result<Caller, AuthError> {
        let mut first: Option<AuthError> = None;
        for method in methods {
            match self.check(method, attempt) {
                Ok(caller) => return Ok(caller),
                Err(error) => {
                    let replaces = |first: &AuthError| first.is_missing() && !error.is_missing();
                    if first.as_ref().is_none_or(replaces) {
                        first = Some(error);
                    }
                }
            }
        }
        Err(first.unwrap_or(AuthError::RuleMissing))
    }
}

/// One request that is being authenticated.
struct AuthAttempt<'a> {
    credentials: &'a RequestCredentials<'a>,
    now: Timestamp,
    /// The result of the token, which has been verified before.
    jwt: Result<Caller, AuthError>,
}

/// The header for a ticket.
pub const X_UPLOAD_TICKET: HeaderName = HeaderName::from_static("x-upload-ticket");

/// The header in which Uppy's Companion clients send a token.
const UPPY_AUTH_TOKEN: HeaderName = HeaderName::from_static("uppy-auth-token");

/// The credentials of one request: a token or a ticket in its headers, a ticket in its path, and the page's origin.
///
/// Credentials are never in the query, because queries are kept in browser histories and in logs. A ticket may be in
/// the path, because some clients cannot send headers; it expires within minutes, and the log leaves it out.
#[derive(Clone, Copy)]
pub struct RequestCredentials<'a> {
    /// The headers of the request.
    pub headers: &'a HeaderMap,
    /// The ticket in the path, if there is one.
    pub path_ticket: Option<&'a str>,
    /// The result of the origin check.
    pub origin: OriginStatus,
    /// The name of the requested route.
    pub route: &'a str,
}

/// Headers and path contain credentials, so neither is shown.
impl fmt::Debug for RequestCredentials<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RequestCredentials")
            .field("origin", &self.origin)
            .field("route", &self.route)
            .finish_non_exhaustive()
    }
}

impl<'a> RequestCredentials<'a> {
    /// Returns the token from `Authorization: Bearer` or `Uppy-Auth-Token`.
    pub(super) fn token(&self) -> Result<&'a str, AuthError> {
        let text = self.bearer().map_err(|Ambiguous| AuthError::TokenMalformed)?;
        text.filter(|text| !ticket::has_prefix(text)).ok_or(AuthError::TokenMissing)
    }

    /// Returns the ticket from the path, from `X-Upload-Ticket`, or from a header for tokens.
    pub(super) fn ticket(&self) -> Result<&'a str, AuthError> {
        if let Some(text) = self.path_ticket {
            return Ok(text);
        }
        if let Some(text) =
            self.single_value(&X_UPLOAD_TICKET).map_err(|Ambiguous| AuthError::TicketMalformed)?
        {
            return Ok(text);
        }
        let text = self.bearer().map_err(|Ambiguous| AuthError::TicketMalformed)?;
        text.filter(|text| ticket::has_prefix(text)).ok_or(AuthError::TicketMissing)
    }

    fn bearer(&self) -> Result<Option<&'a str>, Ambiguous> {
        let Some(text) = self.single_value(&AUTHORIZATION)? else {
            return self.single_value(&UPPY_AUTH_TOKEN);
        };
        let (scheme, text) = text.split_once(' ').unwrap_or((text, ""));
        Ok(scheme.eq_ignore_ascii_case("bearer").then_some(text.trim_start()))
    }

    /// Returns the value of a header that may occur once.
    fn single_value(&self, name: &HeaderName) -> Result<Option<&'a str>, Ambiguous> {
        let mut values = self.headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(value), None) => value.to_str().map(Some).map_err(|_| Ambiguous),
            (Some(_), Some(_)) => Err(Ambiguous),
        }
    }
}

/// A header that occurs twice or is not text, so its meaning is uncertain.
struct Ambiguous;
