//! What a function is, as its settings on the platform say and as its headers and variables repeat.

use std::fmt;
use std::time::Duration;

/// The account of everything here.
pub(crate) const ACCOUNT: &str = "1000000000000000";

/// The handler's name, which a custom runtime has and never uses.
pub(crate) const HANDLER: &str = "index.handler";

/// Describes a function.
#[derive(Clone, Debug)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// The region it runs in.
    pub region: String,
    /// Its memory in MB.
    pub memory: u32,
    /// How long one request may take.
    pub timeout: Duration,
}

impl Function {
    /// Describes a function of 128 MB whose requests may take a minute.
    #[must_use]
    pub fn new(name: impl Into<String>, region: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            region: region.into(),
            memory: 128,
            timeout: Duration::from_mins(1),
        }
    }
}

/// The role's credentials that the platform hands to the function; prints none of them.
#[derive(Clone)]
pub struct Keys {
    /// The key's name, which begins with `STS.`.
    pub access_key_id: String,
    /// The key.
    pub access_key_secret: String,
    /// The token that goes with it.
    pub security_token: String,
}

impl fmt::Debug for Keys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Keys(…)")
    }
}
