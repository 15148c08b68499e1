//! The signer: whether it can be reached, whether it is our function, and what its clock shows.

use serde::Deserialize;

use crate::doctor::case::{Case, is_this_machine};
use crate::doctor::diagnosis::CLOCK;
use crate::doctor::finding::Finding;
use crate::doctor::wire::{Call, Reply, Trouble, Wire};
use crate::doctor::{alien, wire};
use oss_upload_signer::time::Timestamp;

/// What is looked at once the signer answers.
pub(super) const LATER: &[&str] = &["signer.clock", "signer.page"];

/// How far clocks may differ before somebody should look, in seconds.
const CLOSE: i64 = 60;

/// How far OSS lets `x-oss-date` be ahead, in seconds.
pub(super) const FAR: i64 = 15 * 60;

#[derive(Deserialize)]
struct Health {
    status: String,
    version: String,
    time: String,
}

/// What is known of a signer that answers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Visit {
    /// How far the function's clock is ahead of this machine's, in seconds.
    pub(super) ahead: Option<i64>,
}

/// Visits the signer; without an answer of the function there is nothing more to look at.
pub(super) async fn examine(
    case: &Case,
    wire: &Wire,
    findings: &mut Vec<Finding>,
) -> Option<Visit> {
    findings.push(name(&case.host).await);
    findings.push(address(case));
    let url = case.url("/health");
    let health = match wire.send(Call::get(&url)).await {
        Ok(reply) => reply,
        Err(trouble) => {
            findings.push(unreachable("signer.health", &trouble));
            findings.extend(Finding::skip_all(LATER, "the signer was not reached"));
            return None;
        }
    };
    let Some(told) = health.json::<Health>().filter(|told| told.status == "ok") else {
        findings.push(alien::explain("signer.health", &health));
        findings.extend(Finding::skip_all(LATER, "the function did not answer"));
        return None;
    };
    let version = alien::plain(&told.version);
    findings.push(Finding::ok("signer.health", format!("the function answers, version {version}")));
    let now = Timestamp::parse_rfc3339(&told.time);
    findings.push(clock(now, &health));
    findings.push(page(case, wire).await);
    Some(Visit { ahead: now.map(|now| now.unix() - health.at.unix()) })
}

async fn name(host: &str) -> Finding {
    let id = "signer.name";
    match wire::name(host).await {
        Some(seen) => Finding::ok(id, seen),
        None => Finding::fail(id, format!("{host} has no address here"))
            .cause("unknown-name")
            .why("A browser that cannot find the signer shows a network error and nothing else.")
            .mend(
                "Compare the name with the trigger's address in the Function Compute console. For \
                 a custom domain, add the CNAME record that the console shows (Function Compute \
                 console > Custom Domains), and wait until it is known.",
            ),
    }
}

fn address(case: &Case) -> Finding {
    let id = "signer.address";
    if case.signer.starts_with("https://") {
        return Finding::ok(id, "https");
    }
    if is_this_machine(&case.host) {
        return Finding::ok(id, "http on this machine, which browsers trust");
    }
    let finding = Finding::fail(id, "http, which everybody on the way can read and change")
        .cause("no-https")
        .why(
            "A page of https may not call it (mixed content), and a grant that is read on the way \
             is good for whoever reads it.",
        )
        .mend(
            "Call the trigger by https, or give the custom domain a certificate: Function Compute \
             console > Custom Domains > the domain > Edit > HTTPS.",
        );
    if case.may_load(&case.signer) { finding.mildly() } else { finding }
}

/// Says why nothing came back.
pub(super) fn unreachable(id: &'static str, trouble: &Trouble) -> Finding {
    let finding = Finding::fail(id, trouble.to_string())
        .why("Without an answer the browser shows a network error and nothing else.");
    match trouble {
        Trouble::Name => finding.cause("unknown-name").mend("See the finding on the name."),
        Trouble::Tls(_) => finding.cause("tls-untrusted").mend(
            "Give the domain a certificate that names it and has not expired: Function Compute \
             console > Custom Domains > the domain > HTTPS. A port that speaks no TLS looks the \
             same.",
        ),
        Trouble::Connect(_) => finding.cause("no-connection").mend(
            "Compare address and port. A name that ends in -vpc.fcapp.run is reached from inside \
             the VPC only.",
        ),
        Trouble::Silence | Trouble::Broken(_) => finding.cause("no-answer").mend(
            "Function Compute console > Functions > the function > Logs tells whether the request \
             arrived; if not, look at what stands between.",
        ),
    }
}

fn clock(function: Option<Timestamp>, reply: &Reply) -> Finding {
    let id = "signer.clock";
    let (Some(function), Some(gateway)) = (function, reply.date()) else {
        return Finding::skipped(id, "the answer tells no time");
    };
    let (off, own) = (function.unix() - gateway.unix(), reply.at.unix() - gateway.unix());
    if off.abs() > CLOSE {
        let finding = Finding::fail(
            id,
            format!("the function's clock is {} what the Date header says", apart(off)),
        )
        .cause("clock-skew")
        .why(
            "OSS refuses a form that is signed more than 15 minutes ahead of its clock, and one \
             whose time is over.",
        )
        .mend(CLOCK);
        return if off.abs() < FAR { finding.mildly() } else { finding };
    }
    if own.abs() > CLOSE {
        return Finding::warn(
            id,
            format!("this machine's clock is {} what the signer says", apart(own)),
        )
        .cause("own-clock")
        .why("The signer is not concerned, but what is said here of times may be wrong.")
        .mend("Let this machine set its clock by NTP: timedatectl set-ntp true");
    }
    Finding::ok(id, "the function, its gateway and this machine agree on the time")
}

/// Says how far a clock is off.
pub(super) fn apart(seconds: i64) -> String {
    let (count, unit) = match seconds.unsigned_abs() {
        count @ ..=119 => (count, "seconds"),
        count @ 120..=7_199 => (count / 60, "minutes"),
        count => (count / 3_600, "hours"),
    };
    format!("{count} {unit} {}", if seconds < 0 { "behind" } else { "ahead of" })
}

async fn page(case: &Case, wire: &Wire) -> Finding {
    let id = "signer.page";
    let url = case.url("/");
    match wire.send(Call::get(&url)).await {
        Err(trouble) => unreachable(id, &trouble),
        Ok(reply) => {
            let disposition = reply.header("content-disposition").unwrap_or_default();
            if !disposition.to_ascii_lowercase().starts_with("attachment") {
                return Finding::ok(id, "GET / can be viewed");
            }
            Finding::warn(
                id,
                "GET / is saved as a file instead of being shown (Content-Disposition: attachment)",
            )
            .cause("forced-download")
            .why(
                "The platform does so on its default domain. Calls of pages elsewhere work; the \
                 function's own page cannot be opened.",
            )
            .mend(
                "To open GET /, bind a domain of your own: Function Compute console > Custom \
                 Domains > Add Custom Domain, with the function as its route and OPTIONS among its \
                 methods.",
            )
        }
    }
}
