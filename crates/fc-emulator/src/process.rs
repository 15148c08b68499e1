//! The process of an instance: started with nothing but its own environment, watched until it ends,
//! gone with its group when it is dropped.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::process::ExitStatus;
use std::process::Stdio;

use tokio::process::Child;
use tokio::process::ChildStderr;
use tokio::process::ChildStdout;
use tokio::process::Command;
use tokio::sync::watch;

use crate::signal;
use crate::signal::Signal;

/// How a process ended; none while it runs.
type End = Option<ExitStatus>;

/// A running process, or one that has ended.
#[derive(Debug)]
pub(crate) struct Process {
    id: u32,
    end: watch::Receiver<End>,
}

/// What a process writes.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) out: Option<ChildStdout>,
    pub(crate) err: Option<ChildStderr>,
}

impl Process {
    /// Starts a command in a folder, with these variables and no others.
    pub(crate) fn start(
        command: &[String],
        folder: &Path,
        variables: &BTreeMap<String, String>,
    ) -> io::Result<(Self, Output)> {
        let (program, arguments) = command.split_first().ok_or(io::ErrorKind::InvalidInput)?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(folder)
            .env_clear()
            .envs(variables)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        signal::lead_a_group(&mut command);
        let mut child = command.spawn()?;
        let id = child.id().ok_or(io::ErrorKind::NotFound)?;
        let output = Output { out: child.stdout.take(), err: child.stderr.take() };
        let (ended, end) = watch::channel(None);
        tokio::spawn(watch_over(child, id, ended));
        Ok((Self { id, end }, output))
    }

    pub(crate) fn id(&self) -> u32 {
        self.id
    }

    /// Gives how it ended, if it has.
    pub(crate) fn ended(&self) -> End {
        *self.end.borrow()
    }

    /// Waits until it has ended; none if nobody can tell any more.
    pub(crate) async fn end(&self) -> End {
        let mut end = self.end.clone();
        end.wait_for(Option::is_some).await.ok().and_then(|end| *end)
    }

    /// Sends a signal to its group, unless it has ended: its number may then be another's.
    pub(crate) fn signal(&self, signal: Signal) {
        if self.ended().is_none() {
            // It may end between the two; then there is nobody left to tell.
            let _ = signal::send(self.id, signal);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.signal(Signal::Kill);
    }
}

async fn watch_over(mut child: Child, id: u32, ended: watch::Sender<End>) {
    let status = child.wait().await;
    // What it had started goes with it; while one of them is left, the group's number is nobody else's.
    let _ = signal::send(id, Signal::Kill);
    if let Ok(status) = status {
        ended.send_replace(Some(status));
    }
}
