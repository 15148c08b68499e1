//! `oss-upload form`: a self-contained page with a signed form, to be hosted or sent anywhere.
//!
//! The page needs no script. Everyone who has it may upload under its policy until the policy expires.
//! The policy allows only what the options say: one key or one directory, sizes, types, response.

mod page;

use std::path::PathBuf;

use clap::Args;

use crate::error::CommandError;
use crate::signing_context::SigningContext;
use crate::signing_options::{BucketOptions, RuleOptions};
use crate::{atomic_file, console};
use oss_upload_signer::callback::receipt::ReceiptScope;
use oss_upload_signer::grant::callback_fields::ReceiptClaims;
use oss_upload_signer::grant::form::Field;
use oss_upload_signer::grant::form::{FormRules, sign_form};
use oss_upload_signer::policy::content_type;
use oss_upload_signer::policy::document::Condition;
use oss_upload_signer::policy::route::Route;
use oss_upload_signer::time::Timestamp;

/// OSS replaces this by the name of the file.
const FILENAME: &str = "${filename}";

/// The default lifetime: a person fills in the form by hand.
const LIFETIME: &str = "1h";

#[derive(Args, Debug)]
pub(super) struct Options {
    #[command(flatten)]
    bucket: BucketOptions,
    #[command(flatten)]
    rules: RuleOptions,
    /// The object's key, fixed or ending in '${filename}'; default is the directory and '${filename}'
    #[arg(long)]
    key: Option<String>,
    /// The status of the response when the file is stored: 200, 201 (the browser shows the object) or 204
    #[arg(long, value_name = "STATUS", value_parser = ["200", "201", "204"])]
    success_action_status: Option<String>,
    /// Where the browser goes when the file is stored
    #[arg(long, value_name = "URL")]
    success_action_redirect: Option<String>,
    /// Refuse an upload if an object with its key exists
    #[arg(long)]
    forbid_overwrite: bool,
    /// The page to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Replace the page if it is there
    #[arg(long)]
    force: bool,
}

pub(super) async fn run(mut options: Options) -> Result<(), CommandError> {
    options.rules.set_default_lifetime(LIFETIME);
    let context = SigningContext::open(&options.bucket, &options.rules).await?;
    check_route(&context.route)?;
    let key = options.key.clone().map_or_else(|| default_key(&context), Ok)?;
    let key_condition = key_condition(&key)?;
    let types = content_type::as_conditions(&context.route.types).ok_or_else(mixed_types)?;
    let (size, expires_at) = (context.route.size, context.expires_at());
    let mut fixed_fields = options.fixed_fields(&context.route)?;
    fixed_fields.extend(context.callback_fields(ReceiptClaims {
        scope: match &key_condition {
            Condition::StartsWith(_, directory) => ReceiptScope::Prefix((*directory).to_owned()),
            _ => ReceiptScope::Key(key.clone()),
        },
        size,
        types: context.route.types.iter().map(ToString::to_string).collect(),
        expires_at,
        once: false, // The key comes from the command line, so other forms may have it too.
    })?);
    let rules = FormRules { key: Some(&key), key_condition, size, types, fixed_fields, expires_at };
    let fields = sign_form(rules, &context.route, &context.credentials, context.now);
    let html = page::render(&context.route, &fields, expires_at);
    atomic_file::write_text(&options.out, &html, options.force)?;
    print_summary(&options, &context, &key, expires_at);
    Ok(())
}

fn print_summary(options: &Options, context: &SigningContext, key: &str, expires_at: Timestamp) {
    console::print_line(&format!("page   {}", options.out.display()));
    console::print_line(&format!("posts  {key} to {}", context.route.host.as_str()));
    let reason = if expires_at < context.now.plus(context.route.lifetime) {
        ", when the temporary key may expire"
    } else {
        ""
    };
    console::print_line(&format!("until  {expires_at}{reason}"));
}

impl Options {
    /// Returns the fields for the response, and for overwriting.
    fn fixed_fields(&self, route: &Route) -> Result<Vec<Field>, CommandError> {
        let mut fields: Vec<Field> = Vec::new();
        if let Some(url) = &self.success_action_redirect {
            if !url.starts_with("https://") && !url.starts_with("http://") {
                return Err(CommandError::usage(format!(
                    "--success-action-redirect {url:?}: write the whole address, with https://"
                )));
            }
            fields.push(("success_action_redirect".into(), url.clone()));
        }
        // After 200 and 204 a browser shows an empty page; after 201 it shows the response.
        let default = self.success_action_redirect.is_none().then(|| "201".to_owned());
        let status = self.success_action_status.clone().or(default);
        fields.extend(status.map(|status| ("success_action_status".into(), status)));
        if self.forbid_overwrite {
            fields.push(("x-oss-forbid-overwrite".into(), "true".to_owned()));
        }
        fields.extend(route.headers.iter().map(|one| (one.name.into(), one.value.clone())));
        Ok(fields)
    }
}

/// Rejects a route with rules that a static form cannot keep: the name of the file is not known yet, and
/// there are no inputs for metadata.
fn check_route(route: &Route) -> Result<(), CommandError> {
    let required = route.metadata.iter().any(|rule| rule.required);
    if !route.extensions.is_empty() || required {
        return Err(CommandError::usage(format!(
            "the route {:?} has rules that a page cannot keep: extensions, or required metadata; \
             sign for a named file instead",
            route.name
        )));
    }
    Ok(())
}

/// Returns the directory and the placeholder for the file name.
fn default_key(context: &SigningContext) -> Result<String, CommandError> {
    let template = &context.route.template;
    let key = if template.uses_file_name() {
        template.render_directory(&context.render_context()).map(|dir| format!("{dir}{FILENAME}"))
    } else {
        template.render(&context.render_context(), "")
    };
    key.map_err(|_| {
        CommandError::usage(format!(
            "{template} has placeholders that a page cannot fill in: the file's name or the caller; give \
             the key with --key"
        ))
    })
}

/// Returns the condition for a key. The policy sees the placeholder and not the file name, so only the
/// part before it can be required.
fn key_condition(key: &str) -> Result<Condition<'_>, CommandError> {
    let invalid = |what: &str| Err(CommandError::usage(format!("--key {key:?}: {what}")));
    let is_valid = (1..=1023).contains(&key.len()) && !key.chars().any(char::is_control);
    if !is_valid || key.starts_with(['/', '\\']) {
        return invalid("a key has 1 to 1023 bytes, no slash in front and no line ends");
    }
    match key.split_once(FILENAME) {
        None => Ok(Condition::Equal("key", key)),
        Some((directory, "")) if directory.ends_with('/') => {
            Ok(Condition::StartsWith("key", directory))
        }
        Some(_) => invalid("write a directory before '${filename}' and nothing after it"),
    }
}

fn mixed_types() -> CommandError {
    CommandError::usage(
        "one form allows full types such as image/png and image/jpeg, or one wildcard such as image/*, \
         but not both; write one form for each",
    )
}
