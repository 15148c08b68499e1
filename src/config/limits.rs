//! Limits: the budgets, the header that names a caller's address, and the store that all instances share.

use std::time::Duration;

use http::HeaderName;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use crate::auth::rate_limit::{Budget, BudgetScope, DEFAULT_WINDOW, MAX_BUDGETS, RateLimit};
use crate::config::auth::within;
use crate::config::reader::ConfigReader;
use crate::config::table;
use crate::config::value;
use crate::net;
use crate::store;
use crate::store::{FailureMode, StoreUrl};

/// The longest window of a budget.
const MAX_WINDOW: Duration = Duration::from_hours(24);

const WINDOW: &str = "a window lasts from 1s to 24h";
const BUDGET: &str =
    "a budget is a scope, grants or bytes, and a window, as 'caller 100/1h' or 'bucket 1000GiB/1d'";
const SCOPE: &str = "the scopes are caller, address, route, bucket and total";
const GRANTS: &str = "a budget is a whole number of grants, 1 or more";

/// The settings of what is counted.
#[derive(Debug, Default)]
pub(super) struct LimitOptions {
    pub(super) budgets: Vec<Budget>,
    pub(super) address_header: Option<HeaderName>,
    pub(super) store: Option<store::Options>,
}

/// Reads the settings of what is counted.
pub(super) fn read(config: &mut ConfigReader<'_>) -> LimitOptions {
    let mut budgets: Vec<_> = read_caller_budget(config).into_iter().collect();
    let address_header = config.value(&table::ADDRESS_HEADER, address_header);
    if let Some(raw) = config.entry(&table::BUDGETS) {
        let listed = config.each(&table::BUDGETS, &raw, budget);
        let mut problem = None;
        for budget in listed {
            problem = problem.or(add(&mut budgets, budget));
        }
        if raw.texts().is_empty() {
            problem = Some("it lists nothing; name a budget, or leave the setting out");
        } else if budgets.len() > MAX_BUDGETS {
            problem = Some("there are at most 16 budgets");
        }
        if let Some(problem) = problem {
            config.add_invalid(&table::BUDGETS, &raw, problem);
        }
    }
    let by_address = budgets.iter().any(|budget| budget.scope == BudgetScope::Address);
    if by_address && config.entry(&table::ADDRESS_HEADER).is_none() {
        let problem = "a budget of an address needs the header in which a trusted gateway names it";
        let example = table::ADDRESS_HEADER.variable_example();
        config.add_error(table::BUDGETS.key.to_owned(), problem.to_owned(), example);
    }
    LimitOptions { budgets, address_header, store: read_store(config) }
}

/// Reads the budget of a caller from settings of its own; a window alone limits nothing.
fn read_caller_budget(config: &mut ConfigReader<'_>) -> Option<Budget> {
    let grants = config.value(&table::BUDGET_GRANTS, grants);
    let bytes = config.value(&table::BUDGET_BYTES, value::size);
    let window = config.value(&table::BUDGET_WINDOW, window).unwrap_or(DEFAULT_WINDOW);
    let limit = RateLimit { grants, bytes, window };
    let limits = grants.is_some() || bytes.is_some();
    limits.then_some(Budget { scope: BudgetScope::Caller, limit })
}

fn grants(text: &str) -> Result<u64, &'static str> {
    text.parse().ok().filter(|grants| *grants > 0).ok_or(GRANTS)
}

fn window(text: &str) -> Result<Duration, &'static str> {
    within(text, Duration::from_secs(1)..=MAX_WINDOW, WINDOW)
}

/// Parses `caller 100/1h` or `bucket 1000GiB/1d`. A number without a unit is one of grants.
fn budget(text: &str) -> Result<Budget, &'static str> {
    let (scope, limit) = text.split_once(char::is_whitespace).ok_or(BUDGET)?;
    let scope = BudgetScope::ALL.into_iter().find(|one| one.as_str() == scope).ok_or(SCOPE)?;
    let (amount, period) = limit.trim_start().split_once('/').ok_or(BUDGET)?;
    let is_number = amount.bytes().all(|byte| byte.is_ascii_digit());
    let (grants, bytes) =
        if is_number { (Some(grants(amount)?), None) } else { (None, Some(value::size(amount)?)) };
    Ok(Budget { scope, limit: RateLimit { grants, bytes, window: window(period)? } })
}

/// Adds a budget. Grants and bytes of one scope and one window are counted together.
fn add(budgets: &mut Vec<Budget>, new: Budget) -> Option<&'static str> {
    let is_same =
        |old: &&mut Budget| old.scope == new.scope && old.limit.window == new.limit.window;
    let Some(old) = budgets.iter_mut().find(is_same) else {
        budgets.push(new);
        return None;
    };
    let (old, new) = (&mut old.limit, new.limit);
    if (old.grants.is_some() && new.grants.is_some())
        || (old.bytes.is_some() && new.bytes.is_some())
    {
        return Some("two budgets have the same scope, the same unit and the same window");
    }
    old.grants = old.grants.or(new.grants);
    old.bytes = old.bytes.or(new.bytes);
    None
}

fn address_header(text: &str) -> Result<HeaderName, &'static str> {
    HeaderName::from_bytes(text.as_bytes()).map_err(|_| "it is the name of a request header")
}

fn read_store(config: &mut ConfigReader<'_>) -> Option<store::Options> {
    let failure = config.value(&table::STORE_FAILURE, failure_mode).unwrap_or_default();
    let authorities = config.value(&table::STORE_CA, authorities).unwrap_or_default();
    let url = StoreUrl::parse(config.environment.get(table::STORE_URL.variable)?);
    match url {
        Ok(url) => Some(store::Options { failure, authorities, ..store::Options::new(url) }),
        Err(problem) => {
            config.add_secret_error(&table::STORE_URL, problem);
            None
        }
    }
}

fn failure_mode(text: &str) -> Result<FailureMode, &'static str> {
    let modes = [FailureMode::Local, FailureMode::Refuse];
    let mode = modes.into_iter().find(|mode| mode.as_str() == text);
    mode.ok_or("the values are 'local', to count within each instance, and 'refuse'")
}

/// Parses certificates in PEM, whose line ends may be written as `\n`.
fn authorities(text: &str) -> Result<Vec<CertificateDer<'static>>, &'static str> {
    const PROBLEM: &str = "it is one or several certificates of authorities in PEM";
    let text = text.replace("\\n", "\n");
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    let certificates = certificates.ok().filter(|certificates| !certificates.is_empty());
    let certificates = certificates.ok_or(PROBLEM)?;
    net::tls_config_of(&certificates).map_err(|_| PROBLEM)?;
    Ok(certificates)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_a_scope_an_amount_and_a_window() {
        let shown = |text| {
            budget(text).map(|Budget { scope, limit }| {
                (scope.as_str(), limit.grants, limit.bytes, limit.window.as_secs())
            })
        };
        assert_eq!(shown("caller 100/1m"), Ok(("caller", Some(100), None, 60)));
        assert_eq!(shown("address  5/90s"), Ok(("address", Some(5), None, 90)));
        assert_eq!(shown("route 2MB/1h"), Ok(("route", None, Some(2_000_000), 3600)));
        assert_eq!(shown("bucket 1 GiB/1d"), Ok(("bucket", None, Some(1 << 30), 86_400)));
        assert_eq!(shown("total 1B/24h"), Ok(("total", None, Some(1), 86_400)));
        for (text, problem) in [
            ("caller", BUDGET),
            ("caller 100", BUDGET),
            ("100/1m", BUDGET),
            ("all 100/1m", SCOPE),
            ("caller 0/1m", GRANTS),
            ("caller /1m", GRANTS),
            ("caller 1/0s", WINDOW),
            ("caller 1/2d", WINDOW),
        ] {
            assert_eq!(shown(text), Err(problem), "{text}");
        }
        assert!(budget("caller 1 megs/1m").is_err() && budget("caller 1/m").is_err());
    }

    #[test]
    fn grants_and_bytes_of_one_window_are_one_budget() {
        let mut budgets = Vec::new();
        let mut add = |text| add(&mut budgets, budget(text).unwrap());
        assert_eq!(add("caller 1/1m"), None);
        assert_eq!(add("caller 1GB/1m"), None);
        assert_eq!(add("caller 1/1h"), None);
        assert!(add("caller 2/60s").is_some() && add("caller 2GB/1m").is_some());
        assert_eq!(budgets.len(), 2);
        assert_eq!(
            (budgets[0].limit.grants, budgets[0].limit.bytes),
            (Some(1), Some(1_000_000_000))
        );
    }
}
