//! Where a form goes and what it allows: options of the tool over the function's own settings.
//!
//! The options are put where the function looks for its settings, so that one reader judges both;
//! what it complains of is said in the option's name. Keys come from the environment, or from the profile
//! of Alibaba's command line tool.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::failure::Failure;
use oss_upload_signer::config::Settings;
use oss_upload_signer::config::environment::Environment;
use oss_upload_signer::config::value::duration;
use oss_upload_signer::config::{ConfigError, ConfigErrors};
use oss_upload_signer::policy::bucket::{Bucket, Region, UploadHost};
use oss_upload_signer::policy::route::Route;
use oss_upload_signer::secret::Secret;
use oss_upload_signer::time::Timestamp;

/// Options that are settings of the function under another name.
const NAMES: [(&str, &str); 7] = [
    ("OSS_BUCKET", "--bucket"),
    ("OSS_REGION", "--region"),
    ("UPLOAD_DIR", "--dir"),
    ("UPLOAD_MIN_SIZE", "--min-size"),
    ("UPLOAD_MAX_SIZE", "--max-size"),
    ("UPLOAD_TYPES", "--type"),
    ("UPLOAD_EXPIRES", "--expires"),
];

/// Stands for the keys of receipts where none are set.
const INVENTED_KEY: &str = "a key that seals no receipt and is long enough";

/// Tells the keys of receipts that [`load`] made up.
pub(super) fn is_invented(keys: &[Secret]) -> bool {
    keys.iter().any(|key| key.expose() == INVENTED_KEY)
}

/// Where a form is posted to.
#[derive(Args, Debug, Default)]
pub(super) struct Place {
    /// The bucket
    #[arg(long)]
    bucket: Option<String>,
    /// The bucket's region, such as cn-hangzhou
    #[arg(long)]
    region: Option<String>,
    /// The address to post to, such as a custom domain; default is the bucket's public one
    #[arg(long, value_name = "URL", conflicts_with = "endpoint")]
    upload_host: Option<String>,
    /// The endpoint to find the bucket below, such as oss-cn-hangzhou-internal.aliyuncs.com
    #[arg(long, value_name = "HOST")]
    endpoint: Option<String>,
}

/// What a form allows: a named route, or options.
#[derive(Args, Debug, Default)]
pub(super) struct Rules {
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
    /// A type that is taken, such as image/png or 'image/*'; may be given several times
    #[arg(id = "types", long = "type", value_name = "TYPE")]
    pub(super) types: Vec<String>,
    /// How long the form lasts, such as 10m or 12h; at most 7d, except with --v1 and a long-lived key
    #[arg(long, value_name = "TIME")]
    expires: Option<String>,
    /// Sign with V1, which OSS takes from old accounts for old buckets only
    #[arg(long, conflicts_with = "route")]
    v1: bool,
}

impl Rules {
    /// Sets the time where neither an option nor a route says it.
    pub(super) fn lasts_unless_said(&mut self, time: &str) {
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
            // A function grants minutes; a V1 form may last for years, so that is judged here.
            ("UPLOAD_EXPIRES", self.expires.clone().filter(|_| !self.v1)),
            ("UPLOAD_SIGNATURE", self.v1.then(|| "v1".to_owned())),
        ]
    }
}

/// Reads the settings as these options have them, and the route that they mean.
pub(super) fn load(
    place: &Place,
    rules: &Rules,
    mut environment: Environment,
    now: Timestamp,
) -> Result<(Settings, Route), Failure> {
    if rules.route.is_some() && !rules.types.is_empty() {
        return Err(Failure::arguments(
            "--type cannot stand beside --route, whose rules name the types",
        ));
    }
    let address = [("OSS_BUCKET", place.bucket.clone()), ("OSS_REGION", place.region.clone())];
    let mut given = Vec::new();
    for (name, value) in address.into_iter().chain(rules.variables()) {
        if let Some(value) = value {
            environment.set(name, value);
            given.push(name);
        }
    }
    // Nobody is let in here: whoever runs the tool has the keys. Keys of a request there are none.
    environment.set("UPLOAD_AUTH", "anonymous");
    for name in ["UPLOAD_JWT_SECRET", "UPLOAD_TICKET_KEYS"] {
        // A route of the file may ask its callers for more; here that wants a key and never uses it.
        environment.set(name, "a key that no caller is ever asked for");
    }
    // The same of what is done when a file is stored; the route that is meant is looked at afterwards.
    environment.set("UPLOAD_WEBHOOK_SECRET", format!("whsec_{}", "tool".repeat(8)));
    if environment.get("UPLOAD_RECEIPT_KEYS").is_none() {
        environment.set("UPLOAD_RECEIPT_KEYS", INVENTED_KEY);
    }
    environment.set("FC_FUNCTION_NAME", "tool");
    environment.set("UPLOAD_CREDENTIALS", "environment");
    let file = read_file(rules, &mut environment)?;
    let settings = Settings::load(&environment, file.as_deref(), now)
        .map_err(|complaints| Failure::arguments(reword(&complaints, &given)))?;
    let name = rules.route.as_deref().unwrap_or(oss_upload_signer::config::DEFAULT_ROUTE);
    let route = settings.routes.iter().find(|route| route.name == name).cloned();
    let mut route = route.ok_or_else(|| {
        let names: Vec<_> = settings.routes.iter().map(|route| route.name.as_str()).collect();
        Failure::arguments(format!("there is no route {name:?}; there are {}", names.join(", ")))
    })?;
    place.apply(&mut route)?;
    if let Some(text) = rules.expires.as_deref().filter(|_| rules.v1) {
        let lifetime = duration(text).map_err(|error| wrong("--expires", text, &error))?;
        if lifetime.is_zero() {
            return Err(wrong("--expires", text, &"the form would be over before it is written"));
        }
        route.lifetime = lifetime;
    }
    Ok((settings, route))
}

fn read_file(rules: &Rules, environment: &mut Environment) -> Result<Option<String>, Failure> {
    if let Some(path) = &rules.config {
        environment.set("UPLOAD_CONFIG", path.to_string_lossy());
    } else if rules.route.is_none() {
        return Ok(None);
    }
    environment
        .read_file(Some(Path::new(".")))
        .map_err(|error| Failure::arguments(error.to_string()))
}

impl Place {
    /// Names a place for who is not going there.
    pub(super) fn anywhere() -> Self {
        let text = |text: &str| Some(text.to_owned());
        Self { bucket: text("any-bucket"), region: text("cn-hangzhou"), ..Self::default() }
    }

    /// Puts the options over what the route says.
    fn apply(&self, route: &mut Route) -> Result<(), Failure> {
        if let Some(bucket) = &self.bucket {
            route.bucket =
                Bucket::parse(bucket).map_err(|error| wrong("--bucket", bucket, &error))?;
        }
        if let Some(region) = &self.region {
            route.region =
                Region::parse(region).map_err(|error| wrong("--region", region, &error))?;
        }
        if self.bucket.is_some() {
            // A host that was set for another bucket would lead the form there.
            route.host = UploadHost::default_for(&route.bucket, &route.region);
        }
        if let Some(url) = &self.upload_host {
            route.host =
                UploadHost::parse(url).map_err(|error| wrong("--upload-host", url, &error))?;
        }
        if let Some(endpoint) = &self.endpoint {
            route.host = below(endpoint, &route.bucket)?;
        }
        Ok(())
    }
}

/// Finds the bucket's host below an endpoint, written with or without its scheme.
fn below(endpoint: &str, bucket: &Bucket) -> Result<UploadHost, Failure> {
    let (scheme, host) = endpoint.split_once("://").unwrap_or(("https", endpoint));
    let first = host.split('.').next().unwrap_or_default();
    if host.starts_with('[') || (!first.is_empty() && first.bytes().all(|b| b.is_ascii_digit())) {
        return Err(Failure::arguments(format!(
            "--endpoint {endpoint}: a bucket has no name below an IP address; give the whole address with --upload-host"
        )));
    }
    let bucket = bucket.as_str();
    let whole = if first == bucket {
        format!("{scheme}://{host}")
    } else {
        format!("{scheme}://{bucket}.{host}")
    };
    UploadHost::parse(&whole).map_err(|error| wrong("--endpoint", endpoint, &error))
}

fn wrong(option: &str, value: &str, error: &impl std::fmt::Display) -> Failure {
    Failure::arguments(format!("{option} {value:?}: {error}"))
}

/// Says complaints in the names of the options that were given, or that are missing.
fn reword(complaints: &ConfigErrors, given: &[&str]) -> String {
    let sentences: Vec<String> =
        complaints.0.iter().map(|complaint| reword_one(complaint, given)).collect();
    sentences.join("\n  ")
}

fn reword_one(complaint: &ConfigError, given: &[&str]) -> String {
    let known = NAMES.iter().find(|(variable, _)| {
        let value = complaint.place.strip_prefix(variable);
        value.is_some_and(|value| value.is_empty() || given.contains(variable))
    });
    let Some((variable, option)) = known else {
        return complaint.to_string();
    };
    let value = complaint.place[variable.len()..].trim_start_matches(" =");
    let limit = match *option {
        "--expires" => {
            "; V4 is capped at 7 days, and years are possible only with a long-lived key and V1 (--v1)"
        }
        _ => "",
    };
    let example = complaint.example.replacen(&format!("{variable}="), &format!("{option} "), 1);
    format!("{option}{value}: {}{limit}. Example: {example}", complaint.problem)
}
