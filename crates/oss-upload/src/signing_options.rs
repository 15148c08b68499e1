//! The options of `sign`, `form` and `upload` that say where a form goes and what it allows.
//!
//! They override the function's own settings: each option is set as the environment variable of the
//! setting, so that one reader validates both. Its errors are then reworded to name the option.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::error::CommandError;
use oss_upload_signer::config::Settings;
use oss_upload_signer::config::environment::Environment;
use oss_upload_signer::config::value::duration;
use oss_upload_signer::config::{ConfigError, ConfigErrors};
use oss_upload_signer::policy::bucket::{Bucket, Region, UploadHost};
use oss_upload_signer::policy::route::Route;
use oss_upload_signer::secret::Secret;
use oss_upload_signer::time::Timestamp;

/// The settings of the function and the options that override them.
const OPTION_NAMES: [(&str, &str); 7] = [
    ("OSS_BUCKET", "--bucket"),
    ("OSS_REGION", "--region"),
    ("UPLOAD_DIR", "--dir"),
    ("UPLOAD_MIN_SIZE", "--min-size"),
    ("UPLOAD_MAX_SIZE", "--max-size"),
    ("UPLOAD_TYPES", "--type"),
    ("UPLOAD_EXPIRES", "--expires"),
];

/// The receipt key where none is set. Nothing is signed with it.
const PLACEHOLDER_KEY: &str = "a placeholder: no receipt is signed with it";

/// Returns whether the receipt keys are the placeholder of [`load`].
pub(super) fn is_placeholder(keys: &[Secret]) -> bool {
    keys.iter().any(|key| key.expose() == PLACEHOLDER_KEY)
}

/// The bucket, and the address that a form is posted to.
#[derive(Args, Debug, Default)]
pub(super) struct BucketOptions {
    /// The bucket
    #[arg(long)]
    bucket: Option<String>,
    /// The bucket's region, such as cn-hangzhou
    #[arg(long)]
    region: Option<String>,
    /// The address to post to, such as a custom domain; default is the bucket's public one
    #[arg(long, value_name = "URL", conflicts_with = "endpoint")]
    upload_host: Option<String>,
    /// The endpoint of the bucket, such as oss-cn-hangzhou-internal.aliyuncs.com
    #[arg(long, value_name = "HOST")]
    endpoint: Option<String>,
}

/// What a form allows: the rules of a named route, or options.
#[derive(Args, Debug, Default)]
pub(super) struct RuleOptions {
    /// Take the rules of this route of the settings file
    #[arg(long, value_name = "NAME", conflicts_with_all = ["dir", "max_size", "min_size", "expires"])]
    pub(super) route: Option<String>,
    /// The settings file; default is upload.toml in this folder, if --route is given
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The directory of the objects, such as 'photos/{yyyy}/{uuid}/'
    #[arg(long)]
    dir: Option<String>,
    /// The largest file, such as 10MiB
    #[arg(long, value_name = "SIZE")]
    max_size: Option<String>,
    /// The smallest file, such as 1B
    #[arg(long, value_name = "SIZE")]
    min_size: Option<String>,
    /// An accepted type, such as image/png or 'image/*'; may be given several times
    #[arg(id = "types", long = "type", value_name = "TYPE")]
    pub(super) types: Vec<String>,
    /// How long the form lasts, such as 10m or 12h; at most 7d, except with --v1 and a long-lived key
    #[arg(long, value_name = "TIME")]
    expires: Option<String>,
    /// Sign with V1, which OSS accepts for old accounts and old buckets only
    #[arg(long, conflicts_with = "route")]
    v1: bool,
}

impl RuleOptions {
    /// Sets the lifetime of the form unless an option or a route sets it.
    pub(super) fn set_default_lifetime(&mut self, time: &str) {
        if self.route.is_none() && self.config.is_none() && self.expires.is_none() {
            self.expires = Some(time.to_owned());
        }
    }

    fn variables(&self) -> [(&'static str, Option<String>); 6] {
        let types = (!self.types.is_empty()).then(|| self.types.join(","));
        [
            ("UPLOAD_DIR", self.dir.clone()),
            ("UPLOAD_MIN_SIZE", self.min_size.clone()),
            ("UPLOAD_MAX_SIZE", self.max_size.clone()),
            ("UPLOAD_TYPES", types),
            // The function's limit is for V4. A V1 form may be valid for years, so `load` reads it.
            ("UPLOAD_EXPIRES", self.expires.clone().filter(|_| !self.v1)),
            ("UPLOAD_SIGNATURE", self.v1.then(|| "v1".to_owned())),
        ]
    }
}

/// Loads the settings with these options, and returns the route that they select.
pub(super) fn load(
    bucket: &BucketOptions,
    rules: &RuleOptions,
    mut environment: Environment,
    now: Timestamp,
) -> Result<(Settings, Route), CommandError> {
    if rules.route.is_some() && !rules.types.is_empty() {
        return Err(CommandError::usage(
            "--type cannot be combined with --route, whose rules name the types",
        ));
    }
    let address = [("OSS_BUCKET", bucket.bucket.clone()), ("OSS_REGION", bucket.region.clone())];
    let mut given = Vec::new();
    for (name, value) in address.into_iter().chain(rules.variables()) {
        if let Some(value) = value {
            environment.set(name, value);
            given.push(name);
        }
    }
    set_placeholders(&mut environment);
    let file = read_file(rules, &mut environment)?;
    let settings = Settings::load(&environment, file.as_deref(), now)
        .map_err(|errors| CommandError::usage(reword(&errors, &given)))?;
    let name = rules.route.as_deref().unwrap_or(oss_upload_signer::config::DEFAULT_ROUTE);
    let route = settings.routes.iter().find(|route| route.name == name).cloned();
    let mut route = route.ok_or_else(|| {
        let names: Vec<_> = settings.routes.iter().map(|route| route.name.as_str()).collect();
        CommandError::usage(format!("there is no route {name:?}; there are {}", names.join(", ")))
    })?;
    bucket.apply(&mut route)?;
    if let Some(text) = rules.expires.as_deref().filter(|_| rules.v1) {
        let lifetime = duration(text).map_err(|error| invalid("--expires", text, &error))?;
        if lifetime.is_zero() {
            return Err(invalid("--expires", text, &"the form would expire before it is written"));
        }
        route.lifetime = lifetime;
    }
    Ok((settings, route))
}

/// Sets what the function needs and the tool does not, so that one reader validates the settings of both.
pub(super) fn set_placeholders(environment: &mut Environment) {
    // There are no callers here: the user of the tool has the keys. So authentication is off, and the
    // settings that it needs get placeholders.
    environment.set("UPLOAD_AUTH", "anonymous");
    for name in ["UPLOAD_JWT_SECRET", "UPLOAD_TICKET_KEYS", "UPLOAD_TOKEN_KEYS"] {
        environment.set(name, "a placeholder: no caller is authenticated");
    }
    // The same for webhooks and receipts. `SigningContext` checks the selected route afterwards.
    environment.set("UPLOAD_WEBHOOK_SECRET", format!("whsec_{}", "tool".repeat(8)));
    if environment.get("UPLOAD_RECEIPT_KEYS").is_none() {
        environment.set("UPLOAD_RECEIPT_KEYS", PLACEHOLDER_KEY);
    }
    environment.set("FC_FUNCTION_NAME", "tool");
    environment.set("UPLOAD_CREDENTIALS", "environment");
}

fn read_file(
    rules: &RuleOptions,
    environment: &mut Environment,
) -> Result<Option<String>, CommandError> {
    if let Some(path) = &rules.config {
        environment.set("UPLOAD_CONFIG", path.to_string_lossy());
    } else if rules.route.is_none() {
        return Ok(None);
    }
    environment
        .read_file(Some(Path::new(".")))
        .map_err(|error| CommandError::usage(error.to_string()))
}

impl BucketOptions {
    /// Returns a bucket for callers that do not need one.
    pub(super) fn placeholder() -> Self {
        let text = |text: &str| Some(text.to_owned());
        Self { bucket: text("any-bucket"), region: text("cn-hangzhou"), ..Self::default() }
    }

    /// Overrides the bucket, region and host of a route.
    fn apply(&self, route: &mut Route) -> Result<(), CommandError> {
        if let Some(bucket) = &self.bucket {
            route.bucket =
                Bucket::parse(bucket).map_err(|error| invalid("--bucket", bucket, &error))?;
        }
        if let Some(region) = &self.region {
            route.region =
                Region::parse(region).map_err(|error| invalid("--region", region, &error))?;
        }
        if self.bucket.is_some() {
            // The host of the settings belongs to another bucket.
            route.host = UploadHost::default_for(&route.bucket, &route.region);
        }
        if let Some(url) = &self.upload_host {
            route.host =
                UploadHost::parse(url).map_err(|error| invalid("--upload-host", url, &error))?;
        }
        if let Some(endpoint) = &self.endpoint {
            route.host = host_at(endpoint, &route.bucket)?;
        }
        Ok(())
    }
}

/// Returns the bucket's host at an endpoint, which may be given with or without its scheme.
pub(super) fn host_at(endpoint: &str, bucket: &Bucket) -> Result<UploadHost, CommandError> {
    let (scheme, host) = endpoint.split_once("://").unwrap_or(("https", endpoint));
    let first = host.split('.').next().unwrap_or_default();
    if host.starts_with('[') || (!first.is_empty() && first.bytes().all(|b| b.is_ascii_digit())) {
        return Err(CommandError::usage(format!(
            "--endpoint {endpoint}: a bucket has no host name at an IP address; give the whole address with --upload-host"
        )));
    }
    let bucket = bucket.as_str();
    let whole = if first == bucket {
        format!("{scheme}://{host}")
    } else {
        format!("{scheme}://{bucket}.{host}")
    };
    UploadHost::parse(&whole).map_err(|error| invalid("--endpoint", endpoint, &error))
}

fn invalid(option: &str, value: &str, error: &impl std::fmt::Display) -> CommandError {
    CommandError::usage(format!("{option} {value:?}: {error}"))
}

/// Formats errors with the names of the options that were given, or that are missing.
fn reword(errors: &ConfigErrors, given: &[&str]) -> String {
    let sentences: Vec<String> = errors.0.iter().map(|error| reword_one(error, given)).collect();
    sentences.join("\n  ")
}

fn reword_one(error: &ConfigError, given: &[&str]) -> String {
    let known = OPTION_NAMES.iter().find(|(variable, _)| {
        let value = error.place.strip_prefix(variable);
        value.is_some_and(|value| value.is_empty() || given.contains(variable))
    });
    let Some((variable, option)) = known else {
        return error.to_string();
    };
    let value = error.place[variable.len()..].trim_start_matches(" =");
    let limit = match *option {
        "--expires" => {
            "; V4 is capped at 7 days, and years are possible only with a long-lived key and V1 (--v1)"
        }
        _ => "",
    };
    let example = error.example.replacen(&format!("{variable}="), &format!("{option} "), 1);
    format!("{option}{value}: {}{limit}. Example: {example}", error.problem)
}
