//! The README and the pages in `docs/` are right: every setting, every code, every file that they name.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::PROJECT;
use crate::support::source::{DOCUMENTS, codes, source, statuses};

#[test]
fn every_code_is_explained() {
    let codes = codes();
    assert!(codes.len() >= 49, "{codes:?}");
    for code in codes {
        assert!(statuses().contains_key(&code), "the documents lack the code {code}");
    }
}

#[test]
fn every_link_into_the_repository_leads_somewhere() {
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        let links = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for link in links.filter(|link| !link.starts_with("http")) {
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let target =
                if file.is_empty() { page.clone() } else { page.parent().unwrap().join(file) };
            assert!(target.exists(), "{}: {link} leads nowhere", page.display());
            if !heading.is_empty() {
                let headings = headings(&fs::read_to_string(&target).unwrap());
                let is_there = headings.iter().any(|one| one == heading);
                assert!(is_there, "{}: {link} names none of {headings:?}", page.display());
            }
        }
    }
}

/// The README and the pages in `docs/`.
fn pages() -> Vec<PathBuf> {
    let folder = Path::new(PROJECT).join("docs");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut pages: Vec<_> =
        files.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect();
    assert!(pages.len() >= 15, "{pages:?}");
    pages.push(Path::new(PROJECT).join("README.md"));
    pages
}

/// The anchors of a page's headings, as they are made on a repository's page.
fn headings(text: &str) -> Vec<String> {
    let lines = text.lines().filter_map(|line| line.strip_prefix('#'));
    let titles = lines.map(|line| line.trim_start_matches('#').trim().to_lowercase());
    titles.map(|title| title.replace(' ', "-").replace([',', '.', '`', '(', ')'], "")).collect()
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
        assert!(DOCUMENTS.contains(&block), "the documents show another {}", recipe.display());
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
        assert!(DOCUMENTS.contains(&block), "the documents show another {}", file.display());
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
        assert!(DOCUMENTS.contains(&format!("`{package}` {version}")), "{package} {version}");
    }
    for major in 3..=6 {
        let file = format!("tests/web/clients/uppy-{major}/package.json");
        let version = version(&file, "dependencies", "@uppy/aws-s3");
        assert!(DOCUMENTS.contains(&version), "the documents do not say Uppy {version}");
    }
}
