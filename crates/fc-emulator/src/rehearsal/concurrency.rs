//! A check of concurrency: more requests at once than all instances together take.

use std::time::Duration;

use tokio::task::JoinSet;

use crate::pool::InstancePool;
use crate::rehearsal::harness::{self, Harness};
use crate::rehearsal::report::CheckResult;

/// The time limit for all requests together.
const TIMEOUT: Duration = Duration::from_mins(2);

/// Sends one request more than there is capacity, all at once, to a pool that has no instance yet.
pub(super) async fn scale_out(harness: &Harness) -> CheckResult {
    const CHECK: &str = "scale-out";
    let config = harness.pool.config();
    if config.port.is_some() {
        return CheckResult::note(
            CHECK,
            "-",
            "left out: instances share this machine, so a fixed port allows only one; take the port \
             from FC_CUSTOM_LISTEN_PORT to rehearse it",
        );
    }
    let pool = InstancePool::new(config.clone());
    let gateway = harness::gateway(&pool, |_| {});
    let capacity = config.concurrency * config.max_instances;
    let figure = format!("{capacity} in {} instances", config.max_instances);
    let mut requests = JoinSet::new();
    for _ in 0..=capacity {
        let (gateway, request) = (gateway.clone(), harness.request().build());
        requests.spawn(async move { gateway.handle(request).await.status().as_u16() });
    }
    let Ok(statuses) = tokio::time::timeout(TIMEOUT, requests.join_all()).await else {
        let sentence = "not all of them were answered within two minutes";
        return CheckResult::fail(CHECK, figure, sentence);
    };
    let started = pool.started();
    gateway.stop().await;
    let refused = statuses.iter().filter(|status| **status == 429).count();
    let failed: Vec<u16> = statuses.iter().copied().filter(|status| *status >= 500).collect();
    if let Some(status) = failed.first() {
        let (failed, all) = (failed.len(), capacity + 1);
        let sentence = format!("{failed} of {all} requests failed, the first with {status}");
        return CheckResult::fail(CHECK, figure, sentence);
    }
    if usize::try_from(started).ok() != Some(config.max_instances) || refused != 1 {
        let sentence = format!("{started} instances were started and {refused} requests refused");
        return CheckResult::fail(CHECK, figure, sentence);
    }
    let sentence = "all were answered; the one beyond got 429 ResourceExhausted";
    CheckResult::pass(CHECK, figure, sentence)
}
