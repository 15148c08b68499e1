//! The probe file: a tiny file that the route accepts, according to the route's description.

use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::check::EXAMPLE_VALUES;
use crate::doctor::finding::Finding;
use crate::doctor::signer_response::{ApiProblem, foreign_response, unreachable};
use crate::doctor::target::{DoctorTarget, MultipartFeature, RouteFeatures};
use crate::file_type;
use crate::http_client::{WebClient, WebRequest};
use crate::language::text;
use oss_upload_signer::policy::metadata::{MetadataPattern, MetadataRule};

const ID: &str = "signer.route";

/// The largest probe file in bytes. A check should not transfer much data.
const MAX_SIZE: u64 = 8 << 20;

/// The content of the file, repeated as often as needed.
const CONTENT: &[u8] = b"oss-upload doctor was here\n";

/// The description of a route by the signer.
#[derive(Deserialize)]
struct RouteDescription {
    min_size: u64,
    max_size: u64,
    types: Vec<String>,
    extensions: Vec<String>,
    metadata: Vec<MetadataDescription>,
    /// Present where large files can be uploaded in parts.
    multipart: Option<MultipartDescription>,
    /// Present where the route gives out download links.
    download: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct MultipartDescription {
    /// Seconds.
    resume: u64,
}

#[derive(Deserialize)]
struct MetadataDescription {
    name: String,
    required: bool,
    pattern: Option<String>,
}

/// A file to request a form for.
#[derive(Clone, Debug)]
pub(super) struct ProbeFile {
    route: String,
    pub(super) name: String,
    pub(super) content_type: String,
    pub(super) size: u64,
    metadata: Map<String, Value>,
}

impl ProbeFile {
    /// Returns the body of the request for a form.
    pub(super) fn request_body(&self) -> String {
        let Self { route, name, content_type, size, metadata } = self;
        let mut file = json!({"name": name, "type": content_type, "size": size});
        if !metadata.is_empty() {
            file["metadata"] = Value::Object(metadata.clone());
        }
        json!({"route": route, "files": [file]}).to_string()
    }

    /// Returns whether the file is small enough to be sent.
    pub(super) fn is_small(&self) -> bool {
        self.size <= MAX_SIZE
    }

    /// Returns content of this many bytes.
    pub(super) fn content(size: u64) -> Vec<u8> {
        let size = usize::try_from(size).unwrap_or_default();
        CONTENT.iter().copied().cycle().take(size).collect()
    }
}

/// Requests the description of the route, and creates a file that fits it.
pub(super) async fn check(
    doctor: &DoctorTarget,
    client: &WebClient,
    findings: &mut Vec<Finding>,
) -> Option<ProbeFile> {
    let route = &doctor.route;
    let name = utf8_percent_encode(route, NON_ALPHANUMERIC);
    let url = doctor.url(&format!("/routes/{name}"));
    let response = match client.send(WebRequest::get(url)).await {
        Ok(response) => response,
        Err(error) => {
            findings.push(unreachable(ID, &error));
            return None;
        }
    };
    if let Some(description) = response.json::<RouteDescription>() {
        let resume = description.multipart.as_ref().map(|one| Duration::from_secs(one.resume));
        doctor.set_features(RouteFeatures {
            multipart: resume.map(|resume| MultipartFeature { resume }),
            download: description.download.is_some(),
        });
        let file = probe_file(doctor, &description);
        let ProbeFile { name, content_type, size, .. } = &file;
        findings.push(Finding::ok(
            ID,
            text!(
                "{route} accepts {name} ({content_type}, {size} bytes)",
                "{route} 接受 {name}（{content_type}，{size} 字节）"
            ),
        ));
        return Some(file);
    }
    findings.push(match ApiProblem::parse(&response) {
        Some(problem) => Finding::fail(ID, problem.text())
            .cause(problem.error)
            .why(text!(
                "Requests with this route are refused.",
                "使用此路由的请求会被拒绝。"
            ))
            .fix(text!(
                "Use --route with a route of the function's settings; without it the route is default.",
                "请用 --route 指定函数设置中的路由；不指定时使用 default。"
            )),
        None => foreign_response(ID, &response),
    });
    None
}

fn probe_file(doctor: &DoctorTarget, description: &RouteDescription) -> ProbeFile {
    let content_type = content_type(description);
    let known = file_type::extension(&content_type);
    let extension = description.extensions.first().map(String::as_str).or(known).unwrap_or("bin");
    let (min, max) = (description.min_size, description.max_size);
    ProbeFile {
        route: doctor.route.clone(),
        name: format!("doctor.{extension}"),
        size: (CONTENT.len() as u64).clamp(min, max.max(min)),
        metadata: metadata(doctor, &description.metadata),
        content_type,
    }
}

/// Returns a type that the route accepts; preferably that of the file name.
fn content_type(description: &RouteDescription) -> String {
    let extension = description.extensions.first().map_or("txt", String::as_str);
    let of_name = file_type::guess(&format!("a.{extension}"));
    let fits = |pattern: &String| match pattern.strip_suffix('*') {
        Some(prefix) => of_name.starts_with(prefix),
        None => pattern == of_name,
    };
    match description.types.first() {
        None => of_name.to_owned(),
        Some(_) if description.types.iter().any(fits) => of_name.to_owned(),
        Some(first) => match first.strip_suffix('*') {
            Some(prefix) => file_type::example(prefix),
            None => first.clone(),
        },
    }
}

/// Returns the given values, and for other required metadata a value that its pattern accepts.
fn metadata(doctor: &DoctorTarget, described: &[MetadataDescription]) -> Map<String, Value> {
    let given = doctor.metadata.iter().map(|(name, value)| (name.clone(), value.clone().into()));
    let mut metadata: Map<String, Value> = given.collect();
    for one in described.iter().filter(|one| one.required) {
        let pattern = one.pattern.as_deref().and_then(|text| MetadataPattern::parse(text).ok());
        let rule = MetadataRule { name: one.name.clone(), pattern, required: true };
        let value = EXAMPLE_VALUES.iter().find(|value| rule.accepts(value));
        if let Some(value) = value.filter(|_| !metadata.contains_key(&one.name)) {
            metadata.insert(one.name.clone(), (*value).into());
        }
    }
    metadata
}

#[cfg(test)]
mod tests {
    use super::*;

    fn description(types: &[&str], extensions: &[&str]) -> RouteDescription {
        let own = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let (types, extensions) = (own(types), own(extensions));
        RouteDescription {
            min_size: 1,
            max_size: 9,
            types,
            extensions,
            metadata: Vec::new(),
            multipart: None,
            download: None,
        }
    }

    #[test]
    fn the_type_is_one_that_the_route_accepts() {
        for (types, extensions, accepted) in [
            (&[][..], &[][..], "text/plain"),
            (&[], &["png"], "image/png"),
            (&["image/*"], &[], "image/png"),
            (&["image/*"], &["jpg"], "image/jpeg"),
            (&["application/pdf"], &[], "application/pdf"),
            (&["image/png", "text/*"], &[], "text/plain"),
        ] {
            let description = description(types, extensions);
            assert_eq!(content_type(&description), accepted, "{types:?} {extensions:?}");
        }
    }
}
