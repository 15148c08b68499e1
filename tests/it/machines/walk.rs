//! A client that knows nothing but the document calls whatever it describes, rightly and wrongly, and
//! holds each answer against it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt::Write;

use bytes::Bytes;
use http::Request;
use jsonschema::Validator;
use oss_upload_signer::identity::ticket::Ticket;
use oss_upload_signer::secret::Secret;
use proptest::collection;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::Config;
use proptest::test_runner::RngAlgorithm;
use proptest::test_runner::TestCaseResult;
use proptest::test_runner::TestRng;
use proptest::test_runner::TestRunner;
use serde_json::Value;
use serde_json::json;

use crate::machines::document::Document;
use crate::machines::document::Operation;
use crate::machines::values;
use crate::support::app::Answer;
use crate::support::app::Function;
use crate::support::app::NOW;
use crate::support::source::statuses;

/// Enough that every answer is met which some function below can give.
const CASES: u32 = 6000;

const KEY: &str = "an example key of more than 32 bytes";

const ROUTES: [&str; 6] = ["default", "avatar", "titled", "own", "old", "elsewhere"];

const FILE: &str = r#"
[routes.avatar]
key = "avatars/{uuid}.{ext}"
types = ["image/*", "text/plain"]
extensions = ["png"]
max_size = "2MiB"
max_files = 1

[routes.titled.metadata]
title = { required = true, pattern = ".{1,200}" }

[routes.own]
dir = "users/{sub}/"

[routes.old]
signature = "v1"
"#;

/// One call as it is sent.
#[derive(Clone, Debug)]
struct Call {
    operation: usize,
    function: usize,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    /// Whether path and query are as described.
    is_asked_rightly: bool,
    /// Whether the body is.
    is_body_right: bool,
}

/// Who is called: functions that let in, that ask, that have no keys, old ones, or no budget.
fn functions() -> Vec<Function> {
    let function = |variables: &[(&str, &str)]| {
        let pages = [("UPLOAD_ORIGINS", "https://app.example.com")];
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
    ]
}

fn ticket(route: Option<&str>) -> String {
    let ticket = Ticket {
        subject: "alice".to_owned(),
        route: route.map(str::to_owned),
        expires_at: NOW + 600,
        issued_at: None,
        not_before: None,
        id: None,
    };
    ticket.mint(&Secret::new(KEY))
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
fn value(schema: &Value, text: &str) -> Value {
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
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => {
                text.push(*byte as char)
            }
            _ => write!(text, "%{byte:02X}").unwrap(),
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
    let names_route = operation.path == "/uploads";
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

fn call(document: &'static Document, functions: usize) -> impl Strategy<Value = Call> {
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
    proptest::strategy::Union::new(calls)
}

/// What the answers have to be.
struct Judge {
    document: &'static Document,
    operations: Vec<Operation>,
    schemas: BTreeMap<(usize, String), Validator>,
    statuses: BTreeMap<String, String>,
    met: RefCell<BTreeSet<(String, String)>>,
}

impl Judge {
    fn new(document: &'static Document) -> Self {
        let operations = document.operations();
        let mut schemas = BTreeMap::new();
        for (index, operation) in operations.iter().enumerate() {
            for (status, response) in &operation.responses {
                let schema = &response["content"]["application/json"]["schema"];
                schemas.insert((index, status.clone()), document.answered(schema));
            }
        }
        Self { document, operations, schemas, statuses: statuses(), met: RefCell::default() }
    }

    fn judge(&self, call: &Call, answer: &Answer) -> TestCaseResult {
        let operation = &self.operations[call.operation];
        let whole = answer.whole();
        let status = answer.status.as_str();
        let described = operation.responses.iter().find(|(one, _)| one == status);
        let (named, response) = described
            .or_else(|| operation.responses.iter().find(|(one, _)| one == "default"))
            .unwrap();
        self.met.borrow_mut().insert((operation.path.clone(), named.clone()));

        prop_assert_eq!(&answer.headers["content-type"], "application/json", "{}", whole);
        let body = answer.json();
        let schema = &self.schemas[&(call.operation, named.clone())];
        if let Err(error) = schema.validate(&body) {
            prop_assert!(false, "{error}: {whole}");
        }
        if let Some(code) = body["error"].as_str() {
            prop_assert_eq!(&self.statuses[code], status, "{}", code);
        }
        for (name, header) in response["headers"].as_object().into_iter().flatten() {
            let header = self.document.resolve(header);
            let Some(text) = answer.headers.get(name) else {
                prop_assert!(header["required"] != true, "{name}: {whole}");
                continue;
            };
            let value = value(&header["schema"], text.to_str().unwrap());
            prop_assert!(self.document.answered(&header["schema"]).is_valid(&value), "{whole}");
        }

        let misunderstood = whole.contains(r#""error":"invalid_request""#);
        let rightly = call.is_asked_rightly && call.is_body_right;
        prop_assert!(!(rightly && misunderstood), "asked as described: {whole}");
        let granted = answer.status == 200 && !whole.contains(r#"{"error":"#);
        prop_assert!(call.is_body_right || !granted, "asked otherwise: {whole}");
        Ok(())
    }
}

#[test]
fn every_answer_is_as_described() {
    let document: &'static Document = Box::leak(Box::new(Document::read()));
    let judge = Judge::new(document);
    let functions = functions();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let config = Config { failure_persistence: None, ..Config::with_cases(CASES) };
    // Loaded dice, so that what is met is met every time.
    let dice = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, dice);
    let outcome = runner.run(&call(document, functions.len()), |call| {
        let method = judge.operations[call.operation].method.as_str();
        let mut request = Request::builder().method(method).uri(&call.path);
        for (name, value) in &call.headers {
            request = request.header(*name, value);
        }
        let request = request.body(Bytes::from(call.body.clone())).unwrap();
        let answer = runtime.block_on(functions[call.function].call(request));
        judge.judge(&call, &answer)
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));

    let described = judge.operations.iter().flat_map(|one| {
        let statuses = one.responses.iter().map(|(status, _)| status.clone());
        statuses.filter(|status| status != "default").map(|status| (one.path.clone(), status))
    });
    let met = judge.met.into_inner();
    let missed: Vec<_> = described.filter(|one| !met.contains(one)).collect();
    assert_eq!(missed, [], "described and never met");
}
