//! The operations on an upload in parts: begin, list, complete, abort, and look at the object.

use std::fmt::Write as _;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, ETAG};
use http::{Method, Response, StatusCode};
use tokio::time::Instant;

use crate::bucket::{BucketClient, BucketError, BucketRequest, header, is_forbidden, refusal, xml};

/// The largest number of parts on one page of a list.
const PAGE: u32 = 1000;

/// The largest number of pages: 10,000 parts, and one page more.
const MAX_PAGES: usize = 11;

/// The time for completing an upload, which OSS needs more of for more parts.
const COMPLETE_TIMEOUT: Duration = Duration::from_secs(20);

/// The time that is kept for a look at the object after a completion that was not answered.
const LOOK_TIME: Duration = Duration::from_secs(3);

/// The longest id of an upload, in bytes. Those of OSS have 32.
const MAX_UPLOAD_ID: usize = 128;

/// The metadata of an object that says which grant it was uploaded with.
pub const X_OSS_META_UPLOAD_ID: &str = "x-oss-meta-upload-id";

const UPLOADS: &str = "uploads";
const UPLOAD_ID: &str = "uploadId";
const X_OSS_HASH_CRC64ECMA: &str = "x-oss-hash-crc64ecma";

/// A part that OSS has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadedPart {
    /// The number, from 1.
    pub number: u32,
    /// The size in bytes.
    pub size: u64,
    /// The entity tag without quotes.
    pub etag: String,
}

/// The completion of an upload.
#[derive(Debug)]
pub struct Completion<'a> {
    /// The object key.
    pub key: &'a str,
    /// The id that OSS gave to the upload.
    pub upload_id: &'a str,
    /// The parts of the object in ascending order.
    pub parts: &'a [UploadedPart],
    /// The headers, with names in lower case.
    pub headers: &'a [(String, String)],
    /// Whether the headers order a callback, whose answer OSS then passes on.
    pub has_callback: bool,
}

/// An object that OSS has made of parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CompletedObject {
    /// The entity tag without quotes.
    pub etag: Option<String>,
    /// The CRC-64 of the whole object, in decimal.
    pub crc64: Option<String>,
    /// What became of the callback.
    pub callback: CallbackOutcome,
}

/// What became of the callback of an upload.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum CallbackOutcome {
    /// No callback was ordered, or its answer is not known.
    #[default]
    Unknown,
    /// The server that OSS called has answered this.
    Answered(Bytes),
    /// The object is stored, and the callback failed with this EC.
    Failed(String),
}

/// An object as OSS describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectHead {
    /// The size in bytes.
    pub size: u64,
    /// The entity tag without quotes.
    pub etag: Option<String>,
    /// The CRC-64, in decimal.
    pub crc64: Option<String>,
    /// The value of [`X_OSS_META_UPLOAD_ID`].
    pub upload_id: Option<String>,
}

/// The result of looking at an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeadResult {
    /// There is an object.
    Found(ObjectHead),
    /// There is none.
    Absent,
    /// The key may not read objects.
    Forbidden,
}

impl BucketClient<'_> {
    /// Begins an upload and returns the id that OSS gave to it.
    pub async fn initiate(
        &self,
        key: &str,
        headers: &[(String, String)],
    ) -> Result<String, BucketError> {
        let headers = borrowed(headers);
        let query = [(UPLOADS, None)];
        let request = BucketRequest {
            query: &query,
            headers: &headers,
            ..BucketRequest::new(Method::POST, key)
        };
        let response = self.send(&request, super::TIMEOUT).await?;
        let mut upload_id = String::new();
        let read = xml::read(response.body(), |path, text| {
            if let ["InitiateMultipartUploadResult", "UploadId"] = path {
                text.clone_into(&mut upload_id);
            }
        });
        let is_visible = upload_id.bytes().all(|byte| byte.is_ascii_graphic());
        let is_id = (1..=MAX_UPLOAD_ID).contains(&upload_id.len()) && is_visible;
        if read.is_ok() && is_id {
            return Ok(upload_id);
        }
        Err(BucketError::Malformed("it has no id of the new upload"))
    }

    /// Lists all parts of an upload in ascending order.
    pub async fn list_parts(
        &self,
        key: &str,
        upload_id: &str,
    ) -> Result<Vec<UploadedPart>, BucketError> {
        let mut parts: Vec<UploadedPart> = Vec::new();
        for _ in 0..MAX_PAGES {
            let (marker, most) = (parts.last().map_or(0, |part| part.number), PAGE.to_string());
            let marker = marker.to_string();
            let query = [
                ("max-parts", Some(most.as_str())),
                ("part-number-marker", Some(&marker)),
                (UPLOAD_ID, Some(upload_id)),
            ];
            let request = BucketRequest { query: &query, ..BucketRequest::new(Method::GET, key) };
            let response = self.send_repeatable(&request).await?;
            let page = PartsPage::read(response.body())?;
            let is_last = !page.is_truncated || page.parts.is_empty();
            parts.extend(page.parts);
            if !parts.is_sorted_by(|one, next| one.number < next.number) {
                return Err(BucketError::Malformed("its parts are not in ascending order"));
            }
            if is_last {
                return Ok(parts);
            }
        }
        Err(BucketError::Malformed("it lists more parts than an upload has"))
    }

    /// Makes an object of the parts. Without a success, [`BucketError::may_have_succeeded`] tells whether the object
    /// may be there.
    pub async fn complete(
        &self,
        completion: &Completion<'_>,
    ) -> Result<CompletedObject, BucketError> {
        let headers = borrowed(completion.headers);
        let query = [(UPLOAD_ID, Some(completion.upload_id))];
        let request = BucketRequest {
            query: &query,
            headers: &headers,
            body: part_list(completion.parts).into(),
            ..BucketRequest::new(Method::POST, completion.key)
        };
        let left = self.deadline.saturating_duration_since(Instant::now());
        let timeout = COMPLETE_TIMEOUT.min(left.saturating_sub(LOOK_TIME));
        let response = self.send(&request, timeout).await?;
        Ok(CompletedObject {
            etag: etag(&response).or_else(|| etag_in_body(response.body())),
            crc64: crc64(&response),
            callback: callback_outcome(&response, completion.has_callback),
        })
    }

    /// Deletes an upload with its parts. One that is already gone is a success.
    pub async fn abort(&self, key: &str, upload_id: &str) -> Result<(), BucketError> {
        let query = [(UPLOAD_ID, Some(upload_id))];
        let request = BucketRequest { query: &query, ..BucketRequest::new(Method::DELETE, key) };
        match self.send_repeatable(&request).await {
            Err(error) if !error.is_no_such_upload() => Err(error),
            _ => Ok(()),
        }
    }

    /// Looks at an object.
    pub async fn head(&self, key: &str) -> Result<HeadResult, BucketError> {
        let response = match self.send_repeatable(&BucketRequest::new(Method::HEAD, key)).await {
            Ok(response) => response,
            Err(BucketError::Refused(refusal)) if refusal.status == 404 => {
                return Ok(HeadResult::Absent);
            }
            Err(error) if is_forbidden(&error) => return Ok(HeadResult::Forbidden),
            Err(error) => return Err(error),
        };
        let size = header(response.headers(), CONTENT_LENGTH.as_str()).parse();
        let size = size.map_err(|_| BucketError::Malformed("it has no size of the object"))?;
        let upload_id = header(response.headers(), X_OSS_META_UPLOAD_ID);
        Ok(HeadResult::Found(ObjectHead {
            size,
            etag: etag(&response),
            crc64: crc64(&response),
            upload_id: (!upload_id.is_empty()).then(|| upload_id.to_owned()),
        }))
    }
}

/// One page of a list of parts.
#[derive(Debug, Default)]
struct PartsPage {
    is_truncated: bool,
    parts: Vec<UploadedPart>,
}

impl PartsPage {
    fn read(document: &[u8]) -> Result<Self, BucketError> {
        let mut page = Self::default();
        let (mut number, mut size, mut tag) = (None, None, None);
        let mut is_whole = true;
        let mut is_list = false;
        let read = xml::read(document, |path, text| match path {
            ["ListPartsResult"] => is_list = true,
            ["ListPartsResult", "IsTruncated"] => page.is_truncated = text == "true",
            ["ListPartsResult", "Part", "PartNumber"] => number = text.parse().ok(),
            ["ListPartsResult", "Part", "Size"] => size = text.parse().ok(),
            ["ListPartsResult", "Part", "ETag"] => tag = plain_etag(text),
            ["ListPartsResult", "Part"] => match (number.take(), size.take(), tag.take()) {
                (Some(number), Some(size), Some(etag)) => {
                    page.parts.push(UploadedPart { number, size, etag });
                }
                _ => is_whole = false,
            },
            _ => {}
        });
        if read.is_ok() && is_list && is_whole {
            return Ok(page);
        }
        Err(BucketError::Malformed("it is no list of parts"))
    }
}

fn borrowed(headers: &[(String, String)]) -> Vec<(&str, &str)> {
    headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

/// Writes the list of parts, with quoted entity tags as all official clients do.
fn part_list(parts: &[UploadedPart]) -> String {
    let mut list = String::with_capacity(64 + 112 * parts.len());
    list.push_str("<CompleteMultipartUpload>");
    for UploadedPart { number, etag, .. } in parts {
        let _ =
            write!(list, "<Part><PartNumber>{number}</PartNumber><ETag>\"{etag}\"</ETag></Part>");
    }
    list.push_str("</CompleteMultipartUpload>");
    list
}

/// Returns an entity tag without its quotes; `None` if it has characters that no tag of OSS has.
fn plain_etag(text: &str) -> Option<String> {
    let tag = text.trim().trim_matches('"');
    let is_plain = tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    ((1..=64).contains(&tag.len()) && is_plain).then(|| tag.to_owned())
}

fn etag(response: &Response<Bytes>) -> Option<String> {
    plain_etag(header(response.headers(), ETAG.as_str()))
}

fn etag_in_body(document: &[u8]) -> Option<String> {
    let mut tag = None;
    // The answer of a callback is no XML, and has no tag.
    let _ = xml::read(document, |path, text| {
        if let ["CompleteMultipartUploadResult", "ETag"] = path {
            tag = plain_etag(text);
        }
    });
    tag
}

fn crc64(response: &Response<Bytes>) -> Option<String> {
    let text = header(response.headers(), X_OSS_HASH_CRC64ECMA);
    text.parse::<u64>().ok().map(|crc| crc.to_string())
}

fn callback_outcome(response: &Response<Bytes>, has_callback: bool) -> CallbackOutcome {
    if !has_callback {
        return CallbackOutcome::Unknown;
    }
    if response.status() == StatusCode::NON_AUTHORITATIVE_INFORMATION {
        return CallbackOutcome::Failed(refusal(response).ec);
    }
    CallbackOutcome::Answered(response.body().clone())
}

#[cfg(test)]
mod tests;
