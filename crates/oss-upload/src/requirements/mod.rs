//! What a deployment needs in the cloud: the policies of the function's role, and two rules of each bucket.
//!
//! `setup` creates it, and `doctor` prints the parts that are missing, so both have one source. Pure.
//!
//! | file | owns |
//! |---|---|
//! | `ram_policy` | who may assume the role, and what the role may do |
//! | `cors_rule` | which pages may send and read requests |
//! | `lifecycle_rule` | when OSS removes the parts of abandoned uploads |
//! | `routes` | what the routes of the settings need |

pub(super) mod cors_rule;
pub(super) mod lifecycle_rule;
pub(super) mod ram_policy;
pub(super) mod routes;
