//! A file on its way in: nobody sees it, and it is gone when it is dropped.

use std::io;
use std::path::Path;
use std::path::PathBuf;

use bytes::Bytes;
use tokio::fs::File;
use tokio::io::AsyncWriteExt;

/// The bytes that wait in memory for the disk, per upload.
const WRITE_BUFFER: usize = 256 * 1024;

/// A temporary file that removes itself unless it is moved away first.
#[derive(Debug)]
pub(in crate::oss) struct Arrival {
    path: PathBuf,
    file: File,
}

impl Arrival {
    pub(super) async fn create(path: PathBuf) -> io::Result<Self> {
        let mut file = File::create_new(&path).await?;
        file.set_max_buf_size(WRITE_BUFFER);
        Ok(Self { path, file })
    }

    /// Appends some bytes.
    pub(in crate::oss) async fn write(&mut self, bytes: &Bytes) -> io::Result<()> {
        self.file.write_all(bytes).await
    }

    /// Waits until all bytes have reached the file; a full disk may show only here.
    pub(in crate::oss) async fn flush(&mut self) -> io::Result<()> {
        self.file.flush().await
    }

    pub(in crate::oss) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Arrival {
    /// Removes the file; one that was moved into its place is no longer at this path.
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}
