//! Responses of the signer: forms, errors of the function, errors of the platform in its place, and
//! responses of something else.

use http::Uri;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::console;
use crate::doctor::finding::Finding;
use crate::doctor::fix;
use crate::http_client::{TransportError, WebResponse};
use crate::language::{Text, text};
use oss_emulator::oss::Strictness;
use oss_emulator::oss::policy::{PolicyCondition, PostPolicy};
use oss_upload_signer::time::Timestamp;

/// An error of the function, sanitized for a console.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub(super) struct ApiProblem {
    pub(super) error: String,
    #[serde(default)]
    pub(super) message: String,
}

/// A signed form for one file. It contains the token, so it has no `Debug`.
#[derive(Clone)]
pub(super) struct SignedForm {
    pub(super) url: String,
    pub(super) fields: Vec<(String, String)>,
    pub(super) key: String,
    /// Whether no other form has this key.
    unique: bool,
    pub(super) expires_at: Option<Timestamp>,
    server_time: Option<Timestamp>,
}

/// The response to a request for one form.
pub(super) enum FormResponse {
    Signed(Box<SignedForm>),
    Refused(ApiProblem),
    /// The response is not one of the function.
    Foreign,
}

/// The address and the object directory of a form.
#[derive(Clone, Debug)]
pub(super) struct UploadTarget {
    pub(super) url: String,
    pub(super) host: String,
    pub(super) bucket: String,
    /// The part of the key that is the same for every upload.
    pub(super) directory: String,
    /// The region in the scope of the credential.
    pub(super) signed_region: Option<String>,
}

#[derive(Deserialize)]
struct UploadsBody {
    server_time: String,
    uploads: Vec<UploadEntry>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum UploadEntry {
    Refused { error: ApiProblem },
    Signed(FormEntry),
}

#[derive(Deserialize)]
struct FormEntry {
    url: String,
    fields: Map<String, Value>,
    key: Option<String>,
    #[serde(default)]
    unique: bool,
    expires_at: String,
}

/// An error of Function Compute. Some pages document the names in lower case.
#[derive(Deserialize)]
struct PlatformError {
    #[serde(alias = "errorCode", alias = "Code")]
    #[serde(rename = "ErrorCode")]
    code: String,
    #[serde(alias = "errorMessage", alias = "Message", default)]
    #[serde(rename = "ErrorMessage")]
    message: String,
}

impl ApiProblem {
    /// Parses an error of the function.
    pub(super) fn parse(response: &WebResponse) -> Option<Self> {
        response.json::<Self>().map(Self::sanitized)
    }

    fn sanitized(self) -> Self {
        Self { error: single_line(&self.error), message: single_line(&self.message) }
    }

    /// Returns whether the error is about the authentication of the caller.
    pub(super) fn is_about_caller(&self) -> bool {
        is_about_caller(&self.error)
    }

    pub(super) fn text(&self) -> Text {
        Text::verbatim(format!("{}: {}", self.error, self.message))
    }
}

/// Returns whether an error code is about the authentication of the caller.
pub(super) fn is_about_caller(code: &str) -> bool {
    ["token_", "ticket_", "caller_"].iter().any(|prefix| code.starts_with(prefix))
}

impl FormResponse {
    pub(super) fn parse(response: &WebResponse) -> Self {
        if let Some(problem) = ApiProblem::parse(response) {
            return Self::Refused(problem);
        }
        let Some(UploadsBody { server_time, uploads }) = response.json() else {
            return Self::Foreign;
        };
        match uploads.into_iter().next() {
            Some(UploadEntry::Signed(form)) => {
                Self::Signed(Box::new(SignedForm::new(form, &server_time)))
            }
            Some(UploadEntry::Refused { error }) => Self::Refused(error.sanitized()),
            None => Self::Foreign,
        }
    }

    /// Returns the form, or the reason why there is none.
    pub(super) fn signed(self) -> Result<SignedForm, Text> {
        match self {
            Self::Signed(form) => Ok(*form),
            Self::Refused(problem) => {
                let code = problem.error;
                Err(text!("no second form ({code})", "未得到第二个表单（{code}）"))
            }
            Self::Foreign => Err(text!("no second form", "未得到第二个表单")),
        }
    }
}

impl SignedForm {
    fn new(form: FormEntry, server_time: &str) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let fields = form.fields.iter().map(|(name, value)| (name.clone(), text(value))).collect();
        Self {
            url: form.url.trim_end_matches('/').to_owned(),
            key: form.key.unwrap_or_default(),
            fields,
            unique: form.unique,
            expires_at: Timestamp::parse_rfc3339(&form.expires_at),
            server_time: Timestamp::parse_rfc3339(server_time),
        }
    }

    /// Returns a field's value, whatever the case of its name.
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        let mut fields = self.fields.iter();
        fields.find(|(one, _)| one.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Sets or replaces a field.
    pub(super) fn set(&mut self, name: &str, value: String) {
        let known = self.fields.iter_mut().find(|(one, _)| one.eq_ignore_ascii_case(name));
        match known {
            Some((_, old)) => *old = value,
            None => self.fields.push((name.to_owned(), value)),
        }
    }

    /// Returns whether an upload could replace an existing object.
    pub(super) fn may_replace(&self) -> bool {
        !self.unique && self.field("x-oss-forbid-overwrite") != Some("true")
    }

    pub(super) fn is_v4(&self) -> bool {
        self.field("x-oss-signature-version").is_some()
    }

    pub(super) fn policy(&self) -> Option<PostPolicy> {
        PostPolicy::decode(self.field("policy")?, &Strictness::default()).ok()
    }

    /// Returns the lifetime in seconds.
    pub(super) fn lifetime(&self) -> Option<i64> {
        Some(self.expires_at?.unix() - self.server_time?.unix())
    }

    pub(super) fn upload_target(&self) -> UploadTarget {
        let uri: Uri = self.url.parse().unwrap_or_default();
        let host = uri.host().unwrap_or_default().to_owned();
        let policy = self.policy();
        let of_policy = policy.as_ref().and_then(bucket_of);
        let of_host = host.split('.').next().unwrap_or_default();
        UploadTarget {
            bucket: single_line(of_policy.unwrap_or(of_host)),
            url: self.url.clone(),
            directory: fix::fixed_directory(&self.key),
            signed_region: self
                .field("x-oss-credential")
                .and_then(|credential| credential.split('/').nth(2))
                .map(single_line),
            host,
        }
    }
}

/// Returns the bucket that a policy names.
fn bucket_of(policy: &PostPolicy) -> Option<&str> {
    policy.conditions().iter().find_map(|condition| match condition {
        PolicyCondition::Equal(field, value) if field.eq_ignore_ascii_case("bucket") => {
            Some(value.as_str())
        }
        _ => None,
    })
}

/// Creates the finding of a request without a response.
pub(super) fn unreachable(id: &'static str, error: &TransportError) -> Finding {
    let finding = Finding::fail(id, transport_text(error)).why(text!(
        "Without a response the browser shows a network error and nothing else.",
        "得不到响应时，浏览器只显示网络错误。"
    ));
    match error {
        TransportError::UnknownHost => finding.cause("unknown-name").fix(text!(
            "See the finding on the name.",
            "请看关于域名的检查结果。"
        )),
        TransportError::Tls(_) => finding.cause("tls-untrusted").fix(text!(
            "Give the domain a valid certificate with its name: Function Compute console > Custom \
             Domains > the domain > HTTPS. A port without TLS gives the same error.",
            "为域名配置有效且名称相符的证书：函数计算控制台 > 域名管理 > 该域名 > \
             HTTPS。端口未启用 TLS 时也会出现同样的错误。"
        )),
        TransportError::Connect(_) | TransportError::InvalidUrl(_) => {
            finding.cause("no-connection").fix(text!(
                "Compare the address and the port. A name that ends in -vpc.fcapp.run is reachable \
                 only inside the VPC.",
                "请核对地址与端口。以 -vpc.fcapp.run 结尾的域名只能在 VPC 内访问。"
            ))
        }
        _ => finding.cause("no-answer").fix(text!(
            "Function Compute console > Functions > the function > Logs shows whether the request \
             arrived. If not, check what is between the browser and the function.",
            "函数计算控制台 > 函数 > 该函数 > 日志 会显示请求是否到达。如果没有，请检查浏览器与函数之间的设备或服务。"
        )),
    }
}

/// Describes in both languages why there was no response.
pub(super) fn transport_text(error: &TransportError) -> Text {
    let chinese = match error {
        TransportError::UnknownHost => "该域名没有地址".to_owned(),
        TransportError::InvalidUrl(cause) => format!("地址无法使用（{cause}）"),
        TransportError::Connect(cause) => format!("无法连接（{cause}）"),
        TransportError::Tls(cause) => format!("TLS 连接不可信（{cause}）"),
        TransportError::Timeout => "未在限定时间内得到响应".to_owned(),
        TransportError::Interrupted(cause) => format!("连接中断（{cause}）"),
        TransportError::ResponseTooLarge => "响应过大".to_owned(),
    };
    Text::new(error.to_string(), chinese)
}

/// Creates the finding of a response that is not one of the function.
pub(super) fn foreign_response(id: &'static str, response: &WebResponse) -> Finding {
    let status = response.status.as_u16();
    let Some(error) = response.json::<PlatformError>() else {
        return foreign_body(id, response);
    };
    let (code, message) = (single_line(&error.code), single_line(&error.message));
    let seen = Text::verbatim(format!("{status} {code}: {message}"));
    if message.to_lowercase().contains("internet url is disabled") {
        return closed_internet_url(Finding::fail(id, seen));
    }
    match status {
        401 | 403 => authenticated_trigger(Finding::fail(id, seen)),
        400 if code == "MissingRequiredHeader" => authenticated_trigger(Finding::fail(id, seen)),
        405 => Finding::fail(id, seen)
            .cause("missing-method")
            .why(text!(
                "The trigger does not allow this method, so the function does not get the request.",
                "触发器不允许此请求方法，函数收不到请求。"
            ))
            .fix(text!(
                "Function Compute console > Functions > the function > Triggers > the HTTP trigger \
                 > Edit: request methods GET, HEAD, POST, DELETE, OPTIONS.",
                "函数计算控制台 > 函数 > 该函数 > 触发器 > HTTP 触发器 > 编辑：请求方法选择 \
                 GET、HEAD、POST、DELETE、OPTIONS。"
            )),
        _ => platform_error(id, &format!("{status} {code}: {message}"), &code),
    }
}

fn foreign_body(id: &'static str, response: &WebResponse) -> Finding {
    // A body with an error of the platform has more details than this header.
    if let Some(kind) = response.header("x-fc-error-type") {
        return platform_error(id, &format!("X-Fc-Error-Type: {}", single_line(kind)), kind);
    }
    let status = response.status.as_u16();
    let finding = Finding::fail(
        id,
        text!(
            "the response is {status}, and it is not one of the function",
            "响应为 {status}，且不是函数的响应"
        ),
    );
    if matches!(status, 401 | 403) {
        return authenticated_trigger(finding);
    }
    finding
        .cause("not-the-function")
        .why(text!(
            "Pages request forms from this address, but what responds there is not the signer.",
            "页面向此地址请求上传表单，但响应的并不是签名函数。"
        ))
        .fix(text!(
            "Compare --signer with the address in Function Compute console > Functions > the \
             function > Triggers, and the routes of a custom domain.",
            "请将 --signer 与 函数计算控制台 > 函数 > 该函数 > 触发器 \
             中的地址核对，并检查自定义域名的路由。"
        ))
}

fn closed_internet_url(finding: Finding) -> Finding {
    finding
        .cause("closed-internet-url")
        .why(text!(
            "The public address of the trigger is disabled, so browsers outside the VPC cannot reach \
             the function there.",
            "触发器的公网地址已禁用，VPC 之外的浏览器无法通过它访问函数。"
        ))
        .fix(text!(
            "Function Compute console > Functions > the function > Triggers > the HTTP trigger > \
             Edit: allow calls from the internet (s.yaml: disableURLInternet: false). Or give \
             --signer a custom domain, for which the setting has no effect.",
            "函数计算控制台 > 函数 > 该函数 > 触发器 > HTTP 触发器 > \
             编辑：允许公网访问（s.yaml：disableURLInternet: false）。或将 --signer \
             设为自定义域名，它不受此设置影响。"
        ))
}

fn authenticated_trigger(finding: Finding) -> Finding {
    finding
        .cause("refused-by-trigger")
        .why(text!(
            "The trigger requires a signature or a token, which pages do not have. The function does \
             not get the request.",
            "触发器要求签名或令牌，而页面没有，函数收不到请求。"
        ))
        .fix(text!(
            "Function Compute console > Functions > the function > Triggers > the HTTP trigger > \
             Edit: authentication None (s.yaml: authType: anonymous). UPLOAD_AUTH then decides who \
             may upload.",
            "函数计算控制台 > 函数 > 该函数 > 触发器 > HTTP 触发器 > \
             编辑：认证方式选择无需认证（s.yaml：authType: anonymous）。之后由 UPLOAD_AUTH \
             决定谁可以上传。"
        ))
}

fn platform_error(id: &'static str, seen: &str, cause: &str) -> Finding {
    let seen =
        text!("the platform responded instead of the function: {seen}", "平台代替函数响应：{seen}");
    Finding::fail(id, seen)
        .cause(single_line(cause))
        .why(text!(
            "The function did not start or did not respond, so no page gets a form.",
            "函数未能启动或没有响应，任何页面都得不到表单。"
        ))
        .fix(text!(
            "Function Compute console > Functions > the function > Logs: the first lines of the \
             newest instance name every setting that is missing or wrong.",
            "函数计算控制台 > 函数 > 该函数 > 日志：最新实例的前几行会列出缺失或错误的每项设置。"
        ))
}

/// Turns text of a response into one line of limited length, because it becomes part of findings.
pub(super) fn single_line(text: &str) -> String {
    let visible = |one| if console::is_control(one) { ' ' } else { one };
    text.chars().map(visible).take(300).collect()
}
