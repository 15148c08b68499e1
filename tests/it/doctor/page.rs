//! Problems of the access to the signer: by the page, by foreign pages, and by callers without credentials.

use http::header::{ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_ORIGIN};
use http::{HeaderMap, Method};
use insta::assert_snapshot;

use super::fixture::{DoctorFixture, PAGE};

#[tokio::test]
async fn a_trigger_without_options_is_recognised() {
    let mut fixture = DoctorFixture::new();
    fixture.trigger.methods.retain(|method| method != Method::OPTIONS);
    assert_snapshot!(fixture.problems().await, @"
    FAIL  page.preflight  the response to OPTIONS /uploads is 405 without CORS headers, and it is not one of the function
          name  missing-options-method
          why   A browser sends this request before each call from a page of another origin. It is refused, so
                the call is never made.
          fix   Function Compute console > Functions > the function > Triggers > the HTTP trigger > Edit: add
                OPTIONS to the request methods (s.yaml: methods GET, HEAD, POST, DELETE, OPTIONS). For a custom
                domain, do the same with the methods of its route.
    warn  caller.nobody     a caller without credentials gets a form
          name  open-to-everyone
          why   Everyone who can reach the address can store files in the bucket, at your cost, within the
                limits of the route.
          fix   If that is not intended, let the route require authentication and deploy: UPLOAD_AUTH=ticket,
                jwt, or all(origin, ticket).
    ");
}

#[tokio::test]
async fn a_trigger_without_post_is_recognised() {
    let mut fixture = DoctorFixture::new();
    fixture.trigger.methods.retain(|method| method != Method::POST);
    assert_eq!(fixture.causes().await, ["fail grant.given missing-method"]);
}

#[tokio::test]
async fn the_functions_own_page_needs_no_options() {
    let mut fixture = DoctorFixture::new();
    fixture.arguments.clear();
    fixture.trigger.methods.retain(|method| method != Method::OPTIONS);
    let names = fixture.bucket(|oss| oss.cors_origins = vec!["*".to_owned()]).causes().await;
    assert_eq!(
        names,
        [
            "warn page.preflight missing-options-method",
            "warn caller.nobody open-to-everyone",
            "warn bucket.foreign every-origin",
        ]
    );
}

#[tokio::test]
async fn two_allowed_origins_in_one_response_are_a_failure() {
    let mut fixture = DoctorFixture::new();
    fixture.trigger.adds_cors = true;
    assert_snapshot!(fixture.problems().await, @"
    FAIL  page.preflight  Access-Control-Allow-Origin occurs more than once: https://app.example and *
          name  duplicate-allow-origin
          why   Browsers reject a response that has it twice. The function adds one; the other comes from the
                gateway or a proxy in front of it.
          fix   Switch off CORS in the gateway or proxy in front of the function. If it is the platform's
                default domain, bind a domain of your own, to which nothing is added: Function Compute console >
                Custom Domains > Add Custom Domain.
    FAIL  page.call       Access-Control-Allow-Origin occurs more than once: https://app.example and *
          name  duplicate-allow-origin
          why   Browsers reject a response that has it twice. The function adds one; the other comes from the
                gateway or a proxy in front of it.
          fix   as above: page, preflight
    warn  caller.nobody     a caller without credentials gets a form
          name  open-to-everyone
          why   Everyone who can reach the address can store files in the bucket, at your cost, within the
                limits of the route.
          fix   If that is not intended, let the route require authentication and deploy: UPLOAD_AUTH=ticket,
                jwt, or all(origin, ticket).
    ");
}

#[tokio::test]
async fn a_page_that_is_not_allowed_is_reported_and_the_rest_is_checked() {
    let fixture = || DoctorFixture::new().with("UPLOAD_ORIGINS", "https://other.example");
    let report = fixture().run().await.out;
    assert!(report.contains("ok    elsewhere"), "the uploads were left out: {report}");
    assert_snapshot!(fixture().problems().await, @r#"
    FAIL  page.preflight  origin_not_allowed: Pages of "https://app.example" may not ask for uploads here. If they should,
          add the origin to UPLOAD_ORIGINS.
          name  origin_not_allowed
          why   The function signs for pages of its list of origins only, and this page is not on it.
          fix   Add the origin to the function's environment and deploy; separate several with commas:
                  UPLOAD_ORIGINS=https://app.example
    FAIL  page.call       origin_not_allowed: Pages of "https://app.example" may not ask for uploads here. If they should,
          add the origin to UPLOAD_ORIGINS.
          name  origin_not_allowed
          why   The function signs for pages of its list of origins only, and this page is not on it.
          fix   as above: page, preflight
    warn  caller.nobody     a caller without credentials gets a form
          name  open-to-everyone
          why   Everyone who can reach the address can store files in the bucket, at your cost, within the
                limits of the route.
          fix   If that is not intended, let the route require authentication and deploy: UPLOAD_AUTH=ticket,
                jwt, or all(origin, ticket).
    "#);
}

#[tokio::test]
async fn allowing_every_origin_is_a_failure_unless_an_option_says_otherwise() {
    let fixture = || DoctorFixture::new().with("UPLOAD_ORIGINS", "*");
    assert_snapshot!(fixture().problems().await, @"
    FAIL  page.foreign    a page of https://doctor.invalid got a form and may read it
          name  every-origin
          why   Any page in the world can upload in the name of its visitors.
          fix   Set the origins of your pages in the function's environment in place of *, and deploy:
                  UPLOAD_ORIGINS=https://app.example
                If every page may call on purpose, use --any-origin.
    warn  caller.nobody     a caller without credentials gets a form
          name  open-to-everyone
          why   Everyone who can reach the address can store files in the bucket, at your cost, within the
                limits of the route.
          fix   If that is not intended, let the route require authentication and deploy: UPLOAD_AUTH=ticket,
                jwt, or all(origin, ticket).
    ");
    let names = fixture().arguments(&["--any-origin"]).causes().await;
    assert_eq!(names, ["warn caller.nobody open-to-everyone"]);
    let ticket = || {
        let keys = "0123456789abcdef0123456789abcdef";
        fixture().with("UPLOAD_AUTH", "ticket").with("UPLOAD_TICKET_KEYS", keys)
    };
    let names = ticket().causes().await;
    assert_eq!(names, ["warn page.foreign every-origin", "fail grant.given ticket_missing"]);
    let names = ticket().arguments(&["--any-origin"]).causes().await;
    assert_eq!(names, ["fail grant.given ticket_missing"]);
}

#[tokio::test]
async fn a_route_with_authentication_is_called_with_a_ticket_from_the_environment() {
    let keys = "0123456789abcdef0123456789abcdef";
    let fixture = || {
        DoctorFixture::new()
            .with("UPLOAD_AUTH", "all(origin, ticket)")
            .with("UPLOAD_TICKET_KEYS", keys)
    };
    assert_snapshot!(fixture().problems().await, @"
    FAIL  grant.given      ticket_missing: This route asks for a ticket. Send it as 'X-Upload-Ticket: <ticket>'.
          name  ticket_missing
          why   Without a form no page can upload.
          fix   The route requires authentication. Set what a page would send, and run this again:
                  export DOCTOR_TICKET=$(oss-upload ticket --sub doctor)   # with UPLOAD_TICKET_KEYS
                  export DOCTOR_TOKEN=...                                  # a token of your issuer
    ");
    let mut with = fixture();
    let minting = with.tool.with("UPLOAD_TICKET_KEYS", keys);
    let ticket = minting.run(&["ticket", "--sub", "doctor"]).await.good();
    with.tool = minting.with("DOCTOR_TICKET", ticket.trim());
    let outcome = with.run().await;
    assert_eq!(outcome.code, 0, "{}", outcome.out);
    assert!(!outcome.out.contains(ticket.trim()));
    assert!(
        outcome.out.contains("the page without its token is refused (ticket_missing)"),
        "{}",
        outcome.out
    );
}

#[tokio::test]
async fn a_token_that_the_route_ignores_is_a_failure() {
    let mut fixture = DoctorFixture::new();
    fixture.tool = fixture.tool.with("DOCTOR_TOKEN", "marker-token");
    assert_snapshot!(fixture.problems().await, @"
    warn  caller.unproven   a page of https://app.example gets a form without its token
          name  token-not-needed
          why   Everyone who opens the page can upload, and a program can send any origin.
          fix   If that is not intended, let the route require both and deploy: UPLOAD_AUTH=all(origin, jwt), or
                all(origin, ticket).
    FAIL  caller.nobody     a caller without credentials gets a form, although the page has a token
          name  open-to-everyone
          why   Everyone who can reach the address can store files in the bucket, at your cost, within the
                limits of the route.
          fix   The route ignores the token. Set what it requires and deploy: UPLOAD_AUTH=jwt for tokens, ticket
                for tickets, any(jwt, ticket) for either.
    ");
}

#[tokio::test]
async fn a_token_that_the_page_does_not_need_gives_a_warning() {
    let mut fixture = DoctorFixture::new()
        .with("UPLOAD_AUTH", "any(origin, jwt)")
        .with("UPLOAD_JWT_SECRET", "0123456789abcdef0123456789abcdef");
    fixture.tool = fixture.tool.with("DOCTOR_TOKEN", "marker-token");
    assert_eq!(fixture.causes().await, ["warn caller.unproven token-not-needed"]);
}

#[tokio::test]
async fn headers_that_are_changed_on_the_way_are_noticed() {
    type Touch = fn(&Method, &mut HeaderMap);
    let table: [(Touch, &str); 3] = [
        (
            |method, headers| {
                if method == Method::POST {
                    headers.remove(ACCESS_CONTROL_ALLOW_ORIGIN);
                }
            },
            "fail page.call cors-absent",
        ),
        (
            |method, headers| {
                if method == Method::POST {
                    let other = "https://cached.example".parse().unwrap();
                    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, other);
                }
            },
            "fail page.call other-origin",
        ),
        (
            |_, headers| {
                headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, "accept".parse().unwrap());
            },
            "fail page.preflight header-not-allowed",
        ),
    ];
    for (change_headers, name) in table {
        let names = DoctorFixture { change_headers, ..DoctorFixture::new() }.causes().await;
        assert_eq!(names, [name, "warn caller.nobody open-to-everyone"]);
    }
}

#[tokio::test]
async fn a_route_for_listed_origins_refuses_a_request_without_one() {
    let names = DoctorFixture::new()
        .with("UPLOAD_AUTH", "origin")
        .with("UPLOAD_ORIGINS", PAGE)
        .causes()
        .await;
    assert_eq!(names, [] as [&str; 0]);
}
