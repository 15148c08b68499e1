//! Uploads in parts by Uppy's S3 plugin, versions 3 to 6, unmodified and in both of its modes. The `uploadId` that Uppy
//! keeps is the upload token.
//!
//! With an address only, the plugin calls what Uppy's own server offers:
//!
//! | call | response |
//! |---|---|
//! | `POST /uppy/{route}/s3/multipart` | `{"uploadId","key","bucket"}` |
//! | `GET …/{uploadId}/{number}` | `{"url","expires"}` |
//! | `GET …/{uploadId}/batch?partNumbers=1,2` | `{"presignedUrls":{"1":"…"},"expires"}`, for versions before 4 |
//! | `GET …/{uploadId}` | `[{"PartNumber","Size","ETag"}]` |
//! | `POST …/{uploadId}/complete` | `{"location","key","bucket"}` |
//! | `DELETE …/{uploadId}` | `{}` |
//!
//! Where the page calls (`POST /uppy/{route}/sign`), version 6 signs each request to OSS and reads OSS's XML itself. The
//! function sends those that begin, complete and abort an upload on its own, so that they stay its decision, and gives
//! Uppy an address of the function that answers the XML which Uppy expects. These addresses need no caller: they only
//! repeat what is in the token.
//!
//! The plugin does not send the size of a file unless the page puts it into the file's metadata, and divides files by a
//! rule of its own.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::app::App;
use crate::callback::upload_token::{UploadToken, UploadTokenError};
use crate::grant::{Form, GrantRequest};
use crate::http::UncachedJson;
use crate::http::error::{ApiError, MultipartError};
use crate::http::finished_upload::FinishedUpload;
use crate::http::request::{ApiRequest, content_type, find_route};
use crate::http::signing::SigningSession;
use crate::http::upload_session::{self, NewUpload, UploadSession};
use crate::policy::part_size::MAX_PARTS;
use crate::policy::route::Route;
use crate::signing::request::object_path;

/// The smallest part of the plugin in bytes.
const UPPY_PART_BYTES: u64 = 5 << 20;

/// The longest path and query of a call on Function Compute, in bytes.
const MAX_URI_BYTES: usize = 4096;

/// The largest number of parts in one call for several.
const MAX_BATCH: usize = 1000;

/// The body of the call that begins an upload.
#[derive(Deserialize)]
struct CreateRequest {
    filename: Option<String>,
    #[serde(rename = "type")]
    content_type: Option<String>,
    #[serde(default)]
    metadata: Option<BTreeMap<String, Value>>,
}

/// A file as the plugin describes it.
#[derive(Debug)]
pub(super) struct UppyFile {
    pub(super) name: Option<String>,
    pub(super) content_type: Option<String>,
    /// Bytes.
    pub(super) size: Option<u64>,
    /// Bytes; `None` where the plugin divides the file by its own rule.
    pub(super) part_size: Option<u64>,
    pub(super) metadata: BTreeMap<String, Value>,
}

impl UppyFile {
    /// Takes the sizes from the metadata, and of the rest what the route knows: the plugin sends all that it has.
    fn request(self, route: &Route) -> Result<(GrantRequest, Option<u64>), ApiError> {
        let number = |name: &str| self.metadata.get(name).and_then(number);
        let size = self.size.or_else(|| number("size"));
        let part_size = self.part_size.or_else(|| number("part_size"));
        let known = route.metadata.iter().filter_map(|rule| {
            let value = self.metadata.get(&rule.name)?.as_str()?;
            Some((rule.name.clone(), value.to_owned()))
        });
        let request = GrantRequest {
            metadata: known.collect(),
            content_type: self.content_type.as_deref().map_or(Ok(None), content_type)?,
            filename: self.name.clone(),
            size,
            ..GrantRequest::new(Form::Complete)
        };
        Ok((request, Some(part_size.unwrap_or_else(|| default_part_size(size)))))
    }
}

/// Reads a number that may be written as a text, as in metadata.
fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// Returns the part of the plugin: a ten-thousandth of the file, at least 5 MiB.
fn default_part_size(size: Option<u64>) -> u64 {
    size.unwrap_or_default().div_ceil(u64::from(MAX_PARTS)).max(UPPY_PART_BYTES)
}

/// Begins an upload for a route in the path.
pub(super) async fn begin<'a>(
    app: &'a App,
    request: &ApiRequest,
    file: UppyFile,
) -> Result<(UploadSession<'a>, NewUpload), ApiError> {
    let deadline = upload_session::deadline(request);
    let session = SigningSession::open(app, request, Some(request.route()?)).await?;
    upload_session::rules(session.route)?;
    let (file, part_size) = file.request(session.route)?;
    let upload = upload_session::begin(&session, &file, part_size, deadline).await?;
    let session = UploadSession::begun(session, &upload, deadline);
    if longest_uri(request, &upload) > MAX_URI_BYTES {
        session.abort().await?;
        return Err(ApiError::invalid(
            "the object key is too long for this client, which sends it in paths; let the settings make shorter keys",
            "对象的 key 太长，此客户端把它放在路径中；请在设置中使用更短的 key",
        ));
    }
    Ok((session, upload))
}

/// Returns the length of the longest path and query with which the plugin continues an upload.
fn longest_uri(request: &ApiRequest, upload: &NewUpload) -> usize {
    let key = crate::signing::request::object_path(&upload.token.key).len()
        + 2 * upload.token.key.matches('/').count();
    request.uri.path().len() + upload.text.len() + key + "//complete?key=".len()
}

#[derive(Serialize)]
struct CreateResponse<'a> {
    #[serde(rename = "uploadId")]
    upload_id: &'a str,
    key: &'a str,
    bucket: &'a str,
}

/// `POST /uppy/{route}/s3/multipart`
pub(super) async fn create(
    State(app): State<Arc<App>>,
    request: ApiRequest,
) -> Result<Response, ApiError> {
    const EXAMPLE: &str =
        r#"{"filename":"a.mp4","type":"video/mp4","metadata":{"size":2147483648}}"#;
    let body: CreateRequest = serde_json::from_slice(&request.body)
        .map_err(|error| ApiError::invalid_json(&error, EXAMPLE))?;
    let file = UppyFile {
        name: body.filename,
        content_type: body.content_type,
        size: None,
        part_size: None,
        metadata: body.metadata.unwrap_or_default(),
    };
    let (_, NewUpload { token, text, .. }) = begin(&app, &request, file).await?;
    let response = CreateResponse { upload_id: &text, key: &token.key, bucket: &token.bucket };
    Ok(UncachedJson(response).into_response())
}

#[derive(Serialize)]
struct PartResponse<'a> {
    url: &'a str,
    /// Seconds from now.
    expires: i64,
}

/// `GET /uppy/{route}/s3/multipart/{uploadId}/{number}`
pub(super) async fn sign_part(
    State(app): State<Arc<App>>,
    request: ApiRequest,
) -> Result<Response, ApiError> {
    let upload = open(&app, &request).await?;
    let number = request.part.as_deref().and_then(|part| part.parse().ok());
    let number = number.ok_or_else(|| {
        ApiError::invalid("the path has no number of a part", "路径中没有分片编号")
    })?;
    let (url, expires) = part_url(&upload, number)?;
    Ok(UncachedJson(PartResponse { url: &url, expires }).into_response())
}

/// Signs one part. Returns its URL, and the seconds for which it is good.
pub(super) fn part_url(upload: &UploadSession<'_>, number: u32) -> Result<(String, i64), ApiError> {
    let signed = upload.sign(number, 1)?;
    let expires = signed.expires_at.unix() - upload.session.now.unix();
    let url = signed.urls().next().map(|(_, url)| url);
    Ok((url.ok_or(ApiError::Internal("a part without a signature"))?, expires))
}

#[derive(Serialize)]
struct BatchResponse {
    #[serde(rename = "presignedUrls")]
    urls: BTreeMap<u32, String>,
    /// Seconds from now.
    expires: i64,
}

/// `GET /uppy/{route}/s3/multipart/{uploadId}/batch`
pub(super) async fn sign_batch(
    State(app): State<Arc<App>>,
    request: ApiRequest,
) -> Result<Response, ApiError> {
    let upload = open(&app, &request).await?;
    let query = form_urlencoded::parse(request.uri.query().unwrap_or_default().as_bytes());
    let list = query.filter(|(name, _)| name == "partNumbers").map(|(_, value)| value).last();
    let numbers: Option<Vec<u32>> =
        list.as_deref().unwrap_or_default().split(',').map(|one| one.parse().ok()).collect();
    let numbers = numbers.filter(|numbers| numbers.len() <= MAX_BATCH).ok_or_else(|| {
        ApiError::invalid(
            "'partNumbers' is no list of up to 1000 numbers, such as 'partNumbers=1,2'",
            "partNumbers 应为最多 1000 个编号，如 partNumbers=1,2",
        )
    })?;
    let (mut urls, mut expires) = (BTreeMap::new(), 0);
    for number in numbers {
        let (url, seconds) = part_url(&upload, number)?;
        urls.insert(number, url);
        expires = seconds;
    }
    Ok(UncachedJson(BatchResponse { urls, expires }).into_response())
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ListedPart {
    part_number: u32,
    /// Bytes.
    size: u64,
    /// With quotes, as in XML.
    #[serde(rename = "ETag")]
    etag: String,
}

/// `GET /uppy/{route}/s3/multipart/{uploadId}`: the plugin takes every listed part for done.
pub(super) async fn list(
    State(app): State<Arc<App>>,
    request: ApiRequest,
) -> Result<Response, ApiError> {
    let parts = open(&app, &request).await?.parts().await?;
    let parts = parts.into_iter().map(|part| ListedPart {
        part_number: part.number,
        size: part.size,
        etag: format!("\"{}\"", part.etag),
    });
    Ok(UncachedJson(parts.collect::<Vec<_>>()).into_response())
}

/// The body of the call that completes an upload: what the plugin has uploaded.
#[derive(Deserialize)]
struct UppyParts {
    parts: Vec<UppyPart>,
}

#[derive(Deserialize)]
struct UppyPart {
    #[serde(rename = "PartNumber")]
    number: u32,
}

/// `POST /uppy/{route}/s3/multipart/{uploadId}/complete`
pub(super) async fn complete(
    State(app): State<Arc<App>>,
    request: ApiRequest,
) -> Result<Response, ApiError> {
    let body: UppyParts = serde_json::from_slice(&request.body).map_err(|error| {
        ApiError::invalid_json(&error, r#"{"parts":[{"PartNumber":1,"ETag":"…"}]}"#)
    })?;
    let last = body.parts.iter().map(|part| part.number).max();
    let upload = open(&app, &request).await?;
    let finished = upload.complete(last).await?;
    let mut response = json!({
        "location": location(upload.session.route, &upload.token),
        "key": upload.token.key,
        "bucket": upload.token.bucket,
    });
    if let Some(result) = callback_result(&finished)? {
        response["result"] = result;
    }
    Ok(UncachedJson(response).into_response())
}

/// `DELETE /uppy/{route}/s3/multipart/{uploadId}`
pub(super) async fn abort(
    State(app): State<Arc<App>>,
    request: ApiRequest,
) -> Result<Response, ApiError> {
    open(&app, &request).await?.abort().await?;
    Ok(UncachedJson(json!({})).into_response())
}

/// `POST /uppy/{route}/s3/created/{uploadId}`: repeats in OSS's format that the upload has begun.
pub(super) async fn show_created(
    State(app): State<Arc<App>>,
    request: ApiRequest,
) -> Result<Response, ApiError> {
    let (_, text, token) = repeated(&app, &request)?;
    let (bucket, key) = (escape(&token.bucket), escape(&token.key));
    Ok(xml(&format!(
        "<InitiateMultipartUploadResult><Bucket>{bucket}</Bucket><Key>{key}</Key><UploadId>{text}</UploadId>\
         </InitiateMultipartUploadResult>"
    )))
}

/// `POST /uppy/{route}/s3/completed/{uploadId}`: repeats in OSS's format which object the upload is for.
pub(super) async fn show_completed(
    State(app): State<Arc<App>>,
    request: ApiRequest,
) -> Result<Response, ApiError> {
    let (route, _, token) = repeated(&app, &request)?;
    let (bucket, key) = (escape(&token.bucket), escape(&token.key));
    let location = escape(&location(route, &token));
    Ok(xml(&format!(
        "<CompleteMultipartUploadResult><Location>{location}</Location><Bucket>{bucket}</Bucket><Key>{key}</Key>\
         </CompleteMultipartUploadResult>"
    )))
}

/// `DELETE /uppy/{route}/s3/created/{uploadId}`: repeats that the upload is gone.
pub(super) async fn show_aborted(
    State(app): State<Arc<App>>,
    request: ApiRequest,
) -> Result<Response, ApiError> {
    repeated(&app, &request)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Continues the upload whose token is in the path.
async fn open<'a>(app: &'a App, request: &ApiRequest) -> Result<UploadSession<'a>, ApiError> {
    UploadSession::open(app, request, upload_id(request)?, Some(request.route()?)).await
}

fn upload_id(request: &ApiRequest) -> Result<&str, ApiError> {
    request.upload.as_deref().ok_or(ApiError::Internal("a path without its upload"))
}

/// Verifies the token in the path for a call that only repeats what is in it.
fn repeated<'a, 'r>(
    app: &'a App,
    request: &'r ApiRequest,
) -> Result<(&'a Route, &'r str, UploadToken), ApiError> {
    let route = find_route(app, Some(request.route()?))?;
    upload_session::rules(route)?;
    let text = upload_id(request)?;
    let token = UploadToken::verify(text, &app.upload_token_keys);
    match token {
        Ok(token) if token.route == route.name => Ok((route, text, token)),
        Ok(_) => Err(MultipartError::Token(UploadTokenError::Foreign).into()),
        Err(error) => Err(MultipartError::Token(error).into()),
    }
}

/// Returns the answer of the callback as JSON.
fn callback_result(finished: &FinishedUpload) -> Result<Option<Value>, ApiError> {
    Ok(finished.callback_answer()?.and_then(|answer| serde_json::from_slice(answer).ok()))
}

/// Returns the address of the object.
fn location(route: &Route, token: &UploadToken) -> String {
    format!("{}{}", route.host.as_str(), object_path(&token.key))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn xml(body: &str) -> Response {
    let document = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{body}");
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("application/xml")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (headers, document).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_those_of_the_plugin() {
        const MIB: u64 = 1 << 20;
        for (size, part_size) in [
            (None, 5 * MIB),
            (Some(1), 5 * MIB),
            (Some(50_000 * MIB), 5 * MIB),
            (Some(50_000 * MIB + 1), 5 * MIB + 1),
            (Some(100_000 * MIB), 10 * MIB),
        ] {
            assert_eq!(default_part_size(size), part_size, "{size:?}");
        }
    }

    #[test]
    fn a_size_may_be_a_number_or_a_text() {
        for (value, size) in [
            (json!(5), Some(5)),
            (json!("5"), Some(5)),
            (json!("5.5"), None),
            (json!(5.5), None),
            (json!(-1), None),
            (json!(null), None),
            (json!({}), None),
        ] {
            assert_eq!(number(&value), size, "{value}");
        }
    }

    #[test]
    fn text_in_xml_is_escaped() {
        assert_eq!(escape("a<b>&c"), "a&lt;b&gt;&amp;c");
    }
}
