//! `dev --role`: the function assumes a role at the local STS.

use tokio::io::{AsyncBufReadExt, BufReader};

use crate::support::tool::Tool;
use crate::support::wait::{LIMIT, within};

/// Runs `dev` with these options, uploads a file, and returns what both printed until then.
async fn upload(options: &[&str]) -> (String, String) {
    let tool = Tool::new();
    let data = tool.path("data");
    let place = ["dev", "--port", "0", "--oss-port", "0", "--data-dir", data.to_str().unwrap()];
    let mut dev = tool.command(&[&place[..], options].concat()).spawn().unwrap();
    let mut lines = BufReader::new(dev.stdout.take().unwrap()).lines();
    let mut said = String::new();
    while !said.contains("Ctrl-C") {
        let line = within(LIMIT, "the end of the start", lines.next_line()).await;
        said.push_str(&line.unwrap().unwrap());
        said.push('\n');
    }
    let page = said.lines().next().unwrap().trim_start_matches("page").trim();
    tool.write("a.txt", "hello");
    let outcome = tool.run(&["upload", "--signer", page, "a.txt"]).await;
    let mut news = String::new();
    while !news.contains("stored") && outcome.code == 0 {
        let line = within(LIMIT, "the line of the upload", lines.next_line()).await;
        news.push_str(&line.unwrap().unwrap());
        news.push('\n');
    }
    dev.kill().await.unwrap();
    (said + &news, outcome.out + &outcome.err)
}

#[tokio::test]
async fn a_role_is_assumed_and_its_session_uploads() {
    let (dev, outcome) = upload(&["--role", "uploader"]).await;
    assert!(outcome.starts_with("stored   uploads/"), "{outcome}");
    assert!(dev.contains("role  acs:ram::1234567890123456:role/uploader\n"), "{dev}");
    let news: Vec<_> = dev.lines().skip_while(|line| !line.starts_with("Ctrl-C")).skip(1).collect();
    assert!(
        news[0].starts_with("issued   STS.") && news[0].ends_with("  uploader/oss-upload-signer")
    );
    assert!(news[1].starts_with("stored   uploads/"), "{dev}");
}

#[tokio::test]
async fn a_throttled_call_is_repeated() {
    let (dev, outcome) =
        upload(&["--role", "uploader", "--fault", "assume-role:throttle-429"]).await;
    assert!(outcome.starts_with("stored   uploads/"), "{outcome}");
    assert!(dev.contains("refused  429 Throttling.User  (sts)\nissued "), "{dev}");
}

#[tokio::test]
async fn a_service_that_stays_down_gives_an_error_code() {
    let (_, outcome) =
        upload(&["--role", "uploader", "--fault", "assume-role:status=500*99"]).await;
    assert!(outcome.contains("credentials_unavailable"), "{outcome}");
}
