//! Functions that are asked whether they are well: one that is, ones that never are, one that falls ill
//! and gets well again.

use std::fs;
use std::time::Duration;

use fc_emulator::Answer;
use fc_emulator::Fleet;
use fc_emulator::Gateway;
use fc_emulator::HealthCheck;
use fc_emulator::Plan;
use http_body_util::BodyExt;
use serde_json::Value;
use serde_json::json;
use tempfile::TempDir;

use crate::rehearse::fleet;
use crate::rehearse::package::Package;

/// Answers with the instance's name, and fails the checks of those that a file names.
const NAMED: &str = r#"
import time
def status(self):
    if self.path != "/health":
        return 200
    ill = open("ill").read() if os.path.exists("ill") else ""
    return 500 if os.environ["FC_INSTANCE_ID"] in ill else 302
Handler.key = lambda self: os.environ["FC_INSTANCE_ID"]
Handler.status = status
"#;

/// The same, but it leaves its checks unanswered.
const SILENT: &str = "Handler.status = lambda self: time.sleep(600)\n";

/// A check that is made again with each request, and with patience for a busy machine.
fn check() -> HealthCheck {
    let (period, timeout) = (Duration::ZERO, Duration::from_mins(1));
    HealthCheck { period, timeout, ..HealthCheck::new("/health").unwrap() }
}

struct House {
    code: TempDir,
    fleet: Fleet,
    gateway: Gateway,
}

impl House {
    fn open(lines: &str, change: impl FnOnce(&mut Plan)) -> Self {
        let code = TempDir::new().unwrap();
        let mut plan = fleet::fleet(code.path(), lines).plan().clone();
        plan.health_check = Some(check());
        change(&mut plan);
        let fleet = Fleet::new(plan);
        let gateway = fleet::gateway(&fleet, Duration::from_mins(1));
        Self { code, fleet, gateway }
    }

    /// Fails the checks of these from now on.
    fn infect(&self, instances: &[&str]) {
        fs::write(self.code.path().join("ill"), instances.join(" ")).unwrap();
    }

    async fn ask(&self) -> (u16, String) {
        let (status, _, body) = read(self.gateway.handle(fleet::get("/")).await).await;
        (status, body)
    }

    /// Asks, and gives the instance that answers.
    async fn answered_by(&self) -> String {
        let (status, body) = self.ask().await;
        assert_eq!(status, 200, "{body}");
        body
    }

    /// Asks in vain, and gives the sentence.
    async fn refusal(&self) -> String {
        let (status, kind, body) = read(self.gateway.handle(fleet::get("/")).await).await;
        assert_eq!((status, kind.as_deref()), (502, Some("UnhandledInvocationError")));
        let body: Value = serde_json::from_str(&body).unwrap();
        let sentence = body["ErrorMessage"].as_str().unwrap().to_owned();
        assert_eq!(body, json!({ "ErrorCode": "HealthCheckFailed", "ErrorMessage": sentence }));
        sentence
    }

    /// Ends everything and gives the paths that were asked for, in their order.
    async fn paths(self) -> Vec<String> {
        self.gateway.stop().await;
        let lines = self.fleet.log().lines().into_iter();
        lines.filter_map(|line| Some(line.text.split_once(' ')?.1.to_owned())).collect()
    }
}

async fn read(answer: Answer) -> (u16, Option<String>, String) {
    let (parts, body) = answer.into_parts();
    let kind = parts.headers.get("x-fc-error-type").map(|kind| kind.to_str().unwrap().to_owned());
    let body = body.collect().await.unwrap().to_bytes().to_vec();
    (parts.status.as_u16(), kind, String::from_utf8(body).unwrap())
}

#[tokio::test]
async fn the_first_check_comes_after_the_initializer_and_later_ones_with_requests() {
    let house = House::open(NAMED, |plan| plan.initializer = Some(Duration::from_mins(1)));
    house.answered_by().await;
    let instance = house.fleet.instances().remove(0);
    assert_eq!(instance.first_check().unwrap().status, Some(302));
    assert_eq!(instance.comes_to_rest().await, Some(true));
    house.answered_by().await;
    let paths = ["/initialize", "/health", "/health", "/", "/health", "/"];
    assert_eq!(house.paths().await, paths);
}

#[tokio::test]
async fn a_check_is_not_made_again_before_its_period_is_over() {
    let house = House::open(NAMED, |plan| {
        plan.health_check = Some(HealthCheck { period: Duration::from_hours(1), ..check() });
    });
    house.answered_by().await;
    house.answered_by().await;
    assert_eq!(house.paths().await, ["/health", "/", "/"]);
}

#[tokio::test]
async fn without_its_first_check_an_instance_has_not_started() {
    let house = House::open(&format!("{NAMED}Handler.status = lambda self: 404\n"), |_| {});
    let sentence = "the first health check, GET /health, was answered 404; it has to be answered 200 \
                    to 399 within 60 s";
    assert_eq!(house.refusal().await, sentence);
    assert!(house.fleet.instances().is_empty());
    // The next request gets another one, with a first check of its own.
    assert_eq!(house.refusal().await, sentence);
    assert_eq!(house.fleet.started(), 2);
}

#[tokio::test]
async fn an_answer_that_comes_too_late_is_none() {
    let house = House::open(&format!("{NAMED}{SILENT}"), |plan| {
        let timeout = Duration::from_millis(100);
        plan.health_check = Some(HealthCheck { timeout, ..check() });
    });
    let said = house.refusal().await;
    assert!(
        said.contains("was not answered; it has to be answered 200 to 399 within 0.1 s"),
        "{said}"
    );
}

#[tokio::test]
async fn another_instance_takes_over_from_an_ill_one_until_it_is_well_again() {
    let house = House::open(NAMED, |plan| {
        plan.instances = 2;
        plan.health_check =
            Some(HealthCheck { failure_threshold: 2, success_threshold: 3, ..check() });
    });
    let first = house.answered_by().await;
    house.infect(&[&first]);
    // One failed check is not enough.
    assert_eq!(house.answered_by().await, first);
    let second = house.answered_by().await;
    assert_ne!(second, first);
    let ill: Vec<_> = house.fleet.instances().iter().map(|instance| instance.is_ill()).collect();
    assert_eq!(ill, [true, false]);
    // Where there is a well one, nobody asks the other: it stands still.
    house.infect(&[]);
    assert_eq!(house.answered_by().await, second);
    assert_eq!(house.fleet.instances()[0].comes_to_rest().await, Some(true));
    house.infect(&[&first, &second]);
    assert_eq!(house.answered_by().await, second);
    let none_well =
        "every instance that has room fails its health check, and no other may be started";
    assert_eq!(house.refusal().await, none_well);
    // Three passed checks make it well again.
    house.infect(&[&second]);
    assert_eq!(house.refusal().await, none_well);
    assert_eq!(house.refusal().await, none_well);
    assert_eq!(house.answered_by().await, first);
    assert_eq!(house.fleet.started(), 2);
}

#[tokio::test]
async fn an_instance_that_is_made_to_stand_still_is_not_asked() {
    let house = House::open(NAMED, |plan| {
        plan.health_check = Some(HealthCheck { failure_threshold: 1, ..check() });
    });
    house.answered_by().await;
    house.fleet.instances()[0].stall().await;
    // Asked, it would be found ill after a minute; so the request goes to it and takes too long.
    let gateway = fleet::gateway(&house.fleet, Duration::from_secs(1));
    let (status, _, body) = read(gateway.handle(fleet::get("/")).await).await;
    assert_eq!(status, 502);
    assert!(body.contains("FunctionTimeout"), "{body}");
}

#[tokio::test]
async fn an_ill_instance_and_a_full_one_are_told_apart() {
    let house = House::open(NAMED, |plan| {
        plan.health_check = Some(HealthCheck { failure_threshold: 1, ..check() });
    });
    let first = house.answered_by().await;
    let busy = house.gateway.handle(fleet::get("/")).await;
    assert_eq!(house.ask().await.0, 429);
    drop(busy);
    house.infect(&[&first]);
    house.refusal().await;
}

#[tokio::test]
async fn a_well_function_has_one_act_more() {
    let package = Package::with("");
    let check = "/ready periodSeconds=1 timeoutSeconds=3 successThreshold=2";
    let rehearsal = package.rehearse(&["--quick", "--health-check", check]).await;
    rehearsal.assert_good();
    assert!(rehearsal.verdicts().contains("\nNOTE initializer\nPASS health check\nPASS answer\n"));
    let said = rehearsal.said("health check");
    assert_eq!(said, "GET /ready after the start, for which the platform allows 3.0 s");
    assert!(rehearsal.figure("health check").starts_with("200, "));
}

#[tokio::test]
async fn a_function_that_is_never_well_ends_the_rehearsal() {
    let package = Package::with("Handler.status = lambda self: 500\n");
    let rehearsal =
        package.rehearse(&["--quick", "--health-check", "/ready timeoutSeconds=3"]).await;
    assert_eq!(rehearsal.figure("health check"), "HealthCheckFailed");
    let said = rehearsal.end();
    assert!(said.starts_with("the first health check, GET /ready, was answered 500; "), "{said}");
}
