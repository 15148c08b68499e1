//! The README's recipes for a back end that verifies a receipt by itself, run as they stand there.

use std::process::Command;

use oss_upload_signer::callback::receipt::Receipt;
use oss_upload_signer::secret::Secret;
use serde_json::{Value, json};

/// Shows each receipt to the recipe, with the keys of its case, and says what was granted.
const IN_NODE: &str = "
for (const { keys, receipt } of JSON.parse(process.env.CASES)) {
  if (keys === null) delete process.env.UPLOAD_RECEIPT_KEYS
  else process.env.UPLOAD_RECEIPT_KEYS = keys
  let said = null
  try { said = granted(receipt) } catch {}
  console.log(JSON.stringify(said))
}";

const IN_PYTHON: &str = "
for case in json.loads(os.environ['CASES']):
    os.environ.pop('UPLOAD_RECEIPT_KEYS', None)
    if case['keys'] is not None:
        os.environ['UPLOAD_RECEIPT_KEYS'] = case['keys']
    try:
        print(json.dumps(granted(case['receipt'])))
    except ValueError:
        print('null')
";

/// Says what the recipe hashes these variables to.
const HASHED_IN_NODE: &str = "
for (const { variables } of JSON.parse(process.env.CASES)) console.log(JSON.stringify(hashOf(variables)))";

const HASHED_IN_PYTHON: &str = "
for case in json.loads(os.environ['CASES']):
    print(json.dumps(hash_of(case['variables'])))
";

fn recipe(language: &str) -> &'static str {
    let readme = include_str!("../../../docs/callbacks.md");
    let after = readme.split("<!-- receipt-recipes -->").nth(1).unwrap();
    let block = after.split(&format!("```{language}\n")).nth(1).unwrap();
    block.split("```").next().unwrap()
}

/// What the recipe says of each case; nothing where it refuses.
fn run(program: &str, arguments: &[&str], code: &str, cases: &[Value]) -> Vec<Value> {
    let output = Command::new(program)
        .args(arguments)
        .arg(code)
        .env_remove("UPLOAD_RECEIPT_KEYS")
        .env("CASES", json!(cases).to_string())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).unwrap();
    said.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn the_recipes_take_what_the_vectors_take_and_nothing_else() {
    let vectors: Value = serde_json::from_str(include_str!("../../vectors/receipt.json")).unwrap();
    let good = vectors["good"].as_array().unwrap();
    // A payload that is signed well is the function's own, so the recipes leave its shape alone.
    let bad = vectors["bad"].as_array().unwrap().iter().filter(|bad| bad["signed"] == false);
    let mut cases: Vec<_> = good.iter().chain(bad).cloned().collect();
    for case in &mut cases {
        let key = case["key"].as_str().unwrap();
        case["keys"] = format!("another key of 32 bytes and more, {key}").into();
    }
    let payload = |case: &Value| {
        case["payload"].as_str().map_or(Value::Null, |text| serde_json::from_str(text).unwrap())
    };
    let expected: Vec<_> = cases.iter().map(payload).collect();
    assert_eq!(in_both(&cases), [expected.clone(), expected]);
}

/// What the recipe of each language says of the cases.
fn in_both(cases: &[Value]) -> [Vec<Value>; 2] {
    let node = recipe("js").to_owned() + IN_NODE;
    let python = recipe("python").to_owned() + IN_PYTHON;
    [
        run("node", &["--input-type=module", "-e"], &node, cases),
        run("python3", &["-c"], &python, cases),
    ]
}

#[test]
fn no_recipe_takes_a_receipt_that_is_sealed_with_the_empty_key() {
    let vectors: Value = serde_json::from_str(include_str!("../../vectors/receipt.json")).unwrap();
    let good = &vectors["good"][0];
    let (key, genuine) = (good["key"].as_str().unwrap(), good["receipt"].as_str().unwrap());
    let receipt = Receipt::verify(genuine, &[Secret::new(key)]).unwrap();
    let forged = receipt.sign(&Secret::new(""));
    let mut cases = Vec::new();
    for receipt in [forged.as_str(), genuine] {
        for keys in [
            Some(format!("{key},")),
            Some(format!(",{key}")),
            Some(format!("{key}, ,another key of 32 bytes and more")),
            Some(",".to_owned()),
            Some(" ".to_owned()),
            Some(String::new()),
            None,
        ] {
            cases.push(json!({"keys": keys, "receipt": receipt}));
        }
    }
    let refused = vec![Value::Null; cases.len()];
    assert_eq!(in_both(&cases), [refused.clone(), refused]);
    let fine = [json!({"keys": key, "receipt": genuine})];
    assert!(
        in_both(&fine).iter().all(|said| said[0].is_object()),
        "the keys alone are what is wrong"
    );
}

#[test]
fn the_back_end_of_the_readme_refuses_to_start_without_a_secret() {
    let back_end = include_str!("../../web/callbacks/back-end.mjs");
    // What comes before the package is made is the recipe's own; the package is not installed here.
    let (before, _) = back_end.split_once("const webhook").unwrap();
    let (_, check) = before.split_once("\n}\n").unwrap();
    for secret in [None, Some(""), Some("whsec_"), Some("whsec_c2hvcnQ="), Some("secret")] {
        let mut command = Command::new("node");
        command.args(["--input-type=module", "-e", check]).env_remove("UPLOAD_WEBHOOK_SECRET");
        if let Some(secret) = secret {
            command.env("UPLOAD_WEBHOOK_SECRET", secret);
        }
        let output = command.output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(
            error.contains("UPLOAD_WEBHOOK_SECRET is not set, or no secret"),
            "{secret:?}: {error}"
        );
    }
    let good = format!("whsec_{}", "mine".repeat(8));
    let mut command = Command::new("node");
    command.args(["--input-type=module", "-e", check]).env("UPLOAD_WEBHOOK_SECRET", good);
    assert!(command.status().unwrap().success());
}

#[test]
fn the_recipes_hash_variables_as_the_receipts_do() {
    let vectors: Value = serde_json::from_str(include_str!("../../vectors/receipt.json")).unwrap();
    let good = vectors["good"].as_array().unwrap().iter();
    let cases: Vec<_> = good.filter(|case| case["variables"].is_object()).cloned().collect();
    assert!(cases.len() >= 3, "{cases:?}");
    let hash = |case: &Value| {
        let payload: Value = serde_json::from_str(case["payload"].as_str().unwrap()).unwrap();
        payload["vars"].clone()
    };
    let expected: Vec<_> = cases.iter().map(hash).collect();
    let node = recipe("js").to_owned() + HASHED_IN_NODE;
    assert_eq!(run("node", &["--input-type=module", "-e"], &node, &cases), expected);
    let python = recipe("python").to_owned() + HASHED_IN_PYTHON;
    assert_eq!(run("python3", &["-c"], &python, &cases), expected);
}
