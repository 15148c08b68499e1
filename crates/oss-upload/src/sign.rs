//! `oss-upload sign`: a grant as JSON, for scripts and for back ends in other languages.

use clap::{Args, ValueEnum};

use crate::console;
use crate::desk::Desk;
use crate::failure::Failure;
use crate::rules::{Place, Rules};
use oss_upload_signer::grant;
use oss_upload_signer::grant::{Form, GrantRequest};
use oss_upload_signer::http::documented::DocumentedResponse;
use oss_upload_signer::http::documented::DocumentedV1Response;
use oss_upload_signer::http::error::ApiError;
use oss_upload_signer::http::presigned_post::PresignedPost;
use oss_upload_signer::http::uploads::UploadsResponse;
use oss_upload_signer::policy::content_type::ContentType;
use oss_upload_signer::policy::route::SignatureVersion;
use oss_upload_signer::policy::template::{CallerAttributes, RenderContext};

#[derive(Args, Debug)]
pub(super) struct Options {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    rules: Rules,
    /// The file's name, which becomes the last part of the key
    #[arg(long, value_name = "NAME")]
    filename: Option<String>,
    /// The file's type, which the upload must have; a single --type says it too
    #[arg(long, value_name = "TYPE")]
    content_type: Option<String>,
    /// The file's size in bytes, which the upload must have
    #[arg(long, value_name = "BYTES")]
    size: Option<u64>,
    /// Metadata that the object gets, such as title=cat; may be given several times
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    metadata: Vec<(String, String)>,
    /// Who the file is from, for a route that keeps files under {sub}
    #[arg(long, value_name = "SUBJECT")]
    subject: Option<String>,
    /// The shape of the JSON
    #[arg(long, value_enum, default_value_t = Dialect::Native)]
    dialect: Dialect,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Dialect {
    /// What the function answers to POST /uploads
    Native,
    /// What the documentation's page reads
    Documented,
    /// The address and the form's fields, and nothing else
    Fields,
}

pub(super) async fn run(mut options: Options) -> Result<(), Failure> {
    options.name_type();
    let ask = options.ask()?;
    let desk = Desk::open(&options.place, &options.rules).await?;
    let attributes =
        CallerAttributes { subject: options.subject.as_deref(), ..CallerAttributes::NONE };
    let occasion = RenderContext { attributes, ..desk.occasion() };
    let seal = desk.seal();
    let grant = grant::issue(&ask, &desk.route, &desk.credentials, &occasion, seal.as_ref())
        .map_err(|refused| Failure::new(ApiError::from_grant(refused, &desk.route).message()))?;
    let json = match options.dialect {
        Dialect::Native => serde_json::to_string(&UploadsResponse::new(desk.now, &[Ok(grant)])),
        Dialect::Documented => match desk.route.signature {
            SignatureVersion::V1 => serde_json::to_string(&DocumentedV1Response::new(&grant)),
            SignatureVersion::V4 => serde_json::to_string(&DocumentedResponse::new(&grant)),
        },
        Dialect::Fields => serde_json::to_string(&PresignedPost::new(&grant)),
    };
    console::say_json(&json.map_err(|error| Failure::new(error.to_string()))?);
    Ok(())
}

impl Options {
    /// Lets a single `--type` speak of the file: beside a route it can mean nothing else, and among
    /// the rules one whole type leaves no choice.
    fn name_type(&mut self) {
        let [only] = &self.rules.types[..] else { return };
        if self.content_type.is_none() && !only.ends_with("/*") {
            self.content_type = Some(only.clone());
        }
        if self.rules.route.is_some() {
            self.rules.types.clear();
        }
    }

    fn ask(&self) -> Result<GrantRequest, Failure> {
        let named = self.content_type.as_deref();
        let content_type = named.map(ContentType::parse);
        if content_type == Some(None) {
            let named = named.unwrap_or_default();
            return Err(Failure::arguments(format!("{named:?} is no type; write image/png")));
        }
        let form = match self.dialect {
            Dialect::Documented => Form::Documented,
            Dialect::Native | Dialect::Fields => Form::Complete,
        };
        Ok(GrantRequest {
            filename: self.filename.clone(),
            content_type: content_type.flatten(),
            size: self.size,
            metadata: self.metadata.iter().cloned().collect(),
            ..GrantRequest::new(form)
        })
    }
}

/// Reads a name and a value.
pub(super) fn pair(text: &str) -> Result<(String, String), &'static str> {
    let (name, value) = text.split_once('=').ok_or("write a name, '=' and a value")?;
    Ok((name.to_owned(), value.to_owned()))
}
