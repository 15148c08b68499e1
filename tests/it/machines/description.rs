//! The document names every call and every code, each with its status, and nothing else.

use std::collections::BTreeSet;
use std::convert::Infallible;

use bytes::Bytes;
use fc_http::{Options, service_fn};
use http::{Request, Response};
use http_body_util::Full;
use serde_json::{Value, json};

use crate::callback::fixture::CallbackFixture;
use crate::machines::document::Document;
use crate::support::app::Function;
use crate::support::caller::Caller;
use crate::support::server::Server;
use crate::support::source::{codes, source, statuses};

/// The codes that a schema of an answer allows.
fn allowed(response: &Value) -> Vec<&str> {
    let errors = response.pointer("/content/application~1json/schema/properties/error/enum");
    errors.and_then(Value::as_array).unwrap().iter().map(|code| code.as_str().unwrap()).collect()
}

/// The calls of the router, as its source lists them.
fn table() -> BTreeSet<(String, String)> {
    let text = source("src/http/router.rs");
    let rows = text.split(".route(").filter_map(|row| row.trim_start().strip_prefix('"'));
    let rows = rows.filter_map(|row| {
        let (path, handler) = row.split_once("\",")?;
        Some((path.to_owned(), handler.trim_start().split('(').next()?.to_uppercase()))
    });
    rows.collect()
}

#[tokio::test]
async fn both_are_served_to_everyone() {
    let function = Function::new(&[("UPLOAD_AUTH", "origin")]);
    let openapi = function.get("/openapi.json").await;
    assert_eq!(openapi.json(), Document::read().0);
    let llms = function.get("/llms.txt").await;
    assert_eq!(llms.body, source("src/http/web/llms.txt"));
    for (answer, content_type) in
        [(openapi, "application/json"), (llms, "text/plain; charset=utf-8")]
    {
        assert_eq!(answer.status, 200);
        assert_eq!(answer.headers["content-type"], content_type);
        assert_eq!(answer.headers["cache-control"], "public, max-age=300");
        assert_eq!(answer.headers["access-control-allow-origin"], "*");
    }
}

#[test]
fn it_is_of_this_version() {
    assert_eq!(Document::read().0["info"]["version"], env!("CARGO_PKG_VERSION"));
}

#[test]
fn every_call_of_the_table_is_described_and_no_other() {
    let described = Document::read().operations().into_iter().map(|one| (one.path, one.method));
    assert_eq!(described.collect::<BTreeSet<_>>(), table());
}

#[tokio::test]
async fn every_call_is_there_with_its_method_and_no_other() {
    let document = Document::read();
    let fixture = CallbackFixture::new();
    let function = &fixture.function;
    for operation in document.operations() {
        let path = operation.path.replace("{route}", "default").replace("{name}", "default");
        let path = path.replace("{ticket}", "t").replace("{upload}", "u").replace("{part}", "1");
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            let described = document.0["paths"][&operation.path].get(method.to_lowercase());
            let request = Request::builder().method(method).uri(&path).body(Bytes::new()).unwrap();
            let answer = function.call(request).await;
            let status = answer.status;
            assert_eq!(status != 405, described.is_some(), "{method} {path}: {status}");
            // The path is there also where the route has no uploads in parts, no downloads and no session keys.
            let is_there = status != 404 || answer.code().ends_with("_not_enabled");
            assert!(is_there, "{method} {path}");
        }
    }
}

#[test]
fn the_list_of_codes_is_that_of_the_sources() {
    let document = Document::read();
    let listed = document.0["components"]["schemas"]["Code"]["enum"].as_array().unwrap().iter();
    let listed: BTreeSet<_> = listed.map(|code| code.as_str().unwrap().to_owned()).collect();
    assert_eq!(listed, codes());
}

#[test]
fn every_code_stands_under_its_status() {
    let document = Document::read();
    let statuses = statuses();
    let mut met = BTreeSet::new();
    for operation in document.operations() {
        for (status, response) in
            operation.responses.iter().filter(|(status, _)| !status.starts_with('2'))
        {
            for code in allowed(response) {
                met.insert(code.to_owned());
                let expected = &statuses[code];
                let said = response["description"].as_str().unwrap();
                // The runtime's own are under `default`, which describes the statuses in words.
                let fits = status == expected || status == "default" && said.contains(expected);
                assert!(fits || code == "body_unreadable", "{code} under {status}: {expected}");
            }
        }
    }
    // Nobody who calls as described is answered this.
    met.insert("method_not_allowed".to_owned());
    assert_eq!(met, codes());
}

#[tokio::test]
async fn what_the_runtime_refuses_is_as_described() {
    let document = Document::read();
    let failed = &document.0["components"]["responses"]["Failed"];
    let failed = document.answered(&failed["content"]["application/json"]["schema"]);
    let service =
        service_fn(async |_| Ok::<_, Infallible>(Response::new(Full::<Bytes>::default())));
    let server = Server::start(service, Options::default()).await;
    let ask = async |path: &str, lines: &str| {
        Caller::connect(server.address).await.ask("POST", path, lines).await
    };
    let answers = [
        ask(&format!("/{}", "a".repeat(9000)), "").await,
        ask("/", &format!("a: {}\r\n", "a".repeat(20_000))).await,
        ask("/", "content-length: 2000000\r\n").await,
        ask("/", "transfer-encoding: chunked\r\n\r\nno\r\n").await,
    ];
    assert_eq!(answers.each_ref().map(|answer| answer.status), [414, 431, 413, 400]);
    for answer in answers {
        let body: Value = serde_json::from_str(&answer.body).unwrap();
        assert!(failed.is_valid(&body), "{body}");
    }
}

#[tokio::test]
async fn what_clients_send_is_described_whole() {
    let document = Document::read();
    let function = Function::with_file(&[], "[routes.photos.metadata]\ntitle = \".+\"\n");
    let uuid = "0f0e0d0c-0b0a-4908-8706-050403020100";
    for (path, body) in [
        (
            "/uploads",
            json!({ "route": "photos", "files": [
                { "name": "a.png", "type": "image/png", "size": 1024, "metadata": { "title": "A" } },
                { "name": "图 1.pdf", "type": "", "size": 1 },
                { "name": null, "type": null, "size": null, "metadata": null },
                {},
            ] }),
        ),
        ("/uppy/{route}/sign", json!({ "key": "a.png", "contentType": "image/png", "size": 1 })),
        ("/uppy/{route}/sign", json!({ "method": "PUT", "key": format!("{uuid}-a.png") })),
    ] {
        let schema =
            document.operations().into_iter().find(|one| one.path == path).unwrap().body.unwrap();
        // As narrow as an answer: the document names every member.
        assert!(document.answered(&schema).is_valid(&body), "{body}");
        let answer =
            function.post(&path.replace("{route}", "photos"), &body.to_string()).await.whole();
        assert!(answer.starts_with("200 OK") && !answer.contains("\"error\""), "{answer}");
    }
}
