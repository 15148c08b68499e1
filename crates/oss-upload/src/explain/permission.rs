//! What a policy allows, condition by condition, and what it leaves to the sender.

use crate::explain::{View, callback, media_type};
use crate::language::Language;
use oss_emulator::oss::policy::{PolicyCondition, PostPolicy};
use oss_emulator::oss::{OssError, Strictness};
use oss_upload_signer::time::Timestamp;

/// The field whose value is a secret token.
pub(super) const TOKEN: &str = "x-oss-security-token";

/// A policy as it was written.
pub(super) enum Document {
    Base64(String),
    Json(Vec<u8>),
}

impl Document {
    /// Parses the policy as OSS does.
    pub(super) fn parse(&self, strictness: &Strictness) -> Result<PostPolicy, OssError> {
        match self {
            Self::Base64(text) => PostPolicy::decode(text, strictness),
            Self::Json(text) => PostPolicy::parse(text, strictness),
        }
    }
}

/// Explains a policy.
pub(super) fn explain(policy: &PostPolicy, view: &View) -> Vec<String> {
    let language = view.language;
    let mut said = vec![until(policy, view)];
    said.extend(
        policy.conditions().iter().map(|condition| format!("  {}", describe(condition, language))),
    );
    said.extend(open(policy, language));
    said.extend(media_type::of_policy(policy, language));
    for condition in policy.conditions().iter().filter(|one| is_callback(one)) {
        if let PolicyCondition::Equal(_, value) = condition {
            said.extend(callback::explain(value, language));
        }
    }
    said
}

fn until(policy: &PostPolicy, view: &View) -> String {
    let end = policy.expires_at();
    let moment = Timestamp::from_unix(end).map_or_else(|| end.to_string(), Timestamp::rfc3339);
    let left = end - view.now.unix();
    if left < 0 {
        let ago = span(-left, view.language);
        return view.language.choose(
            format!("The policy expired at {moment}, {ago} ago. Until then it allowed:"),
            format!("policy 已于 {moment} 过期（{ago}前）。有效时允许："),
        );
    }
    let left = span(left, view.language);
    view.language.choose(
        format!("The policy is good until {moment}, for another {left}. It allows:"),
        format!("policy 有效至 {moment}（还剩 {left}）。允许："),
    )
}

fn span(seconds: i64, language: Language) -> String {
    let (count, english, chinese) = match seconds {
        172_800.. => (seconds / 86_400, "days", "天"),
        7_200.. => (seconds / 3_600, "hours", "小时"),
        120.. => (seconds / 60, "minutes", "分钟"),
        _ => (seconds, "seconds", "秒"),
    };
    language.choose(format!("{count} {english}"), format!("{count} {chinese}"))
}

/// Describes what a condition requires, without the token.
pub(crate) fn describe(condition: &PolicyCondition, language: Language) -> String {
    let field = condition.field().unwrap_or_default();
    if is_secret(condition) {
        return language.choose(
            format!("{field} is the one that was signed"),
            format!("{field} 与签名时相同"),
        );
    }
    match condition {
        // It is explained in words of its own.
        PolicyCondition::Equal(..) if is_callback(condition) => language.choose(
            format!("{field} is the one that was granted"),
            format!("{field} 与授权时相同"),
        ),
        PolicyCondition::Equal(_, value) => {
            language.choose(format!("{field} is {value:?}"), format!("{field} 等于 {value:?}"))
        }
        PolicyCondition::StartsWith(_, prefix) if prefix.is_empty() => language.choose(
            format!("{field} is sent, with any value"),
            format!("{field} 必须发送，值不限"),
        ),
        PolicyCondition::StartsWith(_, prefix) => language.choose(
            format!("{field} begins with {prefix:?}"),
            format!("{field} 以 {prefix:?} 开头"),
        ),
        PolicyCondition::In(_, values) => language
            .choose(format!("{field} is one of {values:?}"), format!("{field} 是 {values:?} 之一")),
        PolicyCondition::NotIn(_, values) => language.choose(
            format!("{field} is none of {values:?}"),
            format!("{field} 不是 {values:?} 中的任何一个"),
        ),
        PolicyCondition::SizeRange(min, max) => language.choose(
            format!("the file has {min} to {max} bytes"),
            format!("文件大小为 {min} 至 {max} 字节"),
        ),
    }
}

/// Returns whether the value of a condition is a secret.
pub(super) fn is_secret(condition: &PolicyCondition) -> bool {
    condition.field().is_some_and(|field| field.eq_ignore_ascii_case(TOKEN))
}

/// Returns whether a condition is on the callback.
pub(super) fn is_callback(condition: &PolicyCondition) -> bool {
    condition.field().is_some_and(|field| field.eq_ignore_ascii_case(callback::FIELD))
}

/// Quotes a condition as OSS does, without the token.
pub(super) fn quote(condition: &PolicyCondition) -> String {
    if is_secret(condition) {
        return format!("[\"eq\", \"${TOKEN}\", \"…\"]");
    }
    condition.to_string()
}

/// Names what no condition limits: there OSS accepts every value.
fn open(policy: &PostPolicy, language: Language) -> Vec<String> {
    let named = |field: &str| {
        policy
            .conditions()
            .iter()
            .filter_map(PolicyCondition::field)
            .any(|one| one.eq_ignore_ascii_case(field))
    };
    let sized = policy.conditions().iter().any(|one| matches!(one, PolicyCondition::SizeRange(..)));
    let mut open = Vec::new();
    if !named("bucket") {
        open.push(language.choose("the bucket", "存储空间"));
    }
    if !named("key") {
        open.push(language.choose("the key", "对象名"));
    }
    if !sized {
        open.push(language.choose("the size", "文件大小"));
    }
    if open.is_empty() {
        return Vec::new();
    }
    let list = open.join(language.choose(", ", "、"));
    vec![language.choose(
        format!("Nothing limits {list}: whoever has the form chooses. Add a condition for each."),
        format!("没有限制{list}：持有表单的人可以任意选择。请为每一项添加条件。"),
    )]
}
