//! `oss-upload upload`: uploads files of this machine as a browser would.
//!
//! Exit codes for scripts: 0 when all files are stored; 1 when some were refused, failed, or are stored
//! but their callback failed; 2 when the arguments were wrong and nothing was tried. Standard output gets
//! one line for each stored file, standard error one for each other.

mod body;
mod form_source;
mod parts;
mod progress;
mod response;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::time::Duration;

use clap::Args;

use crate::error::CommandError;
use crate::http_client::{TransportError, WebClient, WebRequest};
use crate::signing_context::SigningContext;
use crate::signing_options::{BucketOptions, RuleOptions};
use crate::upload::body::UploadFile;
use crate::upload::form_source::{
    FormSource, LocalSource, PreparedForm, PreparedUpload, SignerSource,
};
use crate::upload::parts::{PartsOptions, PartsUploader, UploadTokenText};
use crate::upload::progress::{Progress, stall_reason, stalled};
use crate::upload::response::UploadError;
use crate::{console, file_type};
use oss_upload_signer::config::environment::Environment;
use oss_upload_signer::config::value;
use oss_upload_signer::policy::content_type::ContentType;
use oss_upload_signer::policy::part_size::{
    DEFAULT_THRESHOLD, MAX_PARALLEL, MAX_PART_BYTES, MIN_PART_BYTES,
};

pub(super) use body::whole_form;

/// The lifetime of a form that is signed here: long enough for a large file on a slow line.
const LIFETIME: &str = "6h";

/// The variables whose values authenticate the caller of a function, and the headers that they are sent in.
const CREDENTIALS: [(&str, &str, &str); 2] =
    [("SIGNER_TOKEN", "authorization", "Bearer "), ("SIGNER_TICKET", "x-upload-ticket", "")];

/// How often an interrupted command looks whether an upload has begun, so that it can be continued.
const BEGIN_POLL: Duration = Duration::from_millis(20);

/// The longest token that is read, in bytes.
const MAX_TOKEN: u64 = 64 << 10;

#[derive(Args, Debug)]
#[command(
    after_help = "Large files are uploaded in parts. An upload that was interrupted is continued by the same command \
                  with --resume.\n\nThe function may require credentials: SIGNER_TOKEN is sent as Authorization: \
                  Bearer, SIGNER_TICKET as X-Upload-Ticket.\n\nExit codes: 0 all files are stored; 1 some were \
                  refused or failed; 2 the arguments were wrong and nothing was tried."
)]
pub(super) struct Options {
    /// The files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    bucket: BucketOptions,
    /// The object's key, or a directory that ends in '/', in which the files keep their names
    #[arg(long, value_name = "KEY", required_unless_present = "signer")]
    object: Option<String>,
    /// Refuse to replace an object
    #[arg(long, conflicts_with = "signer")]
    forbid_overwrite: bool,
    /// Request the forms from this function, as a browser would, with its keys and directories
    #[arg(long, value_name = "URL", conflicts_with_all = ["object", "bucket", "region", "upload_host", "endpoint"])]
    signer: Option<String>,
    /// The function's route
    #[arg(long, value_name = "NAME", requires = "signer")]
    route: Option<String>,
    /// The type of the files; default depends on their extensions
    #[arg(long = "type", value_name = "TYPE")]
    content_type: Option<String>,
    /// Continue the unfinished upload of a file, if there is one
    #[arg(long)]
    resume: bool,
    /// Delete the parts of the unfinished upload of a file
    #[arg(long, conflicts_with = "resume")]
    abort: bool,
    /// Continue the upload with this token, which began elsewhere, such as in a browser; '-' reads the token from
    /// standard input
    #[arg(long, value_name = "TOKEN")]
    token: Option<UploadTokenText>,
    /// The size of a part, such as 16MiB; default depends on the size of the file, or on the function's route
    #[arg(long, value_name = "SIZE", value_parser = part_size)]
    part_size: Option<u64>,
    /// The number of parts that are sent at a time
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u8).range(1..=i64::from(MAX_PARALLEL)))]
    parallel: Option<u8>,
}

fn part_size(text: &str) -> Result<u64, String> {
    let bytes = value::size(text)?;
    if (MIN_PART_BYTES..=MAX_PART_BYTES).contains(&bytes) {
        return Ok(bytes);
    }
    Err("a part has from 100KiB to 5GiB".to_owned())
}

pub(super) async fn run(options: Options) -> Result<(), CommandError> {
    let files = options.files()?;
    let environment = Environment::of_process();
    let parts = options.parts_options()?;
    let source = options.form_source(&environment).await?;
    let client = WebClient::new(None)?;
    let uploader = PartsUploader::new(&source, &client, &environment, parts);
    let count = files.len();
    let (mut not_stored, mut not_confirmed) = (0, 0);
    for file in files {
        let name = file.path.display().to_string();
        let Some(result) = upload_until_stopped(&source, &uploader, &file, &client).await else {
            console::print_error(&format!("{name}: {}", uploader.interrupted(&file)));
            return Err(CommandError::new("interrupted; no further file was tried"));
        };
        let reason = match result {
            Ok(line) => {
                console::print_line(&line);
                continue;
            }
            Err(UploadError::NotStored(reason)) => {
                not_stored += 1;
                reason
            }
            Err(UploadError::CallbackFailed(reason)) => {
                not_confirmed += 1;
                reason
            }
        };
        console::print_error(&format!("{name}: {reason}"));
    }
    summary(count, not_stored, not_confirmed)
        .map_or(Ok(()), |sentence| Err(CommandError::new(sentence)))
}

/// Returns a sentence about the files that failed; `None` after a complete success.
fn summary(count: usize, not_stored: usize, not_confirmed: usize) -> Option<String> {
    let sentence = |failed: usize, of_one: &str, of_many: String| {
        (failed > 0).then(|| if count == 1 { of_one.to_owned() } else { of_many })
    };
    let not_stored = sentence(
        not_stored,
        "the file was not uploaded",
        format!("{not_stored} of {count} files were not uploaded"),
    );
    let not_confirmed = sentence(
        not_confirmed,
        "the file is stored, but the callback failed",
        format!("{not_confirmed} of {count} files are stored, but the callback failed"),
    );
    let sentences: Vec<_> = not_stored.into_iter().chain(not_confirmed).collect();
    (!sentences.is_empty()).then(|| sentences.join("; "))
}

/// Uploads one file; returns `None` if the command was interrupted.
async fn upload_until_stopped(
    source: &FormSource,
    uploader: &PartsUploader<'_>,
    file: &UploadFile,
    client: &WebClient,
) -> Option<Result<String, UploadError>> {
    let mut uploading = pin!(upload(source, uploader, file, client));
    tokio::select! {
        result = &mut uploading => return Some(result),
        () = fc_http::shutdown_signal() => {}
    }
    let begun = async {
        while uploader.is_beginning() {
            tokio::time::sleep(BEGIN_POLL).await;
        }
    };
    tokio::select! {
        result = &mut uploading => Some(result),
        () = begun => None,
    }
}

/// Uploads one file, and returns the line that reports its key.
async fn upload(
    source: &FormSource,
    uploader: &PartsUploader<'_>,
    file: &UploadFile,
    client: &WebClient,
) -> Result<String, UploadError> {
    if let Some(line) = uploader.continue_upload(file).await? {
        return Ok(line);
    }
    match source.prepare(file, client).await? {
        PreparedUpload::Form(form) => send_form(&form, file, client).await,
        PreparedUpload::Parts => uploader.begin(file).await,
    }
}

async fn send_form(
    form: &PreparedForm,
    file: &UploadFile,
    client: &WebClient,
) -> Result<String, UploadError> {
    let progress = Progress::start(&file.name, file.size, 0);
    let (body, content_type) = body::start_form(&form.fields, file, progress.on_piece());
    let request = WebRequest::post_stream(&form.url, &content_type, body);
    let response = tokio::select! {
        response = client.send(request) => response.map_err(|error| describe(&error)),
        () = stalled(|| progress.sent()) => Err(format!("{}; try again", stall_reason())),
    };
    progress.finish();
    response::check(&response?)?;
    Ok(format!("stored   {}  {}", form.key, console::size(file.size)))
}

/// Describes why there was no response, and what to do.
fn describe(error: &TransportError) -> String {
    let advice = match error {
        TransportError::UnknownHost | TransportError::Connect(_) | TransportError::Tls(_) => {
            "; check the address and the network"
        }
        TransportError::InvalidUrl(_) => "",
        TransportError::Timeout | TransportError::Interrupted(_) => {
            "; the file may or may not be stored, so try again"
        }
        TransportError::ResponseTooLarge => "; check the address",
    };
    format!("{error}{advice}")
}

impl Options {
    /// Checks all files before the first is sent.
    fn files(&self) -> Result<Vec<UploadFile>, CommandError> {
        let named = self.content_type.as_deref();
        let parsed = named.map(|text| {
            ContentType::parse(text).ok_or_else(|| {
                CommandError::usage(format!("--type {text:?} is no type; write image/png"))
            })
        });
        let content_type = parsed.transpose()?;
        self.files.iter().map(|path| Self::file(path, content_type.as_ref())).collect()
    }

    fn file(path: &Path, content_type: Option<&ContentType>) -> Result<UploadFile, CommandError> {
        let invalid = |what: &str| CommandError::usage(format!("{}: {what}", path.display()));
        let metadata = std::fs::metadata(path).map_err(|error| invalid(&error.to_string()))?;
        if !metadata.is_file() {
            return Err(invalid("this is no file; name the files inside"));
        }
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.ok_or_else(|| invalid("the name is not Unicode; rename the file"))?;
        let content_type = content_type.map_or_else(|| file_type::guess(name), ContentType::as_str);
        Ok(UploadFile {
            path: path.to_owned(),
            content_type: content_type.to_owned(),
            name: name.to_owned(),
            size: metadata.len(),
        })
    }

    fn parts_options(&self) -> Result<PartsOptions, CommandError> {
        // clap does not require an option that conflicts with one that is there.
        if self.token.is_some() && self.signer.is_none() {
            return Err(CommandError::usage(
                "--token is that of a function; name it with --signer",
            ));
        }
        if self.token.is_some() && self.files.len() > 1 {
            return Err(CommandError::usage("--token belongs to one upload; name one file"));
        }
        let token = match &self.token {
            Some(UploadTokenText(text)) if text == "-" => {
                let mut text = String::new();
                std::io::stdin().take(MAX_TOKEN).read_to_string(&mut text)?;
                Some(UploadTokenText(text.trim().to_owned()))
            }
            token => token.clone(),
        };
        Ok(PartsOptions {
            resume: self.resume,
            abort: self.abort,
            token,
            part_size: self.part_size,
            parallel: self.parallel,
        })
    }

    async fn form_source(&self, environment: &Environment) -> Result<FormSource, CommandError> {
        if let Some(url) = &self.signer {
            if !url.starts_with("https://") && !url.starts_with("http://") {
                return Err(CommandError::usage(format!(
                    "--signer {url:?}: write the function's whole address, with https://"
                )));
            }
            let headers = CREDENTIALS.into_iter().filter_map(|(variable, header, scheme)| {
                Some((header, format!("{scheme}{}", environment.get(variable)?)))
            });
            return Ok(FormSource::Signer(SignerSource {
                url: url.trim_end_matches('/').to_owned(),
                route: self.route.clone(),
                headers: headers.collect(),
            }));
        }
        let object = self.object.clone().unwrap_or_default();
        form_source::check_object(&object, self.files.len())?;
        let mut rules = RuleOptions::default();
        rules.set_default_lifetime(LIFETIME);
        let context = SigningContext::open(&self.bucket, &rules).await?;
        let forbid_overwrite = self.forbid_overwrite;
        // Whoever names a size of parts wants parts, if there is more than one.
        let threshold = self.part_size.map_or(DEFAULT_THRESHOLD, |size| size.saturating_add(1));
        Ok(FormSource::Local(Box::new(LocalSource {
            context,
            object,
            forbid_overwrite,
            threshold: threshold.min(DEFAULT_THRESHOLD),
        })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_separates_lost_files_from_failed_callbacks() {
        assert_eq!(summary(3, 0, 0), None);
        let sentence = |count, lost, failed| summary(count, lost, failed).unwrap();
        assert_eq!(sentence(1, 1, 0), "the file was not uploaded");
        assert_eq!(sentence(1, 0, 1), "the file is stored, but the callback failed");
        assert_eq!(
            sentence(5, 2, 1),
            "2 of 5 files were not uploaded; 1 of 5 files are stored, but the callback failed"
        );
    }
}
