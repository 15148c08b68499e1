//! The refusals of RAM, STS and OSS as sentences with what to do. Pure.
//!
//! A code is recognised by its beginning, because gateways differ. The message of a refusal is shown only for codes
//! that are not known here, and never if it repeats what was signed, since that contains the key's token.

use std::fmt;

use serde_json::Value;

use crate::http_client::TransportError;
use crate::language::{Text, text};
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
    pub(super) subject: Text,
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

impl CloudError {
    /// Describes the error, and says what to do.
    pub(super) fn text(&self) -> Text {
        let Self { service, action, subject, cause } = self;
        match cause {
            CloudErrorCause::Transport(error) => text!(
                "{service} could not be reached for {action}: {error}",
                "执行 {action} 时无法连接 {service}：{error}"
            ),
            CloudErrorCause::Malformed => {
                text!("{service} has answered {action} for ", "{service} 对 {action}（")
                    .with(subject)
                    .with(&text!(
                        " in a form that is not documented; is the address right?",
                        "）的响应不符合文档；地址是否正确？"
                    ))
            }
            CloudErrorCause::Refused(refusal) => {
                let (label, id) = (refusal.label(), &refusal.request_id);
                let sentence = sentence(*service, action, subject, refusal);
                let request = match id.as_str() {
                    "" => Text::verbatim(""),
                    id => text!(", request {id}", "，请求 {id}"),
                };
                let start = text!(" ({service}: {label}", "（{service}：{label}");
                sentence.with(&start).with(&request).with(&text!(")", "）"))
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
fn sentence(service: CloudService, action: &str, subject: &Text, refusal: &Refusal) -> Text {
    if refusal.is_arrears() {
        return text!(
            "the account has unpaid bills, so the cloud refuses changes; pay them (console > Expenses) and \
             run this again",
            "账号欠费，云端拒绝更改；请结清账单（控制台 > 费用），然后再次运行"
        );
    }
    if service == CloudService::Oss && refusal.is_other_region() {
        return subject.clone().with(&other_region(refusal));
    }
    if let Some(sentence) = key_sentence(refusal) {
        return sentence;
    }
    if refusal.is_denied() {
        return denied(action, subject, refusal);
    }
    if let Some(advice) = known(refusal) {
        return subject.clone().with(&text!(": ", "：")).with(&advice);
    }
    let start = text!("{action} for ", "{action}：对").with(subject);
    let message = refusal.safe_message();
    start.with(&match message.as_str() {
        "" => text!(" was refused", " 的操作被拒绝"),
        message => text!(" was refused: {message}", " 的操作被拒绝：{message}"),
    })
}

/// Names the missing right.
fn denied(action: &str, subject: &Text, refusal: &Refusal) -> Text {
    let action = match refusal.denied_action.as_str() {
        "" => action,
        named => named,
    };
    if refusal.code.contains("MFA") || refusal.message.contains("MFA") {
        return text!("{action} on ", "{action}：对").with(subject).with(&text!(
            " needs multi-factor authentication, which an access key does not have; take a key whose \
             policies do not require acs:MFAPresent, or make the changes that --print writes in the console",
            " 的操作需要多因素认证，而 AccessKey 不具备；请使用权限策略不要求 acs:MFAPresent 的 AccessKey，或在控制台完成 \
             --print 输出的更改"
        ));
    }
    text!("the access key may not do {action} on ", "AccessKey 无权执行 {action}，对象为").with(subject).with(&text!(
        "; allow its user or role {action} (RAM console > Users > Add Permissions; a policy that requires \
         multi-factor authentication also refuses access keys), or give the output of --print to somebody \
         who may",
        "；请为其用户或角色授予 {action}（RAM 控制台 > 用户 > 添加权限；要求多因素认证的权限策略也会拒绝 \
         AccessKey），或将 --print 的输出交给有权限的人"
    ))
}

fn other_region(refusal: &Refusal) -> Text {
    let region = refusal.endpoint.strip_prefix("oss-").and_then(|rest| rest.split('.').next());
    match region {
        Some(region) => {
            let region = region.trim_end_matches("-internal");
            text!(
                " is in the region {region}; set --region {region}",
                " 位于地域 {region}；请设置 --region {region}"
            )
        }
        None => text!(
            " is in another region than the one that is set; correct --region",
            " 不在所设置的地域；请更正 --region"
        ),
    }
}

/// Explains a refusal of the key itself.
fn key_sentence(refusal: &Refusal) -> Option<Text> {
    let expired = text!(
        "the temporary key has expired; renew it, for example with `aliyun configure`",
        "临时 AccessKey 已过期；请更新，例如用 `aliyun configure`"
    );
    let clock = text!("the clock of this machine is wrong; set it", "本机时钟不准；请校准");
    let known = [
        (
            "InvalidAccessKeyId",
            text!(
                "the access key does not exist or is disabled; check the key",
                "AccessKey 不存在或已禁用；请检查"
            ),
        ),
        (
            "SignatureDoesNotMatch",
            text!(
                "the secret does not belong to the access key; check the secret",
                "AccessKey Secret 与 AccessKey ID 不符；请检查"
            ),
        ),
        ("InvalidSecurityToken.Expired", expired.clone()),
        ("SecurityTokenExpired", expired),
        (
            "InvalidSecurityToken",
            text!(
                "the security token does not belong to the access key; set both",
                "安全令牌与 AccessKey 不符；请同时设置两者"
            ),
        ),
        (
            "MissingSecurityToken",
            text!(
                "the access key is a temporary one; set its security token too",
                "这是临时 AccessKey；请同时设置安全令牌"
            ),
        ),
        ("InvalidTimeStamp", clock.clone()),
        ("RequestTimeTooSkewed", clock),
        (
            "Inactive",
            text!(
                "RAM is not active in this account; open the RAM console once",
                "此账号尚未开通 RAM；请打开一次 RAM 控制台"
            ),
        ),
    ];
    known.into_iter().find(|(code, _)| refusal.is(code)).map(|(_, sentence)| sentence)
}

/// Explains a refusal that is about one role, policy or bucket.
#[expect(clippy::too_many_lines, reason = "a table in two languages")]
fn known(refusal: &Refusal) -> Option<Text> {
    let later = text!(
        "the service fails for now; run this again in a minute",
        "服务暂时不可用；请一分钟后再次运行"
    );
    let known = [
        (
            "NoSuchBucket",
            text!(
                "there is no such bucket; create it, or correct --bucket",
                "Bucket 不存在；请创建，或更正 --bucket"
            ),
        ),
        (
            "LimitExceeded.Role",
            text!(
                "the account has as many RAM roles as it may; delete one",
                "账号的 RAM 角色数量已达上限；请删除一个"
            ),
        ),
        (
            "LimitExceeded.Policy.Version",
            text!(
                "the policy has five versions; delete an old one in the RAM console",
                "该权限策略已有五个版本；请在 RAM 控制台删除一个旧版本"
            ),
        ),
        (
            "LimitExceeded.Policy",
            text!(
                "the account has as many RAM policies as it may; delete one",
                "账号的 RAM 权限策略数量已达上限；请删除一个"
            ),
        ),
        (
            "LimitExceeded",
            text!(
                "a limit of the account is reached; see the limits of RAM",
                "已达到账号的限额；请查看 RAM 的使用限制"
            ),
        ),
        (
            "EntityAlreadyExists",
            text!(
                "somebody has created it in the meantime; run this again",
                "期间已有人创建；请再次运行"
            ),
        ),
        (
            "EntityNotExist",
            text!(
                "somebody has deleted it in the meantime; run this again",
                "期间已有人删除；请再次运行"
            ),
        ),
        (
            "DeleteConflict",
            text!("something still uses it; run this again", "仍在使用中；请再次运行"),
        ),
        (
            "Throttling",
            text!(
                "the account sends too many requests; run this again in a minute",
                "账号的请求过多；请一分钟后再次运行"
            ),
        ),
        ("ServiceUnavailable", later.clone()),
        ("InternalError", later),
    ];
    known.into_iter().find(|(code, _)| refusal.is(code)).map(|(_, sentence)| sentence)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::Language;

    fn error(service: CloudService, action: &'static str, refusal: Refusal) -> String {
        let subject = match service {
            CloudService::Oss => "the bucket my-bucket",
            _ => "the role signer",
        };
        let cause = CloudErrorCause::Refused(Box::new(refusal));
        let error = CloudError { service, action, subject: Text::verbatim(subject), cause };
        error.text().in_language(Language::En).to_owned()
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
