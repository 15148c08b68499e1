//! Faults on request, each as a client sees it.

use std::sync::atomic::Ordering;
use std::time::Duration;

use http_body_util::BodyExt;
use oss_emulator::faults::Call;
use oss_emulator::faults::Fault;
use oss_emulator::faults::Plan;
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::support::form::NOW;
use crate::support::local_sts::Caller;
use crate::support::local_sts::Desk;
use crate::support::local_sts::Reply;
use crate::support::local_sts::over_socket;

/// A desk whose next call of `AssumeRole` meets a fault.
fn meeting(fault: Fault) -> Desk {
    let desk = Desk::open();
    desk.options.faults.next(Call::AssumeRole, fault, 1);
    desk
}

async fn ask(desk: &Desk) -> Reply {
    desk.ask(&Caller::user(), &[]).await
}

#[tokio::test(start_paused = true)]
async fn a_delayed_answer_is_right_and_late() {
    let desk = meeting(Fault::Delay(Duration::from_secs(7)));
    let started = Instant::now();
    assert_eq!(ask(&desk).await.status, 200);
    assert_eq!(started.elapsed(), Duration::from_secs(7));
    assert_eq!(ask(&desk).await.status, 200);
    assert_eq!(started.elapsed(), Duration::from_secs(7));
}

#[tokio::test]
async fn throttling_comes_with_either_status_and_perhaps_a_time() {
    let millis = Duration::from_millis;
    for (status, retry_after, header) in [(400, None, ""), (429, Some(millis(1500)), "1500")] {
        let desk = meeting(Fault::Throttle { status, retry_after });
        let reply = ask(&desk).await;
        assert_eq!(reply.refusal(), (status, "Throttling.User".to_owned()));
        assert_eq!(reply.header("x-acs-retry-after"), header);
        assert_eq!(ask(&desk).await.status, 200);
    }
}

#[tokio::test]
async fn the_service_can_fail() {
    for (status, code) in [(500, "InternalError"), (503, "ServiceUnavailable")] {
        let reply = ask(&meeting(Fault::Failure(status))).await;
        assert_eq!(reply.refusal(), (status, code.to_owned()));
    }
}

#[tokio::test]
async fn a_gateway_answers_in_xml_whatever_was_asked_for() {
    let reply = ask(&meeting(Fault::GatewayXml)).await;
    assert_eq!(reply.status, 503);
    assert_eq!(reply.header("content-type"), "text/xml;charset=utf-8");
    assert!(reply.text.contains("<Error><Code>ServiceUnavailable</Code>"), "{}", reply.text);
}

#[tokio::test]
async fn json_can_stop_in_its_middle() {
    let reply = ask(&meeting(Fault::MalformedJson)).await;
    assert_eq!(reply.status, 200);
    assert!(reply.text.starts_with('{'));
    assert!(serde_json::from_str::<serde_json::Value>(&reply.text).is_err());
}

#[tokio::test]
async fn a_wrong_clock_is_told_by_the_date_and_can_be_followed() {
    let desk = meeting(Fault::Clock(3600));
    let reply = ask(&desk).await;
    assert_eq!(reply.refusal(), (400, "InvalidTimeStamp.Expired".to_owned()));
    assert_eq!(reply.header("date"), "Wed, 27 Nov 2024 07:09:41 GMT");
    desk.options.faults.next(Call::AssumeRole, Fault::Clock(3600), 1);
    let corrected = Caller::user().request(NOW + 3600, &[]);
    assert_eq!(desk.send(corrected).await.status, 200);
    assert_eq!(desk.clock.load(Ordering::Relaxed), NOW);
}

#[tokio::test]
async fn the_neighbours_fail_in_plain_text() {
    let desk = Desk::open();
    let throttle = Fault::Throttle { status: 429, retry_after: None };
    for (call, method, path) in [
        (Call::MetadataToken, "PUT", "/latest/api/token"),
        (Call::MetadataRole, "GET", "/latest/meta-data/ram/security-credentials/"),
        (Call::MetadataKeys, "GET", "/latest/meta-data/ram/security-credentials/role"),
        (Call::CredentialsUri, "GET", "/credentials"),
    ] {
        desk.options.faults.next(call, throttle, 1);
        let reply = desk.get(method, path, &[]).await;
        assert_eq!(reply.status, 429, "{path}");
        assert_eq!(reply.header("content-type"), "text/plain;charset=utf-8");
        assert_ne!(desk.get(method, path, &[]).await.status, 429, "{path}");
    }
}

#[tokio::test]
async fn a_cut_in_process_is_an_error() {
    let desk = meeting(Fault::Cut);
    let request = || Caller::user().request(NOW, &[]);
    assert!(desk.try_send(request()).await.is_err());
    desk.options.faults.plan("assume-role:cut-inside".parse::<Plan>().unwrap());
    let answer = desk.sts.call(request()).await.unwrap();
    assert!(answer.into_body().collect().await.is_err());
    assert_eq!(ask(&desk).await.status, 200);
}

/// Asks over a socket and reads until the connection ends.
async fn raw(desk: &Desk) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(desk.sts.clone().serve(listener, async {
        let _ = stopped.await;
    }));
    let answer = over_socket(&address.to_string(), Caller::user().request(NOW, &[])).await;
    drop(stop);
    serving.await.unwrap().unwrap();
    answer
}

#[tokio::test]
async fn a_connection_can_be_cut_before_the_answer_and_inside_it() {
    let whole = raw(&Desk::open()).await;
    assert!(whole.starts_with("HTTP/1.1 200 OK\r\n") && whole.ends_with('}'));
    assert_eq!(raw(&meeting(Fault::Cut)).await, "");
    let part = raw(&meeting(Fault::CutInside)).await;
    let (head, body) = part.split_once("\r\n\r\n").unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    let length: usize = length.parse().unwrap();
    assert!(body.starts_with('{') && body.len() < length, "{} of {length}", body.len());
}
