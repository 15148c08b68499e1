//! The code of a function: a folder or a zip, unpacked as the platform unpacks it.
//!
//! `program` inspects what a start command starts; `elf` reads binaries.

mod code_path;
mod elf;
mod program;

use std::fmt;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use zip::ZipArchive;
use zip::result::ZipError;

pub use elf::{IncompatibleBinary, require_static};
pub use program::{Program, ProgramError, ProgramKind, start_command};

/// A package, unpacked into a temporary folder that is deleted on drop.
#[derive(Debug)]
pub struct Package {
    folder: TempDir,
    /// The number of files.
    pub files: usize,
    /// The size of all files together, in bytes.
    pub bytes: u64,
    /// The size of the zip in bytes, if the package was one.
    pub zipped: Option<u64>,
    /// The number of scripts in which the path `/code` was replaced by the folder of the code.
    pub mapped: usize,
}

impl Package {
    /// Unpacks a zip, or copies a folder. The code is in the folder itself, or in its `src/code` or
    /// `code`.
    ///
    /// # Errors
    ///
    /// If the target is neither, or cannot be read.
    pub fn open(target: &Path) -> Result<Self, PackageError> {
        let error_of = |cause| PackageError { target: target.to_owned(), cause };
        let is_folder =
            fs::metadata(target).map_err(|error| error_of(Cause::Read(error)))?.is_dir();
        let folder = TempDir::new().map_err(|error| error_of(Cause::Unpack(error)))?;
        let zipped = if is_folder {
            copy(&code_in(target), folder.path())
                .map_err(|error| error_of(Cause::Unpack(error)))?;
            None
        } else {
            let file = File::open(target).map_err(|error| error_of(Cause::Read(error)))?;
            let bytes = file.metadata().map_err(|error| error_of(Cause::Read(error)))?.len();
            let mut archive = ZipArchive::new(file).map_err(|error| error_of(Cause::Zip(error)))?;
            archive.extract(folder.path()).map_err(|error| error_of(Cause::Zip(error)))?;
            Some(bytes)
        };
        let (files, bytes) =
            measure(folder.path()).map_err(|error| error_of(Cause::Unpack(error)))?;
        let mapped =
            code_path::map(folder.path()).map_err(|error| error_of(Cause::Unpack(error)))?;
        Ok(Self { folder, files, bytes, zipped, mapped })
    }

    /// Returns the folder of the code, which is `/code` on the platform.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

/// Finds the code in the folder of an application package.
fn code_in(target: &Path) -> PathBuf {
    let inner = [target.join("src/code"), target.join("code")];
    let is_code_itself = target.join("bootstrap").exists();
    let mut found = inner.into_iter().filter(|folder| folder.is_dir() && !is_code_itself);
    found.next().unwrap_or_else(|| target.to_owned())
}

/// Copies a folder with its mode bits. Links are followed, as the usual zip tools do.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if fs::metadata(&from)?.is_dir() {
            fs::create_dir(&to)?;
            copy(&from, &to)?;
        } else {
            fs::copy(&from, &to)?;
        }
    }
    Ok(())
}

fn measure(folder: &Path) -> io::Result<(usize, u64)> {
    let (mut files, mut bytes) = (0, 0);
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        let (more_files, more_bytes) =
            if metadata.is_dir() { measure(&entry.path())? } else { (1, metadata.len()) };
        files += more_files;
        bytes += more_bytes;
    }
    Ok((files, bytes))
}

/// The reason why a package cannot be opened.
#[derive(Debug)]
pub struct PackageError {
    target: PathBuf,
    cause: Cause,
}

#[derive(Debug)]
enum Cause {
    Read(io::Error),
    Unpack(io::Error),
    Zip(ZipError),
}

impl fmt::Display for PackageError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let target = self.target.display();
        match &self.cause {
            Cause::Read(error) => write!(formatter, "{target} cannot be read: {error}"),
            Cause::Unpack(error) => write!(
                formatter,
                "{target} cannot be laid out in a temporary folder: {error}; TMPDIR chooses another"
            ),
            Cause::Zip(error) => write!(
                formatter,
                "{target} is no folder and no zip that can be unpacked: {error}; name the folder of \
                 the code, or its zip"
            ),
        }
    }
}

impl std::error::Error for PackageError {}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    #[test]
    fn a_zip_keeps_its_mode_bits_and_a_folder_its_own() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("code.zip");
        let mut zip = ZipWriter::new(File::create(&path).unwrap());
        for (name, mode) in [("bootstrap", 0o755), ("folder/plain", 0o644)] {
            zip.start_file(name, SimpleFileOptions::default().unix_permissions(mode)).unwrap();
            zip.write_all(b"#!/bin/sh\n").unwrap();
        }
        zip.finish().unwrap();
        let package = Package::open(&path).unwrap();
        let mode = |package: &Package, name: &str| {
            program::mode(&fs::metadata(package.folder().join(name)).unwrap()) & 0o777
        };
        assert_eq!((package.files, package.bytes), (2, 20));
        assert!(package.zipped.is_some());
        let copied = Package::open(package.folder()).unwrap();
        assert_eq!((copied.files, copied.zipped), (2, None));
        for package in [&package, &copied] {
            assert_eq!(mode(package, "bootstrap"), 0o755);
            assert_eq!(mode(package, "folder/plain"), 0o644);
        }
        let folder = package.folder().to_owned();
        drop(package);
        assert!(!folder.exists());
    }

    #[test]
    fn an_application_packages_code_is_found() {
        for inner in ["src/code", "code", "."] {
            let folder = TempDir::new().unwrap();
            fs::create_dir_all(folder.path().join(inner)).unwrap();
            fs::write(folder.path().join(inner).join("bootstrap"), "x").unwrap();
            fs::write(folder.path().join("publish.yaml"), "x").unwrap();
            let package = Package::open(folder.path()).unwrap();
            assert!(package.folder().join("bootstrap").is_file(), "{inner}");
        }
    }

    #[test]
    fn a_target_that_is_no_package_is_refused() {
        let folder = TempDir::new().unwrap();
        let said = |path: &Path| Package::open(path).unwrap_err().to_string();
        assert!(said(&folder.path().join("nothing")).contains("cannot be read"));
        let path = folder.path().join("text");
        fs::write(&path, "no zip").unwrap();
        assert!(said(&path).contains("is no folder and no zip"), "{}", said(&path));
    }
}
