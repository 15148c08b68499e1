//! `oss-upload receipt`: verifies a receipt with its key, and prints what it says.
//!
//! A receipt names a user and a file. So it can come from standard input, because arguments are visible in
//! the history of the shell and in the process list. The key comes from the environment only.

use std::io;
use std::io::{IsTerminal, Read};

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::console;
use crate::error::CommandError;
use oss_upload_signer::callback::receipt::{Receipt, ReceiptError, ReceiptScope};
use oss_upload_signer::config::callback;
use oss_upload_signer::config::environment::Environment;
use oss_upload_signer::time;
use oss_upload_signer::time::Timestamp;

/// The limit for standard input in bytes. No receipt is larger.
const MAX_INPUT: u64 = 64 * 1024;

#[derive(Args, Debug)]
pub(super) struct Options {
    #[command(subcommand)]
    command: ReceiptCommand,
}

#[derive(Debug, Subcommand)]
enum ReceiptCommand {
    /// Verify a receipt with the keys in the environment, and print what it says
    Verify(VerifyOptions),
}

#[derive(Args, Debug)]
struct VerifyOptions {
    /// The receipt; without it, or with '-', standard input is read
    #[arg(value_name = "RECEIPT")]
    text: Option<String>,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(options: Options) -> Result<(), CommandError> {
    let ReceiptCommand::Verify(options) = options.command;
    let keys = callback::receipt_keys(&Environment::of_process()).map_err(|errors| {
        let errors: Vec<_> = errors.0.iter().map(ToString::to_string).collect();
        CommandError::usage(errors.join("; "))
    })?;
    if keys.is_empty() {
        return Err(CommandError::usage(
            "there is no key to verify with; set UPLOAD_RECEIPT_KEYS to what the function has",
        ));
    }
    let text = read(options.text)?;
    let receipt =
        Receipt::verify(text.trim(), &keys).map_err(|error| CommandError::new(describe(error)))?;
    if options.json {
        console::print_json(&as_json(&receipt).to_string());
    } else {
        console::print_lines(&as_lines(&receipt, time::now()));
    }
    Ok(())
}

fn read(given: Option<String>) -> Result<String, CommandError> {
    if let Some(text) = given.filter(|text| text != "-") {
        return Ok(text);
    }
    if io::stdin().is_terminal() {
        return Err(CommandError::usage("there is nothing to verify; pipe a receipt in"));
    }
    let mut text = String::new();
    let result = io::stdin().take(MAX_INPUT).read_to_string(&mut text);
    let unreadable = |error| CommandError::usage(format!("standard input cannot be read: {error}"));
    result.map(|_| text).map_err(unreadable)
}

fn describe(error: ReceiptError) -> &'static str {
    match error {
        ReceiptError::Malformed => {
            "this is no receipt: one begins with 'r1.' and comes whole, in one line; compare it with \
             what was sent"
        }
        _ => {
            "none of the keys signed it: it was changed on the way, or UPLOAD_RECEIPT_KEYS is not what \
             the function has"
        }
    }
}

/// Formats the receipt with the names of its own members.
fn as_json(receipt: &Receipt) -> Value {
    let mut json = json!({
        "id": receipt.id,
        "route": receipt.route,
        "bucket": receipt.bucket,
        "min": receipt.min_size,
        "max": receipt.max_size,
        "types": receipt.types,
        "sub": receipt.subject,
        "iat": receipt.issued_at,
        "exp": receipt.expires_at,
        "vars": receipt.variables_hash,
        "once": receipt.once,
    });
    match &receipt.scope {
        ReceiptScope::Key(key) => json["key"] = key.as_str().into(),
        ReceiptScope::Prefix(prefix) => json["prefix"] = prefix.as_str().into(),
    }
    json
}

fn as_lines(receipt: &Receipt, now: Timestamp) -> Vec<String> {
    let time = |seconds: i64| {
        Timestamp::from_unix(seconds).map_or_else(|| seconds.to_string(), Timestamp::rfc3339)
    };
    let (label, place) = match &receipt.scope {
        ReceiptScope::Key(key) => ("key", key.clone()),
        ReceiptScope::Prefix(prefix) => ("below", prefix.clone()),
    };
    let size = if receipt.min_size == receipt.max_size {
        format!("{} bytes", receipt.max_size)
    } else {
        format!("{} to {} bytes", receipt.min_size, receipt.max_size)
    };
    let types = if receipt.types.is_empty() { "any".to_owned() } else { receipt.types.join(", ") };
    let expired = if receipt.expires_at < now.unix() { ", expired" } else { "" };
    let hash = receipt.variables_hash.clone();
    let once = if receipt.once { "one event" } else { "one event for each key and etag" };
    let lines = [
        ("receipt", receipt.id.clone()),
        ("route", receipt.route.clone()),
        ("bucket", receipt.bucket.clone()),
        (label, place),
        ("size", size),
        ("type", types),
        ("for", receipt.subject.clone().unwrap_or_else(|| "no named user".to_owned())),
        ("granted", time(receipt.issued_at)),
        ("until", time(receipt.expires_at) + expired),
        (
            "vars",
            hash.unwrap_or_else(|| "not signed: an earlier version issued the receipt".to_owned()),
        ),
        ("events", once.to_owned()),
    ];
    lines.map(|(label, text)| format!("{label:<8} {text}")).to_vec()
}
