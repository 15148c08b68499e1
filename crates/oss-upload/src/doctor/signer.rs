//! Checks of the signer: whether it is reachable, whether it is this function, and its clock.

use serde::Deserialize;

use crate::doctor::finding::Finding;
use crate::doctor::fix;
use crate::doctor::signer_response::{foreign_response, single_line, unreachable};
use crate::doctor::target::{DoctorTarget, is_this_machine};
use crate::http_client;
use crate::http_client::{WebClient, WebRequest, WebResponse};
use crate::language::{Text, text};
use oss_upload_signer::time::Timestamp;

/// The checks that need a signer that responds.
const NEED_RESPONSE: &[&str] = &["signer.clock", "signer.page"];

/// The largest difference of two clocks that is not reported, in seconds.
pub(super) const CLOSE: i64 = 60;

/// How far `x-oss-date` may be ahead of OSS's clock, in seconds.
pub(super) const MAX_AHEAD: i64 = 15 * 60;

#[derive(Deserialize)]
struct HealthBody {
    status: String,
    version: String,
    time: String,
}

/// The clock of the function, relative to that of this machine.
#[derive(Clone, Copy, Debug)]
pub(super) struct FunctionClock {
    /// In seconds; `None` if the function's time is not readable.
    pub(super) ahead: Option<i64>,
}

/// Checks the signer; without a response of the function nothing more can be checked.
pub(super) async fn check(
    doctor: &DoctorTarget,
    client: &WebClient,
    findings: &mut Vec<Finding>,
) -> Option<FunctionClock> {
    findings.push(name(&doctor.host).await);
    findings.push(address(doctor));
    let response = match client.send(WebRequest::get(doctor.url("/health"))).await {
        Ok(response) => response,
        Err(error) => {
            findings.push(unreachable("signer.health", &error));
            let reason = text!("the signer was not reached", "无法访问签名函数");
            findings.extend(Finding::skip_all(NEED_RESPONSE, &reason));
            return None;
        }
    };
    let Some(health) = response.json::<HealthBody>().filter(|health| health.status == "ok") else {
        findings.push(foreign_response("signer.health", &response));
        let reason = text!("the function did not respond", "函数没有响应");
        findings.extend(Finding::skip_all(NEED_RESPONSE, &reason));
        return None;
    };
    let version = single_line(&health.version);
    let seen = text!("the function responds, version {version}", "函数有响应，版本 {version}");
    findings.push(Finding::ok("signer.health", seen));
    let function_time = Timestamp::parse_rfc3339(&health.time);
    findings.push(clock(function_time, &response));
    findings.push(page(doctor, client).await);
    let ahead = function_time.map(|time| time.unix() - response.received_at.unix());
    Some(FunctionClock { ahead })
}

/// Describes the addresses of a host, if it has any.
pub(super) async fn addresses(host: &str) -> Option<Text> {
    let addresses = http_client::resolve(host).await.ok()?;
    let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if addresses == [bare] {
        return Some(text!("{bare} is an IP address", "{bare} 是 IP 地址"));
    }
    let list = addresses.join(", ");
    Some(text!("{host} has the address {list}", "{host} 的地址为 {list}"))
}

async fn name(host: &str) -> Finding {
    let id = "signer.name";
    match addresses(host).await {
        Some(seen) => Finding::ok(id, seen),
        None => Finding::fail(id, text!("{host} has no address here", "{host} 在此处没有地址"))
            .cause("unknown-name")
            .why(text!(
                "A browser that cannot resolve the name shows a network error and nothing else.",
                "浏览器无法解析域名时，只显示网络错误。"
            ))
            .fix(text!(
                "Compare the name with the trigger's address in the Function Compute console. For a \
                 custom domain, add the CNAME record that the console shows (Function Compute \
                 console > Custom Domains), and wait until it takes effect.",
                "请与函数计算控制台中触发器的地址核对。使用自定义域名时，请添加控制台显示的 CNAME \
                 记录（函数计算控制台 > 域名管理），并等待其生效。"
            )),
    }
}

fn address(doctor: &DoctorTarget) -> Finding {
    let id = "signer.address";
    if doctor.signer.starts_with("https://") {
        return Finding::ok(id, Text::verbatim("https"));
    }
    if is_this_machine(&doctor.host) {
        let seen = text!("http on this machine, which browsers trust", "本机的 http，浏览器信任它");
        return Finding::ok(id, seen);
    }
    let seen = text!(
        "http, which everyone on the network path can read and change",
        "http，传输途中任何人都能读取和篡改"
    );
    let finding = Finding::fail(id, seen)
        .cause("no-https")
        .why(text!(
            "An https page may not call it (mixed content), and everyone who reads a form on the way \
             can use it.",
            "https 页面不能调用它（混合内容），而且途中读到表单的任何人都能使用它。"
        ))
        .fix(text!(
            "Call the trigger by https, or give the custom domain a certificate: Function Compute \
             console > Custom Domains > the domain > Edit > HTTPS.",
            "请用 https 调用触发器，或为自定义域名配置证书：函数计算控制台 > 域名管理 > 该域名 > 编辑 \
             > HTTPS。"
        ));
    if doctor.may_load(&doctor.signer) { finding.into_warning() } else { finding }
}

fn clock(function: Option<Timestamp>, response: &WebResponse) -> Finding {
    let id = "signer.clock";
    let (Some(function), Some(gateway)) = (function, response.date()) else {
        return Finding::skipped(id, text!("the response has no time", "响应中没有时间"));
    };
    let ahead = function.unix() - gateway.unix();
    let own_ahead = response.received_at.unix() - gateway.unix();
    if ahead.abs() > CLOSE {
        let seen = text!("the function's clock is ", "函数的时钟比 Date 响应头")
            .with(&offset(ahead, &text!(" the Date header", "")));
        let finding =
            Finding::fail(id, seen).cause("clock-skew").why(clock_reason()).fix(fix::clock());
        return if ahead.abs() < MAX_AHEAD { finding.into_warning() } else { finding };
    }
    if own_ahead.abs() > CLOSE {
        let seen = text!("this machine's clock is ", "本机的时钟比签名函数")
            .with(&offset(own_ahead, &text!(" the signer's", "")));
        return Finding::warn(id, seen)
            .cause("own-clock")
            .why(text!(
                "This does not affect the signer, but the times in this report may be wrong.",
                "签名函数不受影响，但本报告中的时间可能有误。"
            ))
            .fix(text!(
                "Set this machine's clock by NTP: timedatectl set-ntp true",
                "请用 NTP 校准本机时钟：timedatectl set-ntp true"
            ));
    }
    Finding::ok(
        id,
        text!(
            "the clocks of the function, its gateway and this machine agree",
            "函数、网关与本机的时钟一致"
        ),
    )
}

/// Returns why a wrong clock of the function matters.
pub(super) fn clock_reason() -> Text {
    text!(
        "OSS refuses a form that is signed more than 15 minutes ahead of its clock, and an expired one.",
        "签名时间比 OSS 的时钟快 15 分钟以上的表单，以及已过期的表单，都会被 OSS 拒绝。"
    )
}

/// Describes the offset of a clock: `5 minutes ahead of` something.
pub(super) fn offset(seconds: i64, reference: &Text) -> Text {
    let (count, english, chinese) = match seconds.unsigned_abs() {
        count @ ..=119 => (count, "seconds", "秒"),
        count @ 120..=7_199 => (count / 60, "minutes", "分钟"),
        count => (count / 3_600, "hours", "小时"),
    };
    let (before, direction) = if seconds < 0 { ("behind", "慢") } else { ("ahead of", "快") };
    Text::new(format!("{count} {english} {before}"), format!("{direction} {count} {chinese}"))
        .with(reference)
}

async fn page(doctor: &DoctorTarget, client: &WebClient) -> Finding {
    let id = "signer.page";
    let response = match client.send(WebRequest::get(doctor.url("/"))).await {
        Ok(response) => response,
        Err(error) => return unreachable(id, &error),
    };
    let disposition = response.header("content-disposition").unwrap_or_default();
    if !disposition.to_ascii_lowercase().starts_with("attachment") {
        return Finding::ok(id, text!("GET / can be viewed", "GET / 可以查看"));
    }
    let seen = text!(
        "browsers save GET / as a file instead of showing it (Content-Disposition: attachment)",
        "浏览器把 GET / 保存为文件而不是显示（Content-Disposition: attachment）"
    );
    Finding::warn(id, seen)
        .cause("forced-download")
        .why(text!(
            "The platform does so on its default domain. Calls of other pages work; the function's \
             own page cannot be opened.",
            "平台在默认域名上会这样做。其他页面的调用不受影响，但无法打开函数自带的页面。"
        ))
        .fix(text!(
            "To open GET /, bind a domain of your own: Function Compute console > Custom Domains > \
             Add Custom Domain, with a route to the function and OPTIONS among its methods.",
            "要打开 GET /，请绑定自己的域名：函数计算控制台 > 域名管理 > \
             添加自定义域名，路由指向该函数，请求方法包含 OPTIONS。"
        ))
}
