//! The optional store that all instances share: budgets, used tickets, and responses that are given again.
//!
//! Any server of the Redis protocol from version 6 on, such as Tair. There is one connection, which is opened by the
//! first call that needs it. Nothing runs between requests, because the platform freezes an instance then: no
//! heartbeat, and no attempt to connect again before the next call.
//!
//! What is stored says nothing to a reader of the store: names are hashed with a key that comes from the setting, and
//! values are sealed with keys that are not in the store. The clock is that of the store, so the clocks of the instances
//! need not agree.
//!
//! | file | owns |
//! |---|---|
//! | `url` | the address of the store, with its password |
//! | `error` | why the store cannot be used, in one sentence each |
//! | `connection` | one connection: name lookup, TCP, TLS, password |
//! | `client` | one command with its time limit; the pause after a failure |
//! | `counter` | budgets and used tickets, in one script |
//! | `memory` | responses that are given again |

mod client;
mod connection;
mod counter;
mod error;
mod memory;
mod url;

pub use client::{FailureMode, Options, PAUSE, SharedStore};
pub use counter::{Admission, Admitted, SharedBudget, UsedOnce};
pub use error::SharedStoreError;
pub use memory::Claim;
pub use url::StoreUrl;
