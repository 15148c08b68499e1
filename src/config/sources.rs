//! Where credentials come from: the variables of Alibaba's own libraries, and the role to take.

use std::path::PathBuf;
use std::time::Duration;

use crate::config::environment::Environment;
use crate::config::reader::ConfigReader;
use crate::config::{env_credentials, setting, value};
use crate::credentials::options::{OidcOptions, SourceKind, SourceOptions};
use crate::credentials::providers::ecs_metadata;
use crate::credentials::providers::ecs_metadata::EcsMetadataOptions;
use crate::credentials::providers::environment::ROLE_KEY_LIFETIME;
#[cfg(feature = "local-credentials")]
use crate::credentials::providers::local::{
    LocalOptions, config_json::CliProfileOptions, credentials_file::CredentialsFileOptions,
};
use crate::credentials::session_policy::{ObjectPrefix, UPLOAD_ACTIONS, session_policy};
use crate::credentials::sts::{RoleError, RoleRequest, endpoint};
use crate::policy::route::{Route, SessionMode};
use crate::policy::template::CallerAttributes;
use crate::secret::Secret;
use crate::time::Timestamp;

/// The name in audit logs, unless another is set. Old texts allow 32 characters, new ones 64.
const SESSION_NAME: &str = "oss-upload-signer";

/// What every role allows, unless somebody has raised it; two long forms fit into it.
const ROLE_DURATION: Duration = Duration::from_hours(1);

/// Set by the cluster for a pod, beside the token.
const POD_ROLE_ARN: &str = "ALIBABA_CLOUD_ROLE_ARN";

/// What a role's session may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Scope {
    /// What the routes need.
    #[default]
    Routes,
    /// All that the role may.
    Role,
}

/// Reads where credentials come from; what is not set up is not there.
pub(super) fn read(
    config: &mut ConfigReader<'_>,
    routes: &[Route],
    now: Timestamp,
) -> Option<SourceOptions> {
    let kind = config.top(&setting::CREDENTIALS, source).unwrap_or_default();
    if !cfg!(feature = "local-credentials") {
        reject_local_sources(config, kind);
    }
    let lifetime = config.top(&setting::ROLE_KEY_LIFETIME, value::duration);
    let key = env_credentials::read(config, now, lifetime.unwrap_or(ROLE_KEY_LIFETIME));
    let sts_endpoint = sts_endpoint(config);
    let role = Taking::read(config, routes);
    let taken = role.read_role(config);
    let oidc = role.read_pod(config, taken.is_none());
    let environment = config.environment;
    let sources = SourceOptions {
        kind,
        environment: key,
        longest_form: routes.iter().map(|route| route.lifetime).max().unwrap_or_default(),
        sts_endpoint: sts_endpoint?,
        session_name: role.session_name,
        oidc,
        #[cfg(feature = "local-credentials")]
        local: LocalOptions { profile: profile(environment), file: credentials_file(environment) },
        metadata: metadata(environment),
        uri: environment.get("ALIBABA_CLOUD_CREDENTIALS_URI").map(Secret::new),
        role: taken,
    };
    complain_of_a_pin_without_its_source(config, &sources);
    Some(sources)
}

fn source(text: &str) -> Result<SourceKind, String> {
    let known = SourceKind::ALL.iter().find(|source| source.name() == text);
    known.copied().ok_or_else(|| {
        let names: Vec<_> = SourceKind::ALL.iter().map(|source| source.name()).collect();
        format!("the sources are {}", names.join(", "))
    })
}

/// On the platform STS is called in the function's own region, unless another one is named.
fn sts_endpoint(config: &mut ConfigReader<'_>) -> Option<String> {
    if let Some(entry) = config.top_entry(&setting::STS_ENDPOINT) {
        return config.read(&setting::STS_ENDPOINT, &entry, |text| {
            endpoint::choose(Some(text), None, false)
        });
    }
    let vpc = config.top(&setting::STS_VPC, value::truth).unwrap_or(false);
    if let Some(entry) = config.top_entry(&setting::STS_REGION) {
        return config.read(&setting::STS_REGION, &entry, |region| {
            endpoint::choose(None, Some(region), vpc)
        });
    }
    let region = config.environment.get("FC_REGION");
    match config.top_entry(&setting::STS_VPC) {
        Some(entry) => {
            config.read(&setting::STS_VPC, &entry, |_| endpoint::choose(None, region, vpc))
        }
        None => endpoint::choose(None, region, false).ok(),
    }
}

/// How a role is taken, whichever it is.
struct Taking {
    session_name: String,
    duration: Duration,
    policy: Option<String>,
}

impl Taking {
    fn read(config: &mut ConfigReader<'_>, routes: &[Route]) -> Self {
        let session_name = config.top(&setting::ROLE_SESSION_NAME, session_name);
        let duration = config.top(&setting::ROLE_DURATION, duration);
        let scope = config.top(&setting::ROLE_SCOPE, scope).unwrap_or_default();
        Self {
            session_name: session_name.unwrap_or_else(|| SESSION_NAME.to_owned()),
            duration: duration.unwrap_or(ROLE_DURATION),
            policy: (scope == Scope::Routes).then(|| policy(config, routes)).flatten(),
        }
    }

    /// The role that is taken with the key of another source.
    fn read_role(&self, config: &mut ConfigReader<'_>) -> Option<RoleRequest> {
        let request = config.top(&setting::ROLE_ARN, |arn| self.request(arn, true))?;
        let Some(entry) = config.top_entry(&setting::ROLE_EXTERNAL_ID) else {
            return Some(request);
        };
        config.read(&setting::ROLE_EXTERNAL_ID, &entry, |id| request.clone().with_external_id(id))
    }

    /// The role of a pod, which is narrowed only if it is the one that signs: as a stepping stone it
    /// needs the permission to step.
    fn read_pod(&self, config: &mut ConfigReader<'_>, signs: bool) -> Option<OidcOptions> {
        let environment = config.environment;
        let provider_arn = environment.get("ALIBABA_CLOUD_OIDC_PROVIDER_ARN")?.to_owned();
        let token_file = PathBuf::from(environment.get("ALIBABA_CLOUD_OIDC_TOKEN_FILE")?);
        let arn = environment.get(POD_ROLE_ARN)?;
        let place = format!("{POD_ROLE_ARN} = {arn:?}");
        let example = format!("{POD_ROLE_ARN}={}", setting::ROLE_ARN.example);
        let request = self.request(arn, signs);
        let request = request.map_err(|problem| config.add_error(place, problem, example)).ok()?;
        Some(OidcOptions { provider_arn, token_file, role: request })
    }

    fn request(&self, arn: &str, signs: bool) -> Result<RoleRequest, String> {
        let request = RoleRequest::new(arn, &self.session_name, self.duration);
        match &self.policy {
            Some(policy) if signs => request.and_then(|request| request.with_policy(policy)),
            _ => request,
        }
        .map_err(|error| error.to_string())
    }
}

/// Judges a name by itself, so that a complaint stands where the name does.
fn session_name(text: &str) -> Result<String, RoleError> {
    RoleRequest::new(setting::ROLE_ARN.example, text, ROLE_DURATION).map(|role| role.session_name)
}

fn duration(text: &str) -> Result<Duration, String> {
    let duration = value::duration(text)?;
    RoleRequest::new(setting::ROLE_ARN.example, SESSION_NAME, duration)
        .map(|role| role.duration)
        .map_err(|error| error.to_string())
}

fn scope(text: &str) -> Result<Scope, &'static str> {
    match text {
        "routes" => Ok(Scope::Routes),
        "role" => Ok(Scope::Role),
        _ => Err("a role's session may do what the 'routes' need, or all that the 'role' may"),
    }
}

/// The session policy that the routes need; one that cannot be written is a error, if a role is
/// taken at all.
fn policy(config: &mut ConfigReader<'_>, routes: &[Route]) -> Option<String> {
    let shares = |route: &&Route| route.session == SessionMode::Shared;
    let none_shares = !routes.iter().any(|route| shares(&route));
    let places: Vec<_> = routes
        .iter()
        .filter(|route| none_shares || shares(route))
        .map(|route| ObjectPrefix {
            bucket: route.bucket.as_str().to_owned(),
            prefix: route.template.prefix(&CallerAttributes::NONE),
        })
        .collect();
    let place = match config.top_entry(&setting::ROLE_ARN) {
        Some(entry) => entry.describe(),
        None => config.environment.get(POD_ROLE_ARN).map(|_| POD_ROLE_ARN.to_owned())?,
    };
    match session_policy(UPLOAD_ACTIONS, &places) {
        Ok(policy) => Some(policy),
        Err(error) => {
            let example = format!("{} = \"role\"", setting::ROLE_SCOPE.key);
            config.add_error(place, error.to_string(), example);
            None
        }
    }
}

#[cfg(feature = "local-credentials")]
fn profile(environment: &Environment) -> Option<CliProfileOptions> {
    if is_true(environment, "ALIBABA_CLOUD_CLI_PROFILE_DISABLED") {
        return None;
    }
    let path = match environment.get("ALIBABA_CLOUD_CONFIG_FILE") {
        Some(path) => PathBuf::from(path),
        None => home(environment)?.join(".aliyun/config.json"),
    };
    Some(CliProfileOptions { path, name: profile_name(environment) })
}

/// The official libraries use two names of the file, so both are tried.
#[cfg(feature = "local-credentials")]
fn credentials_file(environment: &Environment) -> Option<CredentialsFileOptions> {
    let paths = if let Some(path) = environment.get("ALIBABA_CLOUD_CREDENTIALS_FILE") {
        vec![PathBuf::from(path)]
    } else {
        let folder = home(environment)?.join(".alibabacloud");
        vec![folder.join("credentials"), folder.join("credentials.ini")]
    };
    Some(CredentialsFileOptions { paths, section: profile_name(environment) })
}

/// The metadata service belongs to servers: on Function Compute nothing is known of one.
fn metadata(environment: &Environment) -> Option<EcsMetadataOptions> {
    let off = is_true(environment, "ALIBABA_CLOUD_ECS_METADATA_DISABLED")
        || environment.get("FC_FUNCTION_NAME").is_some();
    (!off).then(|| EcsMetadataOptions {
        base_url: ecs_metadata::ADDRESS.to_owned(),
        role: environment.get("ALIBABA_CLOUD_ECS_METADATA").map(str::to_owned),
        token_only: is_true(environment, "ALIBABA_CLOUD_IMDSV1_DISABLED"),
    })
}

#[cfg(feature = "local-credentials")]
fn profile_name(environment: &Environment) -> Option<String> {
    environment.get("ALIBABA_CLOUD_PROFILE").map(str::to_owned)
}

#[cfg(feature = "local-credentials")]
fn home(environment: &Environment) -> Option<PathBuf> {
    environment.get("HOME").map(PathBuf::from)
}

fn is_true(environment: &Environment, name: &str) -> bool {
    environment.get(name).is_some_and(|text| text.eq_ignore_ascii_case("true"))
}

/// The deployed function has neither a home directory nor commands, so it is built without the sources that read
/// them. A setting that asks for one is an error: another identity must not sign in its place.
fn reject_local_sources(config: &mut ConfigReader<'_>, kind: SourceKind) {
    let problem = "this source is a file on a developer's machine, and the function is built without it; let the \
                   function's role sign, or set the key itself in the environment";
    if matches!(kind, SourceKind::Profile | SourceKind::File) {
        if let Some(entry) = config.top_entry(&setting::CREDENTIALS) {
            config.add_invalid(&setting::CREDENTIALS, &entry, problem);
        }
        return;
    }
    let off = is_true(config.environment, "ALIBABA_CLOUD_CLI_PROFILE_DISABLED");
    for (name, is_used) in [
        ("ALIBABA_CLOUD_CONFIG_FILE", !off),
        ("ALIBABA_CLOUD_CREDENTIALS_FILE", true),
        ("ALIBABA_CLOUD_PROFILE", true),
    ] {
        if kind == SourceKind::Auto && is_used && config.environment.get(name).is_some() {
            config.add_error(name.to_owned(), problem.to_owned(), format!("unset {name}"));
        }
    }
}

/// A source that was chosen by name and is not there would leave nothing to sign with.
fn complain_of_a_pin_without_its_source(config: &mut ConfigReader<'_>, sources: &SourceOptions) {
    let wanted = match sources.kind {
        SourceKind::Oidc if sources.oidc.is_none() => {
            "ALIBABA_CLOUD_ROLE_ARN, ALIBABA_CLOUD_OIDC_PROVIDER_ARN and ALIBABA_CLOUD_OIDC_TOKEN_FILE"
        }
        #[cfg(feature = "local-credentials")]
        SourceKind::Profile if sources.local.profile.is_none() => {
            "HOME or ALIBABA_CLOUD_CONFIG_FILE"
        }
        #[cfg(feature = "local-credentials")]
        SourceKind::File if sources.local.file.is_none() => {
            "HOME or ALIBABA_CLOUD_CREDENTIALS_FILE"
        }
        SourceKind::Metadata if sources.metadata.is_none() => {
            "a server's metadata service, which is switched off or not to be had here"
        }
        SourceKind::Uri if sources.uri.is_none() => "ALIBABA_CLOUD_CREDENTIALS_URI",
        _ => return,
    };
    if let Some(entry) = config.top_entry(&setting::CREDENTIALS) {
        let problem = format!("this source needs {wanted}");
        config.add_error(entry.describe(), problem, entry.example(&setting::CREDENTIALS));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::toml_file::File;

    fn complaints(variables: &[(&str, &str)], kind: SourceKind) -> Option<String> {
        let pairs = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let environment: Environment = pairs.collect();
        let mut config = ConfigReader::new(&environment, File::default());
        reject_local_sources(&mut config, kind);
        config.finish().err().map(|complaints| complaints.to_string())
    }

    #[test]
    fn a_function_without_local_sources_refuses_settings_that_ask_for_one() {
        let source = ("UPLOAD_CREDENTIALS", "profile");
        insta::assert_snapshot!(complaints(&[source], SourceKind::Profile).unwrap(), @r#"
        1 problem with the settings; nothing was started
          UPLOAD_CREDENTIALS = "profile": this source is a file on a developer's machine, and the function is built without it; let the function's role sign, or set the key itself in the environment. Example: UPLOAD_CREDENTIALS=auto
        "#);
        let files = [
            ("ALIBABA_CLOUD_PROFILE", "marker"),
            ("ALIBABA_CLOUD_CONFIG_FILE", "marker"),
            ("ALIBABA_CLOUD_CREDENTIALS_FILE", "marker"),
        ];
        insta::assert_snapshot!(complaints(&files, SourceKind::Auto).unwrap(), @"
        3 problems with the settings; nothing was started
          ALIBABA_CLOUD_CONFIG_FILE: this source is a file on a developer's machine, and the function is built without it; let the function's role sign, or set the key itself in the environment. Example: unset ALIBABA_CLOUD_CONFIG_FILE
          ALIBABA_CLOUD_CREDENTIALS_FILE: this source is a file on a developer's machine, and the function is built without it; let the function's role sign, or set the key itself in the environment. Example: unset ALIBABA_CLOUD_CREDENTIALS_FILE
          ALIBABA_CLOUD_PROFILE: this source is a file on a developer's machine, and the function is built without it; let the function's role sign, or set the key itself in the environment. Example: unset ALIBABA_CLOUD_PROFILE
        ");
        assert_eq!(complaints(&files, SourceKind::Request), None);
        assert_eq!(complaints(&[("HOME", "/root")], SourceKind::Auto), None);
        let off = ("ALIBABA_CLOUD_CLI_PROFILE_DISABLED", "true");
        assert_eq!(complaints(&[files[1], off], SourceKind::Auto), None);
    }

    #[cfg(not(feature = "local-credentials"))]
    #[test]
    fn a_build_without_local_sources_does_not_start_with_such_a_setting() {
        let variables = [
            ("OSS_BUCKET", "my-bucket"),
            ("OSS_REGION", "cn-hangzhou"),
            ("UPLOAD_AUTH", "anonymous"),
            ("UPLOAD_CREDENTIALS", "file"),
        ];
        let pairs = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let now = Timestamp::from_unix(1_732_687_781).unwrap();
        let loaded = crate::config::Settings::load(&pairs.into_iter().collect(), None, now);
        assert!(loaded.unwrap_err().to_string().contains("built without it"));
    }
}
