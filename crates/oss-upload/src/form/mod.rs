//! `oss-upload form`: a page with a signed form, complete in itself, to be hosted or sent anywhere.
//!
//! It works without a script. Whoever has the page may upload under its policy until it ends, so
//! the policy is as narrow as the options say: one key or one directory, sizes, types, answer.

mod file;
mod page;

use std::path::PathBuf;

use clap::Args;

use crate::desk::Desk;
use crate::failure::Failure;
use crate::rules::Rules;
use crate::{console, rules};
use oss_upload_signer::callback::receipt::ReceiptScope;
use oss_upload_signer::grant::callback_fields::ReceiptClaims;
use oss_upload_signer::grant::form::Field;
use oss_upload_signer::grant::form::{FormRules, sign_form};
use oss_upload_signer::policy::content_type;
use oss_upload_signer::policy::document::Condition;
use oss_upload_signer::policy::route::Route;
use oss_upload_signer::time::Timestamp;

/// What OSS puts the file's own name in for.
const FILENAME: &str = "${filename}";

/// Time to fill in a form by hand.
const LIFETIME: &str = "1h";

#[derive(Args, Debug)]
pub(super) struct Options {
    #[command(flatten)]
    place: rules::Place,
    #[command(flatten)]
    rules: Rules,
    /// The object's key, fixed or ending in '${filename}'; default is the directory and '${filename}'
    #[arg(long)]
    key: Option<String>,
    /// What OSS answers when the file is stored: 200, 201 (the browser shows what was stored) or 204
    #[arg(long, value_name = "STATUS", value_parser = ["200", "201", "204"])]
    success_action_status: Option<String>,
    /// Where the browser goes when the file is stored
    #[arg(long, value_name = "URL")]
    success_action_redirect: Option<String>,
    /// Refuse an upload whose key is taken
    #[arg(long)]
    forbid_overwrite: bool,
    /// The page to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Replace the page if it is there
    #[arg(long)]
    force: bool,
}

pub(super) async fn run(mut options: Options) -> Result<(), Failure> {
    options.rules.lasts_unless_said(LIFETIME);
    let desk = Desk::open(&options.place, &options.rules).await?;
    check_route(&desk.route)?;
    let key = options.key.clone().map_or_else(|| key(&desk), Ok)?;
    let key_condition = key_condition(&key)?;
    let types = content_type::as_conditions(&desk.route.types).ok_or_else(several_kinds)?;
    let (size, expires_at) = (desk.route.size, desk.until());
    let mut pinned = options.pinned(&desk.route)?;
    pinned.extend(desk.told(ReceiptClaims {
        scope: match &key_condition {
            Condition::StartsWith(_, directory) => ReceiptScope::Prefix((*directory).to_owned()),
            _ => ReceiptScope::Key(key.clone()),
        },
        size,
        types: desk.route.types.iter().map(ToString::to_string).collect(),
        expires_at,
        once: false, // The key was named on the command line, so other grants may have it.
    })?);
    let rules =
        FormRules { key: Some(&key), key_condition, size, types, fixed_fields: pinned, expires_at };
    let fields = sign_form(rules, &desk.route, &desk.credentials, desk.now);
    let html = page::write(&desk.route, &fields, expires_at);
    file::write(&options.out, &html, options.force)?;
    announce(&options, &desk, &key, expires_at);
    Ok(())
}

fn announce(options: &Options, desk: &Desk, key: &str, expires_at: Timestamp) {
    console::say(&format!("page   {}", options.out.display()));
    console::say(&format!("posts  {key} to {}", desk.route.host.as_str()));
    let ending = if expires_at < desk.now.plus(desk.route.lifetime) {
        ", when the temporary key may end"
    } else {
        ""
    };
    console::say(&format!("until  {expires_at}{ending}"));
}

impl Options {
    /// The fields that say what happens when the file is stored, and whether it may replace another.
    fn pinned(&self, route: &Route) -> Result<Vec<Field>, Failure> {
        let mut pinned: Vec<Field> = Vec::new();
        if let Some(url) = &self.success_action_redirect {
            if !url.starts_with("https://") && !url.starts_with("http://") {
                return Err(Failure::arguments(format!(
                    "--success-action-redirect {url:?}: write the whole address, with https://"
                )));
            }
            pinned.push(("success_action_redirect".into(), url.clone()));
        }
        // Without a script 200 and 204 leave a person in front of nothing; 201 shows the answer.
        let default = self.success_action_redirect.is_none().then(|| "201".to_owned());
        let status = self.success_action_status.clone().or(default);
        pinned.extend(status.map(|status| ("success_action_status".into(), status)));
        if self.forbid_overwrite {
            pinned.push(("x-oss-forbid-overwrite".into(), "true".to_owned()));
        }
        pinned.extend(route.headers.iter().map(|one| (one.name.into(), one.value.clone())));
        Ok(pinned)
    }
}

/// A form whose file nobody has seen yet can hold to no rule about its name, and a person fills in
/// no metadata.
fn check_route(route: &Route) -> Result<(), Failure> {
    let required = route.metadata.iter().any(|rule| rule.required);
    if !route.extensions.is_empty() || required {
        return Err(Failure::arguments(format!(
            "the route {:?} has rules that a page cannot hold to: extensions, or metadata that are \
             required; sign for a named file instead",
            route.name
        )));
    }
    Ok(())
}

/// The directory, and the name that the file has.
fn key(desk: &Desk) -> Result<String, Failure> {
    let template = &desk.route.template;
    let key = if template.uses_file_name() {
        template.render_directory(&desk.occasion()).map(|dir| format!("{dir}{FILENAME}"))
    } else {
        template.render(&desk.occasion(), "")
    };
    key.map_err(|_| {
        Failure::arguments(format!(
            "{template} is made of what a page does not know: the file's name or who asks; give \
             the key with --key"
        ))
    })
}

/// A policy sees the placeholder and not the name; the part before it is what can be held on to.
fn key_condition(key: &str) -> Result<Condition<'_>, Failure> {
    let wrong = |what: &str| Err(Failure::arguments(format!("--key {key:?}: {what}")));
    let fits = (1..=1023).contains(&key.len()) && !key.chars().any(char::is_control);
    if !fits || key.starts_with(['/', '\\']) {
        return wrong("a key has 1 to 1023 bytes, no slash in front and no line ends");
    }
    match key.split_once(FILENAME) {
        None => Ok(Condition::Equal("key", key)),
        Some((directory, "")) if directory.ends_with('/') => {
            Ok(Condition::StartsWith("key", directory))
        }
        Some(_) => wrong("write a directory before '${filename}' and nothing after it"),
    }
}

fn several_kinds() -> Failure {
    Failure::arguments(
        "one form takes whole types such as image/png and image/jpeg, or one kind such as image/*, \
         but not a mixture; write one form for each",
    )
}
