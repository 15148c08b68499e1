//! The test plan of a rehearsal: the options, and the defaults of what they leave out. This project's own
//! package has defaults of its own.

use std::time::Duration;

use fc_emulator::config::EnvironmentVariables;
use fc_emulator::package::Package;
use fc_emulator::rehearsal::{TestPlan, TestRequest};
use fc_emulator::{Function, FunctionConfig};

use crate::error::CommandError;
use crate::rehearse::{Options, Switch};

/// The binary that identifies this project's own package.
const OWN_BINARY: &str = "oss-upload-signer";

/// The settings file that may be beside it.
const OWN_SETTINGS: &str = "upload.toml";

/// The variables that this project's function needs to start.
const OWN_VARIABLES: [(&str, &str); 3] = [
    ("OSS_BUCKET", "rehearsal-bucket"),
    ("OSS_REGION", "cn-hangzhou"),
    ("UPLOAD_AUTH", "anonymous"),
];

/// The `instanceConcurrency` of this project's function in `s.yaml`.
const OWN_CONCURRENCY: usize = 50;

/// Builds the test plan, and returns the variables that have default values.
pub(super) fn test_plan(
    options: &Options,
    package: &Package,
) -> Result<(TestPlan, Vec<String>), CommandError> {
    let is_own = package.folder().join(OWN_BINARY).is_file();
    let (variables, defaults) = variables(options, package, is_own)?;
    let is_enabled = |switch: Option<Switch>| switch.map_or(is_own, |switch| switch == Switch::On);
    let default_concurrency = if is_own { OWN_CONCURRENCY } else { 1 };
    let function = Function {
        memory: options.memory,
        timeout: Duration::from_secs(options.timeout.into()),
        ..Function::new("rehearsal", &options.region)
    };
    let command = options.command.iter().flat_map(|text| text.split_whitespace());
    let config = FunctionConfig {
        command: command.map(str::to_owned).collect(),
        variables,
        port: options.port,
        start_timeout: Duration::from_secs(options.start_limit.into()),
        initializer: is_enabled(options.initializer).then_some(FunctionConfig::MAX_INITIALIZER),
        health_check: options.health_check.clone(),
        pre_stop: is_enabled(options.pre_stop).then_some(FunctionConfig::MAX_PRE_STOP),
        concurrency: options.concurrency.map_or(default_concurrency, usize::from),
        max_instances: options.instances.into(),
        ..FunctionConfig::new(package.folder().to_owned(), function)
    };
    let mut requests = options.request.clone();
    if requests.is_empty() && is_own {
        requests = ["/health", "/get_post_signature_for_oss_upload"].map(TestRequest::get).to_vec();
    }
    let idle = (!options.quick).then(|| Duration::from_secs(options.idle.into()));
    Ok((TestPlan { config, requests, idle }, defaults))
}

/// Returns the variables of the function, and those of them that have default values.
fn variables(
    options: &Options,
    package: &Package,
    is_own: bool,
) -> Result<(EnvironmentVariables, Vec<String>), CommandError> {
    let mut variables = EnvironmentVariables::default();
    for (name, value) in &options.env {
        let set = variables.set(name, value);
        set.map_err(|error| CommandError::usage(format!("--env: {error}")))?;
    }
    let mut defaults = Vec::new();
    if is_own && variables.is_empty() && !package.folder().join(OWN_SETTINGS).is_file() {
        for (name, value) in OWN_VARIABLES {
            // Three short variables are always accepted.
            let _ = variables.set(name, value);
            defaults.push(format!("{name}={value}"));
        }
    }
    Ok((variables, defaults))
}
