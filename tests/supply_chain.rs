//! Everything that is not ours, held to `.cargo/deny.toml` and `docs/security.md` without a network: licences, sources,
//! duplicates and `unsafe` of the dependencies, and the actions of the workflow. cargo-deny does the same and looks
//! at advisories as well, but building it takes longer than all tests together.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde::Deserialize;

/// The lists of `.cargo/deny.toml`.
#[derive(Deserialize)]
struct Deny {
    bans: Bans,
    licenses: Licenses,
}

#[derive(Deserialize)]
struct Bans {
    deny: Vec<Named>,
    skip: Vec<Named>,
}

/// A package, with the version behind `@` where one is meant.
#[derive(Deserialize)]
struct Named {
    #[serde(rename = "crate")]
    package: String,
    reason: String,
}

#[derive(Deserialize)]
struct Licenses {
    allow: Vec<String>,
    exceptions: Vec<Exception>,
}

#[derive(Deserialize)]
struct Exception {
    #[serde(rename = "crate")]
    package: String,
    allow: Vec<String>,
}

impl Licenses {
    /// Returns whether a package may have this licence, by the list for all and by its own exceptions.
    fn allow(&self, package: &Package) -> bool {
        let own = self.exceptions.iter().filter(|exception| exception.package == package.name);
        let allowed: BTreeSet<_> =
            self.allow.iter().chain(own.flat_map(|exception| &exception.allow)).collect();
        let license = package.license.as_deref().unwrap_or("none");
        License::new(license, &|name| allowed.contains(&name.to_owned())).evaluate()
    }
}

/// A package as `cargo metadata` describes it.
#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    license: Option<String>,
    source: Option<String>,
    manifest_path: PathBuf,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

/// `Cargo.lock`, which names the packages of all platforms.
#[derive(Deserialize)]
struct Lock {
    package: Vec<Locked>,
}

#[derive(Deserialize)]
struct Locked {
    name: String,
    source: Option<String>,
    checksum: Option<String>,
}

/// An SPDX expression that is being read from left to right. `AND` binds closer than `OR`; an older `/` means `OR`.
struct License<'a> {
    words: Vec<String>,
    next: usize,
    allowed: &'a dyn Fn(&str) -> bool,
}

impl<'a> License<'a> {
    fn new(expression: &str, allowed: &'a dyn Fn(&str) -> bool) -> Self {
        let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
        Self { words: spaced.split_whitespace().map(str::to_owned).collect(), next: 0, allowed }
    }

    fn evaluate(mut self) -> bool {
        let allowed = self.either();
        assert_eq!(self.next, self.words.len(), "{:?} is no SPDX expression", self.words);
        allowed
    }

    fn either(&mut self) -> bool {
        let mut allowed = self.both();
        while self.take("OR") {
            allowed |= self.both();
        }
        allowed
    }

    fn both(&mut self) -> bool {
        let mut allowed = self.one();
        while self.take("AND") {
            allowed &= self.one();
        }
        allowed
    }

    fn one(&mut self) -> bool {
        if self.take("(") {
            let allowed = self.either();
            assert!(self.take(")"), "{:?} does not close", self.words);
            return allowed;
        }
        let mut name = self.words[self.next].clone();
        self.next += 1;
        if self.take("WITH") {
            name = format!("{name} WITH {}", self.words[self.next]);
            self.next += 1;
        }
        (self.allowed)(&name)
    }

    fn take(&mut self, word: &str) -> bool {
        let found = self.words.get(self.next).is_some_and(|next| next == word);
        self.next += usize::from(found);
        found
    }
}

fn read(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

fn deny() -> Deny {
    toml::from_str(&read(".cargo/deny.toml")).unwrap()
}

/// Runs cargo or rustc in the project and returns what it prints.
fn run(program: &str, arguments: &[&str]) -> String {
    let output =
        Command::new(program).args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The platform that the tests run on. The packages of others need not have been downloaded.
fn host() -> String {
    let version = run("rustc", &["-vV"]);
    version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_owned()
}

/// Every package that the workspace and its tests are built from on this platform.
fn packages() -> &'static [Package] {
    static PACKAGES: OnceLock<Vec<Package>> = OnceLock::new();
    PACKAGES.get_or_init(read_packages)
}

fn read_packages() -> Vec<Package> {
    let options = ["--offline", "--locked", "--all-features", "--format-version", "1"];
    let platform = ["metadata", "--filter-platform", &host()].map(str::to_owned);
    let arguments: Vec<_> = platform.iter().map(String::as_str).chain(options).collect();
    let metadata: Metadata = serde_json::from_str(&run(env!("CARGO"), &arguments)).unwrap();
    metadata.packages
}

fn names<'a>(packages: impl Iterator<Item = &'a Package>) -> BTreeSet<String> {
    packages.map(|package| package.name.clone()).collect()
}

/// The names of the packages that the deployed function contains.
fn names_in_the_function() -> BTreeSet<String> {
    let target = host();
    let tree = run(
        env!("CARGO"),
        &[
            &["tree", "--offline", "--locked", "--target", &target, "--package"][..],
            &["oss-upload-signer", "--edges", "normal,no-proc-macro"],
            &["--prefix", "none", "--format", "{p}"],
        ]
        .concat(),
    );
    tree.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

/// The lines of `docs/security.md` between a marker of this name and the end of its list.
fn documented(marker: &str) -> String {
    let text = read("docs/security.md");
    let after = text.split(&format!("<!-- {marker} -->\n")).nth(1).unwrap();
    after.split("<!-- end -->").next().unwrap().trim().to_owned()
}

/// Returns whether the sources of a package have `unsafe` code. What stands in a comment does not count.
fn has_unsafe_code(folder: &Path) -> bool {
    fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return has_unsafe_code(&path);
        }
        path.extension().is_some_and(|extension| extension == "rs")
            && String::from_utf8_lossy(&fs::read(path).unwrap()).lines().any(is_unsafe)
    })
}

fn is_unsafe(line: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    let kinds = ["{", "fn ", "impl", "trait ", "extern "];
    kinds.iter().any(|kind| code.contains(&format!("unsafe {kind}")))
}

#[test]
fn every_licence_is_on_the_list() {
    let licenses = deny().licenses;
    for package in packages() {
        let theirs = package.source.is_some();
        assert!(
            !theirs || licenses.allow(package),
            "{} {} has the licence {:?}; deny.toml allows it neither to all nor to this one",
            package.name,
            package.version,
            package.license
        );
    }
}

#[test]
fn every_allowed_licence_is_needed() {
    let Deny { licenses, .. } = deny();
    let packages = packages();
    for allowed in &licenses.allow {
        let allow = licenses.allow.iter().filter(|other| *other != allowed).cloned().collect();
        let without = Licenses { allow, exceptions: Vec::new() };
        let needs = |package: &Package| licenses.allow(package) && !without.allow(package);
        assert!(packages.iter().any(needs), "no package needs {allowed}");
    }
    let without = Licenses { allow: licenses.allow.clone(), exceptions: Vec::new() };
    for exception in &licenses.exceptions {
        let of = packages.iter().filter(|package| package.name == exception.package);
        assert!(of.clone().any(|package| !without.allow(package)), "{}", exception.package);
    }
}

#[test]
fn a_licence_is_read_as_spdx_means_it() {
    let allowed = |expression: &str| License::new(expression, &|name| name == "MIT").evaluate();
    for good in ["MIT", "MIT OR GPL-3.0", "GPL-3.0/MIT", "(GPL-3.0 AND ISC) OR MIT", "MIT AND MIT"]
    {
        assert!(allowed(good), "{good}");
    }
    for bad in ["GPL-3.0", "MIT AND ISC", "MIT WITH X", "(MIT OR ISC) AND GPL-3.0", "none"] {
        assert!(!allowed(bad), "{bad}");
    }
}

#[test]
fn every_package_comes_from_the_registry_with_a_checksum() {
    let lock: Lock = toml::from_str(&read("Cargo.lock")).unwrap();
    let ours = names(packages().iter().filter(|package| package.source.is_none()));
    assert!(lock.package.len() > 100);
    for package in lock.package {
        let Some(source) = package.source else {
            assert!(ours.contains(&package.name), "{} comes from nowhere", package.name);
            continue;
        };
        let is_registry = source.starts_with("registry+") && source.ends_with("/crates.io-index");
        assert!(is_registry, "{} comes from {source}", package.name);
        assert_eq!(package.checksum.map(|sum| sum.len()), Some(64), "{}", package.name);
    }
}

#[test]
fn no_package_is_there_twice_without_a_reason() {
    let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in packages() {
        versions.entry(package.name.clone()).or_default().insert(package.version.clone());
    }
    for Named { package, reason } in deny().bans.skip {
        let (name, version) = package.split_once('@').unwrap();
        let others = versions.get_mut(name);
        let was_double = others.is_some_and(|others| others.len() > 1 && others.remove(version));
        assert!(was_double, "deny.toml skips {package}, which is not there twice");
        assert!(!reason.is_empty(), "{package}");
    }
    let double: Vec<_> = versions.iter().filter(|(_, versions)| versions.len() > 1).collect();
    assert!(double.is_empty(), "skip the older ones in deny.toml, with a reason: {double:?}");
}

#[test]
fn no_denied_package_is_there() {
    let names = names(packages().iter());
    for Named { package, reason } in deny().bans.deny {
        assert!(!names.contains(&package), "{package} is there: {reason}");
    }
}

#[test]
fn the_page_lists_the_duplicates_with_their_reasons() {
    let line = |named: &Named| format!("- `{}`: {}", named.package, named.reason);
    let expected: Vec<_> = deny().bans.skip.iter().map(line).collect();
    let expected = expected.join("\n");
    assert_eq!(documented("duplicates"), expected, "docs/security.md wants:\n{expected}\n");
}

#[test]
fn the_page_lists_the_dependencies_with_unsafe_code() {
    let function = names_in_the_function();
    let packages = packages();
    let names = names(packages.iter().filter(|package| {
        let sources = package.manifest_path.parent().unwrap().join("src");
        package.source.is_some() && function.contains(&package.name) && has_unsafe_code(&sources)
    }));
    let expected: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    let expected = expected.join(" ");
    let found: Vec<_> = documented("unsafe").split_whitespace().map(str::to_owned).collect();
    assert_eq!(found.join(" "), expected, "docs/security.md wants:\n{expected}\n");
}

#[test]
fn every_action_is_pinned_by_its_whole_commit() {
    let workflow = read(".github/workflows/ci.yml");
    let actions = workflow.lines().filter_map(|line| line.split("uses: ").nth(1));
    for action in actions {
        let commit = action.split('@').nth(1).unwrap_or_default().split(' ').next().unwrap();
        let is_whole = commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
        assert!(is_whole && action.contains(" # v"), "{action}");
    }
}

#[test]
fn the_workflow_tries_the_oldest_rust_that_the_manifest_names() {
    let manifest = read("Cargo.toml");
    let line = manifest.lines().find_map(|line| line.strip_prefix("rust-version = ")).unwrap();
    let version = line.trim_matches('"');
    assert!(read(".github/workflows/ci.yml").contains(&format!("cargo +{version} check ")));
}
