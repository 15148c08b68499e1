//! The instance pool where a rehearsal does not check it: how long an instance is busy, timeouts of
//! responses, logs, asynchronous invocations.

use std::fs;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use fc_emulator::{Attempt, Function, FunctionConfig, Gateway, GatewayOptions, InstancePool};
use http::Request;
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::rehearse::package::{FUNCTION, PLACEHOLDER};

/// Sends the first half of a response, and the second half when a file appears.
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

/// Writes a line at the start, and responds without an access key id.
const LINES: &str = "print('marker of the start', flush=True)\nHandler.key = lambda self: 'none'\n";

pub(super) fn pool(code: &Path, lines: &str) -> InstancePool {
    let text = FUNCTION.replace(PLACEHOLDER, lines);
    fs::write(code.join("function.py"), text).unwrap();
    InstancePool::new(FunctionConfig {
        command: ["python3", "/code/function.py"].map(str::to_owned).to_vec(),
        ..FunctionConfig::new(code.to_owned(), Function::new("halves", "cn-hangzhou"))
    })
}

pub(super) fn gateway(pool: &InstancePool, timeout: Duration) -> Gateway {
    let mut options = GatewayOptions::for_pool(pool);
    options.function.timeout = timeout;
    Gateway::new(options)
}

pub(super) fn get(path: &str) -> Request<Full<Bytes>> {
    Request::get(path).body(Full::default()).unwrap()
}

#[tokio::test]
async fn an_instance_is_busy_until_its_response_is_complete() {
    let code = TempDir::new().unwrap();
    let pool = pool(code.path(), HALVES);
    let gateway = gateway(&pool, Duration::from_mins(1));
    let mut body = gateway.handle(get("/halves")).await.into_body();
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "1");
    let instance = pool.instances().remove(0);
    assert_eq!(instance.is_frozen(), Some(false));
    // The instance takes one request at once, and the first is not complete.
    assert_eq!(gateway.handle(get("/")).await.status(), 429);
    fs::write(code.path().join("second"), "").unwrap();
    assert_eq!(body.collect().await.unwrap().to_bytes(), "2");
    assert_eq!(instance.wait_until_frozen().await, Some(true));
    let answer = gateway.handle(get("/")).await;
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "12");
    assert_eq!(pool.started(), 1);
}

#[tokio::test]
async fn a_response_that_exceeds_the_timeout_is_cut_off_and_its_instance_ended() {
    let code = TempDir::new().unwrap();
    let pool = pool(code.path(), HALVES);
    let answer = gateway(&pool, Duration::from_secs(1)).handle(get("/halves")).await;
    let instance = pool.instances().remove(0);
    answer.into_body().collect().await.unwrap_err();
    instance.wait_until_ended().await;
    assert!(pool.instances().is_empty());
}

#[tokio::test]
async fn the_log_keeps_a_line_with_its_request() {
    let code = TempDir::new().unwrap();
    let pool = pool(code.path(), LINES);
    let gateway = gateway(&pool, Duration::from_mins(1));
    let answer = gateway.handle(get("/a")).await;
    let request_id = answer.headers()["x-fc-request-id"].to_str().unwrap().to_owned();
    drop(answer);
    gateway.stop().await;
    let lines = pool.log().lines();
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
    let mut config = pool(code.path(), lines).config().clone();
    config.initializer = Some(Duration::from_mins(1));
    let pool = InstancePool::new(config);
    let answer = gateway(&pool, Duration::from_mins(1)).handle(get("/")).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["x-fc-error-type"], "InitializationError");
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    let body: Value = serde_json::from_slice(&body).unwrap();
    let message = "the initializer answered 500; it has to answer 2xx";
    assert_eq!(body, json!({ "errorMessage": message }));
    assert!(pool.instances().is_empty());
}

/// Sends an asynchronous request, and returns the status and all attempts.
async fn invoke_async(gateway: &Gateway, length: usize) -> (u16, Vec<Attempt>) {
    let request = Request::post("/").header("X-Fc-Invocation-Type", "Async");
    let request = request.body(Full::from(vec![b' '; length])).unwrap();
    let (answer, invocation) = gateway.handle_async(request).await;
    assert!(answer.headers().contains_key("x-fc-request-id"));
    let attempts = match invocation {
        Some(invocation) => invocation.await.unwrap(),
        None => Vec::new(),
    };
    (answer.status().as_u16(), attempts)
}

#[tokio::test]
async fn a_failed_asynchronous_request_is_repeated_with_a_higher_count() {
    let code = TempDir::new().unwrap();
    let lines = "Handler.key = lambda self: 'none'\n\
                 def status(self):\n    \
                     return 200 if self.headers['x-fc-retry-count'] == '2' else 500\n\
                 Handler.status = status\n";
    let gateway = gateway(&pool(code.path(), lines), Duration::from_mins(1));
    let run = |retry_count, status| Attempt { retry_count, status, is_success: status == 200 };
    let (status, attempts) = invoke_async(&gateway, 128 * 1024).await;
    assert_eq!((status, attempts), (202, vec![run(0, 500), run(1, 500), run(2, 200)]));
    assert_eq!(invoke_async(&gateway, 128 * 1024 + 1).await, (400, Vec::new()));
}

#[tokio::test]
async fn a_response_that_reports_a_failure_is_repeated_three_times() {
    let code = TempDir::new().unwrap();
    let lines = "Handler.key = lambda self: 'none'\n\
                 Handler.more_headers = lambda self: self.send_header('x-fc-status', '404')\n";
    let gateway = gateway(&pool(code.path(), lines), Duration::from_mins(1));
    let (status, attempts) = invoke_async(&gateway, 0).await;
    let counts: Vec<_> = attempts.iter().map(|run| (run.retry_count, run.is_success)).collect();
    assert_eq!((status, counts), (202, (0..4).map(|count| (count, false)).collect()));
}
