//! Uploads in parts: files of any size, which survive a broken connection, an interrupted command and the end of a key.
//!
//! | file | owns |
//! |---|---|
//! | `saved` | unfinished uploads in files of the user, and whether a file is still the same |
//! | `signer` | the calls of a function |
//! | `bucket` | the same, straight to the bucket with keys |
//! | `target` | which of the two |
//! | `transfer` | several parts at a time, each with its tries and its checksum |
//! | `error` | whether an upload that failed can be continued |
//!
//! This file decides whether an upload begins, continues or is aborted, and says at its end how to go on. The parts
//! of an unfinished upload cost as much as an object, so none is left without a word.

mod bucket;
mod error;
mod saved;
mod signer;
mod target;
mod transfer;

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::console;
use crate::http_client::WebClient;
use crate::upload::body::UploadFile;
use crate::upload::form_source::FormSource;
use crate::upload::parts::error::PartsError;
use crate::upload::parts::saved::{FileIdentity, SavedPlace, SavedUpload, SavedUploads};
use crate::upload::parts::target::PartsTarget;
use crate::upload::parts::transfer::Transfer;
use crate::upload::response::UploadError;
use oss_upload_signer::config::environment::Environment;

/// What can be done with an upload that is not finished.
const HOW_TO_GO_ON: &str =
    "the upload can be continued with --resume, and its parts can be deleted with --abort";

/// The reason why an upload does not begin that would leave the parts of another one.
const UNFINISHED: &str = "an upload of this file has begun and is not finished; continue it with --resume, or delete \
                          its parts with --abort";

/// What the command line says about uploads in parts.
#[derive(Clone, Debug, Default)]
pub(super) struct PartsOptions {
    /// Continue an unfinished upload.
    pub(super) resume: bool,
    /// Delete the parts of an unfinished upload.
    pub(super) abort: bool,
    /// An upload that began elsewhere.
    pub(super) token: Option<UploadTokenText>,
    /// The size of a part in bytes.
    pub(super) part_size: Option<u64>,
    /// The number of parts at a time.
    pub(super) parallel: Option<u8>,
}

/// The token of an upload. It continues the upload, so it is not shown.
#[derive(Clone)]
pub(super) struct UploadTokenText(pub(super) String);

impl From<String> for UploadTokenText {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for UploadTokenText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("UploadTokenText(..)")
    }
}

/// Uploads files in parts.
#[derive(Debug)]
pub(super) struct PartsUploader<'a> {
    source: &'a FormSource,
    client: &'a WebClient,
    saved: SavedUploads,
    options: PartsOptions,
    /// Whether an upload is about to begin, and is not saved yet.
    is_beginning: AtomicBool,
}

impl<'a> PartsUploader<'a> {
    pub(super) fn new(
        source: &'a FormSource,
        client: &'a WebClient,
        environment: &Environment,
        options: PartsOptions,
    ) -> Self {
        let (saved, is_beginning) = (SavedUploads::new(environment), AtomicBool::new(false));
        Self { source, client, saved, options, is_beginning }
    }

    /// Returns whether an upload is about to begin. If the command ended now, nobody could continue or abort it.
    pub(super) fn is_beginning(&self) -> bool {
        self.is_beginning.load(Ordering::Relaxed)
    }

    /// Continues or aborts the upload of a file that has begun, and returns the line that reports it. Returns `None`
    /// if the file is to be uploaded from its beginning.
    pub(super) async fn continue_upload(
        &self,
        file: &UploadFile,
    ) -> Result<Option<String>, UploadError> {
        let place = saved::place_text(self.source, file);
        let found = self.saved.find(file, &place)?;
        let (upload, is_ours) = match (&self.options.token, found) {
            (Some(token), Some(other)) if !other.has_token(&token.0) => {
                return Err(UNFINISHED.to_owned().into());
            }
            (Some(token), _) => (self.adopt(file, token).await?, true),
            (None, Some(upload)) => (upload, self.options.resume),
            (None, None) if self.options.abort => {
                return Err("there is no unfinished upload of this file to this place"
                    .to_owned()
                    .into());
            }
            (None, None) => return Ok(None),
        };
        if self.options.abort {
            return self.abort(file, &upload).await.map(Some);
        }
        if !is_ours {
            return Err(UNFINISHED.to_owned().into());
        }
        let now = FileIdentity::of(&file.path).map_err(|error| error.to_string())?;
        if let Some(difference) = upload.identity.difference(&now) {
            return Err(format!(
                "the file is not the one whose upload began: {difference}. Delete the parts of that \
                 upload with --abort, then upload the file anew"
            )
            .into());
        }
        self.saved.save(file, &place, &upload)?;
        self.send(file, upload, false).await.map(Some)
    }

    /// Uploads a file from its beginning.
    pub(super) async fn begin(&self, file: &UploadFile) -> Result<String, UploadError> {
        self.is_beginning.store(true, Ordering::Relaxed);
        let begun = self.begin_and_save(file).await;
        self.is_beginning.store(false, Ordering::Relaxed);
        self.send(file, begun?, true).await
    }

    async fn begin_and_save(&self, file: &UploadFile) -> Result<SavedUpload, UploadError> {
        let identity = FileIdentity::of(&file.path).map_err(|error| error.to_string())?;
        let begun = target::begin(self.source, self.client, file, self.options.part_size).await;
        let begun = begun.map_err(PartsError::into_reason)?;
        let upload = SavedUpload::new(file, identity, begun);
        let place = saved::place_text(self.source, file);
        if let Err(reason) = self.saved.save(file, &place, &upload) {
            // Nobody could continue it, so its parts would only cost.
            let aborted = match self.open(file, &upload) {
                Ok(target) => target.abort().await.is_ok(),
                Err(_) => false,
            };
            let outcome = if aborted { "the upload was aborted" } else { "its parts stay in OSS" };
            return Err(format!("{reason}; {outcome}").into());
        }
        Ok(upload)
    }

    /// Says what a command that ends now leaves behind of a file.
    pub(super) fn interrupted(&self, file: &UploadFile) -> String {
        let place = saved::place_text(self.source, file);
        match self.saved.find(file, &place) {
            Ok(None) => "interrupted; nothing is stored".to_owned(),
            Ok(Some(_)) | Err(_) => format!("interrupted; {HOW_TO_GO_ON}"),
        }
    }

    /// Reads what a token begun elsewhere is for.
    async fn adopt(
        &self,
        file: &UploadFile,
        token: &UploadTokenText,
    ) -> Result<SavedUpload, UploadError> {
        let FormSource::Signer(source) = self.source else {
            return Err("--token needs --signer".to_owned().into());
        };
        let begun = signer::describe(source, self.client, &token.0).await;
        let begun = begun.map_err(PartsError::into_reason)?;
        if begun.size != file.size && !self.options.abort {
            let (expected, is) = (begun.size, file.size);
            return Err(format!(
                "the token is for a file of {expected} bytes, and this one has {is}"
            )
            .into());
        }
        let identity = FileIdentity::of(&file.path).map_err(|error| error.to_string())?;
        Ok(SavedUpload::new(file, identity, begun))
    }

    async fn abort(&self, file: &UploadFile, upload: &SavedUpload) -> Result<String, UploadError> {
        let aborted = match self.open(file, upload) {
            Ok(target) => target.abort().await,
            Err(error) => Err(error),
        };
        match aborted {
            Ok(()) => {
                self.saved.remove(file, &saved::place_text(self.source, file));
                Ok(format!("aborted  {}", upload.key))
            }
            Err(PartsError::Over(reason)) => {
                self.saved.remove(file, &saved::place_text(self.source, file));
                Err(reason.into())
            }
            Err(error) => Err(format!("{}; try --abort again", error.into_reason()).into()),
        }
    }

    /// Sends what is missing, and makes the object.
    async fn send(
        &self,
        file: &UploadFile,
        upload: SavedUpload,
        is_new: bool,
    ) -> Result<String, UploadError> {
        let place = saved::place_text(self.source, file);
        let key = upload.key.clone();
        let result = self.transfer(file, &upload, is_new).await;
        if !matches!(result, Err(PartsError::Unfinished(_))) {
            self.saved.remove(file, &place);
        }
        match result {
            Ok(()) => Ok(format!("stored   {key}  {}", console::size(file.size))),
            Err(PartsError::Unfinished(reason)) => {
                Err(format!("{}; {HOW_TO_GO_ON}", reason.trim_end_matches('.')).into())
            }
            Err(PartsError::Over(reason)) => Err(UploadError::NotStored(reason)),
            Err(PartsError::CallbackFailed(reason)) => Err(UploadError::CallbackFailed(reason)),
        }
    }

    async fn transfer(
        &self,
        file: &UploadFile,
        upload: &SavedUpload,
        is_new: bool,
    ) -> Result<(), PartsError> {
        let target = self.open(file, upload)?;
        let done = if is_new { Some(Vec::new()) } else { target.done().await? };
        let Some(done) = done else {
            // An earlier run may have completed it, and the answer was lost.
            return target.complete(None).await;
        };
        let parallel = self.options.parallel.unwrap_or(upload.parallel).max(1);
        Transfer::new(self.client, target, file, upload)?.run(&done, parallel).await
    }

    fn open(&self, file: &UploadFile, upload: &SavedUpload) -> Result<PartsTarget, PartsError> {
        PartsTarget::open(self.source, self.client, &file.content_type, upload)
    }
}

/// An upload that has begun.
pub(super) struct BegunUpload {
    key: String,
    /// Bytes.
    size: u64,
    /// Bytes.
    part_size: u64,
    /// How many parts to send at a time.
    parallel: u8,
    place: SavedPlace,
}
