//! The instances of a function: each takes as many requests as it may before another is started.
//!
//! From "Configure the concurrency of a single instance": an instance takes a limited number of requests
//! at once. Requests beyond the capacity of all instances that there may be are refused.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OnceCell;
use tokio::time::Instant;

use crate::config::FunctionConfig;
use crate::error::GatewayError;
use crate::headers::PlatformHeaders;
use crate::instance::{Instance, InstanceLog, StopReport};
use crate::upstream::Upstream;

/// The message if there is free capacity, but only in unhealthy instances.
const ALL_UNHEALTHY: &str =
    "every instance that has room fails its health check, and no other may be started";

/// The instances of one function. Clones share them.
#[derive(Clone, Debug)]
pub struct InstancePool(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    config: FunctionConfig,
    log: InstanceLog,
    started: AtomicU32,
    slots: Mutex<Vec<Arc<Slot>>>,
}

/// The place of one instance. The first request starts the instance; others wait for the result.
#[derive(Debug, Default)]
struct Slot {
    instance: OnceCell<Result<Arc<Instance>, GatewayError>>,
    requests: AtomicUsize,
}

impl Slot {
    fn instance(&self) -> Option<&Arc<Instance>> {
        self.instance.get()?.as_ref().ok()
    }

    fn is_unhealthy(&self) -> bool {
        self.instance().is_some_and(|instance| instance.is_unhealthy())
    }

    /// Returns whether the instance has ended or did not start, so that the slot has no further use.
    fn is_finished(&self) -> bool {
        let has_ended = |started: &Result<Arc<Instance>, GatewayError>| {
            started.as_ref().map_or(true, |instance| instance.has_ended())
        };
        self.instance.get().is_some_and(has_ended)
    }
}

impl InstancePool {
    /// Creates a pool without instances; the first request starts one.
    #[must_use]
    pub fn new(config: FunctionConfig) -> Self {
        let (log, started, slots) = Default::default();
        Self(Arc::new(Inner { config, log, started, slots }))
    }

    /// Returns what the instances are started from.
    #[must_use]
    pub fn config(&self) -> &FunctionConfig {
        &self.0.config
    }

    /// Returns the instances that run.
    #[must_use]
    pub fn instances(&self) -> Vec<Arc<Instance>> {
        let slots = self.slots();
        let running = slots.iter().filter(|slot| !slot.is_finished());
        running.filter_map(|slot| slot.instance().cloned()).collect()
    }

    /// Returns how many starts there were so far, failed ones included.
    #[must_use]
    pub fn started(&self) -> u32 {
        self.0.started.load(Ordering::Relaxed)
    }

    /// Returns the output of all instances.
    #[must_use]
    pub fn log(&self) -> &InstanceLog {
        &self.0.log
    }

    /// Finds an instance for a request, and starts one if necessary.
    pub(crate) async fn acquire(
        &self,
        headers: &PlatformHeaders,
        request_id: &str,
    ) -> Result<InstanceGuard, GatewayError> {
        let mut unhealthy = Vec::new();
        loop {
            let slot = self.reserve(&unhealthy)?;
            let reserved = SlotGuard { pool: self.clone(), slot };
            let started = reserved.slot.instance.get_or_init(|| self.start(headers)).await;
            let instance = Arc::clone(started.as_ref().map_err(Clone::clone)?);
            instance.thaw();
            if instance.check_health().await {
                return Ok(InstanceGuard::new(instance, reserved, request_id));
            }
            unhealthy.push(Arc::clone(&reserved.slot));
        }
    }

    /// Stops every instance, one after another.
    pub(crate) async fn stop(&self, headers: &PlatformHeaders) -> Vec<StopReport> {
        let instances = self.instances();
        self.slots().clear();
        let mut reports = Vec::new();
        for instance in instances {
            reports.push(instance.stop(headers, self.0.config.pre_stop).await);
        }
        reports
    }

    /// Reserves room in the first instance that has some, or in a new one. An unhealthy instance comes
    /// last: it may have recovered, and only another check can show it.
    fn reserve(&self, excluded: &[Arc<Slot>]) -> Result<Arc<Slot>, GatewayError> {
        let config = &self.0.config;
        let mut slots = self.slots();
        slots.retain(|slot| !slot.is_finished());
        let has_room = |slot: &&Arc<Slot>| {
            slot.requests.load(Ordering::Relaxed) < config.concurrency
                && !excluded.iter().any(|other| Arc::ptr_eq(other, slot))
        };
        let may_start = slots.len() < self.max_instances();
        let healthy = slots.iter().filter(has_room).find(|slot| !slot.is_unhealthy());
        let slot = match healthy.or_else(|| slots.iter().find(has_room).filter(|_| !may_start)) {
            Some(slot) => Arc::clone(slot),
            None if may_start => {
                let slot = Arc::new(Slot::default());
                slots.push(Arc::clone(&slot));
                slot
            }
            None if excluded.is_empty() => return Err(GatewayError::ResourceExhausted),
            None => return Err(GatewayError::HealthCheck(ALL_UNHEALTHY.to_owned())),
        };
        slot.requests.fetch_add(1, Ordering::Relaxed);
        Ok(slot)
    }

    /// Two instances on one machine cannot share a fixed port.
    fn max_instances(&self) -> usize {
        if self.0.config.port.is_some() { 1 } else { self.0.config.max_instances }
    }

    async fn start(&self, headers: &PlatformHeaders) -> Result<Arc<Instance>, GatewayError> {
        let Inner { config, log, started, .. } = &*self.0;
        let number = started.fetch_add(1, Ordering::Relaxed);
        let now = Instant::now();
        let instance = Instance::start(config, number, log).await?;
        if let Some(timeout) = config.initializer {
            instance.initialize(headers, timeout).await?;
        }
        instance.first_health_check_since(now).await?;
        Ok(Arc::new(instance))
    }

    fn slots(&self) -> MutexGuard<'_, Vec<Arc<Slot>>> {
        // No change can panic half way, so the slots under a poisoned lock are still good.
        self.0.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The room of one request in an instance. Dropping it releases the room.
#[derive(Debug)]
struct SlotGuard {
    pool: InstancePool,
    slot: Arc<Slot>,
}

impl Drop for SlotGuard {
    fn drop(&mut self) {
        // The lock is held, so that no request reserves the instance while it is being frozen.
        let _slots = self.pool.slots();
        let is_idle = self.slot.requests.fetch_sub(1, Ordering::Relaxed) == 1;
        if let Some(instance) = self.slot.instance()
            && is_idle
            && self.pool.0.config.freeze_idle
        {
            instance.freeze();
        }
    }
}

/// The permission to send one request to a function process. Its instance counts as busy until the guard
/// is dropped.
#[derive(Debug)]
pub(crate) struct InstanceGuard {
    upstream: Arc<Upstream>,
    lease: Option<Lease>,
}

#[derive(Debug)]
struct Lease {
    instance: Arc<Instance>,
    request_id: String,
    _room: SlotGuard,
}

impl InstanceGuard {
    /// A guard for a process that no pool manages.
    pub(crate) fn unmanaged(upstream: Arc<Upstream>) -> Self {
        Self { upstream, lease: None }
    }

    fn new(instance: Arc<Instance>, room: SlotGuard, request_id: &str) -> Self {
        instance.in_flight().insert(request_id);
        let upstream = Arc::clone(instance.upstream());
        let request_id = request_id.to_owned();
        Self { upstream, lease: Some(Lease { instance, request_id, _room: room }) }
    }

    pub(crate) fn upstream(&self) -> &Upstream {
        &self.upstream
    }

    /// Kills the instance, after its request has taken too long.
    pub(crate) fn kill(&self) {
        if let Some(lease) = &self.lease {
            lease.instance.kill();
        }
    }

    /// Waits a moment until it is known whether the instance has ended, after a lost connection.
    pub(crate) async fn wait_for_exit_report(&self) {
        if let Some(lease) = &self.lease {
            lease.instance.wait_for_exit_report().await;
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.instance.in_flight().remove(&self.request_id);
    }
}
