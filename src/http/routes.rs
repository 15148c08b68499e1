//! `GET /routes/{name}`: what a route accepts, for a page that checks files before it asks, and in errors.
//!
//! Says nothing of where the files go, and signs nothing, so it needs no credentials.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::app::App;
use crate::auth::rule::AuthRule;
use crate::http::UncachedJson;
use crate::http::error::{ApiError, Limits};
use crate::http::request::{ApiRequest, find_route};
use crate::policy::header::X_OSS_OBJECT_ACL;
use crate::policy::metadata::{self, MetadataPattern};
use crate::policy::part_size::MultipartRules;
use crate::policy::route::Route;

/// A route as clients may know it.
#[derive(Debug, Serialize)]
struct RouteDescription<'a> {
    name: &'a str,
    #[serde(flatten)]
    limits: Limits,
    /// Seconds. A grant ends earlier when its credentials do.
    expires_in: u64,
    /// The value of the attribute of `<input type="file">`.
    accept: String,
    metadata: Vec<RouteMetadata<'a>>,
    /// Whether OSS calls back when the file is stored. Then OSS answers 200 with the JSON of the callback, and 203 when
    /// the callback failed.
    callback: bool,
    /// The credentials of which a caller has to present one, `jwt` or `ticket`; empty needs none.
    auth: Vec<&'static str>,
    /// Whether the route makes its objects readable by everyone, so that their addresses work as links.
    public_read: bool,
    /// Download links; left out where the route gives out none.
    #[serde(skip_serializing_if = "Option::is_none")]
    download: Option<RouteDownload<'a>>,
    /// How large files are uploaded in parts; left out where they are not.
    #[serde(skip_serializing_if = "Option::is_none")]
    multipart: Option<RouteMultipart>,
}

#[derive(Debug, Serialize)]
struct RouteDownload<'a> {
    /// Seconds. A link ends earlier when its credentials do.
    expires_in: u64,
    /// The operations that a link may have.
    process: &'a [String],
}

#[derive(Debug, Serialize)]
struct RouteMultipart {
    /// The size in bytes from which a file is uploaded in parts.
    threshold: u64,
    /// Bytes.
    part_size: u64,
    /// How many parts a client uploads at once.
    max_parallel: u8,
    /// Seconds from its start within which an upload can be resumed.
    resume: u64,
}

#[derive(Debug, Serialize)]
struct RouteMetadata<'a> {
    name: &'a str,
    required: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pattern: Option<&'a str>,
}

impl<'a> RouteDescription<'a> {
    fn new(app: &App, route: &'a Route) -> Self {
        let limits = Limits::of(route);
        Self {
            auth: app
                .authenticator
                .rule(&route.name)
                .map(AuthRule::credentials)
                .unwrap_or_default(),
            public_read: is_public(route),
            download: route.download.as_ref().map(|rules| RouteDownload {
                expires_in: rules.lifetime.as_secs(),
                process: &rules.process,
            }),
            name: &route.name,
            expires_in: route.lifetime.as_secs(),
            accept: accept(&limits),
            limits,
            metadata: route.metadata.iter().map(RouteMetadata::new).collect(),
            callback: route.callback.is_some(),
            multipart: route.multipart.as_ref().map(RouteMultipart::new),
        }
    }
}

impl RouteMultipart {
    fn new(rules: &MultipartRules) -> Self {
        Self {
            threshold: rules.threshold,
            part_size: rules.part_size,
            max_parallel: rules.max_parallel,
            resume: rules.resume.as_secs(),
        }
    }
}

impl<'a> RouteMetadata<'a> {
    fn new(rule: &'a metadata::MetadataRule) -> Self {
        let pattern = rule.pattern.as_ref().map(MetadataPattern::as_str);
        Self { name: &rule.name, required: rule.required, pattern }
    }
}

fn is_public(route: &Route) -> bool {
    let acl = route.headers.iter().find(|header| header.name == X_OSS_OBJECT_ACL);
    acl.is_some_and(|header| matches!(&*header.value, "public-read" | "public-read-write"))
}

/// A file picker offers the files that match a type or an extension, while the route demands both; the extensions are
/// the narrower list.
fn accept(limits: &Limits) -> String {
    if limits.extensions.is_empty() {
        return limits.types.join(",");
    }
    let dotted: Vec<_> = limits.extensions.iter().map(|one| format!(".{one}")).collect();
    dotted.join(",")
}

pub(super) async fn describe(
    State(app): State<Arc<App>>,
    request: ApiRequest,
) -> Result<Response, ApiError> {
    let name = request.route()?;
    let route = find_route(&app, Some(name))?;
    Ok(UncachedJson(RouteDescription::new(&app, route)).into_response())
}
