//! STS: a role's temporary key in exchange for another key, or for a pod's identity token.

use std::time::Duration;

use crate::credentials::Means;

/// The door to STS: where it is, and what it is reached with.
#[derive(Clone, Debug)]
pub struct Sts {
    /// Scheme and host, such as `https://sts.cn-hangzhou.aliyuncs.com`.
    pub endpoint: String,
    /// The network and the dice.
    pub means: Means,
}

/// Which role to take, and how narrowly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleRequest {
    /// `acs:ram::<account>:role/<name>`.
    pub role_arn: String,
    /// The name under which the session shows in audit logs.
    pub session_name: String,
    /// How long the key shall live.
    pub duration: Duration,
    /// What the role's trust policy may ask for.
    pub external_id: Option<String>,
    /// A session policy, minified: what the role may do is narrowed to this.
    pub policy: Option<String>,
}
