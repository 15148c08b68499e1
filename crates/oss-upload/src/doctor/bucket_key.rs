//! What a key of the user sees in the bucket: the lifecycle rule for unfinished uploads, and old ones.
//!
//! The function may do neither, so these two checks need an access key in the environment. They only read.

use std::fmt::Write as _;

use crate::doctor::finding::Finding;
use crate::doctor::fix;
use crate::doctor::oss_error::OssErrorResponse;
use crate::doctor::signer_response::{UploadTarget, single_line, transport_text};
use crate::http_client::{WebClient, WebRequest, WebResponse};
use crate::language::{Text, text};
use crate::requirements::lifecycle_rule::removal_days;
use crate::signing_context::v4_signer;
use crate::xml::XmlElement;
use oss_upload_signer::credentials::Credentials;
use oss_upload_signer::signing::request::{OssRequest, RequestSigner};
use oss_upload_signer::time;
use oss_upload_signer::time::Timestamp;

pub(super) const LIFECYCLE: &str = "parts.lifecycle";
pub(super) const ORPHANS: &str = "parts.orphans";

/// The largest number of pages of unfinished uploads that are read, a thousand on each.
const MAX_PAGES: usize = 10;

/// The seconds of a day.
const DAY: i64 = 24 * 60 * 60;

/// Requests to the bucket with the user's key.
pub(super) struct BucketKey<'a> {
    pub(super) client: &'a WebClient,
    pub(super) credentials: &'a Credentials,
    pub(super) target: &'a UploadTarget,
    /// The region of the bucket.
    pub(super) region: &'a str,
}

/// The unfinished uploads that a lifecycle rule should have removed.
#[derive(Debug, Default, PartialEq, Eq)]
struct Orphans {
    count: usize,
    /// Whether there may be more.
    is_partial: bool,
    /// The start and the key of the oldest one.
    oldest: Option<(Timestamp, String)>,
}

impl BucketKey<'_> {
    /// Checks that the parts of uploads which are never finished are removed after `days`, and no sooner.
    pub(super) async fn lifecycle(&self, days: u64) -> Finding {
        let UploadTarget { bucket, directory, .. } = self.target;
        let response = match self.get(&[("lifecycle", None)]).await {
            Ok(response) => response,
            Err(reason) => return Finding::skipped(LIFECYCLE, reason),
        };
        let found = match read_rules(&response) {
            Ok(rules) => rules.iter().filter_map(|rule| removal_days(rule, directory)).min(),
            Err(Some(error)) => return refused(LIFECYCLE, &error, "oss:GetBucketLifecycle"),
            Err(None) => return unreadable(LIFECYCLE, &response),
        };
        let directory = single_line(directory);
        match found {
            Some(found) if found >= days => Finding::ok(
                LIFECYCLE,
                text!(
                    "parts of unfinished uploads below {directory:?} are removed after {found} days",
                    "{directory:?} 下未完成上传的分片会在 {found} 天后删除"
                ),
            ),
            Some(found) => Finding::warn(
                LIFECYCLE,
                text!(
                    "parts of unfinished uploads are removed after {found} days",
                    "未完成上传的分片会在 {found} 天后删除"
                ),
            )
            .cause("lifecycle-too-early")
            .why(text!(
                "An upload can be resumed for longer, so it may lose its parts while it is under way.",
                "上传可续传的时间更长，因此进行中的上传可能会丢失分片。"
            ))
            .fix(fix::lifecycle_rule(bucket, &directory, days)),
            None => Finding::warn(
                LIFECYCLE,
                text!(
                    "no lifecycle rule removes the parts of unfinished uploads below {directory:?}",
                    "没有生命周期规则删除 {directory:?} 下未完成上传的分片"
                ),
            )
            .cause("no-lifecycle-rule")
            .why(text!(
                "Such parts are in no list of objects, and cost as much as objects until they are removed.",
                "这些分片不出现在对象列表中，但在删除之前与对象一样计费。"
            ))
            .fix(fix::lifecycle_rule(bucket, &directory, days)),
        }
    }

    /// Looks for uploads that began more than `days` ago and are not finished.
    pub(super) async fn orphans(&self, days: u64) -> Finding {
        let before = time::now().unix() - i64::try_from(days).unwrap_or_default() * DAY;
        match self.list(before).await {
            Err(finding) => *finding,
            Ok(Orphans { count, is_partial, oldest: Some((began, key)) }) => {
                let count = if is_partial { format!("≥ {count}") } else { count.to_string() };
                let (key, began) = (single_line(&key), began.date());
                let bucket = &self.target.bucket;
                let seen = text!(
                    "unfinished uploads older than {days} days: {count}; the oldest is that of {key}, which \
                     began on {began}",
                    "超过 {days} 天的未完成上传：{count} 个；最早的是 {key}，开始于 {began}"
                );
                Finding::warn(ORPHANS, seen)
                    .cause("orphaned-parts")
                    .why(text!(
                        "Nobody can resume them, and their parts are paid for.",
                        "它们已无法续传，其分片仍在计费。"
                    ))
                    .fix(text!(
                        "OSS console > Buckets > {bucket} > Objects > Parts: delete them. The \
                         lifecycle rule of the finding above removes later ones.",
                        "OSS 控制台 > Bucket 列表 > {bucket} > 文件列表 > 碎片管理：删除它们。\
                         上一项检查所说的生命周期规则会删除以后的碎片。"
                    ))
            }
            Ok(_) => Finding::ok(
                ORPHANS,
                text!(
                    "no unfinished upload is older than {days} days",
                    "没有超过 {days} 天的未完成上传"
                ),
            ),
        }
    }

    async fn list(&self, before: i64) -> Result<Orphans, Box<Finding>> {
        let mut orphans = Orphans::default();
        let (mut key, mut id) = (String::new(), String::new());
        for _ in 0..MAX_PAGES {
            let query = [
                ("key-marker", Some(key.as_str())),
                ("max-uploads", Some("1000")),
                ("prefix", Some(&self.target.directory)),
                ("upload-id-marker", Some(&id)),
                ("uploads", None),
            ];
            let query: Vec<_> = query.into_iter().filter(|(_, value)| *value != Some("")).collect();
            let response = self.get(&query).await;
            let response =
                response.map_err(|reason| Box::new(Finding::skipped(ORPHANS, reason)))?;
            if let Some(error) = OssErrorResponse::parse(&response) {
                return Err(Box::new(refused(ORPHANS, &error, "oss:ListMultipartUploads")));
            }
            let page = XmlElement::parse(&response.body).ok();
            let page = page.filter(|page| page.name == "ListMultipartUploadsResult");
            let page = page.ok_or_else(|| Box::new(unreadable(ORPHANS, &response)))?;
            orphans.add(&page, before);
            if page.text_of("IsTruncated") != Some("true") {
                return Ok(orphans);
            }
            let marker = |name| page.text_of(name).unwrap_or_default().to_owned();
            (key, id) = (marker("NextKeyMarker"), marker("NextUploadIdMarker"));
        }
        orphans.is_partial = true;
        Ok(orphans)
    }

    /// Sends a signed GET to the bucket. The parameters are sorted.
    async fn get(&self, query: &[(&str, Option<&str>)]) -> Result<WebResponse, Text> {
        let signer = RequestSigner::new(v4_signer(self.credentials, self.region, time::now()));
        let request = OssRequest {
            method: "GET",
            bucket: &self.target.bucket,
            key: None,
            query,
            headers: &[],
            additional_headers: &[],
        };
        let mut url = String::new();
        let _ = write!(url, "{}/?{}", self.target.url, signer.canonical_headers(&request).query);
        let request = WebRequest::get(url).headers(&signer.sign_headers(&request));
        self.client.send(request).await.map_err(|error| transport_text(&error))
    }
}

impl Orphans {
    /// Counts the uploads of a page that began before a moment.
    fn add(&mut self, page: &XmlElement, before: i64) {
        for upload in page.children.iter().filter(|child| child.name == "Upload") {
            let began = upload.text_of("Initiated").and_then(Timestamp::parse_rfc3339);
            let Some(began) = began.filter(|began| began.unix() < before) else { continue };
            self.count += 1;
            if self.oldest.as_ref().is_none_or(|(oldest, _)| began.unix() < oldest.unix()) {
                self.oldest = Some((began, upload.text_of("Key").unwrap_or_default().to_owned()));
            }
        }
    }
}

/// Reads the rules of the bucket; none is not an error.
fn read_rules(response: &WebResponse) -> Result<Vec<XmlElement>, Option<OssErrorResponse>> {
    match OssErrorResponse::parse(response) {
        Some(error) if error.code == "NoSuchLifecycle" => return Ok(Vec::new()),
        Some(error) => return Err(Some(error)),
        None => {}
    }
    let root = XmlElement::parse(&response.body).map_err(|_| None)?;
    if root.name != "LifecycleConfiguration" {
        return Err(None);
    }
    Ok(root.children.into_iter().filter(|child| child.name == "Rule").collect())
}

fn refused(id: &'static str, error: &OssErrorResponse, action: &str) -> Finding {
    let seen = error.seen();
    Finding::skipped(
        id,
        text!(
            "the access key of the environment may not look ({action}): {seen}",
            "环境变量中的访问密钥无权查看（{action}）：{seen}"
        ),
    )
}

fn unreadable(id: &'static str, response: &WebResponse) -> Finding {
    let status = response.status.as_u16();
    Finding::skipped(
        id,
        text!("the response is {status} and not one of OSS", "响应为 {status}，且不是 OSS 的响应"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_uploads_before_the_moment_are_orphans() {
        let upload = |key: &str, began: &str| {
            format!(
                "<Upload><Key>{key}</Key><UploadId>A</UploadId><Initiated>{began}</Initiated></Upload>"
            )
        };
        let page = format!(
            "<ListMultipartUploadsResult>{}{}{}{}</ListMultipartUploadsResult>",
            upload("b", "2024-11-02T00:00:00.000Z"),
            upload("a", "2024-11-01T00:00:00.000Z"),
            upload("new", "2024-12-01T00:00:00.000Z"),
            upload("odd", "yesterday"),
        );
        let mut orphans = Orphans::default();
        let before = Timestamp::parse_rfc3339("2024-11-20T00:00:00Z").unwrap().unix();
        orphans.add(&XmlElement::parse(&page).unwrap(), before);
        let oldest = Timestamp::parse_rfc3339("2024-11-01T00:00:00Z").unwrap();
        let expected =
            Orphans { count: 2, is_partial: false, oldest: Some((oldest, "a".to_owned())) };
        assert_eq!(orphans, expected);
    }
}
