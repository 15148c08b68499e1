//! The hunt: keys with marker texts travel the whole function, and nothing but a grant may show one.

use std::sync::Arc;

use fc_http::Options;
use oss_upload_signer::app::App;
use oss_upload_signer::auth::ticket::Ticket;
use oss_upload_signer::config::Settings;
use oss_upload_signer::config::environment::Environment;
use oss_upload_signer::secret::Secret;
use oss_upload_signer::time;
use oss_upload_signer::time::Timestamp;

use crate::callback::fixture::UnsignedCallback;
use crate::callback::outside::Outside;
use crate::callback::{fixture, openssl};
use crate::support::app::NOW;
use crate::support::caller::{Answer, Caller};
use crate::support::log::Log;
use crate::support::server::Server;
use crate::support::ticket::ticket_of;

/// Every secret of a test carries this word.
const MARKER: &str = "marker";

/// The keys of the function's role, as the platform sends them.
const ROLE: &str = "x-fc-request-id: 1-a\r\nx-fc-control-path: /http-invoke\r\n\
                    x-fc-access-key-id: STS.Role\r\nx-fc-access-key-secret: marker-role-secret\r\n\
                    x-fc-security-token: marker-role-token\r\n";

fn environment() -> Environment {
    let mut environment = Environment::default();
    for (name, value) in [
        ("OSS_BUCKET", "examplebucket"),
        ("OSS_REGION", "cn-hangzhou"),
        ("UPLOAD_AUTH", "anonymous"),
        ("FC_FUNCTION_NAME", "signer"),
        ("ALIBABA_CLOUD_ACCESS_KEY_ID", "STS.Environment"),
        ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "marker-environment-secret"),
        ("ALIBABA_CLOUD_SECURITY_TOKEN", "marker-environment-token"),
        ("UPLOAD_CALLBACK", "self"),
        ("PUBLIC_URL", "https://sign.example"),
        ("UPLOAD_NOTIFY", "https://back.example/uploaded"),
        ("UPLOAD_RECEIPT_KEYS", "marker-receipt-secret of 32 bytes and more"),
        ("UPLOAD_TOKEN_KEYS", "marker-token-secret of 32 bytes and more"),
        ("UPLOAD_WEBHOOK_SECRET", "whsec_markermarkermarkermarkermarkermA"),
        // Nothing listens there, so every call that is counted meets a store that fails.
        ("UPLOAD_STORE_URL", "redis://marker-user:marker-store-secret@127.0.0.1:1/0"),
        ("UPLOAD_BUDGETS", "caller 1000/1h"),
    ] {
        environment.set(name, value);
    }
    environment
}

async fn start(log: &Log) -> Server {
    let settings = Settings::load(&environment(), None, time::now()).unwrap();
    assert!(!format!("{settings:?}").contains(MARKER));
    let app = App::new(settings);
    assert!(!format!("{app:?}").contains(MARKER));
    let options = Options { platform: true, log: log.sink(), ..Options::default() };
    Server::start(oss_upload_signer::http::service(Arc::new(app)), options).await
}

/// Everything that a caller may ask, well and badly.
async fn ask_everything(caller: &mut Caller, keys: &str) -> Vec<Answer> {
    let documented = "/get_post_signature_for_oss_upload";
    let mut answers = Vec::new();
    for path in [documented, "/", "/client.js", "/health", "/nothing", "/uploads"] {
        answers.push(caller.ask("GET", path, keys).await);
    }
    for query in
        ["size=x", "size=999999999999", "type=x", "route=none", "filename=a.png&type=image/png"]
    {
        answers.push(caller.ask("GET", &format!("{documented}?{query}"), keys).await);
    }
    answers.push(
        caller.ask("GET", documented, &format!("{keys}origin: https://evil.example\r\n")).await,
    );
    for body in ["", "{", r#"{"files":[{"name":"a","size":1}]}"#] {
        let length = format!("{keys}content-length: {}\r\n", body.len());
        caller.send(&format!("POST /uploads HTTP/1.1\r\nhost: a\r\n{length}\r\n{body}")).await;
        answers.push(caller.answer().await);
    }
    answers
}

#[tokio::test]
async fn no_secret_is_logged_or_answered_outside_a_grant() {
    let log = Log::capture("trace");
    let server = start(&log).await;
    let mut caller = Caller::connect(server.address).await;
    let mut grants = 0;
    for keys in [ROLE, ""] {
        for answer in ask_everything(&mut caller, keys).await {
            assert!(!answer.head.contains(MARKER), "{}", answer.head);
            assert!(!answer.body.contains("-secret"), "{}", answer.body);
            let is_grant = answer.status == 200 && answer.body.contains("signature");
            assert!(is_grant || !answer.body.contains(MARKER), "{}", answer.body);
            if answer.body.contains("-token") {
                assert_eq!(answer.header("cache-control"), Some("no-store"));
                grants += 1;
            }
        }
    }
    // The hunt is worth something only if there was prey: three grants under each key.
    assert_eq!(grants, 6);
    assert!(log.text().contains("GET /health answered 200"));
    assert!(log.text().contains("the shared store cannot be used"));
    assert!(!log.text().contains(MARKER), "{}", log.text());
}

const INVALID: &str = "callback_signature_invalid";

const TICKET_KEY: &str = "marker-ticket-key of 32 bytes and more";

/// A function that takes tokens and tickets, and leaves the latter out of its log.
async fn start_guarded(log: &Log) -> Server {
    let mut environment = environment();
    environment.set("UPLOAD_AUTH", "any(jwt, ticket)");
    environment.set("UPLOAD_JWT_SECRET", "marker-jwt-secret of 32 bytes and more");
    environment.set("UPLOAD_TICKET_KEYS", TICKET_KEY);
    let settings = Settings::load(&environment, None, time::now()).unwrap();
    assert!(!format!("{settings:?}").contains(MARKER));
    let app = App::new(settings);
    assert!(!format!("{app:?}").contains(MARKER));
    let log_path = oss_upload_signer::http::redact::path;
    let options = Options { platform: true, log: log.sink(), log_path, ..Options::default() };
    Server::start(oss_upload_signer::http::service(Arc::new(app)), options).await
}

/// One ticket that is taken, one that is not, and two tokens that are not.
fn shown() -> [String; 4] {
    let now = time::now().unix();
    let ticket = Ticket { issued_at: Some(now), ..ticket_of("alice", now + 60) };
    let vectors = include_str!("../vectors/jwt.json");
    let vectors: serde_json::Value = serde_json::from_str(vectors).unwrap();
    let token = |name| vectors["tokens"][name].as_str().unwrap().to_owned();
    let stranger = Secret::new("another key that nobody knows here at all");
    let good = ticket.sign(&Secret::new(TICKET_KEY));
    [good, ticket.sign(&stranger), token("hs256"), token("rs256")]
}

/// What lets callers in is as good as a key until it expires: tokens, tickets, and what they are
/// verified with.
#[tokio::test]
async fn nothing_that_lets_callers_in_is_logged_or_answered() {
    let log = Log::capture("trace");
    let server = start_guarded(&log).await;
    let mut caller = Caller::connect(server.address).await;
    let documented = "/get_post_signature_for_oss_upload";
    let mut statuses = Vec::new();
    for shown in shown() {
        for (path, lines) in [
            (documented.to_owned(), format!("{ROLE}authorization: Bearer {shown}\r\n")),
            (documented.to_owned(), format!("x-upload-ticket: {shown}\r\n")),
            (format!("{documented}?ticket={shown}"), String::new()),
            (format!("/t/{shown}/uploads"), String::new()),
            (format!("/uppy/default/t/{shown}/s3/params?a=b"), String::new()),
        ] {
            let answer = caller.ask("GET", &path, &lines).await;
            let parts = shown.split('.').filter(|part| part.len() > 20);
            for part in parts.chain(["marker-jwt", "marker-ticket"]) {
                assert!(!answer.head.contains(part), "{}", answer.head);
                assert!(!answer.body.contains(part), "{}", answer.body);
                assert!(!log.text().contains(part), "{}", log.text());
            }
            statuses.push(answer.status);
        }
    }
    // There was prey: one ticket that was taken, in three places, and others that were looked at.
    assert_eq!(statuses[..5], [200, 200, 401, 404, 200]);
    assert_eq!(statuses[5..10], [401, 401, 401, 404, 401]);
    assert!(log.text().contains("GET /uppy/default/t/…/s3/params answered 200"));
}

#[tokio::test]
async fn a_ticket_is_not_logged_however_and_wherever_its_path_spells_it() {
    let log = Log::capture("trace");
    let server = start_guarded(&log).await;
    let mut caller = Caller::connect(server.address).await;
    let [ticket, ..] = shown();
    let secret: Vec<&str> = ticket.split('.').filter(|part| part.len() > 20).collect();
    assert_eq!(secret.len(), 2);
    for mark in
        ["v1.", "V1.", "v1%2E", "v1%2e", "%76%31%2E", "v1%252E", "%2576%2531%25252e", "v1%u002e"]
    {
        let shown = ticket.replacen("v1.", mark, 1);
        for path in [
            format!("/{shown}"),
            format!("//{shown}/"),
            format!("/t/{shown}/uploads"),
            format!("/%74/{shown}/uploads"),
            format!("/uppy/{shown}/s3/params"),
            format!("/uppy/default/T/{shown}/s3/params"),
            format!("/uppy/default/%2574/{shown}/s3/params"),
            format!("/uppy/default%2Ft%2F{shown}%2Fs3/params"),
            format!("/routes/{shown}"),
            format!("/uploads;{shown}"),
            format!("/health?ticket={shown}"),
            format!("/uploads?/t/{shown}#t"),
        ] {
            caller.ask("GET", &path, "").await;
            assert!(secret.iter().all(|part| !log.text().contains(part)), "{path}: {}", log.text());
        }
    }
    assert!(log.text().contains("GET /uppy/default/T/…/s3/params answered 404"));
}

/// A function that receives callbacks and notifies a back end that answers badly.
async fn start_with_callbacks(log: &Log) -> Server {
    let mut settings = fixture::settings();
    settings.callback.receipt_keys = vec![Secret::new("marker-receipt-key of 32 bytes and more")];
    settings.callback.webhook_secret =
        Some(Secret::new("whsec_marker/webhook/secret/of/more/than/24/bytes0"));
    assert!(!format!("{settings:?}").contains(MARKER));
    let outside = Outside::new();
    outside.back_end.answers(500, "marker: what a back end says of its inside");
    let now = Timestamp::from_unix(NOW).unwrap();
    let app = App::with_http(settings, outside).with_clock(move || now);
    assert!(!format!("{app:?}").contains(MARKER));
    let log_path = oss_upload_signer::http::redact::path;
    let options = Options { platform: true, log: log.sink(), log_path, ..Options::default() };
    Server::start(oss_upload_signer::http::service(Arc::new(app)), options).await
}

/// A receipt lets its holder report an upload, a signature is as good as its message, and with the
/// secret of a webhook anybody could send the back end anything.
#[tokio::test]
async fn nothing_that_proves_a_callback_is_logged_or_answered() {
    let log = Log::capture("trace");
    let server = start_with_callbacks(&log).await;
    let mut caller = Caller::connect(server.address).await;
    let receipt = |key: &str| fixture::receipt("notified").sign(&Secret::new(key));
    let good = UnsignedCallback::new("notified");
    let good = good.but("receipt", Some(&receipt("marker-receipt-key of 32 bytes and more")));
    let stranger = receipt("another key that nobody knows here at all");
    let mut codes = Vec::new();
    for callback in [
        good.clone(),
        good.clone().in_json(),
        good.clone().but("size", Some("4096")),
        good.clone().but("etag", None),
        good.clone().but("receipt", Some(&stranger)),
        UnsignedCallback { key_url: "https://marker.example/key".to_owned(), ..good.clone() },
    ] {
        let body = callback.body();
        let signature = openssl::base64(openssl::oss().sign(&callback.signed(&body)));
        for authorization in [signature.clone(), format!("AAAA{signature}")] {
            let (address, kind, length) = (&callback.address, callback.content_type, body.len());
            let key_url = openssl::base64(&callback.key_url);
            caller
                .send(&format!(
                    "POST {address} HTTP/1.1\r\nhost: a\r\ncontent-type: {kind}\r\n\
                     content-length: {length}\r\nauthorization: {authorization}\r\n\
                     x-oss-pub-key-url: {key_url}\r\n\r\n{body}"
                ))
                .await;
            let answer = caller.answer().await;
            let receipts = callback.members.iter().filter(|(name, _)| name == "receipt");
            let parts =
                receipts.flat_map(|(_, text)| text.split('.')).filter(|part| part.len() > 20);
            for part in parts.chain([MARKER, &authorization, &signature, &key_url]) {
                assert!(!answer.head.contains(part), "{}", answer.head);
                assert!(!answer.body.contains(part), "{}", answer.body);
                assert!(!log.text().contains(part), "{}", log.text());
            }
            codes.push(answer.error());
        }
    }
    // There was prey: everything but the back end's word was in order twice.
    assert_eq!(codes[..4], ["notify_failed", INVALID, "notify_failed", INVALID]);
    assert_eq!(
        codes[4..8],
        ["receipt_mismatch", INVALID, "callback_malformed", "callback_malformed"]
    );
    assert_eq!(codes[8..], ["receipt_invalid", "receipt_invalid", INVALID, INVALID]);
    assert!(log.text().contains("the back end answered 500"));
    assert!(log.text().contains("POST /callback/notified answered 502"));
}

#[test]
fn no_complaint_shows_a_key() {
    for (name, value) in [("UPLOAD_MAX_SIZE", "x"), ("ALIBABA_CLOUD_ACCESS_KEY_ID", "")] {
        let mut environment = environment();
        environment.set(name, value);
        let complaints = Settings::load(&environment, None, time::now()).unwrap_err();
        assert!(!format!("{complaints} {complaints:?} {environment:?}").contains(MARKER));
    }
}
