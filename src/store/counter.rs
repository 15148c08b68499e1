//! Budgets and used tickets in the store: one script, so that a call is checked and counted in one step and one round
//! trip, whatever other instances do at the same time.

use std::sync::LazyLock;
use std::time::Duration;

use crate::crypto;
use crate::store::client::{Script, SharedStore};
use crate::store::error::SharedStoreError;
use crate::time::Timestamp;

static COUNT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("counter.lua")));

/// The largest number that the script computes exactly.
const MAX_NUMBER: u64 = (1 << 53) - 1;

/// What the script answers for a ticket that another call has used.
const USED: i64 = -1;

/// A budget in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedBudget {
    /// Its name in the store.
    pub name: String,
    /// The most grants in one window.
    pub grants: Option<u64>,
    /// The most bytes that these grants allow together.
    pub bytes: Option<u64>,
    /// The length of a window, which begins with the first grant.
    pub window: Duration,
}

/// Something that one call only may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsedOnce {
    /// Its name in the store.
    pub name: String,
    /// How long the store remembers that it was used.
    pub lifetime: Duration,
}

/// What one call wants to have counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admission<'a> {
    /// The budgets, each with a name of its own.
    pub budgets: &'a [SharedBudget],
    /// The ticket, if it may be used once only.
    pub ticket: Option<&'a UsedOnce>,
    /// The bytes of each grant.
    pub sizes: &'a [u64],
}

/// What the store answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admitted {
    /// For each grant `None` if it was counted, else the time until it may fit.
    Counted(Vec<Option<Duration>>),
    /// Another call has used the ticket. Nothing was counted.
    TicketUsed,
}

impl SharedStore {
    /// Counts grants against budgets. A grant that exceeds one of them is counted against none.
    pub async fn count(
        &self,
        admission: &Admission<'_>,
        now: Timestamp,
    ) -> Result<Admitted, SharedStoreError> {
        let Admission { budgets, ticket, sizes } = admission;
        let names = budgets.iter().map(|budget| &budget.name);
        let names: Vec<_> = names.chain(ticket.map(|ticket| &ticket.name)).cloned().collect();
        let lifetime = ticket.map_or(0, |ticket| millis(ticket.lifetime));
        let mut arguments =
            vec![budgets.len().to_string(), lifetime.to_string(), self.call_id(*ticket)?];
        for budget in *budgets {
            let limit = |limit: Option<u64>| limit.map_or("-1".to_owned(), number);
            let window = millis(budget.window).to_string();
            arguments.extend([limit(budget.grants), limit(budget.bytes), window]);
        }
        arguments.extend(sizes.iter().copied().map(number));
        let waits: Vec<i64> = self.evaluate(&COUNT, &names, &arguments, now).await?;
        match &waits[..] {
            [USED] => Ok(Admitted::TicketUsed),
            waits if waits.len() == sizes.len() => {
                Ok(Admitted::Counted(waits.iter().copied().map(wait).collect()))
            }
            _ => Err(SharedStoreError::Malformed),
        }
    }

    /// Returns a random id of this call. A command that is sent again on a new connection, because the first one broke,
    /// is then not taken for a second use of the ticket.
    fn call_id(&self, ticket: Option<&UsedOnce>) -> Result<String, SharedStoreError> {
        if ticket.is_none() {
            return Ok(String::new());
        }
        let random = (self.random)().map_err(|_| SharedStoreError::NoRandomness)?;
        Ok(crypto::hex(&random))
    }
}

/// Returns `None` for no time.
fn wait(millis: i64) -> Option<Duration> {
    u64::try_from(millis).ok().filter(|millis| *millis > 0).map(Duration::from_millis)
}

fn number(number: u64) -> String {
    number.min(MAX_NUMBER).to_string()
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(MAX_NUMBER).clamp(1, MAX_NUMBER)
}
