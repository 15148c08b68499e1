//! `oss-upload upload`: posts files of this machine as a browser would.
//!
//! Exit codes for scripts: 0 when all files are stored, 1 when some were refused or failed or are stored
//! without the application knowing, 2 when the arguments were wrong and nothing was tried. What is
//! stored is said on standard output, one line each; what is not, on standard error.

mod body;
mod network;
mod origin;
mod outcome;
mod progress;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use crate::desk::Desk;
use crate::failure::Failure;
use crate::rules::{Place, Rules};
use crate::upload::body::Source;
use crate::upload::network::Network;
use crate::upload::origin::Origin;
use crate::upload::outcome::Trouble;
use crate::upload::progress::Progress;
use crate::{console, kind};
use oss_upload_signer::policy::content_type::ContentType;

pub(super) use body::whole as whole_form;

/// How long a form made here lasts: time for a large file on a slow line.
const LIFETIME: &str = "6h";

/// How long nothing may move before an upload is given up.
const PATIENCE: Duration = Duration::from_mins(2);

#[derive(Args, Debug)]
#[command(after_help = "Exit codes: 0 all files are stored; 1 some were refused or failed; \
                        2 the arguments were wrong and nothing was tried.")]
pub(super) struct Options {
    /// The files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    place: Place,
    /// The object's key, or a directory that ends in '/', in which the files keep their names
    #[arg(long, value_name = "KEY", required_unless_present = "signer")]
    object: Option<String>,
    /// Refuse to replace an object
    #[arg(long, conflicts_with = "signer")]
    forbid_overwrite: bool,
    /// Ask this function for the forms, as a browser would, and take its keys and directories
    #[arg(long, value_name = "URL", conflicts_with_all = ["object", "bucket", "region", "upload_host", "endpoint"])]
    signer: Option<String>,
    /// The function's route
    #[arg(long, value_name = "NAME", requires = "signer")]
    route: Option<String>,
    /// The type of the files; default goes by their endings
    #[arg(long = "type", value_name = "TYPE")]
    content_type: Option<String>,
}

pub(super) async fn run(options: Options) -> Result<(), Failure> {
    let sources = options.sources()?;
    let origin = options.origin().await?;
    let network = Network::open()?;
    let count = sources.len();
    let (mut lost, mut untold) = (0, 0);
    for source in sources {
        let name = source.path.display().to_string();
        let reason = match send(&origin, source, &network).await {
            Ok(line) => {
                console::say(&line);
                continue;
            }
            Err(Trouble::NotStored(reason)) => {
                lost += 1;
                reason
            }
            Err(Trouble::NotTold(reason)) => {
                untold += 1;
                reason
            }
        };
        console::complain(&format!("{name}: {reason}"));
    }
    summary(count, lost, untold).map_or(Ok(()), |sentence| Err(Failure::new(sentence)))
}

/// Says at the end how many files were lost, and of how many nobody heard; nothing if all went well.
fn summary(count: usize, lost: usize, untold: usize) -> Option<String> {
    let words = |some: usize, alone: &str, of_many: String| {
        (some > 0).then(|| if count == 1 { alone.to_owned() } else { of_many })
    };
    let lost = words(
        lost,
        "the file was not uploaded",
        format!("{lost} of {count} files were not uploaded"),
    );
    let untold = words(
        untold,
        "the file is stored, and the application was not told",
        format!("the application was not told of {untold} of {count}, which are stored"),
    );
    let sentences: Vec<_> = lost.into_iter().chain(untold).collect();
    (!sentences.is_empty()).then(|| sentences.join("; "))
}

/// Sends one file; gives the line that says where it is.
async fn send(origin: &Origin, source: Source, network: &Network) -> Result<String, Trouble> {
    let form = origin.form(&source, network).await?;
    let size = source.size;
    let progress = Progress::begin(&source.name, size);
    let (body, content_type) = body::begin(&form.fields, source, progress.report());
    let answer = tokio::select! {
        answer = network.post(&form.url, &content_type, body) => answer,
        () = stalled(&progress) => Err(format!("nothing moved for {} seconds; try again", PATIENCE.as_secs())),
    };
    progress.end();
    outcome::judge(&answer?)?;
    Ok(format!("stored   {}  {}", form.key, console::size(size)))
}

/// Ends when nothing has been handed over for a while and no answer has come either.
async fn stalled(progress: &Progress) {
    let mut before = None;
    while before != Some(progress.sent()) {
        before = Some(progress.sent());
        tokio::time::sleep(PATIENCE).await;
    }
}

impl Options {
    /// Looks at the files before anything is sent.
    fn sources(&self) -> Result<Vec<Source>, Failure> {
        let named = self.content_type.as_deref();
        let parsed = named.map(|text| {
            ContentType::parse(text).ok_or_else(|| {
                Failure::arguments(format!("--type {text:?} is no type; write image/png"))
            })
        });
        let content_type = parsed.transpose()?;
        self.files.iter().map(|path| Self::source(path, content_type.as_ref())).collect()
    }

    fn source(path: &Path, content_type: Option<&ContentType>) -> Result<Source, Failure> {
        let wrong = |what: &str| Failure::arguments(format!("{}: {what}", path.display()));
        let about = std::fs::metadata(path).map_err(|error| wrong(&error.to_string()))?;
        if !about.is_file() {
            return Err(wrong("this is no file; name the files inside"));
        }
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.ok_or_else(|| wrong("the name is not Unicode; rename the file"))?;
        let content_type = content_type.map_or_else(|| kind::guess(name), ContentType::as_str);
        Ok(Source {
            path: path.to_owned(),
            content_type: content_type.to_owned(),
            name: name.to_owned(),
            size: about.len(),
        })
    }

    async fn origin(&self) -> Result<Origin, Failure> {
        if let Some(url) = &self.signer {
            if !url.starts_with("https://") && !url.starts_with("http://") {
                return Err(Failure::arguments(format!(
                    "--signer {url:?}: write the function's whole address, with https://"
                )));
            }
            return Ok(Origin::Signer { url: url.clone(), route: self.route.clone() });
        }
        let object = self.object.clone().unwrap_or_default();
        origin::check_object(&object, self.files.len())?;
        let mut rules = Rules::default();
        rules.lasts_unless_said(LIFETIME);
        let desk = Box::new(Desk::open(&self.place, &rules).await?);
        Ok(Origin::Desk { desk, object, forbid_overwrite: self.forbid_overwrite })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_tells_what_is_lost_from_what_nobody_was_told_of() {
        assert_eq!(summary(3, 0, 0), None);
        let said = |count, lost, untold| summary(count, lost, untold).unwrap();
        assert_eq!(said(1, 1, 0), "the file was not uploaded");
        assert_eq!(said(1, 0, 1), "the file is stored, and the application was not told");
        assert_eq!(
            said(5, 2, 1),
            "2 of 5 files were not uploaded; the application was not told of 1 of 5, which are stored"
        );
    }
}
