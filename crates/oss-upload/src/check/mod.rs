//! `oss-upload check`: reads settings as the function does, and shows what they mean for each route, with the
//! policy that the route would sign.
//!
//! An example key signs, so no credentials are needed, and OSS accepts nothing of it.

mod description;
mod example;

use std::path::{Path, PathBuf};

use clap::Args;

use crate::check::description::Line;
use crate::check::example::Example;
use crate::error::CommandError;
use crate::{console, dev};
use oss_upload_signer::config::Settings;
use oss_upload_signer::config::environment::Environment;
use oss_upload_signer::config::listing::Listing;
use oss_upload_signer::grant::object::grant_object;
use oss_upload_signer::grant::{Form, GrantError, GrantRequest};
use oss_upload_signer::http::error::ApiError;
use oss_upload_signer::policy::route::Route;
use oss_upload_signer::time::Timestamp;
use oss_upload_signer::{grant, time};

pub(super) use example::{VALUES as EXAMPLE_VALUES, request as example_request};

#[derive(Args, Debug)]
pub(super) struct Options {
    /// The settings file; default is the function's own, upload.toml in this folder
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Check the settings for `oss-upload dev`, which fills in bucket, region, auth and keys, and can call
    /// this machine
    #[arg(long)]
    dev: bool,
}

/// Keys of the check itself, for settings that need one where `dev` generates it.
const KEYS: [(&str, &str); 4] = [
    ("UPLOAD_RECEIPT_KEYS", "a key of the check that signs nothing"),
    ("UPLOAD_TICKET_KEYS", "a key of the check that signs nothing"),
    ("UPLOAD_TOKEN_KEYS", "a key of the check that signs nothing"),
    ("UPLOAD_WEBHOOK_SECRET", "whsec_b3NzLXVwbG9hZCBjaGVjayBzaWducyBub3RoaW5n"),
];

pub(super) fn run(options: Options) -> Result<(), CommandError> {
    let mut environment = if options.dev { dev_environment() } else { Environment::of_process() };
    if let Some(path) = options.config {
        environment.set("UPLOAD_CONFIG", path.to_string_lossy());
    }
    let file = environment.read_file(Some(Path::new(".")));
    let file = file.map_err(|error| CommandError::usage(error.to_string()))?;
    let now = time::now();
    let defaults = if options.dev { &dev::DEFAULTS[..] } else { &[] };
    let settings = if options.dev {
        Settings::load_over(defaults, &environment, file.as_deref(), now)
    } else {
        Settings::load(&environment, file.as_deref(), now)
    };
    let settings = settings.map_err(|errors| CommandError::usage(errors.to_string()))?;
    let listing = Listing::read(defaults, &environment, file.as_deref());
    if !listing.function.is_empty() {
        console::print_line("function");
        say_lines(&description::written(&listing.function));
        say_lines(description::store(&settings).as_slice());
        console::print_line("");
    }
    for route in &settings.routes {
        let written = listing.routes.get(&route.name).map_or(&[][..], Vec::as_slice);
        console::print_line(&format!("route {}", route.name));
        say_lines(&description::consequences(route, &settings));
        say_lines(&description::written(written));
        say_lines(&[description::defaults(written)]);
        show_grants(route, &settings, now);
    }
    for warning in settings.warnings() {
        console::print_line(&format!("warning: {warning}"));
    }
    Ok(())
}

/// Returns the environment of `dev`, with a key where `dev` generates one.
fn dev_environment() -> Environment {
    let mut environment = dev::base_environment();
    for (name, value) in KEYS {
        if environment.get(name).is_none() {
            environment.set(name, value);
        }
    }
    environment
}

fn say_lines(lines: &[Line]) {
    for (label, text) in lines {
        console::print_line(&format!("  {label:<10} {text}"));
    }
}

/// Shows what the route would sign for the documentation's page, and for an example file.
fn show_grants(route: &Route, settings: &Settings, now: Timestamp) {
    let says = |label: &'static str, text: &str| say_lines(&[(label, text.to_owned())]);
    let example = Example::at(now, settings.callback.public_url.as_deref());
    let signer = example.receipt_signer();
    let issue = |request: &GrantRequest| {
        grant::issue(request, route, &example.credentials, &example.context(), Some(&signer))
    };
    let bare = GrantRequest::new(Form::Documented);
    let page = match issue(&bare) {
        Ok(grant) if grant.key.is_none() => {
            "the documentation's page is served as it is".to_owned()
        }
        Ok(_) => "the documentation's page has to post the key of the answer".to_owned(),
        Err(refused) => format!("the documentation's page is refused: {}", message(refused, route)),
    };
    says("page", &page);
    let granted = example::request(route).map(|one| (example::describe(&one), issue(&one)));
    match granted {
        Some((name, Ok(grant))) => {
            let key = grant.key.as_deref().unwrap_or_default();
            says("example", &format!("{name} becomes {key}, with the policy"));
            console::print_json(&example::policy(&grant));
        }
        Some((name, Err(refused))) => {
            says("example", &format!("{name}: {}", message(refused, route)));
        }
        None => says("example", "none: the metadata's patterns are beyond guessing"),
    }
    if let (Some(rules), Some(request)) = (&route.multipart, example::request(route)) {
        match grant_object(&request, route, &example.context()) {
            Ok(object) => say_lines(&description::signed_parts(route, rules, &object)),
            Err(error) => says("part", &message(GrantError::Policy(error), route)),
        }
    }
    console::print_line("");
}

fn message(refused: GrantError, route: &Route) -> String {
    ApiError::from_grant(refused, route).message()
}
