//! A route in lines of a label and a text: what follows from its settings, and the settings as they were
//! written. The second part comes from the table of settings, so a new setting is shown as it is.

use std::time::Duration;

use crate::requirements::routes::actions;
use oss_upload_signer::auth::rule::AuthRule;
use oss_upload_signer::config::Settings;
use oss_upload_signer::config::listing::WrittenSetting;
use oss_upload_signer::config::table::{DefaultValue, SETTINGS, SettingScope};
use oss_upload_signer::config::value::{size_text, time_text};
use oss_upload_signer::grant::object::ObjectGrant;
use oss_upload_signer::policy::callback::{CallbackTarget, PREFIX};
use oss_upload_signer::policy::download::DownloadRules;
use oss_upload_signer::policy::metadata::MetadataRule;
use oss_upload_signer::policy::part_size::{MAX_PARTS, MultipartRules, PartPlan};
use oss_upload_signer::policy::route::{Route, SessionMode};
use oss_upload_signer::policy::template::CallerAttributes;
use oss_upload_signer::store::FailureMode;

/// A line: its label and its text.
pub(super) type Line = (&'static str, String);

/// Describes what follows from the settings of a route.
pub(super) fn consequences(route: &Route, settings: &Settings) -> Vec<Line> {
    let mut lines = vec![
        ("admits", admits(route, settings)),
        ("signs", signs(route, settings)),
        ("keys", keys(route)),
        ("posts to", route.host.as_str().to_owned()),
    ];
    lines.extend(route.metadata.iter().map(|rule| ("metadata", metadata(rule))));
    lines.extend(callback(route, settings));
    lines.extend(route.multipart.as_ref().map(|rules| ("parts", parts(route, rules))));
    lines.extend(route.download.as_ref().map(|rules| ("downloads", downloads(rules))));
    lines.extend(route.session_keys.map(|lifetime| ("sts", session_keys(route, lifetime))));
    let needs_more =
        route.multipart.is_some() || route.download.is_some() || route.session_keys.is_some();
    lines.extend(needs_more.then(|| ("needs", needed_permissions(route))));
    lines
}

/// Describes what the role that signs has to be allowed.
fn needed_permissions(route: &Route) -> String {
    let prefix = route.template.prefix(&CallerAttributes::NONE);
    let bucket = route.bucket.as_str();
    format!("a role with {} on {bucket}/{prefix}*", actions(route).join(", "))
}

/// Describes what counts for all instances, without the password.
pub(super) fn store(settings: &Settings) -> Option<Line> {
    let store = settings.store.as_ref()?;
    let failure = match store.failure {
        FailureMode::Local => "each instance counts by itself",
        FailureMode::Refuse => "calls that are counted are refused",
    };
    Some(("store", format!("{}; if it fails, {failure}", store.url)))
}

/// Describes the links that a caller gets.
fn downloads(rules: &DownloadRules) -> String {
    let disposition = if rules.attachment { ", saved under the last part of the key" } else { "" };
    let process = match &rules.process[..] {
        [] => String::new(),
        operations => format!(", with {}", operations.join(" or ")),
    };
    format!("links to a caller's objects for {}{disposition}{process}", time_text(rules.lifetime))
}

/// Describes the session keys that a caller gets.
fn session_keys(route: &Route, lifetime: Duration) -> String {
    let scope =
        if route.template.has_caller_prefix() { "a caller's directory" } else { "one new object" };
    format!(
        "keys that write {scope} for {}, with no limit on size, type or number",
        time_text(lifetime)
    )
}

/// Describes how large files are uploaded.
fn parts(route: &Route, rules: &MultipartRules) -> String {
    let length = if rules.unsized_files { "" } else { ", each signed with its exact length" };
    let most =
        PartPlan::new(route.size.max, rules.part_size).map_or(MAX_PARTS, |plan| plan.count());
    format!(
        "files from {} to {} in parts of {}{length}, at most {most}, {} at a time; an upload can be resumed for {}",
        size_text(rules.threshold),
        size_text(route.size.max),
        size_text(rules.part_size),
        rules.max_parallel,
        time_text(rules.resume)
    )
}

/// Describes what an upload in parts of the largest file is signed for: the requests of the function, and those of the
/// client.
pub(super) fn signed_parts(
    route: &Route,
    rules: &MultipartRules,
    object: &ObjectGrant,
) -> Vec<Line> {
    let headers: Vec<_> =
        object.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    let begins = format!("the function begins {} with {}", object.key, headers.join(", "));
    let (size, part_size) = (size_text(route.size.max), rules.part_size);
    let signs = match PartPlan::new(route.size.max, part_size) {
        Ok(plan) if !rules.unsized_files => format!(
            "a client PUTs {} parts of a file of {size}, each signed for this key, its upload, its number \
             and exactly {part_size} bytes, the last one for {}",
            plan.count(),
            plan.length(plan.count()).unwrap_or_default()
        ),
        _ => {
            "a client PUTs parts, each signed for this key, its upload and its number; the size is \
              checked at the end"
                .to_owned()
        }
    };
    let ends = if route.overwrite { "and replaces what is there" } else { "and replaces nothing" };
    let ends = format!("the function completes it, compares the size of each part, {ends}");
    vec![("begin", begins), ("part", signs), ("complete", ends)]
}

/// Lists the settings of a route or of the function as they were written.
pub(super) fn written(settings: &[WrittenSetting]) -> Vec<Line> {
    let line = |one: &WrittenSetting| match &one.value {
        Some(value) => format!("{} = {value} ({})", one.key, one.place),
        None if one.key == one.place => format!("{}, which is not shown", one.key),
        None => format!("{}, which is not shown ({})", one.key, one.place),
    };
    settings.iter().map(|one| ("set", line(one))).collect()
}

/// Lists the settings of a route that were not written and have a default value.
pub(super) fn defaults(written: &[WrittenSetting]) -> Line {
    let is_written = |key| written.iter().any(|one| one.key == key);
    let unwritten = SETTINGS.iter().filter(|setting| {
        let is_replaced = setting.key == "dir" && is_written("key");
        setting.scope == SettingScope::Route && !is_written(setting.key) && !is_replaced
    });
    let values = unwritten.filter_map(|setting| match setting.default {
        DefaultValue::Value(value) => Some(format!("{} = {value}", setting.key)),
        DefaultValue::Required | DefaultValue::Described(_) => None,
    });
    ("default", values.collect::<Vec<_>>().join(", "))
}

fn admits(route: &Route, settings: &Settings) -> String {
    match settings.auth.rules.get(&route.name) {
        Some(AuthRule::Anonymous) => "everyone who reaches the address".to_owned(),
        Some(rule) => format!("who passes {rule}{}", claims(rule, &route.name, settings)),
        None => "nobody".to_owned(),
    }
}

/// Lists the claims that a token has to have, where the rule takes tokens.
fn claims(rule: &AuthRule, route: &str, settings: &Settings) -> String {
    let of_all = settings.auth.jwt.iter().flat_map(|jwt| &jwt.rules.required);
    let required = of_all.chain(settings.auth.claims.get(route).into_iter().flatten());
    let texts: Vec<_> = required.map(ToString::to_string).collect();
    if texts.is_empty() || !rule.contains(&AuthRule::Jwt) {
        return String::new();
    }
    format!("; a token has to say {}", texts.join(" and "))
}

/// Names the credentials that sign, and what else they could do.
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

fn metadata(rule: &MetadataRule) -> String {
    let need = if rule.required { "required" } else { "allowed" };
    match &rule.pattern {
        Some(pattern) => format!("{}, {need}, like {pattern}", rule.name),
        None => format!("{}, {need}", rule.name),
    }
}

/// Describes the call that OSS makes when a file is stored: its address, its body, and its variables.
fn callback(route: &Route, settings: &Settings) -> Vec<Line> {
    let Some(callback) = &route.callback else {
        return Vec::new();
    };
    let own = settings.callback.public_url.as_deref();
    let target = match (&callback.target, callback.address(&route.name, own)) {
        (CallbackTarget::Function, Some(address)) => format!("{}, at {address}", callback.target),
        (CallbackTarget::Function, None) => {
            format!("{}, at the fcapp.run name of the call", callback.target)
        }
        (CallbackTarget::Addresses(_), _) => callback.target.to_string(),
    };
    let host = callback.host.iter().map(|host| format!(", under the name {host}"));
    let mut lines = vec![
        ("calls", target + &host.collect::<String>()),
        ("tells", format!("{} ({})", callback.body, callback.body.body_type.as_str())),
    ];
    let variables = callback.variables.iter();
    lines.extend(variables.map(|(name, value)| ("sets", format!("{PREFIX}{name} to {value}"))));
    lines
}
