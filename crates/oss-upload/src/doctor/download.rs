//! Checks of download links, on a route that gives them out: the page may read, and the role may.

use http::Method;
use serde::Deserialize;
use serde_json::json;

use crate::doctor::cors::CorsAccess;
use crate::doctor::finding::Finding;
use crate::doctor::fix;
use crate::doctor::oss_error::OssErrorResponse;
use crate::doctor::signer_response::{
    ApiProblem, SignedForm, UploadTarget, foreign_response, unreachable,
};
use crate::doctor::target::DoctorTarget;
use crate::http_client::{WebClient, WebRequest, WebResponse};
use crate::language::{Text, text};

const PREFLIGHT: &str = "download.preflight";
const LINK: &str = "download.link";

/// The checks of download links.
pub(super) const ALL: &[&str] = &[PREFLIGHT, LINK];

#[derive(Deserialize)]
struct DownloadsBody {
    downloads: Vec<DownloadEntry>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum DownloadEntry {
    Refused { error: ApiProblem },
    Granted { get: DownloadLink },
}

#[derive(Deserialize)]
struct DownloadLink {
    url: String,
}

/// Checks the CORS rule for GET, and reads the object that was stored, if one was.
pub(super) async fn check(
    doctor: &DoctorTarget,
    client: &WebClient,
    form: &SignedForm,
    key: Option<&str>,
) -> Vec<Finding> {
    let target = form.upload_target();
    let link = if let Some(key) = key {
        link(doctor, client, &target, key).await
    } else {
        let reason = text!("no object was stored to be read", "没有存储可供读取的对象");
        Finding::skipped(LINK, reason)
    };
    vec![preflight(doctor, client, &target).await, link]
}

async fn preflight(doctor: &DoctorTarget, client: &WebClient, target: &UploadTarget) -> Finding {
    let request = WebRequest::preflight_of(format!("{}/", target.url), &Method::GET);
    let response = match client.send(doctor.as_page(request)).await {
        Ok(response) => response,
        Err(error) => return unreachable(PREFLIGHT, &error),
    };
    let (status, origin) = (response.status.as_u16(), &doctor.origin);
    if response.status.is_success() && CorsAccess::of(&response.headers, origin).is_allowed() {
        return Finding::ok(
            PREFLIGHT,
            text!(
                "{status}; a page of {origin} may GET",
                "{status}；来源为 {origin} 的页面可以 GET"
            ),
        );
    }
    let seen = OssErrorResponse::parse(&response).map_or_else(
        || text!("{status}, without permission for GET", "{status}，没有 GET 的授权"),
        |error| Text::verbatim(error.seen()),
    );
    Finding::warn(PREFLIGHT, seen)
        .cause("bucket-cors-get")
        .why(text!(
            "Links work, but a script of the page cannot read the object.",
            "链接可用，但页面的脚本无法读取对象。"
        ))
        .fix(fix::edit_cors_rule(
            &target.bucket,
            &text!("Allowed Methods GET and HEAD too.", "允许 Methods 再加上 GET 和 HEAD。"),
        ))
}

async fn link(
    doctor: &DoctorTarget,
    client: &WebClient,
    target: &UploadTarget,
    key: &str,
) -> Finding {
    let body = json!({"route": doctor.route, "keys": [key]}).to_string();
    let request = WebRequest::post_json(doctor.url("/downloads"), body);
    let request = doctor.as_page(request).headers(&doctor.credentials);
    let response = match client.send(request).await {
        Ok(response) => response,
        Err(error) => return unreachable(LINK, &error),
    };
    let entry = response.json::<DownloadsBody>();
    let refused = match entry.and_then(|body| body.downloads.into_iter().next()) {
        Some(DownloadEntry::Granted { get }) => {
            return match client.send(WebRequest::get(get.url)).await {
                Ok(response) => read(doctor, target, &response),
                Err(error) => unreachable(LINK, &error),
            };
        }
        Some(DownloadEntry::Refused { error }) => Some(error),
        None => ApiProblem::parse(&response),
    };
    match refused {
        Some(problem) => Finding::fail(LINK, problem.text())
            .cause(problem.error)
            .why(text!(
                "The function gives out no link to an object that it has just granted.",
                "函数不为刚刚授权的对象提供链接。"
            ))
            .fix(text!("See the message.", "请按照错误信息处理。")),
        None => foreign_response(LINK, &response),
    }
}

fn read(doctor: &DoctorTarget, target: &UploadTarget, response: &WebResponse) -> Finding {
    if response.status.is_success() {
        return Finding::ok(LINK, text!("a link reads the object", "链接可以读取对象"));
    }
    let Some(error) = OssErrorResponse::parse(response) else {
        return foreign_response(LINK, response);
    };
    let finding = error.finding(LINK, doctor, target);
    if finding.cause.as_deref() == Some("ram-denied") {
        return finding.why(text!(
            "The link is correct, but the role that signed it may not read this object.",
            "链接正确，但签名所用的角色无权读取此对象。"
        ));
    }
    finding
}
