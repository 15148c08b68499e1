//! The README keeps telling the truth: every setting, every code, every file that it names.

use std::fs;
use std::path::Path;

use crate::support::PROJECT;
use crate::support::source::README;
use crate::support::source::codes;
use crate::support::source::quoted;
use crate::support::source::source;
use crate::support::source::statuses;

#[test]
fn every_setting_is_in_the_table() {
    let text = source("src/config/entry.rs").replace("\n    setting(", " setting(");
    let settings: Vec<_> =
        text.lines().filter(|line| line.contains("Setting = setting(")).collect();
    assert!(settings.len() >= 36, "{settings:?}");
    let secrets = quoted("src/config/entry.rs", ": &str = ");
    for secret in secrets.iter().filter(|name| name.starts_with("UPLOAD_")) {
        assert!(README.contains(&format!("`{secret}` (")), "the README lacks {secret}");
    }
    for line in settings {
        let names: Vec<_> = line.split('"').skip(1).step_by(2).collect();
        let row = format!("| `{}` | `{}` |", names[0], names[1]);
        assert!(README.contains(&row), "the README lacks {row}");
    }
}

#[test]
fn every_code_is_explained() {
    let codes = codes();
    assert!(codes.len() >= 49, "{codes:?}");
    for code in codes {
        assert!(statuses().contains_key(&code), "the README lacks the code {code}");
    }
}

#[test]
fn every_link_into_the_repository_leads_somewhere() {
    let links = README.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    for link in links.filter(|link| !link.starts_with("http") && !link.starts_with('#')) {
        let path = Path::new(PROJECT).join(link);
        assert!(path.exists(), "{link} leads nowhere");
    }
}

#[test]
fn every_recipe_is_the_file_that_the_tests_run() {
    let folder = Path::new(PROJECT).join("tests/web/clients");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let recipes: Vec<_> = files.filter(|path| path.is_file()).collect();
    assert!(recipes.len() >= 13, "{recipes:?}");
    for recipe in recipes {
        let language = recipe.extension().unwrap().to_str().unwrap();
        let block = format!("\n```{language}\n{}```\n", fs::read_to_string(&recipe).unwrap());
        assert!(README.contains(&block), "the README shows another {}", recipe.display());
    }
}

#[test]
fn what_a_back_end_needs_is_the_files_that_the_tests_run() {
    let folder = Path::new(PROJECT).join("tests/web/told");
    let files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() >= 5, "{files:?}");
    for file in files {
        let language = file.extension().unwrap().to_str().unwrap().trim_start_matches('m');
        let block = format!("\n```{language}\n{}```\n", fs::read_to_string(&file).unwrap());
        assert!(README.contains(&block), "the README shows another {}", file.display());
    }
}

#[test]
fn the_clients_are_named_with_the_versions_that_the_tests_run() {
    let version = |file: &str, section: &str, package: &str| {
        let json: serde_json::Value = serde_json::from_str(&source(file)).unwrap();
        json[section][package].as_str().unwrap().to_owned()
    };
    for package in ["antd", "dropzone", "element-plus", "filepond", "plupload", "uview-plus"] {
        let version = version("tests/web/package.json", "devDependencies", package);
        assert!(README.contains(&format!("`{package}` {version}")), "{package} {version}");
    }
    for major in 3..=6 {
        let file = format!("tests/web/clients/uppy-{major}/package.json");
        let version = version(&file, "dependencies", "@uppy/aws-s3");
        assert!(README.contains(&version), "the README does not say Uppy {version}");
    }
}
