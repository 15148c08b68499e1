//! A complaint: where a setting stands, what is wrong with it, and what would be right.

use std::fmt;

/// One problem with one setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// The variable, or the file's line and key; with the value, unless it is a secret.
    pub place: String,
    /// What is wrong.
    pub problem: String,
    /// What would be right, ready to be copied.
    pub example: String,
}

impl fmt::Display for Complaint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}. Example: {}", self.place, self.problem, self.example)
    }
}

/// Every problem with the settings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Complaints(pub Vec<Complaint>);

impl fmt::Display for Complaints {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.len();
        let noun = if count == 1 { "problem" } else { "problems" };
        write!(formatter, "{count} {noun} with the settings; nothing was started")?;
        for complaint in &self.0 {
            write!(formatter, "\n  {complaint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Complaints {}
