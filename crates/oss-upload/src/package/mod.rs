//! `oss-upload package`: the function as others deploy it who have neither Rust nor this repository.
//!
//! Two things are written, both around one static binary: an application for the registry of
//! Serverless Devs, which the console's one-click button starts from, and a zip for uploading by hand.
//! The same commit gives the same bytes: nothing here looks at a clock or at the machine.
//!
//! | file | owns |
//! |---|---|
//! | `build` | where the binary comes from when none is given |
//! | `application` | which files there are, and what stands in them |
//! | `template` | `s.yaml`, with the answers of a form in place of the shell's variables |
//! | `tree` | files and their modes, before anything is written |
//! | `archive` | a tree as a zip |
//! | `shelf` | puts what is made in the place of what was made before |

mod application;
mod archive;
mod build;
mod shelf;
mod template;
mod tree;

use std::path::{Path, PathBuf};
use std::{fs, io};

use clap::Args;
use fc_emulator::package::require_static;

use crate::console;
use crate::failure::Failure;

/// What the registry and the console take easily, and what a cold start fetches quickly.
const LIMIT: usize = 4_000_000;

/// The settings that go along, as the function looks for them.
const SETTINGS: &str = "upload.toml";

#[derive(Args, Debug)]
pub(super) struct Options {
    /// A function that is built already; without it the function is built here, with Rust
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
    /// The folder that gets app/ and oss-upload-signer.zip
    #[arg(long, value_name = "FOLDER", default_value = "target")]
    out: PathBuf,
}

pub(super) fn run(options: Options) -> Result<(), Failure> {
    let path = options.binary.map_or_else(build::run, Ok)?;
    let binary = fs::read(&path)
        .map_err(|error| Failure::arguments(format!("{}: {error}", path.display())))?;
    require_static(&binary).map_err(|error| {
        Failure::arguments(format!(
            "{} {error}; build the function with .deploy/build",
            path.display()
        ))
    })?;
    let settings = settings()?;
    let goes_along = settings.is_some();
    let code = application::code(binary, settings);
    let zip = archive::pack(&code)?;
    if zip.len() > LIMIT {
        return Err(Failure::new(format!(
            "the package has {} bytes zipped, over {LIMIT}; look for what has made the binary grow",
            zip.len()
        )));
    }
    let application = application::around(&code)?;
    let folder = shelf::put_tree(&options.out, "app", &application)?;
    let file = shelf::put_file(&options.out, "oss-upload-signer.zip", &zip)?;
    console::say(&format!("app    {}, for the registry of Serverless Devs", folder.display()));
    let size = console::size(zip.len() as u64);
    console::say(&format!("zip    {}, {size}, for the console", file.display()));
    if goes_along {
        console::say(&format!("with   {SETTINGS} of this folder"));
    }
    Ok(())
}

fn settings() -> Result<Option<Vec<u8>>, Failure> {
    match fs::read(Path::new(SETTINGS)) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::arguments(format!("{SETTINGS}: {error}"))),
    }
}
