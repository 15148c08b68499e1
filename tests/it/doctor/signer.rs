//! Problems of the signer itself.

use std::convert::Infallible;

use bytes::Bytes;
use fc_emulator::Gateway;
use fc_http::service_fn;
use http::{Request, Response};
use http_body_util::Full;
use insta::assert_snapshot;

use super::fixture::{DoctorFixture, serve};
use crate::support::gateway;
use crate::support::port::ClosedPort;
use crate::support::tool::Tool;

#[tokio::test]
async fn the_default_domain_makes_browsers_save_the_page() {
    let fixture = DoctorFixture { default_domain: true, ..DoctorFixture::new() };
    assert_snapshot!(fixture.problems().await, @"
    warn  signer.page       browsers save GET / as a file instead of showing it (Content-Disposition: attachment)
          name  forced-download
          why   The platform does so on its default domain. Calls of other pages work; the function's own page
                cannot be opened.
          fix   To open GET /, bind a domain of your own: Function Compute console > Custom Domains > Add Custom
                Domain, with a route to the function and OPTIONS among its methods.
    warn  caller.nobody     a caller without credentials gets a form
          name  open-to-everyone
          why   Everyone who can reach the address can store files in the bucket, at your cost, within the
                limits of the route.
          fix   If that is not intended, let the route require authentication and deploy: UPLOAD_AUTH=ticket,
                jwt, or all(origin, ticket).
    ");
}

#[tokio::test]
async fn a_wrong_clock_is_noticed_before_oss_refuses() {
    let fixture = DoctorFixture { ahead: 3_630, ..DoctorFixture::new() };
    assert_snapshot!(fixture.problems().await, @"
    FAIL  signer.clock      the function's clock is 60 minutes ahead of the Date header
          name  clock-skew
          why   OSS refuses a form that is signed more than 15 minutes ahead of its clock, and an expired one.
          fix   The platform sets the clock of instances. Deploy again, so that new instances start. Outside
                Function Compute, set the clock by NTP.
    warn  caller.nobody     a caller without credentials gets a form
          name  open-to-everyone
          why   Everyone who can reach the address can store files in the bucket, at your cost, within the
                limits of the route.
          fix   If that is not intended, let the route require authentication and deploy: UPLOAD_AUTH=ticket,
                jwt, or all(origin, ticket).
    FAIL  bucket.clock      the function's clock is 60 minutes ahead of that of OSS
          name  clock-skew
          why   OSS refuses a form that is signed more than 15 minutes ahead of its clock, and an expired one.
          fix   as above: signer, clock
    FAIL  upload.stored     400 InvalidArgument (0002-00000709): The signing date in credential is invalid. [request
          ID]
          name  clock-skew
          why   The form is new, so the clock that it was signed with differs from that of OSS.
          fix   as above: signer, clock
    ");
    let fixture = DoctorFixture { ahead: -3_630, ..DoctorFixture::new() };
    assert_snapshot!(fixture.causes().await.join("\n"), @"
    fail signer.clock clock-skew
    warn caller.nobody open-to-everyone
    fail bucket.clock clock-skew
    fail upload.stored clock-skew
    ");
    let fixture = DoctorFixture { ahead: 300, ..DoctorFixture::new() };
    assert_snapshot!(fixture.causes().await.join("\n"), @"
    warn signer.clock clock-skew
    warn caller.nobody open-to-everyone
    warn bucket.clock clock-skew
    ");
}

#[tokio::test]
async fn an_unknown_host_and_a_closed_port_have_different_names() {
    let tool = Tool::new();
    let outcome = tool.run(&["doctor", "--signer", "https://signer.invalid"]).await;
    assert_eq!(outcome.code, 1);
    assert_snapshot!(first(&outcome.out), @"
    FAIL  name       signer.invalid has no address here
    name  unknown-name
    why   A browser that cannot resolve the name shows a network error and nothing else.
    fix   Compare the name with the trigger's address in the Function Compute console. For a custom
    domain, add the CNAME record that the console shows (Function Compute console > Custom Domains),
    and wait until it takes effect.
    ");
    let closed = ClosedPort::new();
    let url = format!("http://{}", closed.address);
    let outcome = tool.run(&["doctor", "--signer", &url]).await;
    assert_eq!(outcome.code, 1);
    assert!(outcome.out.contains("no-connection"), "{}", outcome.out);
}

#[tokio::test]
async fn a_port_without_tls_is_not_trusted() {
    let closed = ClosedPort::new();
    let options = gateway::options(closed.address);
    let front = gateway::serve(Gateway::new(options)).await;
    let url = format!("https://{front}");
    let outcome = Tool::new().run(&["doctor", "--signer", &url]).await;
    assert_eq!(outcome.code, 1);
    assert!(outcome.out.contains("tls-untrusted"), "{}", outcome.out);
}

#[tokio::test]
async fn a_function_that_does_not_run_is_reported_with_the_gateways_error() {
    let closed = ClosedPort::new();
    let options = gateway::options(closed.address);
    let front = gateway::serve(Gateway::new(options)).await;
    let url = format!("http://{front}");
    let outcome = Tool::new().run(&["doctor", "--signer", &url]).await;
    assert_eq!(outcome.code, 1);
    assert_snapshot!(first(&outcome.out), @"
    FAIL  health     the platform responded instead of the function: 502 FunctionNotStarted: the function's port
    refuses to connect
    name  FunctionNotStarted
    why   The function did not start or did not respond, so no page gets a form.
    fix   Function Compute console > Functions > the function > Logs: the first lines of the newest
    instance name every setting that is missing or wrong.
    ");
}

#[tokio::test]
async fn an_unknown_route_is_named() {
    let fixture = DoctorFixture::new().arguments(&["--route", "avatar"]);
    assert_snapshot!(fixture.problems().await, @r#"
    FAIL  signer.route      route_not_found: There is no route "avatar". Name one that the settings define.
          name  route_not_found
          why   Requests with this route are refused.
          fix   Use --route with a route of the function's settings; without it the route is default.
    "#);
}

type Answer = fn() -> Response<Full<Bytes>>;

#[tokio::test]
async fn responses_of_the_platform_in_place_of_the_function_have_names() {
    let table: [(Answer, &str); 6] = [
        (
            || answer(403, r#"{"ErrorCode":"AccessDenied","ErrorMessage":"no"}"#),
            "refused-by-trigger",
        ),
        (
            || answer(400, r#"{"Code":"MissingRequiredHeader","Message":"Date"}"#),
            "refused-by-trigger",
        ),
        (|| answer(401, "<html>"), "refused-by-trigger"),
        (|| answer(200, "<html>"), "not-the-function"),
        (|| answer(404, r#"{"Code":"DomainNameNotFound","Message":"no"}"#), "DomainNameNotFound"),
        (
            || {
                let mut answer = answer(200, r#"{"errorMessage":"no"}"#);
                let kind = "InitializationError".parse().unwrap();
                answer.headers_mut().insert("x-fc-error-type", kind);
                answer
            },
            "InitializationError",
        ),
    ];
    for (answer, name) in table {
        let report = report_on(answer).await;
        assert!(report.contains(&format!("name  {name}\n")), "{report}");
    }
}

#[tokio::test]
async fn a_wrong_clock_of_this_machine_differs_from_one_of_the_function() {
    let report = report_on(|| {
        let then = "2099-01-01T00:00:00Z";
        let mut answer =
            answer(200, &format!(r#"{{"status":"ok","version":"1","time":"{then}"}}"#));
        let date = "Thu, 01 Jan 2099 00:00:00 GMT".parse().unwrap();
        answer.headers_mut().insert("date", date);
        answer
    })
    .await;
    assert!(report.contains("warn  clock      this machine's clock is "), "{report}");
    assert!(report.contains("name  own-clock\n"), "{report}");
}

#[tokio::test]
async fn http_is_for_this_machine_only() {
    let outcome = Tool::new().run(&["doctor", "--signer", "http://signer.invalid"]).await;
    assert!(outcome.out.contains("warn  address    http, which"), "{}", outcome.out);
    let page = ["--origin", "https://app.example"];
    let outcome = Tool::new()
        .run(&[&["doctor", "--signer", "http://signer.invalid"], &page[..]].concat())
        .await;
    assert!(outcome.out.contains("FAIL  address    http, which"), "{}", outcome.out);
}

#[tokio::test]
async fn required_metadata_is_generated_or_given() {
    let fixture =
        |file| DoctorFixture { file, ..DoctorFixture::new() }.arguments(&["--route", "photos"]);
    let guessed =
        "[routes.photos.metadata]\nproject = { pattern = '[a-z]+-[0-9]', required = true }";
    assert_eq!(fixture(guessed).causes().await, ["warn caller.nobody open-to-everyone"]);
    let file = "[routes.photos.metadata]\nserial = { pattern = 'X{40}', required = true }";
    assert_snapshot!(fixture(file).problems().await, @r#"
    FAIL  grant.given      metadata_required: This route wants the metadata "serial". Give it in the file's 'metadata'.
          name  metadata_required
          why   Without a form no page can upload.
          fix   Give a value that the route accepts: --metadata NAME=VALUE
    "#);
    let given =
        fixture(file).arguments(&["--metadata", "serial=XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX"]);
    assert_eq!(given.causes().await, ["warn caller.nobody open-to-everyone"]);
}

fn answer(status: u16, body: &str) -> Response<Full<Bytes>> {
    Response::builder().status(status).body(Full::from(body.to_owned())).unwrap()
}

/// Returns the report on a signer that always sends this response.
async fn report_on(answer: Answer) -> String {
    let service =
        service_fn(move |_: Request<fc_http::Body>| async move { Ok::<_, Infallible>(answer()) });
    let server = serve(service).await;
    let url = format!("http://{}", server.address);
    let outcome = Tool::new().run(&["doctor", "--signer", &url]).await;
    assert_eq!(outcome.code, 1, "{}", outcome.out);
    outcome.out
}

/// Returns the first failure with its explanations.
fn first(report: &str) -> String {
    let rows = report.lines().skip_while(|line| !line.starts_with("  FAIL"));
    let rows = rows.enumerate().take_while(|(at, line)| *at == 0 || line.starts_with("    "));
    rows.map(|(_, line)| line.trim_start()).collect::<Vec<_>>().join("\n")
}
