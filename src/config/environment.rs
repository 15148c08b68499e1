//! The environment of the process, read once, and the settings file beside the binary.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fmt, io};

use crate::config::table;

/// The name of the settings file beside the binary.
const FILE_NAME: &str = "upload.toml";

/// Returns the variables of the id, the secret and the token of an access key. The first family whose id and
/// secret are set is used: the platform's own names come first.
pub(super) fn access_key_variables() -> [[&'static str; 3]; 2] {
    [
        [&table::ACCESS_KEY_ID, &table::ACCESS_KEY_SECRET, &table::SECURITY_TOKEN],
        [&table::OSS_ACCESS_KEY_ID, &table::OSS_ACCESS_KEY_SECRET, &table::OSS_SESSION_TOKEN],
    ]
    .map(|family| family.map(|setting| setting.variable))
}

/// The variables of a process. An empty value counts as unset, as on the platform.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// Reads the variables that this process was started with; what is not Unicode is left out.
    #[must_use]
    pub fn of_process() -> Self {
        #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
        let variables = std::env::vars_os();
        variables
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect()
    }

    /// Returns the value without surrounding spaces, or `None` where the variable is unset or empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    /// Sets a variable.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.0.insert(name.to_owned(), value.into());
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Removes every variable that could hold an access key or lead to one, and the proxy.
    #[must_use]
    pub fn without_keys(mut self) -> Self {
        let others = [table::ROLE_ARN.variable, "HOME", table::PROXY.variable, "https_proxy"];
        let keys = access_key_variables();
        self.0.retain(|name, _| {
            let name = name.as_str();
            !name.starts_with("ALIBABA_CLOUD_")
                && !keys.as_flattened().contains(&name)
                && !others.contains(&name)
        });
        self
    }

    /// Reads the settings file: the one that `UPLOAD_CONFIG` names, else `upload.toml` in
    /// `directory`, which may be missing.
    ///
    /// # Errors
    /// A file that was named and cannot be read, or one that is there and cannot be read.
    pub fn read_file(&self, directory: Option<&Path>) -> Result<Option<String>, UnreadableFile> {
        let (path, named) = match (self.get(table::CONFIG.variable), directory) {
            (Some(path), _) => (PathBuf::from(path), true),
            (None, Some(directory)) => (directory.join(FILE_NAME), false),
            (None, None) => return Ok(None),
        };
        match std::fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound && !named => Ok(None),
            Err(error) => Err(UnreadableFile { path, error }),
        }
    }
}

impl FromIterator<(String, String)> for Environment {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(variables: I) -> Self {
        Self(variables.into_iter().collect())
    }
}

/// Values may be secrets, so only the names show.
impl fmt::Debug for Environment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.0.keys()).finish()
    }
}

/// A settings file that could not be read.
#[derive(Debug)]
pub struct UnreadableFile {
    path: PathBuf,
    error: io::Error,
}

impl fmt::Display for UnreadableFile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} cannot be read: {}; correct it, or set UPLOAD_CONFIG to another file",
            self.path.display(),
            self.error
        )
    }
}

impl std::error::Error for UnreadableFile {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_counts_as_unset_and_values_do_not_show() {
        let mut environment = Environment::default();
        environment.set("SECRET", "marker-secret");
        environment.set("EMPTY", " ");
        assert_eq!(environment.get("EMPTY"), None);
        assert_eq!(environment.get("SECRET"), Some("marker-secret"));
        assert_eq!(format!("{environment:?}"), r#"{"EMPTY", "SECRET"}"#);
    }

    #[test]
    fn a_named_file_has_to_exist_and_the_default_one_may_be_missing() {
        let directory = tempfile::tempdir().unwrap();
        let mut environment = Environment::default();
        assert!(environment.read_file(Some(directory.path())).unwrap().is_none());
        std::fs::write(directory.path().join(FILE_NAME), "auth = 'anonymous'").unwrap();
        assert!(environment.read_file(Some(directory.path())).unwrap().is_some());
        environment.set("UPLOAD_CONFIG", "/nowhere/upload.toml");
        let error = environment.read_file(Some(directory.path())).unwrap_err().to_string();
        assert!(error.starts_with("/nowhere/upload.toml cannot be read"), "{error}");
    }
}
