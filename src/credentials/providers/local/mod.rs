//! Credentials of a developer's machine: files of the home directory, and commands that these name.
//!
//! The deployed function has no home directory, so this is behind the feature `local-credentials`, which the
//! developer tool enables.
//!
//! | file | source |
//! |---|---|
//! | `config_json` | a profile of Alibaba's command line tool, `~/.aliyun/config.json` |
//! | `credentials_file` | a section of the shared credentials file, `~/.alibabacloud/credentials` |
//! | `external` | a command that prints credentials |
//!
//! Both files are read into a `profile_source`, the description of where the credentials come from.

pub mod config_json;
pub mod credentials_file;
pub mod external;
pub mod profile_source;
mod text_file;

use crate::credentials::providers::local::config_json::CliProfileOptions;
use crate::credentials::providers::local::credentials_file::CredentialsFileOptions;

/// The files to read. `None` is a source that is not configured, or switched off.
#[derive(Clone, Debug, Default)]
pub struct LocalOptions {
    /// The profile of the command line tool.
    pub profile: Option<CliProfileOptions>,
    /// The shared credentials file.
    pub file: Option<CredentialsFileOptions>,
}
