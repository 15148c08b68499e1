//! The data folder: one file per object, one sidecar beside it, nothing half-written.
//!
//! ```text
//! <data>/.incoming/<request id>           on its way in; cleared when the store is opened
//! <data>/<bucket>/objects/<name>          the bytes
//! <data>/<bucket>/sidecars/<name>.json    what is known of them; an object without it is none
//! ```
//!
//! The dot keeps `.incoming` apart from every bucket. An upload is written to `.incoming` and moved
//! into place when all of it is there and judged. The moves happen under one lock, so that of two
//! uploads which must not overwrite exactly one wins, and a reader never sees one object's bytes
//! with another's sidecar. Which file name a key gets is `name`'s business.

mod arrival;
mod name;
mod sidecar;

use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use crate::oss::options::Bucket;
use crate::oss::options::OpenError;

pub(super) use self::arrival::Arrival;
pub(super) use self::sidecar::Sidecar;

/// Says why an object could not be put in its place.
#[derive(Debug)]
pub(super) enum KeepError {
    /// An object of this key is there and must not be overwritten.
    Exists,
    /// The disk is full, or the folder is gone.
    Io(io::Error),
}

impl From<io::Error> for KeepError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Keeps the objects of all buckets.
#[derive(Debug)]
pub(super) struct Store {
    root: PathBuf,
    /// Held while files are moved or opened, never while bytes are copied.
    places: Mutex<()>,
}

impl Store {
    /// Creates the folders and clears what an earlier run left unfinished.
    pub(super) fn open(root: PathBuf, buckets: &[Bucket]) -> Result<Self, OpenError> {
        let store = Self { root, places: Mutex::new(()) };
        match store.prepare(buckets) {
            Ok(()) => Ok(store),
            Err(source) => Err(OpenError::DataDir { path: store.root, source }),
        }
    }

    fn prepare(&self, buckets: &[Bucket]) -> io::Result<()> {
        let incoming = self.incoming();
        fs::create_dir_all(&incoming)?;
        for entry in fs::read_dir(&incoming)? {
            fs::remove_file(entry?.path())?;
        }
        for bucket in buckets {
            fs::create_dir_all(self.root.join(&bucket.name).join("objects"))?;
            fs::create_dir_all(self.root.join(&bucket.name).join("sidecars"))?;
        }
        // Whether the folder can be written is better known now than at the first upload.
        let probe = incoming.join("probe");
        fs::write(&probe, b"")?;
        fs::remove_file(&probe)
    }

    /// Begins to take in an upload; the id is that of the request.
    pub(super) async fn receive(&self, id: &str) -> io::Result<Arrival> {
        Arrival::create(self.incoming().join(id)).await
    }

    /// Puts an upload that arrived whole in its place and returns that place.
    pub(super) async fn keep(
        self: &Arc<Self>,
        arrival: Arrival,
        bucket: &str,
        sidecar: Sidecar,
        forbid_overwrite: bool,
    ) -> Result<PathBuf, KeepError> {
        let store = Arc::clone(self);
        let place = Place::of(&self.root, bucket, &sidecar.key);
        blocking(move || store.settle(&arrival, place, &sidecar, forbid_overwrite)).await
    }

    fn settle(
        &self,
        arrival: &Arrival,
        place: Place,
        sidecar: &Sidecar,
        forbid_overwrite: bool,
    ) -> Result<PathBuf, KeepError> {
        let description = Leftover(arrival.path().with_extension("json"));
        let json = serde_json::to_vec_pretty(sidecar).map_err(io::Error::from)?;
        fs::write(&description.0, json)?;
        let _moving = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if forbid_overwrite && place.sidecar.exists() {
            return Err(KeepError::Exists);
        }
        // Without its sidecar an object does not exist, so a crash between the steps leaves no
        // object rather than a wrong one.
        match fs::remove_file(&place.sidecar) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        fs::rename(arrival.path(), &place.object)?;
        fs::rename(&description.0, &place.sidecar)?;
        Ok(place.object)
    }

    /// Finds an object and opens its bytes; none when there is no such object.
    pub(super) async fn find(
        self: &Arc<Self>,
        bucket: &str,
        key: &str,
    ) -> io::Result<Option<(Sidecar, fs::File)>> {
        let store = Arc::clone(self);
        let place = Place::of(&self.root, bucket, key);
        let found = blocking(move || store.open_object(&place)).await?;
        Ok(found.filter(|(sidecar, _)| sidecar.key == key))
    }

    fn open_object(&self, place: &Place) -> io::Result<Option<(Sidecar, fs::File)>> {
        let _staying = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let json = match fs::read(&place.sidecar) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            read => read?,
        };
        let sidecar = serde_json::from_slice(&json)?;
        Ok(Some((sidecar, fs::File::open(&place.object)?)))
    }

    fn incoming(&self) -> PathBuf {
        self.root.join(".incoming")
    }
}

/// Where an object and its sidecar lie.
struct Place {
    object: PathBuf,
    sidecar: PathBuf,
}

impl Place {
    fn of(root: &Path, bucket: &str, key: &str) -> Self {
        let name = name::file_name(key);
        let bucket = root.join(bucket);
        Self {
            object: bucket.join("objects").join(&name),
            sidecar: bucket.join("sidecars").join(format!("{name}.json")),
        }
    }
}

/// A file that is removed when it was not moved away.
struct Leftover(PathBuf);

impl Drop for Leftover {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Runs file work where it may block.
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
mod tests;
