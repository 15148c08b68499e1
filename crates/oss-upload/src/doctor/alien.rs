//! Answers that are not the function's: the gateway spoke in its place, or somebody else did.

use serde::Deserialize;

use crate::console;
use crate::doctor::finding::Finding;
use crate::doctor::wire::Reply;

/// How Function Compute itself words a failure; older pages write the names in lower case.
#[derive(Deserialize)]
struct Gateway {
    #[serde(alias = "errorCode", alias = "Code")]
    #[serde(rename = "ErrorCode")]
    code: String,
    #[serde(alias = "errorMessage", alias = "Message", default)]
    #[serde(rename = "ErrorMessage")]
    message: String,
}

/// How the function words a failure, fit for a console.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) error: String,
    #[serde(default)]
    pub(super) message: String,
}

/// Reads the function's own refusal, if it is one.
pub(super) fn problem(reply: &Reply) -> Option<Problem> {
    let Problem { error, message } = reply.json()?;
    Some(Problem { error: plain(&error), message: plain(&message) })
}

/// Says who answered in the function's place, as far as the answer tells.
pub(super) fn explain(id: &'static str, reply: &Reply) -> Finding {
    let status = reply.status.as_u16();
    let Some(gateway) = reply.json::<Gateway>() else {
        // The body says more where it says anything.
        if let Some(kind) = reply.header("x-fc-error-type") {
            return broken(id, &format!("X-Fc-Error-Type: {}", plain(kind)), kind);
        }
        let finding =
            Finding::fail(id, format!("{status} came, and it was not the function that answered"));
        return match status {
            401 | 403 => refused_by_trigger(finding),
            _ => finding
                .cause("not-the-function")
                .why(
                    "Pages ask this address for uploads; what answers there does not know how to \
                     give any.",
                )
                .mend(
                    "Compare --signer with the address in Function Compute console > Functions > \
                     the function > Triggers, and a custom domain with its routes.",
                ),
        };
    };
    let (code, message) = (plain(&gateway.code), plain(&gateway.message));
    if message.to_lowercase().contains("internet url is disabled") {
        return Finding::fail(id, format!("{status} {code}: {message}"))
            .cause("closed-internet-url")
            .why(
                "The trigger's public address is switched off, so no browser outside the VPC \
                 reaches the function there.",
            )
            .mend(
                "Function Compute console > Functions > the function > Triggers > the HTTP trigger \
                 > Edit: let it be called from the internet (s.yaml: disableURLInternet: false). \
                 Or give --signer a custom domain, which is not concerned.",
            );
    }
    match status {
        401 | 403 => refused_by_trigger(Finding::fail(id, format!("{status} {code}: {message}"))),
        405 => Finding::fail(id, format!("{status} {code}: {message}"))
            .cause("missing-method")
            .why("The trigger does not let this method through; the function was not asked.")
            .mend(
                "Function Compute console > Functions > the function > Triggers > the HTTP trigger \
                 > Edit: request methods GET, HEAD, POST, OPTIONS.",
            ),
        _ => broken(id, &format!("{status} {code}: {message}"), &code),
    }
}

fn refused_by_trigger(finding: Finding) -> Finding {
    finding
        .cause("refused-by-trigger")
        .why(
            "The trigger itself wants a signature or a token, which pages do not have; the \
             function was not asked.",
        )
        .mend(
            "Function Compute console > Functions > the function > Triggers > the HTTP trigger > \
             Edit: authentication None (s.yaml: authType: anonymous). Who may ask is then decided \
             by UPLOAD_AUTH.",
        )
}

fn broken(id: &'static str, seen: &str, cause: &str) -> Finding {
    Finding::fail(id, format!("the platform answered in the function's place: {seen}"))
        .cause(plain(cause))
        .why("The function did not start or did not answer, so nobody gets a grant.")
        .mend(
            "Function Compute console > Functions > the function > Logs: the first lines of the \
             newest instance name every setting that is missing or wrong.",
        )
}

/// Makes one line of what came from elsewhere, and not a long one: it becomes a part of findings.
pub(super) fn plain(text: &str) -> String {
    let visible = |one| if console::is_steering(one) { ' ' } else { one };
    text.chars().map(visible).take(300).collect()
}
