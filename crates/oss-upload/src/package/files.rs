//! The files of a package with their modes, and the two ways to write them: a directory, and a zip.

use std::collections::BTreeMap;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::{fs, io};

use zip::result::ZipResult;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use crate::atomic_file;
use crate::error::CommandError;

/// The best compression that takes no minutes.
const COMPRESSION_LEVEL: i64 = 9;

/// A kind of directory that this command writes, and replaces when it runs again.
#[derive(Clone, Copy, Debug)]
pub(super) struct DirectoryKind {
    /// What it is, in errors.
    pub(super) name: &'static str,
    /// A file that each directory of this kind contains.
    pub(super) marker: &'static str,
}

/// Files by path, in the order of their paths. A path has `/` between its parts.
#[derive(Debug, Default)]
pub(super) struct PackageFiles {
    files: BTreeMap<String, PackageFile>,
}

/// The content of a file, and whether it is executable.
#[derive(Clone, Debug)]
struct PackageFile {
    bytes: Vec<u8>,
    executable: bool,
}

impl PackageFile {
    /// Returns the mode of the file on a disk and in an archive.
    fn mode(&self) -> u32 {
        if self.executable { 0o755 } else { 0o644 }
    }
}

impl PackageFiles {
    /// Adds a file that is not executable.
    pub(super) fn add(&mut self, path: &str, bytes: impl Into<Vec<u8>>) {
        let file = PackageFile { bytes: bytes.into(), executable: false };
        self.files.insert(path.to_owned(), file);
    }

    /// Adds an executable file.
    pub(super) fn add_executable(&mut self, path: &str, bytes: impl Into<Vec<u8>>) {
        let file = PackageFile { bytes: bytes.into(), executable: true };
        self.files.insert(path.to_owned(), file);
    }

    /// Adds all files of another package below a directory.
    pub(super) fn add_below(&mut self, directory: &str, other: &Self) {
        for (path, file) in &other.files {
            self.files.insert(format!("{directory}/{path}"), file.clone());
        }
    }

    /// Packs the files into a zip. The same files give the same bytes.
    pub(super) fn zip(&self) -> Result<Vec<u8>, CommandError> {
        self.write_zip()
            .map_err(|error| CommandError::new(format!("the package cannot be zipped: {error}")))
    }

    fn write_zip(&self) -> ZipResult<Vec<u8>> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (path, file) in &self.files {
            let options = SimpleFileOptions::default()
                .compression_method(CompressionMethod::Deflated)
                .compression_level(Some(COMPRESSION_LEVEL))
                .last_modified_time(DateTime::default())
                .unix_permissions(file.mode());
            writer.start_file(path.as_str(), options)?;
            writer.write_all(&file.bytes)?;
        }
        Ok(writer.finish()?.into_inner())
    }

    /// Writes the files as `directory/name`, and returns its path. An earlier directory of the same kind is replaced;
    /// any other directory of this name is an error.
    pub(super) fn write_directory(
        &self,
        directory: &Path,
        name: &str,
        kind: DirectoryKind,
    ) -> Result<PathBuf, CommandError> {
        let path = directory.join(name);
        if path.exists() && !path.join(kind.marker).is_file() {
            return Err(CommandError::usage(format!(
                "{} is there already and is no {}; choose another folder with --out",
                path.display(),
                kind.name
            )));
        }
        atomic_file::replace_directory(directory, name, |path| self.write_below(path))
    }

    fn write_below(&self, directory: &Path) -> io::Result<()> {
        for (path, file) in &self.files {
            let path = directory.join(path);
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent)?;
            }
            fs::write(&path, &file.bytes)?;
            set_mode(&path, file)?;
        }
        Ok(())
    }
}

/// Sets the exact mode, which the umask of this process may have reduced.
#[cfg(unix)]
fn set_mode(path: &Path, file: &PackageFile) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;

    fs::set_permissions(path, fs::Permissions::from_mode(file.mode()))
}

/// Other systems have no modes. Serverless Devs makes every file executable that it uploads from them.
#[cfg(not(unix))]
fn set_mode(_path: &Path, _file: &PackageFile) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use zip::ZipArchive;

    use super::*;

    #[test]
    fn a_zip_has_order_and_modes_and_a_fixed_time() {
        let mut files = PackageFiles::default();
        files.add("upload.toml", "bucket = \"a\"\n");
        files.add_executable("bootstrap", "#!/bin/sh\n");
        let bytes = files.zip().unwrap();
        let mut archive = ZipArchive::new(Cursor::new(bytes)).unwrap();
        let mut seen = Vec::new();
        for index in 0..archive.len() {
            let mut file = archive.by_index(index).unwrap();
            let mut text = String::new();
            file.read_to_string(&mut text).unwrap();
            let time = file.last_modified().unwrap().to_string();
            let mode = file.unix_mode().unwrap() & 0o777;
            let name = file.name().unwrap();
            seen.push(format!("{name} {mode:o} {time} {text:?}"));
        }
        assert_eq!(
            seen,
            [
                "bootstrap 755 1980-01-01 00:00:00 \"#!/bin/sh\\n\"",
                "upload.toml 644 1980-01-01 00:00:00 \"bucket = \\\"a\\\"\\n\"",
            ]
        );
    }
}
