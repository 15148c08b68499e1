//! The health of an instance: a check before its first request, and further ones while it works.
//!
//! From "Configure instance health checks": when the first check is made, which responses pass, and how
//! many results in a row change the state. That a check has none of the platform's headers is an
//! assumption: none are documented for it.
//!
//! A later check is made only when a request is about to be sent to the instance and the last check is at
//! least one period old. No other moment needs the result; and no timer runs while the instance is frozen,
//! and no task can outlive it. What this does not show: an instance that would fail its checks during one
//! long request, while no other request comes.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::config::HealthCheck;
use crate::error::GatewayError;
use crate::instance::hook::HookResult;
use crate::upstream::Upstream;

/// The health checks of one instance and their results.
#[derive(Debug)]
pub(super) struct HealthMonitor {
    check: HealthCheck,
    first: OnceLock<HookResult>,
    history: Mutex<CheckHistory>,
    is_unhealthy: AtomicBool,
}

#[derive(Debug)]
struct CheckHistory {
    last_check: Instant,
    /// How many results in a row contradict the current state.
    contradictions: u32,
}

impl HealthMonitor {
    pub(super) fn new(check: HealthCheck) -> Self {
        let history = CheckHistory { last_check: Instant::now(), contradictions: 0 };
        Self {
            check,
            first: OnceLock::new(),
            history: Mutex::new(history),
            is_unhealthy: AtomicBool::new(false),
        }
    }

    /// Returns the result of the first check.
    pub(super) fn first_result(&self) -> Option<HookResult> {
        self.first.get().copied()
    }

    pub(super) fn is_unhealthy(&self) -> bool {
        self.is_unhealthy.load(Ordering::Relaxed)
    }

    /// Makes the first check. An instance that fails it does not count as started.
    pub(super) async fn first_check(
        &self,
        upstream: &Upstream,
        started: Instant,
    ) -> Result<(), GatewayError> {
        tokio::time::sleep_until(started + self.check.initial_delay).await;
        self.history.lock().await.last_check = Instant::now();
        let result = self.check(upstream).await;
        let _ = self.first.set(result);
        if passes(result) {
            return Ok(());
        }
        let (path, timeout) = (&self.check.path, self.check.timeout.as_secs_f32());
        let outcome = match result.status {
            Some(status) => format!("answered {status}"),
            None => "not answered".to_owned(),
        };
        Err(GatewayError::HealthCheck(format!(
            "the first health check, GET {}, was {outcome}; it has to be answered 200 to 399 within \
             {timeout} s",
            path.path()
        )))
    }

    /// Makes a check if the last one is at least one period old.
    pub(super) async fn check_if_due(&self, upstream: &Upstream) {
        // Requests that come during a check wait for its result.
        let mut history = self.history.lock().await;
        if history.last_check.elapsed() < self.check.period {
            return;
        }
        history.last_check = Instant::now();
        let is_unhealthy = self.is_unhealthy();
        let contradicts = passes(self.check(upstream).await) == is_unhealthy;
        let threshold =
            if is_unhealthy { self.check.success_threshold } else { self.check.failure_threshold };
        if history.changes_state(contradicts, threshold) {
            self.is_unhealthy.store(!is_unhealthy, Ordering::Relaxed);
        }
    }

    async fn check(&self, upstream: &Upstream) -> HookResult {
        let started = Instant::now();
        let mut status = None;
        let check = async {
            if let Ok(response) = self.send(upstream).await {
                status = Some(response.status().as_u16());
                // After a complete response the next request can use its connection.
                let mut body = response.into_body();
                while let Some(Ok(_)) = body.frame().await {}
            }
        };
        // Only the status has to come in time, not the whole body.
        let _ = tokio::time::timeout(self.check.timeout, check).await;
        HookResult { status, duration: started.elapsed() }
    }

    async fn send(&self, upstream: &Upstream) -> Result<Response<Incoming>, GatewayError> {
        match upstream.send(self.request()).await {
            // A kept connection that was closed says nothing about the instance's health.
            Err(GatewayError::ConnectionLost) => upstream.send(self.request()).await,
            response => response,
        }
    }

    fn request(&self) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::default());
        *request.uri_mut() = Uri::from(self.check.path.clone());
        request
    }
}

impl CheckHistory {
    /// Counts a result, and returns whether enough of them in a row now contradict the state.
    fn changes_state(&mut self, contradicts: bool, threshold: u32) -> bool {
        self.contradictions = if contradicts { self.contradictions + 1 } else { 0 };
        let changes = contradicts && self.contradictions >= threshold;
        if changes {
            self.contradictions = 0;
        }
        changes
    }
}

/// Returns whether the platform counts a check as passed. A redirect passes too.
fn passes(result: HookResult) -> bool {
    result.status.is_some_and(|status| (200..400).contains(&status))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn only_enough_contradictions_in_a_row_change_the_state() {
        let mut history = CheckHistory { last_check: Instant::now(), contradictions: 0 };
        let results = [true, false, true, true, true];
        let changes = results.map(|contradicts| history.changes_state(contradicts, 2));
        assert_eq!(changes, [false, false, false, true, false]);
        assert!(history.changes_state(true, 1));
    }

    #[test]
    fn a_check_passes_with_a_redirect_and_not_without_a_response() {
        let passes = |status| passes(HookResult { status, duration: Duration::ZERO });
        let results = [Some(199), Some(200), Some(399), Some(400), None].map(passes);
        assert_eq!(results, [false, true, true, false, false]);
    }
}
