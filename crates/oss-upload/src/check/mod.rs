//! `oss-upload check`: a settings file judged as the function judges it, each route in words, and the
//! policy that it would sign.
//!
//! Signs with an invented key, so none is needed, and nothing here is worth anything.

mod example;
mod words;

use std::path::{Path, PathBuf};

use clap::Args;

use crate::check::example::Example;
use crate::console;
use crate::failure::Failure;
use oss_upload_signer::config::Settings;
use oss_upload_signer::config::environment::Environment;
use oss_upload_signer::grant::{Form, GrantRequest};
use oss_upload_signer::http::error::ApiError;
use oss_upload_signer::policy::route::Route;
use oss_upload_signer::time::Timestamp;
use oss_upload_signer::{grant, time};

pub(super) use example::VALUES as EXAMPLE_VALUES;

#[derive(Args, Debug)]
pub(super) struct Options {
    /// The settings file; default is the function's own, upload.toml in this folder
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub(super) fn run(options: Options) -> Result<(), Failure> {
    let mut environment = Environment::of_process();
    if let Some(path) = options.config {
        environment.set("UPLOAD_CONFIG", path.to_string_lossy());
    }
    let file = environment.read_file(Some(Path::new(".")));
    let file = file.map_err(|error| Failure::arguments(error.to_string()))?;
    let now = time::now();
    let settings = Settings::load(&environment, file.as_deref(), now)
        .map_err(|complaints| Failure::arguments(complaints.to_string()))?;
    for route in &settings.routes {
        show(route, &settings, now);
    }
    for warning in settings.warnings() {
        console::say(&format!("warning: {warning}"));
    }
    Ok(())
}

fn show(route: &Route, settings: &Settings, now: Timestamp) {
    console::say(&format!("route {}", route.name));
    let says = |label: &str, text: &str| console::say(&format!("  {label:<10} {text}"));
    for (label, text) in words::describe(route, settings) {
        says(label, &text);
    }
    let example = Example::at(now, settings.callback.public_url.as_deref());
    let seal = example.seal();
    let issue = |ask: &GrantRequest| {
        grant::issue(ask, route, &example.credentials, &example.occasion(), Some(&seal))
    };
    let bare = GrantRequest::new(Form::Documented);
    let page = match issue(&bare) {
        Ok(grant) if grant.key.is_none() => {
            "the documentation's page is served as it is".to_owned()
        }
        Ok(_) => "the documentation's page has to post the key of the answer".to_owned(),
        Err(refused) => format!("the documentation's page is refused: {}", word(refused, route)),
    };
    says("page", &page);
    let signed = example::ask(route).map(|ask| (example::name(&ask), issue(&ask)));
    match signed {
        Some((name, Ok(grant))) => {
            let key = grant.key.as_deref().unwrap_or_default();
            says("example", &format!("{name} becomes {key}, with the policy"));
            console::say_json(&example::policy(&grant));
        }
        Some((name, Err(refused))) => says("example", &format!("{name}: {}", word(refused, route))),
        None => says("example", "none: the metadata's patterns are beyond guessing"),
    }
    console::say("");
}

fn word(refused: grant::GrantError, route: &Route) -> String {
    ApiError::refused(refused, route).message()
}
