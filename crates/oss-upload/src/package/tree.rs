//! Files by their paths, with their modes: what will be written or packed, as a value.

use std::collections::BTreeMap;

/// Files by their paths, in the order of these; a path has `/` between its parts.
#[derive(Debug, Default)]
pub(super) struct Tree {
    files: BTreeMap<String, File>,
}

/// What a file holds, and whether it can be started.
#[derive(Clone, Debug)]
pub(super) struct File {
    pub(super) bytes: Vec<u8>,
    pub(super) starts: bool,
}

impl File {
    /// Returns the mode that the file has on a disk and in an archive.
    pub(super) fn mode(&self) -> u32 {
        if self.starts { 0o755 } else { 0o644 }
    }
}

impl Tree {
    /// Puts a file that is read.
    pub(super) fn put(&mut self, path: &str, bytes: impl Into<Vec<u8>>) {
        self.files.insert(path.to_owned(), File { bytes: bytes.into(), starts: false });
    }

    /// Puts a file that is started.
    pub(super) fn put_program(&mut self, path: &str, bytes: impl Into<Vec<u8>>) {
        self.files.insert(path.to_owned(), File { bytes: bytes.into(), starts: true });
    }

    /// Puts every file of another tree below a folder.
    pub(super) fn put_below(&mut self, folder: &str, other: &Self) {
        for (path, file) in other.files() {
            self.files.insert(format!("{folder}/{path}"), file.clone());
        }
    }

    /// Returns the files in the order of their paths.
    pub(super) fn files(&self) -> impl Iterator<Item = (&str, &File)> {
        self.files.iter().map(|(path, file)| (path.as_str(), file))
    }
}
