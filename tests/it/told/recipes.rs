//! The README's recipes for a back end that verifies a receipt by itself, run as they stand there.

use std::process::Command;

use serde_json::Value;

fn recipe(language: &str) -> &'static str {
    let readme = include_str!("../../../README.md");
    let after = readme.split("<!-- receipt-recipes -->").nth(1).unwrap();
    let block = after.split(&format!("```{language}\n")).nth(1).unwrap();
    block.split("```").next().unwrap()
}

fn run(program: &str, arguments: &[&str], code: &str, key: &str) -> Option<String> {
    let output = Command::new(program)
        .args(arguments)
        .arg(code)
        .env("UPLOAD_RECEIPT_KEYS", format!("another key of 32 bytes and more, {key}"))
        .env("PYTHONIOENCODING", "utf-8")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap().trim().to_owned();
    output.status.success().then_some(text)
}

#[test]
fn the_recipes_take_what_the_vectors_take_and_nothing_else() {
    let vectors: Value = serde_json::from_str(include_str!("../../vectors/receipt.json")).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let node = |receipt: &str| {
        format!("{}\nconsole.log(JSON.stringify(granted({receipt:?})))", recipe("js"))
    };
    let python = |receipt: &str| {
        format!("{}\nprint(json.dumps(granted({receipt:?}), ensure_ascii=False))", recipe("python"))
    };
    let languages: [(&str, &[&str], &dyn Fn(&str) -> String); 2] =
        [("node", &["--input-type=module", "-e"], &node), ("python3", &["-c"], &python)];
    for (program, arguments, code) in languages {
        for good in vectors["good"].as_array().unwrap() {
            let said = run(program, arguments, &code(&text(&good["receipt"])), &text(&good["key"]));
            let said: Value = serde_json::from_str(&said.unwrap()).unwrap();
            let payload: Value = serde_json::from_str(&text(&good["payload"])).unwrap();
            assert_eq!(said, payload, "{program}: {}", good["name"]);
        }
        // A payload that is signed well is the function's own, so the recipes leave its shape alone.
        for bad in vectors["bad"].as_array().unwrap().iter().filter(|bad| bad["signed"] == false) {
            let said = run(program, arguments, &code(&text(&bad["receipt"])), &text(&bad["key"]));
            assert_eq!(said, None, "{program}: {}", bad["name"]);
        }
    }
}
