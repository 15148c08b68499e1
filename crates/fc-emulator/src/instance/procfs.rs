//! Facts about a process group from Linux's `/proc`: its memory, its state, its listening ports.
//!
//! On other systems the functions return `None` or nothing.

use std::collections::BTreeSet;
use std::fs::{self, DirEntry};
use std::path::{Path, PathBuf};

/// The resident memory of a process group, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryUse {
    /// The memory in use now.
    pub now: u64,
    /// The sum of each process's peak so far.
    pub peak: u64,
}

/// Adds up the memory of a group.
pub(super) fn memory(group: u32) -> Option<MemoryUse> {
    let mut sum = MemoryUse::default();
    let members = members(group);
    for process in &members {
        let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
        sum.now += kilobytes(&status, "VmRSS:")? * 1024;
        sum.peak += kilobytes(&status, "VmHWM:")? * 1024;
    }
    (!members.is_empty()).then_some(sum)
}

/// Returns whether every thread of a group is stopped.
pub(super) fn is_frozen(group: u32) -> Option<bool> {
    let threads = members(group).into_iter().flat_map(threads);
    let states: Vec<String> =
        threads.filter_map(|path| stat(&path)).map(|stat| stat.state).collect();
    (!states.is_empty()).then(|| states.iter().all(|state| state == "T"))
}

/// Returns the TCP ports on which a group listens.
pub(super) fn ports(group: u32) -> BTreeSet<u16> {
    let sockets: BTreeSet<String> = members(group).into_iter().flat_map(sockets).collect();
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(fs::read_to_string);
    let lines = tables.iter().flatten().flat_map(|table| table.lines());
    let listening = lines.filter_map(listener).filter(|(_, socket)| sockets.contains(*socket));
    listening.map(|(port, _)| port).collect()
}

struct Stat {
    state: String,
    group: u32,
}

/// Reads the `stat` of a process or a thread. The name in it may contain any byte, also brackets.
fn stat(directory: &Path) -> Option<Stat> {
    let text = fs::read_to_string(directory.join("stat")).ok()?;
    let (_, rest) = text.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    let state = fields.next()?.to_owned();
    let group = fields.nth(1)?.parse().ok()?;
    Some(Stat { state, group })
}

fn members(group: u32) -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().filter_map(Result::ok);
    let is_member = |path: &Path| stat(path).is_some_and(|stat| stat.group == group);
    let member = |entry: DirEntry| {
        let process = entry.file_name().to_str()?.parse().ok()?;
        is_member(&entry.path()).then_some(process)
    };
    entries.filter_map(member).collect()
}

fn threads(process: u32) -> Vec<PathBuf> {
    let entries = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten();
    entries.filter_map(|entry| Some(entry.ok()?.path())).collect()
}

fn kilobytes(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Returns the inode numbers of the sockets that a process has open.
fn sockets(process: u32) -> Vec<String> {
    let entries = fs::read_dir(format!("/proc/{process}/fd")).into_iter().flatten();
    let links = entries.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    let number = |link: PathBuf| {
        let text = link.to_str()?.strip_prefix("socket:[")?;
        text.strip_suffix(']').map(str::to_owned)
    };
    links.filter_map(number).collect()
}

/// Reads a line of `/proc/net/tcp`: the port and the socket's inode, if the socket listens.
fn listener(line: &str) -> Option<(u16, &str)> {
    /// `TCP_LISTEN` of the kernel.
    const LISTENING: &str = "0A";
    let fields: Vec<&str> = line.split_whitespace().collect();
    let (_, port) = fields.get(1)?.rsplit_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    (*fields.get(3)? == LISTENING).then_some((port, *fields.get(9)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listening_socket_is_distinguished_from_a_connection() {
        let line = |state: &str| {
            format!(
                "   0: 00000000:2328 00000000:0000 {state} 00000000:00000000 00:00000000 00000000 0 0 4711 1"
            )
        };
        assert_eq!(listener(&line("0A")), Some((9000, "4711")));
        assert_eq!(listener(&line("01")), None);
        assert_eq!(listener("  sl  local_address rem_address   st"), None);
    }
}
