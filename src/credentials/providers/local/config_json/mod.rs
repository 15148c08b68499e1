//! A profile of `config.json`, the file of Alibaba's command line tool.
//!
//! The file is read again for each fetch, so that a corrected one has an effect at once, and so that the parts of
//! a key never come from two versions. Errors name lines, profiles and keys of the file, and never a value,
//! since any value may be a secret.

use std::path::PathBuf;

use serde::Deserialize;

use crate::credentials::providers::local::profile_source::ProfileContext;
use crate::credentials::providers::local::profile_source::{ProfileRole, ProfileSource};
use crate::credentials::providers::local::text_file;
use crate::credentials::providers::raw_credentials::{self, RawCredentials};
use crate::credentials::{Credentials, FetchFuture, FetchRequest, Provider, ProviderError};
use crate::secret::Secret;

/// The longest chain of profiles: each link is a request to STS.
const MAX_LINKS: usize = 5;

/// Selects a file and a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CliProfileOptions {
    /// The file, usually `~/.aliyun/config.json`.
    pub path: PathBuf,
    /// The profile; the file's current one by default.
    pub name: Option<String>,
}

/// Provides the credentials that a profile describes.
#[derive(Debug)]
pub struct CliProfile {
    options: CliProfileOptions,
    context: ProfileContext,
}

impl CliProfile {
    /// Reads nothing yet.
    #[must_use]
    pub fn new(options: CliProfileOptions, context: ProfileContext) -> Self {
        Self { options, context }
    }

    async fn fetch_profile(&self, request: FetchRequest<'_>) -> Result<Credentials, ProviderError> {
        let CliProfileOptions { path, name } = &self.options;
        let text = text_file::read(path)?
            .ok_or_else(|| ProviderError::absent(format!("there is no {}", path.display())))?;
        let in_file = |error| text_file::in_file(path, error);
        let source = read(&text, name.as_deref()).map_err(in_file)?;
        source.fetch(&self.context, request).await.map_err(in_file)
    }
}

impl Provider for CliProfile {
    fn name(&self) -> &'static str {
        "profile"
    }

    fn fetch<'a>(&'a self, request: FetchRequest<'a>) -> FetchFuture<'a> {
        Box::pin(self.fetch_profile(request))
    }
}

#[derive(Deserialize)]
struct CliConfig {
    #[serde(default, deserialize_with = "raw_credentials::text")]
    current: Option<String>,
    profiles: Option<Vec<CliProfileEntry>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct CliProfileEntry {
    #[serde(deserialize_with = "raw_credentials::text")]
    name: Option<String>,
    #[serde(deserialize_with = "raw_credentials::text")]
    mode: Option<String>,
    #[serde(deserialize_with = "raw_credentials::text")]
    access_key_id: Option<String>,
    #[serde(deserialize_with = "raw_credentials::secret")]
    access_key_secret: Option<Secret>,
    #[serde(deserialize_with = "raw_credentials::secret")]
    sts_token: Option<Secret>,
    #[serde(deserialize_with = "raw_credentials::moment")]
    sts_expiration: Option<String>,
    #[serde(deserialize_with = "raw_credentials::text")]
    ram_role_name: Option<String>,
    #[serde(deserialize_with = "raw_credentials::text")]
    ram_role_arn: Option<String>,
    #[serde(deserialize_with = "raw_credentials::text")]
    ram_session_name: Option<String>,
    /// The name that one of the official libraries reads instead of `ram_session_name`.
    #[serde(deserialize_with = "raw_credentials::text")]
    role_session_name: Option<String>,
    expired_seconds: Option<u64>,
    duration_seconds: Option<u64>,
    #[serde(deserialize_with = "raw_credentials::text")]
    external_id: Option<String>,
    #[serde(deserialize_with = "raw_credentials::text")]
    policy: Option<String>,
    #[serde(deserialize_with = "raw_credentials::text")]
    sts_endpoint: Option<String>,
    #[serde(deserialize_with = "raw_credentials::text")]
    sts_region: Option<String>,
    enable_vpc: Option<bool>,
    #[serde(deserialize_with = "raw_credentials::text")]
    source_profile: Option<String>,
    #[serde(deserialize_with = "raw_credentials::text")]
    oidc_provider_arn: Option<String>,
    #[serde(deserialize_with = "raw_credentials::text")]
    oidc_token_file: Option<String>,
    #[serde(deserialize_with = "raw_credentials::secret")]
    process_command: Option<Secret>,
}

/// Reads the profile `name`, or the file's current one.
pub(super) fn read(text: &str, name: Option<&str>) -> Result<ProfileSource, ProviderError> {
    let config: CliConfig = serde_json::from_str(text).map_err(|error| {
        ProviderError::permanent(format!(
            "line {} is not what a config.json says; `aliyun configure` writes a good one",
            error.line()
        ))
    })?;
    let name = name.or(config.current.as_deref()).ok_or_else(|| {
        ProviderError::absent("no profile is current; choose one with ALIBABA_CLOUD_PROFILE")
    })?;
    let profiles = config.profiles.as_deref().unwrap_or_default();
    let profile = find(profiles, name)
        .ok_or_else(|| ProviderError::absent(format!("there is no profile {name:?}")))?;
    profile.source(profiles, &mut vec![name])
}

fn find<'a>(profiles: &'a [CliProfileEntry], name: &str) -> Option<&'a CliProfileEntry> {
    profiles.iter().find(|profile| profile.name.as_deref() == Some(name))
}

impl CliProfileEntry {
    /// Returns the source of this profile; `path` contains the names of the profiles that refer to it, and its
    /// own as the last.
    fn source<'a>(
        &'a self,
        profiles: &'a [Self],
        path: &mut Vec<&'a str>,
    ) -> Result<ProfileSource, ProviderError> {
        let name = self.name.as_deref().unwrap_or_default();
        let mode = self.mode.as_deref().unwrap_or_default();
        let without = |key: &str| {
            ProviderError::permanent(format!("profile {name:?} of mode {mode} has no {key}"))
        };
        let need = |value: &Option<String>, key| value.clone().ok_or_else(|| without(key));
        match mode {
            "AK" => self.key(name, None),
            "StsToken" if self.sts_token.is_none() && !self.found(None).is_empty() => {
                Err(without("sts_token"))
            }
            "StsToken" => self.key(name, self.sts_token.clone()),
            "RamRoleArn" => {
                need(&self.ram_role_arn, "ram_role_arn")?;
                let base = Box::new(self.key(name, self.sts_token.clone())?);
                Ok(ProfileSource::AssumeRole { base, role: self.role() })
            }
            "EcsRamRole" => Ok(ProfileSource::Metadata { role: self.ram_role_name.clone() }),
            "OIDC" => {
                need(&self.ram_role_arn, "ram_role_arn")?;
                let provider_arn = need(&self.oidc_provider_arn, "oidc_provider_arn")?;
                let token_file = need(&self.oidc_token_file, "oidc_token_file")?.into();
                Ok(ProfileSource::Oidc { provider_arn, token_file, role: self.role() })
            }
            "ChainableRamRoleArn" => {
                need(&self.ram_role_arn, "ram_role_arn")?;
                need(&self.source_profile, "source_profile")?;
                let base = Box::new(self.base(profiles, path)?);
                Ok(ProfileSource::AssumeRole { base, role: self.role() })
            }
            "External" => {
                let command = self.process_command.clone();
                let command = command.ok_or_else(|| without("process_command"))?;
                Ok(ProfileSource::External { command })
            }
            _ => Err(unusable(name, mode)),
        }
    }

    /// Returns the source of the profile that this one refers to.
    fn base<'a>(
        &'a self,
        profiles: &'a [Self],
        path: &mut Vec<&'a str>,
    ) -> Result<ProfileSource, ProviderError> {
        let next = self.source_profile.as_deref().unwrap_or_default();
        let is_cycle = path.contains(&next);
        path.push(next);
        if is_cycle {
            let path = path.join(" -> ");
            return Err(ProviderError::permanent(format!(
                "source_profile goes in a circle: {path}"
            )));
        }
        if path.len() > MAX_LINKS {
            return Err(ProviderError::permanent(format!(
                "more than {MAX_LINKS} profiles lean on one another by source_profile"
            )));
        }
        let source = find(profiles, next).ok_or_else(|| {
            ProviderError::permanent(format!(
                "source_profile names {next:?}, and there is no such one"
            ))
        })?;
        source.source(profiles, path)
    }

    /// Returns the key in the profile. A profile without one counts as not configured: the command line tool
    /// writes such a profile when it is started for the first time.
    fn key(&self, name: &str, token: Option<Secret>) -> Result<ProfileSource, ProviderError> {
        let found = self.found(token);
        if found.is_empty() {
            return Err(ProviderError::absent(format!("profile {name:?} has no key in it")));
        }
        Ok(ProfileSource::Static(found))
    }

    fn found(&self, token: Option<Secret>) -> RawCredentials {
        RawCredentials {
            key_id: self.access_key_id.clone(),
            secret: self.access_key_secret.clone(),
            // An end without a token belongs to a temporary key that was here before.
            expiration: token.as_ref().and(self.sts_expiration.clone()),
            token,
        }
    }

    fn role(&self) -> ProfileRole {
        let seconds = self.expired_seconds.filter(|seconds| *seconds > 0);
        ProfileRole {
            arn: self.ram_role_arn.clone(),
            session_name: self.ram_session_name.clone().or(self.role_session_name.clone()),
            seconds: seconds.or(self.duration_seconds).filter(|seconds| *seconds > 0),
            external_id: self.external_id.clone(),
            policy: self.policy.clone(),
            sts_endpoint: self.sts_endpoint.clone(),
            sts_region: self.sts_region.clone(),
            vpc: self.enable_vpc.unwrap_or_default(),
        }
    }
}

/// Returns the error for a mode that is not supported.
fn unusable(name: &str, mode: &str) -> ProviderError {
    match mode {
        "CloudSSO" | "OAuth" => ProviderError::absent(format!(
            "profile {name:?} signs a person in ({mode}), which a server cannot; use a profile of \
             another mode"
        )),
        "RsaKeyPair" | "RamRoleArnWithRoleName" | "CredentialsURI" => {
            ProviderError::absent(format!(
                "profile {name:?} has mode {mode}, which is not supported here; use a profile of \
             another mode"
            ))
        }
        _ => ProviderError::permanent(format!(
            "profile {name:?} has no mode that is known here: AK, StsToken, RamRoleArn, EcsRamRole, \
             OIDC, ChainableRamRoleArn, External"
        )),
    }
}

#[cfg(test)]
mod tests;
