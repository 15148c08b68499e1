//! The error that ends a command: one sentence with what happened and what to do, and the exit code.

use std::process::ExitCode;
use std::{fmt, io};

/// The error of a command.
#[derive(Debug)]
pub(super) struct CommandError {
    sentence: String,
    code: u8,
}

impl CommandError {
    /// Creates the error of a command that failed: exit code 1.
    pub(super) fn new(sentence: impl Into<String>) -> Self {
        Self { sentence: sentence.into(), code: 1 }
    }

    /// Creates the error of wrong arguments or settings, when nothing was tried: exit code 2.
    pub(super) fn usage(sentence: impl Into<String>) -> Self {
        Self { sentence: sentence.into(), code: 2 }
    }

    pub(super) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.sentence)
    }
}

impl std::error::Error for CommandError {}

impl From<io::Error> for CommandError {
    fn from(error: io::Error) -> Self {
        Self::new(error.to_string())
    }
}
