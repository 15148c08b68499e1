//! The README and the pages in `docs/` are right: error codes, links, snippets, versions, numbers of files, names of
//! tests. A page in Chinese has the settings, commands, code blocks and links of the page in English.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

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
    for path in pages() {
        for link in Page::read(&path).links.iter().filter(|link| !link.starts_with("http")) {
            let (file, anchor) = split_link(&path, link);
            assert!(file.exists(), "{}: {link} leads nowhere", path.display());
            if let Some(anchor) = anchor {
                let headings = Page::read(&file).headings;
                let is_there = headings.iter().any(|heading| heading.anchor == anchor);
                assert!(is_there, "{}: {link} names none of {headings:?}", path.display());
            }
        }
    }
}

/// The pages of the top and of `docs/`, in both languages.
fn pages() -> Vec<PathBuf> {
    let folders = ["", ".github", "docs", "docs/zh"].map(|folder| Path::new(PROJECT).join(folder));
    let files = folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap());
    let paths = files.map(|entry| entry.unwrap().path());
    let is_page = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "md");
    let pages: Vec<_> = paths.filter(is_page).collect();
    assert!(pages.len() >= 20, "{pages:?}");
    pages
}

/// A page in Markdown, taken apart.
#[derive(Debug, Default)]
struct Page {
    headings: Vec<Heading>,
    /// The blocks of code that name a language; a block without one is a drawing.
    blocks: Vec<String>,
    /// The inline code of the prose.
    codes: BTreeSet<String>,
    /// The targets of the links of the prose.
    links: Vec<String>,
    /// The number of table rows.
    rows: usize,
}

#[derive(Debug)]
struct Heading {
    level: usize,
    anchor: String,
}

impl Page {
    fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap();
        let mut page = Self::default();
        let mut prose = String::new();
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            if let Some(language) = line.trim_start().strip_prefix("```") {
                let is_end = |line: &&str| line.trim() == "```";
                let block: Vec<_> = lines.by_ref().take_while(|line| !is_end(line)).collect();
                if !language.is_empty() {
                    page.blocks.push(format!("{language}\n{}", block.join("\n")));
                }
                continue;
            }
            page.headings.extend(Heading::parse(line));
            page.rows += usize::from(line.starts_with('|'));
            prose.push_str(line);
            prose.push('\n');
        }
        let inline = prose.split('`').skip(1).step_by(2);
        page.codes =
            inline.map(|code| code.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        let targets = prose.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        page.links = targets.map(str::to_owned).collect();
        page
    }
}

impl Heading {
    /// Reads a heading; its anchor is the one that a repository's page gives to it.
    fn parse(line: &str) -> Option<Self> {
        let title = line.trim_start_matches('#');
        let level = line.len() - title.len();
        let title = title.strip_prefix(' ').filter(|_| level > 0)?.to_lowercase();
        let is_kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
        Some(Self {
            level,
            anchor: title.chars().filter(is_kept).collect::<String>().replace(' ', "-"),
        })
    }
}

/// The file and the anchor of a link in this page.
fn split_link<'a>(page: &Path, link: &'a str) -> (PathBuf, Option<&'a str>) {
    let (file, anchor) =
        link.split_once('#').map_or((link, None), |(file, anchor)| (file, Some(anchor)));
    let path = if file.is_empty() { page.to_owned() } else { page.parent().unwrap().join(file) };
    (normalized(&path), anchor)
}

/// The path without `..`, so that equal files have equal paths.
fn normalized(path: &Path) -> PathBuf {
    let mut normalized = PathBuf::new();
    for part in path.components() {
        if part == Component::ParentDir {
            normalized.pop();
        } else {
            normalized.push(part);
        }
    }
    normalized
}

#[test]
fn both_languages_have_the_same_settings_commands_blocks_and_links() {
    let translations = translations();
    assert!(translations.len() >= 5, "{translations:?}");
    for (chinese_path, english_path) in &translations {
        let (chinese, english) = (Page::read(chinese_path), Page::read(english_path));
        let name = chinese_path.display();
        let levels = |page: &Page| page.headings.iter().map(|one| one.level).collect::<Vec<_>>();
        assert_eq!(levels(&chinese), levels(&english), "{name}: levels of the headings");
        assert_eq!(chinese.blocks, english.blocks, "{name}: blocks of code");
        assert_eq!(chinese.rows, english.rows, "{name}: rows of tables");
        let missing: Vec<_> = english.codes.difference(&chinese.codes).collect();
        let surplus: Vec<_> = chinese.codes.difference(&english.codes).collect();
        assert!(
            missing.is_empty() && surplus.is_empty(),
            "{name} lacks {missing:?}, and adds {surplus:?}"
        );
        let chinese = targets(chinese_path, &chinese, &translations);
        let english = targets(english_path, &english, &translations);
        assert_eq!(chinese, english, "{name}: links");
    }
}

/// Each page in Chinese with the page in English.
fn translations() -> BTreeMap<PathBuf, PathBuf> {
    let top = normalized(Path::new(PROJECT));
    let files = fs::read_dir(top.join("docs/zh")).unwrap().map(|entry| entry.unwrap().path());
    let english = |path: &PathBuf| top.join("docs").join(path.file_name().unwrap());
    let mut translations: BTreeMap<_, _> =
        files.map(|path| (path.clone(), english(&path))).collect();
    translations.insert(top.join("README.zh-CN.md"), top.join("README.md"));
    translations
}

/// Where the links of a page lead, whatever the language: addresses, and files with the number of the heading.
fn targets(
    path: &Path,
    page: &Page,
    translations: &BTreeMap<PathBuf, PathBuf>,
) -> BTreeSet<(PathBuf, Option<usize>)> {
    let links = page.links.iter().map(|link| {
        if link.starts_with("http") {
            return (PathBuf::from(link), None);
        }
        let (file, anchor) = split_link(path, link);
        let heading = anchor.and_then(|anchor| {
            Page::read(&file).headings.iter().position(|heading| heading.anchor == anchor)
        });
        (translations.get(&file).cloned().unwrap_or(file), heading)
    });
    links.collect()
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
    let folder = Path::new(PROJECT).join("tests/web/callbacks");
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
    for package in [
        "@arco-design/web-vue",
        "@wangeditor/editor",
        "ant-design-vue",
        "antd",
        "dropzone",
        "element-plus",
        "filepond",
        "layui",
        "naive-ui",
        "plupload",
        "quasar",
        "react-dropzone",
        "tdesign-vue-next",
        "uview-plus",
        "vant",
    ] {
        let version = version("tests/web/package.json", "devDependencies", package);
        assert!(DOCUMENTS.contains(&format!("`{package}` {version}")), "{package} {version}");
    }
    for (folder, package) in [("element-ui", "element-ui"), ("uppy-6", "@uppy/xhr-upload")] {
        let file = format!("tests/web/clients/{folder}/package.json");
        let version = version(&file, "dependencies", package);
        assert!(DOCUMENTS.contains(&format!("`{package}` {version}")), "{package} {version}");
    }
    for major in 3..=6 {
        let file = format!("tests/web/clients/uppy-{major}/package.json");
        let version = version(&file, "dependencies", "@uppy/aws-s3");
        assert!(DOCUMENTS.contains(&version), "the documents do not say Uppy {version}");
    }
}

#[test]
fn the_threat_model_names_tests_that_exist() {
    let page = source("docs/security.md");
    let (_, section) = page.split_once("## Threat model").unwrap();
    let rows = section.lines().filter(|line| line.starts_with('|')).skip(2);
    let cells: Vec<_> = rows.filter_map(|row| row.split('|').nth(4)).collect();
    assert!(cells.len() >= 12, "{cells:?}");
    let sources =
        ["src", "crates", "tests"].map(|folder| rust_sources(&Path::new(PROJECT).join(folder)));
    let code: String =
        sources.iter().flatten().map(|file| fs::read_to_string(file).unwrap()).collect();
    for name in cells.iter().flat_map(|cell| cell.split('`').skip(1).step_by(2)) {
        let is_there = if name.strip_suffix(".mjs").is_some() {
            Path::new(PROJECT).join("tests/web").join(name).exists()
        } else if let Some((group, module)) = name.split_once("::") {
            Path::new(PROJECT).join(format!("tests/it/{group}/{module}.rs")).exists()
        } else {
            code.contains(&format!("fn {name}()"))
        };
        assert!(is_there, "docs/security.md names the test {name}, which does not exist");
    }
}

#[test]
fn the_numbers_of_files_are_right_within_a_tenth() {
    let page = source("docs/architecture.md");
    let rows = page.lines().filter_map(|line| line.split_once("`find ").map(|(_, row)| row));
    let mut count = 0;
    for row in rows {
        let folder = row.split(' ').next().unwrap();
        let claimed: usize = row.split('|').nth(1).unwrap().trim().parse().unwrap();
        let actual = rust_sources(&Path::new(PROJECT).join(folder)).len();
        assert!(
            actual.abs_diff(claimed) * 10 <= actual,
            "{folder} has {actual} files, not {claimed}"
        );
        count += 1;
    }
    assert!(count >= 5, "docs/architecture.md has {count} counts");
}

/// The files in Rust below a folder; not those of packages that tests have installed there.
fn rust_sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.flat_map(|path| match path.extension() {
        _ if path.is_dir() && !path.ends_with("node_modules") => rust_sources(&path),
        Some(extension) if extension == "rs" => vec![path],
        _ => Vec::new(),
    });
    files.collect()
}
