//! STS: a role's temporary key in exchange for another key, or for a pod's identity token.
//!
//! `call` alone waits and sends, and `watch` tells it the time. The rest is pure: the request as
//! text, its signature, the answer, what a refusal means. Which key or token is shown is the
//! providers' business: [`assume_role`](crate::credentials::provider::assume_role) and
//! [`oidc`](crate::credentials::provider::oidc).

pub(in crate::credentials) mod call;
pub mod endpoint;
pub mod message;
pub mod query;
pub mod refusal;
pub mod reply;
mod role;
pub(in crate::credentials) mod watch;

pub use role::BadRole;
pub use role::RoleRequest;

use crate::credentials::Means;

/// The door to STS: where it is, and what it is reached with.
#[derive(Clone, Debug)]
pub struct Sts {
    /// Scheme and host, such as `https://sts.cn-hangzhou.aliyuncs.com`; see [`endpoint::choose`].
    pub endpoint: String,
    /// The network and the dice.
    pub means: Means,
}
