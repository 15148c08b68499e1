//! Receives events and writes those that are worth a line.
//!
//! Spans are not kept: an event of ours says all it means by itself. That is why there is no registry
//! of them here, which would cost every request more than its lines do.

use std::cell::RefCell;

use ::time::OffsetDateTime;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber, span};

use crate::log::filter::Filter;
use crate::log::{Sink, format};

thread_local! {
    /// The line that is being written; its room is used again for the next one.
    static LINE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Writes events as lines.
#[derive(Debug)]
pub(crate) struct Lines {
    filter: Filter,
    sink: Sink,
}

impl Lines {
    pub(crate) fn new(filter: Filter, sink: Sink) -> Self {
        Self { filter, sink }
    }

    fn write(&self, line: &mut String, event: &Event<'_>) {
        line.clear();
        format::write_line(line, now(), event);
        self.sink.write(line.as_bytes());
    }
}

impl Subscriber for Lines {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.enabled(metadata) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && self.filter.admits(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.filter.most())
    }

    fn event(&self, event: &Event<'_>) {
        LINE.with(|line| match line.try_borrow_mut() {
            Ok(mut line) => self.write(&mut line, event),
            // A value that logs while it is being logged gets a line of its own.
            Err(_) => self.write(&mut String::new(), event),
        });
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

#[expect(clippy::disallowed_methods, reason = "a log has its own clock; nothing is decided by it")]
fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}
