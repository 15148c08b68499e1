//! The tool as npm packages, for developers who have Node and no Rust.
//!
//! `oss-upload-cli` contains the command, a script that starts the program. The program is in one package for each
//! platform. These packages are optional dependencies that name their system and processor, so npm installs the one
//! that fits the machine.

use std::collections::BTreeMap;
use std::env::consts::{ARCH, OS};
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use fc_emulator::package::{IncompatibleBinary, require_static};
use serde::Serialize;

use crate::console;
use crate::error::CommandError;
use crate::package::files::{DirectoryKind, PackageFiles};

/// The package with the command. The packages with the program append their platform to this name.
const NAME: &str = "oss-upload-cli";

/// The command, once the package is installed.
const COMMAND: &str = "oss-upload";

const MANIFEST: &str = "package.json";
const PACKAGE: DirectoryKind = DirectoryKind { name: "npm package", marker: MANIFEST };

const VERSION: &str = env!("CARGO_PKG_VERSION");
const PACKAGE_LICENSE: &str = "Apache-2.0";
const DESCRIPTION: &str =
    "The developer tool of the OSS upload signer: an upload page and a local OSS on this machine.";

const LAUNCHER: &str = include_str!("../../../../.deploy/npm/launcher.cjs");
const README: &str = include_str!("../../../../.deploy/npm/readme.md");
const LICENSE: &str = include_str!("../../../../LICENSE");

/// A system and a processor, in Node's words for both and in Rust's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Platform {
    /// `process.platform`.
    os: &'static str,
    /// `process.arch`.
    cpu: &'static str,
    rust: (&'static str, &'static str),
}

/// The platforms that a package can be for.
const PLATFORMS: [Platform; 5] = [
    Platform { os: "linux", cpu: "x64", rust: ("linux", "x86_64") },
    Platform { os: "linux", cpu: "arm64", rust: ("linux", "aarch64") },
    Platform { os: "darwin", cpu: "x64", rust: ("macos", "x86_64") },
    Platform { os: "darwin", cpu: "arm64", rust: ("macos", "aarch64") },
    Platform { os: "win32", cpu: "x64", rust: ("windows", "x86_64") },
];

impl Platform {
    fn name(self) -> String {
        format!("{}-{}", self.os, self.cpu)
    }

    fn package(self) -> String {
        format!("{NAME}-{}", self.name())
    }

    fn program_path(self) -> &'static str {
        if self.os == "win32" { "bin/oss-upload.exe" } else { "bin/oss-upload" }
    }
}

/// A build of the tool, and its platform.
#[derive(Clone, Debug)]
pub(super) struct ToolProgram {
    platform: Platform,
    path: PathBuf,
}

impl ToolProgram {
    /// Returns the program that is running.
    fn running() -> Result<Self, CommandError> {
        let platform = PLATFORMS.into_iter().find(|platform| platform.rust == (OS, ARCH));
        let platform = platform.ok_or_else(|| {
            CommandError::usage(format!(
                "there is no npm package for {OS} on {ARCH}; name a build with --tool"
            ))
        })?;
        let path = std::env::current_exe()?;
        Ok(Self { platform, path })
    }
}

/// Parses `linux-x64=FILE`.
impl FromStr for ToolProgram {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, path) = text
            .split_once('=')
            .ok_or("write PLATFORM=FILE, such as linux-x64=target/oss-upload")?;
        let platform =
            PLATFORMS.into_iter().find(|platform| platform.name() == name).ok_or_else(|| {
                let known: Vec<_> = PLATFORMS.into_iter().map(Platform::name).collect();
                format!("{name} is none of {}", known.join(", "))
            })?;
        Ok(Self { platform, path: path.into() })
    }
}

/// Writes the packages into `directory`, one folder each. Without `programs`, the program is the one that is running.
pub(super) fn write_packages(
    programs: Vec<ToolProgram>,
    directory: &Path,
) -> Result<(), CommandError> {
    let programs = if programs.is_empty() { vec![ToolProgram::running()?] } else { programs };
    let mut packages = Vec::new();
    for program in &programs {
        let bytes = fs::read(&program.path)
            .map_err(|error| CommandError::usage(format!("{}: {error}", program.path.display())))?;
        packages.push(program_package(program, bytes)?);
    }
    for (program, (files, needs)) in programs.iter().zip(&packages) {
        let name = program.platform.package();
        let path = files.write_directory(directory, &name, PACKAGE)?;
        console::print_line(&format!("npm    {}, {needs}", path.display()));
    }
    let path = command_package(&programs)?.write_directory(directory, NAME, PACKAGE)?;
    console::print_line(&format!("npm    {}, the command", path.display()));
    Ok(())
}

/// The manifest of the package with the command.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CommandManifest {
    name: &'static str,
    version: &'static str,
    description: &'static str,
    license: &'static str,
    bin: BTreeMap<&'static str, &'static str>,
    engines: BTreeMap<&'static str, &'static str>,
    optional_dependencies: BTreeMap<String, &'static str>,
}

/// The manifest of a package with the program. npm installs it only where all lists fit.
#[derive(Serialize)]
struct ProgramManifest {
    name: String,
    version: &'static str,
    description: String,
    license: &'static str,
    os: [&'static str; 1],
    cpu: [&'static str; 1],
    /// Absent for a static program, which runs with every C library.
    #[serde(skip_serializing_if = "Option::is_none")]
    libc: Option<[&'static str; 1]>,
}

fn command_package(programs: &[ToolProgram]) -> Result<PackageFiles, CommandError> {
    let manifest = CommandManifest {
        name: NAME,
        version: VERSION,
        description: DESCRIPTION,
        license: PACKAGE_LICENSE,
        bin: BTreeMap::from([(COMMAND, "bin/oss-upload.cjs")]),
        engines: BTreeMap::from([("node", ">=18")]),
        optional_dependencies: programs
            .iter()
            .map(|program| (program.platform.package(), VERSION))
            .collect(),
    };
    let mut files = PackageFiles::default();
    files.add(MANIFEST, json(&manifest)?);
    files.add_executable("bin/oss-upload.cjs", LAUNCHER);
    files.add("README.md", README);
    files.add("LICENSE", LICENSE);
    Ok(files)
}

/// Returns the package with a program, and what the program needs of the system.
fn program_package(
    program: &ToolProgram,
    bytes: Vec<u8>,
) -> Result<(PackageFiles, &'static str), CommandError> {
    let platform = program.platform;
    let is_static = is_static(program, &bytes)?;
    let libc = (platform.os == "linux" && !is_static).then_some(["glibc"]);
    let manifest = ProgramManifest {
        name: platform.package(),
        version: VERSION,
        description: format!("The program of {NAME} for {}.", platform.name()),
        license: PACKAGE_LICENSE,
        os: [platform.os],
        cpu: [platform.cpu],
        libc,
    };
    let mut files = PackageFiles::default();
    files.add(MANIFEST, json(&manifest)?);
    files.add_executable(platform.program_path(), bytes);
    files.add("LICENSE", LICENSE);
    let needs = if is_static {
        "static"
    } else {
        "not static: needs the libraries of the system that built it"
    };
    Ok((files, needs))
}

/// Returns whether a program needs no library of the system. Only programs for Linux on x86-64 are examined, and only
/// they are ever static.
fn is_static(program: &ToolProgram, bytes: &[u8]) -> Result<bool, CommandError> {
    if program.platform.name() != "linux-x64" {
        return Ok(false);
    }
    match require_static(bytes) {
        Ok(()) => Ok(true),
        Err(
            IncompatibleBinary::SharedLibraries(_)
            | IncompatibleBinary::Interpreter(_)
            | IncompatibleBinary::UndefinedSymbol(_),
        ) => Ok(false),
        Err(error) => Err(CommandError::usage(format!("{} {error}", program.path.display()))),
    }
}

fn json(manifest: &impl Serialize) -> Result<String, CommandError> {
    let text = serde_json::to_string_pretty(manifest)
        .map_err(|error| CommandError::new(format!("a manifest cannot be written: {error}")))?;
    Ok(text + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_named_with_its_platform() {
        let program: ToolProgram = "linux-arm64=build/oss-upload".parse().unwrap();
        assert_eq!((program.platform.os, program.platform.cpu), ("linux", "arm64"));
        assert_eq!(program.path, Path::new("build/oss-upload"));
        for bad in ["oss-upload", "linux=oss-upload", "plan9-x64=oss-upload", "=oss-upload"] {
            assert!(bad.parse::<ToolProgram>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_launcher_looks_for_the_files_that_the_packages_have() {
        for platform in PLATFORMS {
            let file = platform.program_path().strip_prefix("bin/").unwrap();
            assert!(LAUNCHER.contains(&format!("'{file}'")), "{file}");
        }
        assert!(LAUNCHER.contains("`oss-upload-cli-${process.platform}-${process.arch}`"));
        assert!(LAUNCHER.contains("`${name}/bin/${file}`"));
    }
}
