//! Casting: what the options leave open is filled in, for our own package with what suits it.

use std::time::Duration;

use crate::failure::Failure;
use crate::rehearse::Options;
use crate::rehearse::Switch;
use crate::rehearse::ask::Ask;
use crate::rehearse::stage;
use crate::rehearse::stage::ENVIRONMENT_KEY;
use fc_emulator::Function;
use fc_emulator::Plan;
use fc_emulator::Variables;
use fc_emulator::package::Package;

/// The binary by which our own package is known.
const OUR_BINARY: &str = "oss-upload-signer";

/// The settings file that may lie beside it.
const OUR_SETTINGS: &str = "upload.toml";

/// What our own function needs to start, where nothing is said.
const OUR_VARIABLES: [(&str, &str); 3] = [
    ("OSS_BUCKET", "rehearsal-bucket"),
    ("OSS_REGION", "cn-hangzhou"),
    ("UPLOAD_AUTH", "anonymous"),
];

/// As many requests at once as `s.yaml` gives our function.
const OUR_CONCURRENCY: usize = 50;

/// The longest that the platform waits for either hook.
const INITIALIZER_LIMIT: Duration = Duration::from_mins(5);
const PRE_STOP_LIMIT: Duration = Duration::from_secs(90);

/// What is played.
#[derive(Debug)]
pub(super) struct Cast {
    pub(super) plan: Plan,
    pub(super) asks: Vec<Ask>,
    /// The variables that were filled in.
    pub(super) filled_in: Vec<String>,
}

/// Decides what is played.
pub(super) fn cast(options: &Options, package: &Package) -> Result<Cast, Failure> {
    let is_ours = package.folder().join(OUR_BINARY).is_file();
    let mut variables = Variables::default();
    for (name, value) in &options.env {
        let set = variables.set(name, value);
        set.map_err(|error| Failure::arguments(format!("--env: {error}")))?;
    }
    let mut filled_in = Vec::new();
    if is_ours && variables.is_empty() && !package.folder().join(OUR_SETTINGS).is_file() {
        for (name, value) in OUR_VARIABLES {
            // Three short variables always fit.
            let _ = variables.set(name, value);
            filled_in.push(format!("{name}={value}"));
        }
    }
    let is_on = |switch: Option<Switch>| switch.map_or(is_ours, |switch| switch == Switch::On);
    let function = Function {
        memory: options.memory,
        timeout: Duration::from_secs(options.timeout.into()),
        ..Function::new("rehearsal", &options.region)
    };
    let plan = Plan {
        command: options.command.iter().flat_map(|text| words(text)).collect(),
        variables,
        keys: Some(stage::keys(ENVIRONMENT_KEY)),
        port: options.port,
        start_limit: Duration::from_secs(options.start_limit.into()),
        initializer: is_on(options.initializer).then_some(INITIALIZER_LIMIT),
        health_check: options.health_check.clone(),
        pre_stop: is_on(options.pre_stop).then_some(PRE_STOP_LIMIT),
        concurrency: options
            .concurrency
            .map_or(if is_ours { OUR_CONCURRENCY } else { 1 }, usize::from),
        instances: options.instances.into(),
        ..Plan::new(package.folder().to_owned(), function)
    };
    let asks = match options.request.as_slice() {
        [] if is_ours => vec![Ask::get("/health"), Ask::get("/get_post_signature_for_oss_upload")],
        [] => vec![Ask::get("/")],
        asks => asks.to_vec(),
    };
    Ok(Cast { plan, asks, filled_in })
}

fn words(text: &str) -> impl Iterator<Item = String> {
    text.split_whitespace().map(str::to_owned)
}
