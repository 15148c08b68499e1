//! Whether an instance has started: its port, who hears it, and the many ways in which nobody does.

use std::fmt;
use std::io;
use std::net::Ipv4Addr;
use std::net::TcpListener;
use std::ops::Range;
use std::process::ExitStatus;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::environment::SEARCH_PATH;
use crate::proc;
use crate::process::Process;
use crate::refusal::Refusal;

/// An address of this machine that a server on `127.0.0.1` does not hear.
const OTHER_ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// Ports that systems do not give out by themselves.
const PORTS: Range<u16> = 10_240..32_768;

/// How long a port that the function insists on may be somebody else's.
const RELEASE: Duration = Duration::from_secs(2);

/// Gives a port that nobody has, or the function's own as soon as nobody has it.
pub(crate) async fn port(own: Option<u16>) -> Result<u16, StartError> {
    let is_free = |port: &u16| TcpListener::bind((Ipv4Addr::UNSPECIFIED, *port)).is_ok();
    let Some(own) = own else {
        return candidates().find(is_free).ok_or(StartError::Port { port: None });
    };
    let started = Instant::now();
    // An instance that was killed a moment ago may have it yet.
    while !is_free(&own) {
        if started.elapsed() > RELEASE {
            return Err(StartError::Port { port: Some(own) });
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(own)
}

/// Gives ports to try, each time others, and other ones in another process.
///
/// The system is not asked for one: what it gives out it also gives to whoever asks next, and until the
/// function has started nobody holds it.
fn candidates() -> impl Iterator<Item = u16> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let count = u32::from(PORTS.end - PORTS.start);
    let first = std::process::id().wrapping_mul(0x9e37_79b1);
    let port = move |_| {
        let next = first.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
        PORTS.start + u16::try_from(next % count).unwrap_or_default()
    };
    (0..count).map(port)
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
    Port { port: Option<u16> },
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
            Self::Port { port: Some(port) } => write!(
                formatter,
                "port {port} is somebody else's on this machine; end that, or set another"
            ),
            Self::Port { port: None } => formatter.write_str("this machine has no port left"),
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
