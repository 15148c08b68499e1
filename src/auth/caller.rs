//! Who was let in, and by what.

use std::collections::BTreeMap;
use std::fmt;

use crate::auth::error::AuthError;

/// Who is asking, as far as they have shown it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Caller {
    /// The name that a caller has proved; none for an anonymous one.
    pub subject: Option<String>,
    /// What the token or ticket says of them, as text.
    pub claims: Claims,
    /// What let them in.
    pub by: AuthMethod,
}

/// What let a caller in; of several things the one that proves most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum AuthMethod {
    /// Nothing was asked for.
    #[default]
    Nothing,
    /// The page's origin.
    Origin,
    /// A ticket of the back end.
    Ticket,
    /// A token of the identity provider.
    Jwt,
    /// The platform, by its own rules: an event invocation.
    Platform,
}

/// Texts, numbers and truth values that a token carries at its top, by name.
pub type Claims = BTreeMap<String, String>;

impl Caller {
    /// Gives a caller who has shown no name.
    #[must_use]
    pub fn unnamed(by: AuthMethod) -> Self {
        Self { by, ..Self::default() }
    }

    /// Gives a claim as text; lists and objects are none.
    #[must_use]
    pub fn claim(&self, name: &str) -> Option<&str> {
        self.claims.get(name).map(String::as_str)
    }

    /// Joins what two ways in say of one caller; where both have a claim, the first counts.
    ///
    /// # Errors
    /// [`AuthError::SubjectMismatch`] if they name different subjects.
    pub(super) fn with(mut self, other: Self) -> Result<Self, AuthError> {
        if let (Some(one), Some(another)) = (&self.subject, &other.subject)
            && one != another
        {
            return Err(AuthError::SubjectMismatch);
        }
        self.by = self.by.max(other.by);
        self.subject = self.subject.or(other.subject);
        for (name, value) in other.claims {
            self.claims.entry(name).or_insert(value);
        }
        Ok(self)
    }
}

/// Claims are somebody's personal data, so only their names show.
impl fmt::Debug for Caller {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Caller")
            .field("subject", &self.subject)
            .field("claims", &self.claims.keys())
            .field("by", &self.by)
            .finish()
    }
}
