//! `POST /multipart…`: uploads of large files in parts, which survive a lost network, a reload and the end of a key.
//!
//! | call | what it does |
//! |---|---|
//! | `/multipart` | begins an upload; answers its token and the signatures of all parts |
//! | `/multipart/parts` | signs parts again |
//! | `/multipart/status` | lists the parts that OSS has |
//! | `/multipart/complete` | makes the object |
//! | `/multipart/abort` | deletes the upload and its parts |

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use crate::app::App;
use crate::bucket::multipart_upload::UploadedPart;
use crate::grant::part::SignedParts;
use crate::http::UncachedJson;
use crate::http::error::ApiError;
use crate::http::request::{ApiRequest, parse_json};
use crate::http::signing::SigningSession;
use crate::http::upload_session::{self, NewUpload, UploadSession};
use crate::http::uploads::FileRequest;
use crate::time::Timestamp;

/// The body of `POST /multipart`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BeginRequest {
    route: Option<String>,
    file: FileRequest,
    /// Bytes. Without it, the route decides.
    part_size: Option<u64>,
}

#[derive(Serialize)]
struct BeginResponse<'a> {
    token: &'a str,
    key: &'a str,
    /// Whether no other grant has this key.
    unique: bool,
    size: Option<u64>,
    part_size: u64,
    parts: u32,
    max_parallel: u8,
    #[serde(flatten)]
    signed: PartsResponse<'a>,
    resume_until: Option<String>,
    /// What the callback of the route will bring back.
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<String>,
}

/// The response to `POST /multipart/parts`.
#[derive(Serialize)]
struct PartsResponse<'a> {
    url: &'a str,
    signatures: Signatures<'a>,
    expires_at: String,
    server_time: String,
}

/// Signatures as a JSON object: the number of a part, and 64 hex digits.
struct Signatures<'a>(&'a [(u32, String)]);

impl Serialize for Signatures<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(number, signature)| (number, signature)))
    }
}

impl<'a> PartsResponse<'a> {
    fn new(signed: &'a SignedParts, now: Timestamp) -> Self {
        Self {
            url: &signed.url,
            signatures: Signatures(&signed.signatures),
            expires_at: signed.expires_at.rfc3339(),
            server_time: now.rfc3339(),
        }
    }
}

/// Begins an upload.
pub(super) async fn begin(
    State(app): State<Arc<App>>,
    request: ApiRequest,
) -> Result<Response, ApiError> {
    const EXAMPLE: &str = r#"{"file":{"name":"a.mp4","type":"video/mp4","size":2147483648}}"#;
    let body: BeginRequest = parse(&request, &["route", "file", "part_size"], EXAMPLE)?;
    let deadline = upload_session::deadline(&request);
    let session = SigningSession::open(&app, &request, body.route.as_deref()).await?;
    let rules = upload_session::rules(session.route)?;
    if body.file.size.is_none() {
        return Err(ApiError::invalid(
            "'file' has no 'size', and every part is signed with its length",
            "file 缺少 size，每个分片都按确切长度签名",
        ));
    }
    let file = body.file.grant_request()?;
    let upload = upload_session::begin(&session, &file, body.part_size, deadline).await?;
    let session = UploadSession::begun(session, &upload, deadline);
    let parts = session.part_count()?;
    let signed = session.sign(1, parts)?;
    let NewUpload { token, text, unique } = &upload;
    let response = BeginResponse {
        token: text,
        key: &token.key,
        unique: *unique,
        size: token.size,
        part_size: token.part_size,
        parts,
        max_parallel: rules.max_parallel,
        signed: PartsResponse::new(&signed, session.session.now),
        resume_until: rfc3339(token.expires_at),
        receipt: session.receipt()?,
    };
    Ok(UncachedJson(response).into_response())
}

/// The body of `POST /multipart/parts`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PartsRequest {
    token: String,
    /// The number of the first part.
    from: u32,
    count: u32,
}

/// Signs parts of an upload again.
pub(super) async fn sign_parts(
    State(app): State<Arc<App>>,
    request: ApiRequest,
) -> Result<Response, ApiError> {
    const EXAMPLE: &str = r#"{"token":"u1.…","from":1,"count":100}"#;
    let body: PartsRequest = parse(&request, &["token", "from", "count"], EXAMPLE)?;
    if body.count == 0 {
        return Err(ApiError::invalid(
            "'count' is 0; name the number of parts to sign",
            "count 为 0，请写明要签名的分片数",
        ));
    }
    let upload = UploadSession::open(&app, &request, &body.token, None).await?;
    let signed = upload.sign(body.from, body.count)?;
    Ok(UncachedJson(PartsResponse::new(&signed, upload.session.now)).into_response())
}

/// The body of the calls that need nothing but the token.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenRequest {
    token: String,
}

const TOKEN_EXAMPLE: &str = r#"{"token":"u1.…"}"#;

#[derive(Serialize)]
struct StatusResponse<'a> {
    /// The first and the last number of each run of parts.
    done: Vec<(u32, u32)>,
    /// The bytes of these parts.
    bytes: u64,
    size: Option<u64>,
    part_size: u64,
    /// `None` where the size of the file is not known.
    parts: Option<u32>,
    max_parallel: u8,
    key: &'a str,
    resume_until: Option<String>,
    server_time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<String>,
}

/// Lists the parts that OSS has.
pub(super) async fn status(
    State(app): State<Arc<App>>,
    request: ApiRequest,
) -> Result<Response, ApiError> {
    let body: TokenRequest = parse(&request, &["token"], TOKEN_EXAMPLE)?;
    let upload = UploadSession::open(&app, &request, &body.token, None).await?;
    let (count, parts) = (upload.part_count()?, upload.parts().await?);
    let token = &upload.token;
    let response = StatusResponse {
        done: runs(&parts),
        bytes: parts.iter().map(|part| part.size).sum(),
        size: token.size,
        part_size: token.part_size,
        parts: token.size.map(|_| count),
        max_parallel: upload_session::rules(upload.session.route)?.max_parallel,
        key: &token.key,
        resume_until: rfc3339(token.expires_at),
        server_time: upload.session.now.rfc3339(),
        receipt: upload.receipt()?,
    };
    Ok(UncachedJson(response).into_response())
}

/// The body of `POST /multipart/complete`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CompleteRequest {
    token: String,
    /// The CRC-64 of the file in decimal: a text, because a JSON number can lose its last digits.
    crc64: Option<String>,
}

#[derive(Serialize)]
struct CompleteResponse<'a> {
    key: &'a str,
    etag: Option<&'a str>,
    size: Option<u64>,
    crc64: Option<&'a str>,
    /// The answer of the callback.
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<Value>,
    /// What proves to the back end what was granted, as in a form.
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<String>,
}

/// Makes the object.
pub(super) async fn complete(
    State(app): State<Arc<App>>,
    request: ApiRequest,
) -> Result<Response, ApiError> {
    const EXAMPLE: &str = r#"{"token":"u1.…","crc64":"7295163492371235"}"#;
    let body: CompleteRequest = parse(&request, &["token", "crc64"], EXAMPLE)?;
    if body.crc64.as_deref().is_some_and(|crc64| !is_decimal(crc64)) {
        return Err(ApiError::invalid(
            "'crc64' is no text of 1 to 20 decimal digits",
            "crc64 应为 1 到 20 位十进制数字的文本",
        ));
    }
    let upload = UploadSession::open(&app, &request, &body.token, None).await?;
    let finished = upload.complete(None).await?;
    finished.check_crc64(body.crc64.as_deref())?;
    let result = finished.callback_answer()?.and_then(|answer| serde_json::from_slice(answer).ok());
    let response = CompleteResponse {
        key: &upload.token.key,
        etag: finished.object.etag.as_deref(),
        size: finished.size,
        crc64: finished.object.crc64.as_deref(),
        result,
        receipt: upload.receipt()?,
    };
    Ok(UncachedJson(response).into_response())
}

/// Deletes the upload and its parts.
pub(super) async fn abort(
    State(app): State<Arc<App>>,
    request: ApiRequest,
) -> Result<Response, ApiError> {
    let body: TokenRequest = parse(&request, &["token"], TOKEN_EXAMPLE)?;
    UploadSession::open(&app, &request, &body.token, None).await?.abort().await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn parse<T: DeserializeOwned>(
    request: &ApiRequest,
    members: &[&str],
    example: &str,
) -> Result<T, ApiError> {
    request.check_no_query()?;
    parse_json(&request.body, members, example)
}

fn is_decimal(text: &str) -> bool {
    (1..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn rfc3339(seconds: i64) -> Option<String> {
    Timestamp::from_unix(seconds).map(Timestamp::rfc3339)
}

/// Joins ascending numbers that follow each other.
fn runs(parts: &[UploadedPart]) -> Vec<(u32, u32)> {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for UploadedPart { number, .. } in parts {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == *number => *last = *number,
            _ => runs.push((*number, *number)),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_follow_each_other_are_one_run() {
        let part = |number: &u32| UploadedPart { number: *number, size: 1, etag: "A".to_owned() };
        let runs = |numbers: &[u32]| runs(&numbers.iter().map(part).collect::<Vec<_>>());
        assert_eq!(runs(&[]), []);
        assert_eq!(runs(&[7]), [(7, 7)]);
        assert_eq!(runs(&[1, 2, 3, 5, 9, 10]), [(1, 3), (5, 5), (9, 10)]);
    }
}
