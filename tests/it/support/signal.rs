//! Signals to processes.

use std::process::Command;

/// Sends a signal, such as `KILL`, and returns whether there was such a process. The shell's own `kill` does it: the
/// program of that name is not on every machine.
pub(crate) fn send_signal(signal: &str, process: &str) -> bool {
    let status = Command::new("sh").args(["-c", "kill -s \"$0\" \"$1\"", signal, process]).status();
    status.unwrap().success()
}
