//! The shared credentials file of the official libraries: an INI file whose sections have a `type`.
//!
//! Two names of the file are in use, so several paths are tried in order. The file is read again for each fetch.
//!
//! Only the chosen section is read, and a library for INI files would not do: a comment has its own line, since a
//! secret may contain `#` and `;`; a repeated key or section is an error, since half of an edited file must not
//! give a key with the other half's secret; and errors name the line but never its text.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::credentials::providers::local::profile_source::ProfileContext;
use crate::credentials::providers::local::profile_source::{ProfileRole, ProfileSource};
use crate::credentials::providers::local::text_file;
use crate::credentials::providers::raw_credentials::RawCredentials;
use crate::credentials::{Credentials, FetchFuture, FetchRequest, Provider, ProviderError};
use crate::secret::Secret;

/// The section by default.
const DEFAULT_SECTION: &str = "default";

/// Selects the files and a section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialsFileOptions {
    /// The paths in order, usually `~/.alibabacloud/credentials` and the same with `.ini`; the first file that
    /// has the section is used.
    pub paths: Vec<PathBuf>,
    /// The section; `default` by default.
    pub section: Option<String>,
}

/// Provides the credentials that a section describes.
#[derive(Debug)]
pub struct CredentialsFile {
    options: CredentialsFileOptions,
    context: ProfileContext,
}

impl CredentialsFile {
    /// Reads nothing yet.
    #[must_use]
    pub fn new(options: CredentialsFileOptions, context: ProfileContext) -> Self {
        Self { options, context }
    }

    async fn fetch_section(&self, request: FetchRequest<'_>) -> Result<Credentials, ProviderError> {
        let (path, source) = self.read()?;
        source.fetch(&self.context, request).await.map_err(|error| text_file::in_file(path, error))
    }

    fn read(&self) -> Result<(&Path, ProfileSource), ProviderError> {
        let name = self.options.section.as_deref().unwrap_or(DEFAULT_SECTION);
        let mut skipped = Vec::new();
        for path in &self.options.paths {
            let Some(text) = text_file::read(path)? else {
                skipped.push(format!("there is no {}", path.display()));
                continue;
            };
            let in_file = |error| text_file::in_file(path, error);
            let section = IniSection::read(&text, name).map_err(in_file)?;
            let Some(section) = section else {
                skipped.push(format!("{} has no section {name:?}", path.display()));
                continue;
            };
            return Ok((path, source(&section).map_err(in_file)?));
        }
        Err(ProviderError::absent(skipped.join(", ")))
    }
}

impl Provider for CredentialsFile {
    fn name(&self) -> &'static str {
        "file"
    }

    fn fetch<'a>(&'a self, request: FetchRequest<'a>) -> FetchFuture<'a> {
        Box::pin(self.fetch_section(request))
    }
}

/// Returns the source that a section describes.
fn source(section: &IniSection) -> Result<ProfileSource, ProviderError> {
    let need = |key: &str| {
        section
            .text(key)
            .ok_or_else(|| ProviderError::permanent(format!("the section has no {key}")))
    };
    match section.text("type").as_deref() {
        Some("access_key") => Ok(ProfileSource::Static(key(section)?)),
        Some("sts") => {
            let found = key(section)?;
            if found.token.is_none() {
                need("security_token")?;
            }
            Ok(ProfileSource::Static(found))
        }
        Some("ecs_ram_role") => Ok(ProfileSource::Metadata { role: section.text("role_name") }),
        Some("ram_role_arn") => {
            need("role_arn")?;
            Ok(ProfileSource::AssumeRole {
                base: Box::new(ProfileSource::Static(key(section)?)),
                role: role(section)?,
            })
        }
        Some("oidc_role_arn") => {
            need("role_arn")?;
            let token_file = section.text("oidc_token_file_path");
            Ok(ProfileSource::Oidc {
                provider_arn: need("oidc_provider_arn")?,
                token_file: token_file.map_or_else(|| need("oidc_token_file"), Ok)?.into(),
                role: role(section)?,
            })
        }
        Some("rsa_key_pair") => Err(ProviderError::absent(
            "type rsa_key_pair is not supported here; use ram_role_arn or access_key",
        )),
        Some(_) => Err(ProviderError::permanent(
            "the section's type is none of access_key, sts, ecs_ram_role, ram_role_arn, \
             oidc_role_arn; comments stand on lines of their own",
        )),
        None => Err(ProviderError::permanent("the section has no type, such as type = access_key")),
    }
}

/// Returns the key in the section. A section without one counts as not configured.
fn key(section: &IniSection) -> Result<RawCredentials, ProviderError> {
    let found = RawCredentials {
        key_id: section.text("access_key_id"),
        secret: section.secret("access_key_secret"),
        token: section.secret("security_token").or_else(|| section.secret("sts_token")),
        expiration: None,
    };
    if found.is_empty() {
        return Err(ProviderError::absent("the section has no key in it"));
    }
    Ok(found)
}

fn role(section: &IniSection) -> Result<ProfileRole, ProviderError> {
    let seconds = section.text("duration_seconds").map(|seconds| seconds.parse()).transpose();
    Ok(ProfileRole {
        arn: section.text("role_arn"),
        session_name: section.text("role_session_name"),
        seconds: seconds.map_err(|_| ProviderError::permanent("duration_seconds is no number"))?,
        external_id: section.text("external_id"),
        policy: section.text("policy"),
        sts_endpoint: section.text("sts_endpoint"),
        sts_region: section.text("sts_region"),
        vpc: section.text("enable_vpc").is_some_and(|text| text.eq_ignore_ascii_case("true")),
    })
}

/// The keys and values of one section. Any value may be a secret.
#[derive(Debug, Default)]
struct IniSection(BTreeMap<String, Secret>);

impl IniSection {
    /// Reads the section `name`; `None` when there is no such section.
    fn read(text: &str, name: &str) -> Result<Option<Self>, ProviderError> {
        let mut chosen: Option<Self> = None;
        let mut inside = false;
        for (number, line) in (1..).zip(text.lines()) {
            let at_line = |what: &str| ProviderError::permanent(format!("line {number} {what}"));
            let line = line.trim();
            if line.is_empty() || line.starts_with(['#', ';']) {
                continue;
            }
            if let Some(rest) = line.strip_prefix('[') {
                let title = rest.strip_suffix(']');
                let title =
                    title.ok_or_else(|| at_line("opens a section and does not close it"))?;
                inside = title.trim() == name;
                if inside && chosen.replace(Self::default()).is_some() {
                    return Err(at_line("begins the section a second time"));
                }
            } else if let Some(section) = chosen.as_mut().filter(|_| inside) {
                let (key, value) = line
                    .split_once('=')
                    .ok_or_else(|| at_line("is neither a section nor key = value"))?;
                let value = Secret::new(unquote(value.trim()));
                if section.0.insert(key.trim().to_ascii_lowercase(), value).is_some() {
                    return Err(at_line("gives a key a second time"));
                }
            }
        }
        Ok(chosen)
    }

    /// Returns a value; an empty one is `None`.
    fn secret(&self, key: &str) -> Option<Secret> {
        self.0.get(key).filter(|value| !value.expose().is_empty()).cloned()
    }

    /// Returns a value that is not a secret; an empty one is `None`.
    fn text(&self, key: &str) -> Option<String> {
        self.secret(key).map(|value| value.expose().to_owned())
    }
}

fn unquote(value: &str) -> &str {
    let inner = |quote| value.strip_prefix(quote)?.strip_suffix(quote);
    inner('"').or_else(|| inner('\'')).unwrap_or(value)
}

#[cfg(test)]
mod tests;
