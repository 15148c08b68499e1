//! Tests injected faults as clients see them.

use std::sync::atomic::Ordering;
use std::time::Duration;

use http_body_util::BodyExt;
use oss_emulator::faults::{Fault, FaultPlan, Operation};
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::support::form::NOW;
use crate::support::local_sts::{Caller, Reply, StsFixture, over_socket};

/// A local STS whose next `AssumeRole` request gets a fault.
fn with_fault(fault: Fault) -> StsFixture {
    let sts = StsFixture::open();
    sts.options.faults.next(Operation::AssumeRole, fault, 1);
    sts
}

async fn ask(sts: &StsFixture) -> Reply {
    sts.ask(&Caller::user(), &[]).await
}

#[tokio::test(start_paused = true)]
async fn a_delayed_response_is_correct() {
    let sts = with_fault(Fault::Delay(Duration::from_secs(7)));
    let started = Instant::now();
    assert_eq!(ask(&sts).await.status, 200);
    assert_eq!(started.elapsed(), Duration::from_secs(7));
    assert_eq!(ask(&sts).await.status, 200);
    assert_eq!(started.elapsed(), Duration::from_secs(7));
}

#[tokio::test]
async fn throttling_has_either_status_and_optionally_a_retry_time() {
    let millis = Duration::from_millis;
    for (status, retry_after, header) in [(400, None, ""), (429, Some(millis(1500)), "1500")] {
        let sts = with_fault(Fault::Throttle { status, retry_after });
        let reply = ask(&sts).await;
        assert_eq!(reply.refusal(), (status, "Throttling.User".to_owned()));
        assert_eq!(reply.header("x-acs-retry-after"), header);
        assert_eq!(ask(&sts).await.status, 200);
    }
}

#[tokio::test]
async fn the_service_can_fail() {
    for (status, code) in [(500, "InternalError"), (503, "ServiceUnavailable")] {
        let reply = ask(&with_fault(Fault::Failure(status))).await;
        assert_eq!(reply.refusal(), (status, code.to_owned()));
    }
}

#[tokio::test]
async fn gateway_errors_are_xml_whatever_the_requested_format() {
    let reply = ask(&with_fault(Fault::GatewayXml)).await;
    assert_eq!(reply.status, 503);
    assert_eq!(reply.header("content-type"), "text/xml;charset=utf-8");
    assert!(reply.text.contains("<Error><Code>ServiceUnavailable</Code>"), "{}", reply.text);
}

#[tokio::test]
async fn json_can_be_truncated() {
    let reply = ask(&with_fault(Fault::MalformedJson)).await;
    assert_eq!(reply.status, 200);
    assert!(reply.text.starts_with('{'));
    assert!(serde_json::from_str::<serde_json::Value>(&reply.text).is_err());
}

#[tokio::test]
async fn a_wrong_clock_shows_in_the_date_header_and_applies_to_timestamps() {
    let sts = with_fault(Fault::Clock(3600));
    let reply = ask(&sts).await;
    assert_eq!(reply.refusal(), (400, "InvalidTimeStamp.Expired".to_owned()));
    assert_eq!(reply.header("date"), "Wed, 27 Nov 2024 07:09:41 GMT");
    sts.options.faults.next(Operation::AssumeRole, Fault::Clock(3600), 1);
    let corrected = Caller::user().request(NOW + 3600, &[]);
    assert_eq!(sts.send(corrected).await.status, 200);
    assert_eq!(sts.clock.load(Ordering::Relaxed), NOW);
}

#[tokio::test]
async fn the_metadata_service_fails_in_plain_text() {
    let sts = StsFixture::open();
    let throttle = Fault::Throttle { status: 429, retry_after: None };
    for (call, method, path) in [
        (Operation::MetadataToken, "PUT", "/latest/api/token"),
        (Operation::MetadataRole, "GET", "/latest/meta-data/ram/security-credentials/"),
        (Operation::MetadataKeys, "GET", "/latest/meta-data/ram/security-credentials/role"),
        (Operation::CredentialsUri, "GET", "/credentials"),
    ] {
        sts.options.faults.next(call, throttle, 1);
        let reply = sts.get(method, path, &[]).await;
        assert_eq!(reply.status, 429, "{path}");
        assert_eq!(reply.header("content-type"), "text/plain;charset=utf-8");
        assert_ne!(sts.get(method, path, &[]).await.status, 429, "{path}");
    }
}

#[tokio::test]
async fn a_cut_connection_in_process_is_an_error() {
    let sts = with_fault(Fault::Cut);
    let request = || Caller::user().request(NOW, &[]);
    assert!(sts.try_send(request()).await.is_err());
    sts.options.faults.plan("assume-role:cut-inside".parse::<FaultPlan>().unwrap());
    let answer = sts.sts.call(request()).await.unwrap();
    assert!(answer.into_body().collect().await.is_err());
    assert_eq!(ask(&sts).await.status, 200);
}

/// Sends a request over a socket and reads until the connection ends.
async fn raw(sts: &StsFixture) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(sts.sts.clone().serve(listener, async {
        let _ = stopped.await;
    }));
    let answer = over_socket(&address.to_string(), Caller::user().request(NOW, &[])).await;
    drop(stop);
    serving.await.unwrap().unwrap();
    answer
}

#[tokio::test]
async fn a_connection_can_be_cut_before_and_inside_the_response() {
    let whole = raw(&StsFixture::open()).await;
    assert!(whole.starts_with("HTTP/1.1 200 OK\r\n") && whole.ends_with('}'));
    assert_eq!(raw(&with_fault(Fault::Cut)).await, "");
    let part = raw(&with_fault(Fault::CutInside)).await;
    let (head, body) = part.split_once("\r\n\r\n").unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    let length: usize = length.parse().unwrap();
    assert!(body.starts_with('{') && body.len() < length, "{} of {length}", body.len());
}
