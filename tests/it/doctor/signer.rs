//! What can be wrong with the signer itself.

use std::convert::Infallible;

use bytes::Bytes;
use fc_emulator::Gateway;
use fc_http::service_fn;
use http::{Request, Response};
use http_body_util::Full;
use insta::assert_snapshot;

use super::stage::{Stage, serve};
use crate::support::gateway;
use crate::support::tool::Tool;

#[tokio::test]
async fn the_default_domain_makes_browsers_save_the_page() {
    let stage = Stage { default_domain: true, ..Stage::new() };
    assert_snapshot!(stage.troubles().await, @"
    look  signer.page       GET / is saved as a file instead of being shown (Content-Disposition: attachment)
          is    forced-download
          why   The platform does so on its default domain. Calls of pages elsewhere work; the function's own
                page cannot be opened.
          mend  To open GET /, bind a domain of your own: Function Compute console > Custom Domains > Add Custom
                Domain, with the function as its route and OPTIONS among its methods.
    look  caller.nobody     who shows nothing gets a grant
          is    open-to-everyone
          why   Everyone who reaches the address can store files in the bucket, at your cost, within the route's
                limits.
          mend  If that is not meant, let the route ask for something and deploy: UPLOAD_AUTH=ticket, jwt, or
                all(origin, ticket).
    ");
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_noticed_before_oss_refuses() {
    let stage = Stage { ahead: 3_630, ..Stage::new() };
    assert_snapshot!(stage.troubles().await, @"
    FAIL  signer.clock      the function's clock is 60 minutes ahead of what the Date header says
          is    clock-skew
          why   OSS refuses a form that is signed more than 15 minutes ahead of its clock, and one whose time is
                over.
          mend  The platform keeps the clock of instances; deploy again, so that new ones start. Elsewhere than
                on Function Compute, let NTP set it.
    look  caller.nobody     who shows nothing gets a grant
          is    open-to-everyone
          why   Everyone who reaches the address can store files in the bucket, at your cost, within the route's
                limits.
          mend  If that is not meant, let the route ask for something and deploy: UPLOAD_AUTH=ticket, jwt, or
                all(origin, ticket).
    FAIL  bucket.clock      the function's clock is 60 minutes ahead of OSS's
          is    clock-skew
          why   OSS refuses a form that is signed more than 15 minutes ahead of its clock, and one whose time is
                over.
          mend  as above: signer, clock
    FAIL  upload.stored     400 InvalidArgument (0002-00000709): The signing date in credential is invalid. [request
          ID]
          is    clock-skew
          why   The grant is a moment old, so the clock it was signed by is not OSS's.
          mend  as above: signer, clock
    ");
    let stage = Stage { ahead: -3_630, ..Stage::new() };
    assert_snapshot!(stage.names().await.join("\n"), @"
    fail signer.clock clock-skew
    warn caller.nobody open-to-everyone
    fail bucket.clock clock-skew
    fail upload.stored clock-skew
    ");
    let stage = Stage { ahead: 300, ..Stage::new() };
    assert_snapshot!(stage.names().await.join("\n"), @"
    warn signer.clock clock-skew
    warn caller.nobody open-to-everyone
    warn bucket.clock clock-skew
    ");
}

#[tokio::test]
async fn a_name_and_a_port_that_lead_nowhere_are_told_apart() {
    let tool = Tool::new();
    let outcome = tool.run(&["doctor", "--signer", "https://signer.invalid"]).await;
    assert_eq!(outcome.code, 1);
    assert_snapshot!(first(&outcome.out), @"
    FAIL  name       signer.invalid has no address here
    is    unknown-name
    why   A browser that cannot find the signer shows a network error and nothing else.
    mend  Compare the name with the trigger's address in the Function Compute console. For a custom
    domain, add the CNAME record that the console shows (Function Compute console > Custom Domains),
    and wait until it is known.
    ");
    let url = format!("http://{}", gateway::unused_address().await);
    let outcome = tool.run(&["doctor", "--signer", &url]).await;
    assert_eq!(outcome.code, 1);
    assert!(outcome.out.contains("no-connection"), "{}", outcome.out);
}

#[tokio::test]
async fn tls_that_is_none_is_not_trusted() {
    let options = gateway::options(gateway::unused_address().await);
    let front = gateway::serve(Gateway::new(options)).await;
    let url = format!("https://{front}");
    let outcome = Tool::new().run(&["doctor", "--signer", &url]).await;
    assert_eq!(outcome.code, 1);
    assert!(outcome.out.contains("tls-untrusted"), "{}", outcome.out);
}

#[tokio::test]
async fn a_function_that_does_not_run_is_told_by_the_gateways_words() {
    let options = gateway::options(gateway::unused_address().await);
    let front = gateway::serve(Gateway::new(options)).await;
    let url = format!("http://{front}");
    let outcome = Tool::new().run(&["doctor", "--signer", &url]).await;
    assert_eq!(outcome.code, 1);
    assert_snapshot!(first(&outcome.out), @"
    FAIL  health     the platform answered in the function's place: 502 FunctionNotStarted: the function's port
    refuses to connect
    is    FunctionNotStarted
    why   The function did not start or did not answer, so nobody gets a grant.
    mend  Function Compute console > Functions > the function > Logs: the first lines of the newest
    instance name every setting that is missing or wrong.
    ");
}

#[tokio::test]
async fn a_route_that_is_not_there_is_named() {
    let stage = Stage::new().told(&["--route", "avatar"]);
    assert_snapshot!(stage.troubles().await, @r#"
    FAIL  signer.route      route_not_found: There is no route "avatar". Name one that the settings define.
          is    route_not_found
          why   Pages that ask under this name are refused.
          mend  Name a route with --route that the function's settings define; without it the route is called
                default.
    "#);
}

type Answer = fn() -> Response<Full<Bytes>>;

#[tokio::test]
async fn a_gateway_that_answers_in_the_functions_place_is_heard() {
    let table: [(Answer, &str); 5] = [
        (
            || answer(403, r#"{"ErrorCode":"AccessDenied","ErrorMessage":"no"}"#),
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
        let told = told_of(answer).await;
        assert!(told.contains(&format!("is    {name}\n")), "{told}");
    }
}

#[tokio::test]
async fn a_clock_of_this_machine_that_is_off_is_told_from_the_functions() {
    let told = told_of(|| {
        let then = "2099-01-01T00:00:00Z";
        let mut answer =
            answer(200, &format!(r#"{{"status":"ok","version":"1","time":"{then}"}}"#));
        let date = "Thu, 01 Jan 2099 00:00:00 GMT".parse().unwrap();
        answer.headers_mut().insert("date", date);
        answer
    })
    .await;
    assert!(told.contains("look  clock      this machine's clock is "), "{told}");
    assert!(told.contains("is    own-clock\n"), "{told}");
}

#[tokio::test]
async fn http_is_for_this_machine_only() {
    let outcome = Tool::new().run(&["doctor", "--signer", "http://signer.invalid"]).await;
    assert!(outcome.out.contains("look  address    http, which"), "{}", outcome.out);
    let page = ["--origin", "https://app.example"];
    let outcome = Tool::new()
        .run(&[&["doctor", "--signer", "http://signer.invalid"], &page[..]].concat())
        .await;
    assert!(outcome.out.contains("FAIL  address    http, which"), "{}", outcome.out);
}

#[tokio::test]
async fn what_a_route_wants_to_know_is_guessed_or_given() {
    let stage = |file| Stage { file, ..Stage::new() }.told(&["--route", "photos"]);
    let guessed =
        "[routes.photos.metadata]\nproject = { pattern = '[a-z]+-[0-9]', required = true }";
    assert_eq!(stage(guessed).names().await, ["warn caller.nobody open-to-everyone"]);
    let file = "[routes.photos.metadata]\nserial = { pattern = 'X{40}', required = true }";
    assert_snapshot!(stage(file).troubles().await, @r#"
    FAIL  grant.given      metadata_required: This route wants the metadata "serial". Give it in the file's 'metadata'.
          is    metadata_required
          why   Without a grant no page can upload.
          mend  Give a value that the route takes: --metadata NAME=VALUE
    "#);
    let given =
        stage(file).told(&["--metadata", "serial=XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX"]);
    assert_eq!(given.names().await, ["warn caller.nobody open-to-everyone"]);
}

fn answer(status: u16, body: &str) -> Response<Full<Bytes>> {
    Response::builder().status(status).body(Full::from(body.to_owned())).unwrap()
}

/// What is told of a signer that always answers so.
async fn told_of(answer: Answer) -> String {
    let service =
        service_fn(move |_: Request<fc_http::Body>| async move { Ok::<_, Infallible>(answer()) });
    let server = serve(service).await;
    let url = format!("http://{}", server.address);
    let outcome = Tool::new().run(&["doctor", "--signer", &url]).await;
    assert_eq!(outcome.code, 1, "{}", outcome.out);
    outcome.out
}

/// The first failure with its explanations.
fn first(report: &str) -> String {
    let rows = report.lines().skip_while(|line| !line.starts_with("  FAIL"));
    let rows = rows.enumerate().take_while(|(at, line)| *at == 0 || line.starts_with("    "));
    rows.map(|(_, line)| line.trim_start()).collect::<Vec<_>>().join("\n")
}
