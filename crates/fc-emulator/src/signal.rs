//! Signals to a process and all that it has started: how the platform freezes, thaws and ends an
//! instance.

use std::io;

use tokio::process::Command;

/// What a group of processes can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// Stand still, until told to go on.
    Freeze,
    /// Go on.
    Thaw,
    /// End, when it suits.
    End,
    /// Be gone.
    Kill,
}

/// Makes what a command starts the first of a group of its own.
#[cfg(unix)]
pub(crate) fn lead_a_group(command: &mut Command) {
    command.process_group(0);
}

#[cfg(not(unix))]
pub(crate) fn lead_a_group(_command: &mut Command) {}

/// Sends a signal to the group that a process leads.
#[cfg(unix)]
pub(crate) fn send(leader: u32, signal: Signal) -> io::Result<()> {
    use rustix::process;
    let signal = match signal {
        Signal::Freeze => process::Signal::STOP,
        Signal::Thaw => process::Signal::CONT,
        Signal::End => process::Signal::TERM,
        Signal::Kill => process::Signal::KILL,
    };
    let group = i32::try_from(leader).ok().and_then(process::Pid::from_raw);
    let group = group.ok_or(io::ErrorKind::NotFound)?;
    Ok(process::kill_process_group(group, signal)?)
}

#[cfg(not(unix))]
pub(crate) fn send(_leader: u32, _signal: Signal) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
