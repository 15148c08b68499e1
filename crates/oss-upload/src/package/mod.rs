//! `oss-upload package`: the function for people who have neither Rust nor this repository.
//!
//! Two things are written, both with one static binary: an application for the registry of Serverless
//! Devs, which the console's one-click button uses, and a zip to upload in the console. The same commit
//! gives the same bytes, because nothing here depends on a clock or on the machine. `--release` adds the checksums and
//! the list of dependencies that a release needs; `--npm` writes this tool, for people who have Node.

mod application;
mod files;
mod npm;
mod sbom;
mod template;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, io};

use clap::Args;
use fc_emulator::package::require_static;
use oss_upload_signer::crypto;

use crate::error::CommandError;
use crate::package::files::DirectoryKind;
use crate::package::npm::ToolProgram;
use crate::{atomic_file, console};

/// The limit for the zip in bytes. The registry and the console accept it easily, and a cold start
/// downloads it quickly.
const LIMIT: usize = 4_000_000;

/// The settings file that is included if it exists, under the name that the function expects.
const SETTINGS: &str = "upload.toml";

const APPLICATION: DirectoryKind = DirectoryKind { name: "application", marker: "publish.yaml" };

/// The files of a release.
const ZIP: &str = "oss-upload-signer.zip";
const SBOM: &str = "oss-upload-signer.cdx.json";
const CHECKSUMS: &str = "SHA256SUMS";

/// The script that builds the function, and the binary that it writes.
const BUILD_SCRIPT: &str = ".deploy/build";
const BUILT_BINARY: &str = "code/oss-upload-signer";

#[derive(Args, Debug)]
pub(super) struct Options {
    /// A function that is built already; without it the function is built here, with Rust
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
    /// The folder that gets app/ and oss-upload-signer.zip, or npm/
    #[arg(long, value_name = "FOLDER", default_value = "target")]
    out: PathBuf,
    /// Also write the dependencies of the function (CycloneDX) and the checksums of the files; needs Cargo
    #[arg(long)]
    release: bool,
    /// Write this tool as npm packages instead: one with the command, and one for each platform
    #[arg(long, conflicts_with_all = ["binary", "release"])]
    npm: bool,
    /// A build of this tool for a platform, such as linux-x64; can be repeated; without it, this program
    #[arg(long, value_name = "PLATFORM=FILE", requires = "npm")]
    tool: Vec<ToolProgram>,
}

pub(super) fn run(options: Options) -> Result<(), CommandError> {
    if options.npm {
        return npm::write_packages(options.tool, &options.out.join("npm"));
    }
    let path = options.binary.map_or_else(build, Ok)?;
    let binary = fs::read(&path)
        .map_err(|error| CommandError::usage(format!("{}: {error}", path.display())))?;
    require_static(&binary).map_err(|error| {
        CommandError::usage(format!(
            "{} {error}; build the function with {BUILD_SCRIPT}",
            path.display()
        ))
    })?;
    let settings = read_settings()?;
    let has_settings = settings.is_some();
    let code = application::code_files(binary, settings);
    let zip = code.zip()?;
    if zip.len() > LIMIT {
        return Err(CommandError::new(format!(
            "the package has {} bytes zipped, over {LIMIT}; find out why the binary grew",
            zip.len()
        )));
    }
    let application = application::application_files(&code)?;
    let directory = application.write_directory(&options.out, "app", APPLICATION)?;
    let file = atomic_file::replace_file(&options.out, ZIP, &zip)?;
    let directory = directory.display();
    console::print_line(&format!("app    {directory}, for the registry of Serverless Devs"));
    let size = console::size(zip.len() as u64);
    console::print_line(&format!("zip    {}, {size}, for the console", file.display()));
    if has_settings {
        console::print_line(&format!("with   {SETTINGS} of this folder"));
    }
    if options.release { write_release_files(&zip, &options.out) } else { Ok(()) }
}

/// Writes the dependencies of the function, and the checksums of them and of the zip as `sha256sum` writes them.
fn write_release_files(zip: &[u8], out: &Path) -> Result<(), CommandError> {
    let zip_sha256 = crypto::hex(&crypto::sha256(zip));
    let sbom = sbom::describe(&zip_sha256)?;
    let sbom_sha256 = crypto::hex(&crypto::sha256(sbom.as_bytes()));
    let sums = format!("{zip_sha256}  {ZIP}\n{sbom_sha256}  {SBOM}\n");
    let sbom = atomic_file::replace_file(out, SBOM, sbom.as_bytes())?;
    let sums = atomic_file::replace_file(out, CHECKSUMS, sums.as_bytes())?;
    console::print_line(&format!("sbom   {}", sbom.display()));
    console::print_line(&format!("sums   {}", sums.display()));
    Ok(())
}

fn read_settings() -> Result<Option<Vec<u8>>, CommandError> {
    match fs::read(Path::new(SETTINGS)) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(CommandError::usage(format!("{SETTINGS}: {error}"))),
    }
}

/// Builds the function in this folder, and returns the path of the binary.
fn build() -> Result<PathBuf, CommandError> {
    if !Path::new(BUILD_SCRIPT).is_file() {
        return Err(CommandError::usage(
            "there is nothing to build in this folder; run this in the repository's, or name a function \
             that is built already with --binary",
        ));
    }
    let status = Command::new("sh")
        .arg(BUILD_SCRIPT)
        .status()
        .map_err(|error| CommandError::new(format!("{BUILD_SCRIPT} cannot be started: {error}")))?;
    if status.success() {
        return Ok(BUILT_BINARY.into());
    }
    Err(CommandError::new(
        "the function was not built, for the reason above; without Rust, name one that is built already \
         with --binary",
    ))
}
