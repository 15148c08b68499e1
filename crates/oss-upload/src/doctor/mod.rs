//! `oss-upload doctor`: whether a deployed signer and its bucket will work, seen as a browser sees them.
//!
//! One file for each group of examinations. Each gives findings: what was seen, why it matters, and
//! the console step or command that mends it. Tokens come from the environment only, and no secret
//! is printed.
//!
//! | file | looks at |
//! |---|---|
//! | `signer` | the name, the address, health, the clock, the page |
//! | `wish` | the route, and a tiny file that it takes |
//! | `page` | CORS of the function, for this page and a foreign one |
//! | `caller` | who does not show what others show |
//! | `grant`, `permission`, `place` | what is granted, in words; where it is sent |
//! | `ungranted` | why there is no grant |
//! | `bucket` | CORS of the bucket, its clock |
//! | `trial` | an upload, and three that must be refused |
//! | `refusal`, `diagnosis` | what OSS says no with, its name, and what mends it |
//! | `alien` | who answers in the function's place |
//! | `role`, `rule` | policies and rules to be pasted |
//! | `wire`, `browser` | the way there, and what a browser makes of an answer |
//! | `case`, `finding`, `report` | the case, its findings, how they are told |

mod alien;
mod browser;
mod bucket;
mod caller;
mod case;
mod diagnosis;
mod finding;
mod grant;
mod page;
mod permission;
mod place;
mod refusal;
mod report;
mod role;
mod rule;
mod signer;
mod trial;
mod ungranted;
mod wire;
mod wish;

use clap::Args;

use crate::console;
use crate::doctor::case::Case;
use crate::doctor::finding::{Finding, Verdict};
use crate::doctor::grant::Grant;
use crate::doctor::signer::Visit;
use crate::doctor::trial::Trial;
use crate::doctor::wire::{Call, Wire};
use crate::doctor::wish::Wish;
use crate::failure::Failure;
use oss_upload_signer::config::DEFAULT_ROUTE;
use oss_upload_signer::config::environment::Environment;

/// What follows when the route cannot be asked.
const AFTER_ROUTE: &[&str] =
    &["page.preflight", "page.call", "page.foreign", "caller.nobody", "grant.given"];

#[derive(Args, Debug)]
#[command(after_help = "What a page would show comes from the environment: DOCTOR_TOKEN (sent as \
                        Authorization: Bearer) and DOCTOR_TICKET (sent as X-Upload-Ticket). \
                        OSS_BUCKET and UPLOAD_DIR fill in the policies that are printed where \
                        there is no grant to read them from.\n\nExit codes: 0 nothing failed; 1 \
                        something failed; 2 the arguments were wrong and nothing was tried.")]
pub(super) struct Options {
    /// The function's address
    #[arg(long, value_name = "URL")]
    signer: String,
    // A bare address is no doc comment.
    #[arg(
        long,
        value_name = "ORIGIN",
        help = "The page that will ask, such as https://app.example.com; default is the function's \
                own"
    )]
    origin: Option<String>,
    /// The function's route
    #[arg(long, value_name = "NAME", default_value = DEFAULT_ROUTE)]
    route: String,
    /// Metadata that the route wants, such as title=cat; may be given several times
    #[arg(long, value_name = "NAME=VALUE", value_parser = crate::sign::pair)]
    metadata: Vec<(String, String)>,
    /// Pages of every origin are meant to ask
    #[arg(long)]
    any_origin: bool,
    /// Store nothing: leave out the tiny upload and those that must be refused
    #[arg(long)]
    no_upload: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(options: Options) -> Result<(), Failure> {
    let environment = Environment::of_process();
    let case = Case::open(&options, &environment)?;
    let wire = Wire::open()?;
    let findings = examine(&case, &wire).await;
    if options.json {
        console::say_json(&case.hide(report::json(&case, &findings)));
    } else if console::is_terminal() && environment.get("NO_COLOR").is_none() {
        console::say_painted(&case.hide(report::table(&case, &findings)), report::paint);
    } else {
        console::say_text(&case.hide(report::table(&case, &findings)));
    }
    match report::count(&findings, Verdict::Fail) {
        0 => Ok(()),
        1 => Err(Failure::new("one examination failed")),
        count => Err(Failure::new(format!("{count} examinations failed"))),
    }
}

/// Looks at everything in the order in which an upload meets it.
async fn examine(case: &Case, wire: &Wire) -> Vec<Finding> {
    let mut findings = Vec::new();
    let Some(visit) = signer::examine(case, wire, &mut findings).await else {
        findings.push(Finding::skipped("signer.route", "the function did not answer"));
        skip_from_page(&mut findings, "the function did not answer");
        return findings;
    };
    let Some(wish) = wish::examine(case, wire, &mut findings).await else {
        skip_from_page(&mut findings, "the route is not known");
        return findings;
    };
    match ask(case, wire, &wish, &mut findings).await {
        Some(grant) => send(case, wire, (&wish, grant, visit), &mut findings).await,
        None => skip_from_bucket(&mut findings, "there is no grant"),
    }
    findings
}

/// Asks for a grant as the page would, as a foreign one, and as nobody.
async fn ask(case: &Case, wire: &Wire, wish: &Wish, findings: &mut Vec<Finding>) -> Option<Grant> {
    let (url, body) = (case.url("/uploads"), wish.call());
    findings.push(page::preflight(case, wire).await);
    let call = |origin| Call::wish(&url, &body, origin).with_all(&case.proof);
    let mut reply = match wire.send(call(Some(&case.origin))).await {
        Ok(reply) => reply,
        Err(trouble) => {
            findings.push(signer::unreachable("page.call", &trouble));
            let rest = &AFTER_ROUTE[2..];
            findings.extend(Finding::skip_all(rest, "the call was not answered"));
            findings.extend(Finding::skip_all(grant::LATER, "the call was not answered"));
            return None;
        }
    };
    let readable = page::judge_call(case, &reply);
    let is_refused = readable.cause.as_deref() == Some("origin_not_allowed");
    findings.push(readable);
    findings.push(page::foreign(case, wire, &body).await);
    findings.extend(caller::examine(case, wire, &body).await);
    if is_refused && let Ok(other) = wire.send(call(None)).await {
        // The list of origins is one trouble; whether there are others is still worth knowing.
        reply = other;
    }
    grant::examine(case, &reply, findings)
}

/// Takes the grant to the bucket.
async fn send(
    case: &Case,
    wire: &Wire,
    (wish, grant, visit): (&Wish, Grant, Visit),
    findings: &mut Vec<Finding>,
) {
    let is_there = bucket::examine(case, wire, (&grant, visit), findings).await;
    let reason = match (is_there, case.uploads, wish.is_small()) {
        (false, ..) => "the bucket was not reached",
        (_, false, _) => "left out, as was said with --no-upload",
        (.., false) => "the route takes no file under 8 MiB",
        _ if grant.may_replace() => {
            "the key may name an object that is there, which an upload would replace"
        }
        _ => return Trial { case, wire, wish }.run(grant, findings).await,
    };
    findings.extend(Finding::skip_all(trial::ALL, reason));
}

fn skip_from_page(findings: &mut Vec<Finding>, reason: &str) {
    findings.extend(Finding::skip_all(AFTER_ROUTE, reason));
    findings.extend(Finding::skip_all(grant::LATER, reason));
    skip_from_bucket(findings, reason);
}

fn skip_from_bucket(findings: &mut Vec<Finding>, reason: &str) {
    findings.extend(Finding::skip_all(bucket::ALL, reason));
    findings.extend(Finding::skip_all(trial::ALL, reason));
}
