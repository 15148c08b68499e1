//! What differs from grant to grant: the moment, the throw of the dice, who asks.

use std::fmt;

use crate::policy::key::is_invisible;
use crate::policy::refusal::Refusal;
use crate::policy::template::part::MAX_FACT_BYTES;
use crate::time::Timestamp;

/// Sixteen random bytes, drawn once per grant.
pub type Dice = [u8; 16];

/// The circumstances of one grant.
#[derive(Clone, Copy, Debug)]
pub struct Occasion<'a> {
    /// The one reading of the clock.
    pub now: Timestamp,
    /// The one throw of the dice.
    pub dice: &'a Dice,
    /// Who asks.
    pub facts: Facts<'a>,
}

impl<'a> Occasion<'a> {
    /// An occasion on which nobody has shown who they are.
    #[must_use]
    pub fn anonymous(now: Timestamp, dice: &'a Dice) -> Self {
        Self { now, dice, facts: Facts::NONE }
    }
}

/// What a caller has proved of themselves, as far as a key can speak of it.
#[derive(Clone, Copy)]
pub struct Facts<'a> {
    /// Their name.
    pub subject: Option<&'a str>,
    /// Finds a claim by its name.
    pub claim: &'a (dyn Fn(&str) -> Option<&'a str> + Sync),
}

impl Facts<'_> {
    /// Nothing is known.
    pub const NONE: Self = Self { subject: None, claim: &|_| None };
}

/// Who somebody is goes into no log.
impl fmt::Debug for Facts<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Facts").finish_non_exhaustive()
    }
}

impl<'a> Facts<'a> {
    pub(super) fn subject(&self) -> Result<&'a str, Refusal> {
        usable("sub", self.subject)
    }

    pub(super) fn claim(&self, name: &str) -> Result<&'a str, Refusal> {
        usable(&format!("claim:{name}"), (self.claim)(name))
    }
}

/// A fact goes into a key as it is or not at all: if it were made safe, two callers could come to
/// share a directory. `*` and `?` are wildcards of RAM, and `$` speaks to OSS and RAM alike.
fn usable<'a>(placeholder: &str, fact: Option<&'a str>) -> Result<&'a str, Refusal> {
    let fact =
        fact.ok_or_else(|| Refusal::CallerUnknown { placeholder: placeholder.to_owned() })?;
    let bad = |c: char| is_invisible(c) || matches!(c, '/' | '\\' | '*' | '?' | '$' | '"');
    if matches!(fact, "" | "." | "..") || fact.len() > MAX_FACT_BYTES || fact.contains(bad) {
        return Err(Refusal::CallerUnusable { placeholder: placeholder.to_owned() });
    }
    Ok(fact)
}
