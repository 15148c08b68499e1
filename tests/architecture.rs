//! The architecture as a test: which module may import which, what a pure module may not touch, and
//! that no file imports in a circle. Between crates the compiler guards; this looks inside them.
//! The files are parsed, so groups, aliases and paths inside of expressions count as well.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};

/// Each module of the function, and the modules that it may import. `a::b` allows that file of `a` only.
const MODULES: &[(&str, &[&str])] = &[
    ("time", &[]),
    ("secret", &[]),
    ("crypto", &[]),
    ("net", &["time"]),
    ("cached_resource", &["net", "time"]),
    ("store", &["crypto", "net", "secret", "time"]),
    ("policy", &["time"]),
    ("bucket", &["credentials", "net", "signing", "time"]),
    ("callback", &["cached_resource", "crypto", "net", "policy", "secret", "store", "time"]),
    ("signing", &["crypto", "secret", "time"]),
    ("credentials", &["crypto", "net", "secret", "store", "time"]),
    ("auth", &["cached_resource", "crypto", "net", "secret", "store", "time"]),
    (
        "grant",
        &[
            "auth",
            "callback::receipt",
            "callback::upload_token",
            "credentials",
            "crypto",
            "policy",
            "secret",
            "signing",
            "time",
        ],
    ),
    (
        "config",
        &["auth", "callback", "credentials", "grant", "net", "policy", "secret", "store", "time"],
    ),
    (
        "app",
        &["auth", "callback", "config", "credentials", "net", "policy", "secret", "store", "time"],
    ),
    (
        "http",
        &[
            "app",
            "auth",
            "bucket",
            "callback",
            "config",
            "credentials",
            "crypto",
            "grant",
            "policy",
            "secret",
            "signing",
            "store",
            "time",
        ],
    ),
];

/// Modules whose clock, keys and randomness are arguments.
const PURE: &[&str] = &[
    "policy",
    "signing",
    "grant",
    "crypto",
    "secret",
    "callback::receipt",
    "callback::upload_token",
    "credentials::sts::endpoint",
    "credentials::session_policy",
    "credentials::sts::request",
    "credentials::sts::response",
    "credentials::sts::role",
];

/// Path prefixes that a pure module may not name.
const IMPURE: &[&str] =
    &["tokio", "hyper", "reqwest", "std::env", "std::fs", "std::net", "std::process"];

/// What is called in one file only.
const ONCE: &[(&str, &str)] = &[
    ("std::env::vars_os", "config::environment"),
    ("env::vars_os", "config::environment"),
    ("env::var", "config::environment"),
    ("OffsetDateTime::now_utc", "time"),
    ("SystemTime::now", "time"),
    ("getrandom::fill", "app"),
];

/// A source file: the path of its module, and every path that its production code names.
struct File {
    module: Vec<String>,
    text: String,
    paths: BTreeSet<Vec<String>>,
    impure: Vec<String>,
}

impl File {
    fn name(&self) -> String {
        self.module.join("::")
    }

    /// The paths inside of the crate that this file names, from the crate's root.
    fn local_paths(&self) -> impl Iterator<Item = Vec<String>> + '_ {
        self.paths.iter().filter_map(|path| self.resolve(path))
    }

    fn resolve(&self, path: &[String]) -> Option<Vec<String>> {
        let mut base = match path.first()?.as_str() {
            "crate" => Vec::new(),
            "self" | "super" => self.module.clone(),
            _ => return None,
        };
        for part in path {
            match part.as_str() {
                "crate" | "self" => {}
                "super" => {
                    base.pop();
                }
                part => base.push(part.to_owned()),
            }
        }
        Some(base)
    }
}

/// Collects paths, and leaves out what only tests see.
#[derive(Default)]
struct Paths {
    found: BTreeSet<Vec<String>>,
    impure: Vec<String>,
}

impl Paths {
    fn tree(&mut self, prefix: &mut Vec<String>, tree: &syn::UseTree) {
        match tree {
            syn::UseTree::Path(path) => {
                prefix.push(path.ident.to_string());
                self.tree(prefix, &path.tree);
                prefix.pop();
            }
            syn::UseTree::Name(name) => self.leaf(prefix, &name.ident.to_string()),
            syn::UseTree::Rename(name) => self.leaf(prefix, &name.ident.to_string()),
            syn::UseTree::Glob(_) => self.leaf(prefix, "*"),
            syn::UseTree::Group(group) => {
                for tree in &group.items {
                    self.tree(prefix, tree);
                }
            }
        }
    }

    fn leaf(&mut self, prefix: &[String], name: &str) {
        let mut path = prefix.to_vec();
        if name != "self" {
            path.push(name.to_owned());
        }
        self.found.insert(path);
    }
}

impl<'ast> Visit<'ast> for Paths {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        let attributes = match item {
            syn::Item::Mod(item) => &item.attrs,
            syn::Item::Fn(item) => &item.attrs,
            syn::Item::Use(item) => &item.attrs,
            syn::Item::Impl(item) => &item.attrs,
            _ => return visit::visit_item(self, item),
        };
        if !attributes.iter().any(is_test) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.tree(&mut Vec::new(), &item.tree);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.found.insert(path.segments.iter().map(|part| part.ident.to_string()).collect());
        visit::visit_path(self, path);
    }

    fn visit_signature(&mut self, signature: &'ast syn::Signature) {
        if signature.asyncness.is_some() {
            self.impure.push(format!("async fn {}", signature.ident));
        }
        visit::visit_signature(self, signature);
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        if item.path.is_ident("thread_local") {
            self.impure.push("thread_local!".to_owned());
        }
        visit::visit_macro(self, item);
    }
}

fn is_test(attribute: &syn::Attribute) -> bool {
    attribute.path().is_ident("cfg")
        && attribute.parse_args::<syn::Ident>().is_ok_and(|condition| condition == "test")
}

/// Reads a crate's sources, but for files of tests.
fn read(folder: &str) -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut folders = vec![root.clone()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(parse(&root, &path));
            }
        }
    }
    files.sort_by_key(File::name);
    files
}

fn parse(root: &Path, path: &Path) -> File {
    let text = fs::read_to_string(path).unwrap();
    let name = path.strip_prefix(root).unwrap().with_extension("");
    let mut module: Vec<_> = name.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
    if module.last().is_some_and(|last| matches!(last.as_str(), "mod" | "lib" | "main")) {
        module.pop();
    }
    let mut paths = Paths::default();
    let tests = module.last().is_some_and(|last| last == "tests");
    if !tests {
        paths.visit_file(&syn::parse_file(&text).unwrap());
    }
    File { module, text, paths: paths.found, impure: paths.impure }
}

#[test]
fn modules_import_only_what_the_plan_allows() {
    for file in read("src") {
        let Some(module) = file.module.first() else { continue };
        let (_, allowed) = MODULES
            .iter()
            .find(|(name, _)| name == module)
            .unwrap_or_else(|| panic!("{} is in no module of the plan", file.name()));
        for path in file.local_paths() {
            let target = path.join("::");
            let is_in = |allowed: &&str| format!("{target}::").starts_with(&format!("{allowed}::"));
            assert!(
                path.first() == Some(module) || allowed.iter().any(is_in),
                "{} imports {target}, which the plan does not allow",
                file.name()
            );
        }
    }
}

fn module_of(path: &str) -> &str {
    path.split("::").next().unwrap_or(path)
}

#[test]
fn the_plan_has_no_circle() {
    let mut placed: BTreeSet<&str> = BTreeSet::new();
    while placed.len() < MODULES.len() {
        let next = MODULES.iter().find(|(name, needs)| {
            !placed.contains(name) && needs.iter().all(|need| placed.contains(module_of(need)))
        });
        let (name, _) =
            next.unwrap_or_else(|| panic!("a circle among the modules beside {placed:?}"));
        placed.insert(name);
    }
}

#[test]
fn pure_modules_stay_pure() {
    for file in read("src") {
        let name = format!("{}::", file.name());
        if !PURE.iter().any(|pure| name.starts_with(&format!("{pure}::"))) {
            continue;
        }
        for path in &file.paths {
            let path = path.join("::");
            for impure in IMPURE {
                assert!(
                    path != *impure && !path.starts_with(&format!("{impure}::")),
                    "{} is pure and names {path}",
                    file.name()
                );
            }
        }
        assert!(file.impure.is_empty(), "{} is pure and has {:?}", file.name(), file.impure);
    }
}

#[test]
fn environment_clock_and_randomness_are_each_read_in_one_file() {
    for file in read("src") {
        for (call, home) in ONCE {
            let called = file.paths.iter().any(|path| path.join("::").ends_with(call));
            assert!(!called || file.name() == *home, "{}: {call} belongs to {home}", file.name());
        }
    }
}

#[test]
fn every_file_begins_with_module_docs() {
    for (_, folder) in CRATES {
        for file in read(folder) {
            // A crate's own docs may be its README.
            let is_documented =
                file.text.starts_with("//!") || file.text.starts_with("#![doc = include_str!");
            assert!(is_documented, "{folder}/{} has no module docs", file.name());
        }
    }
}

/// Each crate, and where its sources are.
const CRATES: &[(&str, &str)] = &[
    ("function", "src"),
    ("fc-http", "crates/fc-http/src"),
    ("oss-emulator", "crates/oss-emulator/src"),
    ("fc-emulator", "crates/fc-emulator/src"),
    ("oss-upload", "crates/oss-upload/src"),
];

/// A file depends on another where it names something of it. A parent that declares and re-exports
/// its children does not depend on them for that, so only what children import counts.
#[test]
fn no_files_import_in_a_circle() {
    for (name, folder) in CRATES {
        let circles = circles(&read(folder));
        assert!(circles.is_empty(), "{name}: {circles:?}");
    }
}

/// Finds groups of files that reach each other.
fn circles(files: &[File]) -> Vec<Vec<String>> {
    let modules: BTreeSet<_> = files.iter().map(|file| file.module.clone()).collect();
    let mut edges: BTreeMap<Vec<String>, BTreeSet<Vec<String>>> = BTreeMap::new();
    for file in files {
        let targets = file.local_paths().filter_map(|mut path| {
            while !modules.contains(&path) {
                path.pop()?;
            }
            let related = path.starts_with(&file.module) || file.module.starts_with(&path);
            (!related).then_some(path)
        });
        edges.insert(file.module.clone(), targets.collect());
    }
    let reach: BTreeMap<_, _> =
        edges.keys().map(|start| (start, reachable(start, &edges))).collect();
    let mut groups = BTreeSet::new();
    for (start, seen) in &reach {
        let mut group: Vec<_> = seen
            .iter()
            .filter(|other| reach.get(*other).is_some_and(|back| back.contains(*start)))
            .map(|module| module.join("::"))
            .collect();
        group.sort();
        if group.len() > 1 {
            groups.insert(group);
        }
    }
    groups.into_iter().collect()
}

fn reachable(
    start: &[String],
    edges: &BTreeMap<Vec<String>, BTreeSet<Vec<String>>>,
) -> BTreeSet<Vec<String>> {
    let mut seen = BTreeSet::new();
    let mut next = vec![start.to_vec()];
    while let Some(module) = next.pop() {
        for target in edges.get(&module).into_iter().flatten() {
            if seen.insert(target.clone()) {
                next.push(target.clone());
            }
        }
    }
    seen
}
