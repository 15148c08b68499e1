//! Where `upload` gets its forms: signed here with the credentials in the environment, or requested from a
//! function.

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
use oss_upload_signer::policy::route::{MAX_OBJECT_BYTES, SizeRange};
use oss_upload_signer::time;

/// A form for one file. It contains the token, so it has no `Debug`.
pub(super) struct PreparedForm {
    pub(super) url: String,
    pub(super) key: String,
    pub(super) fields: Vec<(String, String)>,
}

/// The signer of the forms.
#[derive(Debug)]
pub(super) enum FormSource {
    /// This process.
    Local { context: Box<SigningContext>, object: String, forbid_overwrite: bool },
    /// A function, with one of its routes.
    Signer { url: String, route: Option<String> },
}

impl FormSource {
    /// Returns a new form. Each file gets its own, so that none expires while others are uploaded.
    pub(super) async fn form(
        &self,
        file: &UploadFile,
        client: &WebClient,
    ) -> Result<PreparedForm, String> {
        if file.size >= MAX_OBJECT_BYTES {
            return Err("a form upload takes less than 5 GiB; use multipart upload".to_owned());
        }
        match self {
            Self::Local { context, object, forbid_overwrite } => {
                sign(context, &key(object, file), *forbid_overwrite, file)
                    .map_err(|error| error.to_string())
            }
            Self::Signer { url, route } => request(url, route.as_deref(), file, client).await,
        }
    }
}

/// Returns the key: in a directory, which ends in `/`, the file keeps its name.
fn key(object: &str, file: &UploadFile) -> String {
    if object.ends_with('/') { format!("{object}{}", file.name) } else { object.to_owned() }
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
}

#[derive(Deserialize)]
struct SignerError {
    error: String,
    message: String,
}

async fn request(
    signer: &str,
    route: Option<&str>,
    file: &UploadFile,
    client: &WebClient,
) -> Result<PreparedForm, String> {
    let description = json!({"name": file.name, "type": file.content_type, "size": file.size});
    let mut body = json!({"files": [description]});
    if let Some(route) = route {
        body["route"] = route.into();
    }
    let url = format!("{}/uploads", signer.trim_end_matches('/'));
    let response = client.send(WebRequest::post_json(&url, body.to_string())).await;
    let response = response.map_err(|error| format!("the signer did not respond: {error}"))?;
    let status = response.status;
    let parsed: SignerResponse = response.json().ok_or_else(|| {
        format!("{url} responded with {status} and no form; is this the address of the function?")
    })?;
    match (parsed.uploads.into_iter().next(), parsed.error, parsed.message) {
        (Some(UploadResult::Signed { url, key, fields }), ..) => {
            let text = |value: Value| value.as_str().map(str::to_owned).unwrap_or_default();
            let fields = fields.into_iter().map(|(name, value)| (name, text(value))).collect();
            Ok(PreparedForm { url, key, fields })
        }
        (Some(UploadResult::Refused { error }), ..) => {
            Err(format!("the signer refused it ({}): {}", error.error, error.message))
        }
        (None, Some(code), message) => {
            Err(format!("the signer refused it ({code}): {}", message.unwrap_or_default()))
        }
        (None, None, _) => Err(format!("{url} responded with {status} and no form")),
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
