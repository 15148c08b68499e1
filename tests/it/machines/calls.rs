//! Calls as the document describes them, and calls that it does not: to whom, with what, from where.

use std::fmt::Write;

use oss_upload_signer::auth::ticket::Ticket;
use oss_upload_signer::secret::Secret;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::Union;
use proptest::{collection, option};
use serde_json::{Value, json};

use crate::machines::document::{Document, Operation};
use crate::machines::values;
use crate::support::app::{Function, NOW};
use crate::support::ticket::ticket_of;

const KEY: &str = "an example key of more than 32 bytes";

const ROUTES: [&str; 8] =
    ["default", "avatar", "titled", "own", "old", "callback", "callback-old", "elsewhere"];

const FILE: &str = r#"
[routes.avatar]
key = "avatars/{uuid}.{ext}"
types = ["image/*", "text/plain"]
extensions = ["png"]
max_size = "2MiB"
max_files = 1
download.enabled = true
download.process = ["style/thumbnail"]

[routes.titled.metadata]
title = { required = true, pattern = ".{1,200}" }

[routes.own]
dir = "users/{sub}/"

[routes.old]
signature = "v1"

[routes.callback]
callback.to = "https://back.example.com/"
callback.variables.day = "{dd}"

[routes.callback-old]
signature = "v1"
callback.to = "https://back.example.com/"
"#;

/// One call as it is sent.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) operation: usize,
    pub(super) function: usize,
    pub(super) path: String,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
    /// Whether path and query are as described.
    pub(super) is_asked_rightly: bool,
    /// Whether the body is.
    pub(super) is_body_right: bool,
}

/// Who is called: functions that let in, that ask, that have no keys, old ones, no budget, or no
/// address.
pub(super) fn functions() -> Vec<Function> {
    let function = |variables: &[(&str, &str)]| {
        let pages = [("UPLOAD_ORIGINS", "https://app.example.com"), ("UPLOAD_RECEIPT_KEYS", KEY)];
        Function::with_file(&[&pages, variables].concat(), FILE)
    };
    let asking = [
        ("UPLOAD_AUTH", "any(jwt, ticket)"),
        ("UPLOAD_JWT_SECRET", KEY),
        ("UPLOAD_TICKET_KEYS", KEY),
    ];
    let keyless = [
        ("ALIBABA_CLOUD_ACCESS_KEY_ID", ""),
        ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", ""),
        ("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true"),
    ];
    vec![
        function(&[]),
        function(&asking),
        function(&keyless),
        function(&[]).at(40 * 3600),
        function(&[("UPLOAD_BUDGET_GRANTS", "1")]),
        without_an_address(),
    ]
}

/// A function that OSS is to call, and that does not know where it is.
fn without_an_address() -> Function {
    let variables = [
        ("FC_FUNCTION_NAME", "signer"),
        ("UPLOAD_CREDENTIALS", "environment"),
        ("UPLOAD_RECEIPT_KEYS", KEY),
    ];
    Function::with_file(&variables, &FILE.replace("https://back.example.com/", "self"))
}

fn ticket(route: Option<&str>) -> String {
    let ticket = Ticket { route: route.map(str::to_owned), ..ticket_of("alice", NOW + 600) };
    ticket.sign(&Secret::new(KEY))
}

/// What shows who asks, or pretends to.
fn headers() -> impl Strategy<Value = Vec<(&'static str, String)>> {
    let of = |name, value: &str| vec![(name, value.to_owned())];
    select(vec![
        vec![],
        of("authorization", "Bearer a.b.c"),
        of("authorization", &format!("Bearer {}", ticket(None))),
        of("x-upload-ticket", &ticket(None)),
        of("x-upload-ticket", &ticket(Some("avatar"))),
        of("x-upload-ticket", "v1.e30.AAAA"),
        of("uppy-auth-token", "a.b.c"),
        of("origin", "https://app.example.com"),
        of("origin", "https://evil.example"),
    ])
}

/// The text of a parameter: as its schema wants it, or any bytes.
fn text(document: &Document, parameter: &Value) -> BoxedStrategy<Vec<u8>> {
    let good = values::good(document, &parameter["schema"]);
    let good = good.prop_map(|value| match value {
        Value::String(text) => text.into_bytes(),
        other => other.to_string().into_bytes(),
    });
    let tickets = select(vec![ticket(None), ticket(Some("avatar"))]).prop_map(String::into_bytes);
    let routes = select(&ROUTES[..]).prop_map(|route| route.as_bytes().to_vec());
    let junk = collection::vec(any::<u8>(), 1..6);
    match parameter["name"].as_str().unwrap() {
        "ticket" => prop_oneof![3 => tickets, 1 => good, 1 => junk].boxed(),
        "route" | "name" => prop_oneof![8 => routes, 2 => good, 1 => junk].boxed(),
        _ => prop_oneof![8 => good, 1 => junk].boxed(),
    }
}

/// A text as the value of a schema that may want a number.
pub(super) fn value(schema: &Value, text: &str) -> Value {
    match schema["type"].as_str() {
        Some("integer") => text.parse::<u64>().map_or(json!(text), |number| json!(number)),
        _ => json!(text),
    }
}

/// Tells whether a parameter's text is what its schema wants.
fn checker(document: &Document, parameter: &Value) -> impl Fn(&[u8]) -> bool + use<> {
    let schema = document.resolve(&parameter["schema"]).clone();
    let asked = document.asked(&schema);
    move |text| str::from_utf8(text).is_ok_and(|text| asked.is_valid(&value(&schema, text)))
}

fn escaped(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._".contains(byte) {
            text.push(char::from(*byte));
        } else {
            write!(text, "%{byte:02X}").unwrap();
        }
    }
    text
}

/// Path and query of an operation, and whether they are as described.
fn address(document: &'static Document, operation: &Operation) -> BoxedStrategy<(String, bool)> {
    let mut whole = Just((operation.path.clone(), true)).boxed();
    for parameter in operation.parameters.clone() {
        let text = values::given(parameter["in"] == "path", text(document, &parameter));
        let is_right = checker(document, &parameter);
        whole = (whole, text)
            .prop_map(move |((mut path, right), text)| {
                let Some(text) = text else { return (path, right) };
                let name = parameter["name"].as_str().unwrap();
                let right = right && is_right(&text);
                if parameter["in"] == "path" {
                    path = path.replace(&format!("{{{name}}}"), &escaped(&text));
                } else {
                    let sign = if path.contains('?') { '&' } else { '?' };
                    write!(path, "{sign}{name}={}", escaped(&text)).unwrap();
                }
                (path, right)
            })
            .boxed();
    }
    whole
}

/// A body of an operation, and whether it is as described.
fn body(document: &'static Document, operation: &Operation) -> BoxedStrategy<(Vec<u8>, bool)> {
    let Some(schema) = operation.body.clone() else {
        return Just((Vec::new(), true)).boxed();
    };
    let named = option::weighted(0.6, select(&ROUTES[..]));
    let names_route = matches!(operation.path.as_str(), "/uploads" | "/downloads");
    let good = (values::good(document, &schema), named).prop_map(move |(mut body, route)| {
        if let Some(route) = route.filter(|_| names_route) {
            body["route"] = json!(route);
        }
        body
    });
    let asked = document.asked(&schema);
    let written = prop_oneof![2 => good, 1 => values::spoilt(document, &schema)]
        .prop_map(move |body| (body.to_string().into_bytes(), asked.is_valid(&body)));
    let junk = collection::vec(any::<u8>(), 0..9).prop_map(|body| (body, false));
    prop_oneof![19 => written, 1 => junk].boxed()
}

/// Makes calls of every operation.
pub(super) fn call(document: &'static Document, functions: usize) -> impl Strategy<Value = Call> {
    let calls = document.operations().into_iter().enumerate().map(move |(index, operation)| {
        let parts =
            (0..functions, address(document, &operation), headers(), body(document, &operation));
        let call = parts.prop_map(move |(function, (path, asked), headers, (body, right))| Call {
            operation: index,
            function,
            path,
            headers,
            body,
            is_asked_rightly: asked,
            is_body_right: right,
        });
        call.boxed()
    });
    Union::new(calls)
}
