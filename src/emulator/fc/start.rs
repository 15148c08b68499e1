//! Whether an instance has started: its port, who hears it, and the many ways in which nobody does.

use std::fmt;
use std::io;
use std::net::Ipv4Addr;
use std::net::TcpListener;
use std::process::ExitStatus;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::emulator::fc::environment::SEARCH_PATH;
use crate::emulator::fc::proc;
use crate::emulator::fc::process::Process;
use crate::emulator::fc::refusal::Refusal;

/// An address of this machine that a server on `127.0.0.1` does not hear.
const OTHER_ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// Gives the function's own port if nobody holds it, else one that the system has free.
pub(crate) fn port(own: Option<u16>) -> Result<u16, StartError> {
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, own.unwrap_or(0)));
    listener
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|error| StartError::Port { port: own.unwrap_or(0), error })
}

/// Waits until somebody listens, or nobody will.
pub(crate) async fn wait_for(
    process: &Process,
    port: u16,
    limit: Duration,
) -> Result<(), StartError> {
    let opened = tokio::select! {
        biased;
        status = process.end() => return Err(StartError::Exited { status, said: Vec::new() }),
        opened = tokio::time::timeout(limit, open(port)) => opened,
    };
    opened.map_err(|_| {
        let elsewhere = proc::ports(process.id()).into_iter().collect();
        StartError::Silent { port, limit, elsewhere }
    })
}

/// Connects until somebody listens, ever more patiently.
async fn open(port: u16) {
    let started = Instant::now();
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_err() {
        let pause = started.elapsed() / 20;
        tokio::time::sleep(pause.clamp(Duration::from_millis(1), Duration::from_millis(20))).await;
    }
}

/// On the platform requests come from outside. Only Linux has every address of `127/8`.
pub(crate) async fn hears_only_itself(port: u16) -> bool {
    let outside = TcpStream::connect((OTHER_ADDRESS, port)).await;
    let is_refused = |error: &io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
    cfg!(target_os = "linux") && outside.as_ref().is_err_and(is_refused)
}

/// Says why an instance did not start.
#[derive(Debug)]
pub(crate) enum StartError {
    /// The port is somebody else's.
    Port { port: u16, error: io::Error },
    /// The system did not start the program.
    Spawn { name: String, error: io::Error },
    /// The process ended before it listened.
    Exited { status: Option<ExitStatus>, said: Vec<String> },
    /// Nobody listened in time.
    Silent { port: u16, limit: Duration, elsewhere: Vec<u16> },
    /// It listens where only this machine hears it.
    LoopbackOnly { port: u16 },
}

impl StartError {
    /// Turns it into what a caller is told.
    pub(crate) fn refusal(&self) -> Refusal {
        let code = match self {
            Self::Spawn { error, .. } if error.kind() == io::ErrorKind::PermissionDenied => {
                "CAFilePermission"
            }
            Self::Exited { .. } => "CAExited",
            _ => "FunctionNotStarted",
        };
        Refusal::Start { code, sentence: self.to_string() }
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port { port, error } => {
                write!(formatter, "port {port} cannot be had on this machine: {error}")
            }
            Self::Spawn { name, error } if error.kind() == io::ErrorKind::NotFound => write!(
                formatter,
                "{name}, or what its first line names, is not found; programs are looked for in \
                 PATH={SEARCH_PATH} unless the function's variables say otherwise"
            ),
            Self::Spawn { name, error } => write!(formatter, "{name} cannot be started: {error}"),
            Self::Exited { status, said } => {
                let status = status.map_or("an end unseen".to_owned(), |status| status.to_string());
                write!(formatter, "the process ended before it listened, with {status}")?;
                if said.is_empty() {
                    return formatter.write_str(", and said nothing");
                }
                write!(formatter, "; it said: {}", said.join(" | "))
            }
            Self::Silent { port, limit, elsewhere } => {
                let limit = limit.as_secs_f32();
                write!(formatter, "nobody listened on port {port} within {limit} s; ")?;
                match elsewhere.as_slice() {
                    [] => formatter.write_str("listen on the one in FC_CUSTOM_LISTEN_PORT"),
                    [other, ..] => write!(
                        formatter,
                        "it listens on {other}: take the port from FC_CUSTOM_LISTEN_PORT, or set the \
                         function's port to {other}"
                    ),
                }
            }
            Self::LoopbackOnly { port } => write!(
                formatter,
                "it listens on 127.0.0.1:{port} only, where the platform does not reach it; listen on \
                 0.0.0.0"
            ),
        }
    }
}
