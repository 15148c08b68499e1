//! What a signing call is counted against: the budgets, and the ticket that may be used once.
//!
//! Without a shared store, this instance counts ([`crate::auth::rate_limit`]), and a ticket may be used several times.
//! With one, the store counts for all instances, in one round trip for each call. What it grants is recorded here too:
//! if the store fails, the instance goes on counting from there, or refuses, as the setting says. So an instance alone
//! never grants more than a budget, whatever happens to the store.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{HeaderMap, HeaderName};

use crate::auth::rate_limit::{Budget, Charge, RateLimitExceeded, RateLimiter};
use crate::auth::{AuthMethod, TicketId};
use crate::store::{Admission, Admitted, FailureMode, SharedBudget, SharedStore, UsedOnce};
use crate::time::Timestamp;

/// How long a used ticket is remembered after its end: an instance whose clock is behind may still accept it.
const CLOCK_LEEWAY: Duration = Duration::from_mins(10);

/// The largest number of used tickets that one instance remembers while the store fails.
const MAX_TICKETS: usize = 10_000;

/// Counts signing calls.
#[derive(Debug)]
pub struct SigningLimits {
    local: RateLimiter,
    /// The header in which a trusted gateway names the address of the caller.
    address_header: Option<HeaderName>,
    shared: Option<SharedLimits>,
}

#[derive(Debug)]
struct SharedLimits {
    store: Arc<SharedStore>,
    /// The tickets that were used here, by their names in the store, with the end of each.
    tickets: Mutex<HashMap<String, Timestamp>>,
}

/// A grant that does not fit the budgets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetRefusal {
    /// The position of the grant in the call.
    pub index: usize,
    /// When it may fit.
    pub exceeded: RateLimitExceeded,
}

/// The reason why nothing of a call is granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitError {
    /// An earlier call has used the ticket.
    TicketUsed,
    /// The store fails, and the setting says that nothing is granted then.
    Unavailable,
}

impl SigningLimits {
    /// Starts with empty counters.
    #[must_use]
    pub fn new(
        budgets: Vec<Budget>,
        address_header: Option<HeaderName>,
        store: Option<Arc<SharedStore>>,
    ) -> Self {
        let shared = store.map(|store| SharedLimits { store, tickets: Mutex::default() });
        Self { local: RateLimiter::new(budgets), address_header, shared }
    }

    /// Returns whether something is counted for calls with this ticket.
    #[must_use]
    pub fn is_active(&self, ticket: Option<&TicketId>) -> bool {
        !self.local.budgets().is_empty() || (self.shared.is_some() && ticket.is_some())
    }

    /// Returns the address of the caller, if a trusted gateway names it. Of a list the last one counts, which is the one
    /// that the gateway added. Of an IPv6 address the network counts, because one subscriber has a whole network.
    #[must_use]
    pub fn address(&self, headers: &HeaderMap) -> Option<IpAddr> {
        let name = self.address_header.as_ref()?;
        let value = headers.get_all(name).iter().next_back()?.to_str().ok()?;
        let address = value.rsplit(',').next()?.trim().parse::<IpAddr>().ok()?;
        Some(match address.to_canonical() {
            IpAddr::V4(address) => address.into(),
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        })
    }

    /// Counts the grants of one call, each with its bytes. Returns those that do not fit; a grant that does not fit is
    /// counted against no budget.
    pub async fn admit(
        &self,
        charge: &Charge<'_>,
        sizes: &[u64],
        now: Timestamp,
    ) -> Result<Vec<BudgetRefusal>, LimitError> {
        let is_event = charge.caller.method == AuthMethod::Platform;
        if is_event || sizes.is_empty() || !self.is_active(charge.caller.ticket.as_ref()) {
            return Ok(Vec::new());
        }
        match &self.shared {
            None => Ok(self.admit_here(charge, sizes, now)),
            // Boxed, so that a call without a store does not carry its state.
            Some(shared) => Box::pin(self.admit_shared(shared, charge, sizes, now)).await,
        }
    }

    fn admit_here(&self, charge: &Charge<'_>, sizes: &[u64], now: Timestamp) -> Vec<BudgetRefusal> {
        let mut refusals = Vec::new();
        for (index, bytes) in sizes.iter().enumerate() {
            if let Err(exceeded) = self.local.acquire(charge, *bytes, now) {
                refusals.push(BudgetRefusal { index, exceeded });
            }
        }
        refusals
    }

    async fn admit_shared(
        &self,
        shared: &SharedLimits,
        charge: &Charge<'_>,
        sizes: &[u64],
        now: Timestamp,
    ) -> Result<Vec<BudgetRefusal>, LimitError> {
        let budgets = self.shared_budgets(&shared.store, charge);
        let ticket = shared.ticket(charge, now);
        let admission = Admission { budgets: &budgets, ticket: ticket.as_ref(), sizes };
        match shared.store.count(&admission, now).await {
            Ok(Admitted::TicketUsed) => Err(LimitError::TicketUsed),
            Ok(Admitted::Counted(waits)) => {
                let refusals = refusals(&waits);
                for (bytes, _) in sizes.iter().zip(waits).filter(|(_, wait)| wait.is_none()) {
                    self.local.record(charge, *bytes, now);
                }
                shared.use_ticket(ticket.as_ref(), refusals.len() < sizes.len(), now)?;
                Ok(refusals)
            }
            Err(_) if shared.store.failure() == FailureMode::Refuse => Err(LimitError::Unavailable),
            Err(_) => {
                shared.use_ticket(ticket.as_ref(), false, now)?;
                let refusals = self.admit_here(charge, sizes, now);
                shared.use_ticket(ticket.as_ref(), refusals.len() < sizes.len(), now)?;
                Ok(refusals)
            }
        }
    }

    fn shared_budgets(&self, store: &SharedStore, charge: &Charge<'_>) -> Vec<SharedBudget> {
        let shared = |budget: &Budget| {
            let (scope, limit) = (budget.scope, budget.limit);
            let window = limit.window.as_secs().to_string();
            let name = store.name(&["budget", scope.as_str(), &window, &charge.name(scope)]);
            let (grants, bytes, window) = (limit.grants, limit.bytes, limit.window);
            SharedBudget { name, grants, bytes, window }
        };
        self.local.budgets().iter().map(shared).collect()
    }
}

impl SharedLimits {
    /// Returns the ticket of the caller, if it may be used once.
    fn ticket(&self, charge: &Charge<'_>, now: Timestamp) -> Option<UsedOnce> {
        let ticket = charge.caller.ticket.as_ref()?;
        let subject = charge.caller.subject.as_deref().unwrap_or_default();
        let left = u64::try_from(ticket.expires_at.saturating_sub(now.unix())).unwrap_or(0);
        Some(UsedOnce {
            name: self.store.name(&["ticket", subject, &ticket.id]),
            lifetime: Duration::from_secs(left) + CLOCK_LEEWAY,
        })
    }

    /// Refuses a ticket that was used here, and remembers it if this call uses it.
    fn use_ticket(
        &self,
        ticket: Option<&UsedOnce>,
        is_used: bool,
        now: Timestamp,
    ) -> Result<(), LimitError> {
        let Some(ticket) = ticket else { return Ok(()) };
        let mut tickets = self.tickets.lock().unwrap_or_else(PoisonError::into_inner);
        if tickets.get(&ticket.name).is_some_and(|end| *end > now) {
            return Err(LimitError::TicketUsed);
        }
        if is_used {
            if tickets.len() >= MAX_TICKETS {
                tickets.retain(|_, end| *end > now);
            }
            if tickets.len() < MAX_TICKETS {
                tickets.insert(ticket.name.clone(), now.plus(ticket.lifetime));
            }
        }
        Ok(())
    }
}

/// Returns the grants that have to wait, with whole seconds.
fn refusals(waits: &[Option<Duration>]) -> Vec<BudgetRefusal> {
    let refusal = |(index, wait): (usize, &Option<Duration>)| {
        let retry_after = wait.as_ref()?.as_millis().div_ceil(1000);
        let retry_after = u64::try_from(retry_after).unwrap_or(u64::MAX);
        Some(BudgetRefusal { index, exceeded: RateLimitExceeded { retry_after } })
    };
    waits.iter().enumerate().filter_map(refusal).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_the_last_one_of_the_named_header() {
        let name = HeaderName::from_static("x-forwarded-for");
        let limits = SigningLimits::new(Vec::new(), Some(name.clone()), None);
        let address = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(&name, value.parse().unwrap());
            }
            limits.address(&headers).map(|address| address.to_string())
        };
        assert_eq!(address(&["192.0.2.1"]).as_deref(), Some("192.0.2.1"));
        assert_eq!(address(&["198.51.100.1, 192.0.2.1"]).as_deref(), Some("192.0.2.1"));
        assert_eq!(address(&["198.51.100.1", "192.0.2.1"]).as_deref(), Some("192.0.2.1"));
        assert_eq!(address(&["::ffff:192.0.2.1"]).as_deref(), Some("192.0.2.1"));
        assert_eq!(address(&["2001:db8:1:2:3:4:5:6"]).as_deref(), Some("2001:db8:1:2::"));
        for bad in ["", "unknown", "192.0.2.1,", "192.0.2.1:80", "_hidden"] {
            assert_eq!(address(&[bad]), None, "{bad}");
        }
        assert_eq!(address(&[]), None);
        let without = SigningLimits::new(Vec::new(), None, None);
        let headers = [(name, "192.0.2.1".parse().unwrap())].into_iter().collect();
        assert_eq!(without.address(&headers), None);
    }
}
