//! Text from outside never controls the terminal on which the tool prints it.

use oss_upload_signer::callback::receipt::{Receipt, ReceiptScope};
use oss_upload_signer::secret::Secret;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::callback_grant::KEY;
use crate::support::tool::{Outcome, Tool};

/// Sequences that set the title of a window, clear the screen (C1), delete, begin a line, and change the
/// direction of text.
const HOSTILE: &str =
    "a\u{1b}]0;owned\u{7}\u{9b}2J\u{7f}\u{8}\u{85}\u{61c}\u{200e}\u{200f}\u{2028}\u{202e}\u{2066}b";

fn is_control(character: char) -> bool {
    (character.is_control() && character != '\n')
        || "\u{61c}\u{200e}\u{200f}\u{2028}\u{2029}".contains(character)
        || ('\u{202a}'..='\u{202e}').contains(&character)
        || ('\u{2066}'..='\u{2069}').contains(&character)
}

/// Checks that the hostile text was printed without its control characters.
fn is_harmless(outcome: &Outcome, what: &str) {
    let printed = format!("{}{}", outcome.out, outcome.err);
    assert!(printed.contains("owned"), "{what}: {printed:?}");
    assert!(!printed.contains(is_control), "{what}: {printed:?}");
}

#[tokio::test]
async fn explain_prints_no_control_characters() {
    let expiration = "2044-11-27T07:09:41.000Z";
    let conditions = [
        json!([{HOSTILE: HOSTILE}]),
        json!([["eq", format!("${HOSTILE}"), HOSTILE]]),
        json!([["starts-with", HOSTILE, HOSTILE], ["in", HOSTILE, [HOSTILE]]]),
        json!([["not-in", HOSTILE, [HOSTILE]], ["eq", "$content-type", HOSTILE]]),
        json!([[HOSTILE, "$key", "a"]]),
    ];
    for conditions in conditions {
        let policy = json!({"expiration": expiration, "conditions": conditions}).to_string();
        for language in ["en", "zh"] {
            let outcome = Tool::new().run_with(&["explain", "--lang", language], &policy).await;
            if outcome.out.contains("owned") || language == "en" {
                is_harmless(&outcome, &policy);
            }
        }
    }
    let name = HOSTILE.replace(['\u{85}', '\u{2028}'], "");
    let form = format!(
        "key=a\npolicy={}\nx-oss-content-type={name}\n",
        r#"{"expiration":"2044-11-27T07:09:41.000Z","conditions":[{"NAME":"b"},["starts-with","$content-type","NAME"]]}"#
            .replace("NAME", &json!(name).to_string().replace('"', ""))
    );
    let encoded = form.replace('\n', "\r\n");
    for input in [form.as_str(), &encoded] {
        let outcome = Tool::new().run_with(&["explain"], input).await;
        assert!(!format!("{}{}", outcome.out, outcome.err).contains(is_control), "{outcome:?}");
    }
    let refusal = format!(
        "<Error><Code>{HOSTILE}</Code><Message>{HOSTILE}\nstored   a.png</Message><EC>{HOSTILE}</EC>\
         <ArgumentName>{HOSTILE}</ArgumentName><RequestId>{HOSTILE}</RequestId></Error>"
    );
    let outcome = Tool::new().run_with(&["explain"], &refusal).await;
    is_harmless(&outcome, "a refusal");
    assert!(!outcome.out.contains("\nstored"), "no line of its own: {}", outcome.out);
}

#[tokio::test]
async fn receipt_verify_prints_no_control_characters() {
    let receipt = Receipt {
        id: HOSTILE.to_owned(),
        route: HOSTILE.to_owned(),
        bucket: HOSTILE.to_owned(),
        scope: ReceiptScope::Key(format!("{HOSTILE}\nfor      somebody else")),
        min_size: 1,
        max_size: 1024,
        types: vec![HOSTILE.to_owned()],
        subject: Some(HOSTILE.to_owned()),
        issued_at: 1_732_687_781,
        expires_at: 1_732_688_381,
        variables_hash: Some(HOSTILE.to_owned()),
        once: true,
    };
    let sealed = receipt.sign(&Secret::new(KEY));
    let tool = Tool::new().with("UPLOAD_RECEIPT_KEYS", KEY);
    let words = tool.run(&["receipt", "verify", &sealed]).await;
    is_harmless(&words, "in words");
    assert_eq!(words.out.lines().count(), 11, "a line for each member: {}", words.out);
    let outcome = tool.run(&["receipt", "verify", &sealed, "--json"]).await;
    is_harmless(&outcome, "as JSON");
    let json: Value = serde_json::from_str(&outcome.good()).unwrap();
    assert_eq!(json["sub"], HOSTILE, "an escape means the same");
}

/// Starts a signer that responds to one request with this JSON.
async fn signer(answer: Value) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 16 * 1024];
        let _ = stream.read(&mut request).await.unwrap();
        let body = answer.to_string();
        let length = body.len();
        let head =
            format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
        stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    });
    format!("http://{address}")
}

#[tokio::test]
async fn upload_prints_no_control_characters_of_a_signer() {
    let problem =
        json!({"error": HOSTILE, "message": format!("{HOSTILE}\noss-upload: all is well")});
    for answer in [problem.clone(), json!({"uploads": [{"error": problem}]})] {
        let tool = Tool::new();
        tool.write("a.png", "a");
        let url = signer(answer.clone()).await;
        let outcome = tool.run(&["upload", "--signer", &url, "a.png"]).await;
        assert_eq!(outcome.code, 1);
        is_harmless(&outcome, &answer.to_string());
        assert!(!outcome.err.contains("\noss-upload: all is well"), "{}", outcome.err);
    }
}
