//! A command that prints credentials.
//!
//! It is started without a shell, with this process's environment and an empty standard input. It is killed when
//! its time is over or when the caller goes away; its own child processes are not. Its standard error may contain
//! secrets and is never read.
//!
//! The command line is split here, not by a library for shell words: a backslash before other letters is kept,
//! for paths of Windows, `#` begins no comment, and the words are wiped from memory.

use std::io;
use std::process::Stdio;
use std::time::Duration;

use serde::Deserialize;
use tokio::io::AsyncReadExt;
use tokio::process::Command;
use zeroize::Zeroizing;

use crate::credentials::providers::raw_credentials::{self, RawCredentials};
use crate::credentials::{Credentials, FetchFuture, FetchRequest, Provider, ProviderError};
use crate::secret::Secret;
use crate::time::Timestamp;

/// Limit of the command's run time.
const RUN_TIME: Duration = Duration::from_secs(10);

/// Bytes of output.
const MAX_OUTPUT: usize = 64 * 1024;

/// Provides the credentials that a command prints.
#[derive(Clone, Debug)]
pub struct ExternalCommand {
    /// The arguments may contain a secret.
    command: Secret,
}

impl ExternalCommand {
    /// Takes a program and its arguments; those with spaces are in quotes. Starts nothing yet.
    #[must_use]
    pub fn new(command: Secret) -> Self {
        Self { command }
    }

    async fn run_command(&self, now: Timestamp) -> Result<Credentials, ProviderError> {
        let words = split_words(self.command.expose())
            .ok_or_else(|| ProviderError::permanent("the command leaves a quote open"))?;
        let (program, arguments) =
            words.split_first().ok_or_else(|| ProviderError::permanent("the command is empty"))?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        read(&run(command).await?, now)
    }
}

impl Provider for ExternalCommand {
    fn name(&self) -> &'static str {
        "external"
    }

    fn fetch<'a>(&'a self, request: FetchRequest<'a>) -> FetchFuture<'a> {
        Box::pin(async move {
            let time = RUN_TIME.min(request.timeout);
            tokio::time::timeout(time, self.run_command(request.now)).await.unwrap_or_else(|_| {
                Err(ProviderError::temporary("the command did not end in time and was killed"))
            })
        })
    }
}

/// Runs a command to its end and returns its output.
async fn run(mut command: Command) -> Result<Zeroizing<Vec<u8>>, ProviderError> {
    let broken = |error: io::Error| {
        ProviderError::temporary(format!("the command's output cannot be read: {}", error.kind()))
    };
    let mut child = command.spawn().map_err(|error| {
        let reason = format!("the command cannot be started: {}", error.kind());
        ProviderError::permanent(format!(
            "{reason}; give the full path of a program that may be run"
        ))
    })?;
    // With the greatest capacity, because a growing buffer would leave copies in memory.
    let mut output = Zeroizing::new(Vec::with_capacity(MAX_OUTPUT + 1));
    if let Some(stdout) = child.stdout.take() {
        let limit = MAX_OUTPUT as u64 + 1;
        stdout.take(limit).read_to_end(&mut output).await.map_err(broken)?;
    }
    if output.len() > MAX_OUTPUT {
        return Err(ProviderError::permanent("the command prints far more than a key"));
    }
    let status = child.wait().await.map_err(broken)?;
    if !status.success() {
        return Err(ProviderError::temporary(format!(
            "the command failed ({status}); run it by hand to see what it says"
        )));
    }
    Ok(output)
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct CommandOutput {
    #[serde(deserialize_with = "raw_credentials::text")]
    mode: Option<String>,
    #[serde(deserialize_with = "raw_credentials::text")]
    access_key_id: Option<String>,
    #[serde(deserialize_with = "raw_credentials::secret")]
    access_key_secret: Option<Secret>,
    #[serde(deserialize_with = "raw_credentials::secret")]
    sts_token: Option<Secret>,
    #[serde(deserialize_with = "raw_credentials::moment")]
    expiration: Option<String>,
    /// The same by its name in `config.json`.
    #[serde(deserialize_with = "raw_credentials::moment")]
    sts_expiration: Option<String>,
}

fn read(output: &[u8], now: Timestamp) -> Result<Credentials, ProviderError> {
    let printed: CommandOutput = serde_json::from_slice(output).map_err(|error| {
        ProviderError::permanent(format!(
            "the command does not print the JSON object of a key (line {})",
            error.line()
        ))
    })?;
    let found = RawCredentials {
        key_id: printed.access_key_id,
        secret: printed.access_key_secret,
        token: printed.sts_token,
        expiration: printed.expiration.or(printed.sts_expiration),
    };
    match (printed.mode.as_deref(), &found.token) {
        (Some("AK"), None) | (Some("StsToken"), Some(_)) => {}
        (Some("AK"), Some(_)) => {
            return Err(ProviderError::permanent(
                "the command prints mode AK and a token: say StsToken",
            ));
        }
        (Some("StsToken"), None) => {
            return Err(ProviderError::permanent(
                "the command prints mode StsToken and no sts_token",
            ));
        }
        _ => return Err(ProviderError::permanent("the command's mode is neither AK nor StsToken")),
    }
    found.check(now).map_err(|error| {
        ProviderError::permanent(format!("the key that the command prints is of no use: {error}"))
    })
}

/// Splits a command line into words, which may contain secrets; `None` when a quotation mark is missing.
///
/// Quotation marks keep spaces, and a backslash keeps a quotation mark, a space or a backslash. There is no
/// expansion: no variables, no `~`, no `;` and no `|`.
fn split_words(line: &str) -> Option<Zeroizing<Vec<String>>> {
    let mut words = Zeroizing::new(Vec::new());
    let mut word: Option<String> = None;
    let mut open: Option<char> = None;
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        match (open, letter) {
            (Some(quote), _) if letter == quote => open = None,
            (None, '"' | '\'') => {
                open = Some(letter);
                word.get_or_insert_default();
            }
            (None | Some('"'), '\\') => {
                let escaped = letters.next_if(|next| is_escapable(*next, open));
                word.get_or_insert_default().push(escaped.unwrap_or(letter));
            }
            (None, _) if letter.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    open.is_none().then_some(words)
}

/// A backslash before another character is an ordinary character, as in a path of Windows.
fn is_escapable(letter: char, open: Option<char>) -> bool {
    matches!(letter, '"' | '\\') || (open.is_none() && (letter == '\'' || letter.is_whitespace()))
}

#[cfg(test)]
mod tests;
