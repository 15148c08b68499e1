//! `oss-upload rehearse`: a package started and treated on this machine as Function Compute would.
//!
//! Unpacks it, starts it with nothing of this machine's environment, and plays the platform: hooks,
//! requests with their headers in both ways of giving keys, limits, rest, crowds, accidents, the end.
//! How the platform behaves is `emulator/fc`'s business; here it is played against a function, and
//! what came of it is put into a table. The function may be any custom runtime's.

mod acts;
mod ask;
mod casting;
mod figure;
mod report;
mod stage;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::ValueEnum;

use crate::console;
use crate::failure::Failure;
use crate::rehearse::ask::Ask;
use crate::rehearse::casting::Cast;
use crate::rehearse::report::Report;
use crate::rehearse::stage::Stage;
use fc_emulator::HealthCheck;
use fc_emulator::package::Package;

#[derive(Args)]
#[command(
    after_help = "For this project's own package, what it needs to start is filled in unless --env or its \
                  upload.toml says it, both hooks are on, the concurrency is 50, and the requests are \
                  'GET /health' and the signing call."
)]
pub(super) struct Options {
    /// The folder of the code, a folder that holds it as src/code or code, or the zip that is deployed
    target: PathBuf,
    /// The start command, split at spaces; /code/ in it is the folder of the code. Default is bootstrap
    #[arg(long, value_name = "WORDS")]
    command: Option<String>,
    /// The port, for a function that does not take it from `FC_CUSTOM_LISTEN_PORT`
    #[arg(long)]
    port: Option<u16>,
    /// A variable of the function; may be given several times
    #[arg(long, value_name = "NAME=VALUE", value_parser = variable)]
    env: Vec<(String, String)>,
    /// The region that the function is told
    #[arg(long, default_value = "cn-hangzhou")]
    region: String,
    /// A request that is sent; may be given several times, and the first stands for all others. Default
    /// is 'GET /'
    #[arg(long, value_name = "METHOD PATH")]
    request: Vec<Ask>,
    /// How many requests an instance takes at once (instanceConcurrency). Default is 1
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u8).range(1..=200))]
    concurrency: Option<u8>,
    /// How many instances there may be
    #[arg(long, value_name = "COUNT", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=20))]
    instances: u8,
    /// How long a request may take (timeout)
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    timeout: u32,
    /// The memory that the function has (memorySize)
    #[arg(long, value_name = "MB", default_value_t = 128, value_parser = clap::value_parser!(u32).range(128..=32_768))]
    memory: u32,
    /// Whether the initializer is configured. Default is off
    #[arg(long, value_enum)]
    initializer: Option<Switch>,
    /// The path of the health check, if it is configured (healthCheckConfig), and what differs from its
    /// defaults, as in '/health periodSeconds=5 timeoutSeconds=2'
    #[arg(long, value_name = "PATH", value_parser = health_check)]
    health_check: Option<HealthCheck>,
    /// Whether the hook before the end is configured. Default is off
    #[arg(long, value_enum)]
    pre_stop: Option<Switch>,
    /// How long the function may take to open its port
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u16).range(1..=120))]
    start_limit: u16,
    /// How long the kept connection is left alone
    #[arg(long, value_name = "SECONDS", default_value_t = 31, conflicts_with = "quick")]
    idle: u16,
    /// Leave out what takes long
    #[arg(long)]
    quick: bool,
    /// Print JSON at the end instead of the table
    #[arg(long)]
    json: bool,
}

/// Values of variables may be secrets, so only what is none shows.
impl std::fmt::Debug for Options {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Options").field("target", &self.target).finish_non_exhaustive()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Switch {
    On,
    Off,
}

pub(super) async fn run(options: Options) -> Result<(), Failure> {
    let package = Package::open(&options.target)
        .map_err(|error| Failure::arguments(format!("TARGET: {error}")))?;
    let Cast { plan, asks, filled_in } = casting::cast(&options, &package)?;
    if !filled_in.is_empty() && !options.json {
        console::say(&format!("filled in for this rehearsal only: {}", filled_in.join(" ")));
    }
    let stage = Stage::new(plan, asks);
    let mut report = Report::open(options.target.display().to_string(), options.json);
    if !filled_in.is_empty() && options.json {
        report.add(report::Row::note("settings", "filled in", filled_in.join(" ")));
    }
    let idle = (!options.quick).then(|| Duration::from_secs(options.idle.into()));
    tokio::select! {
        () = acts::play(&stage, &package, idle, &mut report) => {}
        // Instances are groups of their own, which Ctrl-C does not reach: leaving ends them.
        () = fc_http::stop_signal() => return Err(Failure::new("the rehearsal was broken off")),
    }
    match report.close() {
        0 => Ok(()),
        1 => Err(Failure::new("one act failed; what to do stands beside it")),
        failed => Err(Failure::new(format!("{failed} acts failed; what to do stands beside each"))),
    }
}

fn variable(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn health_check(text: &str) -> Result<HealthCheck, String> {
    let mut words = text.split_whitespace();
    let mut check = HealthCheck::new(words.next().unwrap_or_default()).map_err(told)?;
    for word in words {
        let setting = word.split_once('=');
        let number = setting.and_then(|(name, number)| Some((name, number.parse().ok()?)));
        let (name, number) = number.ok_or("after the path write NAME=NUMBER")?;
        check.set(name, number).map_err(told)?;
    }
    Ok(check)
}

fn told(error: impl std::fmt::Display) -> String {
    error.to_string()
}
