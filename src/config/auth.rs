//! Authentication: the rules of the routes, the keys of tokens and tickets, the origins of pages.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use http::HeaderName;

use crate::auth::jwt::claims;
use crate::auth::jwt::claims::{ClaimRules, RequiredClaim};
use crate::auth::jwt::jwks::JwksUrl;
use crate::auth::jwt::key::VerificationKey;
use crate::auth::origin::{Origin, Origins};
use crate::auth::rule::AuthRule;
use crate::auth::{authenticator, jwt, ticket};
use crate::config::environment::Environment;
use crate::config::raw::ConfigErrors;
use crate::config::reader::{ConfigReader, RouteReader};
use crate::config::table::{self, Setting};
use crate::config::toml_file::TomlFile;
use crate::config::{secrets, value};

/// The longest leeway: clocks that differ by more have to be set.
const MAX_LEEWAY: Duration = Duration::from_mins(5);

/// The longest lifetime of a ticket: what lives longer is a key.
const MAX_TICKET_LIFETIME: Duration = Duration::from_hours(24);

/// The most names of request headers: a response's headers are limited too.
const MAX_CORS_HEADERS: usize = 32;

const MAX_CORS_HEADER_BYTES: usize = 64;

/// The headers that no page can set (Fetch, "forbidden request-header"), but for two prefixes.
const UNSENT_HEADERS: [&str; 22] = [
    "accept-charset",
    "accept-encoding",
    "access-control-request-headers",
    "access-control-request-method",
    "access-control-request-private-network",
    "connection",
    "content-length",
    "cookie",
    "cookie2",
    "date",
    "dnt",
    "expect",
    "host",
    "keep-alive",
    "origin",
    "referer",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
];

/// Reads the origins of pages that may call the function.
pub(super) fn read_origins(config: &mut ConfigReader<'_>) -> Origins {
    match config.entry(&table::ORIGINS) {
        None => Origins::Same,
        Some(raw) if raw.texts() == ["*"] => Origins::Any,
        Some(raw) => Origins::List(config.each(&table::ORIGINS, &raw, Origin::parse)),
    }
}

/// Reads the names of request headers that pages may send besides those of the known clients.
pub(super) fn read_cors_headers(config: &mut ConfigReader<'_>) -> Vec<HeaderName> {
    let Some(raw) = config.entry(&table::CORS_HEADERS) else {
        return Vec::new();
    };
    let names = config.each(&table::CORS_HEADERS, &raw, cors_header);
    if names.len() > MAX_CORS_HEADERS {
        let problem = format!("there are at most {MAX_CORS_HEADERS} names");
        config.add_invalid(&table::CORS_HEADERS, &raw, &problem);
    }
    names
}

/// Parses the name of a header that a page can send. A browser sets the others itself, and a preflight names none.
fn cors_header(text: &str) -> Result<HeaderName, &'static str> {
    // Not the wildcard of CORS either: it would allow headers of which the operator knows nothing.
    if text == "*" {
        return Err("name each header");
    }
    let name = HeaderName::from_bytes(text.as_bytes())
        .ok()
        .filter(|_| text.len() <= MAX_CORS_HEADER_BYTES)
        .ok_or("the name of a header has up to 64 letters, digits and '-'")?;
    let lower = name.as_str();
    if UNSENT_HEADERS.contains(&lower) || lower.starts_with("sec-") || lower.starts_with("proxy-") {
        return Err("browsers let no page set this header");
    }
    Ok(name)
}

/// Reads the rules and the keys that they need.
pub(super) fn read_authenticator(
    config: &mut ConfigReader<'_>,
    origins: &Origins,
) -> authenticator::Options {
    let rules = read_rules(config);
    let claims = read_claims(config, &rules);
    let jwt = read_jwt(config);
    let tickets = read_tickets(config);
    let rule_with = |method: AuthRule| rules.values().find(|rule| rule.contains(&method));
    if let Some(rule) = rule_with(AuthRule::Jwt).filter(|_| jwt.is_none()) {
        let problem = format!(
            "tokens need a key to be verified with; set {}, {} or {}",
            table::JWKS_URL.variable,
            table::JWT_PUBLIC_KEY.variable,
            table::JWT_SECRET.variable
        );
        config.add_error(place(rule), problem, table::JWKS_URL.variable_example());
    }
    if let Some(rule) = rule_with(AuthRule::Ticket).filter(|_| tickets.is_none()) {
        let problem =
            format!("tickets need a key to be verified with; set {}", table::TICKET_KEYS.variable);
        config.add_error(place(rule), problem, table::TICKET_KEYS.variable_example());
    }
    if let Some(rule) = rule_with(AuthRule::Origin).filter(|_| *origins == Origins::Any) {
        let problem = "it requires an allowed origin, and origins is '*', which allows every page";
        config.add_error(place(rule), problem.to_owned(), table::ORIGINS.variable_example());
    }
    authenticator::Options { rules, claims, jwt, tickets }
}

fn place(rule: &AuthRule) -> String {
    format!("auth = \"{rule}\"")
}

/// Reads the rule of each route, by the route's name. A route without one is an error: nothing is
/// open unless it is written.
fn read_rules(config: &mut ConfigReader<'_>) -> BTreeMap<String, AuthRule> {
    let mut rules = BTreeMap::new();
    for name in config.route_names() {
        let mut reader = RouteReader { config, name };
        if reader.entry(&table::AUTH).is_none() {
            reader.config.add_missing(&table::AUTH);
        }
        let rule = reader.value(&table::AUTH, AuthRule::parse);
        rules.extend(rule.map(|rule| (reader.name, rule)));
    }
    rules
}

/// Reads the claims that a token has to have for a route, in addition to those for every route.
fn read_claims(
    config: &mut ConfigReader<'_>,
    rules: &BTreeMap<String, AuthRule>,
) -> BTreeMap<String, Vec<RequiredClaim>> {
    let mut claims = BTreeMap::new();
    for name in config.route_names() {
        let reader = RouteReader { config, name };
        let Some(raw) = reader.own(table::JWT_CLAIMS.key) else { continue };
        let RouteReader { config, name } = reader;
        let required = config.each(&table::JWT_CLAIMS, &raw, RequiredClaim::parse);
        if raw.texts().is_empty() {
            let problem = "it names no claim, and cannot remove those at the top: leave it out";
            config.add_invalid(&table::JWT_CLAIMS, &raw, problem);
        }
        if rules.get(&name).is_some_and(|rule| !rule.contains(&AuthRule::Jwt)) {
            let problem = "the route's auth takes no token, so no claim is checked";
            config.add_error(raw.describe(), problem.to_owned(), "auth = \"jwt\"".to_owned());
        }
        claims.insert(name, required);
    }
    claims
}

/// Reads how tickets are verified and minted from the environment alone.
///
/// # Errors
/// Every problem with these variables.
pub fn tickets(environment: &Environment) -> Result<Option<ticket::Options>, ConfigErrors> {
    let mut config = ConfigReader::new(environment, TomlFile::default());
    let tickets = read_tickets(&mut config);
    config.finish().map(|()| tickets)
}

fn read_tickets(config: &mut ConfigReader<'_>) -> Option<ticket::Options> {
    let lifetime = config.value(&table::TICKET_LIFETIME, |text| {
        within(text, Duration::from_secs(1)..=MAX_TICKET_LIFETIME, "a ticket lives from 1s to 24h")
    });
    let keys = config.keys(&table::TICKET_KEYS, ticket::MIN_KEY_LENGTH);
    let lifetime = lifetime.unwrap_or(ticket::MAX_LIFETIME);
    (!keys.is_empty()).then_some(ticket::Options { keys, max_lifetime: lifetime })
}

fn read_jwt(config: &mut ConfigReader<'_>) -> Option<jwt::Options> {
    let leeway = config.value(&table::JWT_LEEWAY, |text| {
        within(text, Duration::ZERO..=MAX_LEEWAY, "clocks may differ by 5m at most")
    });
    let issuers = list(config, &table::JWT_ISSUER);
    let audiences = list(config, &table::JWT_AUDIENCE);
    let required = match config.entry(&table::JWT_CLAIMS) {
        Some(raw) => config.each(&table::JWT_CLAIMS, &raw, RequiredClaim::parse),
        None => Vec::new(),
    };
    let leeway = leeway.unwrap_or(claims::DEFAULT_LEEWAY);
    let rules = ClaimRules { issuers, audiences, leeway, required };
    let jwks_url = config.value(&table::JWKS_URL, JwksUrl::parse);
    let mut keys =
        config.value(&table::JWT_PUBLIC_KEY, VerificationKey::read_public).unwrap_or_default();
    keys.extend(read_jwt_secret(config));
    let has_key = jwks_url.is_some() || !keys.is_empty();
    has_key.then_some(jwt::Options { keys, jwks_url, rules })
}

fn read_jwt_secret(config: &mut ConfigReader<'_>) -> Option<VerificationKey> {
    let secret = config.environment.get(table::JWT_SECRET.variable)?;
    if secrets::is_known(secret) {
        config.add_known_key(&table::JWT_SECRET);
    }
    let key = VerificationKey::shared(secret);
    key.map_err(|error| config.add_secret_error(&table::JWT_SECRET, &error.to_string())).ok()
}

/// Reads a list that limits something where it is written. A list without a text is an error: whoever
/// writes it means that nothing is allowed, and without the setting everything is.
fn list(config: &mut ConfigReader<'_>, setting: &Setting) -> Vec<String> {
    let Some(raw) = config.entry(setting) else {
        return Vec::new();
    };
    if raw.texts().is_empty() {
        let problem = "it lists nothing; name a value, or leave the setting out";
        config.add_invalid(setting, &raw, problem);
    }
    config.list(setting, &raw)
}

/// Parses a time in a range.
pub(super) fn within(
    text: &str,
    range: RangeInclusive<Duration>,
    problem: &'static str,
) -> Result<Duration, &'static str> {
    let duration = value::duration(text)?;
    if range.contains(&duration) { Ok(duration) } else { Err(problem) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_of_cors_is_one_that_a_page_can_send() {
        for (text, name) in [("traceparent", "traceparent"), ("X-Tenant_ID", "x-tenant_id")] {
            assert_eq!(cors_header(text).unwrap(), name);
        }
        for bad in [
            "",
            "*",
            "a b",
            "a:",
            "é",
            "Cookie",
            "HOST",
            "sec-fetch-mode",
            "Proxy-X",
            &"a".repeat(65),
        ] {
            assert!(cors_header(bad).is_err(), "{bad}");
        }
    }
}
