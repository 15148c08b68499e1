//! `POST /uploads`: several files in one call, with a result for each. An event invocation carries the same JSON and
//! gets the same response.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{FromRequest, State};
use axum::response::{IntoResponse, Response};
use http::Request;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use crate::app::App;
use crate::grant::put::PutGrant;
use crate::grant::{Form, Grant, GrantRequest};
use crate::http::error::{ApiError, ErrorBody, Limits, MessageLanguage};
use crate::http::request::{ApiRequest, FILE_MEMBER, FILE_MEMBERS, content_type, unknown_member};
use crate::http::signing::SigningSession;
use crate::http::{FormFields, UncachedJson, upload_session};
use crate::time::Timestamp;

const EXAMPLE: &str = r#"{"files":[{"name":"a.png","type":"image/png","size":1024}]}"#;

/// The members of a call, for the error about any other.
const MEMBERS: [&str; 4] = ["route", "method", "files", "multipart"];

/// The body of a call. A member that is not known is an error: a misspelt name would be lost without a word, and the
/// object stored as `file`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UploadsRequest {
    route: Option<String>,
    /// How the client can send a file; a form, if it does not say.
    method: Option<UploadMethod>,
    files: Vec<FileRequest>,
    /// Whether the client can upload a large file in parts.
    #[serde(default)]
    multipart: bool,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum UploadMethod {
    Post,
    Put,
}

/// A file as a client describes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileRequest {
    /// Other calls name it `filename`.
    #[serde(alias = "filename")]
    name: Option<String>,
    #[serde(rename = "type")]
    content_type: Option<String>,
    /// Bytes.
    pub(super) size: Option<u64>,
    metadata: Option<BTreeMap<String, String>>,
}

impl FileRequest {
    /// Returns the request for a grant.
    pub(super) fn grant_request(self) -> Result<GrantRequest, ApiError> {
        Ok(GrantRequest {
            filename: self.name,
            content_type: self.content_type.as_deref().map_or(Ok(None), content_type)?,
            size: self.size,
            metadata: self.metadata.unwrap_or_default(),
            ..GrantRequest::new(Form::Complete)
        })
    }
}

pub(super) async fn sign(
    State(app): State<Arc<App>>,
    request: ApiRequest,
) -> Result<Response, ApiError> {
    request.check_no_query()?;
    let body = UploadsRequest::parse(&request.body)?;
    let session = SigningSession::open(&app, &request, body.route.as_deref()).await?;
    if body.files.len() > session.route.max_files {
        return Err(ApiError::TooManyFiles(body.files.len(), Limits::of(session.route)));
    }
    let method = body.method.unwrap_or(UploadMethod::Post);
    let is_counted = app.limits.is_active(session.caller.ticket.as_ref());
    let sizes: Vec<_> = body.files.iter().filter(|_| is_counted).map(|file| file.size).collect();
    let sign = |file| sign_file(&session, method, body.multipart, file);
    let mut results: Vec<_> = body.files.into_iter().map(sign).collect();
    // An upload in parts is counted when it begins.
    let bytes = |index: usize, grant: &UploadGrant| match grant {
        UploadGrant::Form(_) | UploadGrant::Put(_) => {
            Some(session.bytes(sizes.get(index).copied().flatten()))
        }
        UploadGrant::Multipart { .. } => None,
    };
    session.count_all(&mut results, bytes).await?;
    if let Some(error) = exhausted_budget(&results) {
        return Err(error);
    }
    let response = UploadsResponse::new(session.now, &results, request.language());
    Ok(UncachedJson(response).into_response())
}

impl UploadsRequest {
    fn parse(body: &[u8]) -> Result<Self, ApiError> {
        let request: Self = serde_json::from_slice(body).map_err(|error| {
            unknown_in_body(body).unwrap_or_else(|| ApiError::invalid_json(&error, EXAMPLE))
        })?;
        if request.files.is_empty() {
            return Err(ApiError::invalid(
                "'files' is empty; name the files to upload",
                "files 为空，请写明要上传的文件",
            ));
        }
        Ok(request)
    }
}

/// Finds a member that a call, or a file in it, does not have in a body that could not be read.
fn unknown_in_body(body: &[u8]) -> Option<ApiError> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let mut files = body["files"].as_array().into_iter().flatten();
    unknown_member(&body, &MEMBERS, ["member", "成员"])
        .or_else(|| files.find_map(|file| unknown_member(file, &FILE_MEMBERS, FILE_MEMBER)))
}

/// Answers an event invocation, whose caller the platform has authorised.
pub(super) async fn sign_event(
    app: Arc<App>,
    request: Request<fc_http::Body>,
) -> Result<Response, ApiError> {
    let request = request.map(axum::body::Body::new);
    let request = ApiRequest::from_request(request, &()).await?;
    sign(State(app), request).await
}

/// Returns the error of a call of which no file fits the budget: it is refused as a whole, so that the response can say
/// when to try again.
fn exhausted_budget(results: &[Result<UploadGrant, ApiError>]) -> Option<ApiError> {
    let is_over = |result: &Result<_, _>| matches!(result, Err(ApiError::BudgetExceeded(_)));
    let first = results.first().filter(|_| results.iter().all(is_over))?;
    first.as_ref().err().cloned()
}

fn sign_file(
    session: &SigningSession<'_>,
    method: UploadMethod,
    multipart: bool,
    file: FileRequest,
) -> Result<UploadGrant, ApiError> {
    let file = file.grant_request()?;
    let rules = session.route.multipart.filter(|_| multipart);
    match (rules, file.size) {
        (Some(rules), Some(size)) if size >= rules.threshold => {
            let part_size = upload_session::check_size(session.route, Some(size), None)?;
            return Ok(UploadGrant::Multipart { part_size, threshold: rules.threshold });
        }
        _ => {}
    }
    match method {
        UploadMethod::Post => session.form(&file).map(UploadGrant::Form),
        UploadMethod::Put => session.put(&file).map(UploadGrant::Put),
    }
}

/// What one file is granted.
#[derive(Clone, Debug)]
pub enum UploadGrant {
    /// A form.
    Form(Grant),
    /// A PUT.
    Put(PutGrant),
    /// An upload in parts, which begins with a call of its own.
    Multipart {
        /// The size of a part in bytes.
        part_size: u64,
        /// The size in bytes from which files are uploaded in parts.
        threshold: u64,
    },
}

/// The response to one call: a result for each file in the order of the request, and the server's time, so that a
/// browser with a wrong clock still knows when a grant ends.
#[derive(Debug, Serialize)]
pub struct UploadsResponse<'a> {
    server_time: String,
    uploads: Vec<UploadResult<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum UploadResult<'a> {
    Form(SignedUpload<'a>),
    Put(SignedPut<'a>),
    Multipart(MultipartUpload),
    Refused { error: ErrorBody },
}

#[derive(Debug, Serialize)]
struct MultipartUpload {
    method: &'static str,
    /// Bytes.
    part_size: u64,
    /// Bytes.
    threshold: u64,
}

#[derive(Debug, Serialize)]
struct SignedUpload<'a> {
    method: &'static str,
    url: &'a str,
    fields: FormFields<'a>,
    key: Option<&'a str>,
    /// Whether no other grant has this key; then a 409 means an earlier attempt of the same upload.
    unique: bool,
    expires_at: String,
}

#[derive(Debug, Serialize)]
struct SignedPut<'a> {
    method: &'static str,
    url: PutUrl<'a>,
    /// All of them are to be sent; the client's HTTP library adds the length of the body.
    headers: PutHeaders<'a>,
    key: &'a str,
    unique: bool,
    expires_at: String,
}

/// The URL of a presigned PUT, which `Debug` does not show.
#[derive(Debug)]
struct PutUrl<'a>(&'a PutGrant);

impl Serialize for PutUrl<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.url)
    }
}

/// Its headers as a JSON object.
#[derive(Debug)]
struct PutHeaders<'a>(&'a PutGrant);

impl Serialize for PutHeaders<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.headers.iter().map(|(name, value)| (name, value)))
    }
}

impl<'a> UploadsResponse<'a> {
    /// Formats results, with messages in a language.
    #[must_use]
    pub fn new(
        now: Timestamp,
        results: &'a [Result<UploadGrant, ApiError>],
        language: MessageLanguage,
    ) -> Self {
        let uploads = results.iter().map(|result| UploadResult::new(result, language));
        Self { server_time: now.rfc3339(), uploads: uploads.collect() }
    }
}

impl<'a> UploadResult<'a> {
    fn new(result: &'a Result<UploadGrant, ApiError>, language: MessageLanguage) -> Self {
        match result {
            Ok(UploadGrant::Multipart { part_size, threshold }) => {
                let (part_size, threshold) = (*part_size, *threshold);
                Self::Multipart(MultipartUpload { method: "MULTIPART", part_size, threshold })
            }
            Ok(UploadGrant::Form(grant)) => Self::Form(SignedUpload {
                method: "POST",
                url: &grant.url,
                fields: FormFields(grant),
                key: grant.key.as_deref(),
                unique: grant.unique,
                expires_at: grant.expires_at.rfc3339(),
            }),
            Ok(UploadGrant::Put(grant)) => Self::Put(SignedPut {
                method: "PUT",
                url: PutUrl(grant),
                headers: PutHeaders(grant),
                key: &grant.key,
                unique: grant.unique,
                expires_at: grant.expires_at.rfc3339(),
            }),
            Err(error) => Self::Refused { error: error.body(language) },
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_listed_members_are_those_that_are_read() {
        let body = json!({"route": "a", "method": "PUT", "multipart": true, "files": [
            {"name": "a.png", "type": "image/png", "size": 1, "metadata": {}},
            {"filename": "a.png"},
        ]});
        let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        let mut listed: Vec<_> = [&MEMBERS[..], &FILE_MEMBERS].concat();
        listed.sort_unstable();
        let mut sent = [names(&body), names(&body["files"][0]), names(&body["files"][1])].concat();
        sent.sort_unstable();
        assert_eq!(sent, listed);
        assert_eq!(
            UploadsRequest::parse(body.to_string().as_bytes()).map(|read| read.files.len()),
            Ok(2)
        );
    }

    #[test]
    fn an_unknown_member_is_refused_with_the_nearest_one() {
        let refused = |body: &str| UploadsRequest::parse(body.as_bytes()).err().unwrap().message();
        insta::assert_snapshot!([
            r#"{"files":[{"fileName":"a.png"}]}"#,
            r#"{"files":[{"name":"a.png"},{"mime":"image/png"}]}"#,
            r#"{"files":[{}],"routes":"photos"}"#,
            r#"{"files":[{"name":"a","filename":"b"}]}"#,
            r#"{"files":[{"name":"a","size":"1"}]}"#,
        ].map(refused).join("\n"), @r#"
            The call cannot be understood: there is no member of a file "fileName"; the nearest name is filename.
            The call cannot be understood: there is no member of a file "mime"; there are name, filename, type, size, metadata.
            The call cannot be understood: there is no member "routes"; the nearest name is route.
            The call cannot be understood: the body is not the JSON of this call (duplicate field `name` at line 1 column 32); it looks like {"files":[{"name":"a.png","type":"image/png","size":1024}]}.
            The call cannot be understood: the body is not the JSON of this call (invalid type: string "1", expected u64 at line 1 column 32); it looks like {"files":[{"name":"a.png","type":"image/png","size":1024}]}.
            "#);
    }
}
