//! The instances of a function: as many as its requests need, each filled before another is started.
//!
//! From "Configure the concurrency of a single instance": an instance takes up to so many requests at
//! once; what goes beyond all instances that the account may have is refused.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::OnceCell;
use tokio::time::Instant;

use crate::desk::Desk;
use crate::environment::Variables;
use crate::function::Function;
use crate::function::Keys;
use crate::health::HealthCheck;
use crate::hook;
use crate::hook::Farewell;
use crate::instance::Instance;
use crate::log::Log;
use crate::refusal::Refusal;
use crate::seat::Seat;

/// How long the platform waits for the port.
const START_LIMIT: Duration = Duration::from_mins(2);

/// What is said where there is room, and all of it in instances that are ill.
const NONE_WELL: &str =
    "every instance that has room fails its health check, and no other may be started";

/// Describes what instances are started from, and how many.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The folder of the code.
    pub code: PathBuf,
    /// The start command, in which `/code/` stands for that folder. Empty starts `bootstrap`.
    pub command: Vec<String>,
    /// The function's own variables.
    pub variables: Variables,
    /// The role's credentials in the environment, if it has a role.
    pub keys: Option<Keys>,
    /// The function.
    pub function: Function,
    /// Its port, if it listens on no other than one; there is then one instance at the most, since
    /// all of them share this machine. None gives each a free one.
    pub port: Option<u16>,
    /// How long an instance may take to open its port.
    pub start_limit: Duration,
    /// How long the initializer may take, if it is switched on.
    pub initializer: Option<Duration>,
    /// How instances are asked whether they are well, if that is switched on.
    pub health_check: Option<HealthCheck>,
    /// How long the hook before the end may take, if it is switched on.
    pub pre_stop: Option<Duration>,
    /// How many requests an instance takes at once.
    pub concurrency: usize,
    /// How many instances there may be.
    pub instances: usize,
    /// Whether an instance is frozen while it has nothing to do.
    pub freezes: bool,
}

impl Plan {
    /// Plans one instance at a time that takes one request at a time, without hooks, as the platform
    /// does where nothing else is set.
    #[must_use]
    pub fn new(code: PathBuf, function: Function) -> Self {
        Self {
            code,
            command: Vec::new(),
            variables: Variables::default(),
            keys: None,
            function,
            port: None,
            start_limit: START_LIMIT,
            initializer: None,
            health_check: None,
            pre_stop: None,
            concurrency: 1,
            instances: 1,
            freezes: true,
        }
    }
}

/// The instances of one function; its clones are the same ones.
#[derive(Clone, Debug)]
pub struct Fleet(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    plan: Plan,
    log: Log,
    started: AtomicU32,
    slots: Mutex<Vec<Arc<Slot>>>,
}

/// Room for one instance, which whoever comes first starts and the others wait for.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    instance: OnceCell<Result<Arc<Instance>, Refusal>>,
    taken: AtomicUsize,
}

impl Slot {
    fn instance(&self) -> Option<&Arc<Instance>> {
        self.instance.get()?.as_ref().ok()
    }

    fn is_ill(&self) -> bool {
        self.instance().is_some_and(|instance| instance.is_ill())
    }

    /// A slot whose instance has ended or never started is of no more use.
    fn is_spent(&self) -> bool {
        let has_ended = |started: &Result<Arc<Instance>, Refusal>| {
            started.as_ref().map_or(true, |instance| instance.has_ended())
        };
        self.instance.get().is_some_and(has_ended)
    }
}

impl Fleet {
    /// Plans instances; the first request starts one.
    #[must_use]
    pub fn new(plan: Plan) -> Self {
        let (log, started, slots) = Default::default();
        Self(Arc::new(Inner { plan, log, started, slots }))
    }

    /// Gives what its instances are started from.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.0.plan
    }

    /// Gives the instances that run.
    #[must_use]
    pub fn instances(&self) -> Vec<Arc<Instance>> {
        let slots = self.slots();
        let running = slots.iter().filter(|slot| !slot.is_spent());
        running.filter_map(|slot| slot.instance().cloned()).collect()
    }

    /// Tells how many instances have been started so far, whatever became of them.
    #[must_use]
    pub fn started(&self) -> u32 {
        self.0.started.load(Ordering::Relaxed)
    }

    /// Gives what all instances have written.
    #[must_use]
    pub fn log(&self) -> &Log {
        &self.0.log
    }

    /// Finds an instance for a request, and starts one if need be.
    pub(crate) async fn seat(&self, desk: &Desk, request_id: &str) -> Result<Seat, Refusal> {
        let mut passed_over = Vec::new();
        loop {
            let slot = self.take(&passed_over)?;
            let seat = Reserved { fleet: self.clone(), slot };
            let started = seat.slot.instance.get_or_init(|| self.start(desk)).await;
            let instance = Arc::clone(started.as_ref().map_err(Clone::clone)?);
            instance.thaw();
            if instance.is_well().await {
                return Ok(Seat::taken(instance, seat, request_id));
            }
            passed_over.push(Arc::clone(&seat.slot));
        }
    }

    /// Says farewell to every instance and ends it.
    pub(crate) async fn stop(&self, desk: &Desk) -> Vec<Farewell> {
        let instances = self.instances();
        self.slots().clear();
        let mut farewells = Vec::new();
        for instance in instances {
            farewells.push(hook::say_farewell(&instance, desk, self.0.plan.pre_stop).await);
        }
        farewells
    }

    /// Takes room in the first instance that has some, or for one more. An ill instance comes last: it
    /// may have got well in the meantime, and only a check can tell.
    fn take(&self, passed_over: &[Arc<Slot>]) -> Result<Arc<Slot>, Refusal> {
        let plan = &self.0.plan;
        let mut slots = self.slots();
        slots.retain(|slot| !slot.is_spent());
        let has_room = |slot: &&Arc<Slot>| {
            slot.taken.load(Ordering::Relaxed) < plan.concurrency
                && !passed_over.iter().any(|other| Arc::ptr_eq(other, slot))
        };
        let may_start = slots.len() < self.most();
        let well = slots.iter().filter(has_room).find(|slot| !slot.is_ill());
        let slot = match well.or_else(|| slots.iter().find(has_room).filter(|_| !may_start)) {
            Some(slot) => Arc::clone(slot),
            None if may_start => {
                let slot = Arc::new(Slot::default());
                slots.push(Arc::clone(&slot));
                slot
            }
            None if passed_over.is_empty() => return Err(Refusal::Exhausted),
            None => return Err(Refusal::HealthCheck(NONE_WELL.to_owned())),
        };
        slot.taken.fetch_add(1, Ordering::Relaxed);
        Ok(slot)
    }

    /// Two instances cannot both have the port that a function insists on.
    fn most(&self) -> usize {
        if self.0.plan.port.is_some() { 1 } else { self.0.plan.instances }
    }

    async fn start(&self, desk: &Desk) -> Result<Arc<Instance>, Refusal> {
        let Inner { plan, log, started, .. } = &*self.0;
        let number = started.fetch_add(1, Ordering::Relaxed);
        let now = Instant::now();
        let instance = Instance::start(plan, number, log).await.map_err(|error| error.refusal())?;
        if let Some(limit) = plan.initializer {
            hook::initialize(&instance, desk, limit).await?;
        }
        instance.begin(now).await?;
        Ok(Arc::new(instance))
    }

    fn slots(&self) -> MutexGuard<'_, Vec<Arc<Slot>>> {
        // No change can panic half way, so a poisoned lock is still good.
        self.0.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Room for one request in an instance; dropping it gives the room back.
#[derive(Debug)]
pub(crate) struct Reserved {
    fleet: Fleet,
    slot: Arc<Slot>,
}

impl Drop for Reserved {
    fn drop(&mut self) {
        // Under the lock, so that nobody takes the instance while it is being frozen.
        let _slots = self.fleet.slots();
        let is_idle = self.slot.taken.fetch_sub(1, Ordering::Relaxed) == 1;
        if let Some(instance) =
            self.slot.instance().filter(|_| is_idle && self.fleet.0.plan.freezes)
        {
            instance.freeze();
        }
    }
}
