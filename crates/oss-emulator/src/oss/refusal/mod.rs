//! Refusals: what is said to the client, and what is said to the developer.
//!
//! [`Kind`] names the rows of the one closed table; a [`Refusal`] is a row with what this case
//! adds: a message with its details, extra XML children, and a reason in plain words. How it looks
//! on the wire is `answer`'s business.

mod table;

use std::error::Error;
use std::fmt;

pub use self::table::Kind;

/// The longest reason, in characters: fields can be long, a console is not.
const MAX_REASON: usize = 400;

/// Says no, with everything that is known about why.
#[derive(Clone, Debug)]
pub struct Refusal {
    kind: Kind,
    /// The wire message where it differs from the table's.
    message: Option<String>,
    /// Extra XML children, in the order in which they are written.
    children: Vec<(&'static str, String)>,
    reason: String,
}

impl Kind {
    /// Makes a refusal of this kind; the reason is one sentence that a developer understands.
    #[must_use]
    pub fn because(self, reason: impl Into<String>) -> Refusal {
        Refusal {
            kind: self,
            message: None,
            children: Vec::new(),
            reason: printable(&reason.into()),
        }
    }

    /// Makes a refusal about one form field, with the children that `InvalidArgument` carries.
    #[must_use]
    pub fn argument(self, name: &str, value: &str, reason: impl Into<String>) -> Refusal {
        self.because(reason).with_child("ArgumentName", name).with_child("ArgumentValue", value)
    }

    /// Makes a refusal about something longer than it may be.
    #[must_use]
    pub fn too_long(self, limit: u64, proposed: u64, reason: impl Into<String>) -> Refusal {
        self.because(reason)
            .with_child("MaxSizeAllowed", limit.to_string())
            .with_child("ProposedSize", proposed.to_string())
    }
}

impl Refusal {
    /// Replaces the table's message.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<String>) -> Self {
        self.message = Some(message.into());
        self
    }

    /// Adds an XML child.
    #[must_use]
    pub fn with_child(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.children.push((name, value.into()));
        self
    }

    /// Returns the row of the table.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns the HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.kind.row().status
    }

    /// Returns the `Code`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.kind.row().code
    }

    /// Returns the EC number, where one is known.
    #[must_use]
    pub fn ec(&self) -> Option<&'static str> {
        self.kind.row().ec
    }

    /// Returns the message on the wire.
    #[must_use]
    pub fn message(&self) -> &str {
        self.message.as_deref().unwrap_or_else(|| self.kind.row().message)
    }

    /// Returns the extra XML children.
    #[must_use]
    pub fn children(&self) -> &[(&'static str, String)] {
        &self.children
    }

    /// Returns one sentence for the developer; it never holds a secret, a token or a policy.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

/// Makes a reason fit for a console: bounded, and without characters that would steer a terminal.
fn printable(reason: &str) -> String {
    let visible = |character: char| {
        if character.is_control() { char::REPLACEMENT_CHARACTER } else { character }
    };
    let mut text: String = reason.chars().take(MAX_REASON).map(visible).collect();
    if reason.chars().nth(MAX_REASON).is_some() {
        text.push('…');
    }
    text
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.code(), self.reason)
    }
}

impl Error for Refusal {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ec_names_one_code_and_one_status() {
        for left in Kind::ALL {
            for right in Kind::ALL {
                let (left, right) = (left.row(), right.row());
                if left.ec.is_some() && left.ec == right.ec {
                    assert_eq!((left.code, left.status), (right.code, right.status));
                }
            }
        }
    }

    #[test]
    fn every_status_is_a_failure_but_that_of_a_callback_which_tells_what_is_stored() {
        for kind in Kind::ALL {
            let row = kind.row();
            let failure = (400..=599).contains(&row.status);
            assert!(failure || (203, "CallbackFailed") == (row.status, row.code), "{kind:?}");
        }
    }

    #[test]
    fn a_reason_is_short_and_steers_no_terminal() {
        let refusal = Kind::NoSuchKey.because(format!("\u{1b}[2J{}", "x".repeat(1000)));
        assert!(refusal.reason().starts_with("\u{fffd}[2J"));
        assert_eq!(refusal.reason().chars().count(), MAX_REASON + 1);
    }

    #[test]
    fn an_argument_carries_its_name_and_value() {
        let refusal = Kind::RegionInvalid.argument("x-oss-credential", "a/b", "wrong region");
        assert_eq!(
            refusal.children(),
            [("ArgumentName", "x-oss-credential".to_owned()), ("ArgumentValue", "a/b".to_owned())]
        );
        assert_eq!(refusal.ec(), Some("0002-00000715"));
    }
}
