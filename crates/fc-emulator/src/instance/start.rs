//! The start of an instance: its port, the wait until it listens, and the reasons why a start fails.

use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;
use std::process::ExitStatus;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use std::{fmt, io};

use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::config::SEARCH_PATH;
use crate::error::GatewayError;
use crate::instance::process::Process;
use crate::instance::procfs;

/// An address of this machine that a server on `127.0.0.1` does not serve.
const OTHER_ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// Ports below the range from which systems choose ephemeral ports.
const PORTS: Range<u16> = 10_240..32_768;

/// How long a fixed port may be in use by another process.
const PORT_TIMEOUT: Duration = Duration::from_secs(2);

/// The longest pause between two connection attempts.
const MAX_PAUSE: Duration = Duration::from_millis(20);

/// Returns a free port, or the fixed port as soon as it is free.
pub(super) async fn choose_port(fixed: Option<u16>) -> Result<u16, StartError> {
    let is_free = |port: &u16| TcpListener::bind((Ipv4Addr::UNSPECIFIED, *port)).is_ok();
    let Some(fixed) = fixed else {
        return candidate_ports().find(is_free).ok_or(StartError::PortInUse { port: None });
    };
    let started = Instant::now();
    // An instance that was killed a moment ago may still have the port.
    while !is_free(&fixed) {
        if started.elapsed() > PORT_TIMEOUT {
            return Err(StartError::PortInUse { port: Some(fixed) });
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(fixed)
}

/// Returns ports to try: other ones at each call, and other ones in another process.
///
/// The system is not asked for an ephemeral port. Between that answer and the function's start no process
/// holds the port, and the system may give it to another process.
fn candidate_ports() -> impl Iterator<Item = u16> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let count = u32::from(PORTS.end - PORTS.start);
    let first = std::process::id().wrapping_mul(0x9e37_79b1);
    let port = move |_| {
        let next = first.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
        PORTS.start + u16::try_from(next % count).unwrap_or_default()
    };
    (0..count).map(port)
}

/// Waits until the port accepts connections, the process ends, or the timeout passes.
pub(super) async fn wait_until_listening(
    process: &Process,
    port: u16,
    timeout: Duration,
) -> Result<(), StartError> {
    let connected = tokio::select! {
        biased;
        status = process.wait() => return Err(StartError::Exited { status, output: Vec::new() }),
        connected = tokio::time::timeout(timeout, connect(port)) => connected,
    };
    connected.map_err(|_| {
        let other_ports = procfs::ports(process.id()).into_iter().collect();
        StartError::NotListening { port, timeout, other_ports }
    })
}

/// Connects until it succeeds, with growing pauses.
async fn connect(port: u16) {
    let started = Instant::now();
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_err() {
        let pause = started.elapsed() / 20;
        tokio::time::sleep(pause.clamp(Duration::from_millis(1), MAX_PAUSE)).await;
    }
}

/// Returns whether the port is open on `127.0.0.1` only, where the platform could not connect. Only Linux
/// has all addresses of `127/8`; elsewhere the result is `false`.
pub(super) async fn listens_on_loopback_only(port: u16) -> bool {
    let outside = TcpStream::connect((OTHER_ADDRESS, port)).await;
    let is_refused = |error: &io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
    cfg!(target_os = "linux") && outside.as_ref().is_err_and(is_refused)
}

/// The reason why an instance did not start.
#[derive(Debug)]
pub(crate) enum StartError {
    /// Another process has the fixed port, or every port.
    PortInUse { port: Option<u16> },
    /// The system did not start the program.
    Spawn { program: String, error: io::Error },
    /// The process ended before it listened; `output` are its last lines.
    Exited { status: Option<ExitStatus>, output: Vec<String> },
    /// The port did not accept connections in time.
    NotListening { port: u16, timeout: Duration, other_ports: Vec<u16> },
    /// The process listens on `127.0.0.1` only.
    LoopbackOnly { port: u16 },
}

impl From<StartError> for GatewayError {
    fn from(error: StartError) -> Self {
        let code = match &error {
            StartError::Spawn { error, .. } if error.kind() == io::ErrorKind::PermissionDenied => {
                "CAFilePermission"
            }
            StartError::Exited { .. } => "CAExited",
            _ => "FunctionNotStarted",
        };
        Self::Start { code, message: error.to_string() }
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PortInUse { port: Some(port) } => write!(
                formatter,
                "port {port} is in use by another process of this machine; end that, or set another"
            ),
            Self::PortInUse { port: None } => formatter.write_str("this machine has no free port"),
            Self::Spawn { program, error } if error.kind() == io::ErrorKind::NotFound => write!(
                formatter,
                "{program}, or what its first line names, is not found; programs are looked for in \
                 PATH={SEARCH_PATH} unless the function's variables say otherwise"
            ),
            Self::Spawn { program, error } => {
                write!(formatter, "{program} cannot be started: {error}")
            }
            Self::Exited { status, output } => {
                let status =
                    status.map_or("an unknown status".to_owned(), |status| status.to_string());
                write!(formatter, "the process ended before it listened, with {status}")?;
                if output.is_empty() {
                    return formatter.write_str(", and wrote nothing");
                }
                write!(formatter, "; it wrote: {}", output.join(" | "))
            }
            Self::NotListening { port, timeout, other_ports } => {
                let timeout = timeout.as_secs_f32();
                write!(formatter, "port {port} was not open within {timeout} s; ")?;
                match other_ports.as_slice() {
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
