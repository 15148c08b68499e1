//! A process group: started with an environment of its own, watched until it ends, killed when dropped.
//!
//! The platform freezes, thaws and ends an instance; here signals to the group do so.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};

use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio::sync::watch;

/// A signal to a process group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    /// SIGSTOP: stops all threads.
    Freeze,
    /// SIGCONT: continues all threads.
    Thaw,
    /// SIGTERM: asks to end.
    Terminate,
    /// SIGKILL: ends at once.
    Kill,
}

/// A process that runs or has ended.
#[derive(Debug)]
pub(super) struct Process {
    id: u32,
    exit_status: watch::Receiver<Option<ExitStatus>>,
}

/// The output streams of a process.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) stdout: Option<ChildStdout>,
    pub(super) stderr: Option<ChildStderr>,
}

impl Process {
    /// Starts a command in a directory, with these environment variables and no others.
    pub(super) fn start(
        command: &[String],
        directory: &Path,
        environment: &BTreeMap<String, String>,
    ) -> io::Result<(Self, Output)> {
        let (program, arguments) = command.split_first().ok_or(io::ErrorKind::InvalidInput)?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(directory)
            .env_clear()
            .envs(environment)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        start_in_new_group(&mut command);
        let mut child = command.spawn()?;
        let id = child.id().ok_or(io::ErrorKind::NotFound)?;
        let output = Output { stdout: child.stdout.take(), stderr: child.stderr.take() };
        let (sender, exit_status) = watch::channel(None);
        tokio::spawn(watch_exit(child, id, sender));
        Ok((Self { id, exit_status }, output))
    }

    /// Returns the id of the process, which is also the id of its group.
    pub(super) fn id(&self) -> u32 {
        self.id
    }

    /// Returns how the process ended, or `None` while it runs.
    pub(super) fn exit_status(&self) -> Option<ExitStatus> {
        *self.exit_status.borrow()
    }

    /// Waits until the process has ended; `None` if the system did not report how.
    pub(super) async fn wait(&self) -> Option<ExitStatus> {
        let mut status = self.exit_status.clone();
        status.wait_for(Option::is_some).await.ok().and_then(|status| *status)
    }

    /// Sends a signal to the group, unless the process has ended: another process may have its id then.
    pub(super) fn signal(&self, signal: Signal) {
        if self.exit_status().is_none() {
            // It may end before the signal arrives, which is no error.
            let _ = send(self.id, signal);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.signal(Signal::Kill);
    }
}

async fn watch_exit(mut child: Child, id: u32, sender: watch::Sender<Option<ExitStatus>>) {
    let status = child.wait().await;
    // Its children end with it. While one of them runs, no other group gets the same id.
    let _ = send(id, Signal::Kill);
    if let Ok(status) = status {
        sender.send_replace(Some(status));
    }
}

#[cfg(unix)]
fn start_in_new_group(command: &mut Command) {
    command.process_group(0);
}

#[cfg(not(unix))]
fn start_in_new_group(_command: &mut Command) {}

/// Sends a signal to the group that a process leads.
#[cfg(unix)]
fn send(leader: u32, signal: Signal) -> io::Result<()> {
    use rustix::process;
    let signal = match signal {
        Signal::Freeze => process::Signal::STOP,
        Signal::Thaw => process::Signal::CONT,
        Signal::Terminate => process::Signal::TERM,
        Signal::Kill => process::Signal::KILL,
    };
    let group = i32::try_from(leader).ok().and_then(process::Pid::from_raw);
    let group = group.ok_or(io::ErrorKind::NotFound)?;
    Ok(process::kill_process_group(group, signal)?)
}

#[cfg(not(unix))]
fn send(_leader: u32, _signal: Signal) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
