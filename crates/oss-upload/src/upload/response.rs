//! Reads the response to an upload: success, or the reason for a failure and what to do.

use http::StatusCode;

use crate::http_client::WebResponse;
use crate::language::{Language, Text};
use crate::{oss_errors, xml};
use oss_upload_signer::bucket::BucketRefusal;

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

/// Describes an answer that is no success: what OSS refused, why, and what to do.
pub(super) fn describe(status: StatusCode, body: &str) -> String {
    let read = |name| xml::child(body, name);
    let Some(code) = read("Code") else {
        return format!("the response is {status} and no error of OSS; check the address");
    };
    let refusal = BucketRefusal {
        status: status.as_u16(),
        code,
        ec: read("EC").unwrap_or_default(),
        request_id: read("RequestId").unwrap_or_default(),
    };
    describe_refusal(&refusal, read("Message").as_deref())
}

/// Describes a refusal of OSS.
pub(super) fn describe_refusal(refusal: &BucketRefusal, message: Option<&str>) -> String {
    let BucketRefusal { status, code, ec, request_id } = refusal;
    let known = |text: &String| (!text.is_empty()).then(|| text.clone());
    let (ec, id) = (known(ec), known(request_id).map(|id| format!("request {id}")));
    let numbers: Vec<String> = [known(code), ec.clone(), id].into_iter().flatten().collect();
    let advice = oss_errors::find(ec.as_deref(), code, message).map(|entry| {
        let english = |text: &Text| text.in_language(Language::En).to_owned();
        format!("{} {}", english(&entry.cause), english(&entry.remedy))
    });
    // A message may quote the condition that failed, and that condition contains the token.
    let message = message.filter(|message| !message.contains("security-token"));
    let sentences = [advice, message.map(|message| format!("OSS says: {message}"))];
    let sentences: Vec<String> = sentences.into_iter().flatten().collect();
    format!("{status} ({}): {}", numbers.join(", "), sentences.join(" "))
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
