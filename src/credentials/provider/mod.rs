//! The single sources of keys. Each fetches when it is asked and keeps nothing; which is asked, and
//! what is kept, is decided outside.
//!
//! | file | where the key comes from |
//! |---|---|
//! | `request` | the headers that Function Compute adds to a request |
//! | `environment` | the process's own variables |
//! | `assume_role` | a role, with another source's key |
//! | `oidc` | a role, with the identity token of a pod |
//! | `profile`, `ini` | files of the command line tool and of the libraries |
//! | `external` | a command that such a file names |
//! | `metadata` | the role of a server |
//! | `uri` | a service of one's own |
//!
//! What several of them share: `plan` is what a file describes, `role` a role in it, `found` checks
//! a key before it is believed, `reply` and `text_file` read answers and files.

pub mod assume_role;
pub mod environment;
pub mod external;
mod found;
pub mod ini;
pub mod metadata;
pub mod oidc;
pub mod plan;
pub mod profile;
mod reply;
pub mod request;
mod role;
mod text_file;
pub mod uri;

#[cfg(test)]
mod scripted_http;
