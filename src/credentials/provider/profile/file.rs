//! The text of `config.json`: from profiles to a [`Plan`]. Pure.
//!
//! A failure names lines, profiles and keys of the file, and never a value: any may be a secret.

use serde::Deserialize;

use crate::credentials::Failure;
use crate::credentials::provider::found;
use crate::credentials::provider::found::Found;
use crate::credentials::provider::plan::Plan;
use crate::credentials::provider::role::Role;
use crate::secret::Secret;

/// How many profiles may lean on one another: each is a call that somebody waits for.
const MAX_LINKS: usize = 5;

#[derive(Deserialize)]
struct Document {
    #[serde(default, deserialize_with = "found::text")]
    current: Option<String>,
    profiles: Option<Vec<Entry>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Entry {
    #[serde(deserialize_with = "found::text")]
    name: Option<String>,
    #[serde(deserialize_with = "found::text")]
    mode: Option<String>,
    #[serde(deserialize_with = "found::text")]
    access_key_id: Option<String>,
    #[serde(deserialize_with = "found::secret")]
    access_key_secret: Option<Secret>,
    #[serde(deserialize_with = "found::secret")]
    sts_token: Option<Secret>,
    #[serde(deserialize_with = "found::moment")]
    sts_expiration: Option<String>,
    #[serde(deserialize_with = "found::text")]
    ram_role_name: Option<String>,
    #[serde(deserialize_with = "found::text")]
    ram_role_arn: Option<String>,
    #[serde(deserialize_with = "found::text")]
    ram_session_name: Option<String>,
    /// What one of the official libraries reads instead of the line above.
    #[serde(deserialize_with = "found::text")]
    role_session_name: Option<String>,
    expired_seconds: Option<u64>,
    duration_seconds: Option<u64>,
    #[serde(deserialize_with = "found::text")]
    external_id: Option<String>,
    #[serde(deserialize_with = "found::text")]
    policy: Option<String>,
    #[serde(deserialize_with = "found::text")]
    sts_endpoint: Option<String>,
    #[serde(deserialize_with = "found::text")]
    sts_region: Option<String>,
    enable_vpc: Option<bool>,
    #[serde(deserialize_with = "found::text")]
    source_profile: Option<String>,
    #[serde(deserialize_with = "found::text")]
    oidc_provider_arn: Option<String>,
    #[serde(deserialize_with = "found::text")]
    oidc_token_file: Option<String>,
    #[serde(deserialize_with = "found::secret")]
    process_command: Option<Secret>,
}

/// Reads the plan of the profile `name`, or of the file's current one.
pub(super) fn read(text: &str, name: Option<&str>) -> Result<Plan, Failure> {
    let document: Document = serde_json::from_str(text).map_err(|error| {
        Failure::permanent(format!(
            "line {} is not what a config.json says; `aliyun configure` writes a good one",
            error.line()
        ))
    })?;
    let name = name.or(document.current.as_deref()).ok_or_else(|| {
        Failure::absent("no profile is current; choose one with ALIBABA_CLOUD_PROFILE")
    })?;
    let profiles = document.profiles.as_deref().unwrap_or_default();
    let profile = find(profiles, name)
        .ok_or_else(|| Failure::absent(format!("there is no profile {name:?}")))?;
    profile.plan(profiles, &mut vec![name])
}

fn find<'a>(profiles: &'a [Entry], name: &str) -> Option<&'a Entry> {
    profiles.iter().find(|profile| profile.name.as_deref() == Some(name))
}

impl Entry {
    /// Makes the plan; `way` names the profiles that led here, and this one last.
    fn plan<'a>(&'a self, profiles: &'a [Self], way: &mut Vec<&'a str>) -> Result<Plan, Failure> {
        let name = self.name.as_deref().unwrap_or_default();
        let mode = self.mode.as_deref().unwrap_or_default();
        let without =
            |key: &str| Failure::permanent(format!("profile {name:?} of mode {mode} has no {key}"));
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
                Ok(Plan::AssumeRole { base, role: self.role() })
            }
            "EcsRamRole" => Ok(Plan::Metadata { role: self.ram_role_name.clone() }),
            "OIDC" => {
                need(&self.ram_role_arn, "ram_role_arn")?;
                let provider_arn = need(&self.oidc_provider_arn, "oidc_provider_arn")?;
                let token_file = need(&self.oidc_token_file, "oidc_token_file")?.into();
                Ok(Plan::Oidc { provider_arn, token_file, role: self.role() })
            }
            "ChainableRamRoleArn" => {
                need(&self.ram_role_arn, "ram_role_arn")?;
                need(&self.source_profile, "source_profile")?;
                let base = Box::new(self.source(profiles, way)?);
                Ok(Plan::AssumeRole { base, role: self.role() })
            }
            "External" => {
                let command = self.process_command.clone();
                let command = command.ok_or_else(|| without("process_command"))?;
                Ok(Plan::External { command })
            }
            _ => Err(unusable(name, mode)),
        }
    }

    /// Makes the plan of the profile that this one leans on.
    fn source<'a>(&'a self, profiles: &'a [Self], way: &mut Vec<&'a str>) -> Result<Plan, Failure> {
        let next = self.source_profile.as_deref().unwrap_or_default();
        let is_cycle = way.contains(&next);
        way.push(next);
        if is_cycle {
            let way = way.join(" -> ");
            return Err(Failure::permanent(format!("source_profile goes in a circle: {way}")));
        }
        if way.len() > MAX_LINKS {
            return Err(Failure::permanent(format!(
                "more than {MAX_LINKS} profiles lean on one another by source_profile"
            )));
        }
        let source = find(profiles, next).ok_or_else(|| {
            Failure::permanent(format!("source_profile names {next:?}, and there is no such one"))
        })?;
        source.plan(profiles, way)
    }

    /// Takes the key that stands in the profile. One that was never filled in is no fault: the
    /// command line tool leaves such a profile behind when it is merely started.
    fn key(&self, name: &str, token: Option<Secret>) -> Result<Plan, Failure> {
        let found = self.found(token);
        if found.is_empty() {
            return Err(Failure::absent(format!("profile {name:?} has no key in it")));
        }
        Ok(Plan::Key(found))
    }

    fn found(&self, token: Option<Secret>) -> Found {
        Found {
            key_id: self.access_key_id.clone(),
            secret: self.access_key_secret.clone(),
            // An end without a token is left over from a temporary key that stood here before.
            expiration: token.as_ref().and(self.sts_expiration.clone()),
            token,
        }
    }

    fn role(&self) -> Role {
        let seconds = self.expired_seconds.filter(|seconds| *seconds > 0);
        Role {
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

/// Judges a mode that leads to no key here.
fn unusable(name: &str, mode: &str) -> Failure {
    match mode {
        "CloudSSO" | "OAuth" => Failure::absent(format!(
            "profile {name:?} signs a person in ({mode}), which a server cannot; use a profile of \
             another mode"
        )),
        "RsaKeyPair" | "RamRoleArnWithRoleName" | "CredentialsURI" => Failure::absent(format!(
            "profile {name:?} has mode {mode}, which is not supported here; use a profile of \
             another mode"
        )),
        _ => Failure::permanent(format!(
            "profile {name:?} has no mode that is known here: AK, StsToken, RamRoleArn, EcsRamRole, \
             OIDC, ChainableRamRoleArn, External"
        )),
    }
}
