//! What ends a command: one sentence that says what happened and what to do, and the exit code.

use std::process::ExitCode;
use std::{fmt, io};

/// A failure of a command.
#[derive(Debug)]
pub(super) struct Failure {
    sentence: String,
    code: u8,
}

impl Failure {
    /// Says that something failed: exit code 1.
    pub(super) fn new(sentence: impl Into<String>) -> Self {
        Self { sentence: sentence.into(), code: 1 }
    }

    /// Says that the command cannot be run as it was asked for: exit code 2.
    pub(super) fn arguments(sentence: impl Into<String>) -> Self {
        Self { sentence: sentence.into(), code: 2 }
    }

    pub(super) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.sentence)
    }
}

impl std::error::Error for Failure {}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::new(error.to_string())
    }
}
