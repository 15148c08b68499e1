//! How far an upload is: a bar on a terminal, nothing between the lines otherwise.

use std::io;
use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::console;
use crate::upload::body::Report;

/// Shows one upload and counts what has been handed over.
#[derive(Debug)]
pub(super) struct Progress {
    bar: ProgressBar,
    sent: Arc<AtomicU64>,
}

impl Progress {
    pub(super) fn begin(name: &str, size: u64) -> Self {
        let target = if io::stderr().is_terminal() {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar =
            ProgressBar::with_draw_target(Some(size), target).with_message(console::plain(name));
        let line = "{msg} [{wide_bar}] {bytes}/{total_bytes} {bytes_per_sec} {eta}";
        if let Ok(style) = ProgressStyle::with_template(line) {
            bar.set_style(style.progress_chars("=> "));
        }
        Self { bar, sent: Arc::default() }
    }

    /// Gives what is to be told of each step.
    pub(super) fn report(&self) -> Report {
        let (bar, sent) = (self.bar.clone(), Arc::clone(&self.sent));
        Arc::new(move |bytes| {
            sent.store(bytes, Ordering::Relaxed);
            bar.set_position(bytes);
        })
    }

    /// Returns how many bytes have been handed over.
    pub(super) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Takes the bar away; what came of it is said in a line.
    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }
}
