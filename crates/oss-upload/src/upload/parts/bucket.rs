//! Uploads in parts straight to a bucket, with the keys of the environment.
//!
//! Each request is signed when it is sent, so nothing of it expires but the keys themselves. The function's own client
//! of the bucket does everything but the parts.

use std::time::Duration;

use tokio::time::Instant;

use crate::error::CommandError;
use crate::http_client::WebClient;
use crate::signing_context::{SigningContext, v4_signer};
use crate::upload::body::UploadFile;
use crate::upload::form_source::LocalSource;
use crate::upload::parts::BegunUpload;
use crate::upload::parts::error::PartsError;
use crate::upload::parts::saved::SavedPlace;
use crate::upload::response::describe_refusal;
use oss_upload_signer::bucket::multipart_upload::{
    CallbackOutcome, Completion, HeadResult, UploadedPart, X_OSS_META_UPLOAD_ID,
};
use oss_upload_signer::bucket::{BucketAddress, BucketClient, BucketError};
use oss_upload_signer::callback::receipt::ReceiptScope;
use oss_upload_signer::crypto;
use oss_upload_signer::grant::callback_fields::ReceiptClaims;
use oss_upload_signer::grant::form::X_OSS_FORBID_OVERWRITE;
use oss_upload_signer::policy::content_type::ContentType;
use oss_upload_signer::policy::part_size::{
    DEFAULT_PARALLEL, MAX_MULTIPART_BYTES, MAX_PARTS, PartPlan, default_part_size,
};
use oss_upload_signer::policy::route::SizeRange;
use oss_upload_signer::signing::request::{OssRequest, RequestSigner, object_path};
use oss_upload_signer::time;

/// The time for one operation on an upload. A list of 10,000 parts has ten pages.
const TIME_LIMIT: Duration = Duration::from_mins(2);

/// How long an object is waited for after its completion was not answered.
pub(super) const JOIN_LIMIT: Duration = Duration::from_mins(5);

/// How often it is looked for.
pub(super) const JOIN_PAUSE: Duration = Duration::from_secs(3);

/// An upload to a bucket.
pub(super) struct BucketUpload {
    client: WebClient,
    context: SigningContext,
    forbid_overwrite: bool,
    content_type: String,
    key: String,
    upload_id: String,
    /// The id that OSS stores with the object.
    id: String,
    plan: PartPlan,
}

/// A signed request for one part.
pub(super) struct SignedPart {
    pub(super) url: String,
    pub(super) headers: Vec<(&'static str, String)>,
}

/// Begins an upload.
pub(super) async fn begin(
    source: &LocalSource,
    client: &WebClient,
    file: &UploadFile,
    part_size: Option<u64>,
) -> Result<BegunUpload, PartsError> {
    if file.size > MAX_MULTIPART_BYTES {
        return Err(PartsError::Over("an object has at most 48.8 TB".to_owned()));
    }
    let part_size = part_size.unwrap_or_else(|| default_part_size(file.size));
    if PartPlan::new(file.size, part_size).is_err() {
        let reason = format!("OSS accepts up to {MAX_PARTS} parts; use a larger --part-size");
        return Err(PartsError::Over(reason));
    }
    let key = source.key(file);
    let seed = [&source.context.random[..], key.as_bytes()].concat();
    let id = crypto::hex(&crypto::sha256(&seed)[..16]);
    let mut headers = vec![
        ("content-type".to_owned(), file.content_type.clone()),
        (X_OSS_META_UPLOAD_ID.to_owned(), id.clone()),
    ];
    if source.forbid_overwrite {
        headers.push((X_OSS_FORBID_OVERWRITE.to_owned(), "true".to_owned()));
    }
    let begun = operations(&source.context, client).initiate(&key, &headers).await;
    let upload_id = begun.map_err(|error| failure(&error))?;
    let place = SavedPlace::Bucket { upload_id, id };
    Ok(BegunUpload { key, size: file.size, part_size, parallel: DEFAULT_PARALLEL, place })
}

/// What continues an upload to a bucket.
pub(super) struct BucketUploadIds<'a> {
    pub(super) key: &'a str,
    pub(super) upload_id: &'a str,
    pub(super) id: &'a str,
}

impl BucketUpload {
    pub(super) fn new(
        source: &LocalSource,
        client: &WebClient,
        content_type: &str,
        ids: &BucketUploadIds<'_>,
        plan: PartPlan,
    ) -> Self {
        Self {
            client: client.clone(),
            context: source.context.clone(),
            forbid_overwrite: source.forbid_overwrite,
            content_type: content_type.to_owned(),
            key: ids.key.to_owned(),
            upload_id: ids.upload_id.to_owned(),
            id: ids.id.to_owned(),
            plan,
        }
    }

    /// Lists the parts that OSS has with their whole length; `None` if it does not know the upload.
    pub(super) async fn done(&self) -> Result<Option<Vec<u32>>, PartsError> {
        match self.operations().list_parts(&self.key, &self.upload_id).await {
            Ok(listed) => Ok(Some(self.whole(listed).iter().map(|part| part.number).collect())),
            Err(error) if error.is_no_such_upload() => Ok(None),
            Err(error) => Err(failure(&error)),
        }
    }

    /// Signs the request for a part, for exactly its length.
    pub(super) fn part(&self, number: u32) -> SignedPart {
        let (context, number_text) = (&self.context, number.to_string());
        let length = self.plan.length(number).unwrap_or_default().to_string();
        let region = context.route.region.as_str();
        let signer = RequestSigner::new(v4_signer(&context.credentials, region, time::now()));
        let request = OssRequest {
            query: &[("partNumber", Some(&number_text)), ("uploadId", Some(&self.upload_id))],
            headers: &[("content-length", &length)],
            additional_headers: &["content-length"],
            ..OssRequest::new("PUT", context.route.bucket.as_str(), &self.key)
        };
        let query = signer.canonical_headers(&request).query;
        let url = format!("{}{}?{query}", context.route.host.as_str(), object_path(&self.key));
        SignedPart { url, headers: signer.sign_headers(&request) }
    }

    /// Makes the object.
    pub(super) async fn complete(&self, crc64: Option<u64>) -> Result<(), PartsError> {
        let client = self.operations();
        let parts = match client.list_parts(&self.key, &self.upload_id).await {
            Ok(listed) => self.whole(listed),
            Err(error) => return self.look(error, Duration::ZERO).await,
        };
        let (done, count) = (parts.len(), self.plan.count());
        if u32::try_from(done) != Ok(count) {
            let reason = format!("OSS has {done} of {count} parts");
            return Err(PartsError::Unfinished(reason));
        }
        let headers = self.completion_headers()?;
        let has_callback = self.context.route.callback.is_some();
        let completion = Completion {
            key: &self.key,
            upload_id: &self.upload_id,
            parts: &parts,
            headers: &headers,
            has_callback,
        };
        let object = match client.complete(&completion).await {
            Ok(object) => object,
            // OSS goes on joining the parts of a large file when nobody waits for it any more.
            Err(error @ BucketError::Unreachable { may_have_arrived: true, .. }) => {
                return self.look(error, JOIN_LIMIT).await;
            }
            Err(error) => return self.look(error, Duration::ZERO).await,
        };
        if let (Some(computed), Some(stored)) = (crc64, &object.crc64)
            && *stored != computed.to_string()
        {
            let reason =
                "the object is stored, and its CRC-64 is not that of the file; upload it again";
            return Err(PartsError::Over(reason.to_owned()));
        }
        match object.callback {
            CallbackOutcome::Failed(ec) => Err(PartsError::CallbackFailed(format!(
                "203 (CallbackFailed, {ec}): The object is stored, but the callback failed"
            ))),
            CallbackOutcome::Unknown | CallbackOutcome::Answered(_) => Ok(()),
        }
    }

    /// Deletes the parts.
    pub(super) async fn abort(&self) -> Result<(), PartsError> {
        self.operations().abort(&self.key, &self.upload_id).await.map_err(|error| failure(&error))
    }

    /// Looks whether the upload was completed although OSS did not say so, for as long as `limit`.
    async fn look(&self, error: BucketError, limit: Duration) -> Result<(), PartsError> {
        let may_be_there =
            error.is_no_such_upload() || error.is_existing_object() || error.may_have_succeeded();
        if !may_be_there {
            return Err(failure(&error));
        }
        let end = Instant::now() + limit;
        loop {
            if let Ok(HeadResult::Found(head)) = self.operations().head(&self.key).await
                && head.upload_id.as_deref() == Some(&self.id)
            {
                return Ok(());
            }
            if Instant::now() >= end {
                return Err(failure(&error));
            }
            tokio::time::sleep(JOIN_PAUSE).await;
        }
    }

    fn operations(&self) -> BucketClient<'_> {
        operations(&self.context, &self.client)
    }

    fn whole(&self, mut listed: Vec<UploadedPart>) -> Vec<UploadedPart> {
        listed.retain(|part| self.plan.length(part.number) == Some(part.size));
        listed
    }

    fn completion_headers(&self) -> Result<Vec<(String, String)>, PartsError> {
        let unfinished = |error: CommandError| PartsError::Unfinished(error.to_string());
        let context = self.context.at(time::now()).map_err(unfinished)?;
        let size = self.plan.size();
        let types = ContentType::parse(&self.content_type).map(|one| one.essence().to_owned());
        let claims = ReceiptClaims {
            scope: ReceiptScope::Key(self.key.clone()),
            size: SizeRange { min: size, max: size },
            types: types.into_iter().collect(),
            expires_at: context.expires_at(),
            once: false, // The key comes from the command line, so other uploads may have it too.
        };
        let mut headers = context.callback_headers(claims).map_err(unfinished)?;
        if self.forbid_overwrite {
            headers.push((X_OSS_FORBID_OVERWRITE.to_owned(), "true".to_owned()));
        }
        Ok(headers)
    }
}

fn operations<'a>(context: &'a SigningContext, client: &'a WebClient) -> BucketClient<'a> {
    let route = &context.route;
    let address = BucketAddress {
        url: route.host.as_str(),
        name: route.bucket.as_str(),
        region: route.region.as_str(),
    };
    let deadline = Instant::now() + TIME_LIMIT;
    BucketClient::new(client, address, &context.credentials, time::now(), deadline)
}

fn failure(error: &BucketError) -> PartsError {
    let is_over = error.is_no_such_upload();
    let reason = match error {
        BucketError::Refused(refusal) => describe_refusal(refusal, None),
        BucketError::Unreachable { .. } | BucketError::Malformed(_) => error.to_string(),
    };
    let reason = reason.trim_end_matches('.').to_owned();
    if is_over { PartsError::Over(reason) } else { PartsError::Unfinished(reason) }
}
