//! The open connections, and which of them is closed when there are too many.
//!
//! A connection that has sent no whole request costs its client nothing, so an attacker can open as many as are allowed.
//! Therefore the oldest of these is closed for a new one. After them come connections whose last response is written and
//! which wait for their client to close. A connection that is idle after a request is closed only without the platform's
//! gateway in front: the gateway reuses connections, and a POST that meets the closing would be lost.

use std::future::Future;
use std::time::Duration;

use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, timeout};

use crate::connection_state::{ConnectionState, Stage};
use crate::options::Options;

/// How often a full list is checked again while every connection serves a request.
const RECHECK: Duration = Duration::from_millis(20);

/// The shortest time between two warnings that connections are closed for new ones.
const WARNING_INTERVAL: Duration = Duration::from_mins(1);

/// The open connections, the oldest first.
#[derive(Debug)]
pub(crate) struct Connections {
    tasks: JoinSet<()>,
    open: Vec<Connection>,
    max: usize,
    /// Whether an idle connection may be closed for a new one.
    closes_idle: bool,
    warned_at: Option<Instant>,
}

#[derive(Debug)]
struct Connection {
    state: ConnectionState,
    task: AbortHandle,
}

impl Connections {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            tasks: JoinSet::new(),
            open: Vec::new(),
            max: options.max_connections.max(1),
            closes_idle: !options.platform,
            warned_at: None,
        }
    }

    /// Serves a connection.
    pub(crate) fn spawn(
        &mut self,
        state: ConnectionState,
        connection: impl Future<Output = ()> + Send + 'static,
    ) {
        let task = self.tasks.spawn(connection);
        self.open.push(Connection { state, task });
    }

    /// Waits until one more connection may be opened; closes another one for it where that is allowed.
    pub(crate) async fn make_room(&mut self) {
        loop {
            self.remove_ended();
            if self.open.len() < self.max || self.close_one().await {
                return;
            }
            // Every connection serves a request, which takes no longer than its deadline.
            let _ = timeout(RECHECK, self.tasks.join_next()).await;
        }
    }

    /// Closes the least important connection; returns `false` if none may be closed.
    pub(crate) async fn close_one(&mut self) -> bool {
        let first = |matches: fn(Stage) -> bool| {
            self.open.iter().position(|one| matches(one.state.stage()))
        };
        let found = first(Stage::is_fresh)
            .or_else(|| first(|stage| stage == Stage::Closing))
            .or_else(|| self.longest_idle());
        let Some(index) = found else {
            return false;
        };
        self.open.remove(index).task.abort();
        self.warn();
        // The scheduler drops the task, and its socket with it, at its next turn.
        tokio::task::yield_now().await;
        true
    }

    fn longest_idle(&self) -> Option<usize> {
        let open = self.open.iter().enumerate().filter(|_| self.closes_idle);
        let idle = open.filter(|(_, one)| one.state.stage() == Stage::Idle);
        idle.min_by_key(|(_, one)| one.state.since()).map(|(index, _)| index)
    }

    fn warn(&mut self) {
        let now = Instant::now();
        if self.warned_at.is_none_or(|at| now.duration_since(at) >= WARNING_INTERVAL) {
            self.warned_at = Some(now);
            let open = self.open.len() + 1;
            tracing::warn!(
                open,
                "{open} connections are open; unused ones are closed for new ones"
            );
        }
    }

    fn remove_ended(&mut self) {
        while self.tasks.try_join_next().is_some() {}
        self.open.retain(|one| !one.task.is_finished());
    }

    /// Waits until every connection has ended.
    pub(crate) async fn ended(&mut self) {
        while self.tasks.join_next().await.is_some() {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Opens a connection that never ends, in the state that `prepare` brings it to.
    async fn open(connections: &mut Connections, prepare: fn(&ConnectionState)) -> AbortHandle {
        connections.make_room().await;
        let state = ConnectionState::new();
        prepare(&state);
        connections.spawn(state, std::future::pending());
        tokio::time::advance(Duration::from_secs(1)).await;
        connections.open.last().unwrap().task.clone()
    }

    fn fresh(_: &ConnectionState) {}

    fn first_head(state: &ConnectionState) {
        state.arrive(b"GET");
    }

    fn busy(state: &ConnectionState) {
        first_head(state);
        state.begin();
    }

    fn idle(state: &ConnectionState) {
        busy(state);
        state.end(false);
    }

    fn closing(state: &ConnectionState) {
        busy(state);
        state.end(true);
        state.close();
    }

    fn connections(max_connections: usize, platform: bool) -> Connections {
        Connections::new(&Options { max_connections, platform, ..Options::default() })
    }

    #[tokio::test(start_paused = true)]
    async fn fresh_connections_are_closed_first_then_closing_ones_then_the_longest_idle() {
        let mut connections = connections(7, false);
        let mut opened = Vec::new();
        for prepare in [busy, idle, closing, fresh, idle, first_head, closing] {
            opened.push(open(&mut connections, prepare).await);
        }
        // The first idle connection serves another request, so the second one is idle for longer.
        connections.open[1].state.begin();
        connections.open[1].state.end(false);
        for (count, expected) in [3, 5, 2, 6, 4, 1].into_iter().enumerate() {
            open(&mut connections, busy).await;
            assert!(opened[expected].is_finished(), "{expected}");
            let ended = opened.iter().filter(|task| task.is_finished()).count();
            assert_eq!(ended, count + 1);
        }
        assert_eq!(connections.open.len(), 7);
    }

    #[tokio::test(start_paused = true)]
    async fn the_platforms_idle_connections_and_busy_ones_are_never_closed() {
        let mut connections = connections(2, true);
        open(&mut connections, idle).await;
        let busy = open(&mut connections, busy).await;
        assert!(!connections.close_one().await);
        let waiting = timeout(Duration::from_mins(1), connections.make_room()).await;
        assert!(waiting.is_err());
        busy.abort();
        connections.make_room().await;
        assert_eq!(connections.open.len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn ended_connections_do_not_count() {
        let mut connections = connections(0, true);
        for _ in 0..5 {
            connections.make_room().await;
            connections.spawn(ConnectionState::new(), std::future::ready(()));
        }
        tokio::task::yield_now().await;
        connections.make_room().await;
        assert!(connections.open.is_empty() && connections.tasks.is_empty());
    }
}
