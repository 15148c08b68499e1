//! The data directory: one file per object under its own name, a hidden sidecar file with its properties,
//! and no partial objects.
//!
//! ```text
//! <data>/.incoming/<request id>           an upload in progress; removed when the store is opened
//! <data>/<bucket>/<key>                   the content, or a hashed name where the key cannot be a path
//! <data>/.sidecars/<bucket>/<hash>.json   the properties and the path of the content
//! <data>/.uploads/<bucket>/<upload id>/   a multipart upload and its parts; see `uploads`
//! ```
//!
//! An object exists if both of its files exist, so a developer can delete it by deleting the content. No
//! bucket name begins with a dot, so the hidden directories conflict with none. An upload is written to
//! `.incoming` and moved when it is complete and accepted. The moves are done under one lock, so
//! that of two uploads that must not overwrite exactly one succeeds, and a reader never sees the
//! content of one object with the sidecar of another. `file_name` maps keys to paths.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::{fs, io};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::fs::File;
use tokio::io::AsyncWriteExt;

use crate::oss::options::{LocalBucket, OpenError};
use crate::oss::store::uploads::ClaimedUploads;

mod file_name;
mod part_file;
mod upload_id;
mod uploads;

pub(super) use self::part_file::StoredPart;
pub(super) use self::upload_id::UploadId;
pub(super) use self::uploads::{StoredUpload, UploadClaim, UploadName, UploadStoreError};

/// The reason why an object could not be stored.
#[derive(Debug)]
pub(super) enum StoreError {
    /// An object of this key exists and must not be overwritten.
    Exists,
    /// The file system failed, for example because the disk is full.
    Io(io::Error),
}

impl From<io::Error> for StoreError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// The objects of all buckets.
#[derive(Debug)]
pub(super) struct Store {
    root: PathBuf,
    /// Held while files are moved or opened, but not while content is copied.
    renames: Mutex<()>,
    /// Held while a part is moved, or an upload begins or ceases to be claimed.
    claimed: Mutex<ClaimedUploads>,
}

impl Store {
    /// Creates the directories and removes the unfinished uploads of an earlier run.
    pub(super) fn open(root: PathBuf, buckets: &[LocalBucket]) -> Result<Self, OpenError> {
        let store = Self { root, renames: Mutex::new(()), claimed: Mutex::default() };
        match store.prepare(buckets) {
            Ok(()) => Ok(store),
            Err(source) => Err(OpenError::DataDir { path: store.root, source }),
        }
    }

    fn prepare(&self, buckets: &[LocalBucket]) -> io::Result<()> {
        let incoming = self.incoming();
        fs::create_dir_all(&incoming)?;
        for entry in fs::read_dir(&incoming)? {
            fs::remove_file(entry?.path())?;
        }
        for bucket in buckets {
            fs::create_dir_all(self.root.join(&bucket.name))?;
            fs::create_dir_all(self.sidecars(&bucket.name))?;
            self.prepare_uploads(&bucket.name)?;
        }
        // A directory that is not writable is reported now and not at the first upload.
        let probe = incoming.join("probe");
        fs::write(&probe, b"")?;
        fs::remove_file(&probe)
    }

    /// Creates the temporary file of an upload; the id is that of the request.
    pub(super) async fn begin(&self, id: &str) -> io::Result<TempUpload> {
        TempUpload::create(self.incoming().join(id)).await
    }

    /// Moves a complete upload to its final path and returns that path.
    pub(super) async fn commit(
        self: &Arc<Self>,
        temp: TempUpload,
        bucket: &str,
        sidecar: Sidecar,
        forbid_overwrite: bool,
    ) -> Result<PathBuf, StoreError> {
        let store = Arc::clone(self);
        let bucket = bucket.to_owned();
        blocking(move || store.commit_files(&temp, &bucket, sidecar, forbid_overwrite)).await
    }

    fn commit_files(
        &self,
        temp: &TempUpload,
        bucket: &str,
        properties: Sidecar,
        forbid_overwrite: bool,
    ) -> Result<PathBuf, StoreError> {
        let directory = self.root.join(bucket);
        let sidecar_path = self.sidecar_path(bucket, &properties.key);
        let _moving = self.renames.lock().unwrap_or_else(PoisonError::into_inner);
        let old = read_sidecar(&sidecar_path)?;
        let old = old.filter(|old| directory.join(&old.path).is_file());
        if forbid_overwrite && old.is_some() {
            return Err(StoreError::Exists);
        }
        let path = match old {
            Some(old) => old.path,
            None => free_path(&directory, &properties.key),
        };
        let object = directory.join(&path);
        let description = TempFile(temp.path().with_extension("json"));
        let json = serde_json::to_vec_pretty(&StoredSidecar { path, properties });
        fs::write(&description.0, json.map_err(io::Error::from)?)?;
        // Without its sidecar an object does not exist, so a crash between the steps leaves no
        // object rather than an inconsistent one.
        match fs::remove_file(&sidecar_path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        fs::rename(temp.path(), &object)?;
        fs::rename(&description.0, &sidecar_path)?;
        Ok(object)
    }

    /// Finds an object and opens its content; `None` if there is no such object.
    pub(super) async fn find(
        self: &Arc<Self>,
        bucket: &str,
        key: &str,
    ) -> io::Result<Option<(Sidecar, fs::File)>> {
        let store = Arc::clone(self);
        let directory = self.root.join(bucket);
        let sidecar_path = self.sidecar_path(bucket, key);
        let found = blocking(move || store.open_object(&directory, &sidecar_path)).await?;
        Ok(found.filter(|(sidecar, _)| sidecar.key == key))
    }

    fn open_object(
        &self,
        directory: &Path,
        sidecar_path: &Path,
    ) -> io::Result<Option<(Sidecar, fs::File)>> {
        let _staying = self.renames.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(StoredSidecar { path, properties }) = read_sidecar(sidecar_path)? else {
            return Ok(None);
        };
        match fs::File::open(directory.join(path)) {
            Ok(file) => Ok(Some((properties, file))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Removes an object, if there is one.
    pub(super) async fn remove(self: &Arc<Self>, bucket: &str, key: &str) -> io::Result<()> {
        let store = Arc::clone(self);
        let directory = self.root.join(bucket);
        let sidecar_path = self.sidecar_path(bucket, key);
        blocking(move || store.remove_files(&directory, &sidecar_path)).await
    }

    fn remove_files(&self, directory: &Path, sidecar_path: &Path) -> io::Result<()> {
        let _moving = self.renames.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(StoredSidecar { path, .. }) = read_sidecar(sidecar_path)? else {
            return Ok(());
        };
        // Without its sidecar an object does not exist, whatever happens to the content.
        fs::remove_file(sidecar_path)?;
        match fs::remove_file(directory.join(path)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn sidecars(&self, bucket: &str) -> PathBuf {
        self.root.join(".sidecars").join(bucket)
    }

    fn sidecar_path(&self, bucket: &str, key: &str) -> PathBuf {
        self.sidecars(bucket).join(format!("{}.json", file_name::hash(key)))
    }

    fn incoming(&self) -> PathBuf {
        self.root.join(".incoming")
    }
}

/// A sidecar file: the properties of an object, and the path of its content in the bucket's directory.
#[derive(Debug, Serialize, Deserialize)]
struct StoredSidecar {
    path: String,
    #[serde(flatten)]
    properties: Sidecar,
}

fn read_sidecar(path: &Path) -> io::Result<Option<StoredSidecar>> {
    match fs::read(path) {
        Ok(json) => Ok(Some(serde_json::from_slice(&json)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns a path for a new object, and creates its directories: the key where that is possible and free,
/// otherwise a hashed name.
fn free_path(directory: &Path, key: &str) -> String {
    let is_free = |path: &str| {
        let path = directory.join(path);
        let has_parent = path.parent().is_some_and(|parent| fs::create_dir_all(parent).is_ok());
        has_parent && fs::symlink_metadata(&path).is_err()
    };
    match file_name::plain_path(key).filter(|path| is_free(path)) {
        Some(path) => path.to_owned(),
        None => file_name::hashed_name(key),
    }
}

/// A file that is removed on drop unless it was moved.
struct TempFile(PathBuf);

impl Drop for TempFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Runs blocking file operations on the blocking thread pool.
async fn blocking<T, E>(work: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, E>
where
    T: Send + 'static,
    E: From<io::Error> + Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(io::Error::other(error).into()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use tempfile::TempDir;

    use super::*;

    fn bucket() -> Vec<LocalBucket> {
        vec![LocalBucket { name: "examplebucket".to_owned(), region: "cn-hangzhou".to_owned() }]
    }

    fn open(folder: &TempDir) -> Arc<Store> {
        Arc::new(Store::open(folder.path().to_owned(), &bucket()).unwrap())
    }

    fn describe(key: &str, size: u64) -> Sidecar {
        Sidecar {
            key: key.to_owned(),
            size,
            etag: "E".to_owned(),
            crc64: 0,
            stored_at: 0,
            content_type: "text/plain".to_owned(),
            ..Sidecar::default()
        }
    }

    async fn put(
        store: &Arc<Store>,
        id: &str,
        key: &str,
        forbid: bool,
    ) -> Result<PathBuf, StoreError> {
        let mut temp = store.begin(id).await?;
        temp.write(&Bytes::from(id.to_owned())).await?;
        temp.flush().await?;
        let sidecar = describe(key, id.len() as u64);
        store.commit(temp, "examplebucket", sidecar, forbid).await
    }

    async fn get(store: &Arc<Store>, key: &str) -> Option<String> {
        let (_, file) = store.find("examplebucket", key).await.unwrap()?;
        Some(io::read_to_string(file).unwrap())
    }

    fn files(folder: &Path) -> BTreeSet<String> {
        fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    #[tokio::test]
    async fn keys_of_every_form_are_stored_separately() {
        let folder = TempDir::new().unwrap();
        let store = open(&folder);
        let long = "é".repeat(511);
        let keys = [
            "a",
            "a/b",
            "a/b/c",
            "b/c",
            "b",
            "A",
            "..",
            "../../x",
            "a/../b",
            "%2e%2e",
            &long,
            "a!b",
            ".",
            "a~b",
            ".sidecars/x",
            "é",
            "e\u{301}",
        ];
        for (index, key) in keys.iter().enumerate() {
            put(&store, &format!("id{index}"), key, true).await.unwrap();
        }
        for (index, key) in keys.iter().enumerate() {
            assert_eq!(get(&store, key).await, Some(format!("id{index}")), "{key}");
        }
        let inside = [".incoming", ".sidecars", ".uploads", "examplebucket"].map(str::to_owned);
        assert_eq!(files(folder.path()), BTreeSet::from(inside));
        let sidecars = files(&folder.path().join(".sidecars/examplebucket"));
        assert_eq!(sidecars.len(), keys.len());
        let bucket = folder.path().join("examplebucket");
        assert_eq!(fs::read_to_string(bucket.join("b/c")).unwrap(), "id3");
        assert_eq!(fs::read_to_string(bucket.join("é")).unwrap(), "id15");
    }

    #[tokio::test]
    async fn a_new_version_of_an_object_keeps_its_path() {
        let folder = TempDir::new().unwrap();
        let store = open(&folder);
        put(&store, "first", "a", false).await.unwrap();
        let hashed = put(&store, "second", "a/b", false).await.unwrap();
        assert!(hashed.to_str().unwrap().contains('~'), "{hashed:?}");
        fs::remove_file(folder.path().join("examplebucket/a")).unwrap();
        assert_eq!(put(&store, "third", "a/b", false).await.unwrap(), hashed);
        assert_eq!(get(&store, "a/b").await.as_deref(), Some("third"));
    }

    #[tokio::test]
    async fn an_object_whose_file_was_deleted_does_not_exist() {
        let folder = TempDir::new().unwrap();
        let store = open(&folder);
        let path = put(&store, "id", "dir/key", true).await.unwrap();
        assert_eq!(path, folder.path().join("examplebucket/dir/key"));
        fs::remove_file(&path).unwrap();
        assert_eq!(get(&store, "dir/key").await, None);
        assert_eq!(put(&store, "new", "dir/key", true).await.unwrap(), path);
    }

    #[tokio::test]
    async fn a_removed_object_leaves_no_file_and_its_path_is_free() {
        let folder = TempDir::new().unwrap();
        let store = open(&folder);
        let path = put(&store, "id", "dir/key", true).await.unwrap();
        store.remove("examplebucket", "dir/key").await.unwrap();
        assert!(!path.exists());
        assert_eq!(get(&store, "dir/key").await, None);
        store.remove("examplebucket", "dir/key").await.unwrap();
        assert_eq!(put(&store, "new", "dir/key", true).await.unwrap(), path);
    }

    #[tokio::test]
    async fn a_dropped_upload_leaves_no_file() {
        let folder = TempDir::new().unwrap();
        let store = open(&folder);
        let mut temp = store.begin("id").await.unwrap();
        temp.write(&Bytes::from_static(b"half")).await.unwrap();
        drop(temp);
        assert!(files(&folder.path().join(".incoming")).is_empty());
    }

    #[tokio::test]
    async fn unfinished_uploads_of_an_earlier_run_are_removed_and_its_objects_kept() {
        let folder = TempDir::new().unwrap();
        put(&open(&folder), "id", "key", false).await.unwrap();
        let leftover = folder.path().join(".incoming/old");
        fs::write(&leftover, b"half").unwrap();
        let store = open(&folder);
        assert!(!leftover.exists());
        assert_eq!(get(&store, "key").await.as_deref(), Some("id"));
    }

    #[tokio::test]
    async fn of_many_uploads_that_must_not_overwrite_exactly_one_wins() {
        let folder = TempDir::new().unwrap();
        let store = open(&folder);
        let uploads: Vec<_> = (0..16)
            .map(|index| {
                let store = Arc::clone(&store);
                tokio::spawn(async move { put(&store, &format!("id{index}"), "key", true).await })
            })
            .collect();
        let mut kept = 0;
        for upload in uploads {
            match upload.await.unwrap() {
                Ok(_) => kept += 1,
                Err(StoreError::Exists) => {}
                Err(StoreError::Io(error)) => panic!("{error}"),
            }
        }
        assert_eq!(kept, 1);
        assert!(files(&folder.path().join(".incoming")).is_empty());
    }

    #[tokio::test]
    async fn an_overwritten_object_stays_readable_for_open_readers() {
        let folder = TempDir::new().unwrap();
        let store = open(&folder);
        put(&store, "first", "key", false).await.unwrap();
        let (_, file) = store.find("examplebucket", "key").await.unwrap().unwrap();
        put(&store, "second", "key", false).await.unwrap();
        assert_eq!(io::read_to_string(file).unwrap(), "first");
        assert_eq!(get(&store, "key").await.as_deref(), Some("second"));
    }

    #[tokio::test]
    async fn content_without_a_sidecar_is_not_an_object() {
        let folder = TempDir::new().unwrap();
        let store = open(&folder);
        put(&store, "id", "key", false).await.unwrap();
        let sidecars = folder.path().join(".sidecars/examplebucket");
        for name in files(&sidecars) {
            fs::remove_file(sidecars.join(name)).unwrap();
        }
        assert_eq!(get(&store, "key").await, None);
        assert!(put(&store, "new", "key", true).await.is_ok());
    }

    #[test]
    fn a_directory_that_cannot_be_created_gives_a_clear_error() {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, b"").unwrap();
        let error = Store::open(file.join("data"), &bucket()).unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with("the data folder "), "{text}");
        assert!(text.contains("cannot be created or written"), "{text}");
    }
}

/// The write buffer of one upload, in bytes.
const WRITE_BUFFER: usize = 256 * 1024;

/// The temporary file of an upload. It is removed on drop unless it was moved.
#[derive(Debug)]
pub(in crate::oss) struct TempUpload {
    path: PathBuf,
    file: File,
}

impl TempUpload {
    pub(super) async fn create(path: PathBuf) -> io::Result<Self> {
        let mut file = File::create_new(&path).await?;
        file.set_max_buf_size(WRITE_BUFFER);
        Ok(Self { path, file })
    }

    /// Appends bytes.
    pub(in crate::oss) async fn write(&mut self, bytes: &Bytes) -> io::Result<()> {
        self.file.write_all(bytes).await
    }

    /// Waits until all bytes are written; a full disk may be reported only here.
    pub(in crate::oss) async fn flush(&mut self) -> io::Result<()> {
        self.file.flush().await
    }

    pub(in crate::oss) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for TempUpload {
    /// Removes the file. After a move there is no file at this path.
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// The properties of a stored object, kept as JSON in a sidecar file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::oss) struct Sidecar {
    pub(in crate::oss) key: String,
    pub(in crate::oss) size: u64,
    /// Without quotes.
    pub(in crate::oss) etag: String,
    pub(in crate::oss) crc64: u64,
    /// Unix seconds.
    pub(in crate::oss) stored_at: i64,
    pub(in crate::oss) content_type: String,
    /// The headers to return, including metadata, with lower-case names.
    pub(in crate::oss) headers: Vec<(String, String)>,
    /// The ACL that the upload named; without one that of the bucket counts, which is private.
    #[serde(default)]
    pub(in crate::oss) acl: Option<String>,
    /// Base64, where OSS knows it.
    #[serde(default)]
    pub(in crate::oss) content_md5: Option<String>,
    #[serde(default)]
    pub(in crate::oss) object_type: ObjectType,
}

impl Sidecar {
    /// Returns whether everyone may read the object.
    pub(in crate::oss) fn is_public(&self) -> bool {
        matches!(self.acl.as_deref(), Some("public-read" | "public-read-write"))
    }
}

/// How an object was uploaded, as `x-oss-object-type` says it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::oss) enum ObjectType {
    #[default]
    Normal,
    Multipart,
}

impl ObjectType {
    pub(in crate::oss) fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "Normal",
            Self::Multipart => "Multipart",
        }
    }
}
