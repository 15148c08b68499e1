//! One instance of a function: its start, its hooks and health checks, freeze and thaw, its end.
//!
//! From "Principles": the server has to listen on all addresses of its port within 120 seconds; the
//! platform connects to find out. From "Lifecycle hooks": when each hook is called.
//!
//! | file | owns |
//! |---|---|
//! | `start` | the port of a new instance, and the reasons why a start fails |
//! | `process` | a process group and the signals to it |
//! | `procfs` | memory, state and ports of a process group, on Linux |
//! | `hook`, `health` | the requests that the platform sends by itself |
//! | `log` | the output of instances |

mod health;
pub(crate) mod hook;
mod log;
mod process;
mod procfs;
mod start;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::config::FunctionConfig;
use crate::error::GatewayError;
use crate::headers::PlatformHeaders;
use crate::instance::health::HealthMonitor;
use crate::instance::hook::PlatformRequest;
use crate::instance::log::{InFlightRequests, LogReader};
use crate::instance::process::{Output, Process, Signal};
use crate::instance::start::StartError;
use crate::package::start_command;
use crate::upstream::Upstream;

pub use hook::{HookResult, StopReport};
pub use log::{InstanceLog, LogLine};
pub use procfs::MemoryUse;

/// How long the last output of an ended process may take to arrive.
const OUTPUT_TIMEOUT: Duration = Duration::from_secs(1);

/// How many of its last lines the error of a failed start shows.
const SHOWN_LINES: usize = 12;

/// The time between SIGTERM and SIGKILL.
const TERMINATION_TIMEOUT: Duration = Duration::from_secs(2);

/// How long an instance may take until all of its threads are frozen, and how often that is looked up.
const FREEZE_TIMEOUT: Duration = Duration::from_secs(5);
const FREEZE_POLL: Duration = Duration::from_millis(2);

/// The system reports the end of a process a moment after its connections have broken.
const EXIT_REPORT_TIMEOUT: Duration = Duration::from_millis(50);

/// The tasks that read the output. They go on when a failed instance is dropped, so that its last lines
/// are not lost.
type LogTasks = Vec<JoinHandle<()>>;

/// A running instance. Dropping it kills its process.
#[derive(Debug)]
pub struct Instance {
    id: String,
    process: Process,
    upstream: Arc<Upstream>,
    address: SocketAddr,
    cold_start: Duration,
    initializer: OnceLock<HookResult>,
    health: Option<HealthMonitor>,
    in_flight: InFlightRequests,
    log_tasks: Mutex<LogTasks>,
    is_stalled: AtomicBool,
    /// Set before the process is ended, so that no further request is sent to it.
    is_ending: AtomicBool,
}

impl Instance {
    /// Starts a process and waits until it listens.
    pub(crate) async fn start(
        config: &FunctionConfig,
        number: u32,
        log: &InstanceLog,
    ) -> Result<Self, StartError> {
        let port = start::choose_port(config.port).await?;
        let id = format!("c-{number:08x}-{:020x}", u64::from(port));
        let command = start_command(&config.command, &config.code);
        let started = Instant::now();
        let program = command.first().cloned().unwrap_or_default();
        let (process, output) =
            Process::start(&command, &config.code, &config.environment(&id, port))
                .map_err(|error| StartError::Spawn { program, error })?;
        let in_flight = InFlightRequests::default();
        let log_tasks = read_output(output, &id, log, &in_flight);
        match start::wait_until_listening(&process, port, config.start_timeout).await {
            Ok(()) => {}
            Err(StartError::Exited { status, .. }) => {
                wait_for_output(log_tasks).await;
                let output = log.last_lines(&id, SHOWN_LINES);
                return Err(StartError::Exited { status, output });
            }
            Err(error) => return Err(error),
        }
        let cold_start = started.elapsed();
        if start::listens_on_loopback_only(port).await {
            return Err(StartError::LoopbackOnly { port });
        }
        let address = (Ipv4Addr::LOCALHOST, port).into();
        Ok(Self {
            id,
            process,
            upstream: Arc::new(Upstream::new(address)),
            address,
            cold_start,
            initializer: OnceLock::new(),
            health: config.health_check.clone().map(HealthMonitor::new),
            in_flight,
            log_tasks: Mutex::new(log_tasks),
            is_stalled: AtomicBool::new(false),
            is_ending: AtomicBool::new(false),
        })
    }

    /// Returns the id, as in `FC_INSTANCE_ID`.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the address on which the process listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the time between the start of the process and its open port.
    #[must_use]
    pub fn cold_start(&self) -> Duration {
        self.cold_start
    }

    /// Returns the result of the initializer hook, if it is on.
    #[must_use]
    pub fn initializer_result(&self) -> Option<HookResult> {
        self.initializer.get().copied()
    }

    /// Returns the result of the first health check, if checks are on.
    #[must_use]
    pub fn first_health_check(&self) -> Option<HookResult> {
        self.health.as_ref()?.first_result()
    }

    /// Returns whether the instance has failed so many health checks that it gets no requests.
    #[must_use]
    pub fn is_unhealthy(&self) -> bool {
        self.health.as_ref().is_some_and(HealthMonitor::is_unhealthy)
    }

    /// Returns the memory of the process and its children; `None` where the system does not report it.
    #[must_use]
    pub fn memory(&self) -> Option<MemoryUse> {
        procfs::memory(self.process.id())
    }

    /// Returns whether all threads are frozen; `None` where the system does not report it.
    #[must_use]
    pub fn is_frozen(&self) -> Option<bool> {
        procfs::is_frozen(self.process.id())
    }

    /// Waits until all threads are frozen, and returns whether they are. Threads stop one by one, and on a
    /// busy machine some of them still run when others have stopped.
    pub async fn wait_until_frozen(&self) -> Option<bool> {
        let started = Instant::now();
        loop {
            match self.is_frozen() {
                Some(false) if started.elapsed() < FREEZE_TIMEOUT => {
                    tokio::time::sleep(FREEZE_POLL).await;
                }
                frozen => return frozen,
            }
        }
    }

    /// Returns whether the process has ended, or is being ended.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.is_ending.load(Ordering::Relaxed) || self.process.exit_status().is_some()
    }

    /// Stops all threads until [`thaw`](Self::thaw).
    pub fn freeze(&self) {
        self.process.signal(Signal::Freeze);
    }

    /// Lets a frozen instance run again, unless it is stalled.
    pub fn thaw(&self) {
        if !self.is_stalled.load(Ordering::Relaxed) {
            self.process.signal(Signal::Thaw);
        }
    }

    /// Freezes the instance in such a way that no request thaws it: it takes requests and neither answers
    /// nor fails.
    pub async fn stall(&self) {
        self.is_stalled.store(true, Ordering::Relaxed);
        self.freeze();
        self.wait_until_frozen().await;
    }

    /// Closes the gateway's kept connections. A server that handles one connection at a time needs it
    /// before another client can connect.
    pub fn close_connections(&self) {
        self.upstream.close_connections();
    }

    /// Kills the process with all that it has started.
    pub fn kill(&self) {
        self.is_ending.store(true, Ordering::Relaxed);
        self.process.signal(Signal::Kill);
    }

    /// Waits until the process has ended.
    pub async fn wait_until_ended(&self) {
        let _ = self.process.wait().await;
    }

    /// Calls the initializer hook.
    pub(crate) async fn initialize(
        &self,
        headers: &PlatformHeaders,
        timeout: Duration,
    ) -> Result<(), GatewayError> {
        let result = self.call(&PlatformRequest::INITIALIZE, headers, timeout).await;
        let _ = self.initializer.set(result);
        if result.is_success() {
            return Ok(());
        }
        let outcome = match result.status {
            Some(status) => format!("answered {status}"),
            None => format!("did not answer within {} s", timeout.as_secs_f32()),
        };
        let message = format!("the initializer {outcome}; it has to answer 2xx");
        Err(GatewayError::Initialization(message))
    }

    /// Makes the first health check, if checks are on.
    pub(crate) async fn first_health_check_since(
        &self,
        started: Instant,
    ) -> Result<(), GatewayError> {
        match &self.health {
            Some(health) => health.first_check(&self.upstream, started).await,
            None => Ok(()),
        }
    }

    /// Makes a health check if one is due, and returns whether a request may be sent.
    pub(crate) async fn check_health(&self) -> bool {
        let Some(health) = &self.health else {
            return true;
        };
        // A stalled instance cannot answer, and its health is not the question.
        if !self.is_stalled.load(Ordering::Relaxed) {
            health.check_if_due(&self.upstream).await;
        }
        !health.is_unhealthy() && !self.has_ended()
    }

    /// Calls the pre-stop hook, if it is on, and ends the process.
    pub(crate) async fn stop(
        &self,
        headers: &PlatformHeaders,
        pre_stop_timeout: Option<Duration>,
    ) -> StopReport {
        self.thaw();
        let pre_stop = match pre_stop_timeout {
            Some(timeout) => Some(self.call(&PlatformRequest::PRE_STOP, headers, timeout).await),
            None => None,
        };
        let ended_by_itself = self.terminate().await;
        StopReport { instance: self.id.clone(), pre_stop, ended_by_itself }
    }

    pub(crate) fn upstream(&self) -> &Arc<Upstream> {
        &self.upstream
    }

    pub(crate) fn in_flight(&self) -> &InFlightRequests {
        &self.in_flight
    }

    /// Waits a moment for the end of the process, which a broken connection makes likely.
    pub(crate) async fn wait_for_exit_report(&self) {
        let _ = tokio::time::timeout(EXIT_REPORT_TIMEOUT, self.process.wait()).await;
    }

    async fn call(
        &self,
        hook: &PlatformRequest,
        headers: &PlatformHeaders,
        timeout: Duration,
    ) -> HookResult {
        hook::call(hook, &self.upstream, &self.in_flight, headers, timeout).await
    }

    /// Sends SIGTERM, and SIGKILL if that is not enough. Returns whether SIGTERM was enough.
    async fn terminate(&self) -> bool {
        self.is_ending.store(true, Ordering::Relaxed);
        self.is_stalled.store(false, Ordering::Relaxed);
        self.process.signal(Signal::Terminate);
        self.thaw();
        let ended = tokio::time::timeout(TERMINATION_TIMEOUT, self.process.wait()).await.is_ok();
        self.process.signal(Signal::Kill);
        self.wait_until_ended().await;
        let tasks = self.log_tasks.lock().map(|mut tasks| std::mem::take(&mut *tasks));
        wait_for_output(tasks.unwrap_or_default()).await;
        ended
    }
}

/// Starts to read the output of a process, until it closes both streams.
fn read_output(
    output: Output,
    id: &str,
    log: &InstanceLog,
    in_flight: &InFlightRequests,
) -> LogTasks {
    let reader = |is_error| LogReader {
        log: log.clone(),
        instance: id.to_owned(),
        in_flight: in_flight.clone(),
        is_error,
    };
    let stdout = output.stdout.map(|stream| tokio::spawn(reader(false).read(stream)));
    let stderr = output.stderr.map(|stream| tokio::spawn(reader(true).read(stream)));
    [stdout, stderr].into_iter().flatten().collect()
}

/// Waits a moment for the last output of a process that has ended.
async fn wait_for_output(tasks: LogTasks) {
    let all = async {
        for task in tasks {
            let _ = task.await;
        }
    };
    let _ = tokio::time::timeout(OUTPUT_TIMEOUT, all).await;
}
