//! The shared credentials file of the official libraries: sections with a `type`.
//!
//! Two names of the file are in use, so several places are looked at, in order. It is read again for
//! each key. How its text is taken apart is `section`'s business.

mod section;

use std::path::Path;
use std::path::PathBuf;

use crate::credentials::Credentials;
use crate::credentials::Errand;
use crate::credentials::Failure;
use crate::credentials::Fetching;
use crate::credentials::Provider;
use crate::credentials::provider::found::Found;
use crate::credentials::provider::ini::section::Section;
use crate::credentials::provider::plan::Plan;
use crate::credentials::provider::plan::Surroundings;
use crate::credentials::provider::role::Role;
use crate::credentials::provider::text_file;

/// The section that is read when none is named.
const DEFAULT_SECTION: &str = "default";

/// Which section of which file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IniOptions {
    /// The places to look at in order, mostly `~/.alibabacloud/credentials` and the same with
    /// `.ini`; the first that has the section is taken.
    pub paths: Vec<PathBuf>,
    /// The section's name; without one, `default`.
    pub section: Option<String>,
}

/// Takes the key that a section describes.
#[derive(Debug)]
pub struct Ini {
    options: IniOptions,
    around: Surroundings,
}

impl Ini {
    /// Will read the files that `options` name.
    #[must_use]
    pub fn new(options: IniOptions, around: Surroundings) -> Self {
        Self { options, around }
    }

    async fn ask(&self, errand: Errand<'_>) -> Result<Credentials, Failure> {
        let (path, plan) = self.read()?;
        plan.fetch(&self.around, errand).await.map_err(|failure| text_file::name(path, failure))
    }

    fn read(&self) -> Result<(&Path, Plan), Failure> {
        let name = self.options.section.as_deref().unwrap_or(DEFAULT_SECTION);
        let mut passed = Vec::new();
        for path in &self.options.paths {
            let Some(text) = text_file::read(path)? else {
                passed.push(format!("there is no {}", path.display()));
                continue;
            };
            let section =
                Section::read(&text, name).map_err(|failure| text_file::name(path, failure))?;
            let Some(section) = section else {
                passed.push(format!("{} has no section {name:?}", path.display()));
                continue;
            };
            return Ok((path, plan(&section).map_err(|failure| text_file::name(path, failure))?));
        }
        Err(Failure::absent(passed.join(", ")))
    }
}

impl Provider for Ini {
    fn name(&self) -> &'static str {
        "file"
    }

    fn fetch<'a>(&'a self, errand: Errand<'a>) -> Fetching<'a> {
        Box::pin(self.ask(errand))
    }
}

/// Makes the plan that a section describes.
fn plan(section: &Section) -> Result<Plan, Failure> {
    let need = |key: &str| {
        section.text(key).ok_or_else(|| Failure::permanent(format!("the section has no {key}")))
    };
    match section.text("type").as_deref() {
        Some("access_key") => Ok(Plan::Key(key(section)?)),
        Some("sts") => {
            let found = key(section)?;
            if found.token.is_none() {
                need("security_token")?;
            }
            Ok(Plan::Key(found))
        }
        Some("ecs_ram_role") => Ok(Plan::Metadata { role: section.text("role_name") }),
        Some("ram_role_arn") => {
            need("role_arn")?;
            Ok(Plan::AssumeRole { base: Box::new(Plan::Key(key(section)?)), role: role(section)? })
        }
        Some("oidc_role_arn") => {
            need("role_arn")?;
            let token_file = section.text("oidc_token_file_path");
            Ok(Plan::Oidc {
                provider_arn: need("oidc_provider_arn")?,
                token_file: token_file.map_or_else(|| need("oidc_token_file"), Ok)?.into(),
                role: role(section)?,
            })
        }
        Some("rsa_key_pair") => Err(Failure::absent(
            "type rsa_key_pair is not supported here; use ram_role_arn or access_key",
        )),
        Some(_) => Err(Failure::permanent(
            "the section's type is none of access_key, sts, ecs_ram_role, ram_role_arn, \
             oidc_role_arn; comments stand on lines of their own",
        )),
        None => Err(Failure::permanent("the section has no type, such as type = access_key")),
    }
}

/// Takes the key that stands in the section. One that was never filled in is no fault.
fn key(section: &Section) -> Result<Found, Failure> {
    let found = Found {
        key_id: section.text("access_key_id"),
        secret: section.secret("access_key_secret"),
        token: section.secret("security_token").or_else(|| section.secret("sts_token")),
        expiration: None,
    };
    if found.is_empty() {
        return Err(Failure::absent("the section has no key in it"));
    }
    Ok(found)
}

fn role(section: &Section) -> Result<Role, Failure> {
    let seconds = section.text("duration_seconds").map(|seconds| seconds.parse()).transpose();
    Ok(Role {
        arn: section.text("role_arn"),
        session_name: section.text("role_session_name"),
        seconds: seconds.map_err(|_| Failure::permanent("duration_seconds is no number"))?,
        external_id: section.text("external_id"),
        policy: section.text("policy"),
        sts_endpoint: section.text("sts_endpoint"),
        sts_region: section.text("sts_region"),
        vpc: section.text("enable_vpc").is_some_and(|text| text.eq_ignore_ascii_case("true")),
    })
}

#[cfg(test)]
mod tests;
