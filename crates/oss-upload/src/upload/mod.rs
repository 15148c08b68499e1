//! `oss-upload upload`: uploads files of this machine as a browser would.
//!
//! Exit codes for scripts: 0 when all files are stored; 1 when some were refused, failed, or are stored
//! but their callback failed; 2 when the arguments were wrong and nothing was tried. Standard output gets
//! one line for each stored file, standard error one for each other.

mod body;
mod form_source;
mod response;

use std::io;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::error::CommandError;
use crate::http_client::{TransportError, WebClient, WebRequest};
use crate::signing_context::SigningContext;
use crate::signing_options::{BucketOptions, RuleOptions};
use crate::upload::body::{OnSent, UploadFile};
use crate::upload::form_source::FormSource;
use crate::upload::response::UploadError;
use crate::{console, file_type};
use oss_upload_signer::policy::content_type::ContentType;

pub(super) use body::whole_form;

/// The lifetime of a form that is signed here: long enough for a large file on a slow line.
const LIFETIME: &str = "6h";

/// The time without progress after which an upload is aborted.
const STALL_TIMEOUT: Duration = Duration::from_mins(2);

#[derive(Args, Debug)]
#[command(after_help = "Exit codes: 0 all files are stored; 1 some were refused or failed; \
                        2 the arguments were wrong and nothing was tried.")]
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
}

pub(super) async fn run(options: Options) -> Result<(), CommandError> {
    let files = options.files()?;
    let source = options.form_source().await?;
    let client = WebClient::new(None)?;
    let count = files.len();
    let (mut not_stored, mut not_confirmed) = (0, 0);
    for file in files {
        let name = file.path.display().to_string();
        let reason = match upload(&source, file, &client).await {
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

/// Uploads one file, and returns the line that reports its key.
async fn upload(
    source: &FormSource,
    file: UploadFile,
    client: &WebClient,
) -> Result<String, UploadError> {
    let form = source.form(&file, client).await?;
    let size = file.size;
    let progress = Progress::start(&file.name, size);
    let (body, content_type) = body::start(&form.fields, file, progress.on_sent());
    let request = WebRequest::post_stream(&form.url, &content_type, body);
    let response = tokio::select! {
        response = client.send(request) => response.map_err(|error| describe(&error)),
        () = stalled(&progress) => Err(format!("no progress for {} seconds; try again", STALL_TIMEOUT.as_secs())),
    };
    progress.finish();
    response::check(&response?)?;
    Ok(format!("stored   {}  {}", form.key, console::size(size)))
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

/// Completes when no bytes were sent for [`STALL_TIMEOUT`].
async fn stalled(progress: &Progress) {
    let mut before = None;
    while before != Some(progress.sent()) {
        before = Some(progress.sent());
        tokio::time::sleep(STALL_TIMEOUT).await;
    }
}

/// The progress of one upload: a bar if standard error is a terminal, otherwise only a counter.
#[derive(Debug)]
struct Progress {
    bar: ProgressBar,
    sent: Arc<AtomicU64>,
}

impl Progress {
    fn start(name: &str, size: u64) -> Self {
        let target = if io::stderr().is_terminal() {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar =
            ProgressBar::with_draw_target(Some(size), target).with_message(console::sanitize(name));
        let line = "{msg} [{wide_bar}] {bytes}/{total_bytes} {bytes_per_sec} {eta}";
        if let Ok(style) = ProgressStyle::with_template(line) {
            bar.set_style(style.progress_chars("=> "));
        }
        Self { bar, sent: Arc::default() }
    }

    /// Returns a callback for the number of bytes that have been sent.
    fn on_sent(&self) -> OnSent {
        let (bar, sent) = (self.bar.clone(), Arc::clone(&self.sent));
        Arc::new(move |bytes| {
            sent.store(bytes, Ordering::Relaxed);
            bar.set_position(bytes);
        })
    }

    fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    fn finish(&self) {
        self.bar.finish_and_clear();
    }
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

    async fn form_source(&self) -> Result<FormSource, CommandError> {
        if let Some(url) = &self.signer {
            if !url.starts_with("https://") && !url.starts_with("http://") {
                return Err(CommandError::usage(format!(
                    "--signer {url:?}: write the function's whole address, with https://"
                )));
            }
            return Ok(FormSource::Signer { url: url.clone(), route: self.route.clone() });
        }
        let object = self.object.clone().unwrap_or_default();
        form_source::check_object(&object, self.files.len())?;
        let mut rules = RuleOptions::default();
        rules.set_default_lifetime(LIFETIME);
        let context = Box::new(SigningContext::open(&self.bucket, &rules).await?);
        Ok(FormSource::Local { context, object, forbid_overwrite: self.forbid_overwrite })
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
