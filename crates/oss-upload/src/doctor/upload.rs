//! Test uploads: a tiny file that has to be stored, and uploads that have to be refused.
//!
//! The stored object stays, because the function may only put objects. So its key is reported.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::doctor::bucket::{host_fix, not_oss_fix};
use crate::doctor::cors::CorsAccess;
use crate::doctor::finding::Finding;
use crate::doctor::oss_error::{OssErrorResponse, referer_fix};
use crate::doctor::page::form_request;
use crate::doctor::probe_file::ProbeFile;
use crate::doctor::signer_response::{
    FormResponse, SignedForm, UploadTarget, single_line, transport_text, unreachable,
};
use crate::doctor::target::DoctorTarget;
use crate::http_client::{TransportError, WebClient, WebRequest, WebResponse};
use crate::language::{Text, text};
use crate::upload::whole_form;

/// The checks by test uploads.
pub(super) const ALL: &[&str] = &[
    "upload.stored",
    "upload.readable",
    "upload.referer",
    "upload.oversize",
    "upload.tampered",
    "upload.elsewhere",
];

/// A key that no form allows.
const OTHER_KEY: &str = "oss-upload-doctor-must-not-be-here.txt";

/// The parts of a test upload.
pub(super) struct UploadProbe<'a> {
    pub(super) doctor: &'a DoctorTarget,
    pub(super) client: &'a WebClient,
    pub(super) file: &'a ProbeFile,
}

/// The result of posting a form.
enum UploadOutcome {
    Stored(WebResponse),
    Refused(OssErrorResponse),
    /// The response is not one of OSS.
    Unknown(Text),
}

/// The `Referer` of a test upload.
#[derive(Clone, Copy, PartialEq, Eq)]
enum RefererChoice {
    /// The one that the page sends, or none if the page sends none.
    OfPage,
    /// None if the page sends one, otherwise the page's address.
    Other,
}

impl UploadProbe<'_> {
    /// Uploads with the given form, then tries the uploads that have to be refused, each with its own form. Returns
    /// the key of the object that was stored.
    pub(super) async fn run(
        &self,
        form: SignedForm,
        findings: &mut Vec<Finding>,
    ) -> Option<String> {
        let target = form.upload_target();
        let key = single_line(&form.key);
        let outcome = self.post(&form, self.file.size, RefererChoice::OfPage).await;
        let referer = self.referer(&target).await;
        let is_stored = matches!(outcome, Ok(UploadOutcome::Stored(_)));
        match outcome {
            Ok(UploadOutcome::Stored(response)) => {
                findings.push(stored(&response, &key, &target));
                findings.push(self.readable(&response));
            }
            Ok(UploadOutcome::Refused(error)) if error.code == "FileAlreadyExists" => {
                findings.push(already_exists(&error, &key));
                let reason = text!("nothing was stored", "没有存储任何内容");
                findings.push(Finding::skipped("upload.readable", reason));
            }
            failed => {
                findings.push(self.not_stored(failed, &target, &referer));
                let reason = text!(
                    "the valid upload was refused too, so a refusal would prove nothing",
                    "有效的上传也被拒绝，因此拒绝不能说明问题"
                );
                findings.extend(Finding::skip_all(&ALL[1..], &reason));
                return None;
            }
        }
        findings.push(referer.finding);
        findings.push(self.oversize().await);
        findings.push(self.tampered().await);
        findings.push(self.other_key().await);
        is_stored.then_some(form.key)
    }

    /// Creates the finding of a valid upload that failed.
    fn not_stored(
        &self,
        outcome: Result<UploadOutcome, TransportError>,
        target: &UploadTarget,
        referer: &RefererResult,
    ) -> Finding {
        let id = "upload.stored";
        match outcome {
            Ok(UploadOutcome::Refused(error))
                if error.code == "AccessDenied" && referer.is_accepted =>
            {
                error.referer_finding(id, self.doctor, target)
            }
            Ok(UploadOutcome::Refused(error)) => {
                let finding = error.finding(id, self.doctor, target);
                if error.code == "CallbackFailed" {
                    return finding.why(text!(
                        "The object is stored, but the callback failed, so the application does not \
                         know about it.",
                        "对象已存储，但回调失败，因此应用并不知情。"
                    ));
                }
                finding
            }
            Ok(UploadOutcome::Unknown(seen)) => Finding::fail(id, seen)
                .cause("not-oss")
                .why(text!(
                    "The response is not one of OSS, so it is unknown whether the file is stored.",
                    "响应不是来自 OSS，因此不知道文件是否已存储。"
                ))
                .fix(not_oss_fix()),
            Ok(UploadOutcome::Stored(_)) => Finding::ok(id, text!("stored", "已存储")),
            Err(error) => unreachable(id, &error).fix(host_fix()),
        }
    }

    fn readable(&self, response: &WebResponse) -> Finding {
        let id = "upload.readable";
        if CorsAccess::of(&response.headers, &self.doctor.origin).is_allowed() {
            return Finding::ok(id, text!("the page may read the response", "页面可以读取响应"));
        }
        let seen = text!(
            "the response to the upload does not allow the page to read it",
            "上传的响应不允许页面读取"
        );
        Finding::fail(id, seen)
            .cause("stored-unseen")
            .why(text!(
                "The object is stored, but the page sees a network error, so users upload again.",
                "对象已存储，但页面看到网络错误，因此用户会再次上传。"
            ))
            .fix(text!(
                "The finding on the bucket's preflight says how to create its CORS rule.",
                "关于存储空间预检请求的检查结果说明了如何创建跨域规则。"
            ))
    }

    /// Uploads with the other `Referer`. The file is larger than the form allows, so it is not stored: if the
    /// size is the reason of the refusal, no referer rule applies.
    async fn referer(&self, target: &UploadTarget) -> RefererResult {
        let id = "upload.referer";
        let skipped =
            |reason| RefererResult { finding: Finding::skipped(id, reason), is_accepted: false };
        let form = match self.form().await {
            Ok(form) => form,
            Err(reason) => return skipped(reason),
        };
        let size = self.file.size + 1;
        match self.post(&form, size, RefererChoice::Other).await {
            Ok(UploadOutcome::Refused(error)) if error.code == "EntityTooLarge" => {
                let seen = match self.doctor.referer() {
                    Some(_) => {
                        text!("no Referer is needed", "不需要 Referer")
                    }
                    None => text!(
                        "a Referer of the page's address is accepted too",
                        "带有页面地址的 Referer 也被接受"
                    ),
                };
                RefererResult { finding: Finding::ok(id, seen), is_accepted: true }
            }
            Ok(UploadOutcome::Refused(error)) if error.is_referer_rule() => {
                RefererResult { finding: self.referer_rule(&error, target), is_accepted: false }
            }
            Ok(UploadOutcome::Refused(error)) => skipped(other_reason(&error)),
            Ok(UploadOutcome::Stored(_)) => {
                skipped(text!("the bucket does not check the size", "存储空间不检查大小"))
            }
            Ok(UploadOutcome::Unknown(seen)) => skipped(seen),
            Err(error) => skipped(transport_text(&error)),
        }
    }

    /// Creates the finding of a referer rule that does not affect the page.
    fn referer_rule(&self, error: &OssErrorResponse, target: &UploadTarget) -> Finding {
        let why = match self.doctor.referer() {
            Some(_) => text!(
                "Hotlink protection refuses uploads without a Referer: those of mini programs, apps, \
                 and pages with the referrer policy no-referrer, such as the function's own.",
                "防盗链拒绝没有 Referer 的上传：小程序、App，以及使用 no-referrer \
                 策略的页面（如函数自带的页面）。"
            ),
            None => text!(
                "Hotlink protection refuses uploads with the page's address as Referer. The \
                 function's own page sends none, but other pages do.",
                "防盗链拒绝以页面地址为 Referer 的上传。函数自带的页面不发送 Referer，但其他页面会发送。"
            ),
        };
        Finding::warn("upload.referer", Text::verbatim(error.seen()))
            .cause("bucket-referer-rule")
            .why(why)
            .fix(referer_fix(self.doctor, &target.bucket))
    }

    async fn oversize(&self) -> Finding {
        let id = "upload.oversize";
        let (limit, size) = (self.file.size, self.file.size + 1);
        let form = match self.form().await {
            Ok(form) => form,
            Err(reason) => return Finding::skipped(id, reason),
        };
        match self.post(&form, size, RefererChoice::OfPage).await {
            Ok(UploadOutcome::Refused(error)) if error.code == "EntityTooLarge" => Finding::ok(
                id,
                text!(
                    "{size} bytes with a form for {limit} are refused (EntityTooLarge)",
                    "用 {limit} 字节的表单上传 {size} 字节会被拒绝（EntityTooLarge）"
                ),
            ),
            Ok(UploadOutcome::Stored(_)) => {
                let seen = text!(
                    "{size} bytes were stored with a form for {limit}; the object stays",
                    "用 {limit} 字节的表单存储了 {size} 字节；对象会保留"
                );
                Finding::fail(id, seen)
                    .cause("size-unchecked")
                    .why(text!(
                        "What responds there does not check the policy, so a form for a picture \
                         stores a film.",
                        "响应方不检查 policy，因此图片的表单可以存储影片。"
                    ))
                    .fix(
                        text!(
                            "Upload to OSS itself: check where the upload host leads. A proxy or \
                             another store behind it has to check content-length-range.\n",
                            "请直接上传到 OSS：检查上传域名指向何处。它后面的代理或其他存储必须检查 \
                             content-length-range。\n"
                        )
                        .with(&removal_of(&form)),
                    )
            }
            other => inconclusive(id, other),
        }
    }

    /// Changes the policy, and keeps the signature.
    async fn tampered(&self) -> Finding {
        let id = "upload.tampered";
        let mut form = match self.form().await {
            Ok(form) => form,
            Err(reason) => return Finding::skipped(id, reason),
        };
        let Some(policy) = form.field("policy").and_then(extend_expiry) else {
            return Finding::skipped(id, text!("the policy is not readable", "policy 无法读取"));
        };
        form.set("policy", policy);
        match self.post(&form, self.file.size, RefererChoice::OfPage).await {
            Ok(UploadOutcome::Refused(error)) if error.code == "SignatureDoesNotMatch" => {
                Finding::ok(
                    id,
                    text!(
                        "a policy that was changed after signing is refused (SignatureDoesNotMatch)",
                        "签名后被修改的 policy 会被拒绝（SignatureDoesNotMatch）"
                    ),
                )
            }
            Ok(UploadOutcome::Stored(_)) => {
                let seen = text!(
                    "a policy that was changed after signing was accepted; the object stays",
                    "签名后被修改的 policy 被接受；对象会保留"
                );
                Finding::fail(id, seen)
                    .cause("signature-unchecked")
                    .why(text!(
                        "What responds there does not check signatures, so everyone can store \
                         anything.",
                        "响应方不检查签名，因此任何人都可以存储任何内容。"
                    ))
                    .fix(
                        text!(
                            "Upload to OSS itself: check where the upload host leads. Is the bucket \
                             public-read-write? OSS console > Buckets > the bucket > Permission \
                             Control > Bucket ACL: Private.\n",
                            "请直接上传到 OSS：检查上传域名指向何处。存储空间是公共读写吗？OSS 控制台 \
                             > Bucket 列表 > 该存储空间 > 权限控制 > 读写权限：私有。\n"
                        )
                        .with(&removal_of(&form)),
                    )
            }
            other => inconclusive(id, other),
        }
    }

    /// Uploads under another key with a valid form.
    async fn other_key(&self) -> Finding {
        let id = "upload.elsewhere";
        let mut form = match self.form().await {
            Ok(form) => form,
            Err(reason) => return Finding::skipped(id, reason),
        };
        form.set("key", OTHER_KEY.to_owned());
        OTHER_KEY.clone_into(&mut form.key);
        match self.post(&form, self.file.size, RefererChoice::OfPage).await {
            Ok(UploadOutcome::Refused(error)) if error.code == "AccessDenied" => Finding::ok(
                id,
                text!(
                    "another key than that of the form is refused (AccessDenied)",
                    "与表单不同的对象键会被拒绝（AccessDenied）"
                ),
            ),
            Ok(UploadOutcome::Stored(_)) => {
                let seen = text!(
                    "a file was stored under another key than that of the form; the object stays",
                    "文件以与表单不同的对象键存储；对象会保留"
                );
                Finding::fail(id, seen)
                    .cause("key-unchecked")
                    .why(text!(
                        "Everyone who has a form for one file can store any file, and can replace the \
                         files of others.",
                        "持有一个文件的表单的任何人都可以存储任意文件，并可覆盖他人的文件。"
                    ))
                    .fix(
                        text!(
                            "See the finding on the policy: it has to limit the key. If it does, \
                             check where the upload host leads.\n",
                            "请看关于 policy 的检查结果：它必须限制对象键。如果已限制，请检查上传域名指向何处。\n"
                        )
                        .with(&removal_of(&form)),
                    )
            }
            other => inconclusive(id, other),
        }
    }

    /// Requests one more form, as the page, or as a program if the page is not allowed.
    async fn form(&self) -> Result<SignedForm, Text> {
        match self.request_form(Some(&self.doctor.origin)).await? {
            FormResponse::Refused(problem) if problem.error == "origin_not_allowed" => {
                self.request_form(None).await?.signed()
            }
            response => response.signed(),
        }
    }

    async fn request_form(&self, origin: Option<&str>) -> Result<FormResponse, Text> {
        let request = form_request(self.doctor, &self.file.request_body(), origin)
            .headers(&self.doctor.credentials);
        let response = self.client.send(request).await.map_err(|error| transport_text(&error))?;
        Ok(FormResponse::parse(&response))
    }

    async fn post(
        &self,
        form: &SignedForm,
        size: u64,
        referer: RefererChoice,
    ) -> Result<UploadOutcome, TransportError> {
        let ProbeFile { name, content_type, .. } = self.file;
        let content = ProbeFile::content(size);
        let (body, form_type) = whole_form(&form.fields, (name, content_type), &content);
        let request = WebRequest::post(format!("{}/", form.url), &form_type, body);
        let sends_referer = self.doctor.referer().is_some() == (referer == RefererChoice::OfPage);
        let referer = sends_referer.then(|| format!("{}/", self.doctor.origin));
        let request = request.of_page(&self.doctor.origin, referer.as_deref());
        let response = self.client.send(request).await?;
        Ok(match response.status.as_u16() {
            200 | 201 | 204 | 303 => UploadOutcome::Stored(response),
            status => match OssErrorResponse::parse(&response) {
                Some(error) => UploadOutcome::Refused(error),
                None => UploadOutcome::Unknown(text!(
                    "the response is {status} and no error of OSS",
                    "响应为 {status}，且不是 OSS 的错误"
                )),
            },
        })
    }
}

/// The result of the upload with the other `Referer`.
struct RefererResult {
    finding: Finding,
    /// Whether the bucket accepts the other `Referer`.
    is_accepted: bool,
}

fn stored(response: &WebResponse, key: &str, target: &UploadTarget) -> Finding {
    let status = response.status.as_u16();
    let seen = text!(
        "{status}; the object {key} stays, because the function may not delete",
        "{status}；对象 {key} 会保留，因为函数无权删除"
    );
    Finding::ok("upload.stored", seen).fix(removal(&target.bucket, key))
}

/// Creates the finding of a valid upload whose key exists already. This is the last check of OSS.
fn already_exists(error: &OssErrorResponse, key: &str) -> Finding {
    Finding::warn("upload.stored", Text::verbatim(error.seen()))
        .cause("FileAlreadyExists")
        .why(text!(
            "The form was accepted, but {key} exists already, perhaps from an earlier run.",
            "表单被接受，但 {key} 已存在，可能来自之前的运行。"
        ))
        .fix(text!(
            "If each upload should have its own key, put {{uuid}} into the route's key or directory. \
             Otherwise remove the object, and run this again.",
            "如果每次上传应使用各自的对象键，请在路由的 key 或 directory 中加入 \
             {{uuid}}。否则请删除该对象后重新运行。"
        ))
}

fn removal_of(form: &SignedForm) -> Text {
    removal(&form.upload_target().bucket, &single_line(&form.key))
}

fn removal(bucket: &str, key: &str) -> Text {
    text!(
        "To remove it:\n  ossutil rm oss://{bucket}/{key}",
        "删除方法：\n  ossutil rm oss://{bucket}/{key}"
    )
}

fn other_reason(error: &OssErrorResponse) -> Text {
    let seen = error.seen();
    text!("refused for another reason: {seen}", "因其他原因被拒绝：{seen}")
}

/// Creates the finding of an upload that was refused for another reason than the expected one.
fn inconclusive(id: &'static str, outcome: Result<UploadOutcome, TransportError>) -> Finding {
    match outcome {
        Ok(UploadOutcome::Refused(error)) => Finding::warn(id, other_reason(&error))
            .cause("other-refusal")
            .why(text!(
                "So it is unknown whether this upload would be refused by itself.",
                "因此不知道这次上传本身是否会被拒绝。"
            ))
            .fix(text!(
                "Run this again; if it stays, oss-upload explain says what the error means.",
                "请重新运行；如果结果相同，oss-upload explain 会说明此错误的含义。"
            )),
        Ok(UploadOutcome::Unknown(seen)) => Finding::skipped(id, seen),
        Ok(UploadOutcome::Stored(_)) => Finding::skipped(id, text!("stored", "已存储")),
        Err(error) => Finding::skipped(id, transport_text(&error)),
    }
}

/// Returns the policy with an expiry in another century: valid except for its signature.
fn extend_expiry(policy: &str) -> Option<String> {
    let text = String::from_utf8(STANDARD.decode(policy).ok()?).ok()?;
    let (before, rest) = text.split_once("\"expiration\":\"20")?;
    Some(STANDARD.encode(format!("{before}\"expiration\":\"21{rest}")))
}
