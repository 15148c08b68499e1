//! What an answer of OSS means: stored, or not, and then why and what to do.

use http::StatusCode;

use crate::tool::language::Language;
use crate::tool::remedy;
use crate::tool::upload::network::Answer;
use crate::tool::xml;

/// Tells an upload that is stored from one that is not, which it explains in one sentence.
pub(super) fn judge(answer: &Answer) -> Result<(), String> {
    // 203 looks like success and says that the callback failed; 303 leads to where success leads.
    match answer.status {
        StatusCode::OK | StatusCode::CREATED | StatusCode::NO_CONTENT | StatusCode::SEE_OTHER => {
            Ok(())
        }
        status => Err(explain(status, &answer.body)),
    }
}

fn explain(status: StatusCode, body: &str) -> String {
    let read = |name| xml::child(body, name);
    let Some(code) = read("Code") else {
        return format!("{status} came back, and nothing that OSS would say; check the address");
    };
    let ec = read("EC");
    let numbers =
        [Some(code.clone()), ec.clone(), read("RequestId").map(|id| format!("request {id}"))];
    let numbers: Vec<String> = numbers.into_iter().flatten().collect();
    let entry = remedy::find(ec.as_deref(), &code);
    let advice = entry.map(|entry| {
        let words = |said: &crate::tool::language::Said| said.words(Language::En).to_owned();
        format!("{} {}", words(&entry.cause), words(&entry.remedy))
    });
    // A message may quote the condition that failed, and that one names the token.
    let message = read("Message").filter(|message| !message.contains("security-token"));
    let told = [advice, message.map(|message| format!("OSS says: {message}"))];
    let told: Vec<String> = told.into_iter().flatten().collect();
    format!("{} ({}): {}", status.as_u16(), numbers.join(", "), told.join(" "))
}
