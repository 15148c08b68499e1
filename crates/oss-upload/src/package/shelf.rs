//! Puts what is made in the place of what was made before: whole or not at all, and never over
//! something else.

use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::failure::Failure;
use crate::package::tree::{File, Tree};

/// What an application has that other folders do not.
const MARK: &str = "publish.yaml";

/// Puts a tree in the place of the application of this name in `folder`, and says where.
pub(super) fn put_tree(folder: &Path, name: &str, tree: &Tree) -> Result<PathBuf, Failure> {
    let place = folder.join(name);
    if place.exists() && !place.join(MARK).is_file() {
        return Err(Failure::arguments(format!(
            "{} is there already and is no application; choose another folder with --out",
            place.display()
        )));
    }
    let neighbour = neighbour(folder, name);
    let outcome = write_all(&neighbour, tree).and_then(|()| {
        if place.exists() {
            fs::remove_dir_all(&place)?;
        }
        fs::rename(&neighbour, &place)
    });
    if outcome.is_err() {
        // What is half written is of no use; that it cannot be removed either changes nothing.
        let _ = fs::remove_dir_all(&neighbour);
    }
    outcome.map(|()| place.clone()).map_err(|error| unwritten(&place, &error))
}

/// Puts a file in the place of the one of this name in `folder`, and says where.
pub(super) fn put_file(folder: &Path, name: &str, bytes: &[u8]) -> Result<PathBuf, Failure> {
    let place = folder.join(name);
    let neighbour = neighbour(folder, name);
    let outcome = fs::create_dir_all(folder)
        .and_then(|()| fs::write(&neighbour, bytes))
        .and_then(|()| fs::rename(&neighbour, &place));
    if outcome.is_err() {
        let _ = fs::remove_file(&neighbour);
    }
    outcome.map(|()| place.clone()).map_err(|error| unwritten(&place, &error))
}

fn neighbour(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!(".{name}.{}", std::process::id()))
}

fn unwritten(place: &Path, error: &io::Error) -> Failure {
    Failure::new(format!("{} cannot be written: {error}", place.display()))
}

fn write_all(folder: &Path, tree: &Tree) -> io::Result<()> {
    for (path, file) in tree.files() {
        let path = folder.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(&path, &file.bytes)?;
        set_mode(&path, file)?;
    }
    Ok(())
}

/// Sets the mode that is meant, whatever this process takes away from new files.
#[cfg(unix)]
fn set_mode(path: &Path, file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;

    fs::set_permissions(path, fs::Permissions::from_mode(file.mode()))
}

/// Modes are not of this system; Serverless Devs makes everything startable that comes from it.
#[cfg(not(unix))]
fn set_mode(_path: &Path, _file: &File) -> io::Result<()> {
    Ok(())
}
