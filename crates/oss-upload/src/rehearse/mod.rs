//! `oss-upload rehearse`: a package is started on this machine and treated as Function Compute would.
//!
//! With `--cloud` the whole deployment is rehearsed (`cloud`). The rehearsal of a package is [`fc_emulator::rehearsal`], and works with a function in any language. Here are
//! the options of the command and the output.

mod cloud;
mod defaults;

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use fc_emulator::HealthCheck;
use fc_emulator::package::Package;
use fc_emulator::rehearsal::{CheckOutcome, CheckResult, RehearsalReport, TestRequest, rehearse};

use crate::console;
use crate::error::CommandError;

#[derive(Args)]
#[command(
    after_help = "This project's own package has defaults: the settings that it needs to start unless --env or \
                  its upload.toml sets any, both hooks on, a concurrency of 50, and the requests \
                  'GET /health' and the signing call."
)]
pub(super) struct Options {
    /// The folder of the code, a folder that has it as src/code or code, or the zip that is deployed
    #[arg(required_unless_present = "cloud")]
    target: Option<PathBuf>,
    /// Rehearse the whole deployment with a local cloud: setup, package (unless TARGET is one), rehearse, doctor and
    /// upload
    #[arg(
        long,
        conflicts_with_all = [
            "command", "port", "env", "region", "request", "concurrency", "instances", "timeout", "memory",
            "initializer", "health_check", "pre_stop", "start_limit", "idle", "quick", "json",
        ]
    )]
    cloud: bool,
    /// The start command, split at spaces; /code/ in it is the folder of the code. Default is bootstrap
    #[arg(long, value_name = "WORDS")]
    command: Option<String>,
    /// The port, for a function that does not take it from `FC_CUSTOM_LISTEN_PORT`
    #[arg(long)]
    port: Option<u16>,
    /// A variable of the function; may be given several times
    #[arg(long, value_name = "NAME=VALUE", value_parser = variable)]
    env: Vec<(String, String)>,
    /// The region in the function's headers and variables
    #[arg(long, default_value = "cn-hangzhou")]
    region: String,
    /// A request to send; may be given several times. Checks that need one request only use the first.
    /// Default is 'GET /'
    #[arg(long, value_name = "METHOD PATH")]
    request: Vec<TestRequest>,
    /// How many requests an instance takes at once (instanceConcurrency). Default is 1
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u8).range(1..=200))]
    concurrency: Option<u8>,
    /// How many instances there may be
    #[arg(long, value_name = "COUNT", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=20))]
    instances: u8,
    /// How long a request may take (timeout)
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    timeout: u32,
    /// The memory of the function (memorySize)
    #[arg(long, value_name = "MB", default_value_t = 128, value_parser = clap::value_parser!(u32).range(128..=32_768))]
    memory: u32,
    /// Whether the initializer hook is configured. Default is off
    #[arg(long, value_enum)]
    initializer: Option<Switch>,
    /// The path of the health check, if one is configured (healthCheckConfig), and settings other than
    /// their defaults, as in '/health periodSeconds=5 timeoutSeconds=2'
    #[arg(long, value_name = "PATH", value_parser = health_check)]
    health_check: Option<HealthCheck>,
    /// Whether the pre-stop hook is configured. Default is off
    #[arg(long, value_enum)]
    pre_stop: Option<Switch>,
    /// How long the function may take to open its port
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u16).range(1..=120))]
    start_limit: u16,
    /// How long the kept connection has no requests
    #[arg(long, value_name = "SECONDS", default_value_t = 31, conflicts_with = "quick")]
    idle: u16,
    /// Leave out the checks that take long
    #[arg(long)]
    quick: bool,
    /// Print JSON at the end instead of the table
    #[arg(long)]
    json: bool,
}

/// The values of variables may be secrets, so they are left out.
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

pub(super) async fn run(options: Options) -> Result<(), CommandError> {
    if options.cloud {
        return tokio::select! {
            done = cloud::run(options.target.as_deref()) => done,
            () = fc_http::shutdown_signal() => Err(CommandError::new("the rehearsal was interrupted")),
        };
    }
    let target = options.target.clone().unwrap_or_default();
    let package =
        Package::open(&target).map_err(|error| CommandError::usage(format!("TARGET: {error}")))?;
    let (plan, defaults) = defaults::test_plan(&options, &package)?;
    let mut printer = Printer::new(options.json);
    printer.defaults(&defaults);
    tokio::select! {
        () = rehearse(&package, plan, |result| printer.result(result)) => {}
        // Ctrl-C does not reach the process groups of instances; dropping the rehearsal ends them.
        () = fc_http::shutdown_signal() => return Err(CommandError::new("the rehearsal was interrupted")),
    }
    match printer.finish(&target.display().to_string()) {
        0 => Ok(()),
        1 => Err(CommandError::new("one check failed; its line says what to do")),
        failed => {
            Err(CommandError::new(format!("{failed} checks failed; their lines say what to do")))
        }
    }
}

/// Prints each result as a line of a table when it is there, or all of them as JSON at the end.
#[derive(Debug)]
struct Printer {
    is_json: bool,
    report: RehearsalReport,
}

impl Printer {
    fn new(is_json: bool) -> Self {
        Self { is_json, report: RehearsalReport::default() }
    }

    /// Prints the variables that have default values, and the head of the table.
    fn defaults(&mut self, defaults: &[String]) {
        let list = defaults.join(" ");
        if self.is_json && !defaults.is_empty() {
            self.report.push(CheckResult::note("settings", "filled in", list));
        } else if !self.is_json {
            if !defaults.is_empty() {
                console::print_line(&format!("default settings for this rehearsal: {list}"));
            }
            console::print_line(&format!(
                "{:<19} {:<7} {:<22} {}",
                "check", "verdict", "figure", "what was seen"
            ));
        }
    }

    fn result(&mut self, result: CheckResult) {
        if !self.is_json {
            console::print_line(&result.to_string());
        }
        self.report.push(result);
    }

    /// Prints the end, and returns how many checks failed.
    fn finish(self, target: &str) -> usize {
        let count = |outcome| self.report.count(outcome);
        let failed = count(CheckOutcome::Fail);
        if self.is_json {
            console::print_json(&self.report.to_json(target).to_string());
        } else {
            let (passed, notes) = (count(CheckOutcome::Pass), count(CheckOutcome::Note));
            console::print_line(&format!("{passed} passed, {notes} to note, {failed} failed"));
            if failed > 0 {
                console::print_line(&format!(
                    "violated: {}",
                    self.report.failed_checks().join(", ")
                ));
            }
        }
        failed
    }
}

fn variable(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn health_check(text: &str) -> Result<HealthCheck, String> {
    let mut words = text.split_whitespace();
    let path = words.next().unwrap_or_default();
    let mut check = HealthCheck::new(path).map_err(|error| error.to_string())?;
    for word in words {
        let setting = word.split_once('=');
        let number = setting.and_then(|(name, number)| Some((name, number.parse().ok()?)));
        let (name, number) = number.ok_or("after the path write NAME=NUMBER")?;
        check.set(name, number).map_err(|error| error.to_string())?;
    }
    Ok(check)
}
