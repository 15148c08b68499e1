//! What STS said instead of a key, what helps, and how it is told.
//!
//! Errors are known by how their code begins: the same code comes with different statuses from
//! different gateways. The message is STS's own, and not to be trusted with secrets: about a wrong
//! signature it repeats the whole text that was signed, token included.

use crate::credentials::Failure;
use crate::credentials::sts::message::Message;
use crate::crypto::percent_encode;
use crate::secret::Secret;

/// Longer messages are cut.
const MAX_MESSAGE: usize = 300;

/// Where a message begins to repeat what was signed.
const ECHOES: [&str; 3] = ["server string to sign", "string to sign", "post&%2f&"];

/// How codes begin, what helps at once, and what somebody has to do if that did not. The first
/// line that fits counts.
const KNOWN: &[(&str, Remedy, &str)] = &[
    ("Throttling", Remedy::Again, "the account calls STS too often; share keys between instances"),
    ("ServiceUnavailable", Remedy::Again, "wait until STS works again"),
    ("InternalError", Remedy::Again, "wait until STS works again"),
    ("SignatureNonceUsed", Remedy::Again, "something repeats requests; look for it on the way"),
    ("InvalidTimeStamp", Remedy::Clock, "set this machine's clock"),
    ("IllegalTimestamp", Remedy::Clock, "set this machine's clock"),
    ("InvalidSecurityToken.Expired", Remedy::Proof, "renew the key that takes the role"),
    ("AuthenticationFail.OIDCToken.Expired", Remedy::Proof, "renew the token in the token file"),
    (
        "AuthenticationFail.OIDCToken.AudienceNotMatch",
        Remedy::Mend,
        "issue it for the audience sts.aliyuncs.com",
    ),
    (
        "AuthenticationFail.OIDCToken",
        Remedy::Mend,
        "hold the token against the identity provider in RAM",
    ),
    (
        "AuthenticationFail.NoPermission",
        Remedy::Mend,
        "let the role's trust policy name the identity provider",
    ),
    (
        "NoPermission",
        Remedy::Mend,
        "let the role's trust policy name the caller, and allow the caller sts:AssumeRole on the \
         role; an account's own key can take no role",
    ),
    ("Forbidden", Remedy::Mend, "allow the caller sts:AssumeRole on the role"),
    ("EntityNotExist", Remedy::Mend, "check the role's ARN"),
    (
        "InvalidParameter.DurationSeconds",
        Remedy::Mend,
        "ask for at most the role's longest session",
    ),
    ("InvalidParameter.Policy", Remedy::Mend, "check the session policy"),
    ("InvalidParameter", Remedy::Mend, "check the settings of the role"),
    ("InvalidAccessKeyId", Remedy::Mend, "check that the access key exists and is enabled"),
    ("MissingSecurityToken", Remedy::Mend, "the key is a temporary one, so set its token too"),
    ("InvalidSecurityToken", Remedy::Mend, "check that key and token belong together"),
    ("SignatureDoesNotMatch", Remedy::Mend, "check the access key's secret"),
];

/// What helps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// The same again after a while, with a new nonce.
    Again,
    /// Once more at once, by the server's clock.
    Clock,
    /// Once more with a newer key or token.
    Proof,
    /// Another time; nothing that can be done now.
    Later,
    /// Somebody's hand.
    Mend,
}

/// An answer without a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The status, which alone says little.
    pub status: u16,
    /// The code; none if the answer is not one that STS writes.
    pub code: Option<String>,
    /// STS's sentence, as it came.
    pub message: Secret,
    /// What support asks for.
    pub request_id: Option<String>,
}

impl Refusal {
    /// Tells what helps.
    #[must_use]
    pub fn remedy(&self) -> Remedy {
        let known = self.known().map(|(_, remedy, _)| *remedy);
        match (known, self.status) {
            (Some(remedy), _) => remedy,
            // With 200 it is an answer that was cut off, or a page that somebody put in its place.
            (None, 200 | 429 | 500..) => Remedy::Again,
            (None, _) if self.code.is_none() => Remedy::Later,
            (None, _) => Remedy::Mend,
        }
    }

    /// Makes a failure of it, which says nothing that was confidential in what was `sent`.
    #[must_use]
    pub fn explain(&self, sent: &Message) -> Failure {
        let reason = self.reason(sent);
        match self.remedy() {
            Remedy::Mend => Failure::permanent(reason),
            _ => Failure::temporary(reason),
        }
    }

    fn known(&self) -> Option<&'static (&'static str, Remedy, &'static str)> {
        let code = self.code.as_deref()?;
        KNOWN.iter().find(|(beginning, ..)| code.starts_with(beginning))
    }

    fn reason(&self, sent: &Message) -> String {
        let status = self.status;
        let Some(code) = &self.code else {
            return format!(
                "the answer ({status}) is not one that STS writes; \
                 check the address of STS and what stands in between"
            );
        };
        let mut reason = format!("STS answered {} ({status})", plain(code));
        let message = self.message(sent);
        if !message.is_empty() {
            reason = format!("{reason}: {message}");
        }
        if let Some(advice) = self.signature(sent).or(self.known().map(|(.., advice)| *advice)) {
            reason = format!("{reason}; {advice}");
        }
        if let Some(id) = &self.request_id {
            reason = format!("{reason}; request id {}", plain(id));
        }
        reason
    }

    /// Gives what may be shown of STS's sentence.
    fn message(&self, sent: &Message) -> String {
        let whole = self.message.expose();
        let small = whole.to_ascii_lowercase();
        let repeats =
            |secret: &str| whole.contains(secret) || whole.contains(&percent_encode(secret));
        if sent.confidential.iter().any(|secret| repeats(secret.expose())) {
            return String::new();
        }
        // Lower case for ASCII alone moves no letter, so a place in one text is one in the other.
        let echo = ECHOES.iter().filter_map(|echo| small.find(echo)).min();
        let shown = plain(&whole[..echo.unwrap_or(whole.len())]);
        shown.trim_end_matches([' ', '.', ':']).to_owned()
    }

    /// Tells a wrong secret from a request that was changed: STS repeats what it has signed.
    fn signature(&self, sent: &Message) -> Option<&'static str> {
        let ours = sent.string_to_sign.as_ref()?;
        if !self.code.as_deref()?.starts_with("SignatureDoesNotMatch") {
            return None;
        }
        let (_, theirs) = self.message.expose().split_once("string to sign is:")?;
        Some(if theirs.trim() == ours.expose() {
            "both signed the same text, so the access key's secret is wrong"
        } else {
            "STS signed another text, so something on the way changes requests"
        })
    }
}

/// Makes one short line of what another wrote.
fn plain(text: &str) -> String {
    let letters = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter });
    letters.take(MAX_MESSAGE).collect()
}
