//! The refusals of RAM, STS and OSS as sentences with what to do. Pure.
//!
//! A code is recognised by its beginning, because gateways differ. The message of a refusal is shown only for codes
//! that are not known here, and never if it repeats what was signed, since that contains the key's token.

use std::fmt;

use serde_json::Value;

use crate::http_client::TransportError;
use crate::xml;

/// The longest message in characters.
const MAX_MESSAGE: usize = 300;

/// A service of the cloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CloudService {
    Sts,
    Ram,
    Oss,
}

/// The reason why a request to the cloud did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CloudError {
    pub(super) service: CloudService,
    /// The right that the request needs, such as `ram:CreateRole`.
    pub(super) action: &'static str,
    /// The role, the policy or the bucket that the request is about.
    pub(super) subject: String,
    pub(super) cause: CloudErrorCause,
}

/// What has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum CloudErrorCause {
    /// There was no response.
    Transport(TransportError),
    Refused(Box<Refusal>),
    /// The response is not the documented one.
    Malformed,
}

/// A refusal in the words of the service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) code: String,
    pub(super) message: String,
    /// The EC of OSS, or nothing.
    pub(super) ec: String,
    pub(super) request_id: String,
    /// The right that is missing, where the response names it.
    pub(super) denied_action: String,
    /// The endpoint that OSS names in place of the one that was called.
    pub(super) endpoint: String,
}

impl fmt::Display for CloudService {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Sts => "STS",
            Self::Ram => "RAM",
            Self::Oss => "OSS",
        })
    }
}

impl Refusal {
    /// Reads the JSON of RAM and STS. Gateways also write small first letters, and XML.
    pub(super) fn of_rpc(status: u16, body: &str) -> Self {
        let json: Value = serde_json::from_str(body).unwrap_or_default();
        let field = |value: &Value, name: &str| {
            let small = format!("{}{}", name[..1].to_ascii_lowercase(), &name[1..]);
            let found = value.get(name).or_else(|| value.get(small)).and_then(Value::as_str);
            found.map(str::to_owned)
        };
        let read =
            |name: &str| field(&json, name).or_else(|| xml::child(body, name)).unwrap_or_default();
        let detail = json.get("AccessDeniedDetail").or_else(|| json.get("accessDeniedDetail"));
        Self {
            status,
            code: read("Code"),
            message: read("Message"),
            request_id: read("RequestId"),
            denied_action: detail.and_then(|one| field(one, "AuthAction")).unwrap_or_default(),
            ..Self::default()
        }
    }

    /// Reads the XML of OSS.
    pub(super) fn of_oss(status: u16, body: &str) -> Self {
        let read = |name: &str| xml::child(body, name).unwrap_or_default();
        Self {
            status,
            code: read("Code"),
            message: read("Message"),
            ec: read("EC"),
            request_id: read("RequestId"),
            denied_action: read("AuthAction"),
            endpoint: read("Endpoint"),
        }
    }

    /// Returns whether the code begins with this.
    pub(super) fn is(&self, code: &str) -> bool {
        self.code.starts_with(code)
    }

    /// Returns whether the service limits the rate of requests, or failed itself: a later request may succeed.
    pub(super) fn is_temporary(&self) -> bool {
        ["Throttling", "ServiceUnavailable", "InternalError"].iter().any(|code| self.is(code))
    }
}

impl CloudError {
    /// Returns the refusal, if there was one.
    pub(super) fn refusal(&self) -> Option<&Refusal> {
        match &self.cause {
            CloudErrorCause::Refused(refusal) => Some(refusal),
            CloudErrorCause::Transport(_) | CloudErrorCause::Malformed => None,
        }
    }

    /// Returns whether what the request is about does not exist.
    pub(super) fn is_missing(&self) -> bool {
        self.refusal().is_some_and(|refusal| {
            ["EntityNotExist", "NoSuchCORSConfiguration", "NoSuchLifecycle"]
                .iter()
                .any(|code| refusal.is(code))
        })
    }

    /// Returns whether what the request creates exists already.
    pub(super) fn is_there_already(&self) -> bool {
        self.refusal().is_some_and(|refusal| refusal.is("EntityAlreadyExists"))
    }
}

impl fmt::Display for CloudError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { service, action, subject, cause } = self;
        match cause {
            CloudErrorCause::Transport(error) => {
                write!(formatter, "{service} could not be reached for {action}: {error}")
            }
            CloudErrorCause::Malformed => write!(
                formatter,
                "{service} has answered {action} for {subject} in a form that is not documented; is the \
                 address right?"
            ),
            CloudErrorCause::Refused(refusal) => {
                let sentence = sentence(*service, action, subject, refusal);
                write!(formatter, "{sentence} ({service}: {}", refusal.label())?;
                if !refusal.request_id.is_empty() {
                    write!(formatter, ", request {}", refusal.request_id)?;
                }
                formatter.write_str(")")
            }
        }
    }
}

impl Refusal {
    fn label(&self) -> String {
        match (self.code.as_str(), self.ec.as_str()) {
            ("", _) => format!("status {}", self.status),
            (code, "") => code.to_owned(),
            (code, ec) => format!("{code}, EC {ec}"),
        }
    }

    /// Returns whether the account or OSS itself is closed because of unpaid bills.
    fn is_arrears(&self) -> bool {
        self.is("UserDisable")
            || self.code.contains("Arrear")
            || self.code.contains("Overdue")
            || self.ec == "0003-00000806"
    }

    fn is_denied(&self) -> bool {
        ["NoPermission", "AccessDenied", "Forbidden", "ImplicitDeny", "ExplicitDeny"]
            .iter()
            .any(|code| self.is(code))
    }

    /// Returns whether OSS or the signature names another region.
    fn is_other_region(&self) -> bool {
        !self.endpoint.is_empty()
            || self.message.contains("specified endpoint")
            || ["0002-00000226", "0002-00000228"].contains(&self.ec.as_str())
    }

    /// Returns the message on one line, or nothing if it repeats what was signed.
    fn safe_message(&self) -> String {
        let lower = self.message.to_lowercase();
        if ["string to sign", "stringtosign", "%2f&"].iter().any(|echo| lower.contains(echo)) {
            return String::new();
        }
        let mut text: String = self.message.chars().take(MAX_MESSAGE).collect();
        if self.message.chars().nth(MAX_MESSAGE).is_some() {
            text.push('…');
        }
        text
    }
}

/// Says what has happened, and what to do.
fn sentence(service: CloudService, action: &str, subject: &str, refusal: &Refusal) -> String {
    if refusal.is_arrears() {
        return "the account has unpaid bills, so the cloud refuses changes; pay them (console > \
                Expenses) and run this again"
            .to_owned();
    }
    if service == CloudService::Oss && refusal.is_other_region() {
        return other_region(subject, refusal);
    }
    if let Some(sentence) = key_sentence(refusal) {
        return sentence.to_owned();
    }
    if refusal.is_denied() {
        return denied(action, subject, refusal);
    }
    match known(refusal) {
        Some(advice) => format!("{subject}: {advice}"),
        None => match refusal.safe_message().as_str() {
            "" => format!("{action} for {subject} was refused"),
            message => format!("{action} for {subject} was refused: {message}"),
        },
    }
}

/// Names the missing right.
fn denied(action: &str, subject: &str, refusal: &Refusal) -> String {
    let action = match refusal.denied_action.as_str() {
        "" => action,
        named => named,
    };
    if refusal.code.contains("MFA") || refusal.message.contains("MFA") {
        return format!(
            "{action} on {subject} needs multi-factor authentication, which an access key does not have; \
             take a key whose policies do not require acs:MFAPresent, or make the changes that --print \
             writes in the console"
        );
    }
    format!(
        "the access key may not do {action} on {subject}; allow its user or role {action} (RAM console > \
         Users > Add Permissions; a policy that requires multi-factor authentication also refuses access \
         keys), or give the output of --print to somebody who may"
    )
}

fn other_region(subject: &str, refusal: &Refusal) -> String {
    let region = refusal.endpoint.strip_prefix("oss-").and_then(|rest| rest.split('.').next());
    match region {
        Some(region) => {
            let region = region.trim_end_matches("-internal");
            format!("{subject} is in the region {region}; set --region {region}")
        }
        None => {
            format!("{subject} is in another region than the one that is set; correct --region")
        }
    }
}

/// Explains a refusal of the key itself.
fn key_sentence(refusal: &Refusal) -> Option<&'static str> {
    const KNOWN: [(&str, &str); 9] = [
        ("InvalidAccessKeyId", "the access key does not exist or is disabled; check the key"),
        ("SignatureDoesNotMatch", "the secret does not belong to the access key; check the secret"),
        (
            "InvalidSecurityToken.Expired",
            "the temporary key has expired; renew it, for example with `aliyun configure`",
        ),
        (
            "SecurityTokenExpired",
            "the temporary key has expired; renew it, for example with `aliyun configure`",
        ),
        ("InvalidSecurityToken", "the security token does not belong to the access key; set both"),
        ("MissingSecurityToken", "the access key is a temporary one; set its security token too"),
        ("InvalidTimeStamp", "the clock of this machine is wrong; set it"),
        ("RequestTimeTooSkewed", "the clock of this machine is wrong; set it"),
        ("Inactive", "RAM is not active in this account; open the RAM console once"),
    ];
    KNOWN.iter().find(|(code, _)| refusal.is(code)).map(|(_, sentence)| *sentence)
}

/// Explains a refusal that is about one role, policy or bucket.
fn known(refusal: &Refusal) -> Option<&'static str> {
    const KNOWN: [(&str, &str); 11] = [
        ("NoSuchBucket", "there is no such bucket; create it, or correct --bucket"),
        ("LimitExceeded.Role", "the account has as many RAM roles as it may; delete one"),
        (
            "LimitExceeded.Policy.Version",
            "the policy has five versions; delete an old one in the RAM console",
        ),
        ("LimitExceeded.Policy", "the account has as many RAM policies as it may; delete one"),
        ("LimitExceeded", "a limit of the account is reached; see the limits of RAM"),
        ("EntityAlreadyExists", "somebody has created it in the meantime; run this again"),
        ("EntityNotExist", "somebody has deleted it in the meantime; run this again"),
        ("DeleteConflict", "something still uses it; run this again"),
        ("Throttling", "the account sends too many requests; run this again in a minute"),
        ("ServiceUnavailable", "the service fails for now; run this again in a minute"),
        ("InternalError", "the service fails for now; run this again in a minute"),
    ];
    KNOWN.iter().find(|(code, _)| refusal.is(code)).map(|(_, sentence)| *sentence)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(service: CloudService, action: &'static str, refusal: Refusal) -> String {
        let subject = match service {
            CloudService::Oss => "the bucket my-bucket",
            _ => "the role signer",
        };
        let cause = CloudErrorCause::Refused(Box::new(refusal));
        CloudError { service, action, subject: subject.to_owned(), cause }.to_string()
    }

    #[test]
    fn a_missing_right_is_named() {
        let body = r#"{"Code":"NoPermission","Message":"You are not authorized to do this action.","RequestId":"R-1"}"#;
        insta::assert_snapshot!(
            error(CloudService::Ram, "ram:CreateRole", Refusal::of_rpc(403, body)),
            @"the access key may not do ram:CreateRole on the role signer; allow its user or role ram:CreateRole (RAM console > Users > Add Permissions; a policy that requires multi-factor authentication also refuses access keys), or give the output of --print to somebody who may (RAM: NoPermission, request R-1)"
        );
        let detailed =
            r#"{"code":"Forbidden.RAM","accessDeniedDetail":{"AuthAction":"ram:PassRole"}}"#;
        let text = error(CloudService::Ram, "ram:CreateRole", Refusal::of_rpc(403, detailed));
        assert!(text.contains("may not do ram:PassRole"), "{text}");
        let oss = "<Error><Code>AccessDenied</Code><EC>0003-00000001</EC><AuthAction>oss:PutBucketCors</AuthAction></Error>";
        let text = error(CloudService::Oss, "oss:PutBucketCors", Refusal::of_oss(403, oss));
        assert!(text.ends_with("(OSS: AccessDenied, EC 0003-00000001)"), "{text}");
    }

    #[test]
    fn unpaid_bills_multi_factor_authentication_and_regions_have_their_own_sentences() {
        let oss =
            |body: &str| error(CloudService::Oss, "oss:GetBucketCors", Refusal::of_oss(403, body));
        insta::assert_snapshot!(
            [
                oss("<Error><Code>UserDisable</Code></Error>"),
                oss("<Error><Code>AccessDenied</Code><Message>The bucket must be addressed using the specified endpoint.</Message><Endpoint>oss-cn-beijing.aliyuncs.com</Endpoint></Error>"),
                oss("<Error><Code>InvalidArgument</Code><EC>0002-00000226</EC></Error>"),
                oss("<Error><Code>NoSuchBucket</Code></Error>"),
                error(CloudService::Ram, "ram:GetRole", Refusal::of_rpc(403, r#"{"Code":"NoPermission","Message":"MFA is required"}"#)),
            ].join("\n"),
            @"
        the account has unpaid bills, so the cloud refuses changes; pay them (console > Expenses) and run this again (OSS: UserDisable)
        the bucket my-bucket is in the region cn-beijing; set --region cn-beijing (OSS: AccessDenied)
        the bucket my-bucket is in another region than the one that is set; correct --region (OSS: InvalidArgument, EC 0002-00000226)
        the bucket my-bucket: there is no such bucket; create it, or correct --bucket (OSS: NoSuchBucket)
        ram:GetRole on the role signer needs multi-factor authentication, which an access key does not have; take a key whose policies do not require acs:MFAPresent, or make the changes that --print writes in the console (RAM: NoPermission)
        "
        );
    }

    #[test]
    fn a_message_that_repeats_what_was_signed_is_not_shown() {
        for (body, shown) in [
            (r#"{"Code":"Odd","Message":"server string to sign is:POST&%2F&marker"}"#, false),
            (r#"{"Code":"Odd","Message":"something else, marker"}"#, true),
            (r#"{"Code":"SignatureDoesNotMatch","Message":"marker"}"#, false),
        ] {
            let text = error(CloudService::Ram, "ram:GetRole", Refusal::of_rpc(400, body));
            assert_eq!(text.contains("marker"), shown, "{text}");
        }
    }

    #[test]
    fn a_response_of_a_gateway_is_read_in_xml_too() {
        let refusal = Refusal::of_rpc(
            503,
            "<?xml version='1.0'?><Error><Code>ServiceUnavailable</Code></Error>",
        );
        assert!(refusal.is_temporary());
        assert_eq!(Refusal::of_rpc(502, "").label(), "status 502");
    }
}
