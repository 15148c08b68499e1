//! The multipart uploads of all buckets: their properties, and their parts.
//!
//! ```text
//! <data>/.uploads/<bucket>/<upload id>/upload.json    what InitiateMultipartUpload was given
//! <data>/.uploads/<bucket>/<upload id>/00001.part     one part, replaced by a single rename
//! ```
//!
//! An upload exists if its `upload.json` exists. Everything is on disk, so uploads survive a restart of
//! the server. A part is written to `.incoming` and moved when it is complete, so a connection that
//! breaks leaves nothing, and a part that is sent again is replaced only by a whole one.
//!
//! While the parts of an upload are joined, the upload is claimed: no part is added or replaced, and it is
//! neither aborted nor joined a second time. The claim is in memory, so a process that ends
//! while it joins parts leaves the upload as it was.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::oss::store::part_file::StoredPart;
use crate::oss::store::upload_id::UploadId;
use crate::oss::store::{Store, TempFile, TempUpload, blocking};

const PROPERTIES: &str = "upload.json";

/// Names an upload.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::oss) struct UploadName {
    pub(in crate::oss) bucket: String,
    pub(in crate::oss) id: UploadId,
}

/// The properties of an upload, kept as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::oss) struct StoredUpload {
    pub(in crate::oss) key: String,
    /// Unix seconds.
    pub(in crate::oss) initiated_at: i64,
    pub(in crate::oss) content_type: String,
    /// The headers with which the object is returned, with lower-case names.
    pub(in crate::oss) headers: Vec<(String, String)>,
    pub(in crate::oss) forbid_overwrite: bool,
}

/// The reason why an operation on an upload failed.
#[derive(Debug)]
pub(in crate::oss) enum UploadStoreError {
    /// There is no such upload, or its parts are being joined.
    NoUpload,
    /// A part is not the one that was checked before.
    PartChanged,
    /// The file of a part was deleted after it was checked.
    PartGone,
    /// The file system failed, for example because the disk is full.
    Io(io::Error),
}

impl From<io::Error> for UploadStoreError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// The uploads whose parts are being joined.
pub(super) type ClaimedUploads = BTreeSet<UploadName>;

/// Keeps an upload unchanged until it is dropped.
#[derive(Debug)]
pub(in crate::oss) struct UploadClaim {
    store: Arc<Store>,
    name: UploadName,
}

impl Drop for UploadClaim {
    fn drop(&mut self) {
        self.store.claimed().remove(&self.name);
    }
}

impl Store {
    /// Creates the folder for uploads, and removes what an interrupted removal has left.
    pub(super) fn prepare_uploads(&self, bucket: &str) -> io::Result<()> {
        let folder = self.uploads_folder(bucket);
        fs::create_dir_all(&folder)?;
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if !path.join(PROPERTIES).is_file() {
                fs::remove_dir_all(path)?;
            }
        }
        Ok(())
    }

    /// Stores a new upload. The id of the request makes the id of the upload unique.
    pub(in crate::oss) async fn create_upload(
        self: &Arc<Self>,
        bucket: &str,
        request: &str,
        upload: StoredUpload,
    ) -> io::Result<UploadId> {
        let store = Arc::clone(self);
        let (bucket, request) = (bucket.to_owned(), request.to_owned());
        blocking(move || store.create_upload_files(bucket, &request, &upload)).await
    }

    fn create_upload_files(
        &self,
        bucket: String,
        request: &str,
        upload: &StoredUpload,
    ) -> io::Result<UploadId> {
        let json = serde_json::to_vec_pretty(upload)?;
        let temp = TempFile(self.incoming().join(format!("{request}.json")));
        fs::write(&temp.0, json)?;
        // After a restart within the same second a request can have the id of an earlier one.
        let mut attempt = 0;
        let mut name = UploadName { bucket, id: UploadId::derive(request, attempt) };
        loop {
            match fs::create_dir(self.upload_folder(&name)) {
                Ok(()) => break,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    attempt += 1;
                    name.id = UploadId::derive(request, attempt);
                }
                Err(error) => return Err(error),
            }
        }
        fs::rename(&temp.0, self.upload_folder(&name).join(PROPERTIES))?;
        Ok(name.id)
    }

    /// Finds an upload.
    pub(in crate::oss) async fn find_upload(
        self: &Arc<Self>,
        name: &UploadName,
    ) -> io::Result<Option<StoredUpload>> {
        let path = self.upload_folder(name).join(PROPERTIES);
        blocking(move || read_properties(&path)).await
    }

    /// Lists the uploads of a bucket, in any order.
    pub(in crate::oss) async fn uploads(
        self: &Arc<Self>,
        bucket: &str,
    ) -> io::Result<Vec<(UploadId, StoredUpload)>> {
        let folder = self.uploads_folder(bucket);
        blocking(move || {
            let mut uploads = Vec::new();
            for entry in fs::read_dir(folder)? {
                let entry = entry?;
                let id = entry.file_name().to_str().and_then(UploadId::parse);
                let Some(id) = id else { continue };
                if let Some(upload) = read_properties(&entry.path().join(PROPERTIES))? {
                    uploads.push((id, upload));
                }
            }
            Ok::<_, io::Error>(uploads)
        })
        .await
    }

    /// Removes an upload and its parts.
    pub(in crate::oss) async fn abort_upload(
        self: &Arc<Self>,
        name: &UploadName,
    ) -> Result<(), UploadStoreError> {
        let (store, name) = (Arc::clone(self), name.clone());
        blocking(move || {
            {
                let claimed = store.claimed();
                if claimed.contains(&name) {
                    return Err(UploadStoreError::NoUpload);
                }
                store.remove_properties(&name)?;
            }
            Ok(fs::remove_dir_all(store.upload_folder(&name))?)
        })
        .await
    }

    /// Adds a part whose content is complete, or replaces an earlier one of its number.
    pub(in crate::oss) async fn put_part(
        self: &Arc<Self>,
        name: &UploadName,
        mut temp: TempUpload,
        part: StoredPart,
    ) -> Result<(), UploadStoreError> {
        temp.write(&part.trailer()).await?;
        temp.flush().await?;
        let (store, name) = (Arc::clone(self), name.clone());
        blocking(move || {
            let folder = store.upload_folder(&name);
            let claimed = store.claimed();
            if claimed.contains(&name) || !folder.join(PROPERTIES).is_file() {
                return Err(UploadStoreError::NoUpload);
            }
            Ok(fs::rename(temp.path(), part_path(&folder, part.number))?)
        })
        .await
    }

    /// Lists the parts of an upload whose numbers follow `after`, in ascending order, up to `limit`.
    pub(in crate::oss) async fn parts(
        self: &Arc<Self>,
        name: &UploadName,
        after: u32,
        limit: usize,
    ) -> Result<Vec<StoredPart>, UploadStoreError> {
        let folder = self.upload_folder(name);
        blocking(move || match read_parts(&folder, after, limit) {
            // The upload was completed or aborted meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(UploadStoreError::NoUpload)
            }
            result => Ok(result?),
        })
        .await
    }

    /// Keeps an upload unchanged until the claim is dropped.
    pub(in crate::oss) fn claim_upload(
        self: &Arc<Self>,
        name: &UploadName,
    ) -> Result<UploadClaim, UploadStoreError> {
        let mut claimed = self.claimed();
        let exists = self.upload_folder(name).join(PROPERTIES).is_file();
        if !exists || !claimed.insert(name.clone()) {
            return Err(UploadStoreError::NoUpload);
        }
        Ok(UploadClaim { store: Arc::clone(self), name: name.clone() })
    }

    /// Returns the folder of all uploads in a bucket.
    fn uploads_folder(&self, bucket: &str) -> PathBuf {
        self.root.join(".uploads").join(bucket)
    }

    fn upload_folder(&self, name: &UploadName) -> PathBuf {
        self.uploads_folder(&name.bucket).join(name.id.as_str())
    }

    /// Makes an upload nonexistent. Its parts are removed afterwards, or when the store is opened.
    fn remove_properties(&self, name: &UploadName) -> Result<(), UploadStoreError> {
        match fs::remove_file(self.upload_folder(name).join(PROPERTIES)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(UploadStoreError::NoUpload)
            }
            result => Ok(result?),
        }
    }

    fn claimed(&self) -> MutexGuard<'_, ClaimedUploads> {
        self.claimed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl UploadClaim {
    /// Joins parts into one temporary file, which needs no memory for their content.
    pub(in crate::oss) async fn join(
        &self,
        temp: TempUpload,
        parts: Vec<StoredPart>,
    ) -> Result<TempUpload, UploadStoreError> {
        let folder = self.store.upload_folder(&self.name);
        blocking(move || {
            join_parts(&folder, &parts, temp.path())?;
            Ok(temp)
        })
        .await
    }

    /// Removes the upload and its parts.
    pub(in crate::oss) async fn remove(self) -> Result<(), UploadStoreError> {
        blocking(move || {
            self.store.remove_properties(&self.name)?;
            Ok(fs::remove_dir_all(self.store.upload_folder(&self.name))?)
        })
        .await
    }
}

fn read_properties(path: &Path) -> io::Result<Option<StoredUpload>> {
    match fs::read(path) {
        Ok(json) => Ok(Some(serde_json::from_slice(&json)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn part_path(folder: &Path, number: u32) -> PathBuf {
    folder.join(format!("{number:05}.part"))
}

fn read_parts(folder: &Path, after: u32, limit: usize) -> io::Result<Vec<StoredPart>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.strip_suffix(".part"));
        numbers.extend(number.and_then(|number| number.parse::<u32>().ok()));
    }
    numbers.retain(|number| *number > after);
    numbers.sort_unstable();
    numbers.truncate(limit);
    let read = |number| StoredPart::read(number, &mut fs::File::open(part_path(folder, number))?);
    numbers.into_iter().map(read).collect()
}

fn join_parts(folder: &Path, parts: &[StoredPart], target: &Path) -> Result<(), UploadStoreError> {
    let mut target = OpenOptions::new().write(true).open(target)?;
    for part in parts {
        let mut file = fs::File::open(part_path(folder, part.number)).map_err(|error| {
            let is_missing = error.kind() == io::ErrorKind::NotFound;
            if is_missing { UploadStoreError::PartGone } else { error.into() }
        })?;
        if StoredPart::read(part.number, &mut file)? != *part {
            return Err(UploadStoreError::PartChanged);
        }
        // Between two files the system copies by itself, and shares blocks where it can.
        let copied = io::copy(&mut file.take(part.size), &mut target)?;
        if copied != part.size {
            return Err(UploadStoreError::PartChanged);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
