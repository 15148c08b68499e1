//! The judge: the route's rule, what a call shows, and the time → a caller, or why not.
//!
//! Of `any`, the first way that lets in does. When none does, the refusal is that of the first thing
//! that was shown: who sent a token wants to hear of the token.

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

/// What callers are judged by.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The rule of each route, by the route's name.
    pub rules: BTreeMap<String, AuthRule>,
    /// Claims that a token has to have for a route, beside those for every route; by the route's name.
    pub claims: BTreeMap<String, Vec<RequiredClaim>>,
    /// How tokens are verified, if any rule asks for one.
    pub jwt: Option<jwt::Options>,
    /// How tickets are verified, if any rule asks for one.
    pub tickets: Option<ticket::Options>,
}

/// Lets callers in, or does not.
#[derive(Debug)]
pub struct Authenticator {
    rules: BTreeMap<String, AuthRule>,
    claims: BTreeMap<String, Vec<RequiredClaim>>,
    jwt: Option<jwt::JwtVerifier>,
    tickets: Option<ticket::Options>,
}

impl Authenticator {
    /// Takes the rules and the keys; nothing is fetched before the first token comes.
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

    /// Judges one call. Keys that are not here yet are fetched through `http`.
    pub async fn authenticate(
        &self,
        evidence: &RequestCredentials<'_>,
        now: Timestamp,
        http: &dyn HttpClient,
    ) -> Result<Caller, AuthError> {
        let rule = self.rule(evidence.route).ok_or(AuthError::RuleMissing)?;
        // The one question that may have to wait is answered first; the rest is plain reckoning.
        let jwt = if rule.contains(&AuthRule::Jwt) {
            self.read_token(evidence, now, http).await
        } else {
            Err(AuthError::TokenMissing)
        };
        self.judge(rule, &AuthAttempt { evidence, now, jwt })
    }

    async fn read_token(
        &self,
        evidence: &RequestCredentials<'_>,
        now: Timestamp,
        http: &dyn HttpClient,
    ) -> Result<Caller, AuthError> {
        let token = evidence.token()?;
        let verifier = self.jwt.as_ref().ok_or(AuthError::TokenKeyUnknown)?;
        let required = self.claims.get(evidence.route).map_or(&[][..], Vec::as_slice);
        verifier.verify(token, required, now, http).await
    }

    fn judge(&self, rule: &AuthRule, hearing: &AuthAttempt<'_>) -> Result<Caller, AuthError> {
        match rule {
            AuthRule::Anonymous => Ok(Caller::without_subject(AuthMethod::Anonymous)),
            AuthRule::Jwt => hearing.jwt.clone(),
            AuthRule::Ticket => {
                let ticket = hearing.evidence.ticket()?;
                let keys = self.tickets.as_ref().ok_or(AuthError::TicketSignatureInvalid)?;
                keys.verify(ticket, hearing.evidence.route, hearing.now)
            }
            AuthRule::Origin => match hearing.evidence.origin {
                OriginStatus::Allowed => Ok(Caller::without_subject(AuthMethod::Origin)),
                OriginStatus::Absent | OriginStatus::NotAllowed => Err(AuthError::OriginRequired),
            },
            AuthRule::All(ways) => {
                let mut caller = Caller::default();
                for way in ways {
                    caller = caller.with(self.judge(way, hearing)?)?;
                }
                Ok(caller)
            }
            AuthRule::Any(ways) => self.judge_any(ways, hearing),
        }
    }

    fn judge_any(&self, ways: &[AuthRule], hearing: &AuthAttempt<'_>) -> Result<Caller, AuthError> {
        let mut refusal: Option<AuthError> = None;
        for way in ways {
            match self.judge(way, hearing) {
                Ok(caller) => return Ok(caller),
                Err(denied) => {
                    let said = refusal.as_ref();
                    if said.is_none_or(|said| said.is_missing() && !denied.is_missing()) {
                        refusal = Some(denied);
                    }
                }
            }
        }
        Err(refusal.unwrap_or(AuthError::RuleMissing))
    }
}

/// One call before the judge.
struct AuthAttempt<'a> {
    evidence: &'a RequestCredentials<'a>,
    now: Timestamp,
    /// What the token says, which was found out before.
    jwt: Result<Caller, AuthError>,
}

/// Where a ticket may stand alone.
pub const X_UPLOAD_TICKET: HeaderName = HeaderName::from_static("x-upload-ticket");

/// Where Uppy's companions look for a token.
const UPPY_AUTH_TOKEN: HeaderName = HeaderName::from_static("uppy-auth-token");

/// What one call shows.
#[derive(Clone, Copy)]
pub struct RequestCredentials<'a> {
    /// The call's headers.
    pub headers: &'a HeaderMap,
    /// The ticket in the path, if the call has one there.
    pub path_ticket: Option<&'a str>,
    /// What the origin list says of it.
    pub origin: OriginStatus,
    /// The route that is asked for.
    pub route: &'a str,
}

/// Headers and path carry what lets callers in, so neither shows.
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
    /// Gives the token, from `Authorization: Bearer` or `Uppy-Auth-Token`.
    pub(super) fn token(&self) -> Result<&'a str, AuthError> {
        let shown = self.bearer().map_err(|Ambiguous| AuthError::TokenMalformed)?;
        shown.filter(|text| !ticket::has_prefix(text)).ok_or(AuthError::TokenMissing)
    }

    /// Gives the ticket, from the path, from `X-Upload-Ticket`, or from where tokens stand.
    pub(super) fn ticket(&self) -> Result<&'a str, AuthError> {
        if let Some(text) = self.path_ticket {
            return Ok(text);
        }
        if let Some(text) =
            self.one(&X_UPLOAD_TICKET).map_err(|Ambiguous| AuthError::TicketMalformed)?
        {
            return Ok(text);
        }
        let shown = self.bearer().map_err(|Ambiguous| AuthError::TicketMalformed)?;
        shown.filter(|text| ticket::has_prefix(text)).ok_or(AuthError::TicketMissing)
    }

    fn bearer(&self) -> Result<Option<&'a str>, Ambiguous> {
        let Some(text) = self.one(&AUTHORIZATION)? else {
            return self.one(&UPPY_AUTH_TOKEN);
        };
        let (scheme, text) = text.split_once(' ').unwrap_or((text, ""));
        Ok(scheme.eq_ignore_ascii_case("bearer").then_some(text.trim_start()))
    }

    /// Gives the text of a header that may stand there once.
    fn one(&self, name: &HeaderName) -> Result<Option<&'a str>, Ambiguous> {
        let mut values = self.headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(value), None) => value.to_str().map(Some).map_err(|_| Ambiguous),
            (Some(_), Some(_)) => Err(Ambiguous),
        }
    }
}

/// A header that is there twice, or is no text: nobody can say what it shows.
struct Ambiguous;
