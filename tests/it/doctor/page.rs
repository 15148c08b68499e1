//! What can keep a page from the signer, and what should keep a foreign one and a stranger from it.

use http::header::{ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_ORIGIN};
use http::{HeaderMap, Method};
use insta::assert_snapshot;

use super::stage::{PAGE, Stage};

#[tokio::test]
async fn a_trigger_without_options_is_recognised() {
    let mut stage = Stage::new();
    stage.trigger.methods.retain(|method| method != Method::OPTIONS);
    assert_snapshot!(stage.troubles().await, @"
    FAIL  page.preflight  OPTIONS /uploads answered 405 without CORS headers, and it was not the function that answered
          is    missing-options-method
          why   A browser asks so before each call from a page of another origin; refused here, the call is
                never made.
          mend  Function Compute console > Functions > the function > Triggers > the HTTP trigger > Edit: add
                OPTIONS to the request methods (s.yaml: methods GET, HEAD, POST, OPTIONS). For a custom domain,
                do the same with the methods of its route.
    look  caller.nobody     who shows nothing gets a grant
          is    open-to-everyone
          why   Everyone who reaches the address can store files in the bucket, at your cost, within the route's
                limits.
          mend  If that is not meant, let the route ask for something and deploy: UPLOAD_AUTH=ticket, jwt, or
                all(origin, ticket).
    ");
}

#[tokio::test]
async fn a_trigger_without_post_is_recognised() {
    let mut stage = Stage::new();
    stage.trigger.methods.retain(|method| method != Method::POST);
    assert_eq!(stage.names().await, ["fail grant.given missing-method"]);
}

#[tokio::test]
async fn the_functions_own_page_does_without_options() {
    let mut stage = Stage::new();
    stage.arguments.clear();
    stage.trigger.methods.retain(|method| method != Method::OPTIONS);
    let names = stage.bucket(|oss| oss.cors_origins = vec!["*".to_owned()]).names().await;
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
async fn two_allowed_origins_in_one_answer_are_none() {
    let mut stage = Stage::new();
    stage.trigger.adds_cors = true;
    assert_snapshot!(stage.troubles().await, @"
    FAIL  page.preflight  Access-Control-Allow-Origin came more than once: https://app.example and *
          is    duplicate-allow-origin
          why   Browsers take two of them for none. The function adds one; the other is of the gateway or a
                proxy in front of it.
          mend  Take CORS off whatever stands in front of the function. Where it is the platform's default
                domain, bind a domain of your own, to which nothing is added: Function Compute console > Custom
                Domains > Add Custom Domain.
    FAIL  page.call       Access-Control-Allow-Origin came more than once: https://app.example and *
          is    duplicate-allow-origin
          why   Browsers take two of them for none. The function adds one; the other is of the gateway or a
                proxy in front of it.
          mend  as above: page, preflight
    look  caller.nobody     who shows nothing gets a grant
          is    open-to-everyone
          why   Everyone who reaches the address can store files in the bucket, at your cost, within the route's
                limits.
          mend  If that is not meant, let the route ask for something and deploy: UPLOAD_AUTH=ticket, jwt, or
                all(origin, ticket).
    ");
}

#[tokio::test]
async fn a_page_that_is_not_on_the_list_is_told_and_the_rest_is_looked_at() {
    let stage = || Stage::new().with("UPLOAD_ORIGINS", "https://other.example");
    let told = stage().run().await.out;
    assert!(told.contains("ok    elsewhere"), "the uploads were left out: {told}");
    assert_snapshot!(stage().troubles().await, @r#"
    FAIL  page.preflight  origin_not_allowed: Pages of "https://app.example" may not ask for uploads here. If they should,
          add the origin to UPLOAD_ORIGINS.
          is    origin_not_allowed
          why   The function gives grants to pages on its list only, and this page is not on it.
          mend  Add the origin to the function's environment and deploy, several with commas:
                  UPLOAD_ORIGINS=https://app.example
    FAIL  page.call       origin_not_allowed: Pages of "https://app.example" may not ask for uploads here. If they should,
          add the origin to UPLOAD_ORIGINS.
          is    origin_not_allowed
          why   The function gives grants to pages on its list only, and this page is not on it.
          mend  as above: page, preflight
    look  caller.nobody     who shows nothing gets a grant
          is    open-to-everyone
          why   Everyone who reaches the address can store files in the bucket, at your cost, within the route's
                limits.
          mend  If that is not meant, let the route ask for something and deploy: UPLOAD_AUTH=ticket, jwt, or
                all(origin, ticket).
    "#);
}

#[tokio::test]
async fn a_list_that_holds_every_page_is_a_failure_unless_it_is_meant() {
    let stage = || Stage::new().with("UPLOAD_ORIGINS", "*");
    assert_snapshot!(stage().troubles().await, @"
    FAIL  page.foreign    a page of https://doctor.invalid got a grant and may read it
          is    every-origin
          why   Any page in the world can upload in the name of who visits it.
          mend  Put the pages that may ask into the function's environment in place of *, and deploy:
                  UPLOAD_ORIGINS=https://app.example
                If every page is meant to ask, say so with --any-origin.
    look  caller.nobody     who shows nothing gets a grant
          is    open-to-everyone
          why   Everyone who reaches the address can store files in the bucket, at your cost, within the route's
                limits.
          mend  If that is not meant, let the route ask for something and deploy: UPLOAD_AUTH=ticket, jwt, or
                all(origin, ticket).
    ");
    let names = stage().told(&["--any-origin"]).names().await;
    assert_eq!(names, ["warn caller.nobody open-to-everyone"]);
    let ticket = || {
        let keys = "0123456789abcdef0123456789abcdef";
        stage().with("UPLOAD_AUTH", "ticket").with("UPLOAD_TICKET_KEYS", keys)
    };
    let names = ticket().names().await;
    assert_eq!(names, ["warn page.foreign every-origin", "fail grant.given ticket_missing"]);
    let names = ticket().told(&["--any-origin"]).names().await;
    assert_eq!(names, ["fail grant.given ticket_missing"]);
}

#[tokio::test]
async fn a_route_that_wants_a_caller_is_asked_with_a_ticket_from_the_environment() {
    let keys = "0123456789abcdef0123456789abcdef";
    let stage =
        || Stage::new().with("UPLOAD_AUTH", "all(origin, ticket)").with("UPLOAD_TICKET_KEYS", keys);
    assert_snapshot!(stage().troubles().await, @"
    FAIL  grant.given      ticket_missing: This route asks for a ticket. Send it as 'X-Upload-Ticket: <ticket>'.
          is    ticket_missing
          why   Without a grant no page can upload.
          mend  The route wants to know who asks. Set what a page would show, and run this again:
                  export DOCTOR_TICKET=$(oss-upload ticket --sub doctor)   # with UPLOAD_TICKET_KEYS
                  export DOCTOR_TOKEN=...                                  # a token of your issuer
    ");
    let mut with = stage();
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
async fn a_token_that_nobody_looks_at_protects_nothing() {
    let mut stage = Stage::new();
    stage.tool = stage.tool.with("DOCTOR_TOKEN", "marker-token");
    assert_snapshot!(stage.troubles().await, @"
    look  caller.unproven   a page of https://app.example gets a grant without its token
          is    token-not-needed
          why   Whoever opens the page can upload, and a program can name any page.
          mend  If that is not meant, let the route ask for both and deploy: UPLOAD_AUTH=all(origin, jwt), or
                all(origin, ticket).
    FAIL  caller.nobody     who shows nothing gets a grant, though there is a token to show
          is    open-to-everyone
          why   Everyone who reaches the address can store files in the bucket, at your cost, within the route's
                limits.
          mend  The route does not look at the token. Set what it asks for and deploy: UPLOAD_AUTH=jwt for
                tokens, ticket for tickets, any(jwt, ticket) for either.
    ");
}

#[tokio::test]
async fn a_token_beside_which_the_page_alone_will_do_is_told() {
    let mut stage = Stage::new()
        .with("UPLOAD_AUTH", "any(origin, jwt)")
        .with("UPLOAD_JWT_SECRET", "0123456789abcdef0123456789abcdef");
    stage.tool = stage.tool.with("DOCTOR_TOKEN", "marker-token");
    assert_eq!(stage.names().await, ["warn caller.unproven token-not-needed"]);
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
    for (touch, name) in table {
        let names = Stage { touch, ..Stage::new() }.names().await;
        assert_eq!(names, [name, "warn caller.nobody open-to-everyone"]);
    }
}

#[tokio::test]
async fn a_route_for_listed_pages_refuses_who_names_none() {
    let names =
        Stage::new().with("UPLOAD_AUTH", "origin").with("UPLOAD_ORIGINS", PAGE).names().await;
    assert_eq!(names, [] as [&str; 0]);
}
