//! What callers are judged by: the rules of the routes, the keys of tokens and tickets, the pages, the
//! budgets. Secrets stand in the environment only, and are never shown.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::auth::access::Access;
use crate::auth::budget;
use crate::auth::budget::Budget;
use crate::auth::gate;
use crate::auth::jwt;
use crate::auth::jwt::claims;
use crate::auth::jwt::claims::Required;
use crate::auth::jwt::claims::Rules;
use crate::auth::jwt::jwks::JwksUrl;
use crate::auth::jwt::key::Key;
use crate::auth::origin::Origin;
use crate::auth::origin::Origins;
use crate::auth::ticket;
use crate::config::complaint::Complaints;
use crate::config::desk::Desk;
use crate::config::desk::KEYS_EXAMPLE;
use crate::config::entry;
use crate::config::entry::Setting;
use crate::config::environment::Environment;
use crate::config::file::File;
use crate::config::known_key;
use crate::config::route;
use crate::config::route::Reader;
use crate::config::value;

/// The longest that clocks may differ before somebody should set them.
const MAX_LEEWAY: Duration = Duration::from_mins(5);

/// The longest lifetime that tickets can be given: what lives longer is a key.
const MAX_TICKET_LIFETIME: Duration = Duration::from_hours(24);

/// Reads the pages that may ask.
pub(super) fn read_origins(desk: &mut Desk<'_>) -> Origins {
    match desk.top_entry(&entry::ORIGINS) {
        None => Origins::Same,
        Some(entry) if entry.texts() == ["*"] => Origins::Any,
        Some(entry) => Origins::List(desk.each(&entry::ORIGINS, &entry, Origin::parse)),
    }
}

/// Reads the rules and the keys that they need.
pub(super) fn read_gate(desk: &mut Desk<'_>, origins: &Origins) -> gate::Options {
    let rules = route::read_rules(desk);
    let claims = read_claims(desk, &rules);
    let jwt = read_jwt(desk);
    let tickets = read_tickets(desk);
    let asks_for = |way: Access| rules.values().find(|rule| rule.mentions(&way));
    if let Some(rule) = asks_for(Access::Jwt).filter(|_| jwt.is_none()) {
        let variables = format!(
            "{}, {} or {}",
            entry::JWKS_URL.variable,
            entry::JWT_PUBLIC_KEY.variable,
            entry::JWT_SECRET
        );
        let example = format!("{}={}", entry::JWKS_URL.variable, entry::JWKS_URL.example);
        desk.complain(
            place(rule),
            format!("tokens need a key to be verified with; set {variables}"),
            example,
        );
    }
    if let Some(rule) = asks_for(Access::Ticket).filter(|_| tickets.is_none()) {
        let problem = format!("tickets need a key to be verified with; set {}", entry::TICKET_KEYS);
        desk.complain(place(rule), problem, format!("{}={KEYS_EXAMPLE}", entry::TICKET_KEYS));
    }
    if let Some(rule) = asks_for(Access::Origin).filter(|_| *origins == Origins::Any) {
        let problem = "it asks for a page on the list, and origins is '*', which lists every page";
        let example = format!("{}={}", entry::ORIGINS.variable, entry::ORIGINS.example);
        desk.complain(place(rule), problem.to_owned(), example);
    }
    gate::Options { rules, claims, jwt, tickets }
}

/// Reads the claims that a token has to have for a route, beside those for every route.
fn read_claims(
    desk: &mut Desk<'_>,
    rules: &BTreeMap<String, Access>,
) -> BTreeMap<String, Vec<Required>> {
    let mut claims = BTreeMap::new();
    for name in route::names(desk) {
        let reader = Reader { desk, name };
        let Some(entry) = reader.own(entry::JWT_CLAIMS.key) else { continue };
        let Reader { desk, name } = reader;
        let required = desk.each(&entry::JWT_CLAIMS, &entry, Required::parse);
        if entry.texts().is_empty() {
            let problem =
                "it names no claim, and takes back none of those at the top: leave it out";
            desk.object(&entry::JWT_CLAIMS, &entry, problem);
        }
        if rules.get(&name).is_some_and(|rule| !rule.mentions(&Access::Jwt)) {
            let problem = "the route asks for no token, so no claim is ever looked at";
            desk.complain(entry.describe(), problem.to_owned(), "auth = \"jwt\"".to_owned());
        }
        claims.insert(name, required);
    }
    claims
}

fn place(rule: &Access) -> String {
    format!("auth = \"{rule}\"")
}

/// Reads how tickets are verified and minted, for who knows the environment only.
///
/// # Errors
/// Every problem with these variables.
pub fn tickets(environment: &Environment) -> Result<Option<ticket::Options>, Complaints> {
    let mut desk = Desk::new(environment, File::default());
    let tickets = read_tickets(&mut desk);
    desk.finish().map(|()| tickets)
}

fn read_tickets(desk: &mut Desk<'_>) -> Option<ticket::Options> {
    let lifetime = desk.top(&entry::TICKET_LIFETIME, |text| {
        within(text, Duration::from_secs(1)..=MAX_TICKET_LIFETIME, "a ticket lives from 1s to 24h")
    });
    let keys = desk.keys(entry::TICKET_KEYS, ticket::MIN_KEY_LENGTH);
    let lifetime = lifetime.unwrap_or(ticket::MAX_LIFETIME);
    (!keys.is_empty()).then_some(ticket::Options { keys, lifetime })
}

fn read_jwt(desk: &mut Desk<'_>) -> Option<jwt::Options> {
    let rules = Rules {
        issuers: list(desk, &entry::JWT_ISSUER),
        audiences: list(desk, &entry::JWT_AUDIENCE),
        leeway: desk
            .top(&entry::JWT_LEEWAY, |text| {
                within(text, Duration::ZERO..=MAX_LEEWAY, "clocks may differ by 5m at most")
            })
            .unwrap_or(claims::LEEWAY),
        required: match desk.top_entry(&entry::JWT_CLAIMS) {
            Some(entry) => desk.each(&entry::JWT_CLAIMS, &entry, Required::parse),
            None => Vec::new(),
        },
    };
    let jwks_url = desk.top_unseen(&entry::JWKS_URL, JwksUrl::parse);
    let mut keys = desk.top_unseen(&entry::JWT_PUBLIC_KEY, Key::read_public).unwrap_or_default();
    keys.extend(read_secret(desk));
    let has_key = jwks_url.is_some() || !keys.is_empty();
    has_key.then_some(jwt::Options { keys, jwks_url, rules })
}

fn read_secret(desk: &mut Desk<'_>) -> Option<Key> {
    let secret = desk.environment.get(entry::JWT_SECRET)?;
    let example = format!("{}={KEYS_EXAMPLE}", entry::JWT_SECRET);
    if known_key::is_known(secret) {
        desk.complain_of_known_key(entry::JWT_SECRET, example.clone());
    }
    let complain = |error: jwt::key::InvalidKey| {
        desk.complain(entry::JWT_SECRET.to_owned(), error.to_string(), example);
    };
    Key::shared(secret).map_err(complain).ok()
}

/// Reads the budgets; a window alone limits nothing.
pub(super) fn read_budget(desk: &mut Desk<'_>) -> Option<Budget> {
    let grants = desk.top(&entry::BUDGET_GRANTS, |text| match text.parse::<u64>() {
        Ok(0) | Err(_) => Err("a budget is a whole number of grants, 1 or more"),
        Ok(grants) => Ok(grants),
    });
    let bytes = desk.top(&entry::BUDGET_BYTES, value::size);
    let window = desk.top(&entry::BUDGET_WINDOW, |text| {
        let window = Duration::from_secs(1)..=Duration::from_hours(24);
        within(text, window, "a window lasts from 1s to 24h")
    });
    let window = window.unwrap_or(budget::WINDOW);
    (grants.is_some() || bytes.is_some()).then_some(Budget { grants, bytes, window })
}

/// Reads a list that limits something where it is there. One without a text is a complaint: whoever
/// writes it means that nothing is taken, and without the setting everything is.
fn list(desk: &mut Desk<'_>, setting: &Setting) -> Vec<String> {
    let Some(entry) = desk.top_entry(setting) else {
        return Vec::new();
    };
    if entry.texts().is_empty() {
        desk.object(setting, &entry, "it lists nothing; name a value, or leave the setting out");
    }
    desk.list(setting, &entry)
}

fn within(
    text: &str,
    range: std::ops::RangeInclusive<Duration>,
    problem: &'static str,
) -> Result<Duration, &'static str> {
    let duration = value::duration(text)?;
    if range.contains(&duration) { Ok(duration) } else { Err(problem) }
}
