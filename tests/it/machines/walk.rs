//! A client that knows nothing but the document calls whatever it describes, rightly and wrongly, and
//! holds each answer against it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use http::Request;
use jsonschema::Validator;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseResult, TestRng, TestRunner};
use proptest::{prop_assert, prop_assert_eq};

use crate::machines::calls;
use crate::machines::calls::Call;
use crate::machines::document::{Document, Operation};
use crate::support::app::Answer;
use crate::support::source::statuses;

/// Enough that every answer is met which some function below can give.
const CASES: u32 = 6000;

/// What the answers have to be.
struct Judge {
    document: &'static Document,
    operations: Vec<Operation>,
    schemas: BTreeMap<(usize, String), Validator>,
    statuses: BTreeMap<String, String>,
    /// The path and status of every answer so far.
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

    /// Finds the answer in the document, and holds body, code and headers against it.
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
            let value = calls::value(&header["schema"], text.to_str().unwrap());
            prop_assert!(self.document.answered(&header["schema"]).is_valid(&value), "{whole}");
        }

        // The schemas of requests are exact too: what they take is understood, what they do not is
        // never granted.
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
    let functions = calls::functions();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let config = Config { failure_persistence: None, ..Config::with_cases(CASES) };
    // Loaded dice, so that what is met is met every time.
    let dice = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, dice);
    let outcome = runner.run(&calls::call(document, functions.len()), |call| {
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

    // What only OSS asks needs OSS's signature, and is walked in `callback::described`. Uploads in parts need a bucket,
    // and are walked in `multipart`.
    // Session keys need STS, and are walked in `credentials::session_keys`.
    let elsewhere =
        ["/multipart", "/s3/created/", "/s3/completed/", "/callback/{route}", "/sts/{route}"];
    let walked =
        judge.operations.iter().filter(|one| !elsewhere.iter().any(|part| one.path.contains(part)));
    let needs_a_bucket = |status: &str| matches!(status, "409" | "410" | "502");
    let described = walked.flat_map(|one| {
        let statuses = one.responses.iter().map(|(status, _)| status.clone());
        let statuses = statuses.filter(|status| status != "default" && !needs_a_bucket(status));
        statuses.map(|status| (one.path.clone(), status))
    });
    let met = judge.met.into_inner();
    let missed: Vec<_> = described.filter(|one| !met.contains(one)).collect();
    assert_eq!(missed, [], "described and never met");
}
