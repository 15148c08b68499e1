//! A route in words: one line for each thing that it says.

use std::time::Duration;

use crate::console;
use oss_upload_signer::auth::rule::AuthRule;
use oss_upload_signer::config::Settings;
use oss_upload_signer::policy::callback::{CallbackTarget, PREFIX};
use oss_upload_signer::policy::metadata::MetadataRule;
use oss_upload_signer::policy::route::{Route, SessionMode, SignatureVersion};

/// Gives labels and sentences, in the order in which one asks.
pub(super) fn describe(route: &Route, settings: &Settings) -> Vec<(&'static str, String)> {
    let (bucket, region) = (route.bucket.as_str(), route.region.as_str());
    let mut lines = vec![
        ("admits", admits(route, settings)),
        ("signs", signs(route, settings)),
        ("keys", keys(route)),
        ("bucket", format!("{bucket} in {region}, posted to {}", route.host.as_str())),
        ("takes", takes(route)),
        ("lasts", format!("{}, and never longer than the key that signs", time(route.lifetime))),
        ("answers", format!("{} when the file is stored", route.status.as_str())),
    ];
    let fixed = route.headers.iter().map(|one| ("fixes", format!("{}: {}", one.name, one.value)));
    lines.extend(fixed);
    lines.extend(route.metadata.iter().map(|rule| ("metadata", metadata(rule))));
    lines.extend(told(route, settings));
    if route.signature == SignatureVersion::V1 {
        lines.push(("signature", "V1, for old buckets".to_owned()));
    }
    lines
}

fn admits(route: &Route, settings: &Settings) -> String {
    match settings.auth.rules.get(&route.name) {
        Some(AuthRule::Anonymous) => "everyone who reaches the address".to_owned(),
        Some(rule) => format!("who passes {rule}{}", claims(rule, &route.name, settings)),
        None => "nobody".to_owned(),
    }
}

/// Says what a token has to say, where the rule takes one.
fn claims(rule: &AuthRule, route: &str, settings: &Settings) -> String {
    let of_all = settings.auth.jwt.iter().flat_map(|jwt| &jwt.rules.required);
    let required = of_all.chain(settings.auth.claims.get(route).into_iter().flatten());
    let texts: Vec<_> = required.map(ToString::to_string).collect();
    if texts.is_empty() || !rule.contains(&AuthRule::Jwt) {
        return String::new();
    }
    format!("; a token has to say {}", texts.join(" and "))
}

/// Says whose key signs, and what else that key could do.
fn signs(route: &Route, settings: &Settings) -> String {
    let Some(role) = &settings.sources.role else {
        return "with the function's own key".to_owned();
    };
    let session = match (route.session, &role.policy) {
        (SessionMode::Caller, _) => {
            "in a session for each caller, which reaches their directory only"
        }
        (SessionMode::Shared, Some(_)) => "in a session that may do what the routes need",
        (SessionMode::Shared, None) => "in a session that may do all that the role may",
    };
    format!("as {}, {session}", role.role_arn)
}

fn keys(route: &Route) -> String {
    let template = route.template.to_string();
    let name = if template.ends_with('/') { " and the file's name" } else { "" };
    let taken = if route.overwrite {
        "an upload replaces what is there"
    } else {
        "POST /uploads never replaces what is there"
    };
    let shared = if route.template.is_unique() { ", one for each grant" } else { "" };
    format!("{template}{name}{shared}; {taken}")
}

fn takes(route: &Route) -> String {
    let types: Vec<_> = route.types.iter().map(ToString::to_string).collect();
    let types = list(&types, "any type");
    let extensions: Vec<_> = route.extensions.iter().map(|one| format!(".{one}")).collect();
    let names = if extensions.is_empty() {
        String::new()
    } else {
        format!(", named {}", list(&extensions, ""))
    };
    let (min, max) = (console::size(route.size.min), console::size(route.size.max));
    let files = route.max_files;
    let noun = if files == 1 { "file" } else { "files" };
    format!("{types}{names}, from {min} to {max}, up to {files} {noun} in one call")
}

fn metadata(rule: &MetadataRule) -> String {
    let need = if rule.required { "required" } else { "allowed" };
    match &rule.pattern {
        Some(pattern) => format!("{}, {need}, like {pattern}", rule.name),
        None => format!("{}, {need}", rule.name),
    }
}

/// Says who is told when the file is stored, and what.
fn told(route: &Route, settings: &Settings) -> Vec<(&'static str, String)> {
    let Some(callback) = &route.callback else {
        return Vec::new();
    };
    let own = settings.callback.public_url.as_deref();
    let to = match (&callback.target, callback.address(&route.name, own)) {
        (CallbackTarget::Function, Some(address)) => format!("{}, at {address}", callback.target),
        (CallbackTarget::Function, None) => {
            format!("{}, at the fcapp.run name of the call", callback.target)
        }
        (CallbackTarget::Addresses(_), _) => callback.target.to_string(),
    };
    let host = callback.host.iter().map(|host| format!(", under the name {host}"));
    let mut lines = vec![
        ("calls", to + &host.collect::<String>()),
        ("tells", format!("{} ({})", callback.body, callback.body.body_type.as_str())),
    ];
    let variables = callback.variables.iter();
    lines.extend(variables.map(|(name, value)| ("sets", format!("{PREFIX}{name} to {value}"))));
    let notify = settings.callback.notify.get(&route.name);
    lines.extend(notify.map(|url| ("notifies", url.clone())));
    lines
}

fn list(items: &[String], none: &str) -> String {
    match items {
        [] => none.to_owned(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// Writes a time in the largest unit that divides it.
fn time(lifetime: Duration) -> String {
    const UNITS: [(u64, &str); 4] =
        [(86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];
    let seconds = lifetime.as_secs();
    let unit = UNITS.iter().find(|(length, _)| seconds.is_multiple_of(*length));
    let (length, name) = unit.unwrap_or(&UNITS[3]);
    let count = seconds / length;
    format!("{count} {name}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_told_in_its_largest_unit() {
        for (seconds, text) in
            [(90, "90 seconds"), (600, "10 minutes"), (3_600, "1 hour"), (604_800, "7 days")]
        {
            assert_eq!(time(Duration::from_secs(seconds)), text);
        }
    }
}
