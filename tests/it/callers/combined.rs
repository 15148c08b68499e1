//! Rules that combine, routes that differ, pages on the list, and the platform's own word.

use bytes::Bytes;
use fc_http::Event;
use http::Request;
use insta::assert_snapshot;
use oss_upload_signer::secret::Secret;

use crate::callers::{bearer, text, vectors};
use crate::support::app::{Function, NOW, context};
use crate::support::ticket::ticket_of;

const KEY: &str = "an example key of more than 32 bytes";

type Headers<'a> = &'a [(&'a str, &'a str)];

fn function(auth: &str) -> Function {
    let vectors = vectors();
    Function::new(&[
        ("UPLOAD_AUTH", auth),
        ("UPLOAD_JWT_SECRET", text(&vectors, "/secret")),
        ("UPLOAD_TICKET_KEYS", KEY),
        ("UPLOAD_ORIGINS", "https://*.example.com"),
    ])
}

fn ticket() -> String {
    signed_ticket("bob")
}

fn signed_ticket(subject: &str) -> String {
    let ticket = ticket_of(subject, NOW + 60);
    ticket.sign(&Secret::new(KEY))
}

#[tokio::test]
async fn rules_combine() {
    let vectors = vectors();
    let token = bearer(text(&vectors, "/tokens/hs256"));
    let broken = bearer("a.b.c");
    let ticket = ticket();
    let (jwt, ticket) = (("authorization", token.as_str()), ("x-upload-ticket", ticket.as_str()));
    let (bad_jwt, bad_ticket) = (("authorization", broken.as_str()), ("x-upload-ticket", "v1.x.y"));
    let page = ("origin", "https://app.example.com");
    let table: [(&str, Headers<'_>, &str); 19] = [
        ("any(jwt, ticket)", &[jwt], ""),
        ("any(jwt, ticket)", &[ticket], ""),
        ("any(jwt, ticket)", &[], "token_missing"),
        ("any(ticket, jwt)", &[], "ticket_missing"),
        ("any(jwt, ticket)", &[bad_ticket], "ticket_malformed"),
        ("any(ticket, jwt)", &[bad_jwt], "token_malformed"),
        ("any(jwt, ticket)", &[bad_jwt, ticket], ""),
        ("any(jwt, ticket)", &[bad_jwt, bad_ticket], "token_malformed"),
        ("all(jwt, ticket)", &[jwt], "ticket_missing"),
        ("all(jwt, ticket)", &[jwt, ticket], "subject_mismatch"),
        ("all(origin, any(jwt, ticket))", &[page, ticket], ""),
        ("all(origin, any(jwt, ticket))", &[ticket], "origin_required"),
        ("all(origin, any(jwt, ticket))", &[page], "token_missing"),
        (
            "all(origin, any(jwt, ticket))",
            &[("origin", "https://evil.example"), ticket],
            "origin_not_allowed",
        ),
        ("any(origin, ticket)", &[page], ""),
        ("any(origin, ticket)", &[], "origin_required"),
        ("origin", &[page], ""),
        ("origin", &[("origin", "https://example.com")], "origin_not_allowed"),
        ("anonymous", &[bad_jwt], ""),
    ];
    for (auth, headers, expected) in table {
        let answer = function(auth).ask("", headers).await;
        assert_eq!(answer.code(), expected, "{auth} {headers:?}");
    }
}

#[tokio::test]
async fn a_token_and_a_ticket_name_one_subject() {
    let vectors = vectors();
    let alice = bearer(text(&vectors, "/tokens/hs256"));
    let unnamed = bearer(text(&vectors, "/tokens/without_subject"));
    let page = ("origin", "https://app.example.com");
    for (auth, token, subject, expected) in [
        ("all(jwt, ticket)", &alice, "alice", ""),
        ("all(jwt, ticket)", &alice, "bob", "subject_mismatch"),
        ("all(ticket, jwt)", &alice, "bob", "subject_mismatch"),
        ("all(jwt, ticket)", &alice, "Alice", "subject_mismatch"),
        ("all(jwt, ticket)", &alice, "alice ", "subject_mismatch"),
        ("all(jwt, ticket)", &unnamed, "bob", ""),
        (
            "all(origin, any(all(jwt, ticket), all(ticket, origin, jwt)))",
            &alice,
            "bob",
            "subject_mismatch",
        ),
        ("all(origin, all(origin, jwt), ticket)", &alice, "bob", "subject_mismatch"),
        // Each way is enough, so the other one says nothing.
        ("any(jwt, ticket)", &alice, "bob", ""),
        ("any(all(jwt, ticket), ticket)", &alice, "bob", ""),
    ] {
        let ticket = signed_ticket(subject);
        let shown = [("authorization", token.as_str()), ("x-upload-ticket", &ticket), page];
        assert_eq!(function(auth).ask("", &shown).await.code(), expected, "{auth} {subject}");
    }
    let ticket = ticket();
    let shown = [("authorization", alice.as_str()), ("x-upload-ticket", &ticket)];
    assert_snapshot!(function("all(jwt, ticket)").ask("", &shown).await.whole(), @r#"
    403 Forbidden
    cache-control: no-store
    content-length: 157
    content-type: application/json
    vary: Origin
    x-content-type-options: nosniff

    {"error":"subject_mismatch","message":"Token and ticket name different subjects. Send a ticket that was minted for who has signed in.","request_id":"1-test"}
    "#);
}

#[tokio::test]
async fn origin_required() {
    assert_snapshot!(function("origin").ask("", &[]).await.whole(), @r#"
    403 Forbidden
    cache-control: no-store
    content-length: 195
    content-type: application/json
    vary: Origin
    x-content-type-options: nosniff

    {"error":"origin_required","message":"This route is for pages on the list, and the call names no page. Call it from a browser's page of another origin than the function's.","request_id":"1-test"}
    "#);
}

#[tokio::test]
async fn each_route_has_its_own_rule() {
    let file =
        "auth = \"ticket\"\n[routes.default]\n[routes.open]\nauth = \"anonymous\"\n[routes.top]\n";
    let variables = [("UPLOAD_AUTH", ""), ("UPLOAD_TICKET_KEYS", KEY)];
    let function = Function::with_file(&variables, file);
    for (query, expected) in [
        ("", "ticket_missing"),
        ("?route=open", ""),
        ("?route=top", "ticket_missing"),
        ("?route=no", "route_not_found"),
    ] {
        assert_eq!(function.ask(query, &[]).await.code(), expected, "{query}");
    }
    let answer = function.post("/uploads", r#"{"route":"top","files":[{"name":"a.png"}]}"#).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (401, "ticket_missing"));
}

#[tokio::test]
async fn preflights_and_open_paths_ask_for_nothing() {
    let function = function("jwt");
    let preflight = Request::options("/uploads")
        .header("origin", "https://app.example.com")
        .header("access-control-request-method", "POST");
    assert_eq!(function.call(preflight.body(Bytes::new()).unwrap()).await.status, 204);
    for path in ["/", "/client.js", "/health"] {
        assert_eq!(function.get(path).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn an_event_invocation_was_let_in_by_the_platform() {
    let mut request =
        Request::post("/invoke").body(Bytes::from(r#"{"files":[{"name":"a.png"}]}"#)).unwrap();
    request.extensions_mut().insert(context(Event::Invoke));
    assert_eq!(function("all(origin, jwt)").call(request).await.status, 200);
}

#[tokio::test]
async fn a_key_speaks_of_who_was_let_in() {
    let vectors = vectors();
    let token = bearer(text(&vectors, "/tokens/hs256"));
    let file = "[routes.default]\nauth = \"any(jwt, ticket)\"\ndir = \"u/{sub}/\"\n\
                [routes.tenants]\nauth = \"jwt\"\ndir = \"t/{claim:tenant}/{uuid}/\"\n";
    let secret = text(&vectors, "/secret");
    let keys = [("UPLOAD_AUTH", ""), ("UPLOAD_JWT_SECRET", secret), ("UPLOAD_TICKET_KEYS", KEY)];
    let function = Function::with_file(&keys, file);
    let ticket = ticket();
    for (query, header, expected) in [
        ("", ("authorization", token.as_str()), "u/alice/"),
        ("", ("x-upload-ticket", ticket.as_str()), "u/bob/"),
        ("?route=tenants", ("authorization", &token), "t/t1/abababab-abab-4bab-abab-abababababab/"),
    ] {
        let answer = function.ask(query, &[header]).await.json();
        assert_eq!(answer["dir"], expected, "{answer}");
    }
}

#[tokio::test]
async fn a_ticket_in_the_path_lets_uppy_in() {
    let function = function("ticket");
    let path =
        |ticket: &str| format!("/uppy/default/t/{ticket}/s3/params?filename=a.png&type=image/png");
    assert_eq!(function.get(&path(&ticket())).await.status, 200);
    assert_eq!(function.get(&path("v1.a.b")).await.code(), "ticket_malformed");
    assert_eq!(
        function.get("/uppy/default/s3/params?filename=a.png").await.code(),
        "ticket_missing"
    );
}
