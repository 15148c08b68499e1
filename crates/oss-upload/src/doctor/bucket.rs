//! The bucket before anything is stored: whether it is found, and what it tells a browser that asks.

use http::{StatusCode, header};

use crate::doctor::browser::{Readable, lists};
use crate::doctor::case::{Case, FOREIGN};
use crate::doctor::diagnosis::CLOCK;
use crate::doctor::finding::{Finding, Verdict};
use crate::doctor::grant::Grant;
use crate::doctor::place::Place;
use crate::doctor::refusal::Refusal;
use crate::doctor::signer::Visit;
use crate::doctor::wire::{Call, Reply, Trouble, Wire};
use crate::doctor::{rule, signer, wire};

/// What is looked at in the bucket's answers.
pub(super) const ALL: &[&str] = &[
    "bucket.name",
    "bucket.preflight",
    "bucket.clock",
    "bucket.exposed",
    "bucket.vary",
    "bucket.foreign",
];

/// How far clocks may differ before somebody should look, in seconds.
const CLOSE: i64 = 60;

/// Asks the bucket as a browser does before it uploads; returns whether anybody answered.
pub(super) async fn examine(
    case: &Case,
    wire: &Wire,
    (grant, visit): (&Grant, Visit),
    findings: &mut Vec<Finding>,
) -> bool {
    let place = Place::of(grant);
    findings.push(name(&place).await);
    let url = format!("{}/", grant.url);
    let reply = match wire.send(Call::preflight(&url, &case.origin)).await {
        Ok(reply) => reply,
        Err(trouble) => {
            findings.push(unreachable(&trouble, &place));
            findings.extend(Finding::skip_all(&ALL[2..], "the bucket was not reached"));
            return false;
        }
    };
    let preflight = preflight(case, &place, &reply);
    let is_allowed = preflight.verdict == Verdict::Ok;
    findings.push(preflight);
    findings.push(clock(grant, visit, &reply));
    if !is_allowed {
        findings.extend(Finding::skip_all(&ALL[3..], "the bucket lets this page read nothing"));
        return true;
    }
    findings.push(exposed(&place, &reply));
    findings.push(vary(case, &place, &reply));
    findings.push(foreign(wire, &url, &place).await);
    true
}

async fn name(place: &Place) -> Finding {
    let (id, host) = ("bucket.name", &place.host);
    match wire::name(host).await {
        Some(seen) => Finding::ok(id, seen),
        None => Finding::fail(id, format!("{host} has no address here"))
            .cause("unknown-name")
            .why("The browser shows a network error and sends nothing.")
            .mend(
                "Compare bucket and region in the name (OSS console > Buckets > Overview). For a \
                 domain of your own, add the CNAME record that OSS console > Buckets > the bucket \
                 > Bucket Settings > Domain Names shows.",
            ),
    }
}

fn unreachable(trouble: &Trouble, place: &Place) -> Finding {
    let finding = signer::unreachable("bucket.preflight", trouble);
    let Place { bucket, .. } = place;
    match trouble {
        Trouble::Tls(_) => finding.mend(format!(
            "OSS console > Buckets > {bucket} > Bucket Settings > Domain Names > Certificate: give \
             the domain a certificate that names it and has not expired."
        )),
        _ => finding.mend(
            "Compare the host with OSS console > Buckets > the bucket > Overview; try it from \
             another network.",
        ),
    }
}

fn preflight(case: &Case, place: &Place, reply: &Reply) -> Finding {
    let (id, status) = ("bucket.preflight", reply.status.as_u16());
    if let Some(refusal) = Refusal::read(reply) {
        return refusal.finding(id, case, place);
    }
    match Readable::of(&reply.headers, &case.origin) {
        Readable::Yes { .. } if reply.status.is_success() => {
            Finding::ok(id, format!("{status}; a page of {} may upload", case.origin))
        }
        Readable::Twice => Finding::fail(id, "Access-Control-Allow-Origin came more than once")
            .cause("duplicate-allow-origin")
            .why(
                "Browsers take two of them for none. The bucket adds one; the other is of a CDN in \
                 front of it.",
            )
            .mend(
                "Take CORS off the CDN (CDN console > the domain > Cache > HTTP response headers), \
                 or upload to a domain that is bound to the bucket itself.",
            ),
        _ => Finding::fail(
            id,
            format!("OPTIONS answered {status} without leave, and not as OSS would"),
        )
        .cause("not-oss")
        .why("The browser asks so before it sends the file; refused here, nothing is uploaded.")
        .mend(
            "Look at where the upload host leads: it has to be bound to the bucket itself, not to \
             a CDN or a web server.",
        ),
    }
}

/// Holds the function's clock against that of OSS, both seen from here.
fn clock(grant: &Grant, visit: Visit, reply: &Reply) -> Finding {
    let id = "bucket.clock";
    let (Some(date), Some(ahead)) = (reply.date(), visit.ahead) else {
        return Finding::skipped(id, "one of the two tells no time");
    };
    let off = ahead - (date.unix() - reply.at.unix());
    if off.abs() <= CLOSE {
        return Finding::ok(id, "OSS and the function agree on the time");
    }
    let is_late = grant.lasts().is_some_and(|lasts| -off >= lasts);
    let finding = Finding::fail(
        id,
        format!("the function's clock is {} OSS's", signer::apart(off)),
    )
    .cause("clock-skew")
    .why(
        "OSS refuses a form that is signed more than 15 minutes ahead of its clock, and one whose \
         time is over.",
    )
    .mend(CLOCK);
    if off > signer::FAR || is_late { finding } else { finding.mildly() }
}

fn exposed(place: &Place, reply: &Reply) -> Finding {
    let id = "bucket.exposed";
    let is_hidden =
        |name: &&str| !lists(&reply.headers, header::ACCESS_CONTROL_EXPOSE_HEADERS, name);
    let hidden: Vec<&str> = rule::EXPOSED.into_iter().filter(is_hidden).collect();
    if hidden.is_empty() {
        return Finding::ok(id, format!("the page may read {}", rule::EXPOSED.join(", ")));
    }
    Finding::warn(id, format!("the page may not read {}", hidden.join(", ")))
        .cause("not-exposed")
        .why(
            "Uppy 4 and 5 wait for ever without ETag and complain without Location; support asks \
             for the request id.",
        )
        .mend(rule::edit(&place.bucket, &format!("Exposed Headers {}", rule::EXPOSED.join(" "))))
}

fn vary(case: &Case, place: &Place, reply: &Reply) -> Finding {
    let id = "bucket.vary";
    if Readable::of(&reply.headers, &case.origin) == (Readable::Yes { any: true }) {
        return Finding::ok(id, "the answer is the same for every page");
    }
    if lists(&reply.headers, header::VARY, "origin") {
        return Finding::ok(id, "Vary: Origin");
    }
    Finding::warn(id, "no Vary: Origin")
        .cause("no-vary")
        .why(
            "A cache may give one page the answer that was meant for another, whose origin it \
             names.",
        )
        .mend(rule::edit(&place.bucket, "Return Vary: Origin on"))
}

async fn foreign(wire: &Wire, url: &str, place: &Place) -> Finding {
    let id = "bucket.foreign";
    let reply = match wire.send(Call::preflight(url, FOREIGN)).await {
        Ok(reply) => reply,
        Err(trouble) => return unreachable(&trouble, place),
    };
    if reply.status == StatusCode::FORBIDDEN || !Readable::of(&reply.headers, FOREIGN).is_yes() {
        return Finding::ok(
            id,
            format!("a page of {FOREIGN} is refused ({})", reply.status.as_u16()),
        );
    }
    Finding::warn(id, format!("a page of {FOREIGN} may upload and read the answers"))
        .cause("every-origin")
        .why(
            "It still needs a grant, so nothing is open that the signer keeps shut; a grant that \
             leaks can be used from any page.",
        )
        .mend(rule::edit(&place.bucket, "your pages as the sources, in place of *"))
}
