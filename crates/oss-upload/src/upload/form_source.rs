//! Where `upload` gets its forms: signed here with the credentials in the environment, or requested from a
//! function. Either of them decides which files are uploaded in parts.

use std::fmt;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::CommandError;
use crate::http_client::{WebClient, WebRequest};
use crate::signing_context::SigningContext;
use crate::upload::body::UploadFile;
use oss_upload_signer::callback::receipt::ReceiptScope;
use oss_upload_signer::grant::callback_fields::ReceiptClaims;
use oss_upload_signer::grant::form::Field;
use oss_upload_signer::grant::form::{FormRules, sign_form};
use oss_upload_signer::policy::content_type::ContentType;
use oss_upload_signer::policy::document::Condition;
use oss_upload_signer::policy::route::SizeRange;
use oss_upload_signer::time;

/// A form for one file. It contains the token, so it has no `Debug`.
pub(super) struct PreparedForm {
    pub(super) url: String,
    pub(super) key: String,
    pub(super) fields: Vec<(String, String)>,
}

/// How a file is uploaded.
pub(super) enum PreparedUpload {
    /// With one form.
    Form(PreparedForm),
    /// In parts.
    Parts,
}

/// The signer of the forms.
#[derive(Debug)]
pub(super) enum FormSource {
    /// This process.
    Local(Box<LocalSource>),
    /// A function, with one of its routes.
    Signer(SignerSource),
}

/// This process, which signs for one bucket.
#[derive(Debug)]
pub(super) struct LocalSource {
    pub(super) context: SigningContext,
    pub(super) object: String,
    pub(super) forbid_overwrite: bool,
    /// The size in bytes from which files are uploaded in parts.
    pub(super) threshold: u64,
}

/// A function. Its headers authenticate the caller, so it shows the rest only.
#[derive(Clone)]
pub(super) struct SignerSource {
    /// The address without a slash at its end.
    pub(super) url: String,
    pub(super) route: Option<String>,
    pub(super) headers: Vec<(&'static str, String)>,
}

impl fmt::Debug for SignerSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { url, route, .. } = self;
        formatter
            .debug_struct("SignerSource")
            .field("url", url)
            .field("route", route)
            .finish_non_exhaustive()
    }
}

impl FormSource {
    /// Decides how a file is uploaded, with a new form. Each file gets its own, so that none expires while others are
    /// uploaded.
    pub(super) async fn prepare(
        &self,
        file: &UploadFile,
        client: &WebClient,
    ) -> Result<PreparedUpload, String> {
        match self {
            Self::Local(local) if file.size >= local.threshold => Ok(PreparedUpload::Parts),
            Self::Local(local) => {
                let form = sign(&local.context, &local.key(file), local.forbid_overwrite, file);
                form.map(PreparedUpload::Form).map_err(|error| error.to_string())
            }
            Self::Signer(signer) => request(signer, file, client).await,
        }
    }
}

impl LocalSource {
    /// Returns the key: in a directory, which ends in `/`, the file keeps its name.
    pub(super) fn key(&self, file: &UploadFile) -> String {
        let object = &self.object;
        if object.ends_with('/') { format!("{object}{}", file.name) } else { object.clone() }
    }
}

fn sign(
    context: &SigningContext,
    key: &str,
    forbid_overwrite: bool,
    file: &UploadFile,
) -> Result<PreparedForm, CommandError> {
    let context = context.at(time::now())?;
    let (size, expires_at) = (SizeRange { min: file.size, max: file.size }, context.expires_at());
    let mut fixed_fields: Vec<Field> = vec![
        ("success_action_status".into(), "200".to_owned()),
        ("x-oss-content-type".into(), file.content_type.clone()),
    ];
    if forbid_overwrite {
        fixed_fields.push(("x-oss-forbid-overwrite".into(), "true".to_owned()));
    }
    fixed_fields.extend(
        context.callback_fields(ReceiptClaims {
            scope: ReceiptScope::Key(key.to_owned()),
            size,
            types: ContentType::parse(&file.content_type)
                .map(|content_type| content_type.essence().to_owned())
                .into_iter()
                .collect(),
            expires_at,
            once: false, // The key comes from the command line, so other forms may have it too.
        })?,
    );
    let rules = FormRules {
        key: Some(key),
        key_condition: Condition::Equal("key", key),
        size,
        types: Vec::new(),
        fixed_fields,
        expires_at,
    };
    let fields = sign_form(rules, &context.route, &context.credentials, context.now).into_iter();
    let fields = fields.map(|(name, value)| (name.into_owned(), value));
    let url = context.route.host.as_str().to_owned();
    Ok(PreparedForm { url, key: key.to_owned(), fields: fields.collect() })
}

/// The response of a function to `POST /uploads`.
#[derive(Deserialize)]
struct SignerResponse {
    #[serde(default)]
    uploads: Vec<UploadResult>,
    error: Option<String>,
    message: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum UploadResult {
    Refused { error: SignerError },
    Signed { url: String, key: String, fields: serde_json::Map<String, Value> },
    Other { method: String },
}

#[derive(Deserialize)]
struct SignerError {
    error: String,
    message: String,
}

/// Describes a file as a browser does.
pub(super) fn description(file: &UploadFile) -> Value {
    json!({"name": file.name, "type": file.content_type, "size": file.size})
}

async fn request(
    signer: &SignerSource,
    file: &UploadFile,
    client: &WebClient,
) -> Result<PreparedUpload, String> {
    let mut body = json!({"files": [description(file)], "multipart": true});
    if let Some(route) = &signer.route {
        body["route"] = route.as_str().into();
    }
    let url = format!("{}/uploads", signer.url);
    let request = WebRequest::post_json(&url, body.to_string()).headers(&signer.headers);
    let response = client.send(request).await;
    let response = response.map_err(|error| format!("the signer did not respond: {error}"))?;
    let status = response.status;
    let parsed: SignerResponse = response.json().ok_or_else(|| {
        format!("{url} responded with {status} and no form; is this the address of the function?")
    })?;
    match (parsed.uploads.into_iter().next(), parsed.error, parsed.message) {
        (Some(UploadResult::Signed { url, key, fields }), ..) => {
            let text = |value: Value| value.as_str().map(str::to_owned).unwrap_or_default();
            let fields = fields.into_iter().map(|(name, value)| (name, text(value))).collect();
            Ok(PreparedUpload::Form(PreparedForm { url, key, fields }))
        }
        (Some(UploadResult::Other { method }), ..) if method == "MULTIPART" => {
            Ok(PreparedUpload::Parts)
        }
        (Some(UploadResult::Refused { error }), ..) => {
            Err(format!("the signer refused it ({}): {}", error.error, error.message))
        }
        (None, Some(code), message) => {
            Err(format!("the signer refused it ({code}): {}", message.unwrap_or_default()))
        }
        (Some(UploadResult::Other { .. }) | None, None, _)
        | (Some(UploadResult::Other { .. }), Some(_), _) => {
            Err(format!("{url} responded with {status} and no form"))
        }
    }
}

/// Rejects a value of `--object` that does not fit the files.
pub(super) fn check_object(object: &str, files: usize) -> Result<(), CommandError> {
    if files > 1 && !object.ends_with('/') {
        return Err(CommandError::usage(format!(
            "--object {object:?}: {files} files need a directory; end it in '/'"
        )));
    }
    if object.is_empty() || object.starts_with(['/', '\\']) || object.contains("${filename}") {
        return Err(CommandError::usage(format!(
            "--object {object:?}: write a key such as photos/a.png, or a directory such as photos/"
        )));
    }
    Ok(())
}
