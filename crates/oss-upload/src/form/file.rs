//! The page's file: there whole or not at all, and never over another unless that is wanted.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::failure::Failure;

/// Writes `text` to `path`, by way of a neighbour that is put in its place when it is complete.
pub(super) fn write(path: &Path, text: &str, force: bool) -> Result<(), Failure> {
    let neighbour = neighbour(path)?;
    let outcome = fill(&neighbour, text).and_then(|()| put(&neighbour, path, force));
    if outcome.is_err() {
        // What is half written is of no use; that it cannot be removed either changes nothing.
        let _ = fs::remove_file(&neighbour);
    }
    outcome.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => Failure::arguments(format!(
            "{} is there already; choose another name, or replace it with --force",
            path.display()
        )),
        _ => Failure::new(format!("{} cannot be written: {error}", path.display())),
    })
}

fn neighbour(path: &Path) -> Result<PathBuf, Failure> {
    let name = path.file_name().ok_or_else(|| {
        Failure::arguments(format!("--out {}: name a file, such as post.html", path.display()))
    })?;
    let hidden = format!(".{}.{}", name.to_string_lossy(), std::process::id());
    Ok(path.with_file_name(hidden))
}

fn fill(path: &Path, text: &str) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn put(neighbour: &Path, path: &Path, force: bool) -> io::Result<()> {
    if force {
        return fs::rename(neighbour, path);
    }
    // A second name for the file is given only where there is none yet, in one step.
    match fs::hard_link(neighbour, path) {
        Ok(()) => fs::remove_file(neighbour),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        // Not every file system has second names: there the place is taken first, and then filled.
        Err(_) => {
            File::create_new(path)?;
            fs::rename(neighbour, path)
        }
    }
}
