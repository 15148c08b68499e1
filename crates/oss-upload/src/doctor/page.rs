//! The page: whether a browser lets it call the signer, and whether it keeps foreign ones away.

use http::header;

use crate::doctor::browser::{Readable, lists};
use crate::doctor::case::{Case, FOREIGN};
use crate::doctor::finding::Finding;
use crate::doctor::grant::Answer;
use crate::doctor::wire::{Call, Reply, Wire};
use crate::doctor::{alien, caller, signer};

const PREFLIGHT: &str = "page.preflight";
const CALL: &str = "page.call";
const FOREIGN_CALL: &str = "page.foreign";

/// Asks as the browser asks before the call itself.
pub(super) async fn preflight(case: &Case, wire: &Wire) -> Finding {
    let url = case.url("/uploads");
    let mut names = vec!["content-type"];
    names.extend(case.proof.iter().map(|(name, _)| *name));
    names.sort_unstable();
    let asked = names.join(",");
    let call = Call::preflight(&url, &case.origin).with("access-control-request-headers", &asked);
    let finding = match wire.send(call).await {
        Ok(reply) => judge_preflight(case, &reply, &names),
        Err(trouble) => signer::unreachable(PREFLIGHT, &trouble),
    };
    if case.is_own_page {
        // A page of the signer's own is not preflighted, but nobody stays alone for ever.
        return finding.mildly();
    }
    finding
}

fn judge_preflight(case: &Case, reply: &Reply, names: &[&str]) -> Finding {
    let (id, status) = (PREFLIGHT, reply.status.as_u16());
    let readable = Readable::of(&reply.headers, &case.origin);
    if let Some(problem) = alien::problem(reply).filter(|_| !readable.is_yes()) {
        return refused(id, case, &problem);
    }
    match readable {
        Readable::Twice => return twice(id, reply),
        Readable::Other(other) => return another(id, &other),
        Readable::Absent => return absent(status),
        Readable::Yes { .. } => {}
    }
    if !reply.status.is_success() {
        return Finding::fail(id, format!("OPTIONS /uploads answered {status}"))
            .cause("preflight-status")
            .why(
                "Browsers go on only when a preflight is answered with 200 to 299, whatever its \
                 headers say.",
            )
            .mend("Look at what stands between browser and function; the function answers 204.");
    }
    let allowed = header::ACCESS_CONTROL_ALLOW_HEADERS;
    // The asterisk stands for every header but one.
    let every = lists(&reply.headers, allowed.clone(), "*");
    let is_allowed = |name: &str| {
        lists(&reply.headers, allowed.clone(), name) || (every && name != "authorization")
    };
    let wanting = names.iter().find(|name| !is_allowed(name));
    match wanting {
        None => {
            Finding::ok(id, format!("OPTIONS /uploads answered {status}, and the page may call"))
        }
        Some(name) => Finding::fail(
            id,
            format!("the header {name} is not among those that are allowed"),
        )
        .cause("header-not-allowed")
        .why("The page sends it with its call, so the browser does not make the call.")
        .mend(
            "The function allows it; look at what answers OPTIONS in its place, such as a gateway \
             or a CDN.",
        ),
    }
}

/// A preflight that the function has not seen: it would have put in a header or a refusal.
fn absent(status: u16) -> Finding {
    Finding::fail(
        PREFLIGHT,
        format!(
            "OPTIONS /uploads answered {status} without CORS headers, and it was not the function \
             that answered"
        ),
    )
    .cause("missing-options-method")
    .why(
        "A browser asks so before each call from a page of another origin; refused here, the call \
         is never made.",
    )
    .mend(
        "Function Compute console > Functions > the function > Triggers > the HTTP trigger > Edit: \
         add OPTIONS to the request methods (s.yaml: methods GET, HEAD, POST, OPTIONS). For a \
         custom domain, do the same with the methods of its route.",
    )
}

fn twice(id: &'static str, reply: &Reply) -> Finding {
    let values = reply.headers.get_all(header::ACCESS_CONTROL_ALLOW_ORIGIN).iter();
    let values: Vec<String> =
        values.map(|value| alien::plain(&String::from_utf8_lossy(value.as_bytes()))).collect();
    Finding::fail(
        id,
        format!("Access-Control-Allow-Origin came more than once: {}", values.join(" and ")),
    )
    .cause("duplicate-allow-origin")
    .why(
        "Browsers take two of them for none. The function adds one; the other is of the gateway or \
         a proxy in front of it.",
    )
    .mend(
        "Take CORS off whatever stands in front of the function. Where it is the platform's \
         default domain, bind a domain of your own, to which nothing is added: Function Compute \
         console > Custom Domains > Add Custom Domain.",
    )
}

fn another(id: &'static str, other: &str) -> Finding {
    let other = alien::plain(other);
    Finding::fail(id, format!("the answer is for pages of {other} only"))
        .cause("other-origin")
        .why(
            "The function names the origin that asks, so a cache or a proxy has answered with what \
             another page was told.",
        )
        .mend(
            "Let no cache in front of the function keep its answers, or have it heed Vary: Origin.",
        )
}

/// A refusal in the function's own words.
fn refused(id: &'static str, case: &Case, problem: &alien::Problem) -> Finding {
    let seen = format!("{}: {}", problem.error, problem.message);
    let finding = Finding::fail(id, seen).cause(problem.error.clone());
    if problem.error != "origin_not_allowed" {
        return finding.why("The page gets no grant.").mend("The message says what to do.");
    }
    finding
        .why("The function gives grants to pages on its list only, and this page is not on it.")
        .mend(format!(
            "Add the origin to the function's environment and deploy, several with \
             commas:\n  UPLOAD_ORIGINS={}",
            case.origin
        ))
}

/// Judges the answer to the call itself, as to whether the page can read it.
pub(super) fn judge_call(case: &Case, reply: &Reply) -> Finding {
    if let Some(problem) =
        alien::problem(reply).filter(|problem| problem.error == "origin_not_allowed")
    {
        return refused(CALL, case, &problem);
    }
    if matches!(Answer::read(reply), Answer::Alien) {
        return Finding::skipped(CALL, "the function did not answer");
    }
    match Readable::of(&reply.headers, &case.origin) {
        Readable::Twice if !case.is_own_page => twice(CALL, reply),
        Readable::Other(other) if !case.is_own_page => another(CALL, &other),
        Readable::Absent if !case.is_own_page => {
            Finding::fail(CALL, "POST /uploads came back without Access-Control-Allow-Origin")
                .cause("cors-absent")
                .why("The browser keeps the answer from the page, which sees a network error.")
                .mend(
                    "The function adds the header; look at what takes it away on the way, such as \
                     a gateway or a CDN.",
                )
        }
        _ => Finding::ok(CALL, format!("pages of {} may read the answer", case.origin)),
    }
}

/// Asks as a page that nobody has put on the list.
pub(super) async fn foreign(case: &Case, wire: &Wire, wish: &str) -> Finding {
    let url = case.url("/uploads");
    let call = Call::wish(&url, wish, Some(FOREIGN)).with_all(&case.proof);
    let reply = match wire.send(call).await {
        Ok(reply) => reply,
        Err(trouble) => return signer::unreachable(FOREIGN_CALL, &trouble),
    };
    judge_foreign(case, &reply)
}

fn judge_foreign(case: &Case, reply: &Reply) -> Finding {
    let id = FOREIGN_CALL;
    let may_read = Readable::of(&reply.headers, FOREIGN).is_yes();
    let refused = match Answer::read(reply) {
        Answer::Granted(_) if !may_read => {
            return Finding::ok(id, format!("a page of {FOREIGN} cannot read the answer"));
        }
        Answer::Granted(_) => None,
        Answer::Refused(problem) => Some(problem.error),
        Answer::Alien => Some(reply.status.as_u16().to_string()),
    };
    let lacks_token = may_read && refused.as_deref().is_some_and(caller::is_of_caller);
    let finding = match refused {
        Some(word) if !lacks_token => {
            return Finding::ok(id, format!("a page of {FOREIGN} is refused ({word})"));
        }
        _ if case.any_origin => {
            let seen = "pages of every origin may ask, as was said with --any-origin";
            return Finding::ok(id, seen);
        }
        Some(word) => {
            let seen = format!("a page of {FOREIGN} is kept away by nothing but a token ({word})");
            Finding::warn(id, seen).why("A token that leaks can be used from any page.")
        }
        None => Finding::fail(id, format!("a page of {FOREIGN} got a grant and may read it"))
            .why("Any page in the world can upload in the name of who visits it."),
    };
    finding.cause("every-origin").mend(format!(
        "Put the pages that may ask into the function's environment in place of *, and \
         deploy:\n  UPLOAD_ORIGINS={}\nIf every page is meant to ask, say so with --any-origin.",
        case.origin
    ))
}
