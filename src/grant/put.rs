//! A presigned PUT: one file of one size and type to one key, for clients that can send a body and nothing around it.
//!
//! The URL fixes the exact length, because `content-length` is one of its additional headers; a range of sizes cannot be
//! fixed. It fixes the type, the overwrite rule, the metadata and every other `x-oss-*` header, because OSS verifies
//! those that arrive, and `Cache-Control` and `Content-Disposition` where the route sets them. The callback is in the
//! query, so the client sends no header for it. The signature is V4, also where the forms of a route have V1.

use std::fmt;

use crate::credentials::Credentials;
use crate::grant::callback_fields::{CALLBACK, CALLBACK_VAR, ReceiptSigner, callback_var};
use crate::grant::form::{Field, SUCCESS_ACTION_STATUS, X_OSS_CONTENT_TYPE};
use crate::grant::{GrantError, GrantRequest, GrantTerms, request_signer};
use crate::policy::PolicyError;
use crate::policy::callback::PREFIX;
use crate::policy::route::Route;
use crate::policy::template::RenderContext;
use crate::signing::request::{OssRequest, object_path};
use crate::time::Timestamp;

const CONTENT_LENGTH: &str = "content-length";
const CONTENT_TYPE: &str = "content-type";

/// A permission to upload one file: a URL, and the headers to send with the file.
#[derive(Clone, PartialEq, Eq)]
pub struct PutGrant {
    /// The URL, which anyone who has it may use.
    pub url: String,
    /// The headers to send, with names in lower case. The length of the body is signed too, and every HTTP client sets
    /// it by itself.
    pub headers: Vec<Field>,
    /// The object key.
    pub key: String,
    /// Whether no other grant has this key, so that an object there was uploaded with this grant.
    pub unique: bool,
    /// The last moment at which OSS accepts the request.
    pub expires_at: Timestamp,
}

/// URL and headers permit an upload, so they are not shown.
impl fmt::Debug for PutGrant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("PutGrant")
            .field("key", &self.key)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// Signs a PUT that allows exactly the requested upload. A route with a callback needs a `signer`.
///
/// # Errors
/// Those of [`crate::grant::issue`], and [`PolicyError::SizeRequired`] if the request names no size.
pub fn issue(
    request: &GrantRequest,
    route: &Route,
    credentials: &Credentials,
    context: &RenderContext<'_>,
    signer: Option<&ReceiptSigner<'_>>,
) -> Result<PutGrant, GrantError> {
    let size = request.size.ok_or(PolicyError::SizeRequired)?.to_string();
    let GrantTerms { key, unique, fixed_fields, expires_at, .. } =
        GrantTerms::of(request, route, credentials, context, signer)?;
    // Only the form of the documentation leaves the key to the client.
    let key = key.ok_or(PolicyError::NameRequired)?;
    let (query, headers) = split(fixed_fields);
    let mut signed_headers: Vec<_> =
        headers.iter().map(|(name, value)| (name.as_ref(), value.as_str())).collect();
    signed_headers.push((CONTENT_LENGTH, &size));
    let additional: Vec<_> =
        signed_headers.iter().map(|(name, _)| *name).filter(|name| is_additional(name)).collect();
    let query: Vec<_> = query.iter().map(|(name, value)| (*name, Some(value.as_str()))).collect();
    let signer = request_signer(route, credentials, context.now);
    let request = OssRequest {
        query: &query,
        headers: &signed_headers,
        additional_headers: &additional,
        ..OssRequest::new("PUT", route.bucket.as_str(), &key)
    };
    let query = signer.presign(&request, expires_at.since(context.now));
    let url = format!("{}{}?{query}", route.host.as_str(), object_path(&key));
    Ok(PutGrant { url, headers, key, unique, expires_at })
}

/// Splits the fields that a form of the route would have into query parameters and headers.
fn split(fields: Vec<Field>) -> (Vec<(&'static str, String)>, Vec<Field>) {
    let (mut query, mut headers, mut variables) = (Vec::new(), Vec::new(), Vec::new());
    for (name, value) in fields {
        match name.as_ref() {
            // A PUT is always answered 200.
            SUCCESS_ACTION_STATUS => {}
            CALLBACK => query.push((CALLBACK, value)),
            variable if variable.starts_with(PREFIX) => variables.push((name, value)),
            X_OSS_CONTENT_TYPE => headers.push((CONTENT_TYPE.into(), value)),
            header => headers.push((header.to_ascii_lowercase().into(), value)),
        }
    }
    if !variables.is_empty() {
        query.push((CALLBACK_VAR, callback_var(&variables)));
    }
    (query, headers)
}

/// Returns whether OSS verifies a header only if the URL lists it.
fn is_additional(name: &str) -> bool {
    name != CONTENT_TYPE && !name.starts_with("x-oss-")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::grant::Form;
    use crate::policy::bucket::{Bucket, Region};
    use crate::policy::callback::{BodyType, Callback, CallbackBody, CallbackTarget};
    use crate::policy::content_type::ContentType;
    use crate::policy::header::{CACHE_CONTROL, CONTENT_DISPOSITION, Header, X_OSS_OBJECT_ACL};
    use crate::policy::metadata::MetadataRule;
    use crate::policy::template::Template;
    use crate::secret::Secret;
    use crate::{crypto, policy};

    fn route(template: &str) -> Route {
        let bucket = Bucket::parse("examplebucket").unwrap();
        let region = Region::parse("cn-hangzhou").unwrap();
        Route::new("photos", bucket, region, Template::key(template).unwrap())
    }

    fn request(name: &str, content_type: &str) -> GrantRequest {
        GrantRequest {
            filename: Some(name.to_owned()),
            content_type: Some(ContentType::parse(content_type).unwrap()),
            size: Some(1024),
            ..GrantRequest::new(Form::Complete)
        }
    }

    fn credentials() -> Credentials {
        Credentials {
            key_id: "LTAI5tExampleKeyId0001".to_owned(),
            secret: Secret::new("ExampleSecretKey/abcDEF+0123456789="),
            token: Some(Secret::new("Token+/=")),
            usable_until: None,
        }
    }

    fn sign(request: &GrantRequest, route: &Route) -> Result<PutGrant, GrantError> {
        let now = Timestamp::from_unix(1_732_687_781).unwrap();
        let context = RenderContext::anonymous(now, &[0xab; 16]);
        let (key, id) = (Secret::new("an example key of more than 32 bytes"), [1; 16]);
        let signer = ReceiptSigner { key: &key, id: &id, public_url: None };
        issue(request, route, &credentials(), &context, Some(&signer))
    }

    fn headers(grant: &PutGrant) -> Vec<String> {
        grant.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect()
    }

    fn parameter(grant: &PutGrant, name: &str) -> Option<String> {
        let query = grant.url.split_once('?')?.1;
        let found = form_urlencoded::parse(query.as_bytes()).find(|(one, _)| one == name);
        found.map(|(_, value)| value.into_owned())
    }

    #[test]
    fn the_smallest_put_fixes_length_type_and_overwriting() {
        let grant = sign(&request("照 1.png", "image/png"), &route("up/{uuid}/{name}")).unwrap();
        insta::assert_snapshot!(grant.url, @"https://examplebucket.oss-cn-hangzhou.aliyuncs.com/up/abababab-abab-4bab-abab-abababababab/%E7%85%A7%201.png?x-oss-additional-headers=content-length&x-oss-credential=LTAI5tExampleKeyId0001%2F20241127%2Fcn-hangzhou%2Foss%2Faliyun_v4_request&x-oss-date=20241127T060941Z&x-oss-expires=600&x-oss-security-token=Token%2B%2F%3D&x-oss-signature-version=OSS4-HMAC-SHA256&x-oss-signature=32b06545ecff0b91883a3673b0307287f5ffad6ae017bdf6d841d76fda3e5a0f");
        assert_eq!(headers(&grant), ["x-oss-forbid-overwrite: true", "content-type: image/png"]);
        assert!(grant.unique);
        assert_eq!(grant.key, "up/abababab-abab-4bab-abab-abababababab/照 1.png");
        assert_eq!(grant.expires_at.rfc3339(), "2024-11-27T06:19:41Z");
        assert!(!format!("{grant:?}").contains("x-oss"));
    }

    #[test]
    fn everything_that_the_route_sets_is_signed() {
        let route = Route {
            headers: [
                (CACHE_CONTROL, "no-store"),
                (CONTENT_DISPOSITION, "attachment; filename=\"{name}\""),
                (X_OSS_OBJECT_ACL, "private"),
            ]
            .map(|(name, value)| Header::parse(name, value).unwrap())
            .to_vec(),
            metadata: vec![MetadataRule {
                name: "title".to_owned(),
                pattern: None,
                required: true,
            }],
            overwrite: true,
            ..route("a/{name}")
        };
        let request = GrantRequest {
            metadata: BTreeMap::from([("title".to_owned(), "A b".to_owned())]),
            ..request("照.png", "image/png")
        };
        let grant = sign(&request, &route).unwrap();
        assert_eq!(
            headers(&grant),
            [
                "content-type: image/png",
                "cache-control: no-store",
                "content-disposition: attachment; filename=\"_.png\"; filename*=UTF-8''%E7%85%A7.png",
                "x-oss-object-acl: private",
                "x-oss-meta-title: A b",
            ]
        );
        assert_eq!(
            parameter(&grant, "x-oss-additional-headers").unwrap(),
            "cache-control;content-disposition;content-length"
        );
        assert!(!grant.unique);
    }

    #[test]
    fn a_callback_is_in_the_query_with_its_variables_and_its_receipt() {
        let callback = Callback {
            target: CallbackTarget::Addresses(vec!["https://back.example.com/".to_owned()]),
            body: CallbackBody::complete(BodyType::Form, &["album"]),
            host: None,
            sni: true,
            variables: vec![("album".to_owned(), Template::value("夏{yyyy}").unwrap())],
        };
        let route = Route { callback: Some(callback), ..route("a/{uuid}") };
        let grant = sign(&request("a.png", "image/png"), &route).unwrap();
        let decoded = |name| crypto::from_base64(&parameter(&grant, name).unwrap()).unwrap();
        let callback: serde_json::Value = serde_json::from_slice(&decoded("callback")).unwrap();
        assert_eq!(callback["callbackUrl"], "https://back.example.com/");
        let variables: serde_json::Value =
            serde_json::from_slice(&decoded("callback-var")).unwrap();
        assert_eq!(variables["x:album"], "夏2024");
        assert!(variables["x:receipt"].as_str().unwrap().starts_with("r1."));
        assert_eq!(headers(&grant), ["x-oss-forbid-overwrite: true", "content-type: image/png"]);
    }

    #[test]
    fn a_put_needs_a_size_and_is_refused_as_a_form_is() {
        let refused = |request: &GrantRequest, route: &Route| sign(request, route).unwrap_err();
        let image = request("a.png", "image/png");
        let unsized_ = GrantRequest { size: None, ..image.clone() };
        let route = route("a/{name}");
        assert_eq!(refused(&unsized_, &route), GrantError::Policy(PolicyError::SizeRequired));
        let small = Route { size: policy::route::SizeRange { min: 1, max: 1023 }, ..route.clone() };
        let large = PolicyError::FileTooLarge { size: 1024 };
        assert_eq!(refused(&image, &small), GrantError::Policy(large));
        let texts = policy::content_type::TypePattern::parse("text/plain").unwrap();
        let texts = Route { types: vec![texts], ..route.clone() };
        assert!(matches!(
            refused(&image, &texts),
            GrantError::Policy(PolicyError::TypeNotAllowed { .. })
        ));
        let untyped = GrantRequest { content_type: None, filename: None, ..image };
        assert_eq!(refused(&untyped, &texts), GrantError::Policy(PolicyError::TypeRequired));
        let plain = sign(&untyped, &route).unwrap();
        assert!(headers(&plain).contains(&"content-type: application/octet-stream".to_owned()));
    }
}
