//! Every finding exists in English and Chinese.

use std::collections::BTreeMap;
use std::fs;

use insta::assert_snapshot;
use serde_json::Value;

use super::fixture::DoctorFixture;
use crate::support::PROJECT;

fn has_chinese(text: &str) -> bool {
    text.chars().any(|one| ('\u{4e00}'..='\u{9fff}').contains(&one))
}

/// Reads a string literal with its escapes, and returns it with the rest of the source. Fails without its end.
fn literal(source: &str) -> (String, &str) {
    let start = source.find('"').unwrap() + 1;
    let mut value = String::new();
    let mut characters = source[start..].char_indices();
    loop {
        let (index, character) = characters.next().unwrap();
        match character {
            '"' => return (value, &source[start + index + 1..]),
            '\\' => match characters.next().unwrap().1 {
                'n' => value.push('\n'),
                // A line end; the indentation after it does not matter here.
                '\n' => {}
                other => value.push(other),
            },
            other => value.push(other),
        }
    }
}

/// Returns whether a text has nothing to translate: it consists of placeholders, punctuation and names that are the
/// same in both languages.
fn is_name(text: &str) -> bool {
    const NAMES: [&str; 2] = ["AccessKey", "Bucket"];
    let outside = text.split('{').map(|part| part.split_once('}').map_or(part, |(_, rest)| rest));
    let outside = outside.collect::<Vec<_>>().join(" ");
    let mut words = outside.split(|one: char| !one.is_ascii_alphabetic());
    words.all(|word| word.is_empty() || NAMES.contains(&word))
}

/// The names between braces, with their counts.
fn placeholders(text: &str) -> BTreeMap<String, usize> {
    let mut names = BTreeMap::new();
    for part in text.replace("{{", "").split('{').skip(1) {
        let name = part.split('}').next().unwrap().to_owned();
        *names.entry(name).or_default() += 1;
    }
    names
}

#[test]
fn every_text_has_both_languages_with_the_same_placeholders() {
    let mut count = 0;
    let folders = ["doctor", "setup"].map(|name| format!("{PROJECT}/crates/oss-upload/src/{name}"));
    for entry in folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap()) {
        let path = entry.unwrap().path();
        let source = fs::read_to_string(&path).unwrap();
        for call in source.split("text!(").skip(1) {
            let (english, rest) = literal(call);
            let (chinese, _) = literal(rest);
            let place = path.display();
            assert!(!has_chinese(&english), "{place}: {english}");
            let is_part = chinese.is_empty() || chinese.contains("{seconds}") || is_name(&chinese);
            assert!(has_chinese(&chinese) || is_part, "{place}: {english} / {chinese}");
            assert_eq!(placeholders(&english), placeholders(&chinese), "{place}: {english}");
            count += 1;
        }
    }
    assert!(count > 200, "only {count} texts were found");
}

/// A bucket without CORS rules, behind a trigger without the method `OPTIONS`.
fn failing_preflight() -> DoctorFixture {
    let mut fixture = DoctorFixture::new().bucket(|oss| oss.cors_origins.clear());
    fixture.trigger.methods.retain(|method| method != http::Method::OPTIONS);
    fixture
}

#[tokio::test]
async fn a_report_in_chinese_has_the_same_findings() {
    let json = async |arguments: &[&'static str]| {
        let report = failing_preflight().arguments(arguments).run().await.out;
        serde_json::from_str::<Value>(&report).unwrap()
    };
    let (english, chinese) = (json(&["--json"]).await, json(&["--json", "--lang", "zh"]).await);
    let findings = |report: &Value| report["findings"].as_array().unwrap().clone();
    let (english, chinese) = (findings(&english), findings(&chinese));
    assert_eq!(english.len(), chinese.len());
    for (one, other) in english.iter().zip(&chinese) {
        for name in ["id", "verdict", "cause"] {
            assert_eq!(one[name], other[name], "{one}");
        }
        for name in ["why", "mend"] {
            assert_eq!(one[name].is_string(), other[name].is_string(), "{one}");
            let text = other[name].as_str().unwrap_or("无");
            assert!(has_chinese(text), "{}: {text}", one["id"]);
        }
    }
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a whole report is one snapshot")]
async fn a_whole_report_in_chinese() {
    let report = failing_preflight().arguments(&["--lang", "zh", "--no-upload"]).run().await;
    assert_eq!((report.code, report.err.as_str()), (1, "oss-upload: 有 2 项检查失败\n"));
    assert_snapshot!(report.out, @r#"
    http://127.0.0.1:SIGNER，路由 default，页面来源 https://app.example

    signer
      ok    name       127.0.0.1 是 IP 地址
      ok    address    本机的 http，浏览器信任它
      ok    health     函数有响应，版本 0.1.0
      ok    clock      函数、网关与本机的时钟一致
      ok    page       GET / 可以查看
      ok    route      default 接受 doctor.txt（text/plain，27 字节）

    page
      FAIL  preflight  OPTIONS /uploads 的响应为 405，没有 CORS 响应头，且不是函数的响应
                       名称  missing-options-method
                       原因  页面来源不同时，浏览器在每次调用前都会发送此请求。请求被拒绝，因此不会发出调用。
                       处理  函数计算控制台 > 函数 > 该函数 > 触发器 > HTTP 触发器 > 编辑：在请求方法中加入 OPTIONS（s.yaml：
                             methods GET、HEAD、POST、DELETE、OPTIONS）。使用自定义域名时，路由的请求方法也要如此设置。
      ok    call       来源为 https://app.example 的页面可以读取响应
      ok    foreign    来源为 https://doctor.invalid 的页面被拒绝（origin_not_allowed）

    caller
      warn  nobody     没有凭证的调用者得到了表单
                       名称  open-to-everyone
                       原因  能访问此地址的任何人都可以在路由的限制内向存储空间存放文件，费用由您承担。
                       处理  如果这不是本意，请让路由要求认证并重新部署：UPLOAD_AUTH=ticket、jwt 或 all(origin, ticket)。

    grant
      ok    given      对象为 uploads/DAY/UUID/doctor.txt
      ok    fields     10 个字段齐全
      ok    expiry     有效期为 600 秒
      ok    signature  V4
      ok    policy     bucket 等于 "examplebucket"；success_action_status 等于 "200"；x-oss-forbid-overwrite 等于
                       "true"；x-oss-content-type 等于 "text/plain"；key 等于
                       "uploads/DAY/UUID/doctor.txt"；文件大小为 27 至 27 字节。
                       发送方可自行决定：x-oss-object-acl, x-oss-storage-class, content-disposition, cache-control
      ok    address    http://127.0.0.1:OSS
      ok    region     签名的地域为 cn-hangzhou；域名中没有地域

    bucket
      ok    name       127.0.0.1 是 IP 地址
      FAIL  preflight  403 AccessForbidden: CORSResponse: This CORS request is not allowed. [request
                       ID]
                       名称  bucket-cors-absent
                       原因  页面显示上传进度，所以浏览器会在发送文件之前发送此请求。请求被拒绝，因此不会上传任何内容。
                       处理  OSS 控制台 > Bucket 列表 > examplebucket > 数据安全 > 跨域设置 > 创建规则：
                               来源 https://app.example，允许 Methods POST，允许 Headers *，
                               暴露 Headers ETag Location x-oss-request-id，返回 Vary: Origin 开启。
                             或将以下内容保存为 cors.xml（会替换已有的全部规则）并运行
                               ossutil api put-bucket-cors --bucket examplebucket --cors-configuration file://cors.xml
                             <CORSConfiguration>
                               <CORSRule>
                                 <AllowedOrigin>https://app.example</AllowedOrigin>
                                 <AllowedMethod>POST</AllowedMethod>
                                 <AllowedHeader>*</AllowedHeader>
                                 <ExposeHeader>ETag</ExposeHeader>
                                 <ExposeHeader>Location</ExposeHeader>
                                 <ExposeHeader>x-oss-request-id</ExposeHeader>
                                 <MaxAgeSeconds>600</MaxAgeSeconds>
                               </CORSRule>
                               <ResponseVary>true</ResponseVary>
                             </CORSConfiguration>
      ok    clock      OSS 与函数的时钟一致
      -     exposed    此页面无法读取存储空间的响应
      -     vary       此页面无法读取存储空间的响应
      -     foreign    此页面无法读取存储空间的响应

    upload
      -     全部       因 --no-upload 而略过

    17 项正常，1 项警告，2 项失败，9 项跳过
    "#);
}
