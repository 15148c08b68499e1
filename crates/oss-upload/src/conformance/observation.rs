//! What the service answered to a probe, reduced to what can be compared and published.
//!
//! A response can contain the policy, the key id, the bucket and the token. So only the status, `Code`, EC and a fact
//! in words of this tool are kept.

use std::fmt;

use http::StatusCode;

use crate::http_client::WebResponse;
use crate::xml;
use oss_emulator::oss::OssErrorKind;

/// The longest code or EC that is kept.
const MAX_WORD: usize = 64;

/// What was observed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Observation {
    pub(super) status: u16,
    pub(super) code: Option<String>,
    pub(super) ec: Option<String>,
    /// What the response or the stored object showed, in the words of the probe.
    pub(super) fact: Option<&'static str>,
}

/// What a reading of the documentation predicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Prediction {
    /// The upload is accepted.
    Accepted,
    /// The upload is accepted, and this fact is observed.
    AcceptedWith(&'static str),
    /// The upload ends with this error. Where the EC is not documented, any is right.
    Refused(OssErrorKind),
}

impl Observation {
    /// Reads a response.
    pub(super) fn of(response: &WebResponse) -> Self {
        let word = |name| xml::child(&response.body, name).filter(|word| is_word(word));
        let is_error = !is_success(response.status);
        let header = || response.header("x-oss-ec").map(str::to_owned).filter(|ec| is_word(ec));
        Self {
            status: response.status.as_u16(),
            code: word("Code").filter(|_| is_error),
            ec: word("EC").or_else(header).filter(|_| is_error),
            fact: None,
        }
    }

    /// Returns whether the file was accepted. 203 means that it was stored and its callback failed.
    pub(super) fn is_accepted(&self) -> bool {
        StatusCode::from_u16(self.status).is_ok_and(is_success)
    }

    /// Returns whether the request was refused because no policy of the key allows it.
    pub(super) fn lacks_right(&self) -> bool {
        self.code.as_deref() == Some("AccessDenied") && self.ec.as_deref() == Some(NO_RIGHT)
    }
}

/// The EC of a request that no policy of the key allows.
const NO_RIGHT: &str = "0003-00000001";

/// Returns what happened to the file. After 203 it is stored, and its callback failed.
fn verb(status: u16) -> &'static str {
    match StatusCode::from_u16(status) {
        Ok(status) if is_success(status) => "accepted",
        Ok(StatusCode::NON_AUTHORITATIVE_INFORMATION) => "stored",
        _ => "refused",
    }
}

fn is_success(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::OK
            | StatusCode::CREATED
            | StatusCode::NO_CONTENT
            | StatusCode::PARTIAL_CONTENT
            | StatusCode::SEE_OTHER
    )
}

/// Returns whether a text is a code or an EC, and no sentence with a name or a key in it.
fn is_word(text: &str) -> bool {
    text.len() <= MAX_WORD && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

impl fmt::Display for Observation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = [self.code.as_deref(), self.ec.as_deref()];
        let words =
            words.into_iter().flatten().map(|word| format!(" {word}")).collect::<Vec<_>>().concat();
        write!(formatter, "{} {}{words}", verb(self.status), self.status)?;
        self.fact.map_or(Ok(()), |fact| write!(formatter, ": {fact}"))
    }
}

impl Prediction {
    /// Returns whether an observation is what was predicted.
    pub(super) fn matches(self, observation: &Observation) -> bool {
        match self {
            Self::Accepted => observation.is_accepted(),
            Self::AcceptedWith(fact) => observation.is_accepted() && observation.fact == Some(fact),
            Self::Refused(kind) => {
                let error = kind.because("");
                observation.status == error.status()
                    && observation.code.as_deref() == Some(error.code())
                    && (error.ec().is_none() || observation.ec.as_deref() == error.ec())
            }
        }
    }
}

impl fmt::Display for Prediction {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accepted => formatter.write_str("accepted"),
            Self::AcceptedWith(fact) => write!(formatter, "accepted: {fact}"),
            Self::Refused(kind) => {
                let error = kind.because("");
                let (status, code) = (error.status(), error.code());
                write!(formatter, "{} {status} {code}", verb(status))?;
                error.ec().map_or(Ok(()), |ec| write!(formatter, " {ec}"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;
    use oss_upload_signer::time;

    fn observed(status: u16, body: &str) -> Observation {
        let status = StatusCode::from_u16(status).unwrap();
        let (headers, body, received_at) = (HeaderMap::new(), body.to_owned(), time::now());
        Observation::of(&WebResponse { status, headers, body, received_at })
    }

    #[test]
    fn a_refusal_is_compared_by_status_code_and_known_ec() {
        let body = "<Error><Code>AccessDenied</Code><EC>0006-00000228</EC></Error>";
        let observation = observed(403, body);
        assert_eq!(observation.to_string(), "refused 403 AccessDenied 0006-00000228");
        assert!(Prediction::Refused(OssErrorKind::ExtraFields).matches(&observation));
        assert!(!Prediction::Refused(OssErrorKind::ConditionFailed).matches(&observation));
        assert!(!Prediction::Accepted.matches(&observation));
        assert!(!Prediction::Refused(OssErrorKind::ExtraFields).matches(&observed(400, body)));
    }

    #[test]
    fn an_ec_that_is_not_documented_is_accepted_and_shown() {
        let body = "<Error><Code>InvalidObjectName</Code><EC>0016-00000001</EC></Error>";
        let observation = observed(400, body);
        assert!(Prediction::Refused(OssErrorKind::KeyInvalid).matches(&observation));
        assert!(observation.to_string().ends_with("0016-00000001"));
    }

    #[test]
    fn a_failed_callback_is_not_an_accepted_upload() {
        let observation = observed(203, "<Error><Code>CallbackFailed</Code></Error>");
        assert!(!observation.is_accepted());
        assert!(Prediction::Refused(OssErrorKind::CallbackFailed).matches(&observation));
        assert_eq!(observation.to_string(), "stored 203 CallbackFailed");
    }

    #[test]
    fn a_fact_distinguishes_two_accepted_uploads() {
        let mut observation = observed(204, "");
        observation.fact = Some("one");
        assert!(Prediction::AcceptedWith("one").matches(&observation));
        assert!(!Prediction::AcceptedWith("two").matches(&observation));
    }

    #[test]
    fn a_code_with_other_characters_is_not_kept() {
        let observation = observed(400, "<Error><Code>my-bucket.oss: no</Code></Error>");
        assert_eq!(observation.code, None);
    }
}
