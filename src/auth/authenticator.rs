//! The judge: the route's rule, what a call shows, and the time → a caller, or why not.
//!
//! Of `any`, the first way that lets in does. When none does, the refusal is that of the first thing
//! that was shown: who sent a token wants to hear of the token.

use std::collections::BTreeMap;

use crate::auth::caller::{AuthMethod, Caller};
use crate::auth::error::AuthError;
use crate::auth::jwt::claims::Required;
use crate::auth::origin::Verdict;
use crate::auth::request_credentials::RequestCredentials;
use crate::auth::rule::AuthRule;
use crate::auth::{jwt, ticket};
use crate::net::HttpClient;
use crate::time::Timestamp;

/// What callers are judged by.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The rule of each route, by the route's name.
    pub rules: BTreeMap<String, AuthRule>,
    /// Claims that a token has to have for a route, beside those for every route; by the route's name.
    pub claims: BTreeMap<String, Vec<Required>>,
    /// How tokens are verified, if any rule asks for one.
    pub jwt: Option<jwt::Options>,
    /// How tickets are verified, if any rule asks for one.
    pub tickets: Option<ticket::Options>,
}

/// Lets callers in, or does not.
#[derive(Debug)]
pub struct Authenticator {
    rules: BTreeMap<String, AuthRule>,
    claims: BTreeMap<String, Vec<Required>>,
    jwt: Option<jwt::Verifier>,
    tickets: Option<ticket::Options>,
}

impl Authenticator {
    /// Takes the rules and the keys; nothing is fetched before the first token comes.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self {
            rules: options.rules,
            claims: options.claims,
            jwt: options.jwt.map(jwt::Verifier::new),
            tickets: options.tickets,
        }
    }

    /// Judges one call. Keys that are not here yet are fetched through `http`.
    pub async fn admit(
        &self,
        evidence: &RequestCredentials<'_>,
        now: Timestamp,
        http: &dyn HttpClient,
    ) -> Result<Caller, AuthError> {
        let rule = self.rules.get(evidence.route).ok_or(AuthError::RuleMissing)?;
        // The one question that may have to wait is answered first; the rest is plain reckoning.
        let jwt = if rule.mentions(&AuthRule::Jwt) {
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
            AuthRule::Anonymous => Ok(Caller::unnamed(AuthMethod::Nothing)),
            AuthRule::Jwt => hearing.jwt.clone(),
            AuthRule::Ticket => {
                let ticket = hearing.evidence.ticket()?;
                let keys = self.tickets.as_ref().ok_or(AuthError::TicketSignatureInvalid)?;
                keys.verify(ticket, hearing.evidence.route, hearing.now)
            }
            AuthRule::Origin => match hearing.evidence.origin {
                Verdict::Allowed => Ok(Caller::unnamed(AuthMethod::Origin)),
                Verdict::NoOrigin | Verdict::Foreign => Err(AuthError::OriginRequired),
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
                    if said.is_none_or(|said| said.is_silence() && !denied.is_silence()) {
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
