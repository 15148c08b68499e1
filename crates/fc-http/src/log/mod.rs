//! Log lines: one JSON object per event, on standard output.
//!
//! The platform collects whatever a function prints and lets one search JSON by field. Message and
//! fields of an event stand side by side in the object; [`init`] is called once, by a binary.

mod filter;
mod format;
mod lines;
mod sink;

use std::error::Error;
use std::fmt;

use tracing::Subscriber;

use filter::Filter;
use lines::Lines;

pub use filter::FilterError;
pub use sink::Sink;

/// Starts logging to standard output; `filter` is the text of `RUST_LOG`, and none means `info`.
///
/// A filter is a level (`off`, `error`, `warn`, `info`, `debug`, `trace`), or several
/// `target=level`, separated by commas.
///
/// # Errors
///
/// [`InitError::Filter`] if the filter cannot be read, [`InitError::Twice`] if this process logs
/// already.
pub fn init(filter: Option<&str>) -> Result<(), InitError> {
    let subscriber = subscriber(filter, Sink::stdout()).map_err(InitError::Filter)?;
    tracing::subscriber::set_global_default(subscriber).map_err(|_| InitError::Twice)
}

/// Builds what [`init`] installs, for a place other than standard output.
///
/// # Errors
///
/// [`FilterError`] if the filter cannot be read.
pub fn subscriber(
    filter: Option<&str>,
    sink: Sink,
) -> Result<impl Subscriber + Send + Sync + use<>, FilterError> {
    Ok(Lines::new(Filter::parse(filter.unwrap_or_default())?, sink))
}

/// Why logging could not start.
#[derive(Debug)]
pub enum InitError {
    /// The filter cannot be read. Correct `RUST_LOG`, or unset it.
    Filter(FilterError),
    /// Something else receives this process's events already. Call [`init`] once.
    Twice,
}

impl fmt::Display for InitError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Filter(error) => error.fmt(formatter),
            Self::Twice => formatter.write_str("logging was started twice"),
        }
    }
}

impl Error for InitError {}
