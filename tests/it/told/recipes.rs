//! The README's recipes for a back end that verifies a receipt by itself, run as they stand there.

use std::process::Command;

use serde_json::Value;
use serde_json::json;

/// Shows each receipt to the recipe, with its key behind another one, and says what was granted.
const IN_NODE: &str = "
for (const { key, receipt } of JSON.parse(process.env.CASES)) {
  process.env.UPLOAD_RECEIPT_KEYS = `another key of 32 bytes and more, ${key}`
  let said = null
  try { said = granted(receipt) } catch {}
  console.log(JSON.stringify(said))
}";

const IN_PYTHON: &str = "
for case in json.loads(os.environ['CASES']):
    os.environ['UPLOAD_RECEIPT_KEYS'] = 'another key of 32 bytes and more, ' + case['key']
    try:
        print(json.dumps(granted(case['receipt'])))
    except ValueError:
        print('null')
";

fn recipe(language: &str) -> &'static str {
    let readme = include_str!("../../../README.md");
    let after = readme.split("<!-- receipt-recipes -->").nth(1).unwrap();
    let block = after.split(&format!("```{language}\n")).nth(1).unwrap();
    block.split("```").next().unwrap()
}

/// What the recipe says of each case; nothing where it refuses.
fn run(program: &str, arguments: &[&str], code: &str, cases: &[Value]) -> Vec<Value> {
    let output = Command::new(program)
        .args(arguments)
        .arg(code)
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
    let cases: Vec<_> = good.iter().chain(bad).cloned().collect();
    let payload = |case: &Value| {
        case["payload"].as_str().map_or(Value::Null, |text| serde_json::from_str(text).unwrap())
    };
    let expected: Vec<_> = cases.iter().map(payload).collect();
    let node = recipe("js").to_owned() + IN_NODE;
    assert_eq!(run("node", &["--input-type=module", "-e"], &node, &cases), expected);
    let python = recipe("python").to_owned() + IN_PYTHON;
    assert_eq!(run("python3", &["-c"], &python, &cases), expected);
}
