//! What an answer of OSS means: stored, or not, and then why and what to do.

use http::StatusCode;

use crate::language::Language;
use crate::upload::network::Answer;
use crate::{remedy, xml};

/// What went wrong with a file, in one sentence.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// It is not stored.
    NotStored(String),
    /// It is stored, and whoever should hear of it does not know.
    NotTold(String),
}

impl From<String> for Trouble {
    fn from(sentence: String) -> Self {
        Self::NotStored(sentence)
    }
}

/// Tells an upload that is stored from one that is not, or that nobody was told of.
pub(super) fn judge(answer: &Answer) -> Result<(), Trouble> {
    match answer.status {
        // 303 leads to where success leads.
        StatusCode::OK | StatusCode::CREATED | StatusCode::NO_CONTENT | StatusCode::SEE_OTHER => {
            Ok(())
        }
        // Looks like success and says that the callback failed.
        status @ StatusCode::NON_AUTHORITATIVE_INFORMATION => {
            Err(Trouble::NotTold(explain(status, &answer.body)))
        }
        status => Err(Trouble::NotStored(explain(status, &answer.body))),
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
        let words = |said: &crate::language::Said| said.words(Language::En).to_owned();
        format!("{} {}", words(&entry.cause), words(&entry.remedy))
    });
    // A message may quote the condition that failed, and that one names the token.
    let message = read("Message").filter(|message| !message.contains("security-token"));
    let told = [advice, message.map(|message| format!("OSS says: {message}"))];
    let told: Vec<String> = told.into_iter().flatten().collect();
    format!("{} ({}): {}", status.as_u16(), numbers.join(", "), told.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callback_that_failed_is_not_told_and_not_lost() {
        let body =
            "<Error><Code>CallbackFailed</Code><Message>Error status : 502.</Message></Error>";
        let answer =
            Answer { status: StatusCode::NON_AUTHORITATIVE_INFORMATION, body: body.to_owned() };
        let Err(Trouble::NotTold(sentence)) = judge(&answer) else { panic!("it was told") };
        assert!(sentence.starts_with("203 (CallbackFailed): The object is stored"), "{sentence}");
        let refused = Answer { status: StatusCode::FORBIDDEN, body: String::new() };
        assert!(matches!(judge(&refused), Err(Trouble::NotStored(_))));
    }
}
