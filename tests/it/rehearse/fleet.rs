//! The fleet itself, where a rehearsal does not look: how long an instance is busy, what is cut off.

use std::fs;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use fc_emulator::Attempt;
use fc_emulator::Behind;
use fc_emulator::Fleet;
use fc_emulator::Function;
use fc_emulator::Gateway;
use fc_emulator::Options;
use fc_emulator::Plan;
use http::Request;
use http_body_util::BodyExt;
use http_body_util::Full;
use serde_json::Value;
use serde_json::json;
use tempfile::TempDir;

/// Answers the first half, and the second when a file appears.
const HALVES: &str = r#"
import time
def answer(self):
    self.send_response(200)
    self.send_header("content-length", "2")
    self.end_headers()
    self.wfile.write(b"1")
    self.wfile.flush()
    while self.path == "/halves" and not os.path.exists("second"):
        time.sleep(0.01)
    self.wfile.write(b"2")
Handler.do_GET = answer
"#;

/// Says something at once, and answers without a key.
const LINES: &str = "print('marker of the start', flush=True)\nHandler.key = lambda self: 'none'\n";

pub(super) fn fleet(code: &Path, lines: &str) -> Fleet {
    let function = include_str!("function.py");
    let text = function.replace("# What a test adds stands here.\n", lines);
    fs::write(code.join("function.py"), text).unwrap();
    Fleet::new(Plan {
        command: ["python3", "/code/function.py"].map(str::to_owned).to_vec(),
        ..Plan::new(code.to_owned(), Function::new("halves", "cn-hangzhou"))
    })
}

pub(super) fn gateway(fleet: &Fleet, timeout: Duration) -> Gateway {
    let function = Function { timeout, ..Function::new("halves", "cn-hangzhou") };
    let behind = Behind::Fleet(fleet.clone());
    Gateway::new(Options { behind, function, keys: None, default_domain: false })
}

pub(super) fn get(path: &str) -> Request<Full<Bytes>> {
    Request::get(path).body(Full::default()).unwrap()
}

#[tokio::test]
async fn an_instance_is_busy_until_its_answer_is_through() {
    let code = TempDir::new().unwrap();
    let fleet = fleet(code.path(), HALVES);
    let gateway = gateway(&fleet, Duration::from_mins(1));
    let mut body = gateway.handle(get("/halves")).await.into_body();
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "1");
    let instance = fleet.instances().remove(0);
    assert_eq!(instance.is_frozen(), Some(false));
    // There is room for one request only, and it is still taken.
    assert_eq!(gateway.handle(get("/")).await.status(), 429);
    fs::write(code.path().join("second"), "").unwrap();
    assert_eq!(body.collect().await.unwrap().to_bytes(), "2");
    assert_eq!(instance.comes_to_rest().await, Some(true));
    let answer = gateway.handle(get("/")).await;
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "12");
    assert_eq!(fleet.started(), 1);
}

#[tokio::test]
async fn an_answer_that_takes_too_long_is_cut_short_with_its_instance() {
    let code = TempDir::new().unwrap();
    let fleet = fleet(code.path(), HALVES);
    let answer = gateway(&fleet, Duration::from_secs(1)).handle(get("/halves")).await;
    let instance = fleet.instances().remove(0);
    answer.into_body().collect().await.unwrap_err();
    instance.ended().await;
    assert!(fleet.instances().is_empty());
}

#[tokio::test]
async fn what_an_instance_writes_is_kept_with_its_request() {
    let code = TempDir::new().unwrap();
    let fleet = fleet(code.path(), LINES);
    let gateway = gateway(&fleet, Duration::from_mins(1));
    let answer = gateway.handle(get("/a")).await;
    let request_id = answer.headers()["x-fc-request-id"].to_str().unwrap().to_owned();
    drop(answer);
    gateway.stop().await;
    let lines = fleet.log().lines();
    assert_eq!(lines[0].text, "marker of the start");
    assert_eq!(lines[0].request_id, None);
    let line = lines.iter().find(|line| line.text.ends_with(" /a")).unwrap();
    assert!(line.text.starts_with(&request_id), "{}", line.text);
    assert!(!line.is_error && line.request_id.as_ref().is_none_or(|id| *id == request_id));
}

#[tokio::test]
async fn a_failed_initializer_is_answered_with_200_and_a_header() {
    let code = TempDir::new().unwrap();
    let lines = "Handler.status = lambda self: 500\nHandler.key = lambda self: 'none'\n";
    let mut plan = fleet(code.path(), lines).plan().clone();
    plan.initializer = Some(Duration::from_mins(1));
    let fleet = Fleet::new(plan);
    let answer = gateway(&fleet, Duration::from_mins(1)).handle(get("/")).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["x-fc-error-type"], "InitializationError");
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    let body: Value = serde_json::from_slice(&body).unwrap();
    let message = "the initializer answered 500; it has to answer 2xx";
    assert_eq!(body, json!({ "errorMessage": message }));
    assert!(fleet.instances().is_empty());
}

/// Sends a request that nobody waits for.
async fn leave(gateway: &Gateway, length: usize) -> (u16, Vec<Attempt>) {
    let request = Request::post("/").header("X-Fc-Invocation-Type", "Async");
    let request = request.body(Full::from(vec![b' '; length])).unwrap();
    let (answer, later) = gateway.handle_or_leave(request).await;
    assert!(answer.headers().contains_key("x-fc-request-id"));
    let attempts = match later {
        Some(later) => later.await.unwrap(),
        None => Vec::new(),
    };
    (answer.status().as_u16(), attempts)
}

#[tokio::test]
async fn what_fails_behind_its_answer_comes_again_with_a_higher_count() {
    let code = TempDir::new().unwrap();
    let lines = "Handler.key = lambda self: 'none'\n\
                 def status(self):\n    \
                     return 200 if self.headers['x-fc-retry-count'] == '2' else 500\n\
                 Handler.status = status\n";
    let gateway = gateway(&fleet(code.path(), lines), Duration::from_mins(1));
    let run = |retry_count, status| Attempt { retry_count, status, is_good: status == 200 };
    let (status, attempts) = leave(&gateway, 128 * 1024).await;
    assert_eq!((status, attempts), (202, vec![run(0, 500), run(1, 500), run(2, 200)]));
    assert_eq!(leave(&gateway, 128 * 1024 + 1).await, (400, Vec::new()));
}

#[tokio::test]
async fn what_says_that_it_failed_comes_again_three_times() {
    let code = TempDir::new().unwrap();
    let lines = "Handler.key = lambda self: 'none'\n\
                 Handler.more_headers = lambda self: self.send_header('x-fc-status', '404')\n";
    let gateway = gateway(&fleet(code.path(), lines), Duration::from_mins(1));
    let (status, attempts) = leave(&gateway, 0).await;
    let counts: Vec<_> = attempts.iter().map(|run| (run.retry_count, run.is_good)).collect();
    assert_eq!((status, counts), (202, (0..4).map(|count| (count, false)).collect()));
}
