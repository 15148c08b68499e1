//! Errors of OSS: read from a response, named, and explained with a fix.
//!
//! A fix that depends on the bucket or on the page is written here. All others come from the table of OSS
//! errors, which `explain` and the page use too.

use crate::doctor::finding::Finding;
use crate::doctor::fix;
use crate::doctor::signer_response::UploadTarget;
use crate::doctor::target::DoctorTarget;
use crate::http_client::WebResponse;
use crate::language::{Text, text};
use crate::{oss_errors, xml};

/// The message of OSS for a request that a referer rule rejects.
const REFERER_MESSAGE: &str = "bucket referer policy";

/// An error response of OSS.
#[derive(Clone, Debug)]
pub(super) struct OssErrorResponse {
    status: u16,
    pub(super) code: String,
    pub(super) ec: Option<String>,
    message: Option<String>,
    request_id: Option<String>,
}

/// The name of an error. Without a reason or a fix, those of the table are used.
struct ErrorDiagnosis {
    name: String,
    why: Option<Text>,
    fix: Option<Text>,
}

impl OssErrorResponse {
    /// Parses the XML of a response; a response without a code is none of OSS.
    pub(super) fn parse(response: &WebResponse) -> Option<Self> {
        let read = |name| xml::child(&response.body, name);
        Some(Self {
            status: response.status.as_u16(),
            code: read("Code")?,
            ec: read("EC").or_else(|| response.header("x-oss-ec").map(str::to_owned)),
            // A message may quote the condition that failed, and that condition contains the token.
            message: read("Message").filter(|message| !message.contains("security-token")),
            request_id: read("RequestId"),
        })
    }

    /// Returns status, code, EC, message and request id.
    pub(super) fn seen(&self) -> String {
        let ec = self.ec.as_ref().map(|ec| format!(" ({ec})")).unwrap_or_default();
        let message = self.message.as_ref().map(|text| format!(": {text}")).unwrap_or_default();
        let request = self.request_id.as_ref().map(|id| format!(" [request {id}]"));
        format!("{} {}{ec}{message}{}", self.status, self.code, request.unwrap_or_default())
    }

    /// Returns whether a referer rule of the bucket rejected the request.
    pub(super) fn is_referer_rule(&self) -> bool {
        let ec = self.ec.as_deref().unwrap_or_default();
        let by_ec = ["0003-00000501", "0003-00000502", "0003-00000503"].contains(&ec);
        by_ec || self.message.as_ref().is_some_and(|message| message.contains(REFERER_MESSAGE))
    }

    /// Creates the finding of a request that should have been accepted.
    pub(super) fn finding(
        &self,
        id: &'static str,
        doctor: &DoctorTarget,
        target: &UploadTarget,
    ) -> Finding {
        self.finding_with(id, self.diagnosis(doctor, target))
    }

    /// Creates the finding of an upload that OSS accepts with another `Referer`: a referer rule is the
    /// reason, whatever the error says.
    pub(super) fn referer_finding(
        &self,
        id: &'static str,
        doctor: &DoctorTarget,
        target: &UploadTarget,
    ) -> Finding {
        self.finding_with(id, referer_rule(doctor, &target.bucket))
    }

    fn finding_with(&self, id: &'static str, diagnosis: ErrorDiagnosis) -> Finding {
        let entry = oss_errors::find(self.ec.as_deref(), &self.code, self.message.as_deref());
        let entry = entry.as_ref();
        let why = diagnosis.why.or_else(|| entry.map(|entry| entry.cause.clone()));
        let fix = diagnosis.fix.or_else(|| entry.map(|entry| entry.remedy.clone()));
        Finding::fail(id, Text::verbatim(self.seen()))
            .cause(diagnosis.name)
            .why(why.unwrap_or_else(|| {
                text!("OSS does not accept the request.", "OSS 不接受此请求。")
            }))
            .fix(fix.unwrap_or_else(|| {
                text!(
                    "Look the code up in the documentation of OSS, or open a ticket with the request \
                     id.",
                    "请在 OSS 文档中查找此错误码，或附上请求 ID 提交工单。"
                )
            }))
    }

    fn diagnosis(&self, doctor: &DoctorTarget, target: &UploadTarget) -> ErrorDiagnosis {
        let code = self.code.as_str();
        if self.is_referer_rule() {
            return referer_rule(doctor, &target.bucket);
        }
        by_ec(self.ec.as_deref().unwrap_or_default(), target)
            .or_else(|| by_permission(self, doctor, target))
            .or_else(|| by_host(code, &target.bucket))
            .unwrap_or_else(|| match code {
                "AccessForbidden" => missing_cors_rule(doctor, target),
                "InvalidAccessKeyId" | "InvalidSecurityToken" | "SecurityTokenExpired" => {
                    invalid_credentials(code)
                }
                code => named(code),
            })
    }
}

impl ErrorDiagnosis {
    fn why(mut self, why: Text) -> Self {
        self.why = Some(why);
        self
    }

    fn fix(mut self, fix: Text) -> Self {
        self.fix = Some(fix);
        self
    }
}

fn named(name: &str) -> ErrorDiagnosis {
    ErrorDiagnosis { name: name.to_owned(), why: None, fix: None }
}

/// Recognises errors of the signature by their EC.
fn by_ec(ec: &str, target: &UploadTarget) -> Option<ErrorDiagnosis> {
    let bucket = &target.bucket;
    Some(match ec {
        "0002-00000715" | "0002-00000226" => named("wrong-region").fix(text!(
            "OSS console > Buckets > {bucket} > Overview shows the region. Set it without oss- in \
             front, and deploy:\n  OSS_REGION=<region>",
            "OSS 控制台 > Bucket 列表 > {bucket} > 概览 会显示地域。请设置地域（不带 oss- \
             前缀）并重新部署：\n  OSS_REGION=<region>"
        )),
        "0002-00000709" | "0006-00000213" => named("clock-skew")
            .why(text!(
                "The form is new, so the clock that it was signed with differs from that of OSS.",
                "表单刚刚签发，因此签名所用的时钟与 OSS 的时钟不一致。"
            ))
            .fix(fix::clock()),
        "0002-00000080" => named("v1-closed").fix(text!(
            "Sign with V4: remove UPLOAD_SIGNATURE=v1 from the function's environment (or signature \
             from upload.toml), and deploy. A page that sends V1 fields has to send the V4 fields \
             instead.",
            "请使用 V4 签名：从函数的环境变量中删除 UPLOAD_SIGNATURE=v1（或从 upload.toml 中删除 \
             signature）并重新部署。发送 V1 字段的页面需改为发送 V4 字段。"
        )),
        _ => return None,
    })
}

/// Returns how to change the referer rule of the bucket, which the console calls hotlink protection.
pub(super) fn referer_fix(doctor: &DoctorTarget, bucket: &str) -> Text {
    let sent = doctor.referer();
    let page = format!("{}/", doctor.origin);
    let change = match sent {
        Some(_) => text!(
            "Add {page} to the allowed referers, and allow an empty Referer for mini programs and \
             apps.",
            "将 {page} 加入 Referer 白名单，并允许空 Referer（小程序和 App 需要）。"
        ),
        None => text!(
            "Allow an empty Referer: the function's own page sends none.",
            "允许空 Referer：函数自带的页面不发送 Referer。"
        ),
    };
    text!(
        "OSS console > Buckets > {bucket} > Content Security > Hotlink Protection: ",
        "OSS 控制台 > Bucket 列表 > {bucket} > 数据安全 > 防盗链："
    )
    .with(&change)
}

fn referer_rule(doctor: &DoctorTarget, bucket: &str) -> ErrorDiagnosis {
    let why = match doctor.referer() {
        Some(referer) => text!(
            "Hotlink protection of the bucket rejects the Referer of the page, {referer}. The role's \
             permissions are not the reason.",
            "存储空间的防盗链规则拒绝了页面的 Referer：{referer}。原因不是角色的权限。"
        ),
        None => text!(
            "Hotlink protection of the bucket rejects requests without a Referer. The role's \
             permissions are not the reason.",
            "存储空间的防盗链规则拒绝了没有 Referer 的请求。原因不是角色的权限。"
        ),
    };
    named("bucket-referer-rule").why(why).fix(referer_fix(doctor, bucket))
}

/// Recognises an `AccessDenied` that is not about the form.
fn by_permission(
    error: &OssErrorResponse,
    doctor: &DoctorTarget,
    target: &UploadTarget,
) -> Option<ErrorDiagnosis> {
    let UploadTarget { bucket, directory, .. } = target;
    let message = error.message.as_deref().unwrap_or_default();
    let is_about_policy = error.ec.as_ref().is_some_and(|ec| ec.starts_with("0006-"));
    if error.code != "AccessDenied" || is_about_policy {
        return None;
    }
    if message.contains("specified endpoint") {
        let fix = text!(
            "OSS console > Buckets > {bucket} > Overview shows region and endpoint. Set the region, \
             leave the host empty or set one of that region, and deploy:\n  \
             OSS_REGION=<region>\n  OSS_UPLOAD_HOST=",
            "OSS 控制台 > Bucket 列表 > {bucket} > 概览 \
             会显示地域和 Endpoint。请设置地域，将上传域名留空或设为该地域的域名，并重新部署：\n  \
             OSS_REGION=<region>\n  OSS_UPLOAD_HOST="
        );
        let why = text!(
            "The host of the form belongs to another region than the bucket.",
            "表单中的域名所属地域与存储空间不同。"
        );
        return Some(named("wrong-endpoint").why(why).fix(fix));
    }
    let why = text!(
        "The form is correct, but the role that signed it may not store this object.",
        "表单正确，但签名所用的角色无权写入此对象。"
    );
    let policy = fix::permission_policy(Some(bucket), directory, doctor.features());
    Some(named("ram-denied").why(why).fix(text!(
        "RAM console > Roles > the function's role > Permissions: attach this policy (a deny in \
         another policy or in the bucket policy takes precedence):\n{policy}",
        "RAM 控制台 > 身份管理 > 角色 > 函数的角色 > \
         权限管理：授予以下策略（其他策略或 Bucket Policy 中的拒绝优先）：\n{policy}"
    )))
}

/// Recognises errors of the host.
fn by_host(code: &str, bucket: &str) -> Option<ErrorDiagnosis> {
    let fix = match code {
        "PublicEndpointForbidden" => text!(
            "Upload to a domain of your own:\n  1. OSS console > Buckets > {bucket} > Bucket \
             Settings > Domain Names > Map Custom Domain Name:\n     upload.example.com (in \
             mainland China the name needs an ICP filing), with the CNAME record\n     that is \
             shown, and a certificate for https.\n  2. Set it, and deploy:\n     \
             OSS_UPLOAD_HOST=https://upload.example.com",
            "请上传到自己的域名：\n  1. OSS 控制台 > Bucket 列表 > {bucket} > Bucket 配置 > 域名管理 \
             > 绑定域名：\n     upload.example.com（在中国内地需要 ICP 备案），添加页面显示的 CNAME \
             记录，\n     并配置 https 证书。\n  2. 设置并重新部署：\n     \
             OSS_UPLOAD_HOST=https://upload.example.com"
        ),
        "NoSuchBucket" => text!(
            "Compare the bucket's name with OSS console > Buckets. Set what is wrong, and \
             deploy:\n  OSS_BUCKET=<bucket>\n  OSS_REGION=<region>\nFor a domain of your own, check \
             the bucket that it is bound to: Bucket Settings > Domain Names of {bucket}.",
            "请核对 OSS 控制台 > Bucket 列表 中的名称，改正后重新部署：\n  \
             OSS_BUCKET=<bucket>\n  OSS_REGION=<region>\n使用自己的域名时，请检查它绑定的存储空间：{bucket} \
             的 Bucket 配置 > 域名管理。"
        ),
        "SecondLevelDomainForbidden" => text!(
            "Put the bucket in front of the host, or leave the setting empty, and deploy:\n  \
             OSS_UPLOAD_HOST=https://{bucket}.oss-<region>.aliyuncs.com",
            "请在域名前加上存储空间名称，或将此设置留空，并重新部署：\n  \
             OSS_UPLOAD_HOST=https://{bucket}.oss-<region>.aliyuncs.com"
        ),
        "TransferAccelerationDisabled" => text!(
            "OSS console > Buckets > {bucket} > Bucket Settings > Transfer Acceleration: enable it. \
             Or leave OSS_UPLOAD_HOST empty, and deploy.",
            "OSS 控制台 > Bucket 列表 > {bucket} > Bucket 配置 > 传输加速：开启。或将 OSS_UPLOAD_HOST \
             留空并重新部署。"
        ),
        _ => return None,
    };
    Some(named(code).fix(fix))
}

fn missing_cors_rule(doctor: &DoctorTarget, target: &UploadTarget) -> ErrorDiagnosis {
    let why = text!(
        "The browser sends this request before the file, because the page shows upload progress. It \
         is refused, so nothing is uploaded.",
        "页面显示上传进度，所以浏览器会在发送文件之前发送此请求。请求被拒绝，因此不会上传任何内容。"
    );
    let rule = fix::create_cors_rule(&target.bucket, &doctor.origin, doctor.features());
    named("bucket-cors-absent").why(why).fix(rule)
}

fn invalid_credentials(code: &str) -> ErrorDiagnosis {
    named(code).fix(text!(
        "With a role, deploy again, so that new instances start with new credentials. With keys in \
         the function's environment, set a key that exists and is enabled (RAM console > Users > \
         AccessKey); a temporary key also needs ALIBABA_CLOUD_SECURITY_TOKEN.",
        "使用角色时，请重新部署，让新实例使用新的凭证。在函数环境变量中使用密钥时，请设置存在且已启用的密钥（RAM \
         控制台 > 身份管理 > 用户 > AccessKey）；临时密钥还需要 ALIBABA_CLOUD_SECURITY_TOKEN。"
    ))
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, StatusCode};

    use super::*;
    use crate::language::Language;
    use oss_upload_signer::time;

    fn doctor(is_own_page: bool) -> DoctorTarget {
        DoctorTarget {
            signer: "https://signer.example".to_owned(),
            host: "signer.example".to_owned(),
            origin: "https://app.example".to_owned(),
            is_own_page,
            route: "default".to_owned(),
            credentials: Vec::new(),
            any_origin: false,
            uploads: true,
            bucket: None,
            directory: None,
            metadata: Vec::new(),
            language: Language::En,
            features: std::sync::OnceLock::new(),
            bucket_key: None,
        }
    }

    fn finding(xml: String, is_own_page: bool) -> Finding {
        let response = WebResponse {
            status: StatusCode::FORBIDDEN,
            headers: HeaderMap::new(),
            body: xml,
            received_at: time::now(),
        };
        let target = UploadTarget {
            url: "https://upload.example.com".to_owned(),
            host: "upload.example.com".to_owned(),
            bucket: "photos".to_owned(),
            directory: "in/".to_owned(),
            signed_region: None,
        };
        let error = OssErrorResponse::parse(&response).unwrap();
        error.finding("upload.stored", &doctor(is_own_page), &target)
    }

    #[test]
    fn each_error_has_its_name() {
        for (code, ec, message, name) in [
            ("InvalidArgument", "0002-00000226", "", "wrong-region"),
            ("InvalidArgument", "0002-00000706", "", "InvalidArgument"),
            ("AccessDenied", "0006-00000213", "Policy expired.", "clock-skew"),
            ("AccessDenied", "0006-00000227", "Condition failed", "AccessDenied"),
            ("AccessDenied", "", "You have no right", "ram-denied"),
            ("AccessDenied", "0003-00000001", "You have no right", "ram-denied"),
            ("AccessDenied", "0003-00000501", "", "bucket-referer-rule"),
            ("AccessDenied", "0003-00000502", "", "bucket-referer-rule"),
            ("AccessDenied", "0003-00000503", "", "bucket-referer-rule"),
            ("AccessDenied", "", "You are denied by bucket referer policy.", "bucket-referer-rule"),
            ("AccessDenied", "", "use the specified endpoint", "wrong-endpoint"),
            ("UserDisable", "", "", "UserDisable"),
            ("InvalidSecurityToken", "", "", "InvalidSecurityToken"),
        ] {
            let xml = format!(
                "<Error><Code>{code}</Code><Message>{message}</Message><EC>{ec}</EC></Error>"
            );
            assert_eq!(finding(xml, false).cause.as_deref(), Some(name), "{code} {ec}");
        }
    }

    #[test]
    fn the_fix_of_a_referer_rule_depends_on_what_the_page_sends() {
        let xml = || "<Error><Code>AccessDenied</Code><EC>0003-00000501</EC></Error>".to_owned();
        let fix = |own| finding(xml(), own).fix.unwrap().in_language(Language::En).to_owned();
        assert!(fix(false).contains("Add https://app.example/ to the allowed referers"));
        assert!(fix(true).contains("Allow an empty Referer"));
    }
}
