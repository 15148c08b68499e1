//! `oss-upload explain`: a policy, an upload or a refusal, in words.
//!
//! `input` recognises what was pasted, one module for each kind reads it, and the local OSS judges the
//! upload; here its verdict is put into sentences. Nothing is sent anywhere, and no token is shown.

mod callback;
mod capture;
mod curl;
mod har;
mod input;
mod judge;
mod lines;
mod media_type;
mod multipart;
mod page;
mod permission;
mod program;
mod raw;
mod refusal;
mod request_verdict;
mod response;
mod script;
mod shell;
mod signed;
mod signed_text;
mod verdict;

use std::fs::File;
use std::io;
use std::io::{IsTerminal, Read};
use std::path::PathBuf;

use clap::Args;

use crate::error::CommandError;
use crate::explain::capture::Capture;
use crate::explain::input::Input;
use crate::language::Language;
use crate::local_oss::StrictnessOptions;
use crate::{console, oss_errors, signing_context};
use oss_emulator::oss::{AccessKey, OssError, Strictness};
use oss_upload_signer::time;
use oss_upload_signer::time::Timestamp;

pub(super) use permission::describe as describe_condition;

/// The largest input, in bytes; more than any captured form without its file has.
const MAX_INPUT: u64 = 64 * 1024 * 1024;

#[derive(Args, Debug)]
#[command(
    after_help = "Reads a policy (base64 or JSON), an upload (a HAR, a curl command, a raw request or multipart \
                        body, a list of fields, URL-encoded text, the signer's JSON, a JavaScript object, an HTML \
                        form), a refusal (XML, also inside a log line or JSON, an EC, a code, a message), a presigned \
                        URL, or a StringToSign. With the signer's key in the environment the signature is checked too."
)]
pub(super) struct Options {
    /// What to explain; without it, or with '-', standard input is read
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// The language of the explanation
    #[arg(long, value_enum, default_value_t = Language::En)]
    lang: Language,
    /// The moment to judge expiry at, such as 2024-11-27T06:09:41Z; the default is the time in a HAR,
    /// otherwise now
    #[arg(long, value_name = "TIME", value_parser = moment)]
    at: Option<Timestamp>,
    /// The bucket that the form is posted to; default is the one in the captured address or the policy
    #[arg(long)]
    bucket: Option<String>,
    /// The bucket's region; default is the one that the form is signed for
    #[arg(long)]
    region: Option<String>,
    #[command(flatten)]
    strictness: StrictnessOptions,
    /// Print the table of all refusals as Markdown instead
    #[arg(long)]
    list: bool,
}

/// What an explanation depends on besides the input.
#[derive(Clone, Debug)]
pub struct View {
    /// The language of the explanation.
    pub language: Language,
    /// The time to judge expiry at.
    pub now: Timestamp,
    /// Whether `now` was given, so that the time of a capture does not count.
    pub is_fixed: bool,
    /// The bucket that the form is posted to; `None` takes it from the capture or the policy.
    pub bucket: Option<String>,
    /// The region of the bucket; `None` takes it from the capture or the policy.
    pub region: Option<String>,
    /// The keys whose secrets are known.
    pub keys: Vec<AccessKey>,
    /// The settings of the local OSS.
    pub strictness: Strictness,
}

/// An explanation: the verdicts on the requests in the input, and everything in words.
#[derive(Debug)]
pub struct Explanation {
    /// One verdict for each upload and each signed request: the error of the local OSS, or `None` if it
    /// accepts the request.
    pub verdicts: Vec<Option<OssError>>,
    /// The lines to print.
    pub lines: Vec<String>,
}

pub(super) async fn run(options: Options) -> Result<(), CommandError> {
    if options.list {
        console::print_text(oss_errors::markdown(options.lang).trim_end());
        return Ok(());
    }
    let bytes = read(options.file.as_ref())?;
    let view = View {
        language: options.lang,
        now: options.at.unwrap_or_else(time::now),
        is_fixed: options.at.is_some(),
        bucket: options.bucket,
        region: options.region,
        keys: own_key().into_iter().collect(),
        strictness: options.strictness.strictness(),
    };
    let explanation = explain(&bytes, &view).await.map_err(CommandError::usage)?;
    console::print_lines(&explanation.lines);
    Ok(())
}

/// Returns the key in the environment.
fn own_key() -> Option<AccessKey> {
    let keys = signing_context::environment_credentials()?;
    Some(AccessKey {
        security_token: keys.token.as_ref().map(|token| token.expose().to_owned()),
        ..AccessKey::new(keys.key_id.clone(), keys.secret.expose())
    })
}

/// Explains an input. Fails with one sentence if it cannot be read.
pub async fn explain(input: &[u8], view: &View) -> Result<Explanation, String> {
    let lines = match Input::read(input)? {
        Input::Policy(document) => refusal::explain_policy(&document, view),
        Input::Refusal(refusal) => refusal::explain(&refusal, view),
        Input::Signed(signed) => {
            let signed::SignedExplanation { outcome, lines } = signed::explain(&signed, view)?;
            return Ok(Explanation {
                verdicts: outcome.map(Result::err).into_iter().collect(),
                lines,
            });
        }
        Input::Callback(value) => callback::explain(&value, view.language),
        Input::Uploads(uploads, preflights) => {
            return explain_uploads(&uploads, &preflights, view).await;
        }
    };
    Ok(Explanation { verdicts: Vec::new(), lines })
}

async fn explain_uploads(
    uploads: &[Capture],
    preflights: &[(String, capture::CapturedAnswer)],
    view: &View,
) -> Result<Explanation, String> {
    let mut explanation = Explanation { verdicts: Vec::new(), lines: Vec::new() };
    let count = uploads.len() + preflights.len();
    for (url, answer) in preflights {
        explanation.lines.extend(response::refused_preflight(url, answer, view));
        explanation.lines.push(String::new());
    }
    for (at, upload) in uploads.iter().enumerate() {
        if count > 1 {
            explanation.lines.push(title(upload, at + 1, uploads.len(), view.language));
        }
        let mut view = view.clone();
        if let Some(sent_at) = upload.sent_at.filter(|_| !view.is_fixed) {
            view.now = sent_at;
        }
        match upload.head.as_ref().and_then(signed::request) {
            Some(signed) => {
                let explained = signed::explain(&signed, &view)?;
                explanation.verdicts.extend(explained.outcome.map(Result::err));
                explanation.lines.extend(explained.lines);
            }
            None => match verdict::judge(upload, &view).await {
                Ok(verdict) => {
                    explanation.verdicts.push(verdict.outcome.err());
                    explanation.lines.extend(verdict.lines);
                }
                Err(reason) if count > 1 => explanation.lines.push(reason),
                Err(reason) => return Err(reason),
            },
        }
        explanation.lines.extend(response::explain(upload, &view));
        if at + 1 < uploads.len() {
            explanation.lines.push(String::new());
        }
    }
    while explanation.lines.last().is_some_and(String::is_empty) {
        explanation.lines.pop();
    }
    Ok(explanation)
}

/// Names one of several uploads, without the query of its address, which may hold a secret.
fn title(upload: &Capture, number: usize, count: usize, language: Language) -> String {
    let method = upload.head.as_ref().map_or("POST", |head| head.method.as_str());
    let path = upload.head.as_ref().map_or("/", capture::Head::path);
    let host = upload.host().unwrap_or_default();
    language.choose(
        format!("Upload {number} of {count}: {method} {host}{path}"),
        format!("第 {number} 次上传（共 {count} 次）：{method} {host}{path}"),
    )
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

/// Reads a time as people write it, or as Unix seconds.
fn moment(text: &str) -> Result<Timestamp, String> {
    let written =
        ::time::OffsetDateTime::parse(text, &::time::format_description::well_known::Rfc3339);
    let seconds =
        written.map(::time::OffsetDateTime::unix_timestamp).ok().or_else(|| text.parse().ok());
    seconds
        .and_then(Timestamp::from_unix)
        .ok_or_else(|| "write a moment such as 2024-11-27T06:09:41Z, or Unix seconds".to_owned())
}
