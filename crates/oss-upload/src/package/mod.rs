//! `oss-upload package`: the function for people who have neither Rust nor this repository.
//!
//! Two things are written, both with one static binary: an application for the registry of Serverless
//! Devs, which the console's one-click button uses, and a zip to upload in the console. The same commit
//! gives the same bytes, because nothing here depends on a clock or on the machine.

mod application;
mod files;
mod template;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, io};

use clap::Args;
use fc_emulator::package::require_static;

use crate::error::CommandError;
use crate::{atomic_file, console};

/// The limit for the zip in bytes. The registry and the console accept it easily, and a cold start
/// downloads it quickly.
const LIMIT: usize = 4_000_000;

/// The settings file that is included if it exists, under the name that the function expects.
const SETTINGS: &str = "upload.toml";

/// The script that builds the function, and the binary that it writes.
const BUILD_SCRIPT: &str = ".deploy/build";
const BUILT_BINARY: &str = "code/oss-upload-signer";

#[derive(Args, Debug)]
pub(super) struct Options {
    /// A function that is built already; without it the function is built here, with Rust
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
    /// The folder that gets app/ and oss-upload-signer.zip
    #[arg(long, value_name = "FOLDER", default_value = "target")]
    out: PathBuf,
}

pub(super) fn run(options: Options) -> Result<(), CommandError> {
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
    let directory = application.write_application(&options.out, "app")?;
    let file = atomic_file::replace_file(&options.out, "oss-upload-signer.zip", &zip)?;
    let directory = directory.display();
    console::print_line(&format!("app    {directory}, for the registry of Serverless Devs"));
    let size = console::size(zip.len() as u64);
    console::print_line(&format!("zip    {}, {size}, for the console", file.display()));
    if has_settings {
        console::print_line(&format!("with   {SETTINGS} of this folder"));
    }
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
