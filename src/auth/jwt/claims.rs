//! What a verified token has to say: its times, its issuer, its audience, further claims.

use std::fmt;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::auth::AuthError;
use crate::auth::{AuthMethod, Caller, Claims};
use crate::time::Timestamp;

/// How far clocks may differ, unless the settings say otherwise.
pub const DEFAULT_LEEWAY: Duration = Duration::from_mins(1);

/// What is wanted of the claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimRules {
    /// The issuers that are taken; empty takes all.
    pub issuers: Vec<String>,
    /// The audiences that are taken, of which the token has to name one; empty takes all.
    pub audiences: Vec<String>,
    /// How far the issuer's clock and ours may differ.
    pub leeway: Duration,
    /// Claims that have to be there, whatever the route.
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

/// A claim that has to be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequiredClaim {
    /// The claim's name.
    pub name: String,
    /// Its value, or one of its values if it is a list; without it any will do.
    pub value: Option<String>,
}

impl RequiredClaim {
    /// Reads `name` or `name=value`.
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

    fn is_met(&self, claim: &Value) -> bool {
        let Some(wanted) = &self.value else {
            return !claim.is_null();
        };
        match claim {
            Value::Array(items) => items.iter().any(|item| text(item).as_ref() == Some(wanted)),
            // OAuth writes its scopes as words on one line.
            Value::String(words) if self.name == "scope" => {
                words.split(' ').any(|word| word == wanted)
            }
            claim => text(claim).as_ref() == Some(wanted),
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
    /// Compares a verified token's claims with the rules, and with what the route requires beside them.
    pub(super) fn check(
        &self,
        claims: &Map<String, Value>,
        of_route: &[RequiredClaim],
        now: Timestamp,
    ) -> Result<Caller, AuthError> {
        self.check_times(claims, now.unix())?;
        let names = |claim: &str, wanted: &[String]| {
            wanted.is_empty() || names(claims.get(claim)).any(|one| wanted.iter().any(|w| w == one))
        };
        if !names("iss", &self.issuers) {
            return Err(AuthError::TokenIssuerNotAllowed);
        }
        if !names("aud", &self.audiences) {
            return Err(AuthError::TokenAudienceNotAllowed);
        }
        for required in self.required.iter().chain(of_route) {
            if !claims.get(&required.name).is_some_and(|claim| required.is_met(claim)) {
                return Err(AuthError::TokenClaimMissing(required.name.clone()));
            }
        }
        let subject = match claims.get("sub") {
            None => None,
            Some(Value::String(subject)) if !subject.is_empty() => Some(subject.clone()),
            Some(_) => return Err(AuthError::TokenMalformed),
        };
        let as_text = claims.iter().filter_map(|(name, value)| Some((name.clone(), text(value)?)));
        Ok(Caller { subject, claims: as_text.collect::<Claims>(), method: AuthMethod::Jwt })
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

/// Reads a moment in Unix seconds, which may have a fraction.
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

/// Gives the texts of a claim that is one text or a list of them.
fn names(claim: Option<&Value>) -> impl Iterator<Item = &str> {
    let list = match claim {
        Some(Value::Array(items)) => &items[..],
        Some(one) => std::slice::from_ref(one),
        None => &[],
    };
    list.iter().filter_map(Value::as_str)
}

/// Gives a claim as text; lists, objects and nothing at all have none.
fn text(claim: &Value) -> Option<String> {
    match claim {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
