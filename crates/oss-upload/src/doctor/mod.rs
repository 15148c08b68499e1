//! `oss-upload doctor`: tests a deployed signer and its bucket as a browser uses them.
//!
//! Each check gives a finding: what was seen, why it matters, and the console step or command that fixes
//! it, in English or Chinese. Tokens come from the environment only, and no secret is printed.
//!
//! | file | checks |
//! |---|---|
//! | `signer`, `probe_file` | the address, health, clock and page of the signer; the route |
//! | `page` | the access of the page, of a foreign page, and of callers without a token |
//! | `grant` | the signed form |
//! | `bucket` | the address, CORS rule and clock of the bucket |
//! | `upload` | an upload, and uploads that have to be refused |
//! | `parts`, `bucket_key` | uploads in parts, where the route has them; old ones, and the rule that removes them |
//! | `download` | a download link, where the route gives out links |
//!
//! `target` is what is checked, `signer_response`, `oss_error` and `cors` read responses, `fix` has
//! policies and rules to paste, `finding` and `report` are the output.

mod bucket;
mod bucket_key;
mod cors;
mod download;
mod finding;
mod fix;
mod grant;
mod oss_error;
mod page;
mod parts;
mod probe_file;
mod report;
mod signer;
mod signer_response;
mod target;
mod upload;

use std::time::Duration;

use clap::Args;

use crate::console;
use crate::doctor::finding::{Finding, Severity};
use crate::doctor::parts::PartsProbe;
use crate::doctor::probe_file::ProbeFile;
use crate::doctor::signer::FunctionClock;
use crate::doctor::signer_response::{SignedForm, unreachable};
use crate::doctor::target::DoctorTarget;
use crate::doctor::upload::UploadProbe;
use crate::error::CommandError;
use crate::http_client::WebClient;
use crate::language::{Language, Text, text};
use oss_upload_signer::config::DEFAULT_ROUTE;
use oss_upload_signer::config::environment::Environment;

/// The limit for a request: a cold start, and a small file on a slow line.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(40);

/// The checks between that of the route and those of the form.
const NEED_ROUTE: &[&str] =
    &["page.preflight", "page.call", "page.foreign", "caller.nobody", "grant.given"];

#[derive(Args, Debug)]
#[command(
    after_help = "The credentials of the page come from the environment: DOCTOR_TOKEN (sent as \
                        Authorization: Bearer) and DOCTOR_TICKET (sent as X-Upload-Ticket). \
                        OSS_BUCKET and UPLOAD_DIR complete the policies that are printed when there \
                        is no form to read them from.\n\nExit codes: 0 nothing failed; 1 \
                        something failed; 2 the arguments were wrong and nothing was tried."
)]
pub(super) struct Options {
    /// The function's address
    #[arg(long, value_name = "URL")]
    signer: String,
    // Clippy wants a URL in a doc comment in angle brackets, which the help would show.
    #[arg(
        long,
        value_name = "ORIGIN",
        help = "The origin of the page, such as https://app.example.com; default is the function's \
                own page"
    )]
    origin: Option<String>,
    /// The function's route
    #[arg(long, value_name = "NAME", default_value = DEFAULT_ROUTE)]
    route: String,
    /// Metadata that the route requires, such as title=cat; may be given several times
    #[arg(long, value_name = "NAME=VALUE", value_parser = crate::sign::pair)]
    metadata: Vec<(String, String)>,
    /// Pages of every origin may call on purpose
    #[arg(long)]
    any_origin: bool,
    /// Store nothing: leave out all test uploads
    #[arg(long)]
    no_upload: bool,
    /// The language of the report
    #[arg(long, value_enum, default_value_t = Language::En)]
    lang: Language,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(options: Options) -> Result<(), CommandError> {
    let environment = Environment::of_process();
    let doctor = DoctorTarget::new(&options, &environment)?;
    let client = WebClient::new(Some(REQUEST_TIMEOUT))?;
    let findings = check(&doctor, &client).await;
    if options.json {
        console::print_json(&doctor.redact(report::json(&doctor, &findings)));
    } else if console::is_terminal() && environment.get("NO_COLOR").is_none() {
        let table = doctor.redact(report::table(&doctor, &findings));
        console::print_colored(&table, report::color);
    } else {
        console::print_text(&doctor.redact(report::table(&doctor, &findings)));
    }
    let failed = match report::count(&findings, Severity::Fail) {
        0 => return Ok(()),
        1 => text!("one check failed", "有 1 项检查失败"),
        count => text!("{count} checks failed", "有 {count} 项检查失败"),
    };
    Err(CommandError::new(failed.in_language(options.lang)))
}

/// Runs all checks in the order in which an upload depends on them.
async fn check(doctor: &DoctorTarget, client: &WebClient) -> Vec<Finding> {
    let mut findings = Vec::new();
    let Some(clock) = signer::check(doctor, client, &mut findings).await else {
        let reason = text!("the function did not respond", "函数没有响应");
        findings.push(Finding::skipped("signer.route", reason.clone()));
        skip_from_page(&mut findings, &reason);
        return findings;
    };
    let Some(file) = probe_file::check(doctor, client, &mut findings).await else {
        skip_from_page(&mut findings, &text!("the route is not known", "路由未知"));
        return findings;
    };
    if let Some(form) = check_signer(doctor, client, &file, &mut findings).await {
        check_bucket(doctor, client, (&file, form, clock), &mut findings).await;
    } else {
        let reason = text!("there is no form", "没有表单");
        skip_from_bucket(&mut findings, &reason);
        skip_features(doctor, &mut findings, &reason);
    }
    findings
}

/// Requests forms as the page, as a foreign page, and without credentials.
async fn check_signer(
    doctor: &DoctorTarget,
    client: &WebClient,
    file: &ProbeFile,
    findings: &mut Vec<Finding>,
) -> Option<SignedForm> {
    let body = file.request_body();
    findings.push(page::preflight(doctor, client).await);
    let request = |origin| page::form_request(doctor, &body, origin).headers(&doctor.credentials);
    let mut response = match client.send(request(Some(doctor.origin.as_str()))).await {
        Ok(response) => response,
        Err(error) => {
            findings.push(unreachable(page::CALL, &error));
            let reason = text!("the call got no response", "调用没有得到响应");
            findings.extend(Finding::skip_all(&NEED_ROUTE[2..], &reason));
            findings.extend(Finding::skip_all(grant::NEED_FORM, &reason));
            return None;
        }
    };
    let call = page::check_call(doctor, &response);
    let is_refused = call.cause.as_deref() == Some("origin_not_allowed");
    findings.push(call);
    findings.push(page::foreign(doctor, client, &body).await);
    findings.extend(page::callers(doctor, client, &body).await);
    if is_refused && let Ok(other) = client.send(request(None)).await {
        // The list of origins is one problem; there may be others that a program can find.
        response = other;
    }
    grant::check(doctor, &response, findings)
}

/// Checks the bucket, and uploads unless there is a reason not to.
async fn check_bucket(
    doctor: &DoctorTarget,
    client: &WebClient,
    (file, form, clock): (&ProbeFile, SignedForm, FunctionClock),
    findings: &mut Vec<Finding>,
) {
    let is_reached = bucket::check(doctor, client, (&form, clock), findings).await;
    let features = doctor.features();
    let no_upload = match (is_reached, doctor.uploads, file.is_small()) {
        (false, ..) => Some(text!("the bucket was not reached", "无法访问存储空间")),
        (_, false, _) => Some(text!("left out because of --no-upload", "因 --no-upload 而略过")),
        (.., false) => {
            Some(text!("the route accepts no file under 8 MiB", "路由不接受小于 8 MiB 的文件"))
        }
        _ => None,
    };
    let may_replace = || {
        form.may_replace().then(|| {
            text!(
                "an upload could replace an existing object of this key",
                "上传可能会替换此对象键的现有对象"
            )
        })
    };
    let stored = match no_upload.clone().or_else(may_replace) {
        Some(reason) => {
            findings.extend(Finding::skip_all(upload::ALL, &reason));
            None
        }
        None => UploadProbe { doctor, client, file }.run(form.clone(), findings).await,
    };
    if let Some(feature) = features.multipart {
        let probe = PartsProbe { doctor, client, file, form: &form };
        probe.run(feature, no_upload.as_ref(), findings).await;
    }
    if features.download {
        findings.extend(download::check(doctor, client, &form, stored.as_deref()).await);
    }
}

fn skip_from_page(findings: &mut Vec<Finding>, reason: &Text) {
    findings.extend(Finding::skip_all(NEED_ROUTE, reason));
    findings.extend(Finding::skip_all(grant::NEED_FORM, reason));
    skip_from_bucket(findings, reason);
}

fn skip_from_bucket(findings: &mut Vec<Finding>, reason: &Text) {
    findings.extend(Finding::skip_all(bucket::ALL, reason));
    findings.extend(Finding::skip_all(upload::ALL, reason));
}

/// Leaves out the checks of what this route offers besides forms.
fn skip_features(doctor: &DoctorTarget, findings: &mut Vec<Finding>, reason: &Text) {
    let features = doctor.features();
    if features.multipart.is_some() {
        findings.extend(Finding::skip_all(parts::ALL, reason));
    }
    if features.download {
        findings.extend(Finding::skip_all(download::ALL, reason));
    }
}
