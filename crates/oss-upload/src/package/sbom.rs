//! The list of everything that is compiled into the function (SBOM), as CycloneDX 1.5 in JSON.
//!
//! `cargo tree` names the packages with their licences and dependencies, `Cargo.lock` has their checksums. Macros run
//! in the compiler and are left out. There is no time and no serial number: the same commit gives the same bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use serde::{Deserialize, Serialize};

use crate::error::CommandError;

/// The package of the function.
const FUNCTION: &str = "oss-upload-signer";

/// Contains the target that the function is built for.
const BUILD_FLAGS: &str = include_str!("../../../../.deploy/flags");

const LOCK: &str = "Cargo.lock";

/// Describes the function in this folder; `zip_sha256` is the checksum of its package in hexadecimal.
pub(super) fn describe(zip_sha256: &str) -> Result<String, CommandError> {
    let lock = fs::read_to_string(LOCK).map_err(|error| {
        CommandError::usage(format!("{LOCK}: {error}; run this in the repository's folder"))
    })?;
    let bom = CycloneDx::new(&Tree::parse(&tree()?), &checksums(&lock)?, zip_sha256)?;
    let text = serde_json::to_string_pretty(&bom)
        .map_err(|error| CommandError::new(format!("the SBOM cannot be written: {error}")))?;
    Ok(text + "\n")
}

/// Runs `cargo tree`. Each line has the depth, the package and its licence.
fn tree() -> Result<String, CommandError> {
    let target =
        BUILD_FLAGS.lines().find_map(|line| line.strip_prefix("target=")).unwrap_or_default();
    let output = Command::new("cargo")
        .args(["tree", "--locked", "--package", FUNCTION, "--edges", "normal,no-proc-macro"])
        .args(["--target", target, "--prefix", "depth", "--format", " {p}|{l}|"])
        .output()
        .map_err(|error| CommandError::new(format!("cargo cannot be started: {error}")))?;
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        return Err(CommandError::new(format!("cargo tree failed: {}", complaint.trim())));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A package of the tree.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Package {
    name: String,
    version: String,
    /// An SPDX expression.
    license: String,
    /// Whether it is one of the workspace, and in no registry.
    is_local: bool,
}

impl Package {
    /// Parses `0 axum v0.8.9|MIT|`. The path of a local package follows its version; `(*)` marks a repeated one.
    fn parse(line: &str) -> Option<(usize, Self)> {
        let (depth, rest) = line.split_once(' ')?;
        let mut fields = rest.split('|');
        let (package, license) = (fields.next()?, fields.next()?);
        let mut words = package.split(' ');
        let (name, version) = (words.next()?, words.next()?.strip_prefix('v')?);
        let is_local = words.next().is_some_and(|word| word.starts_with("(/"));
        // Older manifests have a slash between licences to choose from.
        let license = license.replace('/', " OR ");
        let (name, version) = (name.to_owned(), version.to_owned());
        Some((depth.parse().ok()?, Self { name, version, license, is_local }))
    }

    /// Returns the address of the package in its registry, or a name within this document.
    fn reference(&self) -> String {
        let Self { name, version, is_local, .. } = self;
        if *is_local { format!("{name}@{version}") } else { format!("pkg:cargo/{name}@{version}") }
    }
}

/// The packages with their dependencies, both in order.
#[derive(Debug, Default)]
struct Tree {
    packages: BTreeMap<Package, BTreeSet<String>>,
}

impl Tree {
    fn parse(text: &str) -> Self {
        let mut tree = Self::default();
        let mut parents: Vec<Package> = Vec::new();
        for (depth, package) in text.lines().filter_map(Package::parse) {
            parents.truncate(depth);
            if let Some(dependencies) =
                parents.last().and_then(|parent| tree.packages.get_mut(parent))
            {
                dependencies.insert(package.reference());
            }
            tree.packages.entry(package.clone()).or_default();
            parents.push(package);
        }
        tree
    }
}

#[derive(Deserialize)]
struct Lock {
    package: Vec<LockedPackage>,
}

#[derive(Deserialize)]
struct LockedPackage {
    name: String,
    version: String,
    checksum: Option<String>,
}

/// Returns the checksums of the lock file, by name and version.
fn checksums(lock: &str) -> Result<BTreeMap<(String, String), String>, CommandError> {
    let lock: Lock = toml::from_str(lock)
        .map_err(|error| CommandError::new(format!("{LOCK}: {}", error.message())))?;
    let packages = lock.package.into_iter();
    Ok(packages.filter_map(|one| Some(((one.name, one.version), one.checksum?))).collect())
}

/// The document in the format CycloneDX 1.5.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CycloneDx {
    bom_format: &'static str,
    spec_version: &'static str,
    version: u8,
    metadata: Metadata,
    components: Vec<Component>,
    dependencies: Vec<Dependencies>,
}

#[derive(Serialize)]
struct Metadata {
    component: Component,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Component {
    #[serde(rename = "type")]
    kind: &'static str,
    bom_ref: String,
    name: String,
    version: String,
    licenses: [License; 1],
    /// Absent for a package of the workspace.
    #[serde(skip_serializing_if = "Option::is_none")]
    purl: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hashes: Vec<Hash>,
}

#[derive(Serialize)]
struct License {
    expression: String,
}

#[derive(Serialize)]
struct Hash {
    alg: &'static str,
    content: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Dependencies {
    #[serde(rename = "ref")]
    reference: String,
    depends_on: BTreeSet<String>,
}

impl CycloneDx {
    fn new(
        tree: &Tree,
        checksums: &BTreeMap<(String, String), String>,
        zip_sha256: &str,
    ) -> Result<Self, CommandError> {
        let component = |package: &Package| {
            let checksum = checksums.get(&(package.name.clone(), package.version.clone()));
            Component::new(package, "library", checksum.cloned())
        };
        let (function, libraries): (Vec<_>, Vec<_>) =
            tree.packages.keys().partition(|package| package.name == FUNCTION);
        let function = function
            .first()
            .ok_or_else(|| CommandError::new(format!("cargo tree names no {FUNCTION}")))?;
        let dependencies = tree.packages.iter().map(|(package, dependencies)| Dependencies {
            reference: package.reference(),
            depends_on: dependencies.clone(),
        });
        Ok(Self {
            bom_format: "CycloneDX",
            spec_version: "1.5",
            version: 1,
            metadata: Metadata {
                component: Component::new(function, "application", Some(zip_sha256.to_owned())),
            },
            components: libraries.into_iter().map(component).collect(),
            dependencies: dependencies.collect(),
        })
    }
}

impl Component {
    fn new(package: &Package, kind: &'static str, sha256: Option<String>) -> Self {
        let hash = |content| Hash { alg: "SHA-256", content };
        Self {
            kind,
            bom_ref: package.reference(),
            name: package.name.clone(),
            version: package.version.clone(),
            licenses: [License { expression: package.license.clone() }],
            purl: (!package.is_local).then(|| package.reference()),
            hashes: sha256.map(hash).into_iter().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TREE: &str = "\
0 oss-upload-signer v0.1.0 (/src)|Apache-2.0|
1 bytes v1.12.1|MIT/Apache-2.0|
1 fc-http v0.1.0 (/src/crates/fc-http)|Apache-2.0|
2 bytes v1.12.1|MIT/Apache-2.0| (*)
2 http v1.5.0|MIT OR Apache-2.0|
3 bytes v1.12.1|MIT/Apache-2.0| (*)
";

    const LOCK: &str = r#"
version = 4

[[package]]
name = "bytes"
version = "1.12.1"
source = "registry"
checksum = "aa"

[[package]]
name = "fc-http"
version = "0.1.0"
dependencies = ["bytes"]
"#;

    #[test]
    fn a_document_lists_packages_with_licence_checksum_and_dependencies() {
        let bom = CycloneDx::new(&Tree::parse(TREE), &checksums(LOCK).unwrap(), "ff").unwrap();
        insta::assert_snapshot!(serde_json::to_string(&bom).unwrap(), @r#"{"bomFormat":"CycloneDX","specVersion":"1.5","version":1,"metadata":{"component":{"type":"application","bom-ref":"oss-upload-signer@0.1.0","name":"oss-upload-signer","version":"0.1.0","licenses":[{"expression":"Apache-2.0"}],"hashes":[{"alg":"SHA-256","content":"ff"}]}},"components":[{"type":"library","bom-ref":"pkg:cargo/bytes@1.12.1","name":"bytes","version":"1.12.1","licenses":[{"expression":"MIT OR Apache-2.0"}],"purl":"pkg:cargo/bytes@1.12.1","hashes":[{"alg":"SHA-256","content":"aa"}]},{"type":"library","bom-ref":"fc-http@0.1.0","name":"fc-http","version":"0.1.0","licenses":[{"expression":"Apache-2.0"}]},{"type":"library","bom-ref":"pkg:cargo/http@1.5.0","name":"http","version":"1.5.0","licenses":[{"expression":"MIT OR Apache-2.0"}],"purl":"pkg:cargo/http@1.5.0"}],"dependencies":[{"ref":"pkg:cargo/bytes@1.12.1","dependsOn":[]},{"ref":"fc-http@0.1.0","dependsOn":["pkg:cargo/bytes@1.12.1","pkg:cargo/http@1.5.0"]},{"ref":"pkg:cargo/http@1.5.0","dependsOn":["pkg:cargo/bytes@1.12.1"]},{"ref":"oss-upload-signer@0.1.0","dependsOn":["fc-http@0.1.0","pkg:cargo/bytes@1.12.1"]}]}"#);
    }

    #[test]
    fn a_tree_without_the_function_is_an_error() {
        let other = Tree::parse("0 bytes v1.12.1|MIT|\n");
        assert!(CycloneDx::new(&other, &BTreeMap::new(), "ff").is_err());
    }
}
