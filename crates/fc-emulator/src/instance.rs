//! One instance: started, waited for, called, frozen and thawed, stopped.
//!
//! From "Principles": the server has to listen on every address of its port within 120 seconds, and
//! is asked so by connecting to it. From "Lifecycle hooks": what is called when.

use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::environment::Place;
use crate::fleet::Plan;
use crate::forward::Upstream;
use crate::health::Health;
use crate::hook::Called;
use crate::log::Log;
use crate::log::Reader;
use crate::log::UnderWay;
use crate::package::start_command;
use crate::proc;
use crate::proc::Memory;
use crate::process::Output;
use crate::process::Process;
use crate::refusal::Refusal;
use crate::signal::Signal;
use crate::start;
use crate::start::StartError;

/// How long the last lines of an ended process may take to arrive.
const LAST_LINES: Duration = Duration::from_secs(1);

/// How many of them are shown.
const SHOWN_LINES: usize = 12;

/// How long an instance that was told to end may take before it is killed.
const GRACE: Duration = Duration::from_secs(2);

/// How long an instance may take to come to rest, and how often it is looked at meanwhile.
const REST: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(2);

/// The system reports a process's end a moment after its connections have broken.
const REPORT: Duration = Duration::from_millis(50);

/// They go on reading when they are let go: a process that died has still said why.
type Readers = Vec<JoinHandle<()>>;

/// A started instance. Its process ends with it.
#[derive(Debug)]
pub struct Instance {
    id: String,
    process: Process,
    upstream: Arc<Upstream>,
    address: SocketAddr,
    cold_start: Duration,
    initialized: OnceLock<Called>,
    health: Option<Health>,
    under_way: UnderWay,
    readers: Mutex<Readers>,
    is_stalled: AtomicBool,
    is_condemned: AtomicBool,
}

impl Instance {
    /// Starts a process and waits until it listens.
    pub(crate) async fn start(plan: &Plan, number: u32, log: &Log) -> Result<Self, StartError> {
        let port = start::port(plan.port).await?;
        let id = format!("c-{number:08x}-{:020x}", u64::from(port));
        let command = start_command(&plan.command, &plan.code);
        let variables = plan.variables.complete(&Place {
            code: &plan.code,
            function: &plan.function,
            keys: plan.keys.as_ref(),
            instance_id: &id,
            port,
        });
        let started = Instant::now();
        let name = command.first().cloned().unwrap_or_default();
        let (process, output) = Process::start(&command, &plan.code, &variables)
            .map_err(|error| StartError::Spawn { name, error })?;
        let under_way = UnderWay::default();
        let readers = collect(output, &id, log, &under_way);
        match start::wait_for(&process, port, plan.start_limit).await {
            Ok(()) => {}
            Err(StartError::Exited { status, .. }) => {
                last_lines(readers).await;
                return Err(StartError::Exited { status, said: log.last_of(&id, SHOWN_LINES) });
            }
            Err(error) => return Err(error),
        }
        let cold_start = started.elapsed();
        if start::hears_only_itself(port).await {
            return Err(StartError::LoopbackOnly { port });
        }
        let address = (Ipv4Addr::LOCALHOST, port).into();
        Ok(Self {
            id,
            process,
            upstream: Arc::new(Upstream::new(address)),
            address,
            cold_start,
            initialized: OnceLock::new(),
            health: plan.health_check.clone().map(Health::new),
            under_way,
            readers: Mutex::new(readers),
            is_stalled: AtomicBool::new(false),
            is_condemned: AtomicBool::new(false),
        })
    }

    /// Its name, as in `FC_INSTANCE_ID`.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How long it took from its start to its open port.
    #[must_use]
    pub fn cold_start(&self) -> Duration {
        self.cold_start
    }

    /// What came of its initializer, if that is switched on.
    #[must_use]
    pub fn initialized(&self) -> Option<Called> {
        self.initialized.get().copied()
    }

    /// What came of its first health check, if there are any.
    #[must_use]
    pub fn first_check(&self) -> Option<Called> {
        self.health.as_ref()?.first()
    }

    /// Tells whether it has failed so many health checks that it gets no requests.
    #[must_use]
    pub fn is_ill(&self) -> bool {
        self.health.as_ref().is_some_and(Health::is_ill)
    }

    /// How much memory it holds with all that it has started; none where the system does not tell.
    #[must_use]
    pub fn memory(&self) -> Option<Memory> {
        proc::memory(self.process.id())
    }

    /// Tells whether it stands still; none where the system does not tell.
    #[must_use]
    pub fn is_frozen(&self) -> Option<bool> {
        proc::is_frozen(self.process.id())
    }

    /// Waits until it stands still, and tells whether it does. Threads come to rest one by one, and on a
    /// busy machine some of them still answer when others have stopped.
    pub async fn comes_to_rest(&self) -> Option<bool> {
        let started = Instant::now();
        loop {
            match self.is_frozen() {
                Some(false) if started.elapsed() < REST => tokio::time::sleep(POLL).await,
                frozen => return frozen,
            }
        }
    }

    /// Tells whether its process has ended, or is about to.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.is_condemned.load(Ordering::Relaxed) || self.process.ended().is_some()
    }

    /// Gives it no time to run, until it is thawed.
    pub fn freeze(&self) {
        self.process.signal(Signal::Freeze);
    }

    /// Lets it run again, unless it is stalled.
    pub fn thaw(&self) {
        if !self.is_stalled.load(Ordering::Relaxed) {
            self.process.signal(Signal::Thaw);
        }
    }

    /// Freezes it so that no request thaws it: it then neither answers nor fails.
    pub async fn stall(&self) {
        self.is_stalled.store(true, Ordering::Relaxed);
        self.freeze();
        self.comes_to_rest().await;
    }

    /// Closes the connections that the gateway keeps to it, for a server that hears one at a time.
    pub fn hang_up(&self) {
        self.upstream.hang_up();
    }

    /// Kills it, whatever it is doing.
    pub fn kill(&self) {
        self.is_condemned.store(true, Ordering::Relaxed);
        self.process.signal(Signal::Kill);
    }

    /// Waits until its process has ended.
    pub async fn ended(&self) {
        let _ = self.process.end().await;
    }

    pub(crate) fn set_initialized(&self, called: Called) {
        let _ = self.initialized.set(called);
    }

    /// Makes the first health check, if there are any.
    pub(crate) async fn begin(&self, started: Instant) -> Result<(), Refusal> {
        match &self.health {
            Some(health) => health.begin(&self.upstream, started).await,
            None => Ok(()),
        }
    }

    /// Makes the health check that is due, if one is, and tells whether a request may be sent to it.
    pub(crate) async fn is_well(&self) -> bool {
        let Some(health) = &self.health else {
            return true;
        };
        // What stands still is not asked.
        if !self.is_stalled.load(Ordering::Relaxed) {
            health.look(&self.upstream).await;
        }
        !health.is_ill() && !self.has_ended()
    }

    pub(crate) fn upstream(&self) -> &Arc<Upstream> {
        &self.upstream
    }

    pub(crate) fn under_way(&self) -> &UnderWay {
        &self.under_way
    }

    /// Waits a moment for the news of its end, where a broken connection makes it likely.
    pub(crate) async fn settle(&self) {
        let _ = tokio::time::timeout(REPORT, self.process.end()).await;
    }

    /// Asks it to end and sees to it that it does. Tells whether it did so by itself.
    pub(crate) async fn end(&self) -> bool {
        self.is_condemned.store(true, Ordering::Relaxed);
        self.is_stalled.store(false, Ordering::Relaxed);
        self.process.signal(Signal::End);
        self.thaw();
        let by_itself = tokio::time::timeout(GRACE, self.process.end()).await.is_ok();
        self.process.signal(Signal::Kill);
        self.ended().await;
        let readers = self.readers.lock().map(|mut readers| std::mem::take(&mut *readers));
        last_lines(readers.unwrap_or_default()).await;
        by_itself
    }
}

/// Collects what a process writes, until it closes both streams.
fn collect(output: Output, id: &str, log: &Log, under_way: &UnderWay) -> Readers {
    let reader = |is_error| Reader {
        log: log.clone(),
        instance: id.to_owned(),
        under_way: under_way.clone(),
        is_error,
    };
    let out = output.out.map(|out| tokio::spawn(reader(false).read(out)));
    let err = output.err.map(|err| tokio::spawn(reader(true).read(err)));
    [out, err].into_iter().flatten().collect()
}

/// Waits a moment for the last lines of a process that has ended.
async fn last_lines(readers: Readers) {
    let all = async {
        for reader in readers {
            let _ = reader.await;
        }
    };
    let _ = tokio::time::timeout(LAST_LINES, all).await;
}
