//! A profile of the command line tool's `config.json`.
//!
//! The file is read again for each key, so that a repaired one is believed at once and the parts of
//! a key are never taken from two versions. What it says is `file`'s business.

mod file;

use std::path::PathBuf;

use crate::credentials::Credentials;
use crate::credentials::Errand;
use crate::credentials::Failure;
use crate::credentials::Fetching;
use crate::credentials::Provider;
use crate::credentials::provider::plan::Surroundings;
use crate::credentials::provider::text_file;

/// Which profile of which file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileOptions {
    /// The file, mostly `~/.aliyun/config.json`.
    pub path: PathBuf,
    /// The profile's name; without one, the file's current profile.
    pub name: Option<String>,
}

/// Takes the key that a profile describes.
#[derive(Debug)]
pub struct Profile {
    options: ProfileOptions,
    around: Surroundings,
}

impl Profile {
    /// Will read the file that `options` name.
    #[must_use]
    pub fn new(options: ProfileOptions, around: Surroundings) -> Self {
        Self { options, around }
    }

    async fn ask(&self, errand: Errand<'_>) -> Result<Credentials, Failure> {
        let ProfileOptions { path, name } = &self.options;
        let text = text_file::read(path)?
            .ok_or_else(|| Failure::absent(format!("there is no {}", path.display())))?;
        let in_file = |failure| text_file::name(path, failure);
        let plan = file::read(&text, name.as_deref()).map_err(in_file)?;
        plan.fetch(&self.around, errand).await.map_err(in_file)
    }
}

impl Provider for Profile {
    fn name(&self) -> &'static str {
        "profile"
    }

    fn fetch<'a>(&'a self, errand: Errand<'a>) -> Fetching<'a> {
        Box::pin(self.ask(errand))
    }
}

#[cfg(test)]
mod tests;
