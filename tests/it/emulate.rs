//! The local OSS as the tool starts it: what its options change, and what a wrong one says.

use std::io::BufRead;
use std::io::BufReader;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;

use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::support::form::BUCKET;
use crate::support::form::Form;
use crate::support::form::KEY_ID;
use crate::support::form::SECRET;
use crate::support::oss::Reply;

/// A local OSS that ends with its test.
struct Emulator {
    address: String,
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
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.split_whitespace().nth(1).unwrap().trim_start_matches("http://");
        Self { address: address.to_owned(), child, _data: data }
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

/// The forms are signed in 2024, so one that is found good otherwise has expired.
const EXPIRED: &str = "AccessDenied 0006-00000213";

#[tokio::test]
async fn each_option_tells_the_judge_something() {
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

#[test]
fn a_wrong_leniency_is_one_line_that_lists_the_right_ones() {
    let outcome = command(&["--lenient", "generous"]).output().unwrap();
    assert_eq!(outcome.status.code(), Some(2));
    insta::assert_snapshot!(String::from_utf8(outcome.stderr).unwrap(), @r#"oss-upload: invalid value 'generous' for '--lenient <NAME>': no leniency is called "generous"; there are uncovered-token, content-type-field, any-expiration, expiry-during-upload, quoted-boundary, unquoted-names, tight-semicolons, preamble, repeated-fields, missing-filename, filename-folders, ignored-tagging, redirect-parameters, md5-etag; --help lists the options"#);
}
