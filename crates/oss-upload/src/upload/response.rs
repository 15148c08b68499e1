//! Reads the response to an upload: success, or the reason for a failure and what to do.

use http::StatusCode;

use crate::http_client::WebResponse;
use crate::language::{Language, Text};
use crate::{oss_errors, xml};

/// The failure of one upload, in one sentence.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum UploadError {
    /// The file is not stored.
    NotStored(String),
    /// The file is stored, but the callback to the application failed.
    CallbackFailed(String),
}

impl From<String> for UploadError {
    fn from(sentence: String) -> Self {
        Self::NotStored(sentence)
    }
}

/// Checks whether a response reports a stored file.
pub(super) fn check(response: &WebResponse) -> Result<(), UploadError> {
    match response.status {
        // 303 is the redirect of `success_action_redirect`.
        StatusCode::OK | StatusCode::CREATED | StatusCode::NO_CONTENT | StatusCode::SEE_OTHER => {
            Ok(())
        }
        // 203 looks like success; OSS sends it when the callback failed.
        status @ StatusCode::NON_AUTHORITATIVE_INFORMATION => {
            Err(UploadError::CallbackFailed(describe(status, &response.body)))
        }
        status => Err(UploadError::NotStored(describe(status, &response.body))),
    }
}

fn describe(status: StatusCode, body: &str) -> String {
    let read = |name| xml::child(body, name);
    let Some(code) = read("Code") else {
        return format!("the response is {status} and no error of OSS; check the address");
    };
    let ec = read("EC");
    let numbers =
        [Some(code.clone()), ec.clone(), read("RequestId").map(|id| format!("request {id}"))];
    let numbers: Vec<String> = numbers.into_iter().flatten().collect();
    let advice = oss_errors::find(ec.as_deref(), &code, read("Message").as_deref()).map(|entry| {
        let english = |text: &Text| text.in_language(Language::En).to_owned();
        format!("{} {}", english(&entry.cause), english(&entry.remedy))
    });
    // A message may quote the condition that failed, and that condition contains the token.
    let message = read("Message").filter(|message| !message.contains("security-token"));
    let sentences = [advice, message.map(|message| format!("OSS says: {message}"))];
    let sentences: Vec<String> = sentences.into_iter().flatten().collect();
    format!("{} ({}): {}", status.as_u16(), numbers.join(", "), sentences.join(" "))
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;
    use oss_upload_signer::time;

    fn response(status: StatusCode, body: &str) -> WebResponse {
        let (body, received_at) = (body.to_owned(), time::now());
        WebResponse { status, headers: HeaderMap::new(), body, received_at }
    }

    #[test]
    fn a_failed_callback_is_not_a_lost_file() {
        let body =
            "<Error><Code>CallbackFailed</Code><Message>Error status : 502.</Message></Error>";
        let failed = check(&response(StatusCode::NON_AUTHORITATIVE_INFORMATION, body));
        let Err(UploadError::CallbackFailed(sentence)) = failed else { panic!("{failed:?}") };
        assert!(sentence.starts_with("203 (CallbackFailed): The object is stored"), "{sentence}");
        let refused = response(StatusCode::FORBIDDEN, "");
        assert!(matches!(check(&refused), Err(UploadError::NotStored(_))));
    }
}
