//! The probes, held to the local gateway: as it is, and with each behaviour changed.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HOST, SERVER};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use oss_upload_signer::app::App;
use oss_upload_signer::config::Settings;
use oss_upload_signer::config::environment::Environment;
use oss_upload_signer::time;
use tokio::net::TcpListener;
use tower::ServiceExt;

use super::*;
use crate::conformance::report::ResultKind;
use fc_emulator::behaviours::BEHAVIOURS;
use fc_emulator::{Backend, Function, Gateway, GatewayOptions, RoleCredentials};

/// The pause of slow probes in these tests.
const SHORT: Duration = Duration::from_millis(200);

/// Changes what the gateway does with a request on its way to the function.
type ChangeRequest = fn(&mut Request<Bytes>);

/// Answers in place of the gateway, before the function is called.
type Refuse = fn(&Request<Bytes>) -> Option<Response<Bytes>>;

/// Changes what the gateway does with a response.
type ChangeResponse = fn(&mut Response<Bytes>);

/// A gateway with one behaviour changed.
#[derive(Clone, Copy)]
enum Change {
    None,
    Options(fn(&mut GatewayOptions)),
    Arriving(ChangeRequest),
    Refused(Refuse),
    Returned(ChangeResponse),
    /// The function is called without the gateway.
    Bypass(fn(&Request<Bytes>) -> bool),
}

fn app() -> Arc<App> {
    let mut environment = Environment::default();
    for (name, value) in [
        ("OSS_BUCKET", "examplebucket"),
        ("OSS_REGION", "cn-hangzhou"),
        ("UPLOAD_AUTH", "anonymous"),
        ("UPLOAD_CONFORMANCE", "1"),
        ("FC_FUNCTION_NAME", "signer"),
    ] {
        environment.set(name, value);
    }
    Arc::new(App::new(Settings::load(&environment, None, time::now()).unwrap()))
}

/// Starts the function on a port of its own. Requests are changed before it sees them.
async fn start_function(change: Option<ChangeRequest>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let inner = oss_upload_signer::http::service(app());
    let service = fc_http::service_fn(move |mut request: Request<fc_http::Body>| {
        let inner = inner.clone();
        if let Some(change) = change {
            let mut plain = request.map(fc_http::Body::into_bytes);
            change(&mut plain);
            request = plain.map(fc_http::Body::from);
        }
        async move { inner.oneshot(request).await }
    });
    let log = fc_http::log::LogWriter::new(io::sink());
    let options = fc_http::Options { platform: true, log, ..fc_http::Options::default() };
    tokio::spawn(fc_http::serve(listener, service, options, std::future::pending::<()>()));
    address
}

/// Starts a gateway with one behaviour changed, and returns the function behind it as a target.
async fn start(change: Change) -> GatewayTarget {
    let arriving = match change {
        Change::Arriving(change) => Some(change),
        _ => None,
    };
    let function = start_function(arriving).await;
    let mut options =
        GatewayOptions::new(Backend::Address(function), Function::new("signer", "cn-hangzhou"));
    options.trigger.methods = vec![Method::GET, Method::HEAD, Method::POST, Method::OPTIONS];
    options.credentials = Some(RoleCredentials {
        access_key_id: "STS.marker".to_owned(),
        access_key_secret: "marker-secret".to_owned(),
        security_token: "marker-token".to_owned(),
    });
    if let Change::Options(change) = change {
        change(&mut options);
    }
    let gateway = Gateway::new(options);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let gateway = gateway.clone();
            let service = service_fn(move |request: Request<Incoming>| {
                let gateway = gateway.clone();
                async move { Ok::<_, Infallible>(handle(&gateway, change, request).await) }
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    GatewayTarget::new(&format!("http://{address}"), SHORT).unwrap()
}

async fn handle(
    gateway: &Gateway,
    change: Change,
    request: Request<Incoming>,
) -> Response<Full<Bytes>> {
    let (parts, body) = request.into_parts();
    let request = Request::from_parts(parts, body.collect().await.unwrap().to_bytes());
    let refused = match change {
        Change::Refused(refuse) => refuse(&request),
        _ => None,
    };
    let is_bypassed = matches!(change, Change::Bypass(applies) if applies(&request));
    let mut response = match refused {
        Some(refused) => refused,
        None if is_bypassed => {
            let service = oss_upload_signer::http::service(app());
            whole(service.oneshot(request.map(fc_http::Body::from)).await.unwrap()).await
        }
        None => whole(gateway.handle(request.map(Full::new)).await).await,
    };
    if let Change::Returned(change) = change {
        change(&mut response);
    }
    response.map(Full::new)
}

async fn whole<B>(response: Response<B>) -> Response<Bytes>
where
    B: http_body::Body<Data = Bytes>,
    B::Error: std::fmt::Debug,
{
    let (parts, body) = response.into_parts();
    Response::from_parts(parts, body.collect().await.unwrap().to_bytes())
}

fn set(request: &mut Request<Bytes>, name: &'static str, value: &'static str) {
    request.headers_mut().insert(name, HeaderValue::from_static(value));
}

fn set_uri(request: &mut Request<Bytes>, uri: &'static str) {
    *request.uri_mut() = uri.parse().unwrap();
}

fn refused(status: StatusCode) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    response
}

/// For each row, a change that the probe has to find.
#[expect(clippy::too_many_lines, reason = "a table")]
fn changes() -> BTreeMap<&'static str, Change> {
    use Change::{Arriving, Bypass, Options, Refused, Returned};
    BTreeMap::from([
        ("method", Arriving(|request| *request.method_mut() = Method::GET)),
        ("method-head", Arriving(|request| *request.method_mut() = Method::GET)),
        (
            "method-options",
            Refused(|request| {
                let is_preflight = request.method() == Method::OPTIONS;
                is_preflight.then(|| refused(StatusCode::NO_CONTENT))
            }),
        ),
        (
            "method-not-listed",
            Refused(|request| {
                let is_put = request.method() == Method::PUT;
                is_put.then(|| refused(StatusCode::FORBIDDEN))
            }),
        ),
        ("path", Arriving(|request| set_uri(request, "/conformance/echo/a%20b/%E7%85%A7/c;d"))),
        ("query", Arriving(|request| set_uri(request, "/conformance/echo?a=1&a=2&b=++&c="))),
        ("host", Arriving(|request| drop(request.headers_mut().insert(HOST, TEST_HOST)))),
        ("repeated-headers", Arriving(|request| set(request, "x-conformance-twice", "1, 2"))),
        ("reserved-headers", Arriving(|request| set(request, "x-fc-conformance", "1"))),
        ("forged-headers", Arriving(|request| set(request, "x-fc-client-ip", "203.0.113.7"))),
        ("connection-headers", Arriving(|request| set(request, "te", "trailers"))),
        ("expect", Arriving(|request| set(request, "expect", "100-continue"))),
        (
            "accept-encoding",
            Arriving(|request| drop(request.headers_mut().remove("accept-encoding"))),
        ),
        (
            "forwarded-for",
            Arriving(|request| set(request, "x-forwarded-for", "203.0.113.7, 198.51.100.1")),
        ),
        (
            "forwarded-for-added",
            Arriving(|request| set(request, "x-forwarded-for", "198.51.100.1")),
        ),
        (
            "platform-headers",
            Arriving(|request| drop(request.headers_mut().remove("x-fc-qualifier"))),
        ),
        ("base-path", Arriving(|request| set(request, "x-fc-base-path", ""))),
        (
            "control-path",
            Arriving(|request| drop(request.headers_mut().remove("x-fc-control-path"))),
        ),
        ("retry-count", Arriving(|request| set(request, "x-fc-retry-count", "1"))),
        (
            "timeout-header",
            Arriving(|request| drop(request.headers_mut().remove("x-fc-function-timeout"))),
        ),
        (
            "request-id",
            Arriving(|request| {
                set(request, "x-fc-request-id", "5e5e5e5e-5e5e-4e5e-9e5e-5e5e5e5e5e5e");
            }),
        ),
        (
            "request-id-returned",
            Returned(|response| drop(response.headers_mut().remove("x-fc-request-id"))),
        ),
        ("role-keys", Options(|options| options.credentials = None)),
        (
            "request-headers-limit",
            Bypass(|request| request.headers().contains_key("x-conformance-long")),
        ),
        ("request-path-limit", Bypass(|request| request.uri().to_string().len() > 4096)),
        ("async", Bypass(|request| request.headers().contains_key("x-fc-invocation-type"))),
        ("async-body-limit", Bypass(|request| request.body().len() > 128 * 1024)),
        ("body", Arriving(|request| request.body_mut().truncate(99_999))),
        ("chunked-body", Arriving(|request| drop(request.headers_mut().remove(CONTENT_LENGTH)))),
        ("slow-body", Arriving(|request| request.body_mut().truncate(50_000))),
        ("status", Returned(|response| *response.status_mut() = StatusCode::BAD_GATEWAY)),
        (
            "reserved-response-headers",
            Returned(|response| {
                drop(response.headers_mut().insert("x-fc-conformance", TEST_HOST));
            }),
        ),
        (
            "server-header",
            Returned(|response| drop(response.headers_mut().insert(SERVER, TEST_HOST))),
        ),
        ("content-disposition", Options(|options| options.default_domain = true)),
        ("cors-headers", Options(|options| options.trigger.adds_cors = true)),
        (
            "response-headers-limit",
            Bypass(|request| request.uri().query().is_some_and(|text| text.contains("headers="))),
        ),
        (
            "slow-response",
            Returned(|response| *response.status_mut() = StatusCode::GATEWAY_TIMEOUT),
        ),
    ])
}

const TEST_HOST: HeaderValue = HeaderValue::from_static("other.example");

#[test]
fn each_behaviour_has_a_probe_or_a_reason_why_it_has_none() {
    let probes: Vec<_> = probes::all().iter().map(|probe| probe.name).collect();
    let covered: BTreeSet<_> = probes.iter().copied().collect();
    assert_eq!(covered.len(), probes.len());
    let measured = BEHAVIOURS.iter().filter(|row| row.without_probe.is_none());
    assert_eq!(covered, measured.map(|row| row.name).collect::<BTreeSet<_>>());
    for probe in probes::all() {
        assert!(!probe.others.contains(&probe.here), "{}", probe.name);
    }
}

#[tokio::test]
async fn the_local_gateway_does_what_its_table_says() {
    let target = start(Change::None).await;
    let run = GatewayRun { target, probes: probes::all() };
    let client = WebClient::new(Some(Duration::from_mins(1))).unwrap();
    let report = run.measure(&client, |_| {}).await.unwrap();
    let others: Vec<_> =
        report.probes.iter().filter(|result| result.result != ResultKind::Same).collect();
    assert!(others.is_empty(), "{others:#?}");
    let json = report.json();
    assert!(json.contains("\"region\": \"cn-hangzhou\""), "{json}");
    for marker in ["marker", "127.0.0.1", "localhost", "STS."] {
        assert!(!json.contains(marker), "{marker}: {json}");
    }
}

#[tokio::test]
async fn each_behaviour_that_is_changed_is_found() {
    let client = WebClient::new(Some(Duration::from_mins(1))).unwrap();
    let changes = changes();
    for probe in probes::all() {
        let target = start(changes[probe.name]).await;
        let result = probe.run(&target, &client).await;
        let is_found = matches!(result.result, ResultKind::Other | ResultKind::Unknown);
        assert!(is_found, "{}: {result:?}", probe.name);
    }
}

#[tokio::test]
async fn a_method_that_the_trigger_lists_says_nothing_about_others() {
    let lists_put = |options: &mut GatewayOptions| options.trigger.methods.push(Method::PUT);
    let target = start(Change::Options(lists_put)).await;
    let client = WebClient::new(Some(Duration::from_mins(1))).unwrap();
    let probes = select(&["method-not-listed".to_owned()]).unwrap();
    let result = probes[0].run(&target, &client).await;
    assert_eq!(result.reason.as_deref(), Some("the trigger of the function lists PUT"));
}

#[tokio::test]
async fn a_function_without_the_setting_is_not_measured() {
    let refuse: Refuse = |_| Some(refused(StatusCode::NOT_FOUND));
    let run = GatewayRun { target: start(Change::Refused(refuse)).await, probes: probes::all() };
    let client = WebClient::new(Some(Duration::from_mins(1))).unwrap();
    let error = run.measure(&client, |_| {}).await.err().unwrap().to_string();
    assert!(error.contains("answered with 404; set the variable UPLOAD_CONFORMANCE"), "{error}");
}

#[test]
fn a_row_without_a_probe_is_named_with_its_reason() {
    let error = |name: &str| select(&[name.to_owned()]).err().unwrap().to_string();
    assert!(error("freeze").contains("it cannot be seen by a caller"));
    assert!(error("preamble").contains("there is no row of this name"));
}
