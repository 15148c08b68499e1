//! The progress of one upload: a bar if standard error is a terminal, otherwise only a counter.

use std::io;
use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::console;
use crate::upload::body::OnPiece;

/// The time without progress after which a request is given up.
pub(super) const STALL_TIMEOUT: Duration = Duration::from_mins(2);

/// The bytes of a file that have been sent. All clones count together.
#[derive(Clone, Debug)]
pub(super) struct Progress {
    bar: ProgressBar,
    sent: Arc<AtomicU64>,
}

impl Progress {
    /// Starts at `done` of `size` bytes.
    pub(super) fn start(name: &str, size: u64, done: u64) -> Self {
        let target = if io::stderr().is_terminal() {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar =
            ProgressBar::with_draw_target(Some(size), target).with_message(console::sanitize(name));
        let line = "{msg} [{wide_bar}] {bytes}/{total_bytes} {bytes_per_sec} {eta}";
        if let Ok(style) = ProgressStyle::with_template(line) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_position(done);
        // Bytes of an earlier run say nothing about the speed of this one.
        bar.reset_eta();
        Self { bar, sent: Arc::new(AtomicU64::new(done)) }
    }

    /// Returns a callback for pieces that have been sent.
    pub(super) fn on_piece(&self) -> OnPiece {
        let progress = self.clone();
        Arc::new(move |piece| progress.add(piece.len() as u64))
    }

    /// Counts bytes that have been sent.
    pub(super) fn add(&self, bytes: u64) {
        let sent = self.sent.fetch_add(bytes, Ordering::Relaxed) + bytes;
        // Bytes that are sent again are shown once: the bar never goes back.
        if sent > self.bar.position() {
            self.bar.set_position(sent);
        }
    }

    /// Takes back bytes that have to be sent again.
    pub(super) fn take_back(&self, bytes: u64) {
        self.sent.fetch_sub(bytes, Ordering::Relaxed);
    }

    pub(super) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// Completes when a count of bytes did not change for [`STALL_TIMEOUT`].
pub(super) async fn stalled(sent: impl Fn() -> u64) {
    let mut before = None;
    while before != Some(sent()) {
        before = Some(sent());
        tokio::time::sleep(STALL_TIMEOUT).await;
    }
}

/// Describes a request that [`stalled`].
pub(super) fn stall_reason() -> String {
    format!("no progress for {} seconds", STALL_TIMEOUT.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_never_goes_back() {
        let progress = Progress::start("a", 100, 10);
        progress.add(50);
        progress.take_back(50);
        assert_eq!((progress.sent(), progress.bar.position()), (10, 60));
        progress.add(30);
        assert_eq!((progress.sent(), progress.bar.position()), (40, 60));
        progress.add(60);
        assert_eq!((progress.sent(), progress.bar.position()), (100, 100));
    }

    #[tokio::test(start_paused = true)]
    async fn what_moves_does_not_stall() {
        let progress = Progress::start("a", 100, 0);
        let moving = progress.clone();
        let moves = async {
            for _ in 0..10 {
                tokio::time::sleep(STALL_TIMEOUT / 2).await;
                moving.add(1);
            }
        };
        tokio::select! {
            () = stalled(|| progress.sent()) => panic!("it moves"),
            () = moves => {}
        }
        stalled(|| progress.sent()).await;
    }
}
