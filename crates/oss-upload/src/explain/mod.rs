//! `oss-upload explain`: a policy, a form or a refusal, in words.
//!
//! The judging is the local OSS's own; here its verdict is put into sentences. Nothing is sent
//! anywhere, and no token is shown.

mod callback;
mod form;
mod har;
mod input;
mod lines;
mod media_type;
mod multipart;
mod permission;
mod refusal;
mod verdict;

use std::fs::File;
use std::io;
use std::io::{IsTerminal, Read};
use std::path::PathBuf;

use clap::Args;

use crate::error::CommandError;
use crate::explain::input::Input;
use crate::language::Language;
use crate::{console, oss_errors};
use oss_upload_signer::time;
use oss_upload_signer::time::Timestamp;

pub(super) use permission::wish;

/// More than any captured form without its file has.
const MAX_INPUT: u64 = 64 * 1024 * 1024;

#[derive(Args, Debug)]
#[command(
    after_help = "Takes a policy (base64 or JSON), a captured form (a HAR, a raw multipart body, key=value \
                        lines, or the signer's JSON), or the XML of a refusal. With the signer's keys in the \
                        environment the signature is checked too."
)]
pub(super) struct Options {
    /// What to explain; without it, or with '-', standard input is read
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// The language of the explanation
    #[arg(long, value_enum, default_value_t = Language::En)]
    lang: Language,
    /// The moment to judge expiry at, such as 2024-11-27T06:09:41Z; default is now
    #[arg(long, value_name = "TIME", value_parser = moment)]
    at: Option<Timestamp>,
    /// The bucket that the form is posted to; default is the one in the captured address or the policy
    #[arg(long)]
    bucket: Option<String>,
    /// The bucket's region; default is the one that the form is signed for
    #[arg(long)]
    region: Option<String>,
    /// Print the table of all refusals as Markdown instead
    #[arg(long)]
    list: bool,
}

/// What an explanation is given under.
#[derive(Debug)]
struct View {
    language: Language,
    now: Timestamp,
    bucket: Option<String>,
    region: Option<String>,
}

pub(super) fn run(options: Options) -> Result<(), CommandError> {
    if options.list {
        console::print_text(oss_errors::markdown(options.lang).trim_end());
        return Ok(());
    }
    let bytes = read(options.file.as_ref())?;
    let view = View {
        language: options.lang,
        now: options.at.unwrap_or_else(time::now),
        bucket: options.bucket,
        region: options.region,
    };
    let said = match Input::read(&bytes).map_err(CommandError::usage)? {
        Input::Policy(document) => refusal::explain_document(&document, &view),
        Input::Form(form) => verdict::explain(&form, &view),
        Input::Refusal(xml) => refusal::explain(&xml, &view),
    };
    console::print_lines(&said);
    Ok(())
}

fn read(file: Option<&PathBuf>) -> Result<Vec<u8>, CommandError> {
    let mut bytes = Vec::new();
    let (name, outcome) = match file.filter(|path| path.as_os_str() != "-") {
        Some(path) => {
            let read = |file: File| file.take(MAX_INPUT).read_to_end(&mut bytes);
            (path.display().to_string(), File::open(path).and_then(read))
        }
        None if io::stdin().is_terminal() => {
            return Err(CommandError::usage(
                "there is nothing to explain; name a file, or pipe a policy, a form or a refusal in",
            ));
        }
        None => ("standard input".to_owned(), io::stdin().take(MAX_INPUT).read_to_end(&mut bytes)),
    };
    outcome.map_err(|error| CommandError::usage(format!("{name} cannot be read: {error}")))?;
    Ok(bytes)
}

/// Reads a moment as people write it, or as Unix seconds.
fn moment(text: &str) -> Result<Timestamp, String> {
    let written =
        ::time::OffsetDateTime::parse(text, &::time::format_description::well_known::Rfc3339);
    let seconds =
        written.map(::time::OffsetDateTime::unix_timestamp).ok().or_else(|| text.parse().ok());
    seconds
        .and_then(Timestamp::from_unix)
        .ok_or_else(|| "write a moment such as 2024-11-27T06:09:41Z, or Unix seconds".to_owned())
}
