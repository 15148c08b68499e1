//! What callers are judged by: the rules of the routes, the keys of tokens and tickets, the pages, the
//! budgets. Secrets stand in the environment only, and are never shown.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::auth::jwt::claims;
use crate::auth::jwt::claims::{ClaimRules, RequiredClaim};
use crate::auth::jwt::jwks::JwksUrl;
use crate::auth::jwt::key::VerificationKey;
use crate::auth::origin::{Origin, Origins};
use crate::auth::rate_limit::RateLimit;
use crate::auth::rule::AuthRule;
use crate::auth::{authenticator, jwt, rate_limit, ticket};
use crate::config::environment::Environment;
use crate::config::error::ConfigErrors;
use crate::config::reader::{ConfigReader, KEYS_EXAMPLE};
use crate::config::route::Reader;
use crate::config::setting::Setting;
use crate::config::toml_file::File;
use crate::config::{known_key, route, setting, value};

/// The longest that clocks may differ before somebody should set them.
const MAX_LEEWAY: Duration = Duration::from_mins(5);

/// The longest lifetime that tickets can be given: what lives longer is a key.
const MAX_TICKET_LIFETIME: Duration = Duration::from_hours(24);

/// Reads the pages that may ask.
pub(super) fn read_origins(config: &mut ConfigReader<'_>) -> Origins {
    match config.top_entry(&setting::ORIGINS) {
        None => Origins::Same,
        Some(entry) if entry.texts() == ["*"] => Origins::Any,
        Some(entry) => Origins::List(config.each(&setting::ORIGINS, &entry, Origin::parse)),
    }
}

/// Reads the rules and the keys that they need.
pub(super) fn read_gate(
    config: &mut ConfigReader<'_>,
    origins: &Origins,
) -> authenticator::Options {
    let rules = route::read_rules(config);
    let claims = read_claims(config, &rules);
    let jwt = read_jwt(config);
    let tickets = read_tickets(config);
    let asks_for = |way: AuthRule| rules.values().find(|rule| rule.contains(&way));
    if let Some(rule) = asks_for(AuthRule::Jwt).filter(|_| jwt.is_none()) {
        let variables = format!(
            "{}, {} or {}",
            setting::JWKS_URL.variable,
            setting::JWT_PUBLIC_KEY.variable,
            setting::JWT_SECRET
        );
        let example = format!("{}={}", setting::JWKS_URL.variable, setting::JWKS_URL.example);
        config.add_error(
            place(rule),
            format!("tokens need a key to be verified with; set {variables}"),
            example,
        );
    }
    if let Some(rule) = asks_for(AuthRule::Ticket).filter(|_| tickets.is_none()) {
        let problem =
            format!("tickets need a key to be verified with; set {}", setting::TICKET_KEYS);
        config.add_error(place(rule), problem, format!("{}={KEYS_EXAMPLE}", setting::TICKET_KEYS));
    }
    if let Some(rule) = asks_for(AuthRule::Origin).filter(|_| *origins == Origins::Any) {
        let problem = "it asks for a page on the list, and origins is '*', which lists every page";
        let example = format!("{}={}", setting::ORIGINS.variable, setting::ORIGINS.example);
        config.add_error(place(rule), problem.to_owned(), example);
    }
    authenticator::Options { rules, claims, jwt, tickets }
}

/// Reads the claims that a token has to have for a route, beside those for every route.
fn read_claims(
    config: &mut ConfigReader<'_>,
    rules: &BTreeMap<String, AuthRule>,
) -> BTreeMap<String, Vec<RequiredClaim>> {
    let mut claims = BTreeMap::new();
    for name in route::names(config) {
        let reader = Reader { config, name };
        let Some(entry) = reader.own(setting::JWT_CLAIMS.key) else { continue };
        let Reader { config, name } = reader;
        let required = config.each(&setting::JWT_CLAIMS, &entry, RequiredClaim::parse);
        if entry.texts().is_empty() {
            let problem =
                "it names no claim, and takes back none of those at the top: leave it out";
            config.add_invalid(&setting::JWT_CLAIMS, &entry, problem);
        }
        if rules.get(&name).is_some_and(|rule| !rule.contains(&AuthRule::Jwt)) {
            let problem = "the route asks for no token, so no claim is ever looked at";
            config.add_error(entry.describe(), problem.to_owned(), "auth = \"jwt\"".to_owned());
        }
        claims.insert(name, required);
    }
    claims
}

fn place(rule: &AuthRule) -> String {
    format!("auth = \"{rule}\"")
}

/// Reads how tickets are verified and minted, for who knows the environment only.
///
/// # Errors
/// Every problem with these variables.
pub fn tickets(environment: &Environment) -> Result<Option<ticket::Options>, ConfigErrors> {
    let mut config = ConfigReader::new(environment, File::default());
    let tickets = read_tickets(&mut config);
    config.finish().map(|()| tickets)
}

fn read_tickets(config: &mut ConfigReader<'_>) -> Option<ticket::Options> {
    let lifetime = config.top(&setting::TICKET_LIFETIME, |text| {
        within(text, Duration::from_secs(1)..=MAX_TICKET_LIFETIME, "a ticket lives from 1s to 24h")
    });
    let keys = config.keys(setting::TICKET_KEYS, ticket::MIN_KEY_LENGTH);
    let lifetime = lifetime.unwrap_or(ticket::MAX_LIFETIME);
    (!keys.is_empty()).then_some(ticket::Options { keys, lifetime })
}

fn read_jwt(config: &mut ConfigReader<'_>) -> Option<jwt::Options> {
    let rules = ClaimRules {
        issuers: list(config, &setting::JWT_ISSUER),
        audiences: list(config, &setting::JWT_AUDIENCE),
        leeway: config
            .top(&setting::JWT_LEEWAY, |text| {
                within(text, Duration::ZERO..=MAX_LEEWAY, "clocks may differ by 5m at most")
            })
            .unwrap_or(claims::DEFAULT_LEEWAY),
        required: match config.top_entry(&setting::JWT_CLAIMS) {
            Some(entry) => config.each(&setting::JWT_CLAIMS, &entry, RequiredClaim::parse),
            None => Vec::new(),
        },
    };
    let jwks_url = config.top_unseen(&setting::JWKS_URL, JwksUrl::parse);
    let mut keys = config
        .top_unseen(&setting::JWT_PUBLIC_KEY, VerificationKey::read_public)
        .unwrap_or_default();
    keys.extend(read_secret(config));
    let has_key = jwks_url.is_some() || !keys.is_empty();
    has_key.then_some(jwt::Options { keys, jwks_url, rules })
}

fn read_secret(config: &mut ConfigReader<'_>) -> Option<VerificationKey> {
    let secret = config.environment.get(setting::JWT_SECRET)?;
    let example = format!("{}={KEYS_EXAMPLE}", setting::JWT_SECRET);
    if known_key::is_known(secret) {
        config.complain_of_known_key(setting::JWT_SECRET, example.clone());
    }
    let add_error = |error: jwt::key::InvalidVerificationKey| {
        config.add_error(setting::JWT_SECRET.to_owned(), error.to_string(), example);
    };
    VerificationKey::shared(secret).map_err(add_error).ok()
}

/// Reads the budgets; a window alone limits nothing.
pub(super) fn read_budget(config: &mut ConfigReader<'_>) -> Option<RateLimit> {
    let grants = config.top(&setting::BUDGET_GRANTS, |text| match text.parse::<u64>() {
        Ok(0) | Err(_) => Err("a budget is a whole number of grants, 1 or more"),
        Ok(grants) => Ok(grants),
    });
    let bytes = config.top(&setting::BUDGET_BYTES, value::size);
    let window = config.top(&setting::BUDGET_WINDOW, |text| {
        let window = Duration::from_secs(1)..=Duration::from_hours(24);
        within(text, window, "a window lasts from 1s to 24h")
    });
    let window = window.unwrap_or(rate_limit::DEFAULT_WINDOW);
    (grants.is_some() || bytes.is_some()).then_some(RateLimit { grants, bytes, window })
}

/// Reads a list that limits something where it is there. One without a text is a error: whoever
/// writes it means that nothing is taken, and without the setting everything is.
fn list(config: &mut ConfigReader<'_>, setting: &Setting) -> Vec<String> {
    let Some(entry) = config.top_entry(setting) else {
        return Vec::new();
    };
    if entry.texts().is_empty() {
        config.add_invalid(
            setting,
            &entry,
            "it lists nothing; name a value, or leave the setting out",
        );
    }
    config.list(setting, &entry)
}

fn within(
    text: &str,
    range: std::ops::RangeInclusive<Duration>,
    problem: &'static str,
) -> Result<Duration, &'static str> {
    let duration = value::duration(text)?;
    if range.contains(&duration) { Ok(duration) } else { Err(problem) }
}
