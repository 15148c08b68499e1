//! The code of a function: a folder or a zip, unpacked as the platform unpacks it.
//!
//! What is unpacked is looked at in `program`, before anything is started.

mod program;

use std::fmt;
use std::fs;
use std::fs::File;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use tempfile::TempDir;
use zip::ZipArchive;
use zip::result::ZipError;

pub use program::Defect;
pub use program::Kind;
pub use program::Program;
pub use program::start_command;

/// A package, unpacked into a folder that is gone when this is dropped.
#[derive(Debug)]
pub struct Package {
    folder: TempDir,
    /// How many files it has.
    pub files: usize,
    /// How large they are together.
    pub bytes: u64,
    /// How large the zip is, if it came as one.
    pub zipped: Option<u64>,
}

impl Package {
    /// Unpacks a zip, or copies a folder: the one that holds the code, or one in which `src/code` or
    /// `code` does.
    ///
    /// # Errors
    ///
    /// If there is nothing of the kind, or it cannot be read.
    pub fn open(target: &Path) -> Result<Self, PackageError> {
        let fault = |cause| PackageError { target: target.to_owned(), cause };
        let is_folder = fs::metadata(target).map_err(|error| fault(Cause::Read(error)))?.is_dir();
        let folder = TempDir::new().map_err(|error| fault(Cause::Unpack(error)))?;
        let zipped = if is_folder {
            copy(&code_in(target), folder.path()).map_err(|error| fault(Cause::Unpack(error)))?;
            None
        } else {
            let file = File::open(target).map_err(|error| fault(Cause::Read(error)))?;
            let bytes = file.metadata().map_err(|error| fault(Cause::Read(error)))?.len();
            let mut archive = ZipArchive::new(file).map_err(|error| fault(Cause::Zip(error)))?;
            archive.extract(folder.path()).map_err(|error| fault(Cause::Zip(error)))?;
            Some(bytes)
        };
        let (files, bytes) = measure(folder.path()).map_err(|error| fault(Cause::Unpack(error)))?;
        Ok(Self { folder, files, bytes, zipped })
    }

    /// Where the code lies: what `/code` is on the platform.
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

/// Copies a folder with its mode bits. A link is followed: zips of the usual tools hold what it
/// leads to.
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

/// Says why a package cannot be opened.
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
        let place = TempDir::new().unwrap();
        let path = place.path().join("code.zip");
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
            let place = TempDir::new().unwrap();
            fs::create_dir_all(place.path().join(inner)).unwrap();
            fs::write(place.path().join(inner).join("bootstrap"), "x").unwrap();
            fs::write(place.path().join("publish.yaml"), "x").unwrap();
            let package = Package::open(place.path()).unwrap();
            assert!(package.folder().join("bootstrap").is_file(), "{inner}");
        }
    }

    #[test]
    fn what_is_no_package_is_said() {
        let place = TempDir::new().unwrap();
        let said = |path: &Path| Package::open(path).unwrap_err().to_string();
        assert!(said(&place.path().join("nothing")).contains("cannot be read"));
        let path = place.path().join("text");
        fs::write(&path, "no zip").unwrap();
        assert!(said(&path).contains("is no folder and no zip"), "{}", said(&path));
    }
}
