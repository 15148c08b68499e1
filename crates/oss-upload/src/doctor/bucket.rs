//! Checks of the bucket before anything is stored: its address, its CORS rule, its clock.

use http::{StatusCode, header};

use crate::doctor::cors::{CorsAccess, lists};
use crate::doctor::finding::{Finding, Severity};
use crate::doctor::fix;
use crate::doctor::oss_error::OssErrorResponse;
use crate::doctor::signer::{self, FunctionClock};
use crate::doctor::signer_response::{SignedForm, UploadTarget, unreachable};
use crate::doctor::target::{DoctorTarget, FOREIGN_ORIGIN};
use crate::http_client::{TransportError, WebClient, WebRequest, WebResponse};
use crate::language::{Text, text};
use crate::requirements::cors_rule::EXPOSED_HEADERS;

/// The checks of the bucket.
pub(super) const ALL: &[&str] = &[
    "bucket.name",
    "bucket.preflight",
    "bucket.clock",
    "bucket.exposed",
    "bucket.vary",
    "bucket.foreign",
];

/// Sends the preflight request of an upload, and returns whether the bucket responded.
pub(super) async fn check(
    doctor: &DoctorTarget,
    client: &WebClient,
    (form, clock): (&SignedForm, FunctionClock),
    findings: &mut Vec<Finding>,
) -> bool {
    let target = form.upload_target();
    findings.push(name(&target).await);
    let url = format!("{}/", form.url);
    let response = match client.send(doctor.as_page(WebRequest::preflight(&url))).await {
        Ok(response) => response,
        Err(error) => {
            findings.push(not_reached(&error, &target));
            let reason = text!("the bucket was not reached", "无法访问存储空间");
            findings.extend(Finding::skip_all(&ALL[2..], &reason));
            return false;
        }
    };
    let preflight = preflight(doctor, &target, &response);
    let is_allowed = preflight.severity == Severity::Ok;
    findings.push(preflight);
    findings.push(check_clock(form, clock, &response));
    if !is_allowed {
        let reason =
            text!("this page may read no response of the bucket", "此页面无法读取存储空间的响应");
        findings.extend(Finding::skip_all(&ALL[3..], &reason));
        return true;
    }
    findings.push(exposed(&target, &response));
    findings.push(vary(doctor, &target, &response));
    findings.push(foreign(client, &url, &target).await);
    true
}

async fn name(target: &UploadTarget) -> Finding {
    let (id, host) = ("bucket.name", &target.host);
    match signer::addresses(host).await {
        Some(seen) => Finding::ok(id, seen),
        None => Finding::fail(id, text!("{host} has no address here", "{host} 在此处没有地址"))
            .cause("unknown-name")
            .why(text!(
                "The browser shows a network error and sends nothing.",
                "浏览器显示网络错误，不发送任何内容。"
            ))
            .fix(text!(
                "Compare bucket and region in the name (OSS console > Buckets > Overview). For a \
                 domain of your own, add the CNAME record that OSS console > Buckets > the bucket > \
                 Bucket Settings > Domain Names shows.",
                "请核对域名中的存储空间与地域（OSS 控制台 > Bucket 列表 > \
                 概览）。使用自己的域名时，请添加 OSS 控制台 > Bucket 列表 > 该存储空间 > Bucket 配置 \
                 > 域名管理 中显示的 CNAME 记录。"
            )),
    }
}

fn not_reached(error: &TransportError, target: &UploadTarget) -> Finding {
    let finding = unreachable("bucket.preflight", error);
    let UploadTarget { bucket, .. } = target;
    match error {
        TransportError::Tls(_) => finding.fix(text!(
            "OSS console > Buckets > {bucket} > Bucket Settings > Domain Names > Certificate: give \
             the domain a valid certificate with its name.",
            "OSS 控制台 > Bucket 列表 > {bucket} > Bucket 配置 > 域名管理 > \
             证书：为域名配置有效且名称相符的证书。"
        )),
        _ => finding.fix(host_fix()),
    }
}

/// Returns the fix of an upload host that does not respond.
pub(super) fn host_fix() -> Text {
    text!(
        "Compare the host with OSS console > Buckets > the bucket > Overview; try from another \
         network.",
        "请与 OSS 控制台 > Bucket 列表 > 该存储空间 > 概览 中的域名核对；换一个网络再试。"
    )
}

/// Returns the fix of an upload host that is not OSS.
pub(super) fn not_oss_fix() -> Text {
    text!(
        "Check where the upload host leads: it has to be bound to the bucket itself, not to a CDN or \
         a web server.",
        "请检查上传域名指向何处：它必须直接绑定到存储空间，而不是 CDN 或 Web 服务器。"
    )
}

fn preflight(doctor: &DoctorTarget, target: &UploadTarget, response: &WebResponse) -> Finding {
    let (id, status) = ("bucket.preflight", response.status.as_u16());
    if let Some(error) = OssErrorResponse::parse(response) {
        return error.finding(id, doctor, target);
    }
    let origin = &doctor.origin;
    match CorsAccess::of(&response.headers, origin) {
        CorsAccess::Allowed { .. } if response.status.is_success() => Finding::ok(
            id,
            text!("{status}; a page of {origin} may upload", "{status}；来源为 {origin} 的页面可以上传"),
        ),
        CorsAccess::Duplicate => Finding::fail(
            id,
            text!(
                "Access-Control-Allow-Origin occurs more than once",
                "Access-Control-Allow-Origin 出现了多次"
            ),
        )
        .cause("duplicate-allow-origin")
        .why(text!(
            "Browsers reject a response that has it twice. The bucket adds one; the other comes from \
             a CDN in front of it.",
            "浏览器会拒绝出现两次该响应头的响应。存储空间添加了一个，另一个来自前面的 CDN。"
        ))
        .fix(text!(
            "Switch off CORS in the CDN (CDN console > the domain > Cache > HTTP response headers), \
             or upload to a domain that is bound to the bucket itself.",
            "请关闭 CDN 的跨域响应头（CDN 控制台 > 该域名 > 缓存配置 > HTTP \
             响应头），或上传到直接绑定存储空间的域名。"
        )),
        _ => Finding::fail(
            id,
            text!(
                "the response to OPTIONS is {status} without permission for the page, and not like \
                 one of OSS",
                "OPTIONS 的响应为 {status}，没有给页面授权，也不像 OSS 的响应"
            ),
        )
        .cause("not-oss")
        .why(text!(
            "The browser sends this request before the file. It is refused, so nothing is uploaded.",
            "浏览器在发送文件之前发送此请求。请求被拒绝，因此不会上传任何内容。"
        ))
        .fix(not_oss_fix()),
    }
}

/// Compares the function's clock with that of OSS; both are measured by this machine's clock.
fn check_clock(form: &SignedForm, clock: FunctionClock, response: &WebResponse) -> Finding {
    let id = "bucket.clock";
    let (Some(date), Some(ahead)) = (response.date(), clock.ahead) else {
        let reason = text!("one of the two responses has no time", "两个响应中有一个没有时间");
        return Finding::skipped(id, reason);
    };
    let off = ahead - (date.unix() - response.received_at.unix());
    if off.abs() <= signer::CLOSE {
        let seen = text!("the clocks of OSS and the function agree", "OSS 与函数的时钟一致");
        return Finding::ok(id, seen);
    }
    let is_late = form.lifetime().is_some_and(|lifetime| -off >= lifetime);
    let seen = text!("the function's clock is ", "函数的时钟比 OSS ")
        .with(&signer::offset(off, &text!(" that of OSS", "")));
    let finding =
        Finding::fail(id, seen).cause("clock-skew").why(signer::clock_reason()).fix(fix::clock());
    if off > signer::MAX_AHEAD || is_late { finding } else { finding.into_warning() }
}

fn exposed(target: &UploadTarget, response: &WebResponse) -> Finding {
    let id = "bucket.exposed";
    let is_hidden =
        |name: &&str| !lists(&response.headers, header::ACCESS_CONTROL_EXPOSE_HEADERS, name);
    let hidden: Vec<&str> = EXPOSED_HEADERS.into_iter().filter(is_hidden).collect();
    if hidden.is_empty() {
        let names = EXPOSED_HEADERS.join(", ");
        return Finding::ok(id, text!("the page may read {names}", "页面可以读取 {names}"));
    }
    let (names, all) = (hidden.join(", "), EXPOSED_HEADERS.join(" "));
    Finding::warn(id, text!("the page may not read {names}", "页面无法读取 {names}"))
        .cause("not-exposed")
        .why(text!(
            "Uppy 4 and 5 never finish without ETag and report an error without Location; support \
             needs the request id.",
            "没有 ETag，Uppy 4 和 5 不会结束；没有 Location 会报错；技术支持需要请求 ID。"
        ))
        .fix(fix::edit_cors_rule(
            &target.bucket,
            &text!("Exposed Headers {all}.", "暴露 Headers {all}。"),
        ))
}

fn vary(doctor: &DoctorTarget, target: &UploadTarget, response: &WebResponse) -> Finding {
    let id = "bucket.vary";
    let access = CorsAccess::of(&response.headers, &doctor.origin);
    if access == (CorsAccess::Allowed { any: true }) {
        let seen = text!("the response is the same for every page", "对每个页面的响应都相同");
        return Finding::ok(id, seen);
    }
    if lists(&response.headers, header::VARY, "origin") {
        return Finding::ok(id, Text::verbatim("Vary: Origin"));
    }
    Finding::warn(id, text!("no Vary: Origin", "没有 Vary: Origin"))
        .cause("no-vary")
        .why(text!(
            "A cache may send one page the response for another, which allows the other origin only.",
            "缓存可能把给其他页面的响应发给此页面，而那个响应只允许其他来源。"
        ))
        .fix(fix::edit_cors_rule(
            &target.bucket,
            &text!("Return Vary: Origin on.", "返回 Vary: Origin 开启。"),
        ))
}

async fn foreign(client: &WebClient, url: &str, target: &UploadTarget) -> Finding {
    let id = "bucket.foreign";
    let referer = format!("{FOREIGN_ORIGIN}/");
    let request = WebRequest::preflight(url).of_page(FOREIGN_ORIGIN, Some(&referer));
    let response = match client.send(request).await {
        Ok(response) => response,
        Err(error) => return not_reached(&error, target),
    };
    let status = response.status.as_u16();
    let access = CorsAccess::of(&response.headers, FOREIGN_ORIGIN);
    if response.status == StatusCode::FORBIDDEN || !access.is_allowed() {
        let seen = text!(
            "a page of {FOREIGN_ORIGIN} is refused ({status})",
            "来源为 {FOREIGN_ORIGIN} 的页面被拒绝（{status}）"
        );
        return Finding::ok(id, seen);
    }
    let seen = text!(
        "a page of {FOREIGN_ORIGIN} may upload and read the responses",
        "来源为 {FOREIGN_ORIGIN} 的页面可以上传并读取响应"
    );
    Finding::warn(id, seen)
        .cause("every-origin")
        .why(text!(
            "The page still needs a form, so the signer's limits hold; but a stolen form can be used \
             from any page.",
            "页面仍然需要表单，因此签名函数的限制依然有效；但泄露的表单可以在任何页面上使用。"
        ))
        .fix(fix::edit_cors_rule(
            &target.bucket,
            &text!("your pages as the sources, in place of *.", "来源填写自己的页面，代替 *。"),
        ))
}
