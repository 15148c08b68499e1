//! `dev`: what it prints at the start and later, its generated keys, its callbacks, and the routes that it
//! serves.

use std::sync::Arc;

use oss_upload_signer::secret::Secret;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, ChildStdout};

use crate::support::source::DOCUMENTS;
use crate::support::tool::Tool;
use crate::support::wait::{LIMIT, within};

/// A running `dev`, with the lines of its start.
struct Dev {
    tool: Tool,
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    start: Vec<String>,
}

impl Dev {
    /// Starts `dev` with a settings file and its own data directory.
    async fn start(tool: Tool, settings: &str) -> Self {
        tool.write("upload.toml", settings);
        let data = tool.path("data");
        Self::start_with(tool, &["--data-dir", data.to_str().unwrap()]).await
    }

    async fn start_with(tool: Tool, options: &[&str]) -> Self {
        let ports = ["dev", "--port", "0", "--oss-port", "0"];
        let mut child = tool.command(&[&ports, options].concat()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut dev = Self { tool, child, lines, start: Vec::new() };
        while dev.start.last().is_none_or(|line| !line.starts_with("Ctrl-C")) {
            let line = dev.next().await;
            dev.start.push(line);
        }
        dev
    }

    /// Returns the next line that is not of the function's own log.
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
        self.lines_of("page")[0].trim_start_matches("page").trim().to_owned()
    }

    /// Returns the lines of the start that begin with this word.
    fn lines_of(&self, word: &str) -> Vec<&str> {
        let lines = self.start.iter().map(String::as_str);
        lines.filter(|line| line.split([' ', ':']).next() == Some(word)).collect()
    }

    async fn upload(&self) -> String {
        self.tool.write("a.txt", "hello");
        let page = self.page();
        let arguments = ["upload", "--signer", page.as_str(), "--route", "notes", "a.txt"];
        let outcome = self.tool.run(&arguments).await;
        outcome.out + &outcome.err
    }

    /// Sends a request to the function, and returns the status and the body of the response.
    async fn send(&self, head: &str, headers: &[&str], body: &str) -> (u16, String) {
        let page = self.page();
        let address = page.trim_start_matches("http://").trim_end_matches('/');
        let mut stream = TcpStream::connect(address).await.unwrap();
        let headers: Vec<_> = headers.iter().flat_map(|header| [*header, "\r\n"]).collect();
        let headers = headers.concat();
        let length = body.len();
        let request = format!(
            "{head} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{headers}\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut response = String::new();
        within(LIMIT, "the response", stream.read_to_string(&mut response)).await.unwrap();
        let status = response.split(' ').nth(1).unwrap().parse().unwrap();
        let body = response.split_once("\r\n\r\n").unwrap().1.to_owned();
        (status, body)
    }

    async fn request_form(&self, route: Option<&str>, headers: &[&str]) -> (u16, Value) {
        let mut body = serde_json::json!({"files": [{"name": "a.txt", "size": 5}]});
        if let Some(route) = route {
            body["route"] = route.into();
        }
        let (status, body) = self.send("POST /uploads", headers, &body.to_string()).await;
        (status, serde_json::from_str(&body).unwrap())
    }

    async fn stop(mut self) {
        self.child.kill().await.unwrap();
    }
}

/// Responds to one request, and returns it.
async fn respond_once(listener: Arc<TcpListener>, response: &'static str) -> String {
    let (mut stream, _) = within(LIMIT, "a call", listener.accept()).await.unwrap();
    let mut request = String::new();
    let mut some = [0; 4096];
    while !request.contains("\"upload.completed\"") {
        let count = within(LIMIT, "the body", stream.read(&mut some)).await.unwrap();
        assert_ne!(count, 0, "{request}");
        request.push_str(str::from_utf8(&some[..count]).unwrap());
    }
    stream.write_all(response.as_bytes()).await.unwrap();
    request
}

const ACCEPTED: &str =
    "HTTP/1.1 200 OK\r\ncontent-length: 8\r\nconnection: close\r\n\r\n{\"id\":7}";
const BROKEN: &str = "HTTP/1.1 500 No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

fn settings(back_end: &TcpListener) -> String {
    let back_end = back_end.local_addr().unwrap();
    format!(
        "public_url = \"https://signer.example.com\"\n[routes.notes.callback]\nto = \"self\"\n\
         notify = \"http://{back_end}/uploaded\"\n"
    )
}

#[tokio::test]
async fn a_back_end_of_this_machine_gets_webhooks_and_each_is_a_line() {
    let back_end = Arc::new(TcpListener::bind("127.0.0.1:0").await.unwrap());
    let mut dev = Dev::start(Tool::new(), &settings(&back_end)).await;
    let page = dev.page();
    let url = format!("http://{}/uploaded", back_end.local_addr().unwrap());
    assert_eq!(dev.lines_of("calls"), [format!("calls notes: {page}callback/notes, then {url}")]);
    let [keys, secret] = dev.lines_of("env")[..] else { panic!("{:?}", dev.start) };
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

    let webhook = tokio::spawn(respond_once(Arc::clone(&back_end), ACCEPTED));
    assert!(dev.upload().await.starts_with("stored   uploads/"));
    let request = webhook.await.unwrap().to_lowercase();
    assert!(request.starts_with("post /uploaded http/1.1\r\n"), "{request}");
    assert!(request.contains("\r\nwebhook-signature: v1,"), "{request}");
    assert!(dev.next().await.starts_with("stored   uploads/"));
    let line = dev.next().await;
    assert!(line.starts_with(&format!("webhook  {url}  200  ")), "{line}");
    let line = dev.next().await;
    assert!(line.starts_with(&format!("callback {page}callback/notes  200  uploads/")), "{line}");

    let webhook = tokio::spawn(respond_once(back_end, BROKEN));
    dev.upload().await;
    webhook.await.unwrap();
    assert!(dev.next().await.starts_with("stored   uploads/"));
    let line = dev.next().await;
    assert!(line.starts_with(&format!("webhook  {url}  500  ")), "{line}");
    let line = dev.next().await;
    assert!(line.starts_with(&format!("callback {page}callback/notes  failed  ")), "{line}");
    dev.stop().await;
}

#[tokio::test]
async fn keys_of_the_environment_are_used_and_never_shown() {
    let back_end = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let tool = Tool::new()
        .with("UPLOAD_RECEIPT_KEYS", "marker-receipts-of-the-operator-himself")
        .with("UPLOAD_TICKET_KEYS", "marker-tickets-of-the-operator-themselves")
        .with("UPLOAD_WEBHOOK_SECRET", "whsec_bWFya2VyLW1lc3NhZ2VzLW9mLXRoZS1vcGVyYXRvcg==");
    let settings = format!("{}[routes.docs]\nauth = \"ticket\"\n", settings(&back_end));
    let dev = Dev::start(tool, &settings).await;
    assert_eq!(dev.lines_of("calls").len(), 1, "{:?}", dev.start);
    assert_eq!(dev.lines_of("env").len(), 0, "{:?}", dev.start);
    let all = dev.start.join("\n");
    // A ticket that is signed with a key of the operator could be valid in a deployment.
    assert!(!all.contains("#ticket=") && !all.contains("marker"), "{all}");
    assert!(all.contains("note  route docs needs a ticket. More tickets: oss-upload ticket "));
    dev.stop().await;
}

#[tokio::test]
async fn without_settings_the_start_has_one_route_and_no_keys() {
    let tool = Tool::new();
    let dev = Dev::start_with(tool, &[]).await;
    let labels: Vec<_> = dev.start.iter().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(labels, ["page", "sign", "oss", "file", "route", "data", "Ctrl-C"]);
    let page = dev.page();
    let route = format!("route default  {page}  anonymous, any type, up to 100 MiB");
    assert_eq!(dev.lines_of("route"), [route]);
    assert_eq!(dev.lines_of("file"), ["file  none: there is no upload.toml in this folder"]);
    dev.stop().await;
}

#[tokio::test]
async fn a_stored_file_is_visible_under_its_own_name() {
    let mut dev = Dev::start_with(Tool::new(), &[]).await;
    let data = dev.lines_of("data")[0].trim_start_matches("data").trim().to_owned();
    assert_eq!(data, dev.tool.path("oss-upload-data").to_str().unwrap());
    dev.tool.write("照片 1.txt", "hello");
    let page = dev.page();
    let outcome = dev.tool.run(&["upload", "--signer", &page, "照片 1.txt"]).await.good();
    let key = outcome.trim_start_matches("stored").trim_start().split("  ").next().unwrap();
    assert!(key.ends_with("/照片 1.txt"), "{outcome}");
    let line = dev.next().await;
    assert_eq!(line, format!("stored   {key}  5 B  oss-upload-data/dev-bucket/{key}"));
    let path = dev.tool.path("oss-upload-data/dev-bucket").join(key);
    assert_eq!(std::fs::read_to_string(path).unwrap(), "hello");
    dev.stop().await;
}

#[tokio::test]
async fn a_data_directory_keeps_its_keys_for_the_next_run() {
    let back_end = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let keys =
        |dev: &Dev| -> Vec<String> { dev.lines_of("env").into_iter().map(str::to_owned).collect() };
    let mut dev = Dev::start(Tool::new(), &settings(&back_end)).await;
    let first = keys(&dev);
    assert_eq!(first.len(), 2, "{first:?}");
    dev.child.kill().await.unwrap();
    let again = Dev::start(dev.tool, &settings(&back_end)).await;
    assert_eq!(keys(&again), first);
    again.stop().await;
    let other = Dev::start(Tool::new(), &settings(&back_end)).await;
    for (one, another) in first.iter().zip(keys(&other)) {
        assert_ne!(*one, another);
    }
    other.stop().await;
}

#[tokio::test]
async fn published_keys_are_accepted_by_dev_only() {
    let back_end = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let tool = Tool::new().with("UPLOAD_RECEIPT_KEYS", "receipts-of-this-machine-and-of-no-other");
    let mut dev = Dev::start(tool, &settings(&back_end)).await;
    assert_eq!(dev.lines_of("env").len(), 1, "{:?}", dev.start);
    dev.child.kill().await.unwrap();
    let problem = dev.tool.run(&["receipt", "verify"]).await.complaint();
    assert!(problem.contains("this key is public"), "{problem}");
}

#[tokio::test]
async fn each_route_has_a_line_with_its_page_and_its_rules() {
    let settings = "[routes.avatars]\ntypes = [\"image/png\", \"image/jpeg\"]\nmax_size = \"2MB\"\n\
                    [routes.docs]\nmax_size = \"20MiB\"\n";
    let dev = Dev::start(Tool::new(), settings).await;
    let page = dev.page();
    assert_eq!(
        dev.lines_of("route"),
        [
            format!(
                "route avatars  {page}?route=avatars  anonymous, image/png or image/jpeg, up to 2 MB"
            ),
            format!("route docs     {page}?route=docs  anonymous, any type, up to 20 MiB"),
        ]
    );
    let file = dev.tool.path("upload.toml");
    assert_eq!(dev.lines_of("file"), [format!("file  {}", file.display())]);
    let note = dev.lines_of("note").join("\n");
    assert!(note.contains("there is no route default") && note.contains("avatars, docs"), "{note}");
    let (status, body) = dev.request_form(None, &[]).await;
    assert_eq!((status, &body["error"]), (404, &"route_not_found".into()));
    let message = body["message"].as_str().unwrap();
    assert!(message.contains("\"default\"") && message.contains("avatars, docs"), "{message}");
    let (status, body) = dev.send("GET /routes/photos", &[], "").await;
    assert_eq!(status, 404);
    assert!(body.contains("photos") && body.contains("avatars, docs"), "{body}");
    dev.stop().await;
}

#[tokio::test]
async fn a_call_without_a_route_means_the_only_one() {
    let dev = Dev::start(Tool::new(), "[routes.avatars]\nmax_size = \"2MB\"\n").await;
    assert_eq!(dev.lines_of("note"), [""; 0]);
    let (status, body) = dev.send("GET /get_post_signature_for_oss_upload", &[], "").await;
    assert_eq!(status, 200, "{body}");
    let (status, body) = dev.request_form(None, &[]).await;
    assert_eq!(status, 200, "{body}");
    let (status, body) = dev.send("GET /routes/default", &[], "").await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(serde_json::from_str::<Value>(&body).unwrap()["max_size"], 2_000_000);
    dev.stop().await;
}

#[tokio::test]
async fn a_route_with_tickets_runs_and_its_link_has_one() {
    let dev = Dev::start(Tool::new(), "[routes.docs]\nauth = \"ticket\"\n").await;
    let link = dev.lines_of("route")[0].split("  ").nth(1).unwrap();
    let ticket = link.split("?route=docs#ticket=").nth(1).unwrap().to_owned();
    let (status, body) = dev.request_form(Some("docs"), &[]).await;
    assert_eq!((status, &body["error"]), (401, &"ticket_missing".into()));
    let header = format!("authorization: Bearer {ticket}");
    let (status, body) = dev.request_form(Some("docs"), &[&header]).await;
    assert_eq!(status, 200, "{body}");

    let [keys] = dev.lines_of("env")[..] else { panic!("{:?}", dev.start) };
    let keys = keys.strip_prefix("env   UPLOAD_TICKET_KEYS=").unwrap().to_owned();
    let note = dev.lines_of("note")[0];
    assert!(note.starts_with("note  route docs needs a ticket; the link has one"), "{note}");
    let command = note.split("oss-upload ").nth(1).unwrap().split(", with").next().unwrap();
    let arguments: Vec<_> = command.split(' ').collect();
    let tool = Tool::new().with("UPLOAD_TICKET_KEYS", &keys);
    let ticket = tool.run(&arguments).await.good();
    let header = format!("authorization: Bearer {}", ticket.trim());
    assert_eq!(dev.request_form(Some("docs"), &[&header]).await.0, 200);
    dev.stop().await;
}

#[tokio::test]
async fn a_refused_origin_is_printed_with_the_setting_that_allows_it() {
    let mut dev = Dev::start(Tool::new(), "origins = [\"https://app.example\"]\n").await;
    let origin = "origin: http://192.168.1.5:3000";
    let preflight = [origin, "access-control-request-method: POST"];
    let (status, _) = dev.send("OPTIONS /uploads", &preflight, "").await;
    assert_eq!(status, 403);
    let setting = format!(
        "refused  origin http://192.168.1.5:3000: to allow it, set origins = \
         [\"https://app.example\", \"http://192.168.1.5:3000\"] in {}, and restart",
        "upload.toml"
    );
    assert_eq!(dev.next().await, setting);
    assert_eq!(dev.request_form(None, &[origin]).await.0, 403);
    assert_eq!(dev.next().await, setting);
    // Allowed origins, pages of this machine and programs print no line.
    for allowed in ["origin: https://app.example", "origin: http://localhost:5173", "x-a: b"] {
        assert_eq!(dev.request_form(None, &[allowed]).await.0, 200);
    }
    assert_eq!(dev.request_form(None, &["origin: null"]).await.0, 403);
    assert!(dev.next().await.starts_with("refused  origin \"null\": no setting allows it"));

    let variable = Tool::new().with("UPLOAD_ORIGINS", "https://a.example");
    dev.stop().await;
    let mut dev = Dev::start(variable, "").await;
    dev.request_form(None, &[origin]).await;
    let line = dev.next().await;
    let setting = "UPLOAD_ORIGINS=https://a.example,http://192.168.1.5:3000";
    assert_eq!(
        line,
        format!("refused  origin http://192.168.1.5:3000: to allow it, set {setting}, and restart")
    );
    dev.stop().await;
    // The printed setting works.
    let variable = Tool::new().with("UPLOAD_ORIGINS", setting.split_once('=').unwrap().1);
    let dev = Dev::start(variable, "").await;
    assert_eq!(dev.request_form(None, &[origin]).await.0, 200);
    dev.stop().await;
}
