//! The environment variables that a user may set for a function.
//!
//! From "Environment variables": which names are reserved, what a name may look like, and that all
//! variables of a function together have at most 4 KB.

use std::collections::BTreeMap;
use std::fmt;

/// `PATH` in the images of the platform's runtimes.
pub(crate) const SEARCH_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The prefix of names that only the platform sets.
const RESERVED: &str = "FC_";

/// The limit of all names and values of a function's variables together, in bytes.
const MAX_BYTES: usize = 4 * 1024;

/// The function's own environment variables. `Debug` prints the names only, because values may be
/// secrets.
#[derive(Clone, Default)]
pub struct EnvironmentVariables(BTreeMap<String, String>);

impl EnvironmentVariables {
    /// Sets a variable.
    ///
    /// # Errors
    ///
    /// If the platform would refuse the name, the value, or the size of all variables together.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), EnvironmentError> {
        let error = |reason| Err(EnvironmentError { name: name.to_owned(), reason });
        if name.starts_with(RESERVED) {
            return error(Reason::Reserved);
        }
        let is_allowed = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        let starts_well = name.starts_with(|first: char| first.is_ascii_alphabetic());
        if !starts_well || !name.chars().all(is_allowed) {
            return error(Reason::Name);
        }
        if value.contains('\0') {
            return error(Reason::Value);
        }
        self.0.insert(name.to_owned(), value.to_owned());
        let bytes: usize = self.iter().map(|(name, value)| name.len() + value.len()).sum();
        if bytes > MAX_BYTES {
            return error(Reason::TotalSize(bytes));
        }
        Ok(())
    }

    /// Returns whether no variable is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl fmt::Debug for EnvironmentVariables {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.0.keys()).finish()
    }
}

/// The reason why a variable cannot be set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvironmentError {
    name: String,
    reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Reason {
    Reserved,
    Name,
    Value,
    TotalSize(usize),
}

impl fmt::Display for EnvironmentError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, reason } = self;
        match reason {
            Reason::Reserved => write!(
                formatter,
                "{name}: names that begin with {RESERVED} belong to the platform; choose another"
            ),
            Reason::Name => write!(
                formatter,
                "{name:?} is no name of a variable; it begins with a letter and has letters, digits \
                 and underscores"
            ),
            Reason::Value => write!(formatter, "{name}: its value has a zero byte; leave it out"),
            Reason::TotalSize(bytes) => write!(
                formatter,
                "{name} brings the function's variables to {bytes} bytes, and the platform takes \
                 {MAX_BYTES}; put the large ones into a file of the package"
            ),
        }
    }
}

impl std::error::Error for EnvironmentError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_variables_that_the_platform_accepts_can_be_set() {
        let mut variables = EnvironmentVariables::default();
        variables.set("A_1", "x").unwrap();
        for (name, value) in [("FC_REGION", "x"), ("1A", "x"), ("", "x"), ("A-B", "x"), ("A", "\0")]
        {
            variables.set(name, value).unwrap_err();
        }
        variables.set("LARGE", &"l".repeat(MAX_BYTES - 4 - "LARGE".len())).unwrap();
        let error = variables.set("B", "").unwrap_err().to_string();
        assert!(error.starts_with("B brings the function's variables to 4097 bytes"), "{error}");
    }
}
