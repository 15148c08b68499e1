//! Unfinished uploads in files that only their user can read, and whether a file is still the one whose upload began.
//!
//! The files are in `oss-upload/uploads` of the user's state folder (`XDG_STATE_HOME`, `~/.local/state`,
//! `LOCALAPPDATA`); without a home, beside the file that is uploaded. Each has the token of one upload, or the id of
//! one in a bucket.

use std::fs;
use std::fs::{File, OpenOptions};
use std::io;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

use crate::upload::body::UploadFile;
use crate::upload::form_source::FormSource;
use crate::upload::parts::BegunUpload;
use crate::upload::parts::error::PartsError;
use oss_upload_signer::config::environment::Environment;
use oss_upload_signer::crypto;
use oss_upload_signer::policy::part_size::PartPlan;

/// The size of each sample of a fingerprint in bytes.
const SAMPLE: u64 = 64 << 10;

/// The version of the files.
const VERSION: u32 = 1;

/// What a file was when its upload began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FileIdentity {
    /// Bytes.
    pub(super) size: u64,
    /// Nanoseconds since 1970; `None` where the file system has no time.
    modified: Option<u64>,
    /// SHA-256 of the first, the middle and the last 64 KiB.
    fingerprint: String,
}

impl FileIdentity {
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let metadata = file.metadata()?;
        let size = metadata.len();
        let mut samples = Vec::new();
        for start in [0, (size / 2).saturating_sub(SAMPLE / 2), size.saturating_sub(SAMPLE)] {
            file.seek(SeekFrom::Start(start))?;
            (&file).take(SAMPLE).read_to_end(&mut samples)?;
        }
        let fingerprint = crypto::hex(&crypto::sha256(&samples));
        Ok(Self { size, modified: modified(&metadata), fingerprint })
    }

    /// Says how a file differs from this one.
    pub(super) fn difference(&self, now: &Self) -> Option<String> {
        if self.size != now.size {
            return Some(format!("it had {} bytes and has {}", self.size, now.size));
        }
        if self.fingerprint != now.fingerprint {
            return Some("its content has changed".to_owned());
        }
        (self.modified != now.modified).then(|| "it was modified in the meantime".to_owned())
    }

    /// Returns whether size and time of a file are still these. Reads nothing of its content.
    pub(super) fn is_current(&self, path: &Path) -> bool {
        let metadata = fs::metadata(path);
        metadata.is_ok_and(|one| one.len() == self.size && modified(&one) == self.modified)
    }
}

fn modified(metadata: &fs::Metadata) -> Option<u64> {
    let since = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    u64::try_from(since.as_nanos()).ok()
}

/// An upload that has begun. It can contain a token, so it has no `Debug`.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SavedUpload {
    version: u32,
    file: PathBuf,
    pub(super) identity: FileIdentity,
    pub(super) key: String,
    /// Bytes.
    pub(super) part_size: u64,
    /// How many parts to send at a time.
    pub(super) parallel: u8,
    pub(super) place: SavedPlace,
}

/// Where an upload goes.
#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "lowercase")]
pub(super) enum SavedPlace {
    /// Through a function, whose token is the whole state.
    Signer { token: String },
    /// Straight to the bucket: the id of OSS, and the one that is stored with the object.
    Bucket { upload_id: String, id: String },
}

impl SavedUpload {
    pub(super) fn new(file: &UploadFile, identity: FileIdentity, begun: BegunUpload) -> Self {
        let BegunUpload { key, part_size, parallel, place, .. } = begun;
        let file = absolute(&file.path);
        Self { version: VERSION, file, identity, key, part_size, parallel, place }
    }

    /// Returns whether a token continues this upload.
    pub(super) fn has_token(&self, other: &str) -> bool {
        matches!(&self.place, SavedPlace::Signer { token } if token == other)
    }

    /// Returns how the file is divided.
    pub(super) fn plan(&self) -> Result<PartPlan, PartsError> {
        PartPlan::new(self.identity.size, self.part_size)
            .map_err(|_| PartsError::Over("the file cannot be divided into its parts".to_owned()))
    }
}

/// Describes where a file goes: an unfinished upload is continued only with the same arguments.
pub(super) fn place_text(source: &FormSource, file: &UploadFile) -> String {
    match source {
        FormSource::Signer(signer) => {
            format!("signer {} {}", signer.url, signer.route.as_deref().unwrap_or_default())
        }
        FormSource::Local(local) => {
            let route = &local.context.route;
            format!("bucket {} {}", route.bucket.as_str(), local.key(file))
        }
    }
}

/// The unfinished uploads of this user.
#[derive(Debug)]
pub(super) struct SavedUploads {
    directory: Option<PathBuf>,
}

impl SavedUploads {
    pub(super) fn new(environment: &Environment) -> Self {
        let path =
            |name| environment.get(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let state = path("XDG_STATE_HOME")
            .or_else(|| path("HOME").map(|home| home.join(".local/state")))
            .or_else(|| path("LOCALAPPDATA"));
        Self { directory: state.map(|state| state.join("oss-upload").join("uploads")) }
    }

    /// Finds the unfinished upload of a file to a place.
    pub(super) fn find(
        &self,
        file: &UploadFile,
        place: &str,
    ) -> Result<Option<SavedUpload>, String> {
        let path = self.path(file, place);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(format!("{} cannot be read: {error}", path.display())),
        };
        let upload: Option<SavedUpload> = serde_json::from_slice(&text).ok();
        match upload.filter(|upload| upload.version == VERSION) {
            Some(upload) => Ok(Some(upload)),
            None => Err(format!(
                "{} is no unfinished upload of this version; remove it to upload the file anew",
                path.display()
            )),
        }
    }

    /// Saves an upload, readable by this user only.
    pub(super) fn save(
        &self,
        file: &UploadFile,
        place: &str,
        upload: &SavedUpload,
    ) -> Result<(), String> {
        let path = self.path(file, place);
        let written = self.create_directory().and_then(|()| {
            let temporary = path.with_extension(format!("{}.tmp", std::process::id()));
            let text = serde_json::to_vec(upload).map_err(io::Error::other)?;
            let written =
                write_private(&temporary, &text).and_then(|()| fs::rename(&temporary, &path));
            if written.is_err() {
                let _ = fs::remove_file(&temporary);
            }
            written
        });
        written.map_err(|error| {
            format!(
                "the upload could not be continued later: {} cannot be written: {error}",
                path.display()
            )
        })
    }

    /// Forgets an upload that is over.
    pub(super) fn remove(&self, file: &UploadFile, place: &str) {
        // A file that stays is reported by the next run: OSS does not know its upload.
        let _ = fs::remove_file(self.path(file, place));
    }

    fn create_directory(&self) -> io::Result<()> {
        let Some(directory) = &self.directory else { return Ok(()) };
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(directory)
    }

    fn path(&self, file: &UploadFile, place: &str) -> PathBuf {
        let absolute = absolute(&file.path);
        let hash = crypto::sha256(format!("{}\n{place}", absolute.display()).as_bytes());
        let hash = crypto::hex(&hash[..16]);
        match &self.directory {
            Some(directory) => directory.join(format!("{hash}.json")),
            None => absolute.with_file_name(format!(".{}.{hash}.oss-upload", file.name)),
        }
    }
}

/// Returns the path from the root, so that an upload is found again from another folder.
fn absolute(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

fn write_private(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upload_file(path: &Path) -> UploadFile {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let content_type = "video/mp4".to_owned();
        UploadFile { path: path.to_owned(), name, content_type, size: 3 }
    }

    fn begun() -> BegunUpload {
        let place = SavedPlace::Signer { token: "u1.marker".to_owned() };
        BegunUpload { key: "a".to_owned(), size: 3, part_size: 1 << 20, parallel: 4, place }
    }

    fn saved(environment: &[(&str, &str)]) -> SavedUploads {
        let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        SavedUploads::new(&environment.iter().map(pair).collect())
    }

    #[test]
    fn an_upload_is_saved_for_its_user_alone_and_found_at_the_same_place_only() {
        let folder = tempfile::tempdir().unwrap();
        let (home, path) = (folder.path().join("home"), folder.path().join("a.mp4"));
        fs::write(&path, "abc").unwrap();
        let file = upload_file(&path);
        let upload = SavedUpload::new(&file, FileIdentity::of(&path).unwrap(), begun());
        for environment in [&[][..], &[("HOME", home.to_str().unwrap())]] {
            let saved = saved(environment);
            saved.save(&file, "signer x ", &upload).unwrap();
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt;
                let path = saved.path(&file, "signer x ");
                assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
            }
            let found = saved.find(&file, "signer x ").unwrap().unwrap();
            assert_eq!((found.identity, found.key), (upload.identity.clone(), "a".to_owned()));
            assert!(saved.find(&file, "signer y ").unwrap().is_none());
            saved.remove(&file, "signer x ");
            assert!(saved.find(&file, "signer x ").unwrap().is_none());
        }
    }

    #[test]
    fn a_damaged_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.mp4");
        fs::write(&path, "abc").unwrap();
        let (file, saved) = (upload_file(&path), saved(&[]));
        fs::write(saved.path(&file, "p"), "{}").unwrap();
        let reason = saved.find(&file, "p").err().unwrap();
        assert!(reason.contains(".a.mp4.") && reason.contains("remove it"), "{reason}");
    }

    #[test]
    fn each_change_of_a_file_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let write = |content: &[u8]| {
            fs::write(&path, content).unwrap();
            FileIdentity::of(&path).unwrap()
        };
        let first = write(&vec![7; 300_000]);
        assert_eq!(first.difference(&FileIdentity::of(&path).unwrap()), None);
        assert!(first.is_current(&path));
        assert_eq!(first.difference(&write(b"ab")).unwrap(), "it had 300000 bytes and has 2");
        assert!(!first.is_current(&path));
        for place in [0, 150_000, 299_999] {
            let mut content = vec![7; 300_000];
            content[place] = 8;
            let difference = first.difference(&write(&content)).unwrap();
            assert_eq!(difference, "its content has changed", "{place}");
        }
        let touched = FileIdentity { modified: Some(1), ..first.clone() };
        assert_eq!(first.difference(&touched).unwrap(), "it was modified in the meantime");
    }
}
