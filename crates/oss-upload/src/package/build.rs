//! The binary when none is given: `.deploy/build` makes it, the one place that knows how.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Failure;

const SCRIPT: &str = ".deploy/build";

/// What the script lays out.
const BINARY: &str = "code/oss-upload-signer";

/// Builds the function in this folder, and says where the binary is.
pub(super) fn run() -> Result<PathBuf, Failure> {
    if !Path::new(SCRIPT).is_file() {
        return Err(Failure::arguments(
            "there is nothing to build in this folder; run this in the repository's, or name a function \
             that is built already with --binary",
        ));
    }
    let status = Command::new("sh")
        .arg(SCRIPT)
        .status()
        .map_err(|error| Failure::new(format!("{SCRIPT} cannot be started: {error}")))?;
    if status.success() {
        return Ok(BINARY.into());
    }
    Err(Failure::new(
        "the function was not built, for the reason above; without Rust, name one that is built already \
         with --binary",
    ))
}
