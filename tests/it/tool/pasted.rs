//! `explain` reads what people paste: whole network logs, curl commands, lists of fields, scripts, pages,
//! and refusals wherever they are. What it cannot read gets exit code 2.

use serde_json::{Value, json};

use crate::support::form::Form;
use crate::support::presigned::ObjectCall;
use crate::support::tool::Tool;

/// A minute after the forms were signed.
const AT: &str = "2024-11-27T06:10:41Z";

const HOST: &str = "examplebucket.oss-cn-hangzhou.aliyuncs.com";

/// The verdict on a form whose key the policy does not allow.
const WRONG_KEY: &str = "OSS refuses: AccessDenied (0006-00000227)\n  The first condition that fails: [\"starts-with\", \"$key\", \"in/\"]";

async fn explain(input: &str) -> String {
    Tool::new().run_with(&["explain", "--at", AT], input).await.good()
}

/// A signed form whose key its policy does not allow.
fn wrong_key() -> Form {
    let mut form = Form::good();
    form.allow(&[r#"["starts-with","$key","in/"]"#, r#"["content-length-range",1,1024]"#]);
    form
}

/// The same with a key that is allowed.
fn allowed() -> Form {
    let mut form = wrong_key();
    form.set("key", "in/a.txt");
    form
}

fn fields(form: &Form) -> Value {
    form.fields.iter().map(|(name, value)| (name.clone(), json!(value))).collect()
}

fn lines(form: &Form, write: impl Fn(&str, &str) -> String) -> String {
    form.fields.iter().map(|(name, value)| write(name, value)).collect::<Vec<_>>().join("\n")
}

fn request(form: &Form, head: &[&str]) -> String {
    let body = String::from_utf8(form.body()).unwrap();
    format!("{}\r\n\r\n{body}", head.join("\r\n"))
}

fn post(form: &Form, content_type: &str) -> String {
    let host = format!("Host: {HOST}");
    request(form, &["POST / HTTP/1.1", &host, content_type])
}

#[tokio::test]
async fn a_curl_command_as_it_is_written_and_as_postman_and_chrome_copy_it() {
    let form = wrong_key();
    let written = lines(&form, |name, value| format!("  -F '{name}={value}' \\"));
    let written =
        format!("curl -v https://{HOST}/ \\\n{written}\n  -F 'file=@a.txt;type=text/plain'");
    let postman = lines(&form, |name, value| format!("--form '{name}=\"{value}\"' \\"));
    let postman =
        format!("curl --location 'https://{HOST}' \\\n{postman}\n--form 'file=@\"/C:/x/a.txt\"'");
    let body = String::from_utf8(form.body()).unwrap().replace("\r\n", "\\r\\n");
    let chrome = format!(
        "curl 'https://{HOST}/' \\\n  -H 'accept: */*' \\\n  -H 'content-type: {}' \\\n  --data-raw $'{body}'",
        form.content_type()
    );
    for command in [written, postman, chrome] {
        let said = explain(&command).await;
        assert!(said.contains(WRONG_KEY), "{command}\n{said}");
    }
}

#[tokio::test]
async fn what_a_curl_command_does_not_send_is_seen() {
    let form = allowed();
    let parts = lines(&form, |name, value| format!("-F '{name}={value}'")).replace('\n', " ");
    for (command, verdict) in [
        (
            format!("curl https://{HOST} {parts}"),
            "IncorrectNumberOfFilesInPOSTRequest (0006-00000107)",
        ),
        (format!("curl https://{HOST} -F file=@a.txt {parts}"), "OSS refuses: InvalidArgument\n"),
        (
            format!("curl https://{HOST}/in/a.txt {parts} -F file=@a.txt"),
            "OSS refuses: MethodNotAllowed\n",
        ),
        (format!("curl https://{HOST} {parts} -F upload=@a.txt"), "(0006-00000107)"),
        (format!("curl https://{HOST} {parts} -F file=@a.txt"), "OSS accepts the form"),
    ] {
        let said = explain(&command).await;
        assert!(said.contains(verdict), "{command}\n{said}");
    }
    let first = explain(&format!("curl https://{HOST} -F file=@a.txt {parts}")).await;
    assert!(first.contains("These fields are there, but behind the file: key, policy"), "{first}");
}

#[tokio::test]
async fn lists_of_fields_and_scripts() {
    let form = wrong_key();
    let json = fields(&form);
    let colons = lines(&form, |name, value| format!("{name}: {value}"));
    let tabs = lines(&form, |name, value| format!("{name}\t\"{value}\""));
    let alternating = lines(&form, |name, value| format!("{name}:\n{value}"));
    let script = lines(&form, |name, value| format!("  '{name}': '{value}',"));
    let appended = lines(&form, |name, value| format!("form.append('{name}', \"{value}\");"));
    let encoded =
        form_urlencoded::Serializer::new(String::new()).extend_pairs(&form.fields).finish();
    for input in [
        format!("{colons}\nfile: (binary)"),
        format!("{tabs}\nfile\t(binary)"),
        format!("{alternating}\nfile:\n(binary)"),
        format!("const data = {{\n{script}\n  file, // from the input\n}};"),
        format!("const form = new FormData();\n{appended}\nform.append('file', input.files[0]);"),
        json.to_string(),
        json!({"code": 0, "message": "ok", "data": {"url": format!("https://{HOST}"), "fields": json}}).to_string(),
        json!({"data": {"uploads": [{"url": format!("https://{HOST}"), "fields": json}]}}).to_string(),
        encoded,
    ] {
        let said = explain(&input).await;
        assert!(said.contains(WRONG_KEY), "{input}\n{said}");
    }
}

#[tokio::test]
async fn url_encoded_text_and_json_bodies_are_no_form() {
    let form = allowed();
    let encoded =
        form_urlencoded::Serializer::new(String::new()).extend_pairs(&form.fields).finish();
    let json = fields(&form);
    for input in [
        encoded.clone(),
        format!("curl https://{HOST} --data '{encoded}'"),
        format!("curl https://{HOST} --json '{json}'"),
        format!("POST / HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\n\r\n{json}"),
    ] {
        let said = explain(&input).await;
        assert!(said.contains("OSS refuses: MethodNotAllowed\n"), "{input}\n{said}");
        assert!(said.contains("its Content-Type is not multipart/form-data"), "{said}");
    }
}

#[tokio::test]
async fn the_forms_own_page() {
    let tool = Tool::new();
    let place = ["--bucket", "examplebucket", "--region", "cn-hangzhou", "--out", "page.html"];
    tool.run(&[&["form"], &place[..]].concat()).await.good();
    let page = tool.read("page.html");
    let said = tool.run_with(&["explain"], &page).await.good();
    assert!(said.contains("The form meets its policy."), "{said}");
    assert!(said.contains("The signature was checked"), "{said}");
    let other = page.replace("name=\"policy\"", "name=\"polcy\"");
    let said = tool.run_with(&["explain"], &other).await.good();
    assert!(said.contains("OSS refuses: InvalidArgument (0002-00000702)"), "{said}");
}

#[tokio::test]
async fn the_program_that_wrote_a_refused_form_is_named_with_what_its_users_change() {
    let mut form = allowed();
    form.boundary = "boundary_.oOo._MTM4NDc5NTk2MTk5MjQ2NjQ4MA==".to_owned();
    let quoted = format!("Content-Type: multipart/form-data; boundary=\"{}\"", form.boundary);
    let input = post(&form, &quoted);
    let said = explain(&input).await;
    let named = "The form was probably written by QHttpMultiPart (Qt): its boundary begins with \"boundary_.oOo._\".\n  \
                 Set the header Content-Type of the request to \"multipart/form-data; boundary=\" + multiPart->boundary().";
    assert!(said.contains(named), "{said}");
    let arguments = ["explain", "--at", AT, "--lang", "zh"];
    let said = Tool::new().run_with(&arguments, &input).await.good();
    assert!(said.contains("该表单可能由 QHttpMultiPart (Qt) 生成：boundary 以"), "{said}");
    // A refusal that has nothing to do with the program has no such advice, and a success names nobody.
    form.set("key", "another");
    let right = format!("Content-Type: {}", form.content_type());
    let said = explain(&post(&form, &right)).await;
    assert!(
        said.contains("probably written by QHttpMultiPart") && !said.contains("Set the header")
    );
    form.set("key", "in/a.txt");
    let said = explain(&post(&form, &right)).await;
    assert!(said.contains("OSS accepts the form") && !said.contains("probably"), "{said}");
}

#[tokio::test]
async fn the_head_of_a_request_is_judged_too() {
    let form = allowed();
    let good = format!("Content-Type: {}", form.content_type());
    let host = |host: &str| request(&form, &["POST / HTTP/1.1", &format!("Host: {host}"), &good]);
    for (input, verdict) in [
        (post(&form, &good), "OSS accepts the form"),
        (post(&form, &good.replacen("Content-Type", "ContentType", 1)), "MethodNotAllowed"),
        (post(&form, &good.replace(';', ",")), "MethodNotAllowed"),
        (post(&form, "Content-Type: multipart/form-data"), "MethodNotAllowed"),
        (post(&form, &good.replace("; ", "; charset=utf-8; ")), "MethodNotAllowed"),
        (
            post(&form, &good.replace("boundary=", "boundary=\"").replacen("0123", "0123\"", 1)),
            "(0006-00000104)",
        ),
        (post(&form, &format!("{good}\r\nTransfer-Encoding: chunked")), "MissingContentLength"),
        (host("examplebucket.oss-cn-beijing.aliyuncs.com"), "OSS refuses: AccessDenied\n"),
        (host("oss-cn-hangzhou.aliyuncs.com"), "SecondLevelDomainForbidden"),
        (host("upload.example.com"), "OSS accepts the form"),
        (post(&form, &good).replace("POST / ", "POST /in/a.txt "), "MethodNotAllowed"),
        (
            post(&form, &good).replace("POST / ", "POST /examplebucket/ "),
            "SecondLevelDomainForbidden",
        ),
        (post(&form, &good).replace("POST / ", "PUT / "), "MethodNotAllowed"),
    ] {
        let said = explain(&input).await;
        assert!(said.contains(verdict), "{verdict}\n{input}\n{said}");
        let accepts = "OSS accepts the form";
        assert_eq!(said.contains(accepts), verdict == accepts, "{said}");
    }
}

#[tokio::test]
async fn line_ends_that_pasting_removed_are_put_back() {
    let body = String::from_utf8(allowed().body()).unwrap().replace("\r\n", "\n");
    let said = explain(&body).await;
    assert!(said.contains("OSS accepts the form"), "{said}");
    assert!(said.contains("The capture has no carriage returns"), "{said}");
}

/// An entry of a HAR.
fn entry(method: &str, body: &Value, status: u16, response: &Value) -> Value {
    json!({
        "startedDateTime": "2024-11-27T06:10:41.000Z",
        "request": {
            "method": method,
            "url": format!("https://{HOST}/"),
            "headers": [{"name": "Origin", "value": "https://page.example"}],
            "postData": body,
        },
        "response": {
            "status": status,
            "headers": [{"name": "x-oss-request-id", "value": "0"}],
            "content": response,
        },
    })
}

fn data(form: &Form) -> Value {
    json!({"mimeType": form.content_type(), "text": String::from_utf8(form.body()).unwrap()})
}

fn with_type(mut entry: Value, form: &Form) -> Value {
    let header = json!({"name": "Content-Type", "value": form.content_type()});
    entry["request"]["headers"].as_array_mut().unwrap().push(header);
    entry
}

#[tokio::test]
async fn every_upload_of_a_har_is_judged_at_its_own_time() {
    let other = json!({
        "request": {"method": "GET", "url": "https://page.example/app.js", "headers": []},
        "response": {"status": 200, "headers": [], "content": {"text": "code"}},
    });
    let xml = "<Error><Code>AccessDenied</Code><Message>x</Message><EC>0006-00000227</EC></Error>";
    let good = with_type(entry("POST", &data(&allowed()), 204, &json!({})), &allowed());
    let bad =
        with_type(entry("POST", &data(&wrong_key()), 403, &json!({"text": xml})), &wrong_key());
    let preflight = entry("OPTIONS", &Value::Null, 200, &json!({}));
    let har = json!({"log": {"entries": [other, preflight, good, other, bad]}}).to_string();
    // The forms of 2024 are judged at the time of the log, not now.
    let said = Tool::new().run_with(&["explain"], &har).await.good();
    let (first, second) = said.split_once("Upload 2 of 2: POST").unwrap();
    assert!(first.starts_with(&format!("Upload 1 of 2: POST {HOST}/")), "{said}");
    assert!(
        first.contains("OSS accepts the form") && first.contains("The captured answer: 204"),
        "{first}"
    );
    assert!(
        second.contains(WRONG_KEY) && second.contains("The captured answer:\nOSS refuses"),
        "{second}"
    );
    assert!(
        first.contains("This is a CORS fault: the answer has no Access-Control-Allow-Origin"),
        "{first}"
    );
}

#[tokio::test]
async fn a_refused_preflight_is_a_cors_fault() {
    let xml = "<Error><Code>AccessForbidden</Code><Message>CORSResponse: no</Message></Error>";
    let preflight = entry("OPTIONS", &Value::Null, 403, &json!({"text": xml}));
    let alone = json!({"log": {"entries": [preflight]}}).to_string();
    let upload = with_type(entry("POST", &data(&allowed()), 0, &json!({})), &allowed());
    let followed = json!({"log": {"entries": [preflight, upload]}}).to_string();
    for har in [alone, followed] {
        let said = Tool::new().run_with(&["explain"], &har).await.good();
        assert!(said.contains("This is a CORS fault"), "{said}");
        assert!(said.contains("OSS refuses: AccessForbidden"), "{said}");
    }
}

#[tokio::test]
async fn a_har_without_an_upload_shows_the_grant_of_the_signer() {
    let grant =
        json!({"url": format!("https://{HOST}"), "fields": fields(&wrong_key())}).to_string();
    let call = json!({
        "request": {"method": "POST", "url": "https://signer.example/uploads", "headers": []},
        "response": {"status": 200, "headers": [], "content": {"text": grant}},
    });
    let said = explain(&json!({"log": {"entries": [call]}}).to_string()).await;
    assert!(said.contains(WRONG_KEY), "{said}");
    let none =
        Tool::new().run_with(&["explain"], &json!({"log": {"entries": []}}).to_string()).await;
    assert!(none.complaint().contains("the HAR has no upload"));
}

#[tokio::test]
async fn a_refusal_wherever_it_is() {
    let xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>\n  <Code>AccessDenied</Code>\n  <Message>Invalid according to Policy: \
               Policy expired.</Message>\n  <EC>0006-00000213</EC>\n</Error>";
    let json = json!({"level": "error", "body": xml}).to_string();
    let expired = "OSS refuses: AccessDenied (0006-00000213)\n  The policy has expired.";
    for input in [
        format!("2024-11-27 06:10 ERROR upload: 403 {xml}"),
        json.clone(),
        json!({"log": json}).to_string(),
        format!("HTTP/1.1 403 Forbidden\r\nServer: AliyunOSS\r\n\r\n{xml}"),
        "0006-00000213".to_owned(),
        "x-oss-ec: 0006-00000213\nx-oss-request-id: 0".to_owned(),
        "Policy expired".to_owned(),
        "Error: Invalid according to Policy: Policy expired.".to_owned(),
        json!({"code": "AccessDenied", "requestId": "0", "ecCode": "0006-00000213"}).to_string(),
        "{'status': 403, 'Code': 'AccessDenied', 'EC': '0006-00000213', 'RequestId': '0'}"
            .to_owned(),
    ] {
        let said = explain(&input).await;
        assert!(said.starts_with(expired), "{input}\n{said}");
    }
    let said = explain("RequestTimeTooSkewed").await;
    assert!(
        said.starts_with("OSS refuses: RequestTimeTooSkewed\n  The time of the request"),
        "{said}"
    );
}

#[tokio::test]
async fn refusals_with_one_code_and_different_messages() {
    let xml = |code: &str, message: &str, more: &str| {
        format!("<Error><Code>{code}</Code><Message>{message}</Message>{more}</Error>")
    };
    for (input, expected) in [
        (
            xml(
                "AccessDenied",
                "The bucket you are attempting to access must be addressed using the specified endpoint.",
                "<Bucket>b</Bucket><Endpoint>oss-cn-beijing.aliyuncs.com</Endpoint>",
            ),
            "endpoint to use: oss-cn-beijing.aliyuncs.com",
        ),
        (xml("AccessDenied", "You are denied by bucket referer policy.", ""), "hotlink protection"),
        (xml("AccessDenied", "x", "<EC>0003-00000501</EC>"), "without a Referer"),
        (xml("AccessDenied", "x", "<EC>0003-00000502</EC>"), "block list"),
        (xml("AccessDenied", "x", "<EC>0003-00000503</EC>"), "allowed referers"),
        (xml("AccessDenied", "Put public object acl is not allowed", ""), "Block Public Access"),
        (
            xml("CallbackFailed", "Error status : -1.OSS can not connect to your callbackUrl", ""),
            "SNI",
        ),
        (xml("CallbackFailed", "Error status : 502.", ""), "another status than 200"),
    ] {
        let said = explain(&input).await;
        assert!(said.contains(expected), "{input}\n{said}");
    }
}

#[tokio::test]
async fn a_signed_request_is_no_form_upload() {
    let url = format!(
        "https://{HOST}/in/a.txt?x-oss-signature-version=OSS4-HMAC-SHA256&x-oss-date=20241127T060941Z&x-oss-expires=60\
         &x-oss-credential=LTAI5tExampleKeyId0001%2F20241127%2Fcn-hangzhou%2Foss%2Faliyun_v4_request&x-oss-signature=marker"
    );
    let v1 = format!(
        "https://{HOST}/in/a.txt?Expires=1732687841&OSSAccessKeyId=LTAI5t&Signature=marker"
    );
    let to_sign =
        "OSS4-HMAC-SHA256\n20241127T060941Z\n20241127/cn-hangzhou/oss/aliyun_v4_request\n00ff";
    let v1_to_sign = "PUT\n\ntext/plain\nWed, 27 Nov 2024 06:09:41 GMT\n/examplebucket/in/a.txt";
    let xml = format!(
        "<Error><Code>SignatureDoesNotMatch</Code><StringToSign>{v1_to_sign}</StringToSign></Error>"
    );
    for input in [
        url.clone(),
        v1,
        format!("curl -X PUT -T a.txt '{url}'"),
        format!("PUT /a?{} HTTP/1.1\r\nHost: {HOST}\r\n\r\nx", url.split_once('?').unwrap().1),
        to_sign.to_owned(),
        v1_to_sign.to_owned(),
        xml,
        json!({"method": "PUT", "url": url, "expires": 1}).to_string(),
    ] {
        let said = explain(&input).await;
        assert!(said.contains("no form upload"), "{input}\n{said}");
        assert!(!said.contains("marker"), "{said}");
    }
    let said =
        Tool::new().run_with(&["explain", "--at", "2024-11-27T06:11:00Z"], &url).await.good();
    assert!(said.contains("It expired at 2024-11-27T06:10:41Z"), "{said}");
}

/// Explains with the key in the environment, in English and in Chinese.
async fn with_key(input: &str) -> [String; 2] {
    let tool = Tool::new();
    let english = tool.run_with(&["explain", "--at", AT], input).await.good();
    let chinese = tool.run_with(&["explain", "--at", AT, "--lang", "zh"], input).await.good();
    [english, chinese]
}

#[tokio::test]
async fn a_presigned_url_gets_the_verdict_of_the_local_oss() {
    let url = format!("https://{HOST}{}", ObjectCall::new("GET", "in/a.txt").url());
    let [english, chinese] = with_key(&url).await;
    assert!(english.contains("It is signed for GET"), "{english}");
    assert!(english.contains("OSS accepts the request: GetObject of \"in/a.txt\""), "{english}");
    assert!(english.contains("The signature was checked"), "{english}");
    assert!(chinese.contains("OSS 接受该请求") && chinese.contains("已用环境变量"), "{chinese}");
    let keyless = Tool::new().with("ALIBABA_CLOUD_ACCESS_KEY_ID", "");
    let keyless = keyless.run_with(&["explain", "--at", AT], &url).await.good();
    assert!(keyless.contains("OSS accepts what the URL shows."), "{keyless}");
    assert!(keyless.contains("the key that signed is not in the environment"), "{keyless}");
    let long = url.replace("x-oss-expires=3600", "x-oss-expires=999999");
    assert!(explain(&long).await.contains("InvalidArgument (0002-00000232)"));
    let other_region = url.replace("oss-cn-hangzhou.", "oss-cn-beijing.");
    assert!(explain(&other_region).await.contains("InvalidArgument (0002-00000228)"));
    let typed = ObjectCall::new("PUT", "in/a.txt").header("content-type", "text/plain");
    let [english, _] = with_key(&format!("https://{HOST}{}", typed.url())).await;
    assert!(english.contains("it fits no method without headers"), "{english}");
    let exact = ObjectCall::new("PUT", "in/a.txt").additional("content-length", "5");
    let [english, _] = with_key(&format!("https://{HOST}{}", exact.url())).await;
    assert!(english.contains("it covers a header that the input does not show"), "{english}");
}

#[tokio::test]
async fn a_signed_request_gets_the_verdict_of_the_local_oss() {
    let typed = ObjectCall::new("PUT", "in/a.txt").header("content-type", "text/plain");
    let url = format!("https://{HOST}{}", typed.url());
    let curl = |content_type: &str| {
        format!("curl -X PUT -H 'Content-Type: {content_type}' -T a.txt '{url}'")
    };
    let [english, chinese] = with_key(&curl("text/plain")).await;
    assert!(english.contains("OSS accepts the request: PutObject of \"in/a.txt\""), "{english}");
    assert!(chinese.contains("执行 PutObject"), "{chinese}");
    let [english, chinese] = with_key(&curl("image/png")).await;
    assert!(english.contains("SignatureDoesNotMatch (0002-00000040)"), "{english}");
    assert!(chinese.contains("SignatureDoesNotMatch (0002-00000040)"), "{chinese}");
    let (target, headers) = typed.in_headers();
    let lines: Vec<String> =
        headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let raw = format!("PUT {target} HTTP/1.1\r\nHost: {HOST}\r\n{}\r\nx", lines.concat());
    let [english, _] = with_key(&raw).await;
    assert!(english.contains("OSS accepts the request: PutObject"), "{english}");
    let [english, _] = with_key(&raw.replace("text/plain", "text/html")).await;
    assert!(english.contains("SignatureDoesNotMatch (0002-00000040)"), "{english}");
    let unsigned = explain(&format!("PUT /in/a.txt HTTP/1.1\r\nHost: {HOST}\r\n\r\nx")).await;
    assert!(unsigned.contains("AccessDenied (0003-00000001)"), "{unsigned}");
    let har = json!({"log": {"entries": [{
        "startedDateTime": "2024-11-27T06:10:41Z",
        "request": {"method": "GET", "url": format!("https://{HOST}{}", ObjectCall::new("GET", "a").url()), "headers": []},
        "response": {"status": 200, "headers": []},
    }]}});
    let [english, _] = with_key(&har.to_string()).await;
    assert!(english.contains("OSS accepts the request: GetObject of \"a\""), "{english}");
}

#[tokio::test]
async fn a_policy_in_quotes_and_a_callback_alone() {
    let policy = wrong_key().take("policy");
    for input in [
        format!("\"{policy}\""),
        format!("'{policy}'"),
        format!("policy={policy}"),
        format!("policy: {policy}"),
        policy.replace('=', "%3D"),
    ] {
        let said = explain(&input).await;
        assert!(said.contains("key begins with \"in/\""), "{input}\n{said}");
        assert!(!said.contains("OSS refuses"), "{said}");
    }
    let said =
        explain(r#"{"callback_url":"https://app.example/cb","callbackBody":"a=${size}"}"#).await;
    assert!(said.contains("No callback is sent") && said.contains("\"callback_url\""), "{said}");
}

#[tokio::test]
async fn what_cannot_be_read_gets_no_verdict() {
    let expression =
        "form.append('key', key); form.append('policy', res.policy); form.append('file', f)";
    for input in [
        "hello, world",
        "key=value",
        "a: b\nc: d",
        "name=a&size=1",
        "https://example.com/?a=b",
        "{\"a\": [1, 2]}",
        "[1, 2]",
        "42",
        "\"text\"",
        "<html><form><input name=a></form></html>",
        "curl https://example.com -F 'policy=<policy.txt'",
        "curl 'https://example.com",
        "fetch('https://example.com'",
        "AccessDeniedException",
        "1234-5678",
        "aGVsbG8gd29ybGQhIQ==",
        "POST / HTTP/1.1\r\nHost: a.oss-cn-hangzhou.aliyuncs.com\r\nContent-Type: multipart/form-data; boundary=b\r\n\r\n",
        expression,
    ] {
        let outcome = Tool::new().run_with(&["explain", "--at", AT], input).await;
        let said = outcome.complaint();
        assert!(!said.contains("OSS refuses"), "{input}\n{said}");
    }
    let listed = Tool::new().run_with(&["explain"], "hello").await.complaint();
    for kind in [
        "policy",
        "HAR",
        "curl",
        "multipart",
        "URL-encoded",
        "JavaScript",
        "XML",
        "EC",
        "presigned URL",
        "StringToSign",
    ] {
        assert!(listed.contains(kind), "{kind}: {listed}");
    }
}
