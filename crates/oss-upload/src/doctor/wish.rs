//! The wish: a tiny file that the route takes, put together from what it says of itself.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::check::EXAMPLE_VALUES;
use crate::doctor::case::Case;
use crate::doctor::finding::Finding;
use crate::doctor::wire::{Call, Wire};
use crate::doctor::{alien, signer};
use crate::kind;
use oss_upload_signer::policy::metadata::{MetadataPattern, MetadataRule};

const ID: &str = "signer.route";

/// The most that is sent: an examination is not a load.
const MAX_SENT: u64 = 8 << 20;

/// What the file says, as often as it has to.
const TEXT: &[u8] = b"oss-upload doctor was here\n";

/// What the signer says of a route.
#[derive(Deserialize)]
struct Limits {
    min_size: u64,
    max_size: u64,
    types: Vec<String>,
    extensions: Vec<String>,
    metadata: Vec<Metadata>,
}

#[derive(Deserialize)]
struct Metadata {
    name: String,
    required: bool,
    pattern: Option<String>,
}

/// A file to ask for.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    route: String,
    pub(super) name: String,
    pub(super) content_type: String,
    pub(super) size: u64,
    metadata: Map<String, Value>,
}

impl Wish {
    /// Writes the call that asks for one grant.
    pub(super) fn call(&self) -> String {
        let Self { route, name, content_type, size, metadata } = self;
        let mut file = json!({"name": name, "type": content_type, "size": size});
        if !metadata.is_empty() {
            file["metadata"] = Value::Object(metadata.clone());
        }
        json!({"route": route, "files": [file]}).to_string()
    }

    /// Whether it is small enough to be sent.
    pub(super) fn is_small(&self) -> bool {
        self.size <= MAX_SENT
    }

    /// Makes a file's content of this many bytes.
    pub(super) fn content(size: u64) -> Vec<u8> {
        let size = usize::try_from(size).unwrap_or_default();
        TEXT.iter().copied().cycle().take(size).collect()
    }
}

/// Asks what the route takes, and puts a wish together.
pub(super) async fn examine(case: &Case, wire: &Wire, findings: &mut Vec<Finding>) -> Option<Wish> {
    let name = utf8_percent_encode(&case.route, NON_ALPHANUMERIC);
    let url = case.url(&format!("/routes/{name}"));
    let reply = match wire.send(Call::get(&url)).await {
        Ok(reply) => reply,
        Err(trouble) => {
            findings.push(signer::unreachable(ID, &trouble));
            return None;
        }
    };
    if let Some(limits) = reply.json::<Limits>() {
        let wish = wish(case, &limits);
        let (name, size) = (&wish.name, wish.size);
        let seen = format!("{} takes {name} ({}, {size} bytes)", case.route, wish.content_type);
        findings.push(Finding::ok(ID, seen));
        return Some(wish);
    }
    findings.push(match alien::problem(&reply) {
        Some(problem) => Finding::fail(ID, format!("{}: {}", problem.error, problem.message))
            .cause(problem.error)
            .why("Pages that ask under this name are refused.")
            .mend(
                "Name a route with --route that the function's settings define; without it the \
                 route is called default.",
            ),
        None => alien::explain(ID, &reply),
    });
    None
}

fn wish(case: &Case, limits: &Limits) -> Wish {
    let content_type = content_type(limits);
    let known = kind::ending(&content_type);
    let ending = limits.extensions.first().map(String::as_str).or(known).unwrap_or("bin");
    Wish {
        route: case.route.clone(),
        name: format!("doctor.{ending}"),
        size: (TEXT.len() as u64).clamp(limits.min_size, limits.max_size.max(limits.min_size)),
        metadata: metadata(case, &limits.metadata),
        content_type,
    }
}

/// A type that the route takes: the one of the name, if it will do.
fn content_type(limits: &Limits) -> String {
    let by_name =
        kind::guess(&format!("a.{}", limits.extensions.first().map_or("txt", String::as_str)));
    let fits = |pattern: &String| match pattern.strip_suffix('*') {
        Some(beginning) => by_name.starts_with(beginning),
        None => pattern == by_name,
    };
    match limits.types.first() {
        None => by_name.to_owned(),
        Some(_) if limits.types.iter().any(fits) => by_name.to_owned(),
        Some(first) => match first.strip_suffix('*') {
            Some(beginning) => kind::example(beginning),
            None => first.clone(),
        },
    }
}

/// The values that were given; for what is required besides, one that its pattern takes.
fn metadata(case: &Case, wanted: &[Metadata]) -> Map<String, Value> {
    let given = case.metadata.iter().map(|(name, value)| (name.clone(), value.clone().into()));
    let mut metadata: Map<String, Value> = given.collect();
    for wanted in wanted.iter().filter(|wanted| wanted.required) {
        let pattern = wanted.pattern.as_deref().and_then(|text| MetadataPattern::parse(text).ok());
        let rule = MetadataRule { name: wanted.name.clone(), pattern, required: true };
        let value = EXAMPLE_VALUES.iter().find(|value| rule.accepts(value));
        if let Some(value) = value.filter(|_| !metadata.contains_key(&wanted.name)) {
            metadata.insert(wanted.name.clone(), (*value).into());
        }
    }
    metadata
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(types: &[&str], extensions: &[&str]) -> Limits {
        let own = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let (types, extensions) = (own(types), own(extensions));
        Limits { min_size: 1, max_size: 9, types, extensions, metadata: Vec::new() }
    }

    #[test]
    fn the_type_is_one_that_the_route_takes() {
        for (types, extensions, taken) in [
            (&[][..], &[][..], "text/plain"),
            (&[], &["png"], "image/png"),
            (&["image/*"], &[], "image/png"),
            (&["image/*"], &["jpg"], "image/jpeg"),
            (&["application/pdf"], &[], "application/pdf"),
            (&["image/png", "text/*"], &[], "text/plain"),
        ] {
            assert_eq!(content_type(&limits(types, extensions)), taken, "{types:?} {extensions:?}");
        }
    }
}
