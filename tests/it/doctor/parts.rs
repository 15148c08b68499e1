//! Uploads in parts and download links: the checks of a route that has them, and what each problem is called.

use insta::assert_snapshot;
use oss_emulator::oss::AccessKey;
use regex_lite::Regex;

use super::fixture::DoctorFixture;
use crate::support::form::{KEY_ID, SECRET};

const RULES: &str = "<LifecycleConfiguration><Rule><ID>a</ID><Prefix>uploads/</Prefix><Status>Enabled</Status>\
                     <AbortMultipartUpload><Days>4</Days></AbortMultipartUpload></Rule></LifecycleConfiguration>";

/// A deployment with uploads in parts and links, whose bucket accepts the key of the tool too.
fn fixture() -> DoctorFixture {
    DoctorFixture::new()
        .with("UPLOAD_AUTH", "origin")
        .with("UPLOAD_MULTIPART", "true")
        .with("UPLOAD_MULTIPART_RESUME", "3d")
        .with("UPLOAD_DOWNLOAD", "true")
        .with("UPLOAD_TOKEN_KEYS", "an example key of more than 32 bytes")
        .bucket(|oss| {
            oss.keys.push(AccessKey::new(KEY_ID, SECRET));
            oss.cors_exposed.push("x-oss-hash-crc64ecma".to_owned());
        })
}

/// Returns the lines of the report from the group `parts` on.
async fn report(fixture: DoctorFixture) -> String {
    let outcome = fixture.run().await;
    assert!(outcome.out.contains("\nparts\n"), "{}", outcome.out);
    let start = outcome.out.find("\nparts\n").unwrap();
    let text = outcome.out[start..].trim().to_owned();
    Regex::new("20[0-9]{6}").unwrap().replace_all(&text, "DAY").into_owned()
}

#[tokio::test]
async fn a_good_route_has_a_line_for_each_check() {
    let mut fixture = fixture();
    fixture.lifecycle = Some(RULES);
    assert_snapshot!(report(fixture).await, @r#"
    parts
      ok    preflight  200; a page of https://app.example may PUT parts
      ok    checksum   the page may read x-oss-hash-crc64ecma
      ok    begun      the function has begun an upload at OSS
      ok    longer     a part that is one byte longer than was signed is refused (SignatureDoesNotMatch)
      ok    listed     a part is stored, and the function can list it
      ok    aborted    the function can delete its parts again
      ok    lifecycle  parts of unfinished uploads below "uploads/" are removed after 4 days
      ok    orphans    no unfinished upload is older than 4 days

    download
      ok    preflight  200; a page of https://app.example may GET
      ok    link       a link reads the object

    39 ok
    "#);
}

#[tokio::test]
async fn abandoned_uploads_and_a_missing_rule_are_reported_with_the_rule() {
    let mut fixture = fixture();
    fixture.orphan_days = Some(9);
    assert_snapshot!(report(fixture.arguments(&["--no-upload"])).await, @r#"
    parts
      ok    preflight  200; a page of https://app.example may PUT parts
      ok    checksum   the page may read x-oss-hash-crc64ecma
      -     begun      left out because of --no-upload
      -     longer     left out because of --no-upload
      -     listed     left out because of --no-upload
      -     aborted    left out because of --no-upload
      warn  lifecycle  no lifecycle rule removes the parts of unfinished uploads below "uploads/"
                       name  no-lifecycle-rule
                       why   Such parts are in no list of objects, and cost as much as objects until they are removed.
                       fix   Run oss-upload setup, which adds the rule to those of the bucket. Or OSS console > Buckets >
                             examplebucket > Data Management > Lifecycle > Create Rule: prefix "uploads/", delete parts after
                             4 days. As XML (a configuration replaces all existing rules):
                             <LifecycleConfiguration>
                               <Rule>
                                 <ID>unfinished-uploads</ID>
                                 <Prefix>uploads/</Prefix>
                                 <Status>Enabled</Status>
                                 <AbortMultipartUpload>
                                   <Days>4</Days>
                                 </AbortMultipartUpload>
                               </Rule>
                             </LifecycleConfiguration>
      warn  orphans    unfinished uploads older than 4 days: 1; the oldest is that of uploads/old.txt, which began on
                       DAY
                       name  orphaned-parts
                       why   Nobody can resume them, and their parts are paid for.
                       fix   OSS console > Buckets > examplebucket > Objects > Parts: delete them. The lifecycle rule of the
                             finding above removes later ones.

    download
      ok    preflight  200; a page of https://app.example may GET
      -     link       no object was stored to be read

    26 ok, 2 warned, 11 skipped
    "#);
}

#[tokio::test]
async fn a_rule_that_removes_parts_too_early_is_reported() {
    let mut fixture = fixture().with("UPLOAD_MULTIPART_RESUME", "7d");
    fixture.lifecycle = Some(RULES);
    let causes = fixture.causes().await;
    assert!(causes.contains(&"warn parts.lifecycle lifecycle-too-early".to_owned()), "{causes:?}");
}

#[tokio::test]
async fn a_rule_of_cors_without_put_and_get_is_reported() {
    let fixture = fixture().bucket(|oss| oss.cors_origins.clear());
    let causes = fixture.causes().await;
    for cause in ["fail parts.preflight bucket-cors-put", "warn download.preflight bucket-cors-get"]
    {
        assert!(causes.contains(&cause.to_owned()), "{causes:?}");
    }
}

#[tokio::test]
async fn without_a_key_of_the_user_the_rules_of_the_bucket_are_not_checked() {
    let mut fixture = fixture().arguments(&["--lang", "zh"]);
    fixture.tool = fixture.tool.with("ALIBABA_CLOUD_ACCESS_KEY_ID", "");
    assert_snapshot!(report(fixture).await, @r#"
    parts
      ok    preflight  200；来源为 https://app.example 的页面可以 PUT 分片
      ok    checksum   页面可以读取 x-oss-hash-crc64ecma
      ok    begun      函数已在 OSS 开始一个上传
      ok    longer     比签名长度多一字节的分片会被拒绝（SignatureDoesNotMatch）
      ok    listed     分片已存储，函数可以列出它
      ok    aborted    函数可以再次删除其分片
      -     lifecycle  需要可查看存储空间的访问密钥：ALIBABA_CLOUD_ACCESS_KEY_ID 和 ALIBABA_CLOUD_ACCESS_KEY_SECRET
      -     orphans    需要可查看存储空间的访问密钥：ALIBABA_CLOUD_ACCESS_KEY_ID 和 ALIBABA_CLOUD_ACCESS_KEY_SECRET

    download
      ok    preflight  200；来源为 https://app.example 的页面可以 GET
      ok    link       链接可以读取对象

    37 项正常，2 项跳过
    "#);
}

#[tokio::test]
async fn a_bucket_that_stores_a_longer_part_is_reported() {
    use bytes::Bytes;
    use http::Response;
    use http_body_util::Full;

    let mut fixture = fixture();
    // A store that takes everything, in place of OSS.
    fixture.oss_replacement = Some(|request| {
        let xml =
            "<InitiateMultipartUploadResult><UploadId>A</UploadId></InitiateMultipartUploadResult>";
        let body = if request.method() == "POST" { xml } else { "" };
        let origin = "https://app.example";
        let response = Response::builder().header("access-control-allow-origin", origin);
        response.body(Full::from(Bytes::from_static(body.as_bytes()))).unwrap()
    });
    let causes = fixture.causes().await;
    assert!(causes.contains(&"fail parts.longer length-unchecked".to_owned()), "{causes:?}");
}
