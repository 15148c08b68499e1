//! The caller: what is given to who does not show what others show.

use crate::doctor::case::Case;
use crate::doctor::finding::Finding;
use crate::doctor::grant::Answer;
use crate::doctor::signer;
use crate::doctor::wire::{Call, Reply, Wire};

const UNPROVEN: &str = "caller.unproven";
const NOBODY: &str = "caller.nobody";

/// What an open route means, whoever it is open to.
const OPEN: &str = "Everyone who reaches the address can store files in the bucket, at your cost, \
                    within the route's limits.";

/// Asks without the token that is there to be shown: as the page, and as a program that shows nothing.
pub(super) async fn examine(case: &Case, wire: &Wire, wish: &str) -> Vec<Finding> {
    let url = case.url("/uploads");
    let ask = async |origin| wire.send(Call::wish(&url, wish, origin)).await;
    let mut findings = Vec::new();
    if !case.proof.is_empty() {
        findings.push(match ask(Some(case.origin.as_str())).await {
            Ok(reply) => judge_unproven(case, &reply),
            Err(trouble) => signer::unreachable(UNPROVEN, &trouble),
        });
    }
    findings.push(match ask(None).await {
        Ok(reply) => judge_nobody(case, &reply),
        Err(trouble) => signer::unreachable(NOBODY, &trouble),
    });
    findings
}

fn judge_unproven(case: &Case, reply: &Reply) -> Finding {
    refusal(UNPROVEN, "the page without its token", reply).unwrap_or_else(|| {
        Finding::warn(UNPROVEN, format!("a page of {} gets a grant without its token", case.origin))
            .cause("token-not-needed")
            .why("Whoever opens the page can upload, and a program can name any page.")
            .mend(
                "If that is not meant, let the route ask for both and deploy: \
                 UPLOAD_AUTH=all(origin, jwt), or all(origin, ticket).",
            )
    })
}

fn judge_nobody(case: &Case, reply: &Reply) -> Finding {
    let is_open = || {
        if case.proof.is_empty() {
            return Finding::warn(NOBODY, "who shows nothing gets a grant").mend(
                "If that is not meant, let the route ask for something and deploy: \
                 UPLOAD_AUTH=ticket, jwt, or all(origin, ticket).",
            );
        }
        Finding::fail(NOBODY, "who shows nothing gets a grant, though there is a token to show")
            .mend(
                "The route does not look at the token. Set what it asks for and deploy: \
                 UPLOAD_AUTH=jwt for tokens, ticket for tickets, any(jwt, ticket) for either.",
            )
    };
    refusal(NOBODY, "who shows nothing", reply)
        .unwrap_or_else(|| is_open().cause("open-to-everyone").why(OPEN))
}

/// Judges a refusal; a grant is none.
fn refusal(id: &'static str, who: &str, reply: &Reply) -> Option<Finding> {
    let code = match Answer::read(reply) {
        Answer::Granted(_) => return None,
        Answer::Refused(problem) => problem.error,
        Answer::Alien => reply.status.as_u16().to_string(),
    };
    Some(match code.as_str() {
        "origin_required" => {
            let note = "a program can name any page";
            Finding::ok(id, format!("{who} is refused ({code}); {note}"))
        }
        code if is_of_caller(code) || code == "origin_not_allowed" => {
            Finding::ok(id, format!("{who} is refused ({code})"))
        }
        code => Finding::skipped(id, format!("{who} is refused for another reason ({code})")),
    })
}

/// Whether a refusal is about who asks.
pub(super) fn is_of_caller(code: &str) -> bool {
    ["token_", "ticket_", "caller_"].iter().any(|kind| code.starts_with(kind))
}
