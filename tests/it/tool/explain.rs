//! `explain` takes each kind of input, in both languages, and shows no secret.

use insta::assert_snapshot;
use oss_upload::language::Language;
use oss_upload::oss_errors;
use serde_json::{Value, json};

use crate::support::form::Form;
use crate::support::tool::Tool;

/// A minute after the forms were signed.
const AT: &str = "2024-11-27T06:10:41Z";

fn keyless() -> Tool {
    Tool::new().with("ALIBABA_CLOUD_ACCESS_KEY_ID", "").with("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "")
}

/// Explains an input in English and in Chinese.
async fn both(tool: &Tool, input: &str) -> String {
    let mut said = String::new();
    for language in ["en", "zh"] {
        said.push_str(
            &tool.run_with(&["explain", "--at", AT, "--lang", language], input).await.good(),
        );
    }
    said
}

/// Does the same, and leaves out what the policy allows.
async fn verdicts(tool: &Tool, input: &str) -> String {
    let mut said = String::new();
    for language in ["en", "zh"] {
        let all = tool.run_with(&["explain", "--at", AT, "--lang", language], input).await.good();
        said.push_str(all.split_once("\n\n").unwrap().1);
    }
    said
}

/// A form whose key its policy does not allow.
fn wrong_key() -> Form {
    let mut form = Form::good();
    form.allow(&[
        r#"["starts-with","$key","in/"]"#,
        r#"["content-length-range",1,1024]"#,
        r#"["in","$content-type",["image/png","image/jpeg"]]"#,
        r#"["not-in","$x-oss-object-acl",["public-read-write"]]"#,
        r#"{"x-oss-security-token":"marker-token"}"#,
    ]);
    form
}

fn policy(form: &Form) -> String {
    form.fields.iter().find(|(name, _)| name == "policy").unwrap().1.clone()
}

#[tokio::test]
async fn a_policy_in_base64() {
    assert_snapshot!(both(&keyless(), &policy(&wrong_key())).await, @r#"
    The policy is good until 2024-11-27T07:09:41Z, for another 59 minutes. It allows:
      bucket is "examplebucket"
      x-oss-signature-version is "OSS4-HMAC-SHA256"
      x-oss-credential is "LTAI5tExampleKeyId0001/20241127/cn-hangzhou/oss/aliyun_v4_request"
      x-oss-date is "20241127T060941Z"
      key begins with "in/"
      the file has 1 to 1024 bytes
      content-type is one of ["image/png", "image/jpeg"]
      x-oss-object-acl is none of ["public-read-write"]
      x-oss-security-token is the one that was signed
    policy 有效至 2024-11-27T07:09:41Z（还剩 59 分钟）。允许：
      bucket 等于 "examplebucket"
      x-oss-signature-version 等于 "OSS4-HMAC-SHA256"
      x-oss-credential 等于 "LTAI5tExampleKeyId0001/20241127/cn-hangzhou/oss/aliyun_v4_request"
      x-oss-date 等于 "20241127T060941Z"
      key 以 "in/" 开头
      文件大小为 1 至 1024 字节
      content-type 是 ["image/png", "image/jpeg"] 之一
      x-oss-object-acl 不是 ["public-read-write"] 中的任何一个
      x-oss-security-token 与签名时相同
    "#);
}

#[tokio::test]
async fn a_type_that_browsers_read_as_another_is_warned_of() {
    let warning = "Browsers may read another type out of \"image/png;,text/html\"";
    let explain = async |form: &Form| {
        let lines: Vec<String> =
            form.fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let input = format!("{}\nfile=@a.png;type=image/,text/html", lines.join("\n"));
        keyless().run_with(&["explain", "--at", AT], &input).await.good()
    };
    let mut pinned = wrong_key();
    pinned.allow(&[r#"["eq","$x-oss-content-type","image/png;,text/html"]"#]);
    assert!(both(&keyless(), &policy(&pinned)).await.contains(warning));
    pinned.set("x-oss-content-type", "image/png;,text/html");
    assert_eq!(explain(&pinned).await.matches(warning).count(), 2, "in the policy and in the form");
    let mut prefix = wrong_key();
    prefix.allow(&[r#"["starts-with","$content-type","image/"]"#]);
    let said = explain(&prefix).await;
    assert!(said.contains("Any type may follow \"image/\""), "{said}");
    assert!(said.contains("another type out of \"image/,text/html\""), "{said}");
    let said = explain(&wrong_key()).await;
    assert!(!said.contains("Any type may follow"), "{said}");
}

#[tokio::test]
async fn a_signers_answer_in_each_dialect() {
    let place = ["sign", "--bucket", "examplebucket", "--region", "cn-hangzhou", "--dialect"];
    let met = "The form meets its policy.\nThe signature was checked";
    for (dialect, expected) in [
        ("native", met),
        ("fields", met),
        ("documented", "It allows:\n  bucket is \"examplebucket\""),
    ] {
        let tool = Tool::new();
        let signed = tool.run(&[&place[..], &[dialect]].concat()).await.good();
        let said = tool.run_with(&["explain"], &signed).await.good();
        assert!(said.contains(expected), "{dialect}: {said}");
    }
}

#[tokio::test]
async fn a_policy_in_json_that_is_over_and_open() {
    let policy =
        r#"{"expiration":"2024-11-20T06:00:00.000Z","conditions":[["starts-with","$key",""]]}"#;
    assert_snapshot!(both(&keyless(), policy).await, @"
    The policy expired at 2024-11-20T06:00:00Z, 7 days ago. Until then it allowed:
      key is sent, with any value
    Nothing limits the bucket, the size: whoever has the form chooses. Add a condition for each.
    policy 已于 2024-11-20T06:00:00Z 过期（7 天前）。有效时允许：
      key 必须发送，值不限
    没有限制存储空间、文件大小：持有表单的人可以任意选择。请为每一项添加条件。
    ");
}

#[tokio::test]
async fn a_policy_that_oss_cannot_read() {
    let quoted = r#"{"expiration":"2024-11-28T06:00:00.000Z","conditions":[["content-length-range","1","2"]]}"#;
    assert_snapshot!(both(&keyless(), quoted).await, @"
    OSS refuses: InvalidPolicyDocument (0006-00000220)
      the minimum of content-length-range is not a whole number; quotes are not allowed
      Write a plain JSON number without quotes.
    OSS 拒绝：InvalidPolicyDocument (0006-00000220)
      content-length-range 的下限不是整数。
      写成不带引号的 JSON 数字。
    ");
    assert_snapshot!(both(&keyless(), r#"{"expiration":"2024-11-28T06:00:00.000Z",'conditions':"#).await, @"
    OSS refuses: InvalidPolicyDocument (0006-00000204)
      the decoded policy is not JSON: key expected
      Write it with a JSON library; look for a comma at the end of a list and for single quotes.
    OSS 拒绝：InvalidPolicyDocument (0006-00000204)
      解码后的 policy 不是 JSON。
      用 JSON 库生成；检查多余的逗号和单引号。
    ");
}

#[tokio::test]
async fn a_multipart_body_whose_key_is_not_allowed() {
    let form = wrong_key();
    let body = String::from_utf8(form.body()).unwrap();
    assert_snapshot!(both(&keyless(), &body).await, @r#"
    The policy is good until 2024-11-27T07:09:41Z, for another 59 minutes. It allows:
      bucket is "examplebucket"
      x-oss-signature-version is "OSS4-HMAC-SHA256"
      x-oss-credential is "LTAI5tExampleKeyId0001/20241127/cn-hangzhou/oss/aliyun_v4_request"
      x-oss-date is "20241127T060941Z"
      key begins with "in/"
      the file has 1 to 1024 bytes
      content-type is one of ["image/png", "image/jpeg"]
      x-oss-object-acl is none of ["public-read-write"]
      x-oss-security-token is the one that was signed

    OSS refuses: AccessDenied (0006-00000227)
      The first condition that fails: ["starts-with", "$key", "in/"]
      The policy wants this: key begins with "in/". In the form key is "dir/hello.txt".
      Change the form so that key begins with "in/", or have a policy signed that allows "dir/hello.txt".
    The signature was not checked: the key that signed is not in the environment.
    policy 有效至 2024-11-27T07:09:41Z（还剩 59 分钟）。允许：
      bucket 等于 "examplebucket"
      x-oss-signature-version 等于 "OSS4-HMAC-SHA256"
      x-oss-credential 等于 "LTAI5tExampleKeyId0001/20241127/cn-hangzhou/oss/aliyun_v4_request"
      x-oss-date 等于 "20241127T060941Z"
      key 以 "in/" 开头
      文件大小为 1 至 1024 字节
      content-type 是 ["image/png", "image/jpeg"] 之一
      x-oss-object-acl 不是 ["public-read-write"] 中的任何一个
      x-oss-security-token 与签名时相同

    OSS 拒绝：AccessDenied (0006-00000227)
      最先不满足的条件: ["starts-with", "$key", "in/"]
      policy 要求 key 以 "in/" 开头，而表单中 key 为 "dir/hello.txt"。
      修改表单，使 key 以 "in/" 开头；或重新签署允许 "dir/hello.txt" 的 policy。
    未检查签名：环境变量中没有签名所用的密钥。
    "#);
    let request =
        format!("POST / HTTP/1.1\r\nHost: otherbucket.oss-cn-hangzhou.aliyuncs.com\r\n\r\n{body}");
    assert_snapshot!(verdicts(&keyless(), &request).await, @r#"
    OSS refuses: AccessDenied (0006-00000227)
      The first condition that fails: ["eq", "$bucket", "examplebucket"]
      The policy wants this: bucket is "examplebucket". In the form bucket is "otherbucket".
      Change the form so that bucket is "examplebucket", or have a policy signed that allows "otherbucket".
    The signature was not checked: the key that signed is not in the environment.
    The head shows nothing about the body; the right Content-Type was assumed.
    OSS 拒绝：AccessDenied (0006-00000227)
      最先不满足的条件: ["eq", "$bucket", "examplebucket"]
      policy 要求 bucket 等于 "examplebucket"，而表单中 bucket 为 "otherbucket"。
      修改表单，使 bucket 等于 "examplebucket"；或重新签署允许 "otherbucket" 的 policy。
    未检查签名：环境变量中没有签名所用的密钥。
    请求头没有显示与请求体有关的内容，按正确的 Content-Type 判断。
    "#);
}

#[tokio::test]
async fn lines_of_a_form_that_lacks_a_field() {
    let mut form = wrong_key();
    form.set("key", "in/a.png");
    let lines: Vec<String> =
        form.fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let lines = format!("{}\nfile=@photos/a.png;type=image/png\n", lines.join("\n"));
    assert_snapshot!(both(&keyless(), &lines).await, @r#"
    The policy is good until 2024-11-27T07:09:41Z, for another 59 minutes. It allows:
      bucket is "examplebucket"
      x-oss-signature-version is "OSS4-HMAC-SHA256"
      x-oss-credential is "LTAI5tExampleKeyId0001/20241127/cn-hangzhou/oss/aliyun_v4_request"
      x-oss-date is "20241127T060941Z"
      key begins with "in/"
      the file has 1 to 1024 bytes
      content-type is one of ["image/png", "image/jpeg"]
      x-oss-object-acl is none of ["public-read-write"]
      x-oss-security-token is the one that was signed

    OSS refuses: AccessDenied (0006-00000226)
      The first condition that fails: ["not-in", "$x-oss-object-acl", ["public-read-write"]]
      The form does not send x-oss-object-acl before the file.
      Send the field with hyphens in its name (x-oss-object-acl, not x_oss_object_acl), or remove the condition.
    The signature was not checked: the key that signed is not in the environment.
    The size of the file was not checked: the capture does not hold its bytes.
    policy 有效至 2024-11-27T07:09:41Z（还剩 59 分钟）。允许：
      bucket 等于 "examplebucket"
      x-oss-signature-version 等于 "OSS4-HMAC-SHA256"
      x-oss-credential 等于 "LTAI5tExampleKeyId0001/20241127/cn-hangzhou/oss/aliyun_v4_request"
      x-oss-date 等于 "20241127T060941Z"
      key 以 "in/" 开头
      文件大小为 1 至 1024 字节
      content-type 是 ["image/png", "image/jpeg"] 之一
      x-oss-object-acl 不是 ["public-read-write"] 中的任何一个
      x-oss-security-token 与签名时相同

    OSS 拒绝：AccessDenied (0006-00000226)
      最先不满足的条件: ["not-in", "$x-oss-object-acl", ["public-read-write"]]
      表单没有在文件之前发送 x-oss-object-acl。
      发送该字段，名称使用连字符（x-oss-object-acl，而不是 x_oss_object_acl），或去掉该条件。
    未检查签名：环境变量中没有签名所用的密钥。
    未检查文件大小：捕获的内容不含文件数据。
    "#);
}

/// An entry of a HAR that posts this, with OSS's answer.
fn entry(data: &Value) -> Value {
    let answer =
        "<Error><Code>AccessDenied</Code><EC>0006-00000227</EC><RequestId>ABC</RequestId></Error>";
    json!({
        "request": {"url": "https://examplebucket.oss-cn-hangzhou.aliyuncs.com/", "postData": data},
        "response": {"content": {"text": answer}},
    })
}

#[tokio::test]
async fn a_har_with_the_answer_that_came_back() {
    let form = wrong_key();
    let fields = form.fields.iter().map(|(name, value)| json!({"name": name, "value": value}));
    let file = json!({"name": "file", "fileName": "a.png", "contentType": "image/png"});
    let params: Vec<_> = fields.chain([file]).collect();
    let whole = entry(&json!({"params": params}));
    let har = json!({"log": {"entries": [{"request": {}}, whole]}});
    assert_snapshot!(verdicts(&keyless(), &har.to_string()).await, @r#"
    OSS refuses: AccessDenied (0006-00000227)
      The first condition that fails: ["starts-with", "$key", "in/"]
      The policy wants this: key begins with "in/". In the form key is "dir/hello.txt".
      Change the form so that key begins with "in/", or have a policy signed that allows "dir/hello.txt".
    The signature was not checked: the key that signed is not in the environment.
    The head shows nothing about the body; the right Content-Type was assumed.
    The size of the file was not checked: the capture does not hold its bytes.

    The captured answer:
    OSS refuses: AccessDenied (0006-00000227)
      A form field does not have the value that a condition of the policy wants.
      The message quotes the condition. Send exactly that value, or have the value signed that you send.
      request: ABC
    OSS 拒绝：AccessDenied (0006-00000227)
      最先不满足的条件: ["starts-with", "$key", "in/"]
      policy 要求 key 以 "in/" 开头，而表单中 key 为 "dir/hello.txt"。
      修改表单，使 key 以 "in/" 开头；或重新签署允许 "dir/hello.txt" 的 policy。
    未检查签名：环境变量中没有签名所用的密钥。
    请求头没有显示与请求体有关的内容，按正确的 Content-Type 判断。
    未检查文件大小：捕获的内容不含文件数据。

    捕获的返回：
    OSS 拒绝：AccessDenied (0006-00000227)
      某个表单字段的值不满足 policy 的条件。
      返回的 Message 中引用了该条件。发送完全一致的值，或对实际发送的值签名。
      请求: ABC
    "#);
    let text = String::from_utf8(form.body()).unwrap();
    let said = both(&keyless(), &entry(&json!({"text": text})).to_string()).await;
    assert!(said.contains(r#"["starts-with", "$key", "in/"]"#), "{said}");
}

#[tokio::test]
async fn the_xml_of_a_refusal() {
    let xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>\n<Code>InvalidArgument</Code>\
               <Message>The signing region in credential is invalid.</Message><RequestId>ABC</RequestId>\
               <ArgumentName>x-oss-credential</ArgumentName><EC>0002-00000715</EC></Error>";
    assert_snapshot!(both(&keyless(), xml).await, @"
    OSS refuses: InvalidArgument (0002-00000715)
      The region in x-oss-credential is not the region of the bucket.
      Sign with the general region id of the bucket, such as cn-hangzhou: no oss- in front, also with a custom or acceleration domain.
      OSS says: The signing region in credential is invalid.
      argument: x-oss-credential
      request: ABC
    OSS 拒绝：InvalidArgument (0002-00000715)
      x-oss-credential 中的地域不是存储空间所在的地域。
      用存储空间所在地域的通用 ID 签名，例如 cn-hangzhou，不带 oss- 前缀；使用自定义域名或加速域名时也是如此。
      OSS 的说明: The signing region in credential is invalid.
      参数: x-oss-credential
      请求: ABC
    ");
    let mismatch = format!(
        "<Error><Code>SignatureDoesNotMatch</Code><StringToSign>{}</StringToSign></Error>",
        policy(&wrong_key())
    );
    let said = both(&keyless(), &mismatch).await;
    assert!(said.contains("key begins with \"in/\"") && !said.contains("marker-token"), "{said}");
    assert_snapshot!(both(&keyless(), "<Error><Code>Unheard</Code></Error>").await, @"
    OSS refuses: Unheard
      The table does not know this code; look it up in the documentation of OSS.
    OSS 拒绝：Unheard
      表中没有这个错误码，请查阅 OSS 文档。
    ");
}

#[tokio::test]
async fn with_the_key_in_the_environment_the_signature_is_checked() {
    let mut form = Form::good();
    let tool = Tool::new();
    let lines = |form: &Form| {
        let lines = form.fields.iter().map(|(name, value)| format!("{name}={value}\n"));
        lines.collect::<String>()
    };
    assert_snapshot!(both(&tool, &lines(&form)).await, @r#"
    The policy is good until 2024-11-27T07:09:41Z, for another 59 minutes. It allows:
      bucket is "examplebucket"
      x-oss-signature-version is "OSS4-HMAC-SHA256"
      x-oss-credential is "LTAI5tExampleKeyId0001/20241127/cn-hangzhou/oss/aliyun_v4_request"
      x-oss-date is "20241127T060941Z"
    Nothing limits the key, the size: whoever has the form chooses. Add a condition for each.

    OSS accepts the form and stores "dir/hello.txt".
    The form meets its policy.
    The signature was checked with the key in the environment.
    policy 有效至 2024-11-27T07:09:41Z（还剩 59 分钟）。允许：
      bucket 等于 "examplebucket"
      x-oss-signature-version 等于 "OSS4-HMAC-SHA256"
      x-oss-credential 等于 "LTAI5tExampleKeyId0001/20241127/cn-hangzhou/oss/aliyun_v4_request"
      x-oss-date 等于 "20241127T060941Z"
    没有限制对象名、文件大小：持有表单的人可以任意选择。请为每一项添加条件。

    OSS 接受该表单，存储为 "dir/hello.txt"。
    表单满足 policy。
    已用环境变量中的密钥检查签名。
    "#);
    form.set("x-oss-signature", &"0".repeat(64));
    let said = both(&tool, &lines(&form)).await;
    assert!(said.contains("SignatureDoesNotMatch (0002-00000705)"), "{said}");
    let other = Tool::new().with("ALIBABA_CLOUD_ACCESS_KEY_ID", "LTAI5tOther");
    assert!(both(&other, &lines(&form)).await.contains("signed with another key"));
}

#[tokio::test]
async fn the_clock_the_bucket_and_the_region_can_be_set() {
    let tool = Tool::new();
    let input = String::from_utf8(Form::good().body()).unwrap();
    let explain = async |arguments: &[&str]| {
        tool.run_with(&[&["explain"], arguments].concat(), &input).await.good()
    };
    assert!(explain(&["--at", AT]).await.contains("The form meets its policy."));
    assert!(explain(&["--at", "1732687741"]).await.contains("The form meets its policy."));
    assert!(explain(&[]).await.contains("InvalidArgument (0002-00000709)"));
    let now = keyless().run_with(&["explain"], &input).await.good();
    assert!(now.contains("InvalidArgument (0002-00000709)"), "{now}");
    let other = explain(&["--at", AT, "--bucket", "otherbucket"]).await;
    assert!(other.contains(r#"In the form bucket is "otherbucket""#), "{other}");
    let other = explain(&["--at", AT, "--region", "cn-beijing"]).await;
    assert!(other.contains("InvalidArgument (0002-00000715)"), "{other}");
}

#[tokio::test]
async fn a_token_is_never_shown_not_even_the_wrong_one() {
    let mut form = wrong_key();
    form.set("key", "in/a").set("x-oss-object-acl", "private").file("a.png", Some("image/png"));
    form.set("x-oss-security-token", "marker-other");
    let said = both(&keyless(), &String::from_utf8(form.body()).unwrap()).await;
    assert!(said.contains("The form sends another token."), "{said}");
    assert!(!said.contains("marker-"), "{said}");
}

#[tokio::test]
async fn the_table_of_all_refusals_is_printed_for_documents() {
    let printed = keyless().run(&["explain", "--list", "--lang", "zh"]).await.good();
    assert_eq!(printed, oss_errors::markdown(Language::Zh));
}

#[tokio::test]
async fn a_file_whose_size_or_type_does_not_fit_is_distinguished_from_one_that_fits() {
    let mut form = Form::good();
    form.allow(&[r#"["content-length-range",1,5]"#, r#"{"content-type":"image/png"}"#]);
    let explain = async |form: &Form| {
        let body = String::from_utf8(form.body()).unwrap();
        keyless().run_with(&["explain", "--at", AT], &body).await.good()
    };
    assert!(explain(&form).await.contains(r#"In the form content-type is "text/plain""#));
    form.file("a.png", Some("image/png"));
    assert!(explain(&form).await.contains("EntityTooLarge (0006-00000003)"));
    form.content(b"four");
    assert!(explain(&form).await.contains("The form meets its policy."));
}

#[tokio::test]
async fn what_cannot_be_explained_is_one_line() {
    let tool = keyless();
    let complaint = async |input| tool.run_with(&["explain"], input).await.complaint();
    assert_snapshot!(complaint("").await, @"oss-upload: there is nothing to explain: the input is empty");
    assert_snapshot!(complaint("hello, world").await, @"oss-upload: this cannot be read. explain reads: a policy (base64 or JSON); an upload (a HAR, a curl command, a raw request or multipart body, a list of fields as key=value or key: value, URL-encoded text, a signer's JSON, a JavaScript object or fetch call, an HTML form); a refusal (XML, also inside a log or JSON, an EC, a code, a message); a presigned URL; a StringToSign");
    assert_snapshot!(complaint("{\"a\": 1}").await, @"oss-upload: this cannot be read. explain reads: a policy (base64 or JSON); an upload (a HAR, a curl command, a raw request or multipart body, a list of fields as key=value or key: value, URL-encoded text, a signer's JSON, a JavaScript object or fetch call, an HTML form); a refusal (XML, also inside a log or JSON, an EC, a code, a message); a presigned URL; a StringToSign");
    assert_snapshot!(complaint("{a").await, @"oss-upload: this cannot be read. explain reads: a policy (base64 or JSON); an upload (a HAR, a curl command, a raw request or multipart body, a list of fields as key=value or key: value, URL-encoded text, a signer's JSON, a JavaScript object or fetch call, an HTML form); a refusal (XML, also inside a log or JSON, an EC, a code, a message); a presigned URL; a StringToSign");
    assert_snapshot!(complaint("--").await, @"oss-upload: this cannot be read. explain reads: a policy (base64 or JSON); an upload (a HAR, a curl command, a raw request or multipart body, a list of fields as key=value or key: value, URL-encoded text, a signer's JSON, a JavaScript object or fetch call, an HTML form); a refusal (XML, also inside a log or JSON, an EC, a code, a message); a presigned URL; a StringToSign");
    assert_snapshot!(tool.run(&["explain", "none.har"]).await.complaint(), @"oss-upload: none.har cannot be read: No such file or directory (os error 2)");
    assert_snapshot!(tool.run(&["explain", "--at", "noon"]).await.complaint(), @"oss-upload: invalid value 'noon' for '--at <TIME>': write a moment such as 2024-11-27T06:09:41Z, or Unix seconds; --help lists the options");
}
