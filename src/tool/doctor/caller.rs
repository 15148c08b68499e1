//! The caller: what is given to who shows nothing, no page and no token.

use crate::tool::doctor::alien;
use crate::tool::doctor::case::Case;
use crate::tool::doctor::finding::Finding;
use crate::tool::doctor::grant::Answer;
use crate::tool::doctor::signer;
use crate::tool::doctor::wire::Wire;

const ID: &str = "caller.nobody";

/// Asks as a program that shows nothing.
pub(super) async fn examine(case: &Case, wire: &Wire, wish: &str) -> Finding {
    let url = case.url("/uploads");
    let reply = match wire.send(case.ask(&url, wish, None)).await {
        Ok(reply) => reply,
        Err(trouble) => return signer::unreachable(ID, &trouble),
    };
    match Answer::read(&reply) {
        Answer::Granted(_) if case.proof.is_empty() => {
            Finding::warn(ID, "who shows nothing gets a grant")
                .cause("open-to-everyone")
                .why("Everyone who reaches the address can store files in the bucket, at your cost, within the route's limits.")
                .mend("If that is not meant, let the route ask for something and deploy: UPLOAD_AUTH=ticket, jwt, or all(origin, ticket).")
        }
        Answer::Granted(_) => Finding::fail(ID, "who shows nothing gets a grant, though there is a token to show")
            .cause("open-to-everyone")
            .why("The route does not look at the token, so everyone who reaches the address can store files in the bucket.")
            .mend("Set what the route asks for and deploy: UPLOAD_AUTH=jwt for tokens, ticket for tickets, any(jwt, ticket) for either."),
        Answer::Refused(problem) if problem.error == "origin_required" => {
            Finding::ok(ID, "who names no page is refused (origin_required); a program can name any")
        }
        Answer::Refused(problem) if is_of_caller(&problem.error) => {
            Finding::ok(ID, format!("who shows nothing is refused ({})", problem.error))
        }
        Answer::Refused(problem) => {
            Finding::skipped(ID, format!("refused for another reason ({})", alien::plain(&problem.error)))
        }
        Answer::Alien => Finding::ok(ID, format!("who shows nothing is refused ({})", reply.status.as_u16())),
    }
}

/// Whether a refusal is about who asks.
pub(super) fn is_of_caller(code: &str) -> bool {
    code.starts_with("token_") || code.starts_with("ticket_") || code.starts_with("caller_")
}
