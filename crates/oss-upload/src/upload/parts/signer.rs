//! Uploads in parts through a function: the calls of `POST /multipart…`.

use std::collections::HashMap;
use std::time::Duration;

use http::StatusCode;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::http_client::{TransportError, WebClient, WebRequest, WebResponse};
use crate::upload::body::UploadFile;
use crate::upload::form_source::{self, SignerSource};
use crate::upload::parts::BegunUpload;
use crate::upload::parts::bucket::{JOIN_LIMIT, JOIN_PAUSE};
use crate::upload::parts::error::PartsError;
use crate::upload::parts::saved::SavedPlace;
use oss_upload_signer::policy::part_size::{DEFAULT_PARALLEL, PartPlan};
use oss_upload_signer::time::Timestamp;

/// The time for one call: the function itself ends after 25 seconds.
const CALL_TIMEOUT: Duration = Duration::from_mins(1);

/// The pauses between the tries of a call.
const PAUSES: [Duration; 3] =
    [Duration::from_millis(500), Duration::from_secs(2), Duration::from_secs(5)];

/// How many parts are signed in one call after the first one.
const BATCH: u32 = 1000;

/// How long before their end signatures are renewed: a part has to arrive in time.
const MARGIN: Duration = Duration::from_mins(1);

/// The response that begins an upload or describes it.
#[derive(Deserialize)]
struct UploadDescription {
    token: Option<String>,
    key: String,
    size: Option<u64>,
    part_size: u64,
    max_parallel: Option<u8>,
    /// The runs of parts that OSS has.
    #[serde(default)]
    done: Vec<(u32, u32)>,
}

/// Signatures of parts.
#[derive(Deserialize)]
struct PartsBody {
    url: String,
    signatures: HashMap<u32, String>,
    expires_at: String,
    server_time: String,
}

#[derive(Deserialize)]
struct SignerErrorBody {
    error: String,
    #[serde(default)]
    message: String,
}

/// The signatures at hand, and until when they are used.
struct PartSignatures {
    url: String,
    signatures: HashMap<u32, String>,
    until: Instant,
}

/// An upload through a function.
pub(super) struct SignerUpload {
    client: WebClient,
    source: SignerSource,
    token: String,
    count: u32,
    signed: Mutex<Option<PartSignatures>>,
}

/// Begins an upload.
pub(super) async fn begin(
    source: &SignerSource,
    client: &WebClient,
    file: &UploadFile,
    part_size: Option<u64>,
) -> Result<BegunUpload, PartsError> {
    let mut body = json!({"file": form_source::description(file)});
    if let Some(route) = &source.route {
        body["route"] = route.as_str().into();
    }
    if let Some(part_size) = part_size {
        body["part_size"] = part_size.into();
    }
    // It is sent once: a second call would begin a second upload.
    let response =
        send(client, source, "/multipart", &body).await.map_err(|error| unreachable(&error))?;
    let begun: UploadDescription = read(&response)?;
    let token = begun.token.clone().ok_or_else(|| foreign(&response))?;
    Ok(begun.into_upload(token, Some(file.size)))
}

/// Reads what an upload that began elsewhere is for.
pub(super) async fn describe(
    source: &SignerSource,
    client: &WebClient,
    token: &str,
) -> Result<BegunUpload, PartsError> {
    let body = json!({"token": token});
    let described: UploadDescription = call(client, source, "/multipart/status", &body).await?;
    Ok(described.into_upload(token.to_owned(), None))
}

impl UploadDescription {
    fn into_upload(self, token: String, size: Option<u64>) -> BegunUpload {
        BegunUpload {
            key: self.key,
            size: self.size.or(size).unwrap_or_default(),
            part_size: self.part_size,
            parallel: self.max_parallel.unwrap_or(DEFAULT_PARALLEL),
            place: SavedPlace::Signer { token },
        }
    }
}

impl SignerUpload {
    pub(super) fn new(
        source: &SignerSource,
        client: &WebClient,
        token: &str,
        plan: &PartPlan,
    ) -> Self {
        Self {
            client: client.clone(),
            source: source.clone(),
            token: token.to_owned(),
            count: plan.count(),
            signed: Mutex::new(None),
        }
    }

    /// Lists the parts that OSS has; `None` if it does not know the upload.
    pub(super) async fn done(&self) -> Result<Option<Vec<u32>>, PartsError> {
        let body = json!({"token": self.token});
        let response = self.answer("/multipart/status", &body).await?;
        if code(&response).is_some_and(|code| code == "upload_not_found") {
            return Ok(None);
        }
        let status: UploadDescription = read(&response)?;
        let runs = status.done.into_iter().filter(|(first, last)| first <= last);
        Ok(Some(runs.flat_map(|(first, last)| first..=last.min(self.count)).collect()))
    }

    /// Returns the URL of a part. A URL that OSS has refused is replaced by a new one.
    pub(super) async fn url(
        &self,
        number: u32,
        refused: Option<&str>,
    ) -> Result<String, PartsError> {
        let mut signed = self.signed.lock().await;
        let current = signed.as_ref().filter(|signed| Instant::now() < signed.until);
        let url = current.and_then(|signed| signed.url(number));
        if let Some(url) = url.filter(|url| Some(url.as_str()) != refused) {
            return Ok(url);
        }
        let count = BATCH.min(self.count.saturating_sub(number).saturating_add(1));
        let body = json!({"token": self.token, "from": number, "count": count});
        let response = self.answer("/multipart/parts", &body).await?;
        let new = PartSignatures::new(read(&response)?);
        let url = new.url(number).ok_or_else(|| foreign(&response))?;
        *signed = Some(new);
        Ok(url)
    }

    /// Makes the object.
    pub(super) async fn complete(&self, crc64: Option<u64>) -> Result<(), PartsError> {
        let mut body = json!({"token": self.token});
        if let Some(crc64) = crc64 {
            body["crc64"] = crc64.to_string().into();
        }
        let (end, mut is_under_way) = (Instant::now() + JOIN_LIMIT, false);
        loop {
            let response = self.answer("/multipart/complete", &body).await?;
            // OSS goes on joining the parts of a large file when the function no longer waits for it, and may not
            // know the upload until the object is there.
            let may_follow = match code(&response).as_deref() {
                Some("bucket_unreachable") => true,
                Some("upload_not_found") => is_under_way,
                _ => false,
            };
            if !may_follow || Instant::now() >= end {
                return read::<Value>(&response).map(|_| ());
            }
            is_under_way = true;
            tokio::time::sleep(JOIN_PAUSE).await;
        }
    }

    /// Deletes the parts.
    pub(super) async fn abort(&self) -> Result<(), PartsError> {
        let response = self.answer("/multipart/abort", &json!({"token": self.token})).await?;
        if response.status.is_success() { Ok(()) } else { Err(refusal(&response)) }
    }

    /// Sends a call that can be repeated, and returns its answer.
    async fn answer(&self, path: &str, body: &Value) -> Result<WebResponse, PartsError> {
        send_repeatedly(&self.client, &self.source, path, body).await
    }
}

impl PartSignatures {
    fn new(body: PartsBody) -> Self {
        let times =
            [&body.expires_at, &body.server_time].map(|text| Timestamp::parse_rfc3339(text));
        let left = match times {
            // Only the server's clock counts: that of this machine may be wrong.
            [Some(end), Some(now)] => end.since(now),
            _ => Duration::ZERO,
        };
        let until = Instant::now() + left.saturating_sub(MARGIN.min(left / 4));
        Self { url: body.url, signatures: body.signatures, until }
    }

    fn url(&self, number: u32) -> Option<String> {
        let signature = self.signatures.get(&number)?;
        Some(format!("{}&partNumber={number}&x-oss-signature={signature}", self.url))
    }
}

async fn call<T: DeserializeOwned>(
    client: &WebClient,
    source: &SignerSource,
    path: &str,
    body: &Value,
) -> Result<T, PartsError> {
    read(&send_repeatedly(client, source, path, body).await?)
}

async fn send_repeatedly(
    client: &WebClient,
    source: &SignerSource,
    path: &str,
    body: &Value,
) -> Result<WebResponse, PartsError> {
    for pause in PAUSES {
        match send(client, source, path, body).await {
            Ok(response) if !is_temporary(response.status) => return Ok(response),
            Ok(_) | Err(_) => tokio::time::sleep(pause).await,
        }
    }
    send(client, source, path, body).await.map_err(|error| unreachable(&error))
}

async fn send(
    client: &WebClient,
    source: &SignerSource,
    path: &str,
    body: &Value,
) -> Result<WebResponse, TransportError> {
    let url = format!("{}{path}", source.url);
    let request = WebRequest::post_json(&url, body.to_string()).headers(&source.headers);
    let response = tokio::time::timeout(CALL_TIMEOUT, client.send(request)).await;
    response.unwrap_or(Err(TransportError::Timeout))
}

/// Returns whether another try may help. An upload that OSS refused is not tried again here: its error has a code.
fn is_temporary(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 429 | 500 | 503 | 504)
}

fn unreachable(error: &TransportError) -> PartsError {
    PartsError::Unfinished(format!("the signer did not respond: {error}"))
}

fn read<T: DeserializeOwned>(response: &WebResponse) -> Result<T, PartsError> {
    if !response.status.is_success() {
        return Err(refusal(response));
    }
    response.json().ok_or_else(|| foreign(response))
}

fn code(response: &WebResponse) -> Option<String> {
    response.json::<SignerErrorBody>().map(|body| body.error)
}

/// Reads the refusal of a call.
fn refusal(response: &WebResponse) -> PartsError {
    let Some(SignerErrorBody { error, message }) = response.json() else {
        return foreign(response);
    };
    let message = message.trim_end_matches('.');
    let reason = format!("the signer refused it ({error}): {message}");
    match error.as_str() {
        "callback_failed" => PartsError::CallbackFailed(reason),
        // Nobody can delete the parts of such an upload through the function.
        "upload_token_expired" | "upload_token_invalid" => PartsError::Over(format!(
            "{reason}; its parts stay until a lifecycle rule of the bucket removes them"
        )),
        "upload_not_found" | "checksum_mismatch" | "multipart_not_enabled" => {
            PartsError::Over(reason)
        }
        _ => PartsError::Unfinished(reason),
    }
}

fn foreign(response: &WebResponse) -> PartsError {
    let status = response.status;
    PartsError::Unfinished(format!(
        "the signer responded with {status} and nothing of an upload in parts; is this the address of \
         the function?"
    ))
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;
    use oss_upload_signer::time;

    fn refused(status: u16, code: &str) -> PartsError {
        let body = json!({"error": code, "message": "No."}).to_string();
        let status = StatusCode::from_u16(status).unwrap();
        let received_at = time::now();
        refusal(&WebResponse { status, headers: HeaderMap::new(), body, received_at })
    }

    #[test]
    fn a_refusal_says_whether_the_upload_can_be_continued() {
        let sentence = |code: &str| format!("the signer refused it ({code}): No");
        for code in ["upload_not_found", "checksum_mismatch"] {
            assert_eq!(refused(404, code), PartsError::Over(sentence(code)));
        }
        let ended = refused(410, "upload_token_expired");
        let stay = "; its parts stay until a lifecycle rule of the bucket removes them";
        assert_eq!(ended, PartsError::Over(sentence("upload_token_expired") + stay));
        for code in ["upload_token_foreign", "parts_missing", "object_exists", "internal"] {
            assert_eq!(refused(409, code), PartsError::Unfinished(sentence(code)));
        }
        let failed = PartsError::CallbackFailed(sentence("callback_failed"));
        assert_eq!(refused(502, "callback_failed"), failed);
    }

    #[test]
    fn signatures_are_used_until_shortly_before_their_end_by_the_clock_of_the_server() {
        let body = |end: &str| PartsBody {
            url: "u".to_owned(),
            signatures: HashMap::from([(3, "s".to_owned())]),
            expires_at: end.to_owned(),
            server_time: "2001-01-01T00:00:00Z".to_owned(),
        };
        let left = |end: &str| {
            let signed = PartSignatures::new(body(end));
            let left = signed.until.saturating_duration_since(Instant::now());
            (left + Duration::from_millis(500)).as_secs()
        };
        assert_eq!(left("2001-01-01T00:10:00Z"), 540);
        assert_eq!(left("2001-01-01T00:00:40Z"), 30);
        assert_eq!(left("2000-01-01T00:00:00Z"), 0);
        assert_eq!(left("soon"), 0);
        let signed = PartSignatures::new(body(""));
        assert_eq!(signed.url(3).unwrap(), "u&partNumber=3&x-oss-signature=s");
        assert_eq!(signed.url(4), None);
    }
}
