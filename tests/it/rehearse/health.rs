//! Health checks: functions that pass, that never pass, and that fail for some time.

use std::fs;
use std::time::Duration;

use fc_emulator::{FunctionConfig, Gateway, GatewayResponse, HealthCheck, InstancePool};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::rehearse::package::Package;
use crate::rehearse::pool;

/// Responds with the instance's id, and fails the checks of the instances that a file names.
const NAMED: &str = r#"
import time
def status(self):
    if self.path != "/health":
        return 200
    failing = open("failing").read() if os.path.exists("failing") else ""
    return 500 if os.environ["FC_INSTANCE_ID"] in failing else 302
Handler.key = lambda self: os.environ["FC_INSTANCE_ID"]
Handler.status = status
"#;

/// Never responds.
const SILENT: &str = "Handler.status = lambda self: time.sleep(600)\n";

/// A check that is made with each request, with a long timeout for a busy machine.
fn check() -> HealthCheck {
    let (period, timeout) = (Duration::ZERO, Duration::from_mins(1));
    HealthCheck { period, timeout, ..HealthCheck::new("/health").unwrap() }
}

struct Fixture {
    code: TempDir,
    pool: InstancePool,
    gateway: Gateway,
}

impl Fixture {
    fn new(lines: &str, change: impl FnOnce(&mut FunctionConfig)) -> Self {
        let code = TempDir::new().unwrap();
        let mut config = pool::pool(code.path(), lines).config().clone();
        config.health_check = Some(check());
        change(&mut config);
        let pool = InstancePool::new(config);
        let gateway = pool::gateway(&pool, Duration::from_mins(1));
        Self { code, pool, gateway }
    }

    /// From now on, only the checks of these instances fail.
    fn fail_checks_of(&self, instances: &[&str]) {
        fs::write(self.code.path().join("failing"), instances.join(" ")).unwrap();
    }

    async fn send(&self) -> (u16, String) {
        let (status, _, body) = read(self.gateway.handle(pool::get("/")).await).await;
        (status, body)
    }

    /// Sends a request that succeeds, and returns the instance that responded.
    async fn answered_by(&self) -> String {
        let (status, body) = self.send().await;
        assert_eq!(status, 200, "{body}");
        body
    }

    /// Sends a request that fails at the health check, and returns the error's message.
    async fn health_error(&self) -> String {
        let (status, kind, body) = read(self.gateway.handle(pool::get("/")).await).await;
        assert_eq!((status, kind.as_deref()), (502, Some("UnhandledInvocationError")));
        let body: Value = serde_json::from_str(&body).unwrap();
        let sentence = body["ErrorMessage"].as_str().unwrap().to_owned();
        assert_eq!(body, json!({ "ErrorCode": "HealthCheckFailed", "ErrorMessage": sentence }));
        sentence
    }

    /// Stops the pool, and returns the paths of all requests in their order.
    async fn paths(self) -> Vec<String> {
        self.gateway.stop().await;
        let lines = self.pool.log().lines().into_iter();
        lines.filter_map(|line| Some(line.text.split_once(' ')?.1.to_owned())).collect()
    }
}

async fn read(answer: GatewayResponse) -> (u16, Option<String>, String) {
    let (parts, body) = answer.into_parts();
    let kind = parts.headers.get("x-fc-error-type").map(|kind| kind.to_str().unwrap().to_owned());
    let body = body.collect().await.unwrap().to_bytes().to_vec();
    (parts.status.as_u16(), kind, String::from_utf8(body).unwrap())
}

#[tokio::test]
async fn the_first_check_comes_after_the_initializer_and_later_ones_with_requests() {
    let fixture = Fixture::new(NAMED, |config| config.initializer = Some(Duration::from_mins(1)));
    fixture.answered_by().await;
    let instance = fixture.pool.instances().remove(0);
    assert_eq!(instance.first_health_check().unwrap().status, Some(302));
    assert_eq!(instance.wait_until_frozen().await, Some(true));
    fixture.answered_by().await;
    let paths = ["/initialize", "/health", "/health", "/", "/health", "/"];
    assert_eq!(fixture.paths().await, paths);
}

#[tokio::test]
async fn a_check_is_not_made_again_before_its_period_is_over() {
    let fixture = Fixture::new(NAMED, |config| {
        config.health_check = Some(HealthCheck { period: Duration::from_hours(1), ..check() });
    });
    fixture.answered_by().await;
    fixture.answered_by().await;
    assert_eq!(fixture.paths().await, ["/health", "/", "/"]);
}

#[tokio::test]
async fn an_instance_that_fails_its_first_check_does_not_start() {
    let fixture = Fixture::new(&format!("{NAMED}Handler.status = lambda self: 404\n"), |_| {});
    let sentence = "the first health check, GET /health, was answered 404; it has to be answered 200 \
                    to 399 within 60 s";
    assert_eq!(fixture.health_error().await, sentence);
    assert!(fixture.pool.instances().is_empty());
    // The next request starts another instance with a first check of its own.
    assert_eq!(fixture.health_error().await, sentence);
    assert_eq!(fixture.pool.started(), 2);
}

#[tokio::test]
async fn a_check_without_a_response_in_time_fails() {
    let fixture = Fixture::new(&format!("{NAMED}{SILENT}"), |config| {
        let timeout = Duration::from_millis(100);
        config.health_check = Some(HealthCheck { timeout, ..check() });
    });
    let sentence = fixture.health_error().await;
    assert!(
        sentence.contains("was not answered; it has to be answered 200 to 399 within 0.1 s"),
        "{sentence}"
    );
}

#[tokio::test]
async fn another_instance_replaces_an_unhealthy_one_until_that_recovers() {
    let fixture = Fixture::new(NAMED, |config| {
        config.max_instances = 2;
        config.health_check =
            Some(HealthCheck { failure_threshold: 2, success_threshold: 3, ..check() });
    });
    let first = fixture.answered_by().await;
    fixture.fail_checks_of(&[&first]);
    // One failed check is not enough.
    assert_eq!(fixture.answered_by().await, first);
    let second = fixture.answered_by().await;
    assert_ne!(second, first);
    let unhealthy: Vec<_> =
        fixture.pool.instances().iter().map(|instance| instance.is_unhealthy()).collect();
    assert_eq!(unhealthy, [true, false]);
    // While there is a healthy instance, the other is not checked and stays frozen.
    fixture.fail_checks_of(&[]);
    assert_eq!(fixture.answered_by().await, second);
    assert_eq!(fixture.pool.instances()[0].wait_until_frozen().await, Some(true));
    fixture.fail_checks_of(&[&first, &second]);
    assert_eq!(fixture.answered_by().await, second);
    let all_unhealthy =
        "every instance that has room fails its health check, and no other may be started";
    assert_eq!(fixture.health_error().await, all_unhealthy);
    // Three passed checks make the instance healthy again.
    fixture.fail_checks_of(&[&second]);
    assert_eq!(fixture.health_error().await, all_unhealthy);
    assert_eq!(fixture.health_error().await, all_unhealthy);
    assert_eq!(fixture.answered_by().await, first);
    assert_eq!(fixture.pool.started(), 2);
}

#[tokio::test]
async fn a_stalled_instance_is_not_checked() {
    let fixture = Fixture::new(NAMED, |config| {
        config.health_check = Some(HealthCheck { failure_threshold: 1, ..check() });
    });
    fixture.answered_by().await;
    fixture.pool.instances()[0].stall().await;
    // A check would fail after a minute. Without one, the request goes to the instance and times out.
    let gateway = pool::gateway(&fixture.pool, Duration::from_secs(1));
    let (status, _, body) = read(gateway.handle(pool::get("/")).await).await;
    assert_eq!(status, 502);
    assert!(body.contains("FunctionTimeout"), "{body}");
}

#[tokio::test]
async fn an_unhealthy_instance_and_a_busy_one_give_different_errors() {
    let fixture = Fixture::new(NAMED, |config| {
        config.health_check = Some(HealthCheck { failure_threshold: 1, ..check() });
    });
    let first = fixture.answered_by().await;
    let busy = fixture.gateway.handle(pool::get("/")).await;
    assert_eq!(fixture.send().await.0, 429);
    drop(busy);
    fixture.fail_checks_of(&[&first]);
    fixture.health_error().await;
}

#[tokio::test]
async fn a_passed_health_check_is_one_more_check_of_the_rehearsal() {
    let package = Package::with("");
    let check = "/ready periodSeconds=1 timeoutSeconds=3 successThreshold=2";
    let rehearsal = package.rehearse(&["--quick", "--health-check", check]).await;
    rehearsal.assert_good();
    assert!(rehearsal.verdicts().contains("\nNOTE initializer\nPASS health check\nPASS answer\n"));
    let sentence = rehearsal.sentence("health check");
    assert_eq!(sentence, "GET /ready after the start; the platform allows 3.0 s");
    assert!(rehearsal.figure("health check").starts_with("200, "));
}

#[tokio::test]
async fn a_failed_first_health_check_ends_the_rehearsal() {
    let package = Package::with("Handler.status = lambda self: 500\n");
    let rehearsal =
        package.rehearse(&["--quick", "--health-check", "/ready timeoutSeconds=3"]).await;
    assert_eq!(rehearsal.figure("health check"), "HealthCheckFailed");
    let sentence = rehearsal.failure();
    assert!(
        sentence.starts_with("the first health check, GET /ready, was answered 500; "),
        "{sentence}"
    );
}
