//! The example of `check`: a file that the route accepts, an invented caller, and invented credentials.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::file_type;
use oss_upload_signer::config::value::size_text;
use oss_upload_signer::credentials::Credentials;
use oss_upload_signer::grant::callback_fields::ReceiptSigner;
use oss_upload_signer::grant::{Form, Grant, GrantRequest};
use oss_upload_signer::policy::content_type::{ContentType, TypePattern};
use oss_upload_signer::policy::route::Route;
use oss_upload_signer::policy::template::{CallerAttributes, RandomBytes, RenderContext};
use oss_upload_signer::secret::Secret;
use oss_upload_signer::time::Timestamp;

/// Always the same, so that two runs can be compared.
const RANDOM: RandomBytes = [0x5e; 16];

/// The address of the function where only a request brings it.
const OWN: &str = "https://the-host-that-was-asked.example";

/// The size of the example file, unless the route's limits are narrower.
const SIZE: u64 = 1 << 20;

/// Values of which a pattern of metadata may accept one.
pub(crate) const VALUES: [&str; 12] = [
    "example",
    "Example",
    "EXAMPLE",
    "an example",
    "example-1",
    "ex-1",
    "e",
    "1",
    "1234",
    "true",
    "2024-11-27",
    "a1",
];

/// The credentials and the time with which examples are signed.
pub(super) struct Example {
    pub(super) credentials: Credentials,
    now: Timestamp,
    key: Secret,
    own: Option<String>,
}

impl Example {
    /// `own` is the address of the function, as far as the settings know it.
    pub(super) fn at(now: Timestamp, own: Option<&str>) -> Self {
        let credentials = Credentials {
            key_id: "STS.Example".to_owned(),
            secret: Secret::new("example"),
            token: Some(Secret::new("example-token")),
            usable_until: None,
        };
        let own = Some(own.unwrap_or(OWN).to_owned());
        Self { credentials, now, key: Secret::new("example"), own }
    }

    pub(super) fn receipt_signer(&self) -> ReceiptSigner<'_> {
        ReceiptSigner { key: &self.key, id: &RANDOM, public_url: self.own.as_deref() }
    }

    /// Returns a context whose caller is `alice`, with the value `example` for every claim.
    pub(super) fn context(&self) -> RenderContext<'_> {
        let attributes = CallerAttributes { subject: Some("alice"), claim: &|_| Some("example") };
        RenderContext { now: self.now, random: &RANDOM, attributes }
    }
}

/// Returns a request for a file that the route accepts, or `None` where no example value matches the pattern of
/// its metadata.
pub(crate) fn request(route: &Route) -> Option<GrantRequest> {
    let content_type = content_type(route);
    let known = content_type.as_ref().and_then(|one| file_type::extension(one.essence()));
    let ending = route.extensions.first().map(String::as_str).or(known).unwrap_or("bin");
    Some(GrantRequest {
        success: None,
        filename: Some(format!("example.{ending}")),
        content_type,
        size: Some(SIZE.clamp(route.size.min, route.size.max)),
        metadata: metadata(route)?,
        form: Form::Complete,
    })
}

fn content_type(route: &Route) -> Option<ContentType> {
    let ending = route.extensions.first().map_or("png", String::as_str);
    let by_name = ContentType::parse(file_type::guess(&format!("a.{ending}")))?;
    if route.check_type(&by_name).is_ok() {
        return Some(by_name);
    }
    let text = match route.types.first()? {
        TypePattern::Exact(exact) => exact.clone(),
        TypePattern::Kind(beginning) => file_type::example(beginning),
    };
    ContentType::parse(&text)
}

fn metadata(route: &Route) -> Option<BTreeMap<String, String>> {
    let required = route.metadata.iter().filter(|rule| rule.required);
    let pair = |(name, value): (&String, &&str)| (name.clone(), (*value).to_owned());
    required
        .map(|rule| Some(pair((&rule.name, VALUES.iter().find(|value| rule.accepts(value))?))))
        .collect()
}

/// Writes name, type and size of the example file.
pub(super) fn describe(request: &GrantRequest) -> String {
    let name = request.filename.as_deref().unwrap_or_default();
    let content_type = request.content_type.as_ref().map_or("no type", ContentType::as_str);
    format!("{name} ({content_type}, {})", size_text(request.size.unwrap_or_default()))
}

/// Writes the policy of a grant with a condition on each line.
pub(super) fn policy(grant: &Grant) -> String {
    let bytes = STANDARD.decode(grant.field("policy").unwrap_or_default()).unwrap_or_default();
    let policy: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let conditions = policy["conditions"].as_array().into_iter().flatten();
    let conditions: Vec<_> = conditions.map(|one| format!("      {one}")).collect();
    format!(
        "  {{\n    \"expiration\": {},\n    \"conditions\": [\n{}\n    ]\n  }}",
        policy["expiration"],
        conditions.join(",\n")
    )
}
