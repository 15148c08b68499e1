//! `oss-upload sign`: a signed form as JSON, for scripts and for back ends in other languages.

use clap::{Args, ValueEnum};

use crate::console;
use crate::error::CommandError;
use crate::signing_context::SigningContext;
use crate::signing_options::{BucketOptions, RuleOptions};
use oss_upload_signer::grant;
use oss_upload_signer::grant::{Form, GrantRequest};
use oss_upload_signer::http::documented::{DocumentedResponse, DocumentedV1Response};
use oss_upload_signer::http::error::{ApiError, MessageLanguage};
use oss_upload_signer::http::presigned_post::PresignedPost;
use oss_upload_signer::http::uploads::{UploadGrant, UploadsResponse};
use oss_upload_signer::policy::content_type::ContentType;
use oss_upload_signer::policy::route::SignatureVersion;
use oss_upload_signer::policy::template::{CallerAttributes, RenderContext};

#[derive(Args, Debug)]
pub(super) struct Options {
    #[command(flatten)]
    bucket: BucketOptions,
    #[command(flatten)]
    rules: RuleOptions,
    /// The file's name, which becomes the last part of the key
    #[arg(long, value_name = "NAME")]
    filename: Option<String>,
    /// The file's type, which the upload must have; a single --type means the same
    #[arg(long, value_name = "TYPE")]
    content_type: Option<String>,
    /// The file's size in bytes, which the upload must have
    #[arg(long, value_name = "BYTES")]
    size: Option<u64>,
    /// Metadata that the object gets, such as title=cat; may be given several times
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    metadata: Vec<(String, String)>,
    /// The subject of the uploader, for a route whose key has {sub}
    #[arg(long, value_name = "SUBJECT")]
    subject: Option<String>,
    /// The format of the JSON
    #[arg(long, value_enum, default_value_t = Dialect::Native)]
    dialect: Dialect,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Dialect {
    /// The response to POST /uploads
    Native,
    /// The response that the page of the OSS documentation reads
    Documented,
    /// The URL and the form fields, with the key and the expiry beside them
    Fields,
}

pub(super) async fn run(mut options: Options) -> Result<(), CommandError> {
    options.set_content_type();
    let request = options.request()?;
    let context = SigningContext::open(&options.bucket, &options.rules).await?;
    let attributes =
        CallerAttributes { subject: options.subject.as_deref(), ..CallerAttributes::NONE };
    let render_context = RenderContext { attributes, ..context.render_context() };
    let signer = context.receipt_signer();
    let grant = grant::issue(
        &request,
        &context.route,
        &context.credentials,
        &render_context,
        signer.as_ref(),
    )
    .map_err(|error| CommandError::new(ApiError::from_grant(error, &context.route).message()))?;
    let json = match options.dialect {
        Dialect::Native => {
            let results = [Ok(UploadGrant::Form(grant))];
            let response = UploadsResponse::new(context.now, &results, MessageLanguage::English);
            serde_json::to_string(&response)
        }
        Dialect::Documented => match context.route.signature {
            SignatureVersion::V1 => serde_json::to_string(&DocumentedV1Response::new(&grant)),
            SignatureVersion::V4 => serde_json::to_string(&DocumentedResponse::new(&grant)),
        },
        Dialect::Fields => serde_json::to_string(&PresignedPost::new(&grant)),
    };
    console::print_json(&json.map_err(|error| CommandError::new(error.to_string()))?);
    Ok(())
}

impl Options {
    /// Takes a single `--type` as the type of the file: beside `--route` it can mean nothing else, and
    /// as a rule that names one type it leaves no choice.
    fn set_content_type(&mut self) {
        let [only] = &self.rules.types[..] else { return };
        if self.content_type.is_none() && !only.ends_with("/*") {
            self.content_type = Some(only.clone());
        }
        if self.rules.route.is_some() {
            self.rules.types.clear();
        }
    }

    fn request(&self) -> Result<GrantRequest, CommandError> {
        let named = self.content_type.as_deref();
        let content_type = named.map(ContentType::parse);
        if content_type == Some(None) {
            let named = named.unwrap_or_default();
            return Err(CommandError::usage(format!("{named:?} is no type; write image/png")));
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

/// Parses `NAME=VALUE`.
pub(super) fn pair(text: &str) -> Result<(String, String), &'static str> {
    let (name, value) = text.split_once('=').ok_or("write a name, '=' and a value")?;
    Ok((name.to_owned(), value.to_owned()))
}
