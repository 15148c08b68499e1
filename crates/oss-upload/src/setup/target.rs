//! The options and the settings: what is wanted, and where.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::error::CommandError;
use crate::http_client::WebClient;
use crate::language::Language;
use crate::requirements::cors_rule::{CHECKSUM_HEADER, CorsRule};
use crate::requirements::routes::{BucketRequirements, Requirements};
use crate::setup::Options;
use crate::setup::account::Account;
use crate::setup::bucket_client::BucketConfigClient;
use crate::setup::ownership::{DEFAULT_ROLE, Ownership};
use crate::setup::plan::{Wanted, WantedBucket};
use crate::setup::rpc::RpcClient;
use crate::signing_context::credentials;
use crate::signing_options::{host_at, set_placeholders};
use oss_upload_signer::auth::origin::{Origin, Origins};
use oss_upload_signer::config::Settings;
use oss_upload_signer::config::environment::Environment;
use oss_upload_signer::credentials::sts::endpoint;
use oss_upload_signer::policy::bucket::{Bucket, Region, UploadHost};
use oss_upload_signer::{app, time};

/// The limit for a request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// What is wanted, and the settings that it comes from.
pub(super) struct SetupTarget {
    pub(super) wanted: Wanted,
    settings: Settings,
    /// The authentication rule as it is set, for the command to deploy.
    auth: Option<String>,
    /// Whether the settings are in a file.
    has_file: bool,
}

impl SetupTarget {
    /// Reads the options and the settings.
    pub(super) fn new(options: &Options) -> Result<Self, CommandError> {
        let mut environment = Environment::of_process();
        let role = options.role.as_deref().or(environment.get("OSS_UPLOAD_ROLE"));
        let names = names(role.unwrap_or(DEFAULT_ROLE))?;
        let auth = environment.get("UPLOAD_AUTH").map(str::to_owned);
        for (name, value) in [("OSS_BUCKET", &options.bucket), ("OSS_REGION", &options.region)] {
            if let Some(value) = value {
                environment.set(name, value.as_str());
            }
        }
        if let Some(path) = &options.config {
            environment.set("UPLOAD_CONFIG", path.to_string_lossy());
        }
        set_placeholders(&mut environment);
        let file = environment.read_file(Some(Path::new(".")));
        let file = file.map_err(|error| CommandError::usage(error.to_string()))?;
        let settings = Settings::load(&environment, file.as_deref(), time::now())
            .map_err(|errors| CommandError::usage(errors.to_string()))?;
        let needed =
            Requirements::of(&settings).map_err(|error| CommandError::usage(error.to_string()))?;
        let origins = origins(&options.origin, &settings.origins, options.remove)?;
        let buckets = needed.buckets.iter().map(|bucket| wanted_bucket(bucket, &origins));
        let wanted = Wanted {
            names,
            policy: needed.policy,
            signing_role: needed.signing_role,
            buckets: buckets.collect(),
        };
        Ok(Self { wanted, settings, auth, has_file: file.is_some() })
    }

    /// Opens the account with the user's credentials.
    pub(super) async fn account(&self, options: &Options) -> Result<Account, CommandError> {
        let credentials = credentials(&self.settings, time::now()).await?;
        let web = WebClient::new(Some(REQUEST_TIMEOUT))?;
        let buckets = self.wanted.buckets.iter().map(|bucket| {
            Ok(BucketConfigClient {
                web: web.clone(),
                credentials: Arc::clone(&credentials),
                name: bucket.name.clone(),
                region: bucket.region.clone(),
                url: address(bucket, options.endpoint.as_deref())?.as_str().to_owned(),
            })
        });
        let buckets = buckets.collect::<Result<_, CommandError>>()?;
        let ram = encrypted("--ram-endpoint", &options.ram_endpoint)?;
        let rpc = RpcClient {
            web,
            credentials,
            random: app::system_random(),
            sts: self.settings.sources.sts_endpoint.clone(),
            ram,
        };
        Ok(Account { rpc, buckets, names: self.wanted.names.clone() })
    }

    /// Returns the command that deploys the function with these settings.
    pub(super) fn deploy_command(&self) -> String {
        let mut variables = Vec::new();
        if let ([bucket], false) = (&self.wanted.buckets[..], self.has_file) {
            variables.push(format!("OSS_BUCKET={}", bucket.name));
            variables.push(format!("OSS_REGION={}", bucket.region));
            variables.push(format!("UPLOAD_AUTH={}", self.auth.as_deref().unwrap_or("…")));
            variables.push(format!("UPLOAD_ORIGINS={}", bucket.cors.origins.join(",")));
        }
        if self.wanted.names.role() != DEFAULT_ROLE {
            variables.push(format!("OSS_UPLOAD_ROLE={}", self.wanted.names.role()));
        }
        variables.push("s deploy -y".to_owned());
        variables.join(" ")
    }

    /// Returns the command that tests the deployment.
    pub(super) fn doctor_command(&self, language: Language) -> String {
        let origin = self.wanted.buckets.first().and_then(|bucket| bucket.cors.origins.first());
        let origin = origin.filter(|origin| !origin.contains('*'));
        let origin = origin.map_or("https://app.example.com", String::as_str);
        let address = language.choose("the address that s deploy prints", "s deploy 输出的地址");
        format!("oss-upload doctor --signer https://<{address}> --origin {origin}")
    }
}

fn names(role: &str) -> Result<Ownership, CommandError> {
    Ownership::new(role).ok_or_else(|| {
        CommandError::usage(format!(
            "--role {role:?}: the name of a role has 1 to 64 letters, digits, dots and hyphens"
        ))
    })
}

fn wanted_bucket(bucket: &BucketRequirements, origins: &[String]) -> WantedBucket {
    let mut cors = CorsRule::new(origins, &bucket.methods);
    if bucket.checksums {
        cors.exposed_headers.push(CHECKSUM_HEADER.to_owned());
    }
    WantedBucket {
        name: bucket.name.clone(),
        region: bucket.region.clone(),
        cors,
        parts: bucket.parts.clone(),
    }
}

/// Lists the origins of the options and of the settings, each once.
fn origins(
    given: &[String],
    settings: &Origins,
    remove: bool,
) -> Result<Vec<String>, CommandError> {
    let mut origins = Vec::new();
    for text in given {
        let origin = Origin::parse(text)
            .map_err(|error| CommandError::usage(format!("--origin {text:?}: {error}")))?;
        origins.push(origin_text(&origin));
    }
    match settings {
        Origins::Same => {}
        Origins::Any => origins.push("*".to_owned()),
        Origins::List(list) => origins.extend(list.iter().map(origin_text)),
    }
    let mut seen = Vec::new();
    origins.retain(|origin| {
        let is_new = !seen.contains(origin);
        seen.push(origin.clone());
        is_new
    });
    if origins.is_empty() && !remove {
        return Err(CommandError::usage(
            "--origin is missing: the origin of the pages that upload, such as https://app.example.com; for the \
             function's own page it is the function's address",
        ));
    }
    Ok(origins)
}

/// Writes an origin as a CORS rule has it.
fn origin_text(origin: &Origin) -> String {
    match origin {
        Origin::Exact(origin) => origin.clone(),
        Origin::Subdomains { scheme, suffix } => format!("{scheme}*{suffix}"),
        Origin::Loopback => "http://localhost:*".to_owned(),
    }
}

/// Returns an address with its scheme. Requests contain the token of a temporary key, so only this machine may be called
/// without TLS.
fn encrypted(option: &str, address: &str) -> Result<String, CommandError> {
    endpoint::choose(Some(address), None, false).map_err(|_| {
        CommandError::usage(format!(
            "{option} {address:?}: write https:// and a host; http:// is for this machine only"
        ))
    })
}

/// Returns the address of a bucket: at an endpoint, or the one of its region.
fn address(bucket: &WantedBucket, endpoint: Option<&str>) -> Result<UploadHost, CommandError> {
    let invalid = |error: &dyn std::fmt::Display| CommandError::usage(error.to_string());
    let name = Bucket::parse(&bucket.name).map_err(|error| invalid(&error))?;
    let region = Region::parse(&bucket.region).map_err(|error| invalid(&error))?;
    match endpoint {
        Some(endpoint) => host_at(&encrypted("--endpoint", endpoint)?, &name),
        None => Ok(UploadHost::default_for(&name, &region)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_of_options_and_settings_are_named_once_as_a_rule_has_them() {
        let given = ["https://A.test:443".to_owned(), "https://*.b.test".to_owned()];
        let list = Origins::List(vec![
            Origin::parse("https://a.test").unwrap(),
            Origin::parse("http://c.test:81").unwrap(),
        ]);
        let origins = |given: &[String], settings: &Origins| origins(given, settings, false);
        assert_eq!(
            origins(&given, &list).unwrap(),
            ["https://a.test", "https://*.b.test", "http://c.test:81"]
        );
        assert_eq!(origins(&[], &Origins::Any).unwrap(), ["*"]);
        assert!(origins(&[], &Origins::Same).unwrap_err().to_string().starts_with("--origin"));
        let wrong = origins(&["https://a.test/path".to_owned()], &list).unwrap_err();
        assert!(wrong.to_string().contains("/path"), "{wrong}");
    }
}
