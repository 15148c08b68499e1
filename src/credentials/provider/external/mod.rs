//! A command that prints a key, for sources that nobody has built in.
//!
//! It is started without a shell, with this process's environment and nothing to read, and is killed
//! when its time is up or nobody waits any longer; programs that it has started are not. What it
//! prints to its error output may hold secrets and is never read.

mod words;

use std::io;
use std::process::Stdio;
use std::time::Duration;

use serde::Deserialize;
use tokio::io::AsyncReadExt;
use tokio::process::Command;
use zeroize::Zeroizing;

use crate::credentials::Credentials;
use crate::credentials::Errand;
use crate::credentials::Failure;
use crate::credentials::Fetching;
use crate::credentials::Provider;
use crate::credentials::provider::found;
use crate::credentials::provider::found::Found;
use crate::secret::Secret;
use crate::time::Timestamp;

/// How long the command may run.
const RUN_TIME: Duration = Duration::from_secs(10);

/// The longest output in bytes.
const MAX_OUTPUT: usize = 64 * 1024;

/// Runs a command for a key.
#[derive(Clone, Debug)]
pub struct External {
    /// Its arguments may hold a secret, so it does not print.
    command: Secret,
}

impl External {
    /// Will run `command`: a program and its arguments, with quotes around what holds spaces.
    #[must_use]
    pub fn new(command: Secret) -> Self {
        Self { command }
    }

    async fn ask(&self, now: Timestamp) -> Result<Credentials, Failure> {
        let words = words::split(self.command.expose())
            .ok_or_else(|| Failure::permanent("the command leaves a quote open"))?;
        let (program, arguments) =
            words.split_first().ok_or_else(|| Failure::permanent("the command is empty"))?;
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

impl Provider for External {
    fn name(&self) -> &'static str {
        "external"
    }

    fn fetch<'a>(&'a self, errand: Errand<'a>) -> Fetching<'a> {
        Box::pin(async move {
            let time = RUN_TIME.min(errand.patience);
            tokio::time::timeout(time, self.ask(errand.now)).await.unwrap_or_else(|_| {
                Err(Failure::temporary("the command did not end in time and was killed"))
            })
        })
    }
}

/// Runs a command to its end and gives what it printed.
async fn run(mut command: Command) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let broken = |error: io::Error| {
        Failure::temporary(format!("the command's output cannot be read: {}", error.kind()))
    };
    let mut child = command.spawn().map_err(|error| {
        let reason = format!("the command cannot be started: {}", error.kind());
        Failure::permanent(format!("{reason}; give the full path of a program that may be run"))
    })?;
    // As large as it can become, so that growing leaves no copies behind.
    let mut output = Zeroizing::new(Vec::with_capacity(MAX_OUTPUT + 1));
    if let Some(stdout) = child.stdout.take() {
        let limit = MAX_OUTPUT as u64 + 1;
        stdout.take(limit).read_to_end(&mut output).await.map_err(broken)?;
    }
    if output.len() > MAX_OUTPUT {
        return Err(Failure::permanent("the command prints far more than a key"));
    }
    let status = child.wait().await.map_err(broken)?;
    if !status.success() {
        return Err(Failure::temporary(format!(
            "the command failed ({status}); run it by hand to see what it says"
        )));
    }
    Ok(output)
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Printed {
    #[serde(deserialize_with = "found::text")]
    mode: Option<String>,
    #[serde(deserialize_with = "found::text")]
    access_key_id: Option<String>,
    #[serde(deserialize_with = "found::secret")]
    access_key_secret: Option<Secret>,
    #[serde(deserialize_with = "found::secret")]
    sts_token: Option<Secret>,
    #[serde(deserialize_with = "found::moment")]
    expiration: Option<String>,
    /// The same by the name that it has in `config.json`.
    #[serde(deserialize_with = "found::moment")]
    sts_expiration: Option<String>,
}

fn read(output: &[u8], now: Timestamp) -> Result<Credentials, Failure> {
    let printed: Printed = serde_json::from_slice(output).map_err(|error| {
        Failure::permanent(format!(
            "the command does not print the JSON object of a key (line {})",
            error.line()
        ))
    })?;
    let found = Found {
        key_id: printed.access_key_id,
        secret: printed.access_key_secret,
        token: printed.sts_token,
        expiration: printed.expiration.or(printed.sts_expiration),
    };
    match (printed.mode.as_deref(), &found.token) {
        (Some("AK"), None) | (Some("StsToken"), Some(_)) => {}
        (Some("AK"), Some(_)) => {
            return Err(Failure::permanent("the command prints mode AK and a token: say StsToken"));
        }
        (Some("StsToken"), None) => {
            return Err(Failure::permanent("the command prints mode StsToken and no sts_token"));
        }
        _ => return Err(Failure::permanent("the command's mode is neither AK nor StsToken")),
    }
    found.check(now).map_err(|flaw| {
        Failure::permanent(format!("the key that the command prints is of no use: {flaw}"))
    })
}

#[cfg(test)]
mod tests;
