//! Where an upload in parts goes: through a function, or straight to the bucket.

use crate::http_client::WebClient;
use crate::upload::body::UploadFile;
use crate::upload::form_source::FormSource;
use crate::upload::parts::BegunUpload;
use crate::upload::parts::bucket::{self, BucketUpload, BucketUploadIds, SignedPart};
use crate::upload::parts::error::PartsError;
use crate::upload::parts::saved::{SavedPlace, SavedUpload};
use crate::upload::parts::signer::{self, SignerUpload};

/// An upload that has begun.
pub(super) enum PartsTarget {
    Signer(Box<SignerUpload>),
    Bucket(Box<BucketUpload>),
}

/// Begins an upload.
pub(super) async fn begin(
    source: &FormSource,
    client: &WebClient,
    file: &UploadFile,
    part_size: Option<u64>,
) -> Result<BegunUpload, PartsError> {
    match source {
        FormSource::Signer(signer) => signer::begin(signer, client, file, part_size).await,
        FormSource::Local(local) => bucket::begin(local, client, file, part_size).await,
    }
}

impl PartsTarget {
    /// Opens an upload that has begun. Sends nothing yet.
    pub(super) fn open(
        source: &FormSource,
        client: &WebClient,
        content_type: &str,
        upload: &SavedUpload,
    ) -> Result<Self, PartsError> {
        let plan = upload.plan()?;
        match (source, &upload.place) {
            (FormSource::Signer(source), SavedPlace::Signer { token }) => {
                Ok(Self::Signer(Box::new(SignerUpload::new(source, client, token, &plan))))
            }
            (FormSource::Local(source), SavedPlace::Bucket { upload_id, id }) => {
                let ids = BucketUploadIds { key: &upload.key, upload_id, id };
                let upload = BucketUpload::new(source, client, content_type, &ids, plan);
                Ok(Self::Bucket(Box::new(upload)))
            }
            _ => Err(PartsError::Over("the upload began in another way".to_owned())),
        }
    }

    /// Lists the parts that OSS has; `None` if it does not know the upload.
    pub(super) async fn done(&self) -> Result<Option<Vec<u32>>, PartsError> {
        match self {
            Self::Signer(upload) => upload.done().await,
            Self::Bucket(upload) => upload.done().await,
        }
    }

    /// Signs a part. `refused` is the URL that OSS has refused.
    pub(super) async fn part(
        &self,
        number: u32,
        refused: Option<&str>,
    ) -> Result<SignedPart, PartsError> {
        match self {
            Self::Signer(upload) => {
                let url = upload.url(number, refused).await?;
                Ok(SignedPart { url, headers: Vec::new() })
            }
            Self::Bucket(upload) => Ok(upload.part(number)),
        }
    }

    /// Returns whether a signature that was refused may be replaced by a better one.
    pub(super) fn can_sign_anew(&self) -> bool {
        matches!(self, Self::Signer(_))
    }

    /// Makes the object. Its CRC-64 has to be this one, if one is given.
    pub(super) async fn complete(&self, crc64: Option<u64>) -> Result<(), PartsError> {
        match self {
            Self::Signer(upload) => upload.complete(crc64).await,
            Self::Bucket(upload) => upload.complete(crc64).await,
        }
    }

    /// Deletes the parts.
    pub(super) async fn abort(&self) -> Result<(), PartsError> {
        match self {
            Self::Signer(upload) => upload.abort().await,
            Self::Bucket(upload) => upload.abort().await,
        }
    }
}
