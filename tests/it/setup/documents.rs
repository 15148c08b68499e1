//! What a deployment needs is said in one way: by `s.yaml`, by the policies that the documents print, and by `setup`.

use std::collections::BTreeSet;
use std::fs;

use crate::support::PROJECT;
use crate::support::tool::Tool;

/// The beginning of a line with a policy.
const POLICY: &str = r#"{"Version":"1","Statement":"#;

/// The documents that print policies.
const DOCUMENTS: [&str; 3] = ["docs/deploy.md", "docs/zh/deploy.md", ".deploy/app/readme.md"];

fn read(name: &str) -> String {
    fs::read_to_string(format!("{PROJECT}/{name}")).unwrap()
}

fn policies(text: &str) -> BTreeSet<String> {
    let lines = text.lines().map(str::trim).filter(|line| line.starts_with(POLICY));
    lines.map(str::to_owned).collect()
}

/// Returns what `setup --print` writes for a settings file.
async fn print(tool: &Tool, settings: &str) -> String {
    tool.write("upload.toml", settings);
    let target = ["--bucket", "my-bucket", "--region", "cn-hangzhou"];
    tool.run(&[&["setup", "--print", "--origin", "https://app.example.com"], &target[..]].concat())
        .await
        .good()
}

#[tokio::test]
async fn each_policy_of_the_documents_is_one_that_setup_makes() {
    let tool = Tool::new();
    let plain = policies(&print(&tool, "").await);
    let multipart = policies(&print(&tool, "[routes.default]\nmultipart.enabled = true\n").await);
    assert_eq!((plain.len(), multipart.len(), plain.union(&multipart).count()), (2, 2, 3));
    for name in DOCUMENTS {
        let printed = policies(&read(name));
        assert!(plain.is_subset(&printed), "{name} lacks one of {plain:#?}");
        let unknown: Vec<_> = printed.iter().filter(|one| !multipart.contains(*one)).collect();
        let is_plain = unknown.iter().all(|one| plain.contains(*one));
        assert!(is_plain, "{name} has another policy than setup: {unknown:#?}");
    }
    let english = policies(&read("docs/deploy.md"));
    assert!(multipart.is_subset(&english), "docs/deploy.md lacks one of {multipart:#?}");
}

#[test]
fn no_other_document_prints_a_policy() {
    let folders = ["", "docs", "docs/zh"].map(|folder| format!("{PROJECT}/{folder}"));
    for entry in folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap()) {
        let path = entry.unwrap().path();
        let name = path.display().to_string();
        let is_known = DOCUMENTS.iter().any(|known| name.ends_with(known));
        if is_known || path.extension().is_none_or(|extension| extension != "md") {
            continue;
        }
        let found = policies(&fs::read_to_string(&path).unwrap());
        assert!(found.is_empty(), "{name}: add it to the documents of this test, for {found:?}");
    }
}

#[tokio::test]
async fn the_role_of_the_deployment_is_the_one_that_setup_makes() {
    let role = |text: &str| {
        let rest = text.split("--RoleName ").nth(1).unwrap();
        rest.split_whitespace().next().unwrap().to_owned()
    };
    let name = role(&print(&Tool::new(), "").await);
    let line = format!("  role: ${{env('OSS_UPLOAD_ROLE', '{name}')}}");
    assert!(read("s.yaml").lines().any(|one| one == line), "s.yaml lacks {line}");
    let other = Tool::new().with("OSS_UPLOAD_ROLE", "other-role");
    assert_eq!(role(&print(&other, "").await), "other-role");
}

#[test]
fn the_page_about_deployment_begins_with_the_three_commands() {
    for name in &DOCUMENTS[..2] {
        let text = read(name);
        let block = text.split("```sh\n").nth(1).unwrap().split("```").next().unwrap();
        let commands: Vec<_> = block
            .lines()
            .map(|line| {
                ["oss-upload setup ", "s deploy -y", "oss-upload doctor "]
                    .iter()
                    .position(|command| line.contains(command))
            })
            .collect();
        assert_eq!(commands, [Some(0), Some(1), Some(2)], "{name}: {block}");
    }
}
