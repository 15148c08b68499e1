//! Checks of uploads in parts, on a route that has them: an upload of one part that begins, is refused where it has
//! to be, and is aborted. It is never completed, so no object is stored.

use std::collections::HashMap;

use http::{Method, header};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::doctor::bucket::not_oss_fix;
use crate::doctor::bucket_key::{BucketKey, LIFECYCLE, ORPHANS};
use crate::doctor::cors::{CorsAccess, lists};
use crate::doctor::finding::Finding;
use crate::doctor::fix;
use crate::doctor::oss_error::OssErrorResponse;
use crate::doctor::probe_file::ProbeFile;
use crate::doctor::signer_response::{
    ApiProblem, SignedForm, UploadTarget, foreign_response, transport_text, unreachable,
};
use crate::doctor::target::{DoctorTarget, MultipartFeature};
use crate::http_client::{TransportError, WebClient, WebRequest, WebResponse};
use crate::language::{Text, text};
use crate::requirements::cors_rule::CHECKSUM_HEADER;
use crate::requirements::lifecycle_rule::days;

const PREFLIGHT: &str = "parts.preflight";
const CHECKSUM: &str = "parts.checksum";
const BEGUN: &str = "parts.begun";
const LONGER: &str = "parts.longer";
const LISTED: &str = "parts.listed";
const ABORTED: &str = "parts.aborted";

/// The checks of uploads in parts.
pub(super) const ALL: &[&str] =
    &[PREFLIGHT, CHECKSUM, BEGUN, LONGER, LISTED, ABORTED, LIFECYCLE, ORPHANS];

/// The checks by an upload.
const NEED_UPLOAD: &[&str] = &[BEGUN, LONGER, LISTED, ABORTED];

/// The size of a part in bytes: the smallest of OSS.
const PART_SIZE: u64 = 100 << 10;

/// The upload that was begun for the checks.
#[derive(Deserialize)]
struct BegunParts {
    token: String,
    url: String,
    signatures: HashMap<u32, String>,
}

#[derive(Deserialize)]
struct StatusBody {
    /// The first and the last number of each run of parts.
    done: Vec<[u32; 2]>,
}

/// What the checks of uploads in parts need.
pub(super) struct PartsProbe<'a> {
    pub(super) doctor: &'a DoctorTarget,
    pub(super) client: &'a WebClient,
    pub(super) file: &'a ProbeFile,
    pub(super) form: &'a SignedForm,
}

impl PartsProbe<'_> {
    /// Runs the checks. `no_upload` is the reason why no upload may be begun.
    pub(super) async fn run(
        &self,
        feature: MultipartFeature,
        no_upload: Option<&Text>,
        findings: &mut Vec<Finding>,
    ) {
        let target = self.form.upload_target();
        self.preflight(&target, findings).await;
        match no_upload {
            Some(reason) => findings.extend(Finding::skip_all(NEED_UPLOAD, reason)),
            None => self.upload(&target, findings).await,
        }
        let region = target.signed_region.clone().unwrap_or_default();
        let days = days(feature.resume);
        let Some(credentials) = &self.doctor.bucket_key else {
            let reason = text!(
                "needs an access key that may look into the bucket: ALIBABA_CLOUD_ACCESS_KEY_ID and \
                 ALIBABA_CLOUD_ACCESS_KEY_SECRET",
                "需要可查看存储空间的访问密钥：ALIBABA_CLOUD_ACCESS_KEY_ID 和 ALIBABA_CLOUD_ACCESS_KEY_SECRET"
            );
            findings.extend(Finding::skip_all(&[LIFECYCLE, ORPHANS], &reason));
            return;
        };
        let key = BucketKey { client: self.client, credentials, target: &target, region: &region };
        findings.push(key.lifecycle(days).await);
        findings.push(key.orphans(days).await);
    }

    /// Sends the preflight request of a part.
    async fn preflight(&self, target: &UploadTarget, findings: &mut Vec<Finding>) {
        let url = format!("{}/", self.form.url);
        let request = WebRequest::preflight_of(url, &Method::PUT);
        let response = match self.client.send(self.doctor.as_page(request)).await {
            Ok(response) => response,
            Err(error) => {
                findings.push(unreachable(PREFLIGHT, &error));
                let reason = text!("there was no response", "没有响应");
                findings.push(Finding::skipped(CHECKSUM, reason));
                return;
            }
        };
        let (status, origin) = (response.status.as_u16(), &self.doctor.origin);
        let is_allowed = CorsAccess::of(&response.headers, origin).is_allowed();
        if is_allowed && response.status.is_success() {
            let seen = text!(
                "{status}; a page of {origin} may PUT parts",
                "{status}；来源为 {origin} 的页面可以 PUT 分片"
            );
            findings.push(Finding::ok(PREFLIGHT, seen));
            findings.push(checksum(target, &response));
            return;
        }
        let seen = OssErrorResponse::parse(&response).map_or_else(
            || text!("{status}, without permission for PUT", "{status}，没有 PUT 的授权"),
            |error| Text::verbatim(error.seen()),
        );
        let finding = Finding::fail(PREFLIGHT, seen)
            .cause("bucket-cors-put")
            .why(text!(
                "Parts of large files are sent with PUT. The browser sends this request first, and sends \
                 no part if it is refused.",
                "大文件的分片用 PUT 发送。浏览器会先发送此请求；若被拒绝，则不会发送任何分片。"
            ))
            .fix(fix::edit_cors_rule(
                &target.bucket,
                &text!("Allowed Methods POST and PUT.", "允许 Methods 选择 POST 和 PUT。"),
            ));
        findings.push(finding);
        let reason = text!("the page may not PUT parts", "页面不能 PUT 分片");
        findings.push(Finding::skipped(CHECKSUM, reason));
    }

    /// Begins an upload, sends a part that is too long and one that is right, lists, and aborts.
    async fn upload(&self, target: &UploadTarget, findings: &mut Vec<Finding>) {
        let begun = match self.begin(target).await {
            Ok(begun) => begun,
            Err(finding) => {
                findings.push(*finding);
                let reason = text!("no upload has begun", "没有开始任何上传");
                findings.extend(Finding::skip_all(&NEED_UPLOAD[1..], &reason));
                return;
            }
        };
        let seen = text!("the function has begun an upload at OSS", "函数已在 OSS 开始一个上传");
        findings.push(Finding::ok(BEGUN, seen));
        findings.push(longer(self.put(&begun, self.file.size + 1).await));
        findings.push(self.listed(&begun, target).await);
        findings.push(self.aborted(&begun, target).await);
    }

    async fn begin(&self, target: &UploadTarget) -> Result<BegunParts, Box<Finding>> {
        let mut body: Value = serde_json::from_str(&self.file.request_body()).unwrap_or_default();
        let mut file = body["files"][0].take();
        // A route may make the same key of the same name, and the form of the checks before has stored an object there.
        file["name"] = format!("parts-{}", self.file.name).into();
        let body = json!({"route": body["route"], "file": file, "part_size": PART_SIZE});
        let response = self.call("/multipart", &body).await;
        let response = response.map_err(|error| Box::new(unreachable(BEGUN, &error)))?;
        if let Some(begun) = response.json::<BegunParts>() {
            return Ok(begun);
        }
        let is_stored = ApiProblem::parse(&response).is_some_and(|it| it.error == "object_exists");
        if is_stored {
            let reason = text!(
                "the object of the check before is at the only key of this route",
                "此路由只有一个 Key，前一项检查的对象已在那里"
            );
            return Err(Box::new(Finding::skipped(BEGUN, reason)));
        }
        Err(Box::new(self.refusal(BEGUN, &response, target)))
    }

    /// Sends a right part, and has the function list it.
    async fn listed(&self, begun: &BegunParts, target: &UploadTarget) -> Finding {
        match self.put(begun, self.file.size).await {
            Ok(response) if response.status.is_success() => {}
            Ok(response) => {
                return OssErrorResponse::parse(&response).map_or_else(
                    || foreign_response(LISTED, &response),
                    |error| error.finding(LISTED, self.doctor, target),
                );
            }
            Err(error) => return unreachable(LISTED, &error),
        }
        match self.call("/multipart/status", &json!({"token": begun.token})).await {
            Ok(response) => match response.json::<StatusBody>() {
                Some(StatusBody { done }) if done == [[1, 1]] => {
                    let seen = text!(
                        "a part is stored, and the function can list it",
                        "分片已存储，函数可以列出它"
                    );
                    Finding::ok(LISTED, seen)
                }
                Some(_) => Finding::fail(
                    LISTED,
                    text!(
                        "OSS does not list the part that it has stored",
                        "OSS 没有列出已存储的分片"
                    ),
                )
                .cause("part-lost")
                .why(text!("Uploads cannot be resumed or completed.", "上传无法续传，也无法完成。"))
                .fix(not_oss_fix()),
                None => self.refusal(LISTED, &response, target),
            },
            Err(error) => unreachable(LISTED, &error),
        }
    }

    async fn aborted(&self, begun: &BegunParts, target: &UploadTarget) -> Finding {
        match self.call("/multipart/abort", &json!({"token": begun.token})).await {
            Ok(response) if response.status.is_success() => {
                let seen =
                    text!("the function can delete its parts again", "函数可以再次删除其分片");
                Finding::ok(ABORTED, seen)
            }
            Ok(response) => self.refusal(ABORTED, &response, target),
            Err(error) => unreachable(ABORTED, &error),
        }
    }

    /// Creates the finding of a call that the function refused.
    fn refusal(&self, id: &'static str, response: &WebResponse, target: &UploadTarget) -> Finding {
        let Some(problem) = ApiProblem::parse(response) else {
            return foreign_response(id, response);
        };
        let finding = Finding::fail(id, problem.text()).why(text!(
            "Large files cannot be uploaded through this route.",
            "无法通过此路由上传大文件。"
        ));
        if problem.error != "bucket_refused" {
            let fix = text!("See the message.", "请按照错误信息处理。");
            return finding.cause(problem.error).fix(fix);
        }
        let policy =
            fix::permission_policy(Some(&target.bucket), &target.directory, self.doctor.features());
        finding.cause("ram-denied").fix(text!(
            "If OSS says AccessDenied: RAM console > Roles > the function's role > Permissions: attach \
             this policy:\n{policy}",
            "如果 OSS 返回 AccessDenied：RAM 控制台 > 身份管理 > 角色 > 函数的角色 > \
             权限管理：授予以下策略：\n{policy}"
        ))
    }

    async fn call(&self, path: &str, body: &Value) -> Result<WebResponse, TransportError> {
        let request = WebRequest::post_json(self.doctor.url(path), body.to_string());
        let request = self.doctor.as_page(request).headers(&self.doctor.credentials);
        self.client.send(request).await
    }

    /// Sends this many bytes as the first part.
    async fn put(&self, begun: &BegunParts, size: u64) -> Result<WebResponse, TransportError> {
        let signature = begun.signatures.get(&1).map_or("", String::as_str);
        let url = format!("{}&partNumber=1&x-oss-signature={signature}", begun.url);
        let content = ProbeFile::content(size);
        let request = WebRequest::put_bytes(url, content);
        self.client.send(self.doctor.as_page(request)).await
    }
}

fn checksum(target: &UploadTarget, response: &WebResponse) -> Finding {
    if lists(&response.headers, header::ACCESS_CONTROL_EXPOSE_HEADERS, CHECKSUM_HEADER) {
        let seen = text!("the page may read {CHECKSUM_HEADER}", "页面可以读取 {CHECKSUM_HEADER}");
        return Finding::ok(CHECKSUM, seen);
    }
    let seen = text!("the page may not read {CHECKSUM_HEADER}", "页面无法读取 {CHECKSUM_HEADER}");
    Finding::warn(CHECKSUM, seen)
        .cause("checksum-not-exposed")
        .why(text!(
            "A page that compares checksums then compares the whole file only, and learns of a damaged \
             part at the end.",
            "比较校验和的页面只能比较整个文件，最后才会发现损坏的分片。"
        ))
        .fix(fix::edit_cors_rule(
            &target.bucket,
            &text!(
                "add {CHECKSUM_HEADER} to the Exposed Headers.",
                "在暴露 Headers 中添加 {CHECKSUM_HEADER}。"
            ),
        ))
}

/// Creates the finding of a part that is one byte longer than was signed.
fn longer(response: Result<WebResponse, TransportError>) -> Finding {
    let response = match response {
        Ok(response) => response,
        Err(error) => return Finding::skipped(LONGER, transport_text(&error)),
    };
    if response.status.is_success() {
        let seen = text!(
            "a part that is one byte longer than was signed was stored",
            "比签名长度多一字节的分片被存储"
        );
        return Finding::fail(LONGER, seen)
            .cause("length-unchecked")
            .why(text!(
                "What responds there does not check the length, so a caller can store more than the route \
                 allows.",
                "响应方不检查长度，因此调用者可以存储超出路由限制的内容。"
            ))
            .fix(text!(
                "Upload to OSS itself: check where the upload host leads.",
                "请直接上传到 OSS：检查上传域名指向何处。"
            ));
    }
    match OssErrorResponse::parse(&response) {
        Some(error) if error.code == "SignatureDoesNotMatch" => {
            let seen = text!(
                "a part that is one byte longer than was signed is refused (SignatureDoesNotMatch)",
                "比签名长度多一字节的分片会被拒绝（SignatureDoesNotMatch）"
            );
            Finding::ok(LONGER, seen)
        }
        Some(error) => {
            let seen = error.seen();
            let seen = text!("refused for another reason: {seen}", "因其他原因被拒绝：{seen}");
            Finding::skipped(LONGER, seen)
        }
        None => foreign_response(LONGER, &response),
    }
}
