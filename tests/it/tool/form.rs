//! `form` writes a self-contained page, completely or not at all, and reports forms that it cannot write.
//! `tests/web/form.test.mjs` posts the page with a browser.

use std::fs;

use insta::assert_snapshot;
use oss_upload_signer::time;

use crate::support::form::{BUCKET, REGION};
use crate::support::tool::Tool;

const PLACE: [&str; 7] = ["form", "--bucket", BUCKET, "--region", REGION, "--out", "post.html"];

fn with<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    [&PLACE[..], arguments].concat()
}

/// Replaces the values of the page that differ in each run.
fn normalize(page: &str) -> String {
    let line = |line: &str| {
        let signed = ["policy", "x-oss-credential", "x-oss-date", "x-oss-signature"];
        let name = signed.iter().find(|name| line.contains(&format!("name=\"{name}\"")));
        name.map_or_else(|| line.to_owned(), |name| format!("  … {name} …"))
    };
    let page: Vec<String> = page.lines().map(line).collect();
    page.join("\n")
}

#[tokio::test]
async fn the_page_has_the_form_and_no_external_resource() {
    let tool = Tool::new();
    let said = tool
        .run(&with(&[
            "--dir",
            "in/",
            "--max-size",
            "5MiB",
            "--type",
            "image/png",
            "--type",
            "image/jpeg",
            "--forbid-overwrite",
            "--success-action-redirect",
            "https://a.example/?a=1&b=\"<",
        ]))
        .await
        .good();
    assert!(said.starts_with("page   post.html\nposts  in/${filename} to https://"), "{said}");
    let page = tool.read("post.html");
    let form = page.split("<form").nth(1).unwrap();
    let until = said.trim().rsplit(' ').next().unwrap();
    assert_snapshot!(normalize(form).replace(until, "…"), @r#"
     action="https://examplebucket.oss-cn-hangzhou.aliyuncs.com" method="post" enctype="multipart/form-data" accept-charset="utf-8">
      <input type="hidden" name="key" value="in/$&#123;filename}">
      … policy …
      <input type="hidden" name="x-oss-signature-version" value="OSS4-HMAC-SHA256">
      … x-oss-credential …
      … x-oss-date …
      … x-oss-signature …
      <input type="hidden" name="success_action_redirect" value="https://a.example/?a=1&amp;b=&quot;&lt;">
      <input type="hidden" name="x-oss-forbid-overwrite" value="true">
      <label for="file">File · <span lang="zh-CN">文件</span></label>
      <div id="hint">
        <p>One file, at most 5 MiB. Types: image/png, image/jpeg. This form works until ….</p>
        <p lang="zh-CN">一个文件，不超过 5 MiB。类型：image/png、image/jpeg。本表单在 … 之前有效。</p>
      </div>
      <input id="file" type="file" name="file" accept="image/png,image/jpeg" aria-describedby="hint" required>
      <button>Upload · <span lang="zh-CN">上传</span></button>
    </form>
    </html>
    "#);
    for outside in ["<script", "src=", "@import", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert_eq!(fs::read_dir(tool.folder.path()).unwrap().count(), 1, "nothing is left beside it");
}

#[tokio::test]
async fn an_existing_page_is_replaced_only_with_force() {
    let tool = Tool::new();
    tool.write("post.html", "mine");
    assert_snapshot!(tool.run(&PLACE).await.complaint(), @"oss-upload: post.html is there already; choose another name, or replace it with --force");
    assert_eq!(tool.read("post.html"), "mine");
    tool.run(&with(&["--force"])).await.good();
    assert!(tool.read("post.html").contains("<form"));
    assert_eq!(fs::read_dir(tool.folder.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_form_that_cannot_be_written_gives_one_line() {
    let tool = Tool::new();
    let complaint = async |arguments: &[&str]| tool.run(&with(arguments)).await.complaint();
    assert_snapshot!(complaint(&["--expires", "3650d"]).await, @r#"oss-upload: --expires "3650d": a grant lasts from 10s to 7d, the longest that OSS accepts; V4 is capped at 7 days, and years are possible only with a long-lived key and V1 (--v1). Example: --expires 10m"#);
    assert_snapshot!(complaint(&["--type", "image/*", "--type", "text/plain"]).await, @"oss-upload: one form allows full types such as image/png and image/jpeg, or one wildcard such as image/*, but not both; write one form for each");
    assert_snapshot!(complaint(&["--key", "${filename}"]).await, @r#"oss-upload: --key "${filename}": write a directory before '${filename}' and nothing after it"#);
    assert_snapshot!(complaint(&["--key", "/a"]).await, @r#"oss-upload: --key "/a": a key has 1 to 1023 bytes, no slash in front and no line ends"#);
    assert_snapshot!(complaint(&["--success-action-status", "202"]).await, @"oss-upload: invalid value '202' for '--success-action-status <STATUS>' [possible values: 200, 201, 204]; --help lists the options");
    assert_snapshot!(complaint(&["--success-action-redirect", "a.example"]).await, @r#"oss-upload: --success-action-redirect "a.example": write the whole address, with https://"#);
    assert_snapshot!(complaint(&["--route", "a", "--dir", "b/"]).await, @"oss-upload: the argument '--route <NAME>' cannot be used with '--dir <DIR>'; --help lists the options");
    let nowhere = ["form", "--bucket", BUCKET, "--region", REGION, "--out", "none/post.html"];
    let outcome = tool.run(&nowhere).await;
    assert_eq!(outcome.code, 1);
    assert_snapshot!(outcome.err, @"oss-upload: none/post.html cannot be written: No such file or directory (os error 2)");
    assert!(!tool.path("post.html").exists());
}

#[tokio::test]
async fn years_need_a_long_lived_key_and_v1() {
    let tool = Tool::new();
    let said = tool.run(&with(&["--v1", "--expires", "3650d"])).await.good();
    let until: u16 = said.trim_end().rsplit(' ').next().unwrap()[..4].parse().unwrap();
    let now: u16 = time::now().date()[..4].parse().unwrap();
    assert!((now + 9..=now + 10).contains(&until), "{said}");
    let page = tool.read("post.html");
    assert!(page.contains("name=\"OSSAccessKeyId\"") && !page.contains("x-oss-date"));
    let temporary = Tool::new().with("ALIBABA_CLOUD_SECURITY_TOKEN", "t");
    assert_snapshot!(temporary.run(&with(&["--v1", "--expires", "8d"])).await.complaint(), @"oss-upload: --expires: more than 7 days are possible only with a long-lived key, and this one is temporary");
    assert_snapshot!(tool.run(&with(&["--v1", "--expires", "8 years"])).await.complaint(), @r#"oss-upload: --expires "8 years": a time is a whole number with s, m, h or d"#);
}

#[tokio::test]
async fn a_form_expires_with_its_temporary_key_and_says_so() {
    let tool = Tool::new().with("ALIBABA_CLOUD_SECURITY_TOKEN", "marker-token");
    let said = tool.run(&with(&["--expires", "7d"])).await.good();
    assert!(said.trim_end().ends_with(", when the temporary key may expire"), "{said}");
    assert!(!said.contains("marker-token"));
    assert!(
        tool.read("post.html").contains("name=\"x-oss-security-token\" value=\"marker-token\"")
    );
}

#[tokio::test]
async fn a_page_keeps_the_rules_of_its_route_or_is_not_written() {
    let tool = Tool::new();
    tool.write(
        "upload.toml",
        "bucket = \"file-bucket\"\nregion = \"cn-beijing\"\n[routes.fixed]\nkey = \"in/one.bin\"\n\
         headers.x-oss-object-acl = \"private\"\n[routes.named]\nkey = \"in/{stem}.{ext}\"\n\
         [routes.own]\ndir = \"u/{sub}/\"\n[routes.wants]\nextensions = [\"png\"]\n",
    );
    let run = async |route| tool.run(&["form", "--route", route, "--out", "post.html"]).await;
    run("fixed").await.good();
    let page = tool.read("post.html");
    assert!(page.contains(r#"name="x-oss-object-acl" value="private""#), "{page}");
    assert!(page.contains(r#"name="key" value="in/one.bin""#), "{page}");
    assert_snapshot!(run("named").await.complaint(), @"oss-upload: in/{stem}.{ext} has placeholders that a page cannot fill in: the file's name or the caller; give the key with --key");
    assert_snapshot!(run("own").await.complaint(), @"oss-upload: u/{sub}/ has placeholders that a page cannot fill in: the file's name or the caller; give the key with --key");
    assert_snapshot!(run("wants").await.complaint(), @r#"oss-upload: the route "wants" has rules that a page cannot keep: extensions, or required metadata; sign for a named file instead"#);
}
