//! Function Compute: the gateway in front of a function, and the instances behind it.
//!
//! The gateway plays the HTTP trigger, as it should be set up or [otherwise](Trigger): what it refuses,
//! which headers it takes away and adds on either way, how it uses its connections, and how it calls
//! hooks. Behind it stands one function
//! process that somebody else runs, or a fleet: instances of a package, started, filled, frozen and
//! stopped as on the platform. What Function Compute does is told in its documentation ("Web
//! functions", "HTTP triggers overview", "Context and log format", "Principles", "Lifecycle hooks") and
//! in dumps of real requests; where neither says, the code does.
//!
//! | file | owns |
//! |---|---|
//! | `package/` | the code as it is unpacked, and whether it could start |
//! | `environment` | the variables of an instance |
//! | `process`, `signal`, `proc` | a process, what it is told, what the system tells of it |
//! | `instance`, `start`, `hook`, `health`, `log` | one instance from its start to its end |
//! | `fleet`, `seat`, `passing` | as many as are needed, and how long each is busy |
//! | `trigger`, `header`, `refusal`, `request_id`, `desk` | what passes, what does not, what is added |
//! | `gateway`, `forward`, `invocation` | the way to the function, waited for or not |

mod desk;
mod environment;
mod fleet;
mod forward;
mod function;
mod gateway;
mod header;
mod health;
mod hook;
mod instance;
mod invocation;
mod log;
pub mod package;
mod passing;
mod proc;
mod process;
mod refusal;
mod request_id;
mod seat;
mod server;
mod signal;
mod start;
mod trigger;

use std::net::SocketAddr;

use bytes::Bytes;
use http::HeaderName;
use http::Response;
use http_body_util::Either;
use http_body_util::Full;

pub use environment::VariableError;
pub use environment::Variables;
pub use fleet::Fleet;
pub use fleet::Plan;
pub use function::Function;
pub use function::Keys;
pub use gateway::Gateway;
pub use health::HealthCheck;
pub use health::HealthCheckError;
pub use hook::Called;
pub use hook::Farewell;
pub use instance::Instance;
pub use invocation::Attempt;
pub use invocation::Later;
pub use log::Line;
pub use log::Log;
pub use passing::Passing;
pub use proc::Memory;
pub use trigger::Trigger;

/// An answer of the function, or one that the gateway gave in its place. The function's own carries
/// [`Passed`] among its extensions.
pub type Answer = Response<Either<Full<Bytes>, Passing>>;

/// Says what the gateway saw of the function's answer before it took anything away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passed {
    /// What the names and values of the fields measure that were left.
    pub header_bytes: usize,
    /// The fields that were taken away.
    pub taken: Vec<HeaderName>,
    /// Whether the function said of itself that it failed, by `x-fc-status`.
    pub says_failed: bool,
}

/// Says why there is no instance: the platform's word, and what happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoInstance {
    /// The platform's word for it.
    pub code: &'static str,
    /// What happened and what to do.
    pub sentence: String,
}

/// Says where the function is.
#[derive(Clone, Debug)]
pub enum Behind {
    /// One process that somebody else runs, at this address.
    Address(SocketAddr),
    /// Instances that are started when they are needed.
    Fleet(Fleet),
}

/// Describes the function and how it is reached.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the function is.
    pub behind: Behind,
    /// What it is.
    pub function: Function,
    /// The credentials in every request's headers. None sends the three headers empty, as a
    /// function without a role gets them and as newer runtimes do, whose keys are in the
    /// environment.
    pub keys: Option<Keys>,
    /// Whether it is called by its default domain, where browsers are made to download every
    /// answer instead of showing it.
    pub default_domain: bool,
}
