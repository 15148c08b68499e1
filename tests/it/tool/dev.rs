//! `dev` with a callback: the function is called at its own address here, whatever the settings say of the deployed
//! one, and a back end of this machine is told with keys that are shown.

use std::sync::Arc;

use oss_upload_signer::secret::Secret;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::TcpListener;
use tokio::process::{Child, ChildStdout};

use crate::support::source::DOCUMENTS;
use crate::support::tool::Tool;
use crate::support::wait::{LIMIT, within};

/// A running `dev`, with what it said at the start.
struct Dev {
    tool: Tool,
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    said: Vec<String>,
}

impl Dev {
    async fn start(tool: Tool, settings: &str) -> Self {
        tool.write("upload.toml", settings);
        let data = tool.path("data");
        let place = ["dev", "--port", "0", "--oss-port", "0", "--data-dir", data.to_str().unwrap()];
        let mut child = tool.command(&place).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut dev = Self { tool, child, lines, said: Vec::new() };
        while dev.said.last().is_none_or(|line| !line.starts_with("Ctrl-C")) {
            let line = dev.next().await;
            dev.said.push(line);
        }
        dev
    }

    /// The next line that is not the function's own log.
    async fn next(&mut self) -> String {
        loop {
            let line = within(LIMIT, "the next line", self.lines.next_line()).await;
            let line = line.unwrap().unwrap();
            if !line.starts_with('{') {
                return line;
            }
        }
    }

    fn page(&self) -> String {
        self.said[0].trim_start_matches("page").trim().to_owned()
    }

    /// The lines that say who is told.
    fn told(&self) -> Vec<&str> {
        let told = self.said.iter().map(String::as_str);
        told.filter(|line| line.starts_with("told") || line.starts_with("env")).collect()
    }

    async fn upload(&self) -> String {
        self.tool.write("a.txt", "hello");
        let page = self.page();
        let arguments = ["upload", "--signer", page.as_str(), "--route", "notes", "a.txt"];
        let outcome = self.tool.run(&arguments).await;
        outcome.out + &outcome.err
    }
}

/// Answers one request, and gives it.
async fn answer_once(listener: Arc<TcpListener>, answer: &'static str) -> String {
    let (mut stream, _) = within(LIMIT, "a call", listener.accept()).await.unwrap();
    let mut request = String::new();
    let mut some = [0; 4096];
    while !request.contains("\"upload.completed\"") {
        let count = within(LIMIT, "the body", stream.read(&mut some)).await.unwrap();
        assert_ne!(count, 0, "{request}");
        request.push_str(str::from_utf8(&some[..count]).unwrap());
    }
    stream.write_all(answer.as_bytes()).await.unwrap();
    request
}

const TOLD: &str = "HTTP/1.1 200 OK\r\ncontent-length: 8\r\nconnection: close\r\n\r\n{\"id\":7}";
const BROKEN: &str = "HTTP/1.1 500 No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

fn settings(back_end: &TcpListener) -> String {
    let back_end = back_end.local_addr().unwrap();
    format!(
        "public_url = \"https://signer.example.com\"\n[routes.notes.callback]\nto = \"self\"\n\
         notify = \"http://{back_end}/uploaded\"\n"
    )
}

#[tokio::test]
async fn a_back_end_of_this_machine_is_told_and_each_call_is_a_line() {
    let back_end = Arc::new(TcpListener::bind("127.0.0.1:0").await.unwrap());
    let mut dev = Dev::start(Tool::new(), &settings(&back_end)).await;
    let page = dev.page();
    let url = format!("http://{}/uploaded", back_end.local_addr().unwrap());
    let [told, keys, secret] = dev.told()[..] else { panic!("{:?}", dev.said) };
    assert_eq!(told, format!("told  notes: {page}callback/notes, then {url}"));
    let (keys_label, secret_label) =
        ("env   UPLOAD_RECEIPT_KEYS=", "env   UPLOAD_WEBHOOK_SECRET=whsec_");
    assert!(
        DOCUMENTS.contains(&format!("\n{keys_label}…\n{secret_label}…\n")),
        "the documents show keys"
    );
    let keys = keys.strip_prefix(keys_label).unwrap();
    assert!(keys.len() >= 32 && !keys.contains([' ', '\'', '"', '$']), "{keys}");
    let secret = secret.strip_prefix("env   UPLOAD_WEBHOOK_SECRET=").unwrap();
    assert!(
        oss_upload_signer::callback::webhook::WebhookKey::parse(&Secret::new(secret)).is_some()
    );

    let told = tokio::spawn(answer_once(Arc::clone(&back_end), TOLD));
    assert!(dev.upload().await.starts_with("stored   uploads/"));
    let request = told.await.unwrap().to_lowercase();
    assert!(request.starts_with("post /uploaded http/1.1\r\n"), "{request}");
    assert!(request.contains("\r\nwebhook-signature: v1,"), "{request}");
    assert!(dev.next().await.starts_with("stored   uploads/"));
    let webhook = dev.next().await;
    assert!(webhook.starts_with(&format!("webhook  {url}  200  ")), "{webhook}");
    let called = dev.next().await;
    assert!(
        called.starts_with(&format!("callback {page}callback/notes  200  uploads/")),
        "{called}"
    );

    let told = tokio::spawn(answer_once(back_end, BROKEN));
    dev.upload().await;
    told.await.unwrap();
    assert!(dev.next().await.starts_with("stored   uploads/"));
    let webhook = dev.next().await;
    assert!(webhook.starts_with(&format!("webhook  {url}  500  ")), "{webhook}");
    let called = dev.next().await;
    assert!(called.starts_with(&format!("callback {page}callback/notes  failed  ")), "{called}");
    dev.child.kill().await.unwrap();
}

#[tokio::test]
async fn keys_of_the_environment_are_used_and_never_shown() {
    let back_end = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let tool = Tool::new()
        .with("UPLOAD_RECEIPT_KEYS", "marker-receipts-of-the-operator-himself")
        .with("UPLOAD_WEBHOOK_SECRET", "whsec_bWFya2VyLW1lc3NhZ2VzLW9mLXRoZS1vcGVyYXRvcg==");
    let mut dev = Dev::start(tool, &settings(&back_end)).await;
    assert_eq!(dev.told().len(), 1, "{:?}", dev.said);
    dev.child.kill().await.unwrap();
}

#[tokio::test]
async fn where_nobody_is_told_nothing_is_said_of_it() {
    let mut dev = Dev::start(Tool::new(), "").await;
    let labels: Vec<_> = dev.said.iter().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(labels, ["page", "sign", "oss", "data", "Ctrl-C"]);
    dev.child.kill().await.unwrap();
}

#[tokio::test]
async fn a_data_folder_has_keys_of_its_own_which_the_next_run_has_too() {
    let back_end = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let keys = |dev: &Dev| -> Vec<String> {
        dev.told().into_iter().filter(|line| line.starts_with("env")).map(str::to_owned).collect()
    };
    let mut dev = Dev::start(Tool::new(), &settings(&back_end)).await;
    let first = keys(&dev);
    assert_eq!(first.len(), 2, "{first:?}");
    dev.child.kill().await.unwrap();
    let mut again = Dev::start(dev.tool, &settings(&back_end)).await;
    assert_eq!(keys(&again), first);
    again.child.kill().await.unwrap();
    let mut other = Dev::start(Tool::new(), &settings(&back_end)).await;
    for (one, another) in first.iter().zip(keys(&other)) {
        assert_ne!(*one, another);
    }
    other.child.kill().await.unwrap();
}

#[tokio::test]
async fn keys_that_everybody_knows_are_taken_by_dev_alone() {
    let back_end = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let tool = Tool::new().with("UPLOAD_RECEIPT_KEYS", "receipts-of-this-machine-and-of-no-other");
    let mut dev = Dev::start(tool, &settings(&back_end)).await;
    assert_eq!(dev.told().len(), 2, "{:?}", dev.said);
    dev.child.kill().await.unwrap();
    let problem = dev.tool.run(&["receipt", "verify"]).await.complaint();
    assert!(problem.contains("this key is public"), "{problem}");
}
