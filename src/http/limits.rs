//! What a route takes, for a caller whose file was refused and for a page that wants to know before:
//! `GET /routes/{name}`.
//!
//! Tells nothing of where the files go, and signs nothing, so it asks for no credentials.

use serde::Serialize;

use crate::app::App;
use crate::http::error::ApiError;
use crate::http::request::ApiRequest;
use crate::http::{Response, dialect};
use crate::policy::metadata::{MetadataPattern, MetadataRule};
use crate::policy::route::Route;

/// What a route takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// The smallest file in bytes.
    pub min_size: u64,
    /// The largest file in bytes.
    pub max_size: u64,
    /// The types it takes; empty takes all.
    pub types: Vec<String>,
    /// The extensions it takes, without a dot; empty takes all.
    pub extensions: Vec<String>,
    /// The most files in one call.
    pub max_files: usize,
}

impl Limits {
    /// Takes them from a route.
    #[must_use]
    pub fn of(route: &Route) -> Self {
        Self {
            min_size: route.size.min,
            max_size: route.size.max,
            types: route.types.iter().map(ToString::to_string).collect(),
            extensions: route.extensions.clone(),
            max_files: route.max_files,
        }
    }
}

/// A route as a page may know it.
#[derive(Debug, Serialize)]
struct Described<'a> {
    name: &'a str,
    #[serde(flatten)]
    limits: Limits,
    /// Seconds; a grant ends earlier when its key does.
    expires_in: u64,
    /// For the attribute of `<input type="file">`.
    accept: String,
    metadata: Vec<Metadata<'a>>,
    /// Whether somebody is told when the file is stored: then OSS's answer is theirs, with 200, and a
    /// 203 means that they were not reached.
    callback: bool,
}

#[derive(Debug, Serialize)]
struct Metadata<'a> {
    name: &'a str,
    required: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pattern: Option<&'a str>,
}

impl<'a> Described<'a> {
    fn new(route: &'a Route) -> Self {
        let limits = Limits::of(route);
        Self {
            name: &route.name,
            expires_in: route.lifetime.as_secs(),
            accept: accept(&limits),
            limits,
            metadata: route.metadata.iter().map(Metadata::new).collect(),
            callback: route.callback.is_some(),
        }
    }
}

impl<'a> Metadata<'a> {
    fn new(rule: &'a MetadataRule) -> Self {
        let pattern = rule.pattern.as_ref().map(MetadataPattern::as_str);
        Self { name: &rule.name, required: rule.required, pattern }
    }
}

/// A file picker offers what either a type or an extension admits, where the route wants both; the
/// extensions are the narrower list.
fn accept(limits: &Limits) -> String {
    if limits.extensions.is_empty() {
        return limits.types.join(",");
    }
    let dotted: Vec<_> = limits.extensions.iter().map(|one| format!(".{one}")).collect();
    dotted.join(",")
}

pub(super) fn answer(app: &App, asked: &ApiRequest) -> Result<Response, ApiError> {
    let name = asked.part("name")?.unwrap_or_default();
    match app.route(Some(&name)) {
        Some(route) => Ok(dialect::uncached(&Described::new(route))),
        None => Err(ApiError::RouteNotFound(Some(name))),
    }
}
