//! Tests the command `emulate`: the effect of its options, and the messages for wrong ones.

use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use oss_emulator::oss::callback_key_url;
use oss_upload_signer::time;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::support::callback_server::{Called, Line, Uncalled, field};
use crate::support::emulate::{Process, granted};
use crate::support::form::{BUCKET, Form, KEY_ID, SECRET};
use crate::support::local_sts::{Caller, Keys, over_socket};
use crate::support::oss::Reply;
use crate::support::wait::Lines;

/// A local OSS that stops at the end of the test.
struct Emulator {
    address: String,
    output: Lines,
    child: Child,
    _data: TempDir,
}

impl Emulator {
    fn start(options: &[&str]) -> Self {
        let data = TempDir::new().unwrap();
        let mut child = command(options)
            .args(["--port", "0", "--data-dir"])
            .arg(data.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = Lines::of(child.stdout.take().unwrap());
        let mut emulator = Self { address: String::new(), output, child, _data: data };
        let address = emulator.printed("oss");
        address.trim_start_matches("http://").clone_into(&mut emulator.address);
        emulator
    }

    /// Returns what is printed after this word.
    fn printed(&self, word: &str) -> String {
        let line = self.output.find(word, |line| line.split_whitespace().next() == Some(word));
        line.split_whitespace().nth(1).unwrap().to_owned()
    }

    async fn refusal(&self, host: Option<&str>, form: &Form) -> String {
        let body = form.body();
        let head = format!(
            "POST / HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {}\r\nContent-Type: {}\r\n\r\n",
            host.unwrap_or(&self.address),
            body.len(),
            form.content_type()
        );
        let mut stream = TcpStream::connect(&self.address).await.unwrap();
        stream.write_all(&[head.as_bytes(), &body].concat()).await.unwrap();
        let (_, code, ec) = Reply::read(stream).await.refusal();
        format!("{code} {ec}")
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(options: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_oss-upload"));
    command.arg("emulate").args(options).env_clear().args([
        "--bucket",
        BUCKET,
        "--access-key-id",
        KEY_ID,
        "--access-key-secret",
        SECRET,
    ]);
    command
}

/// The forms are signed in 2024, so one that is otherwise valid has expired.
const EXPIRED: &str = "AccessDenied 0006-00000213";

#[tokio::test]
async fn each_option_changes_the_strictness() {
    let mut v1 = Form::good();
    v1.sign_v1(&[r#"{"bucket":"examplebucket"}"#]);
    let mut spelt = v1.clone();
    let signature = spelt.take("Signature");
    spelt.set("signature", &signature);
    let mut repeated = v1.clone();
    repeated.fields.push(("key".to_owned(), "dir/again.txt".to_owned()));
    let virtual_host = format!("{BUCKET}.localhost");
    let virtual_host = Some(virtual_host.as_str());
    for (form, host, options, with, without) in [
        (&v1, None, &["--refuse-v1"][..], "AccessDenied 0002-00000080", EXPIRED),
        (
            &v1,
            virtual_host,
            &["--refuse-public-endpoint"],
            "PublicEndpointForbidden 0048-00000401",
            EXPIRED,
        ),
        (&spelt, None, &["--case-sensitive-names"], "InvalidArgument 0002-00000703", EXPIRED),
        (&v1, None, &["--value-limit", "20"], "FieldItemTooLong ", EXPIRED),
        (
            &repeated,
            None,
            &["--lenient", "md5-etag", "--lenient", "repeated-fields"],
            EXPIRED,
            "MalformedPOSTRequest 0006-00000103",
        ),
    ] {
        assert_eq!(Emulator::start(options).refusal(host, form).await, with, "{options:?}");
        assert_eq!(Emulator::start(&[]).refusal(host, form).await, without, "{options:?}");
    }
}

#[tokio::test]
async fn the_local_sts_issues_keys_that_the_local_oss_knows() {
    let options = ["--sts-port", "0", "--role", "uploader", "--fault", "status=503"];
    let emulator = Emulator::start(&options);
    let address = emulator.printed("sts").trim_start_matches("http://").to_owned();
    let role = emulator.printed("role");
    let caller = Caller { id: KEY_ID, secret: SECRET, token: None };
    let ask = async || {
        let call = caller.request(time::now().unix(), &[("RoleArn", &role)]);
        over_socket(&address, call).await
    };
    assert!(ask().await.contains("ServiceUnavailable"));
    let answer = ask().await;
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let answer: serde_json::Value = serde_json::from_str(body).unwrap();
    let keys = Keys::of(&answer["Credentials"]);
    let mut form = Form::good();
    form.sign_v1_as(&keys.id, &keys.secret, &[r#"{"bucket":"examplebucket"}"#]);
    form.set("x-oss-security-token", &keys.token);
    assert_eq!(emulator.refusal(None, &form).await, EXPIRED);
    form.set("x-oss-security-token", "another");
    assert_eq!(emulator.refusal(None, &form).await, "InvalidSecurityToken ");
}

#[tokio::test]
async fn a_callback_is_a_console_line_without_its_query() {
    let back = Called::start([Line::good(), Line::status(500)]).await;
    let allowed = format!("--allow-callback-to {}", back.url(""));
    let process = Arc::new(Process::start_with("", &allowed));
    let key = callback_key_url(process.address);
    assert_eq!(process.printed("key"), format!("key   {key}"));
    let mut lines = Vec::new();
    for (name, status) in [("a.txt", "200"), ("b.png", "203")] {
        let mut form = granted(name).await;
        form.set("callback", &field(&back.url("/callback?token=marker"), "b"));
        let key = form.fields.iter().find(|field| field.0 == "key").unwrap().1.clone();
        let posting = Arc::clone(&process);
        let answer = tokio::task::spawn_blocking(move || posting.post(&form)).await.unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
        lines.push(process.printed("callback").replace(&key, "[key]"));
    }
    let url = back.url("/callback");
    let spent = lines[0].strip_prefix(&format!("callback {url}  200  [key]  ")).unwrap();
    assert!(spent.strip_suffix(" ms").unwrap().parse::<u64>().is_ok(), "{spent}");
    assert!(lines[1].starts_with(&format!("callback {url}  failed  [key]  ")), "{}", lines[1]);
    assert!(lines[1].ends_with(" ms  the server answered 500; it must be 200"), "{}", lines[1]);
    back.heard().await;
}

#[test]
fn a_wrong_fault_gives_one_line_with_the_syntax() {
    let outcome = command(&["--sts-port", "0", "--fault", "nobody:cut"]).output().unwrap();
    assert_eq!(outcome.status.code(), Some(2));
    insta::assert_snapshot!(String::from_utf8(outcome.stderr).unwrap(), @r#"oss-upload: invalid value 'nobody:cut' for '--fault <FAULT>': "nobody:cut" is no fault; write [CALL:]FAULT[*TIMES], where CALL is one of assume-role, assume-role-with-oidc, metadata-token, metadata-role, metadata-keys, credentials-uri, get-caller-identity, ram and FAULT is delay=MILLISECONDS, throttle-400[=MILLISECONDS], throttle-429[=MILLISECONDS], status=500..599, cut, cut-inside, clock=SECONDS, malformed-json or gateway-xml; --help lists the options"#);
    let outcome = command(&["--role", "uploader"]).output().unwrap();
    assert_eq!(outcome.status.code(), Some(2), "a role needs an STS");
}

#[test]
fn a_wrong_relaxation_gives_one_line_with_all_names() {
    let outcome = command(&["--lenient", "generous"]).output().unwrap();
    assert_eq!(outcome.status.code(), Some(2));
    insta::assert_snapshot!(String::from_utf8(outcome.stderr).unwrap(), @r#"oss-upload: invalid value 'generous' for '--lenient <NAME>': there is no relaxation named "generous"; the names are uncovered-token, content-type-field, any-expiration, expiry-during-upload, content-type-parameters, quoted-boundary, unquoted-names, tight-semicolons, preamble, repeated-fields, missing-filename, filename-folders, ignored-tagging, redirect-parameters, callback-before-redirect, md5-etag, loose-etags; --help lists the options"#);
}

#[tokio::test]
async fn no_callback_is_sent_unless_an_option_allows_it() {
    let nobody = Uncalled::start();
    let process = Arc::new(Process::start(""));
    let mut form = granted("a.txt").await;
    form.set("callback", &field(&nobody.url("/admin"), "b"));
    let posting = Arc::clone(&process);
    let answer = tokio::task::spawn_blocking(move || posting.post(&form)).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 203 "), "{answer}");
    nobody.check();
    let line = process.printed("callback");
    let why = "no address may be called from here; allow it with --allow-callback-to";
    assert!(line.ends_with(why), "{line}");
}

#[tokio::test]
async fn both_servers_refuse_foreign_pages_and_names() {
    let emulator =
        Emulator::start(&["--sts-port", "0", "--allow-host", "oss.test", "--public-read"]);
    let sts = emulator.printed("sts").trim_start_matches("http://").to_owned();
    let asks = async |address: &str, head: &str| {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let whole = format!("GET {head}\r\nConnection: close\r\n\r\n");
        stream.write_all(whole.as_bytes()).await.unwrap();
        Reply::read(stream).await
    };
    for path in ["/", "/credentials", "/latest/meta-data/ram/security-credentials/oss-uploader"] {
        let foreign = asks(&sts, &format!("{path} HTTP/1.1\r\nHost: evil.example")).await;
        assert_eq!(foreign.status, 421, "{path}");
        assert!(!foreign.text().contains("AccessKey"), "{path}");
    }
    assert_eq!(asks(&sts, "/credentials HTTP/1.1\r\nHost: oss.test").await.status, 200);
    assert_eq!(asks(&sts, "/credentials HTTP/1.1\r\nHost: localhost").await.status, 200);
    assert_eq!(asks(&emulator.address, "/a HTTP/1.1\r\nHost: evil.example").await.status, 421);
    assert_eq!(asks(&emulator.address, "/a HTTP/1.1\r\nHost: oss.test").await.status, 404);
    let page = "/a HTTP/1.1\r\nHost: localhost\r\nOrigin: http://";
    assert_eq!(asks(&emulator.address, &format!("{page}evil.example")).await.status, 403);
    let local = asks(&emulator.address, &format!("{page}localhost:5173")).await;
    let allowed = local.header("access-control-allow-origin");
    assert_eq!((local.status, allowed), (404, "http://localhost:5173"));
}

#[tokio::test]
async fn a_given_cors_rule_replaces_the_default() {
    let emulator = Emulator::start(&["--cors-origin", "https://app.example"]);
    let preflight = async |origin: &str| {
        let mut stream = TcpStream::connect(&emulator.address).await.unwrap();
        let whole = format!(
            "OPTIONS / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nOrigin: {origin}\r\n\
             Access-Control-Request-Method: POST\r\n\r\n"
        );
        stream.write_all(whole.as_bytes()).await.unwrap();
        Reply::read(stream).await.status
    };
    assert_eq!(preflight("https://app.example").await, 200);
    assert_eq!(preflight("http://localhost:5173").await, 403);
    assert_eq!(preflight("http://evil.example").await, 403);
}
