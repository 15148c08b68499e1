//! Where the forms come from: made here with the keys in the environment, or asked of a function.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::desk::Desk;
use crate::failure::Failure;
use crate::upload::body::Source;
use crate::upload::network::Network;
use oss_upload_signer::callback::receipt::ReceiptScope;
use oss_upload_signer::grant::callback_fields::ReceiptClaims;
use oss_upload_signer::grant::form::Field;
use oss_upload_signer::grant::form::{FormRules, sign_form};
use oss_upload_signer::policy::content_type::ContentType;
use oss_upload_signer::policy::document::Condition;
use oss_upload_signer::policy::route::{MAX_OBJECT_BYTES, SizeRange};
use oss_upload_signer::time;

/// A form for one file. It is a permission and carries the token, so it has no `Debug`.
pub(super) struct Form {
    pub(super) url: String,
    pub(super) key: String,
    pub(super) fields: Vec<(String, String)>,
}

/// Who makes the forms.
#[derive(Debug)]
pub(super) enum Origin {
    /// This process.
    Desk { desk: Box<Desk>, object: String, forbid_overwrite: bool },
    /// A function, under one of its routes.
    Signer { url: String, route: Option<String> },
}

impl Origin {
    /// Gives a fresh form, so that none grows old while others are uploaded.
    pub(super) async fn form(&self, source: &Source, network: &Network) -> Result<Form, String> {
        if source.size >= MAX_OBJECT_BYTES {
            return Err("a form upload takes less than 5 GiB; use multipart upload".to_owned());
        }
        match self {
            Self::Desk { desk, object, forbid_overwrite } => {
                make(desk, &key(object, source), *forbid_overwrite, source)
                    .map_err(|failure| failure.to_string())
            }
            Self::Signer { url, route } => ask(url, route.as_deref(), source, network).await,
        }
    }
}

/// An object that ends in `/` is a directory, in which the file keeps its name.
fn key(object: &str, source: &Source) -> String {
    if object.ends_with('/') { format!("{object}{}", source.name) } else { object.to_owned() }
}

fn make(desk: &Desk, key: &str, forbid_overwrite: bool, source: &Source) -> Result<Form, Failure> {
    let desk = desk.at(time::now())?;
    let (size, expires_at) = (SizeRange { min: source.size, max: source.size }, desk.until());
    let mut pinned: Vec<Field> = vec![
        ("success_action_status".into(), "200".to_owned()),
        ("x-oss-content-type".into(), source.content_type.clone()),
    ];
    if forbid_overwrite {
        pinned.push(("x-oss-forbid-overwrite".into(), "true".to_owned()));
    }
    pinned.extend(
        desk.told(ReceiptClaims {
            scope: ReceiptScope::Key(key.to_owned()),
            size,
            types: ContentType::parse(&source.content_type)
                .map(|content_type| content_type.essence().to_owned())
                .into_iter()
                .collect(),
            expires_at,
            once: false, // The key was named on the command line, so other grants may have it.
        })?,
    );
    let rules = FormRules {
        key: Some(key),
        key_condition: Condition::Equal("key", key),
        size,
        types: Vec::new(),
        fixed_fields: pinned,
        expires_at,
    };
    let fields = sign_form(rules, &desk.route, &desk.credentials, desk.now).into_iter();
    let fields = fields.map(|(name, value)| (name.into_owned(), value));
    let url = desk.route.host.as_str().to_owned();
    Ok(Form { url, key: key.to_owned(), fields: fields.collect() })
}

/// What a function answers, as far as it matters here.
#[derive(Deserialize)]
struct Answered {
    #[serde(default)]
    uploads: Vec<Verdict>,
    error: Option<String>,
    message: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Verdict {
    Refused { error: Problem },
    ReceiptClaims { url: String, key: String, fields: serde_json::Map<String, Value> },
}

#[derive(Deserialize)]
struct Problem {
    error: String,
    message: String,
}

async fn ask(
    signer: &str,
    route: Option<&str>,
    source: &Source,
    network: &Network,
) -> Result<Form, String> {
    let file = json!({"name": source.name, "type": source.content_type, "size": source.size});
    let mut call = json!({"files": [file]});
    if let Some(route) = route {
        call["route"] = route.into();
    }
    let url = format!("{}/uploads", signer.trim_end_matches('/'));
    let answer = network.post_json(&url, call.to_string()).await;
    let answer = answer.map_err(|error| format!("the signer gave no answer: {error}"))?;
    let status = answer.status;
    let answered: Answered = serde_json::from_str(&answer.body).map_err(|_| {
        format!("{url} answered {status} and no grant; is this the address of the function?")
    })?;
    match (answered.uploads.into_iter().next(), answered.error, answered.message) {
        (Some(Verdict::ReceiptClaims { url, key, fields }), ..) => {
            let text = |value: Value| value.as_str().map(str::to_owned).unwrap_or_default();
            let fields = fields.into_iter().map(|(name, value)| (name, text(value))).collect();
            Ok(Form { url, key, fields })
        }
        (Some(Verdict::Refused { error }), ..) => {
            Err(format!("the signer refused it ({}): {}", error.error, error.message))
        }
        (None, Some(code), message) => {
            Err(format!("the signer refused it ({code}): {}", message.unwrap_or_default()))
        }
        (None, None, _) => Err(format!("{url} answered {status} without a grant")),
    }
}

/// Refuses an object that would not name what was meant.
pub(super) fn check_object(object: &str, files: usize) -> Result<(), Failure> {
    if files > 1 && !object.ends_with('/') {
        return Err(Failure::arguments(format!(
            "--object {object:?}: {files} files need a directory; end it in '/'"
        )));
    }
    if object.is_empty() || object.starts_with(['/', '\\']) || object.contains("${filename}") {
        return Err(Failure::arguments(format!(
            "--object {object:?}: write a key such as photos/a.png, or a directory such as photos/"
        )));
    }
    Ok(())
}
