//! Credentials: the access key in the environment, the other sources by the variables of Alibaba's own
//! libraries, and the role to assume.

use std::path::PathBuf;
use std::time::Duration;

use crate::config::environment::{Environment, access_key_variables};
use crate::config::reader::ConfigReader;
use crate::config::table::{self, Setting};
use crate::config::value;
use crate::credentials::options::{OidcOptions, SourceKind, SourceOptions};
use crate::credentials::providers::ecs_metadata;
use crate::credentials::providers::ecs_metadata::EcsMetadataOptions;
use crate::credentials::providers::environment::{EnvironmentCredentials, ROLE_KEY_LIFETIME};
#[cfg(feature = "local-credentials")]
use crate::credentials::providers::local::{
    LocalOptions, config_json::CliProfileOptions, credentials_file::CredentialsFileOptions,
};
use crate::credentials::session_policy::{
    DOWNLOAD_ACTIONS, ObjectPermissions, ObjectPrefix, session_policy, upload_actions,
};
use crate::credentials::sts::{RoleError, RoleRequest, endpoint};
use crate::policy::route::{Route, SessionMode};
use crate::policy::template::CallerAttributes;
use crate::secret::Secret;
use crate::time::Timestamp;

/// The session name in audit logs, unless another is set. Old documents allow 32 characters, new ones 64.
const SESSION_NAME: &str = "oss-upload-signer";

/// What every role allows, unless its limit was raised.
const ROLE_DURATION: Duration = Duration::from_hours(1);

/// What a role's session may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum RoleScope {
    /// What the routes need.
    #[default]
    Routes,
    /// All that the role may.
    Role,
}

/// Reads the credential sources; a source without its settings is absent.
pub(super) fn read(
    config: &mut ConfigReader<'_>,
    routes: &[Route],
    now: Timestamp,
) -> Option<SourceOptions> {
    let kind = config.value(&table::CREDENTIALS, source).unwrap_or_default();
    if !cfg!(feature = "local-credentials") {
        reject_local_sources(config, kind);
    }
    let lifetime = config.value(&table::ROLE_KEY_LIFETIME, value::duration);
    let key = read_access_key(config, now, lifetime.unwrap_or(ROLE_KEY_LIFETIME));
    let sts_endpoint = sts_endpoint(config);
    let assume = AssumeRoleSettings::read(config, routes);
    let role = assume.read_role(config);
    let oidc = assume.read_pod_role(config, role.is_none());
    let environment = config.environment;
    let sources = SourceOptions {
        kind,
        environment: key,
        longest_form: routes.iter().map(|route| route.lifetime).max().unwrap_or_default(),
        sts_endpoint: sts_endpoint?,
        session_name: assume.session_name,
        oidc,
        #[cfg(feature = "local-credentials")]
        local: LocalOptions { profile: profile(environment), file: credentials_file(environment) },
        metadata: metadata(environment),
        uri: environment.get(table::CREDENTIALS_URI.variable).map(Secret::new),
        role,
    };
    check_source_is_there(config, &sources);
    Some(sources)
}

/// Reads the access key, if one is set; the first family of names wins. Half a key is an error. No value is
/// ever shown.
fn read_access_key(
    config: &mut ConfigReader<'_>,
    started: Timestamp,
    lifetime: Duration,
) -> Option<EnvironmentCredentials> {
    for [id, secret, token] in access_key_variables() {
        let environment = config.environment;
        match (environment.get(id), environment.get(secret)) {
            (Some(key_id), Some(text)) => {
                let token = environment.get(token).map(Secret::new);
                return Some(EnvironmentCredentials::new(
                    key_id.to_owned(),
                    Secret::new(text),
                    token,
                    started,
                    lifetime,
                ));
            }
            (Some(_), None) => add_half_a_key(config, secret, id),
            (None, Some(_)) => add_half_a_key(config, id, secret),
            (None, None) => {}
        }
    }
    None
}

fn add_half_a_key(config: &mut ConfigReader<'_>, missing: &str, present: &str) {
    let problem = format!("it is not set, although {present} is; a key needs both");
    config.add_error(missing.to_owned(), problem, format!("{missing}=… or unset {present}"));
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
    if let Some(entry) = config.entry(&table::STS_ENDPOINT) {
        return config
            .read(&table::STS_ENDPOINT, &entry, |text| endpoint::choose(Some(text), None, false));
    }
    let vpc = config.value(&table::STS_VPC, value::boolean).unwrap_or(false);
    if let Some(entry) = config.entry(&table::STS_REGION) {
        return config
            .read(&table::STS_REGION, &entry, |region| endpoint::choose(None, Some(region), vpc));
    }
    let region = config.environment.get(table::FUNCTION_REGION.variable);
    match config.entry(&table::STS_VPC) {
        Some(entry) => {
            config.read(&table::STS_VPC, &entry, |_| endpoint::choose(None, region, vpc))
        }
        None => endpoint::choose(None, region, false).ok(),
    }
}

/// The settings with which a role is assumed, whichever role it is.
struct AssumeRoleSettings {
    session_name: String,
    duration: Duration,
    policy: Option<String>,
}

impl AssumeRoleSettings {
    fn read(config: &mut ConfigReader<'_>, routes: &[Route]) -> Self {
        let session_name = config.value(&table::ROLE_SESSION_NAME, session_name);
        let duration = config.value(&table::ROLE_DURATION, duration);
        let scope = config.value(&table::ROLE_SCOPE, scope).unwrap_or_default();
        Self {
            session_name: session_name.unwrap_or_else(|| SESSION_NAME.to_owned()),
            duration: duration.unwrap_or(ROLE_DURATION),
            policy: (scope == RoleScope::Routes).then(|| policy(config, routes)).flatten(),
        }
    }

    /// Reads the role that is assumed with the key of another source.
    fn read_role(&self, config: &mut ConfigReader<'_>) -> Option<RoleRequest> {
        let request = config.value(&table::ROLE_ARN, |arn| self.request(arn, true))?;
        let Some(entry) = config.entry(&table::ROLE_EXTERNAL_ID) else {
            return Some(request);
        };
        config.read(&table::ROLE_EXTERNAL_ID, &entry, |id| request.clone().with_external_id(id))
    }

    /// Reads the role of a pod, which is narrowed only if it is the one that signs: where another role is
    /// assumed with it, it needs the permission to do so.
    fn read_pod_role(&self, config: &mut ConfigReader<'_>, signs: bool) -> Option<OidcOptions> {
        let environment = config.environment;
        let provider_arn = environment.get(table::OIDC_PROVIDER_ARN.variable)?.to_owned();
        let token_file = PathBuf::from(environment.get(table::OIDC_TOKEN_FILE.variable)?);
        let arn = environment.get(table::POD_ROLE_ARN.variable)?;
        let place = format!("{} = {arn:?}", table::POD_ROLE_ARN.variable);
        let example = table::POD_ROLE_ARN.variable_example();
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

/// Checks a name by itself, so that the error names the setting of the name.
fn session_name(text: &str) -> Result<String, RoleError> {
    RoleRequest::new(table::ROLE_ARN.example, text, ROLE_DURATION).map(|role| role.session_name)
}

fn duration(text: &str) -> Result<Duration, String> {
    let duration = value::duration(text)?;
    RoleRequest::new(table::ROLE_ARN.example, SESSION_NAME, duration)
        .map(|role| role.duration)
        .map_err(|error| error.to_string())
}

fn scope(text: &str) -> Result<RoleScope, &'static str> {
    match text {
        "routes" => Ok(RoleScope::Routes),
        "role" => Ok(RoleScope::Role),
        _ => Err("a role's session may do what the 'routes' need, or all that the 'role' may"),
    }
}

/// Writes the session policy that the routes need. One that cannot be written is an error, if a role is
/// assumed at all.
fn policy(config: &mut ConfigReader<'_>, routes: &[Route]) -> Option<String> {
    let shares = |route: &&Route| route.session == SessionMode::Shared;
    let none_shares = !routes.iter().any(|route| shares(&route));
    let prefix = |route: &Route| ObjectPrefix {
        bucket: route.bucket.as_str().to_owned(),
        prefix: route.template.prefix(&CallerAttributes::NONE),
    };
    let routes = || routes.iter().filter(|route| none_shares || shares(route));
    let uploads = |has_multipart| ObjectPermissions {
        actions: upload_actions(has_multipart),
        prefixes: routes()
            .filter(|route| route.multipart.is_some() == has_multipart)
            .map(prefix)
            .collect(),
    };
    let downloads = ObjectPermissions {
        actions: DOWNLOAD_ACTIONS,
        prefixes: routes().filter(|route| route.download.is_some()).map(prefix).collect(),
    };
    let permissions = [uploads(false), uploads(true), downloads];
    let place = if let Some(raw) = config.entry(&table::ROLE_ARN) {
        raw.describe()
    } else {
        let variable = table::POD_ROLE_ARN.variable;
        config.environment.get(variable).map(|_| variable.to_owned())?
    };
    match session_policy(&permissions) {
        Ok(policy) => Some(policy),
        Err(error) => {
            let example = format!("{} = \"role\"", table::ROLE_SCOPE.key);
            config.add_error(place, error.to_string(), example);
            None
        }
    }
}

#[cfg(feature = "local-credentials")]
fn profile(environment: &Environment) -> Option<CliProfileOptions> {
    if is_true(environment, &table::CLI_PROFILE_DISABLED) {
        return None;
    }
    let path = match environment.get(table::CLI_CONFIG_FILE.variable) {
        Some(path) => PathBuf::from(path),
        None => home(environment)?.join(".aliyun/config.json"),
    };
    Some(CliProfileOptions { path, name: profile_name(environment) })
}

/// The official libraries use two names for the file, so both are tried.
#[cfg(feature = "local-credentials")]
fn credentials_file(environment: &Environment) -> Option<CredentialsFileOptions> {
    let paths = if let Some(path) = environment.get(table::CREDENTIALS_FILE.variable) {
        vec![PathBuf::from(path)]
    } else {
        let folder = home(environment)?.join(".alibabacloud");
        vec![folder.join("credentials"), folder.join("credentials.ini")]
    };
    Some(CredentialsFileOptions { paths, section: profile_name(environment) })
}

/// The metadata service is one of ECS instances: Function Compute has none.
fn metadata(environment: &Environment) -> Option<EcsMetadataOptions> {
    let off = is_true(environment, &table::METADATA_DISABLED)
        || environment.get(table::FUNCTION_NAME.variable).is_some();
    (!off).then(|| EcsMetadataOptions {
        base_url: ecs_metadata::ADDRESS.to_owned(),
        role: environment.get(table::METADATA_ROLE.variable).map(str::to_owned),
        token_only: is_true(environment, &table::METADATA_TOKEN_ONLY),
    })
}

#[cfg(feature = "local-credentials")]
fn profile_name(environment: &Environment) -> Option<String> {
    environment.get(table::PROFILE.variable).map(str::to_owned)
}

#[cfg(feature = "local-credentials")]
fn home(environment: &Environment) -> Option<PathBuf> {
    environment.get("HOME").map(PathBuf::from)
}

fn is_true(environment: &Environment, setting: &Setting) -> bool {
    environment.get(setting.variable).is_some_and(|text| text.eq_ignore_ascii_case("true"))
}

/// The deployed function has neither a home directory nor commands, so it is built without the sources that read
/// them. A setting that names one is an error: another identity must not sign in its place.
fn reject_local_sources(config: &mut ConfigReader<'_>, kind: SourceKind) {
    let problem = "this source is a file on a developer's machine, and the function is built without it; let the \
                   function's role sign, or set the key itself in the environment";
    if matches!(kind, SourceKind::Profile | SourceKind::File) {
        if let Some(entry) = config.entry(&table::CREDENTIALS) {
            config.add_invalid(&table::CREDENTIALS, &entry, problem);
        }
        return;
    }
    let off = is_true(config.environment, &table::CLI_PROFILE_DISABLED);
    for (name, is_used) in [
        (table::CLI_CONFIG_FILE.variable, !off),
        (table::CREDENTIALS_FILE.variable, true),
        (table::PROFILE.variable, true),
    ] {
        if kind == SourceKind::Auto && is_used && config.environment.get(name).is_some() {
            config.add_error(name.to_owned(), problem.to_owned(), format!("unset {name}"));
        }
    }
}

/// Refuses a source that was chosen by name and is absent: nothing would be left to sign with.
fn check_source_is_there(config: &mut ConfigReader<'_>, sources: &SourceOptions) {
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
            "a server's metadata service, which is disabled or not available here"
        }
        SourceKind::Uri if sources.uri.is_none() => "ALIBABA_CLOUD_CREDENTIALS_URI",
        _ => return,
    };
    if let Some(entry) = config.entry(&table::CREDENTIALS) {
        let problem = format!("this source needs {wanted}");
        config.add_error(entry.describe(), problem, entry.example(&table::CREDENTIALS));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::toml_file::TomlFile;

    fn errors(variables: &[(&str, &str)], kind: SourceKind) -> Option<String> {
        let pairs = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let environment: Environment = pairs.collect();
        let mut config = ConfigReader::new(&environment, TomlFile::default());
        reject_local_sources(&mut config, kind);
        config.finish().err().map(|errors| errors.to_string())
    }

    #[test]
    fn a_function_without_local_sources_refuses_settings_that_ask_for_one() {
        let source = ("UPLOAD_CREDENTIALS", "profile");
        insta::assert_snapshot!(errors(&[source], SourceKind::Profile).unwrap(), @r#"
        1 problem with the settings; nothing was started
          UPLOAD_CREDENTIALS = "profile": this source is a file on a developer's machine, and the function is built without it; let the function's role sign, or set the key itself in the environment. Example: UPLOAD_CREDENTIALS=auto
        "#);
        let files = [
            ("ALIBABA_CLOUD_PROFILE", "marker"),
            ("ALIBABA_CLOUD_CONFIG_FILE", "marker"),
            ("ALIBABA_CLOUD_CREDENTIALS_FILE", "marker"),
        ];
        insta::assert_snapshot!(errors(&files, SourceKind::Auto).unwrap(), @"
        3 problems with the settings; nothing was started
          ALIBABA_CLOUD_CONFIG_FILE: this source is a file on a developer's machine, and the function is built without it; let the function's role sign, or set the key itself in the environment. Example: unset ALIBABA_CLOUD_CONFIG_FILE
          ALIBABA_CLOUD_CREDENTIALS_FILE: this source is a file on a developer's machine, and the function is built without it; let the function's role sign, or set the key itself in the environment. Example: unset ALIBABA_CLOUD_CREDENTIALS_FILE
          ALIBABA_CLOUD_PROFILE: this source is a file on a developer's machine, and the function is built without it; let the function's role sign, or set the key itself in the environment. Example: unset ALIBABA_CLOUD_PROFILE
        ");
        assert_eq!(errors(&files, SourceKind::Request), None);
        assert_eq!(errors(&[("HOME", "/root")], SourceKind::Auto), None);
        let off = ("ALIBABA_CLOUD_CLI_PROFILE_DISABLED", "true");
        assert_eq!(errors(&[files[1], off], SourceKind::Auto), None);
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
