//! `upload` stores files in the local OSS and prints one line for each.

use std::fs;
use std::fs::File;

use insta::assert_snapshot;
use oss_upload_signer::time;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::TcpListener;

use crate::support::form::{BUCKET, REGION};
use crate::support::oss::Server;
use crate::support::port::ClosedPort;
use crate::support::tool::{Outcome, Tool};
use crate::support::wait::{LIMIT, within};

/// Starts a local OSS with the clock of the tool.
async fn oss() -> Server {
    Server::with(|options| options.clock = std::sync::Arc::new(|| time::now().unix())).await
}

/// Uploads with the key in the environment.
async fn upload(tool: &Tool, oss: &Server, arguments: &[&str]) -> Outcome {
    let host = format!("http://{}", oss.address);
    let place = ["upload", "--bucket", BUCKET, "--region", REGION, "--upload-host", &host];
    tool.run(&[&place[..], arguments].concat()).await
}

#[tokio::test]
async fn files_are_stored_byte_for_byte_and_keep_their_names_in_a_directory() {
    let (tool, oss) = (Tool::new(), oss().await);
    let large: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
    tool.write("large.bin", &large);
    tool.write("照片 1.png", "picture");
    tool.write("empty", "");
    let files = ["large.bin", "照片 1.png", "empty", "--object", "in/"];
    assert_snapshot!(upload(&tool, &oss, &files).await.good(), @"
    stored   in/large.bin  3 MB
    stored   in/照片 1.png  7 B
    stored   in/empty  0 B
    ");
    let reply = oss.ask("GET", "/in/large.bin", &[]).await;
    assert!(reply.body == large);
    let reply = oss.ask("GET", "/in/%E7%85%A7%E7%89%87%201.png", &[]).await;
    assert_eq!((reply.text().as_str(), reply.header("content-type")), ("picture", "image/png"));
    assert_eq!(oss.ask("GET", "/in/empty", &[]).await.status, 200);
    oss.stop().await;
}

#[tokio::test]
async fn a_refused_file_is_explained_and_the_others_are_stored() {
    let (tool, oss) = (Tool::new(), oss().await);
    for name in ["a.txt", "b.txt", "c.txt"] {
        tool.write(name, name);
    }
    upload(&tool, &oss, &["b.txt", "--object", "in/b.txt"]).await.good();
    let all = ["a.txt", "b.txt", "c.txt", "--object", "in/", "--forbid-overwrite"];
    let outcome = upload(&tool, &oss, &all).await;
    assert_eq!(outcome.code, 1);
    assert_snapshot!(outcome.out, @"
    stored   in/a.txt  5 B
    stored   in/c.txt  5 B
    ");
    assert_snapshot!(without_request(&outcome.err), @"
    oss-upload: b.txt: 409 (FileAlreadyExists, request …): An object with this key exists, and the form forbids overwriting. Choose another key (a directory with {uuid} gives each upload its own), or allow overwriting. OSS says: The object you specified already exists and can not be overwritten.
    oss-upload: 1 of 3 files were not uploaded
    ");
    oss.stop().await;
}

#[tokio::test]
async fn a_type_is_stored_in_its_canonical_form_or_refused() {
    let (tool, oss) = (Tool::new(), oss().await);
    tool.write("a.txt", "a");
    let typed = ["--object", "in/a.txt", "a.txt", "--type"];
    let good = [&typed[..], &["Text/Plain;Charset=\"UTF-8\""]].concat();
    upload(&tool, &oss, &good).await.good();
    let reply = oss.ask("GET", "/in/a.txt", &[]).await;
    assert_eq!(reply.header("content-type"), "text/plain; charset=utf-8");
    let bad = [&typed[..], &["image/png;,text/html"]].concat();
    assert!(upload(&tool, &oss, &bad).await.complaint().contains("is no type"));
    oss.stop().await;
}

/// Removes the request ids, which differ in each run.
fn without_request(text: &str) -> String {
    let words = text.split(' ').map(|word| match word.strip_suffix("):") {
        Some(id) if id.len() == 24 => "…):",
        _ => word,
    });
    words.collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn a_wrong_key_and_a_wrong_region_are_explained_without_a_secret() {
    let oss = oss().await;
    let wrong = Tool::new().with("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "marker-secret");
    wrong.write("a.txt", "a");
    let outcome = upload(&wrong, &oss, &["a.txt", "--object", "a"]).await;
    assert_eq!(outcome.code, 1);
    assert_snapshot!(without_request(&outcome.err), @"
    oss-upload: a.txt: 403 (SignatureDoesNotMatch, 0002-00000705, request …): The signature is not the one that OSS computes from the policy, or it is in the field of another version. Sign the very base64 text that is sent, with the right secret and one reading of the clock; V4 wants lower-case hex in x-oss-signature. OSS says: The request signature we calculated does not match the signature you provided. Check your key and signing method.
    oss-upload: the file was not uploaded
    ");
    assert!(!outcome.err.contains("marker-secret"));
    let tool = Tool::new().with("ALIBABA_CLOUD_SECURITY_TOKEN", "marker-token");
    tool.write("a.txt", "a");
    let outcome = upload(&tool, &oss, &["a.txt", "--object", "a"]).await;
    assert_eq!(outcome.code, 1);
    assert!(!outcome.err.contains("marker-token"));
    let host = format!("http://{}", oss.address);
    let place = ["upload", "--bucket", BUCKET, "--region", "cn-beijing", "--upload-host", &host];
    let outcome = Tool::new()
        .run(&[&place[..], &[tool.path("a.txt").to_str().unwrap(), "--object", "a"]].concat())
        .await;
    assert!(outcome.err.contains("400 (InvalidArgument, 0002-00000715"), "{}", outcome.err);
    oss.stop().await;
}

#[tokio::test]
async fn a_large_file_that_is_refused_early_is_still_explained() {
    let (tool, oss) = (Tool::new().with("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "x"), oss().await);
    // A sparse file is created quickly, and does not fit into memory twice.
    File::create(tool.path("large.bin")).unwrap().set_len(300 << 20).unwrap();
    let outcome = upload(&tool, &oss, &["large.bin", "--object", "a"]).await;
    assert_eq!((outcome.code, outcome.out.as_str()), (1, ""));
    assert!(outcome.err.contains("403 (SignatureDoesNotMatch"), "{}", outcome.err);
    oss.stop().await;
}

#[tokio::test]
async fn a_cut_connection_and_a_refused_one_have_different_messages() {
    let tool = Tool::new();
    File::create(tool.path("large.bin")).unwrap().set_len(50 << 20).unwrap();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let host = format!("http://{}", listener.local_addr().unwrap());
    let place = ["upload", "--bucket", BUCKET, "--region", REGION, "--object", "a", "large.bin"];
    let arguments = |host| [&place[..], &["--upload-host", host]].concat();
    let cut = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut some = vec![0; 100_000];
        stream.read_exact(&mut some).await.unwrap();
    };
    let arguments_of_cut = arguments(&host);
    let (outcome, ()) = tokio::join!(tool.run(&arguments_of_cut), cut);
    assert_eq!(outcome.code, 1);
    assert!(outcome.err.contains("the connection broke"), "{}", outcome.err);
    let closed = ClosedPort::new();
    let host = format!("http://{}", closed.address);
    let outcome = tool.run(&arguments(&host)).await;
    assert_eq!(outcome.code, 1);
    assert!(outcome.err.contains("no connection ("), "{}", outcome.err);
}

#[tokio::test]
async fn https_is_used_and_verified() {
    let (tool, oss) = (Tool::new(), oss().await);
    tool.write("a.txt", "a");
    let host = format!("https://{}", oss.address);
    let arguments = ["upload", "--bucket", BUCKET, "--region", REGION, "--upload-host", &host];
    let outcome = tool.run(&[&arguments[..], &["a.txt", "--object", "a"]].concat()).await;
    assert_eq!(outcome.code, 1);
    assert!(outcome.err.contains("the TLS connection is not trusted ("), "{}", outcome.err);
    assert!(!outcome.err.contains("panicked"), "{}", outcome.err);
    oss.stop().await;
}

#[tokio::test]
async fn a_running_function_signs_as_for_a_browser() {
    let tool = Tool::new().with("UPLOAD_MAX_SIZE", "10B");
    let data = tool.path("data");
    let mut dev = tool
        .command(&["dev", "--port", "0", "--oss-port", "0", "--data-dir", data.to_str().unwrap()])
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(dev.stdout.take().unwrap()).lines();
    let page = within(LIMIT, "the page's address", lines.next_line()).await.unwrap().unwrap();
    let page = page.trim_start_matches("page").trim();
    let keyless = Tool::new().with("ALIBABA_CLOUD_ACCESS_KEY_ID", "");
    keyless.write("small.png", "small");
    keyless.write("large.png", "more than ten bytes");
    let outcome = keyless.run(&["upload", "--signer", page, "small.png", "large.png"]).await;
    assert_eq!(outcome.code, 1);
    assert!(
        outcome.out.starts_with("stored   uploads/") && outcome.out.contains("/small.png  5 B")
    );
    assert_snapshot!(outcome.err, @"
    oss-upload: large.png: the signer refused it (file_too_large): The file has 19 bytes; at most 10 B are taken. Choose a smaller one.
    oss-upload: 1 of 2 files were not uploaded
    ");
    let outcome = keyless.run(&["upload", "--signer", page, "--route", "x", "small.png"]).await;
    assert_snapshot!(outcome.err, @r#"
    oss-upload: small.png: the signer refused it (route_not_found): There is no route "x". Name one of these: default.
    oss-upload: the file was not uploaded
    "#);
    assert!(fs::read_dir(&data).unwrap().count() > 0);
    dev.kill().await.unwrap();
}

#[tokio::test]
async fn wrong_arguments_give_one_line_and_nothing_is_tried() {
    let tool = Tool::new();
    tool.write("a.txt", "a");
    tool.write("b.txt", "b");
    let place = ["upload", "--bucket", BUCKET, "--region", REGION];
    let complaint =
        async |arguments: &[&str]| tool.run(&[&place[..], arguments].concat()).await.complaint();
    assert_snapshot!(complaint(&["a.txt", "b.txt", "--object", "a"]).await, @r#"oss-upload: --object "a": 2 files need a directory; end it in '/'"#);
    assert_snapshot!(complaint(&["a.txt", "--object", "/a"]).await, @r#"oss-upload: --object "/a": write a key such as photos/a.png, or a directory such as photos/"#);
    assert_snapshot!(complaint(&["a.txt"]).await, @"oss-upload: the following required arguments were not provided: --object <KEY>; --help lists the options");
    assert_snapshot!(complaint(&["--object", "a"]).await, @"oss-upload: the following required arguments were not provided: <FILE>...; --help lists the options");
    assert_snapshot!(complaint(&["none.txt", "--object", "a"]).await, @"oss-upload: none.txt: No such file or directory (os error 2)");
    assert_snapshot!(complaint(&[".", "--object", "a"]).await, @"oss-upload: .: this is no file; name the files inside");
    assert_snapshot!(complaint(&["a.txt", "--object", "a", "--type", "text"]).await, @r#"oss-upload: --type "text" is no type; write image/png"#);
    let bare = ["upload", "--signer", "localhost:8080", "a.txt"];
    assert_snapshot!(tool.run(&bare).await.complaint(), @r#"oss-upload: --signer "localhost:8080": write the function's whole address, with https://"#);
    assert_snapshot!(complaint(&["a.txt", "--object", "a", "--signer", "http://x"]).await, @"oss-upload: the argument '--bucket <BUCKET>' cannot be used with '--signer <URL>'; --help lists the options");
}
