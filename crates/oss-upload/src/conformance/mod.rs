//! `oss-upload conformance`: measures how a real bucket answers where the documentation is unclear, and with `--signer`
//! what the gateway in front of a function does (`gateway`).
//!
//! Each probe sends one form or request with one peculiarity and compares the answer with each reading of the documentation.
//! Everything is written below a scratch prefix of its own, with a few megabytes in all, and deleted at the end, also
//! after an interruption. `probes` has the probes, `form` and `request` write what is sent, and `report` what is published.

mod form;
mod gateway;
mod like;
mod observation;
mod probe;
mod probes;
mod report;
mod request;
mod target;
#[cfg(test)]
mod tests;
mod upload;

use std::collections::BTreeSet;
use std::io;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::conformance::gateway::GatewayRun;
use crate::conformance::observation::Observation;
use crate::conformance::probe::{Outcome, PreparedProbe, Probe};
use crate::conformance::report::{ProbeResult, Report};
use crate::conformance::target::{MeasuredBucket, REQUEST_TIMEOUT};
use crate::conformance::upload::{UNKNOWN_ID, UnfinishedUpload, listed_uploads};
use crate::error::CommandError;
use crate::http_client::WebClient;
use crate::signing_context::SigningContext;
use crate::signing_options::{BucketOptions, RuleOptions};
use crate::{atomic_file, console};
use oss_emulator::oss::choices::Choice;

pub(crate) use like::MeasuredReadings;

/// The most bytes that one run sends: 20 MB.
const MAX_SENT: u64 = 20_000_000;

#[derive(Args, Debug)]
#[command(
    after_help = "Exit codes: 0 the probes were run, whatever their results are; 1 the bucket could not be \
                        measured, or objects were left in it; 2 the arguments were wrong and nothing was tried."
)]
pub(super) struct Options {
    #[command(flatten)]
    bucket: BucketOptions,
    /// Measure the gateway in front of this function in place of a bucket. The variable `UPLOAD_CONFORMANCE` of the
    /// function has to be 1
    #[arg(
        long,
        value_name = "URL",
        conflicts_with_all = ["bucket", "region", "upload_host", "endpoint", "callback"]
    )]
    signer: Option<String>,
    /// Send the requests without a confirmation
    #[arg(long)]
    yes: bool,
    /// Run this probe, or the probes of this row of the table; may be given several times
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// A server that OSS can call and that answers with JSON, for the probes of callbacks
    #[arg(long, value_name = "URL")]
    callback: Option<String>,
    /// Where the report is written
    #[arg(long, value_name = "FILE", default_value = "conformance.json")]
    out: PathBuf,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(options: Options) -> Result<(), CommandError> {
    match &options.signer {
        Some(signer) => measure_gateway(signer, &options).await,
        None => measure_bucket(options).await,
    }
}

/// Measures the gateway in front of a function.
async fn measure_gateway(signer: &str, options: &Options) -> Result<(), CommandError> {
    let run = GatewayRun::new(signer, &options.only)?;
    show_plan(&run.plan(), options)?;
    let client = WebClient::new(Some(REQUEST_TIMEOUT))?;
    let report = tokio::select! {
        report = run.measure(&client, |result| print_result(result, options)) => report?,
        () = fc_http::shutdown_signal() => {
            return Err(CommandError::new("interrupted; no report is written"));
        }
    };
    write(&report, &options.out, options.json)
}

/// Prints what will be sent, and asks unless an option confirms it.
fn show_plan(plan: &str, options: &Options) -> Result<(), CommandError> {
    if options.json {
        console::print_error_text(plan);
    } else {
        console::print_text(plan);
    }
    if options.yes { Ok(()) } else { confirm() }
}

fn print_result(result: &ProbeResult, options: &Options) {
    if !options.json {
        console::print_line(&result.line());
    }
}

async fn measure_bucket(options: Options) -> Result<(), CommandError> {
    let probes = select(probes::all(), &options.only)?;
    let context = SigningContext::open(&options.bucket, &RuleOptions::default()).await?;
    let mut bucket = MeasuredBucket {
        bucket: context.route.bucket.as_str().to_owned(),
        region: context.route.region.as_str().to_owned(),
        url: context.route.host.as_str().trim_end_matches('/').to_owned(),
        credentials: context.credentials.clone(),
        prefix: MeasuredBucket::scratch_prefix(&context.random),
        callback: options.callback.clone(),
        clock_offset: 0,
    };
    show_plan(&plan(&probes, &bucket), &options)?;
    let client = WebClient::new(Some(REQUEST_TIMEOUT))?;
    check_bucket(&mut bucket, &client).await?;
    let mut run = Run::new(&bucket, &client);
    let on_result = |result: &ProbeResult| print_result(result, &options);
    let report = tokio::select! {
        report = run.measure(&probes, on_result) => Some(report),
        () = fc_http::shutdown_signal() => None,
    };
    let left = run.clean_up().await;
    let report = report.ok_or_else(|| CommandError::new("interrupted; no report is written"));
    let written = report.and_then(|report| write(&report, &options.out, options.json));
    match left {
        0 => written,
        count => Err(CommandError::new(format!(
            "{count} objects or unfinished uploads may be left below {}; delete them",
            bucket.prefix
        ))),
    }
}

fn write(report: &Report, path: &Path, json: bool) -> Result<(), CommandError> {
    let text = report.json();
    atomic_file::write_text(path, &format!("{text}\n"), true)?;
    if json {
        console::print_json(&text);
    } else {
        console::print_line(&report.summary());
        console::print_line(&format!("written to {}", path.display()));
    }
    Ok(())
}

/// Returns the probes with these names, of a probe or of a row; all if there are no names. The correct form is
/// always among them, because others need its object.
fn select(probes: Vec<Probe>, names: &[String]) -> Result<Vec<Probe>, CommandError> {
    let is_of = |probe: &Probe, name: &str| probe.name == name || probe.choice == Some(name);
    for name in names {
        let row = Choice::named(name);
        if let Some(reason) = row.and_then(|row| row.without_probe) {
            return Err(CommandError::usage(format!(
                "--only {name}: there is no probe: it {reason}"
            )));
        }
        if !probes.iter().any(|probe| is_of(probe, name)) {
            return Err(CommandError::usage(format!(
                "--only {name}: there is no probe and no row of this name; the plan without --only lists \
                 the probes"
            )));
        }
    }
    let is_selected = |probe: &Probe| {
        let is_named = names.iter().any(|name| is_of(probe, name));
        names.is_empty() || is_named || probe.name == form::BASELINE
    };
    Ok(probes.into_iter().filter(is_selected).collect())
}

/// Describes what will be sent.
fn plan(probes: &[Probe], bucket: &MeasuredBucket) -> String {
    let runs = |probe: &&Probe| probe.obstacle(bucket).is_none();
    let count = probes.iter().filter(runs).count();
    let bytes: u64 = probes.iter().filter(runs).map(|probe| probe.prepare(bucket).bytes()).sum();
    let mut lines: Vec<_> = probes
        .iter()
        .map(|probe| match probe.obstacle(bucket) {
            None => format!("  {:<26} {}", probe.name, probe.about),
            Some(reason) => format!("  {:<26} not run: {reason}", probe.name),
        })
        .collect();
    lines.extend([
        format!("bucket   {} ({}), {}", bucket.bucket, bucket.region, bucket.url),
        format!("prefix   {}   everything below it is deleted at the end", bucket.prefix),
        format!("sends    {count} requests, {}", console::size(bytes)),
    ]);
    lines.join("\n")
}

/// Reads the confirmation of the user.
fn confirm() -> Result<(), CommandError> {
    if !io::stdin().is_terminal() {
        return Err(CommandError::usage("nothing was sent; --yes sends the requests of this plan"));
    }
    console::print_line("Send these requests? [y/N]");
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    match answer.trim() {
        "y" | "Y" | "yes" => Ok(()),
        _ => Err(CommandError::usage("nothing was sent")),
    }
}

/// Uploads a correct form and deletes its object, so that nothing is begun that cannot be cleaned up.
async fn check_bucket(bucket: &mut MeasuredBucket, client: &WebClient) -> Result<(), CommandError> {
    let form = form::ProbeForm::new(bucket, "check").build();
    let form::BuiltProbe { request, keys, .. } = form;
    let response = client.send(request).await;
    let response = response.map_err(|error| CommandError::new(error.to_string()))?;
    bucket.set_clock(&response);
    let observation = Observation::of(&response);
    if !observation.is_accepted() {
        let advice = match observation.code.as_deref() {
            Some("PublicEndpointForbidden") => {
                "; the account needs a custom domain, which --upload-host names"
            }
            Some("RequestTimeTooSkewed") => "; set the clock of this machine",
            _ => "; `oss-upload explain` knows the code",
        };
        return Err(CommandError::new(format!("a correct form was {observation}{advice}")));
    }
    for key in keys {
        let response = bucket.delete_object(client, &key).await;
        let status = response.map_err(|error| CommandError::new(error.to_string()))?.status;
        if !status.is_success() {
            return Err(CommandError::new(format!(
                "{key} could not be deleted ({status}); the key needs oss:DeleteObject to clean up. \
                 Delete this object"
            )));
        }
    }
    Ok(())
}

/// A run, with what has to be deleted at its end.
struct Run<'a> {
    bucket: &'a MeasuredBucket,
    client: &'a WebClient,
    /// The keys of all objects that a form may have created.
    keys: BTreeSet<String>,
    /// The uploads in parts that were begun.
    begun: Vec<UnfinishedUpload>,
    /// Whether the key may abort uploads, once that is known.
    may_abort: Option<bool>,
    /// The bytes that were sent.
    sent: u64,
}

impl<'a> Run<'a> {
    fn new(bucket: &'a MeasuredBucket, client: &'a WebClient) -> Self {
        let (keys, begun) = (BTreeSet::new(), Vec::new());
        Self { bucket, client, keys, begun, may_abort: None, sent: 0 }
    }

    async fn measure(&mut self, probes: &[Probe], on_result: impl Fn(&ProbeResult)) -> Report {
        let mut report = Report::new(self.bucket);
        for probe in probes {
            let result = ProbeResult::new(probe, &self.outcome(probe).await);
            on_result(&result);
            report.probes.push(result);
        }
        report
    }

    async fn outcome(&mut self, probe: &Probe) -> Outcome {
        if let Some(reason) = probe.obstacle(self.bucket) {
            return Outcome::NotRun(reason.to_owned());
        }
        let prepared = probe.prepare(self.bucket);
        if self.sent + prepared.bytes() > MAX_SENT {
            return Outcome::NotRun("the run would send over 20 MB".to_owned());
        }
        if matches!(prepared, PreparedProbe::Upload(_)) && !self.may_abort().await {
            return Outcome::NotRun(
                "the key needs oss:AbortMultipartUpload to clean up".to_owned(),
            );
        }
        self.sent += prepared.bytes();
        let own = prepared.keys().into_iter().filter(|key| key.starts_with(&self.bucket.prefix));
        self.keys.extend(own);
        probe.run(prepared, self.bucket, self.client, &mut self.begun).await
    }

    /// Returns whether the key may abort uploads, so that none is begun that would stay. It tries it with an upload that
    /// does not exist.
    async fn may_abort(&mut self) -> bool {
        if let Some(may_abort) = self.may_abort {
            return may_abort;
        }
        let key = format!("{}check.bin", self.bucket.prefix);
        let response = self.client.send(self.bucket.abort_request(&key, UNKNOWN_ID)).await;
        let may_abort = response.is_ok_and(|response| response.status.as_u16() == 404);
        self.may_abort = Some(may_abort);
        may_abort
    }

    /// Aborts all uploads and deletes all objects, and returns the number of those that may be left.
    async fn clean_up(&self) -> usize {
        let mut left = 0;
        for UnfinishedUpload { key, id } in self.unfinished_uploads().await {
            let response = self.client.send(self.bucket.abort_request(&key, &id)).await;
            let is_gone = response.is_ok_and(|response| {
                response.status.is_success() || response.status.as_u16() == 404
            });
            left += usize::from(!is_gone);
        }
        for key in &self.keys {
            let response = self.bucket.delete_object(self.client, key).await;
            // A key that OSS does not take has no object, and its deletion may be refused too.
            let is_gone = response.is_ok_and(|response| {
                response.status.is_success() || matches!(response.status.as_u16(), 400 | 404)
            });
            left += usize::from(!is_gone);
        }
        left
    }

    /// Returns the uploads that were begun. A listing also has one whose beginning was interrupted.
    async fn unfinished_uploads(&self) -> BTreeSet<UnfinishedUpload> {
        let mut uploads: BTreeSet<_> = self.begun.iter().cloned().collect();
        if !uploads.is_empty()
            && let Ok(listing) = self.client.send(self.bucket.list_uploads_request()).await
        {
            let listed = listed_uploads(&listing.body).into_iter();
            uploads.extend(listed.filter(|upload| upload.key.starts_with(&self.bucket.prefix)));
        }
        uploads
    }
}
