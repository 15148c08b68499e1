#![doc = include_str!("../README.md")]
//!
//! ## Modules
//!
//! What Function Compute does is described in its documentation ("Web functions", "HTTP triggers
//! overview", "Context and log format", "Principles", "Lifecycle hooks") and in captures of real requests;
//! where neither answers a question, the code says what it assumes.
//!
//! | module | owns |
//! |---|---|
//! | [`config`] | the settings of a function and the environment of its instances |
//! | [`package`] | the code: unpacked, and inspected before a start |
//! | `headers`, `error` | what the platform adds to requests and responses, and what it returns in place of a response |
//! | `hosts` | the names that a local server answers to |
//! | `upstream` | the connections to one function process |
//! | `instance` | one instance from its start to its end |
//! | `pool` | as many instances as requests need |
//! | `gateway` | the HTTP trigger, and the way of a request to an instance |
//! | [`behaviours`] | the table of what the gateway does, with its sources |
//! | [`rehearsal`] | checks of a package against all of this |

pub mod behaviours;
pub mod config;
mod error;
mod gateway;
mod headers;
mod hosts;
mod instance;
pub mod package;
mod pool;
pub mod rehearsal;
mod upstream;

pub use config::{Function, FunctionConfig, HealthCheck, RoleCredentials};
pub use error::GatewayError;
pub use gateway::{
    AsyncInvocation, Attempt, Backend, ForwardReport, Gateway, GatewayOptions, GatewayResponse,
    ProxiedBody, Trigger,
};
pub use headers::platform_header_names;
pub use hosts::Hosts;
pub use instance::{HookResult, Instance, InstanceLog, LogLine, MemoryUse, StopReport};
pub use pool::InstancePool;
