//! The tool as a child process, in a folder of its own and with an environment of its own.

use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::support::form::{KEY_ID, SECRET};
use crate::support::wait::within;

/// The longest run of the tool: a whole rehearsal, beside other tests.
const RUN_LIMIT: Duration = Duration::from_mins(5);

/// A folder to run the tool in, with a key in the environment.
pub(crate) struct Tool {
    pub(crate) folder: TempDir,
    environment: Vec<(String, String)>,
}

/// What came of a run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Tool {
    pub(crate) fn new() -> Self {
        let tool = Self { folder: TempDir::new().unwrap(), environment: Vec::new() };
        tool.with("ALIBABA_CLOUD_ACCESS_KEY_ID", KEY_ID)
            .with("ALIBABA_CLOUD_ACCESS_KEY_SECRET", SECRET)
    }

    /// Sets a variable; an empty value unsets.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file into the folder.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Prepares a run, with nothing but what is set here in its environment.
    pub(crate) fn command(&self, arguments: &[impl AsRef<OsStr>]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_oss-upload"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// Runs the tool to its end.
    pub(crate) async fn run(&self, arguments: &[impl AsRef<OsStr>]) -> Outcome {
        let output = self.command(arguments).output();
        Outcome::of(&within(RUN_LIMIT, "the end of the run", output).await.unwrap())
    }

    /// Runs the tool with something on its standard input.
    pub(crate) async fn run_with(&self, arguments: &[&str], input: &str) -> Outcome {
        let mut child = self.command(arguments).stdin(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let _ = stdin.write_all(input.as_bytes()).await;
        drop(stdin);
        let output = child.wait_with_output();
        Outcome::of(&within(RUN_LIMIT, "the end of the run", output).await.unwrap())
    }
}

impl Outcome {
    fn of(output: &std::process::Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Self {
            code: output.status.code().unwrap(),
            out: text(&output.stdout),
            err: text(&output.stderr),
        }
    }

    /// Gives standard output of a run that went well.
    pub(crate) fn good(self) -> String {
        assert_eq!((self.code, self.err.as_str()), (0, ""));
        self.out
    }

    /// Gives the one line that a run with bad input ends with.
    pub(crate) fn complaint(self) -> String {
        assert_eq!((self.code, self.out.as_str()), (2, ""), "{self:?}");
        assert_eq!(self.err.lines().count(), 1, "{}", self.err);
        self.err.trim_end().to_owned()
    }
}
