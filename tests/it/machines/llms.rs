//! `llms.txt` names nothing that is not there. Its code is run in a browser, by `tests/web`.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::machines::document::Document;
use crate::support::app::Function;
use crate::support::source::{DOCUMENTS, codes, source, statuses};

/// Names of the platform and of HTTP, and texts that only stand for something.
const PLAIN: [&str; 7] = [
    "https://signer.example.com",
    "Authorization: Bearer …",
    "X-Upload-Ticket",
    "Retry-After",
    "FormData",
    "{ authorization: 'Bearer …' }",
    "upload.toml",
];

fn page() -> String {
    source("src/http/web/llms.txt")
}

/// The names of all members that the document describes.
fn members(schema: &Value, found: &mut BTreeSet<String>) {
    let properties = schema["properties"].as_object().into_iter().flatten();
    found.extend(properties.map(|(name, _)| name.clone()));
    for inner in schema.as_object().into_iter().flatten().map(|(_, inner)| inner) {
        members(inner, found);
    }
}

#[test]
fn every_name_is_known() {
    let mut known = codes();
    members(&Document::read().0, &mut known);
    let types = source("src/http/web/client.d.ts");
    let prose: String = page().split("```").step_by(2).collect();
    for name in prose.split('`').skip(1).step_by(2) {
        let in_client =
            [format!("  {name}?: "), format!("class {name} "), format!("  | '{name}'\n")]
                .iter()
                .any(|definition| types.contains(definition));
        let in_readme = DOCUMENTS.contains(&format!("| `{name}` |"));
        let is_call = name.starts_with('/') || name.contains(" /");
        let is_known = known.contains(name) || in_client || in_readme || is_call;
        assert!(is_known || PLAIN.contains(&name), "{name} is nowhere else");
    }
}

#[tokio::test]
async fn every_call_answers() {
    let function = Function::new(&[]);
    let page = page();
    let calls =
        page.split('`').filter(|text| text.starts_with("GET /") || text.starts_with("POST /"));
    let calls: Vec<_> = calls.collect();
    assert!(calls.len() >= 2, "{calls:?}");
    let paths = Document::read().0["paths"].clone();
    for call in calls {
        let (method, path) = call.split_once(' ').unwrap();
        assert!(paths[path].get(method.to_lowercase()).is_some(), "{call}");
    }
    for path in ["/client.js", "/client.d.ts", "/openapi.json", "/uploads"] {
        assert!(page.contains(path), "{path}");
        assert_ne!(function.get(path).await.status, 404, "{path}");
    }
}

#[test]
fn every_code_stands_beside_its_status() {
    let statuses = statuses();
    let page = page();
    let rows = page.lines().filter(|line| line.starts_with("| 4") || line.starts_with("| 5"));
    let mut count = 0;
    for row in rows {
        let cells: Vec<_> = row.split('|').collect();
        for code in cells[2].split('`').skip(1).step_by(2) {
            assert!(cells[1].contains(&statuses[code]), "{code} is not {}", cells[1]);
            count += 1;
        }
    }
    assert!(count >= 9, "{count}");
}
