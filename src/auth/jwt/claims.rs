//! The claims of a verified token: times, issuer, audience, and further required claims.

use std::fmt;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::auth::AuthError;
use crate::auth::{AuthMethod, Caller, Claims};
use crate::time::Timestamp;

/// The default tolerance between the clocks of issuer and function.
pub const DEFAULT_LEEWAY: Duration = Duration::from_mins(1);

/// The requirements for the claims of every token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimRules {
    /// The allowed issuers; empty allows every issuer.
    pub issuers: Vec<String>,
    /// The allowed audiences, of which the token has to name one; empty allows every audience.
    pub audiences: Vec<String>,
    /// The tolerance between the clocks of issuer and function.
    pub leeway: Duration,
    /// Claims that every token needs, whatever the route.
    pub required: Vec<RequiredClaim>,
}

impl Default for ClaimRules {
    fn default() -> Self {
        Self {
            issuers: Vec::new(),
            audiences: Vec::new(),
            leeway: DEFAULT_LEEWAY,
            required: Vec::new(),
        }
    }
}

/// A claim that a token needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequiredClaim {
    /// The name of the claim.
    pub name: String,
    /// The required value, or one of the values if the claim is a list; `None` accepts every value.
    pub value: Option<String>,
}

impl RequiredClaim {
    /// Parses `name` or `name=value`.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name.trim(), Some(value.trim())),
            None => (text.trim(), None),
        };
        if name.is_empty() || value.is_some_and(str::is_empty) {
            return Err("a claim is 'name' or 'name=value'");
        }
        Ok(Self { name: name.to_owned(), value: value.map(str::to_owned) })
    }

    fn is_satisfied_by(&self, claim: &Value) -> bool {
        let Some(expected) = &self.value else {
            return !claim.is_null();
        };
        match claim {
            Value::Array(items) => items.iter().any(|item| text(item).as_ref() == Some(expected)),
            // OAuth separates the scopes in one text by spaces.
            Value::String(scopes) if self.name == "scope" => {
                scopes.split(' ').any(|scope| scope == expected)
            }
            claim => text(claim).as_ref() == Some(expected),
        }
    }
}

impl fmt::Display for RequiredClaim {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.name)?;
        self.value.iter().try_for_each(|value| write!(formatter, "={value}"))
    }
}

impl ClaimRules {
    /// Checks the claims of a verified token, and those that the route requires in addition.
    pub(super) fn check(
        &self,
        claims: &Map<String, Value>,
        route_claims: &[RequiredClaim],
        now: Timestamp,
    ) -> Result<Caller, AuthError> {
        self.check_times(claims, now.unix())?;
        let texts = |claim: &str, expected: &[String]| {
            expected.is_empty()
                || texts(claims.get(claim)).any(|one| expected.iter().any(|w| w == one))
        };
        if !texts("iss", &self.issuers) {
            return Err(AuthError::TokenIssuerNotAllowed);
        }
        if !texts("aud", &self.audiences) {
            return Err(AuthError::TokenAudienceNotAllowed);
        }
        for required in self.required.iter().chain(route_claims) {
            if !claims.get(&required.name).is_some_and(|claim| required.is_satisfied_by(claim)) {
                return Err(AuthError::TokenClaimMissing(required.name.clone()));
            }
        }
        let subject = match claims.get("sub") {
            None => None,
            Some(Value::String(subject)) if !subject.is_empty() => Some(subject.clone()),
            Some(_) => return Err(AuthError::TokenMalformed),
        };
        let as_text = claims.iter().filter_map(|(name, value)| Some((name.clone(), text(value)?)));
        let claims = as_text.collect::<Claims>();
        Ok(Caller { subject, claims, ..Caller::without_subject(AuthMethod::Jwt) })
    }

    fn check_times(&self, claims: &Map<String, Value>, now: i64) -> Result<(), AuthError> {
        let leeway = i64::try_from(self.leeway.as_secs()).unwrap_or(i64::MAX);
        let expires_at = seconds(claims, "exp")?
            .ok_or_else(|| AuthError::TokenClaimMissing("exp".to_owned()))?;
        if expires_at.saturating_add(leeway) <= now {
            return Err(AuthError::TokenExpired);
        }
        for start in ["nbf", "iat"] {
            if seconds(claims, start)?.is_some_and(|start| start > now.saturating_add(leeway)) {
                return Err(AuthError::TokenNotYetValid);
            }
        }
        Ok(())
    }
}

/// Reads a time in Unix seconds, which may have a fraction.
fn seconds(claims: &Map<String, Value>, name: &str) -> Result<Option<i64>, AuthError> {
    let Some(value) = claims.get(name) else {
        return Ok(None);
    };
    let whole = value.as_i64().or_else(|| {
        let duration = Duration::try_from_secs_f64(value.as_f64()?).ok()?;
        i64::try_from(duration.as_secs()).ok()
    });
    whole.map(Some).ok_or(AuthError::TokenMalformed)
}

/// Returns the texts of a claim that is one text or a list of texts.
fn texts(claim: Option<&Value>) -> impl Iterator<Item = &str> {
    let list = match claim {
        Some(Value::Array(items)) => &items[..],
        Some(one) => std::slice::from_ref(one),
        None => &[],
    };
    list.iter().filter_map(Value::as_str)
}

/// Returns a claim as text; `None` for lists, objects and null.
fn text(claim: &Value) -> Option<String> {
    match claim {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
