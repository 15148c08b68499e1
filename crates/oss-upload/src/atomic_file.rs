//! Writes files and directories completely or not at all: first under a temporary name in the same
//! directory, then moved to the final name.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::error::CommandError;

/// Writes a text file. Without `overwrite` an existing file is an error of the arguments.
pub(super) fn write_text(path: &Path, text: &str, overwrite: bool) -> Result<(), CommandError> {
    let name = path.file_name().ok_or_else(|| {
        CommandError::usage(format!("--out {}: name a file, such as post.html", path.display()))
    })?;
    let temporary = path.with_file_name(temporary_name(&name.to_string_lossy()));
    let result = write_synced(&temporary, text.as_bytes())
        .and_then(|()| move_file(&temporary, path, overwrite));
    if result.is_err() {
        // An incomplete file is useless. If it cannot be removed, the first error is still the one to
        // report.
        let _ = fs::remove_file(&temporary);
    }
    result.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => CommandError::usage(format!(
            "{} is there already; choose another name, or replace it with --force",
            path.display()
        )),
        _ => not_written(path, &error),
    })
}

/// Writes `directory/name` and replaces an existing file. Returns its path.
pub(super) fn replace_file(
    directory: &Path,
    name: &str,
    bytes: &[u8],
) -> Result<PathBuf, CommandError> {
    let path = directory.join(name);
    let temporary = directory.join(temporary_name(name));
    let result = fs::create_dir_all(directory)
        .and_then(|()| fs::write(&temporary, bytes))
        .and_then(|()| fs::rename(&temporary, &path));
    if result.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    result.map(|()| path.clone()).map_err(|error| not_written(&path, &error))
}

/// Writes the directory `directory/name` with `fill` and replaces an existing one. Returns its path.
pub(super) fn replace_directory(
    directory: &Path,
    name: &str,
    fill: impl FnOnce(&Path) -> io::Result<()>,
) -> Result<PathBuf, CommandError> {
    let path = directory.join(name);
    let temporary = directory.join(temporary_name(name));
    let result = fill(&temporary).and_then(|()| {
        if path.exists() {
            fs::remove_dir_all(&path)?;
        }
        fs::rename(&temporary, &path)
    });
    if result.is_err() {
        let _ = fs::remove_dir_all(&temporary);
    }
    result.map(|()| path.clone()).map_err(|error| not_written(&path, &error))
}

/// Returns a hidden name that no other process uses.
fn temporary_name(name: &str) -> String {
    format!(".{name}.{}", std::process::id())
}

fn not_written(path: &Path, error: &io::Error) -> CommandError {
    CommandError::new(format!("{} cannot be written: {error}", path.display()))
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn move_file(temporary: &Path, path: &Path, overwrite: bool) -> io::Result<()> {
    if overwrite {
        return fs::rename(temporary, path);
    }
    // A hard link is created only where there is no file yet, in one step.
    match fs::hard_link(temporary, path) {
        Ok(()) => fs::remove_file(temporary),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        // A file system without hard links: create the file first, then replace it.
        Err(_) => {
            File::create_new(path)?;
            fs::rename(temporary, path)
        }
    }
}
