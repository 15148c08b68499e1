//! What differs from grant to grant: the moment, the throw of the random, who asks.

use std::fmt;

use crate::policy::error::PolicyError;
use crate::policy::key::is_invisible;
use crate::policy::template::part::MAX_FACT_BYTES;
use crate::time::Timestamp;

/// Sixteen random bytes, drawn once per grant.
pub type RandomBytes = [u8; 16];

/// The circumstances of one grant.
#[derive(Clone, Copy, Debug)]
pub struct RenderContext<'a> {
    /// The one reading of the clock.
    pub now: Timestamp,
    /// The one throw of the random.
    pub random: &'a RandomBytes,
    /// Who asks.
    pub attributes: CallerAttributes<'a>,
}

impl<'a> RenderContext<'a> {
    /// An context on which nobody has shown who they are.
    #[must_use]
    pub fn anonymous(now: Timestamp, random: &'a RandomBytes) -> Self {
        Self { now, random, attributes: CallerAttributes::NONE }
    }
}

/// What a caller has proved of themselves, as far as a key can speak of it.
#[derive(Clone, Copy)]
pub struct CallerAttributes<'a> {
    /// Their name.
    pub subject: Option<&'a str>,
    /// Finds a claim by its name.
    pub claim: &'a (dyn Fn(&str) -> Option<&'a str> + Sync),
}

impl CallerAttributes<'_> {
    /// Nothing is known.
    pub const NONE: Self = Self { subject: None, claim: &|_| None };
}

/// Who somebody is goes into no log.
impl fmt::Debug for CallerAttributes<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("CallerAttributes").finish_non_exhaustive()
    }
}

impl<'a> CallerAttributes<'a> {
    pub(super) fn subject(&self) -> Result<&'a str, PolicyError> {
        usable("sub", self.subject)
    }

    pub(super) fn claim(&self, name: &str) -> Result<&'a str, PolicyError> {
        usable(&format!("claim:{name}"), (self.claim)(name))
    }
}

/// A fact goes into a key as it is or not at all: if it were made safe, two callers could come to
/// share a directory. `*` and `?` are wildcards of RAM, and `$` speaks to OSS and RAM alike.
fn usable<'a>(placeholder: &str, fact: Option<&'a str>) -> Result<&'a str, PolicyError> {
    let fact =
        fact.ok_or_else(|| PolicyError::CallerUnknown { placeholder: placeholder.to_owned() })?;
    let bad = |c: char| is_invisible(c) || matches!(c, '/' | '\\' | '*' | '?' | '$' | '"');
    if matches!(fact, "" | "." | "..") || fact.len() > MAX_FACT_BYTES || fact.contains(bad) {
        return Err(PolicyError::CallerUnusable { placeholder: placeholder.to_owned() });
    }
    Ok(fact)
}
