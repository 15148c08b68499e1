//! The golden vectors of signed requests, in the URL and in the headers, asserted at every stage.

use std::collections::BTreeMap;
use std::time::Duration;

use oss_upload_signer::crypto::{hex, sha256};
use oss_upload_signer::secret::Secret;
use oss_upload_signer::signing::key::{self, Scope};
use oss_upload_signer::signing::request::{
    CanonicalRequest, OssRequest, RequestSigner, object_path,
};
use oss_upload_signer::signing::v4::V4Signer;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::timestamp;

/// A vector. A negative one has no `input`: it changes that of another vector.
#[derive(Clone, Deserialize)]
struct RequestVector {
    name: String,
    kind: String,
    mode: String,
    input: Option<Input>,
    expected: Option<Map<String, Value>>,
    based_on: Option<String>,
    received: Option<Received>,
    server_side_signature_hex: Option<String>,
}

#[derive(Clone, Deserialize)]
struct Input {
    access_key_id: String,
    access_key_secret: String,
    security_token: Option<String>,
    region: String,
    bucket: String,
    method: String,
    key: Option<String>,
    utc_time_rfc3339: String,
    expires: Option<u64>,
    headers: BTreeMap<String, String>,
    query: BTreeMap<String, Option<String>>,
    additional_headers: Vec<String>,
}

/// What arrives at OSS instead of the signed request. Absent members are as they were signed.
#[derive(Clone, Deserialize)]
struct Received {
    method: Option<String>,
    key: Option<String>,
    query: Option<BTreeMap<String, Option<String>>>,
    expires: Option<u64>,
    headers: Option<BTreeMap<String, String>>,
    additional_headers: Option<Vec<String>>,
    signature_hex: String,
}

fn all() -> Vec<RequestVector> {
    let texts = [include_str!("oss-v4-presign.json"), include_str!("oss-v4-multipart.json")];
    texts
        .iter()
        .flat_map(|text| serde_json::from_str::<Vec<RequestVector>>(text).unwrap())
        .collect()
}

/// Returns the vectors of one kind and mode.
fn chosen(kind: &str, mode: &str) -> Vec<RequestVector> {
    let chosen: Vec<_> =
        all().into_iter().filter(|one| one.kind == kind && one.mode == mode).collect();
    assert!(!chosen.is_empty(), "no {kind} vector in the {mode}");
    chosen
}

impl RequestVector {
    fn expected(&self, name: &str) -> &str {
        self.expected.as_ref().unwrap()[name].as_str().unwrap()
    }
}

impl Input {
    fn secret(&self) -> Secret {
        Secret::new(self.access_key_secret.clone())
    }

    fn lifetime(&self) -> Duration {
        Duration::from_secs(self.expires.unwrap())
    }

    /// Calls `check` with a signer and the request of this vector.
    fn with<T>(&self, check: impl FnOnce(&RequestSigner<'_>, &OssRequest<'_>) -> T) -> T {
        let (secret, token) = (self.secret(), self.security_token.clone().map(Secret::new));
        let signer = RequestSigner::new(V4Signer {
            key_id: &self.access_key_id,
            secret: &secret,
            token: token.as_ref(),
            region: &self.region,
            now: timestamp(&self.utc_time_rfc3339),
        });
        let query: Vec<_> =
            self.query.iter().map(|(name, value)| (name.as_str(), value.as_deref())).collect();
        let headers: Vec<_> =
            self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let additional: Vec<_> = self.additional_headers.iter().map(String::as_str).collect();
        let request = OssRequest {
            method: &self.method,
            bucket: &self.bucket,
            key: self.key.as_deref(),
            query: &query,
            headers: &headers,
            additional_headers: &additional,
        };
        check(&signer, &request)
    }
}

fn assert_stages(vector: &RequestVector, signer: &RequestSigner<'_>, canonical: &CanonicalRequest) {
    let name = &vector.name;
    let text = canonical.to_string();
    assert_eq!(canonical.uri, vector.expected("canonical_uri"), "{name}");
    assert_eq!(canonical.query, vector.expected("canonical_query"), "{name}");
    assert_eq!(text, vector.expected("canonical_request"), "{name}");
    let hash = hex(&sha256(text.as_bytes()));
    assert_eq!(hash, vector.expected("canonical_request_sha256_hex"), "{name}");
    assert_eq!(signer.string_to_sign(canonical), vector.expected("string_to_sign"), "{name}");
    let input = vector.input.as_ref().unwrap();
    let scope = Scope::new(timestamp(&input.utc_time_rfc3339), &input.region);
    assert_eq!(scope.to_string(), vector.expected("scope"), "{name}");
    let signing_key = key::derive(&input.secret(), &scope);
    assert_eq!(hex(signing_key.as_slice()), vector.expected("signing_key_hex"), "{name}");
}

/// Returns the parameters of a URL in a fixed order: where they stand in the query means nothing.
fn parameters(url: &str) -> (String, Vec<String>) {
    let (base, query) = url.split_once('?').unwrap();
    let mut parameters: Vec<_> = query.split('&').map(str::to_owned).collect();
    parameters.sort();
    (base.to_owned(), parameters)
}

#[test]
fn a_presigned_url_is_that_of_the_vectors_at_every_stage() {
    for vector in chosen("positive", "query") {
        let input = vector.input.as_ref().unwrap();
        input.with(|signer, request| {
            let lifetime = input.lifetime();
            assert_stages(&vector, signer, &signer.canonical_url(request, lifetime));
            let query = signer.presign(request, lifetime);
            assert_eq!(query.signature, vector.expected("signature_hex"), "{}", vector.name);
            if vector.expected.as_ref().unwrap().contains_key("url") {
                let host = format!("https://{}.oss-{}.aliyuncs.com", input.bucket, input.region);
                let path = object_path(input.key.as_deref().unwrap_or_default());
                let ours = format!("{host}{path}?{query}");
                let theirs = vector.expected("url");
                assert_eq!(parameters(&ours), parameters(theirs), "{}", vector.name);
            }
        });
    }
}

#[test]
fn signed_headers_are_those_of_the_vectors_at_every_stage() {
    for vector in chosen("positive", "header") {
        vector.input.as_ref().unwrap().with(|signer, request| {
            assert_stages(&vector, signer, &signer.canonical_headers(request));
            let headers: BTreeMap<_, _> = signer.sign_headers(request).into_iter().collect();
            let signature = vector.expected("signature_hex");
            assert!(headers["authorization"].ends_with(&format!("Signature={signature}")));
            let expected = vector.expected.as_ref().unwrap();
            if let Some(authorization) = expected.get("authorization") {
                assert_eq!(headers["authorization"], *authorization, "{}", vector.name);
            }
            if let Some(added) = expected.get("request_headers_added") {
                for (name, value) in added.as_object().unwrap() {
                    assert_eq!(headers[name.as_str()], *value, "{}", vector.name);
                }
            }
        });
    }
}

#[test]
fn a_changed_request_has_another_signature() {
    let positive = all();
    for vector in all().into_iter().filter(|vector| vector.kind == "negative") {
        let base = vector.based_on.as_deref().unwrap();
        let base = positive.iter().find(|one| one.name == base).unwrap();
        let received = vector.received.unwrap();
        assert_eq!(received.signature_hex, base.expected("signature_hex"), "{}", vector.name);
        let mut input = base.input.clone().unwrap();
        input.method = received.method.unwrap_or(input.method);
        input.key = received.key.or(input.key);
        input.expires = received.expires.or(input.expires);
        input.headers = received.headers.unwrap_or(input.headers);
        input.additional_headers = received.additional_headers.unwrap_or(input.additional_headers);
        if let Some(mut query) = received.query {
            // The vectors write the whole query; the signer adds the parameters of the signature itself.
            let mut take = |name: &str| query.remove(name).flatten();
            input.security_token = take("x-oss-security-token");
            input.expires = take("x-oss-expires").and_then(|text| text.parse().ok());
            for name in ["signature-version", "credential", "date", "additional-headers"] {
                take(&format!("x-oss-{name}"));
            }
            input.query = query;
        }
        let signature = input.with(|signer, request| {
            if vector.mode == "query" {
                signer.presign(request, input.lifetime()).signature
            } else {
                let headers = signer.sign_headers(request);
                headers.last().unwrap().1.rsplit_once("Signature=").unwrap().1.to_owned()
            }
        });
        assert_eq!(Some(&signature), vector.server_side_signature_hex.as_ref(), "{}", vector.name);
        assert_ne!(signature, received.signature_hex, "{}", vector.name);
    }
}
