//! The places where credentials can come from. Each provider fetches when it is called and caches nothing.
//!
//! | file | source |
//! |---|---|
//! | `function_compute` | the headers that Function Compute adds to a request |
//! | `environment` | the process's environment |
//! | `oidc` | a role, for the identity token of a pod |
//! | `ecs_metadata` | the role of a server |
//! | `uri` | a credentials service of the user's own |
//! | `local` | files of a user's home directory (feature `local-credentials`) |
//!
//! `raw_credentials` checks what any of them has found. A role taken with other credentials is in
//! [`assume_role`](crate::credentials::assume_role), because it needs another provider.

pub mod ecs_metadata;
pub mod environment;
pub mod function_compute;
#[cfg(feature = "local-credentials")]
pub mod local;
pub mod oidc;
mod raw_credentials;
pub mod uri;

#[cfg(test)]
mod test_http;
