//! Checks of the signed form: whether the function signs one, and whether OSS can accept it.

use crate::doctor::finding::Finding;
use crate::doctor::fix;
use crate::doctor::signer_response::{
    ApiProblem, FormResponse, SignedForm, UploadTarget, foreign_response, single_line,
};
use crate::doctor::target::DoctorTarget;
use crate::explain::describe_condition;
use crate::http_client::WebResponse;
use crate::language::{Language, Text, text};
use crate::requirements::ram_policy::TRUST_POLICY;
use oss_emulator::oss::policy::{PolicyCondition, PostPolicy};
use oss_upload_signer::time::Timestamp;

/// The checks that need a form.
pub(super) const NEED_FORM: &[&str] = &[
    "grant.fields",
    "grant.expiry",
    "grant.signature",
    "grant.policy",
    "grant.address",
    "grant.region",
];

const GIVEN: &str = "grant.given";

/// A shorter lifetime is too short for a page, in seconds.
const MIN_LIFETIME: i64 = 60;

/// The fields of a form, by signature version.
const V4_FIELDS: &[&str] = &[
    "key",
    "policy",
    "x-oss-signature-version",
    "x-oss-credential",
    "x-oss-date",
    "x-oss-signature",
];
const V1_FIELDS: &[&str] = &["key", "policy", "OSSAccessKeyId", "Signature"];

/// Fields that every policy has to name, and that say nothing about what is allowed.
const SIGNATURE_FIELDS: [&str; 4] =
    ["x-oss-signature-version", "x-oss-credential", "x-oss-date", "x-oss-security-token"];

/// Fields by which a sender can influence the object, unless the policy names them.
const OBJECT_FIELDS: [&str; 6] = [
    "content-type",
    "x-oss-object-acl",
    "x-oss-forbid-overwrite",
    "x-oss-storage-class",
    "content-disposition",
    "cache-control",
];

/// The kind of endpoint that a host belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Endpoint {
    /// The public endpoint of a region.
    Public(String),
    /// An endpoint that is reachable only inside the cloud.
    Internal,
    /// A custom domain, an accelerate endpoint, or another host without a region.
    Unknown,
}

/// Checks the response to the request for a form, and the form itself.
pub(super) fn check(
    doctor: &DoctorTarget,
    response: &WebResponse,
    findings: &mut Vec<Finding>,
) -> Option<SignedForm> {
    let refused = match FormResponse::parse(response) {
        FormResponse::Signed(form) => {
            let key = single_line(&form.key);
            findings.push(Finding::ok(GIVEN, text!("for {key}", "对象为 {key}")));
            findings.extend(check_form(doctor, &form));
            return Some(*form);
        }
        FormResponse::Refused(problem) => refused(doctor, &problem),
        FormResponse::Foreign => foreign_response(GIVEN, response),
    };
    findings.push(refused);
    findings.extend(Finding::skip_all(NEED_FORM, &text!("there is no form", "没有表单")));
    None
}

/// Checks a form without sending it.
fn check_form(doctor: &DoctorTarget, form: &SignedForm) -> Vec<Finding> {
    let target = form.upload_target();
    vec![
        fields(form),
        expiry(form),
        signature(form),
        policy(form),
        address(doctor, &target),
        region(form, &target),
    ]
}

/// Creates the finding of an error of the function in place of a form.
fn refused(doctor: &DoctorTarget, problem: &ApiProblem) -> Finding {
    let code = problem.error.as_str();
    let finding = Finding::fail(GIVEN, problem.text())
        .why(text!("Without a form no page can upload.", "没有表单，任何页面都无法上传。"));
    match code {
        "no_credentials" => missing_role(doctor, finding),
        "credentials_expired" => finding.cause("credentials-expired").fix(text!(
            "Deploy again, so that new instances start with new credentials of the role.",
            "请重新部署，让新实例使用角色的新凭证。"
        )),
        "credentials_unavailable" => finding.cause("credentials-unavailable").fix(text!(
            "Function Compute console > Functions > the function > Logs: the line with this code has \
             the response of STS or the metadata service. With role_arn, the function's own role \
             needs sts:AssumeRole on it, and that role has to trust the function's role.",
            "函数计算控制台 > 函数 > 该函数 > 日志：含有此错误码的行记录了 STS 或元数据服务的响应。使用 \
             role_arn 时，函数自身的角色需要对它有 sts:AssumeRole 权限，且该角色要信任函数的角色。"
        )),
        "limits_unavailable" => finding.cause("limits-unavailable").fix(text!(
            "Function Compute console > Functions > the function > Logs: the line \"the shared store cannot \
             be used\" has the reason. Check UPLOAD_STORE_URL, the store, and the VPC of the function; with \
             UPLOAD_STORE_FAILURE=local the function signs without the store.",
            "函数计算控制台 > 函数 > 该函数 > 日志：含有 \"the shared store cannot be used\" \
             的行说明了原因。请检查 UPLOAD_STORE_URL、共享存储以及函数的 VPC；设置 \
             UPLOAD_STORE_FAILURE=local 后，函数无需共享存储即可签名。"
        )),
        code if code.starts_with("metadata_") => finding.cause(code).fix(text!(
            "Give a value that the route accepts: --metadata NAME=VALUE",
            "请提供路由接受的值：--metadata NAME=VALUE"
        )),
        code if problem.is_about_caller() && doctor.credentials.is_empty() => {
            finding.cause(code).fix(text!(
                "The route requires authentication. Set what a page would send, and run this \
                 again:\n  \
                 export DOCTOR_TICKET=$(oss-upload ticket --sub doctor)   # with UPLOAD_TICKET_KEYS\n  \
                 export DOCTOR_TOKEN=...                                  # a token of your issuer",
                "路由要求认证。请设置页面会发送的凭证，然后重新运行：\n  \
                 export DOCTOR_TICKET=$(oss-upload ticket --sub doctor)   # 需要 UPLOAD_TICKET_KEYS\n  \
                 export DOCTOR_TOKEN=...                                  # 您的身份提供商的令牌"
            ))
        }
        code => finding.cause(code).fix(text!("See the message.", "请按照错误信息处理。")),
    }
}

/// Adds both policies of the role, with the bucket and directory of the user's environment.
fn missing_role(doctor: &DoctorTarget, finding: Finding) -> Finding {
    let directory = fix::fixed_directory(doctor.directory.as_deref().unwrap_or("uploads/"));
    let bucket = doctor.bucket.as_deref();
    let permission = fix::permission_policy(bucket, &directory, doctor.features());
    let trust = TRUST_POLICY;
    let unknown = match bucket {
        Some(_) => Text::verbatim(""),
        None => text!(
            "\nReplace my-bucket by your bucket, or set OSS_BUCKET (and UPLOAD_DIR) here and run \
             this again.",
            "\n请将 my-bucket 换成您的存储空间，或在此设置 OSS_BUCKET（以及 UPLOAD_DIR）后重新运行。"
        ),
    };
    finding.cause("missing-role").fix(
        text!(
            "RAM console > Roles > Create Role > Alibaba Cloud Service > Function Compute, with this \
             trust policy:\n{trust}\nAttach this permission policy and no other:\n{permission}",
            "RAM 控制台 > 身份管理 > 角色 > 创建角色 > 阿里云服务 > \
             函数计算，使用以下信任策略：\n{trust}\n只授予以下权限策略：\n{permission}"
        )
        .with(&unknown)
        .with(&text!(
            "\nThen Function Compute console > Functions > the function > Configuration > Role: \
             select it (s.yaml: role), and deploy.",
            "\n然后在 函数计算控制台 > 函数 > 该函数 > 配置 > 角色 \
             中选择它（s.yaml：role）并重新部署。"
        )),
    )
}

fn fields(form: &SignedForm) -> Finding {
    let id = "grant.fields";
    let mut required = if form.is_v4() { V4_FIELDS.to_vec() } else { V1_FIELDS.to_vec() };
    let key_id = form.field("x-oss-credential").or_else(|| form.field("OSSAccessKeyId"));
    if key_id.is_some_and(|key_id| key_id.starts_with("STS.")) {
        required.push("x-oss-security-token");
    }
    let is_set = |name: &&str| form.field(name).is_some_and(|value| !value.is_empty());
    let missing: Vec<&str> = required.into_iter().filter(|name| !is_set(name)).collect();
    if missing.is_empty() {
        let count = form.fields.len();
        return Finding::ok(id, text!("all {count} fields are present", "{count} 个字段齐全"));
    }
    let names = missing.join(", ");
    Finding::fail(id, text!("missing or empty: {names}", "缺失或为空：{names}"))
        .cause("incomplete-grant")
        .why(text!(
            "OSS refuses a form without one of them, or takes it for another signature version.",
            "缺少其中任何一个，OSS 都会拒绝表单，或将其视为另一签名版本。"
        ))
        .fix(text!(
            "Compare the deployed version with this tool's (GET /health), and look for a proxy that \
             changes responses.",
            "请核对部署的版本与本工具的版本（GET /health），并检查是否有代理修改了响应。"
        ))
}

fn expiry(form: &SignedForm) -> Finding {
    let id = "grant.expiry";
    let (Some(lifetime), Some(policy)) = (form.lifetime(), form.policy()) else {
        let reason = text!("the expiry of the form is not readable", "无法读取表单的到期时间");
        return Finding::skipped(id, reason);
    };
    let setting = text!(
        "UPLOAD_EXPIRES sets the lifetime of a form (default 10m); credentials that expire sooner \
         shorten it.",
        "UPLOAD_EXPIRES 设置表单的有效期（默认 10m）；凭证更早到期时有效期会缩短。"
    );
    let difference = policy.expires_at() - form.expires_at.map_or(0, Timestamp::unix);
    if difference != 0 {
        return two_expiry_times(difference.abs());
    }
    if lifetime <= 0 {
        return expired(-lifetime, &setting);
    }
    let seen = text!("it is valid for {lifetime} seconds", "有效期为 {lifetime} 秒");
    if lifetime < MIN_LIFETIME {
        return Finding::warn(id, seen)
            .cause("short-lived")
            .why(text!(
                "The upload of a large file on a slow line ends after the form has expired.",
                "网络较慢时，大文件传完之前表单就已过期。"
            ))
            .fix(setting);
    }
    Finding::ok(id, seen)
}

fn two_expiry_times(seconds: i64) -> Finding {
    let seen = text!(
        "the response and the policy have two expiry times, {seconds} seconds apart",
        "响应与 policy 中的到期时间相差 {seconds} 秒"
    );
    Finding::fail("grant.expiry", seen)
        .cause("two-ends")
        .why(text!(
            "The page uses the time of the response, OSS that of the policy.",
            "页面使用响应中的时间，OSS 使用 policy 中的时间。"
        ))
        .fix(text!(
            "Look for a cache in front of the function: forms must not be cached (Cache-Control: \
             no-store).",
            "请检查函数前面的缓存：表单不得被缓存（Cache-Control: no-store）。"
        ))
}

fn expired(ago: i64, setting: &Text) -> Finding {
    let seen =
        text!("it expired {ago} seconds before it was issued", "它在签发前 {ago} 秒就已过期");
    Finding::fail("grant.expiry", seen)
        .cause("expired-grant")
        .why(text!(
            "OSS refuses it with AccessDenied (0006-00000213).",
            "OSS 会以 AccessDenied（0006-00000213）拒绝它。"
        ))
        .fix(
            text!(
                "Look for a cache in front of the function, and see the finding on the clock. ",
                "请检查函数前面的缓存，并查看关于时钟的检查结果。"
            )
            .with(setting),
        )
}

fn signature(form: &SignedForm) -> Finding {
    let id = "grant.signature";
    if form.is_v4() {
        return Finding::ok(id, Text::verbatim("V4"));
    }
    Finding::warn(id, text!("V1, the old signature", "V1，旧版签名"))
        .cause("v1-signature")
        .why(text!(
            "OSS refuses it for accounts opened since 2025-03-01 and buckets created since \
             2025-09-01.",
            "2025-03-01 起开通的账号和 2025-09-01 起创建的存储空间，OSS 会拒绝 V1。"
        ))
        .fix(text!(
            "Unless a page needs V1: UPLOAD_SIGNATURE=v4 (or remove the line), and deploy.",
            "除非页面必须使用 V1，请设置 UPLOAD_SIGNATURE=v4（或删除此行）并重新部署。"
        ))
}

/// Explains the policy, and finds what it does not limit.
fn policy(form: &SignedForm) -> Finding {
    let id = "grant.policy";
    let Some(policy) = form.policy() else {
        return Finding::fail(id, text!("the policy is not readable", "policy 无法读取"))
            .cause("unreadable-policy")
            .why(text!(
                "OSS parses it as strictly, and refuses the form with InvalidPolicyDocument.",
                "OSS 的解析同样严格，会以 InvalidPolicyDocument 拒绝表单。"
            ))
            .fix(text!(
                "Run oss-upload explain on the form: it shows where the policy is wrong.",
                "请对表单运行 oss-upload explain：它会指出 policy 的错误之处。"
            ));
    };
    let summary = policy_summary(&policy);
    let unlimited = unlimited(&policy);
    if unlimited.is_empty() {
        return Finding::ok(id, summary);
    }
    let english: Vec<_> = unlimited.iter().map(|(english, _)| *english).collect();
    let chinese: Vec<_> = unlimited.iter().map(|(_, chinese)| *chinese).collect();
    let seen = Text::new(
        format!("no condition limits {}. The policy: ", english.join(", ")),
        format!("没有条件限制{}。policy：", chinese.join("、")),
    );
    Finding::fail(id, seen.with(&summary))
        .cause("not-pinned")
        .why(text!(
            "OSS accepts any value for what the policy does not name, so everyone who has the form \
             can choose it.",
            "policy 未提及的内容，OSS 接受任意值，因此持有表单的任何人都可以自行决定。"
        ))
        .fix(text!(
            "Let the signer add a condition for each; the function of this repository does.",
            "请让签名函数为每一项添加条件；本仓库的函数会这样做。"
        ))
}

fn policy_summary(policy: &PostPolicy) -> Text {
    let conditions = |language| {
        let conditions = policy.conditions().iter();
        let conditions = conditions.filter(|condition| {
            !condition.field().is_some_and(|field| is_one_of(&SIGNATURE_FIELDS, field))
        });
        conditions.map(|condition| describe_condition(condition, language)).collect::<Vec<_>>()
    };
    let free: Vec<&str> =
        OBJECT_FIELDS.into_iter().filter(|name| !names_field(policy, name)).collect();
    let summary =
        Text::new(conditions(Language::En).join("; "), conditions(Language::Zh).join("；"));
    if free.is_empty() {
        return summary;
    }
    let free = free.join(", ");
    summary.with(&text!(". The sender may choose: {free}", "。发送方可自行决定：{free}"))
}

/// Returns what no condition limits, in both languages.
fn unlimited(policy: &PostPolicy) -> Vec<(&'static str, &'static str)> {
    let has_size =
        policy.conditions().iter().any(|one| matches!(one, PolicyCondition::SizeRange(..)));
    let mut unlimited = Vec::new();
    if !names_field(policy, "bucket") {
        unlimited.push(("the bucket", "存储空间"));
    }
    if !limits_field(policy, "key") {
        unlimited.push(("the key", "对象键"));
    }
    if !has_size {
        unlimited.push(("the size", "大小"));
    }
    unlimited
}

/// Returns whether a condition names a field; the content type has two names.
fn names_field(policy: &PostPolicy, name: &str) -> bool {
    let also = format!("x-oss-{name}");
    let fields = policy.conditions().iter().filter_map(PolicyCondition::field);
    fields.into_iter().any(|field| is_one_of(&[name, &also], field))
}

/// Returns whether a condition limits a field; an empty prefix does not.
fn limits_field(policy: &PostPolicy, name: &str) -> bool {
    policy.conditions().iter().any(|condition| {
        let is_open =
            matches!(condition, PolicyCondition::StartsWith(_, prefix) if prefix.is_empty());
        !is_open && condition.field().is_some_and(|field| field.eq_ignore_ascii_case(name))
    })
}

fn is_one_of(names: &[&str], field: &str) -> bool {
    names.iter().any(|name| name.eq_ignore_ascii_case(field))
}

/// Returns the endpoint of a host; the local OSS has names below `localhost`.
fn endpoint(host: &str) -> Endpoint {
    let host = host.to_ascii_lowercase();
    let below = host.strip_suffix(".aliyuncs.com").or_else(|| host.strip_suffix(".localhost"));
    let Some((_, endpoint)) = below.and_then(|below| below.split_once('.')) else {
        return Endpoint::Unknown;
    };
    if endpoint.ends_with("-internal") {
        return Endpoint::Internal;
    }
    let region = endpoint.strip_prefix("oss-").or_else(|| endpoint.strip_suffix(".oss"));
    match region {
        Some(region) if !region.starts_with("accelerate") => Endpoint::Public(region.to_owned()),
        _ => Endpoint::Unknown,
    }
}

/// Checks whether a browser can use the upload address.
fn address(doctor: &DoctorTarget, target: &UploadTarget) -> Finding {
    let id = "grant.address";
    let seen = Text::verbatim(single_line(&target.url));
    if endpoint(&target.host) == Endpoint::Internal {
        return Finding::fail(id, seen)
            .cause("internal-endpoint")
            .why(text!(
                "This host is reachable only inside the cloud's network, and browsers are outside.",
                "此域名只能在云内网络访问，而浏览器在外部。"
            ))
            .fix(text!(
                "Remove OSS_UPLOAD_HOST from the function's environment, or set it to the public \
                 host or your own domain, and deploy.",
                "请从函数的环境变量中删除 OSS_UPLOAD_HOST，或将其设为公网域名或自己的域名，并重新部署。"
            ));
    }
    if !doctor.may_load(&target.url) {
        return Finding::fail(id, seen)
            .cause("no-https")
            .why(text!(
                "An https page may not post to it (mixed content).",
                "https 页面不能向它提交（混合内容）。"
            ))
            .fix(text!(
                "Write https in OSS_UPLOAD_HOST, give a domain of your own a certificate (OSS \
                 console > Buckets > the bucket > Bucket Settings > Domain Names > Certificate), \
                 and deploy.",
                "请在 OSS_UPLOAD_HOST 中使用 https，为自己的域名配置证书（OSS 控制台 > Bucket 列表 > \
                 该存储空间 > Bucket 配置 > 域名管理 > 证书），并重新部署。"
            ));
    }
    Finding::ok(id, seen)
}

/// Compares the region of the signature with that of the host.
fn region(form: &SignedForm, target: &UploadTarget) -> Finding {
    let id = "grant.region";
    if !form.is_v4() {
        return Finding::skipped(id, text!("V1 signs no region", "V1 签名不含地域"));
    }
    let Some(signed) = &target.signed_region else {
        return Finding::skipped(id, text!("the form names no region", "表单中没有地域"));
    };
    match endpoint(&target.host) {
        Endpoint::Public(region) if region != *signed => wrong_region(
            text!(
                "signed for {signed}, but the host is in {region}",
                "签名的地域为 {signed}，但域名属于 {region}"
            ),
            &region,
        ),
        Endpoint::Public(_) => Finding::ok(
            id,
            text!(
                "signed for {signed}, the region of the host",
                "签名的地域为 {signed}，与域名一致"
            ),
        ),
        _ => match signed.strip_prefix("oss-") {
            Some(region) => wrong_region(
                text!(
                    "signed for {signed}, which is no region",
                    "签名的地域为 {signed}，这不是地域"
                ),
                region,
            ),
            None => Finding::ok(
                id,
                text!(
                    "signed for {signed}; the host names no region",
                    "签名的地域为 {signed}；域名中没有地域"
                ),
            ),
        },
    }
}

fn wrong_region(seen: Text, region: &str) -> Finding {
    Finding::fail("grant.region", seen)
        .cause("wrong-region")
        .why(text!(
            "OSS refuses a signature for another region than the bucket's (0002-00000715).",
            "签名的地域与存储空间不同时，OSS 会拒绝（0002-00000715）。"
        ))
        .fix(text!(
            "Set the bucket's region in the function's environment, and \
             deploy:\n  OSS_REGION={region}",
            "请在函数的环境变量中设置存储空间的地域并重新部署：\n  OSS_REGION={region}"
        ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_has_a_region_or_none() {
        let public = |region: &str| Endpoint::Public(region.to_owned());
        for (host, expected) in [
            ("b.oss-cn-hangzhou.aliyuncs.com", public("cn-hangzhou")),
            ("b.oss-cn-hangzhou-internal.aliyuncs.com", Endpoint::Internal),
            ("b.cn-hangzhou.oss.aliyuncs.com", public("cn-hangzhou")),
            ("b.oss-accelerate.aliyuncs.com", Endpoint::Unknown),
            ("b.oss-cn-beijing.localhost", public("cn-beijing")),
            ("upload.example.com", Endpoint::Unknown),
            ("127.0.0.1", Endpoint::Unknown),
        ] {
            assert_eq!(endpoint(host), expected, "{host}");
        }
    }
}
