//! The golden vectors of STS, asserted at every stage. See `tests/vectors/README.md`.

use std::collections::BTreeMap;
use std::time::Duration;

use oss_upload_signer::credentials::Credentials;
use oss_upload_signer::credentials::sts::RoleRequest;
use oss_upload_signer::credentials::sts::request::{self, StsAuthentication, StsRequest};
use oss_upload_signer::crypto::{base64, hmac_sha1, percent_encode};
use oss_upload_signer::secret::Secret;
use oss_upload_signer::time::Timestamp;
use serde_json::Value;

use crate::support::script::parameters;

const NONCE: &str = "0123456789abcdef0123456789abcdef";

fn file() -> Value {
    serde_json::from_str(include_str!("../../vectors/sts.json")).unwrap()
}

/// The vectors of one kind.
fn all(kind: &str) -> Vec<Value> {
    let vectors = file()["vectors"].as_array().unwrap().clone();
    let chosen: Vec<_> = vectors.into_iter().filter(|vector| vector["kind"] == kind).collect();
    assert!(!chosen.is_empty(), "no vector of kind {kind}");
    chosen
}

fn named(id: &str) -> Value {
    let vectors = file()["vectors"].as_array().unwrap().clone();
    vectors.into_iter().find(|vector| vector["id"] == id).unwrap()
}

fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    value.pointer(path).and_then(Value::as_str).unwrap()
}

fn map(value: &Value) -> BTreeMap<String, String> {
    serde_json::from_value(value.clone()).unwrap()
}

/// The published vectors have at the top level what the others have under `expected`.
fn expected(vector: &Value) -> &Value {
    vector.get("expected").unwrap_or(vector)
}

fn signed(vector: &Value) -> BTreeMap<String, String> {
    let expected = expected(vector);
    map(expected.get("params_signed").unwrap_or(&expected["params"]))
}

fn method(vector: &Value) -> &str {
    vector.pointer("/wire/method").or(vector.get("method")).and_then(Value::as_str).unwrap()
}

fn secret(vector: &Value) -> Secret {
    let secret = vector.pointer("/credentials/access_key_secret").or(vector.get("secret"));
    Secret::new(secret.and_then(Value::as_str).unwrap())
}

fn pairs(parameters: &BTreeMap<String, String>) -> Vec<request::Parameter<'_>> {
    // In the reverse order, so that the code under test has to sort.
    parameters.iter().rev().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

/// Builds the request that a vector describes.
fn compose(vector: &Value) -> StsRequest {
    let mut said = map(&vector["wire"]["decoded_query"]);
    said.extend(map(&vector["wire"]["decoded_form_body"]));
    let take = |name: &str| said.get(name).cloned();
    let duration = Duration::from_secs(said["DurationSeconds"].parse().unwrap());
    let mut role = RoleRequest::new(&said["RoleArn"], &said["RoleSessionName"], duration).unwrap();
    if let Some(policy) = take("Policy") {
        role = role.with_policy(policy).unwrap();
    }
    if let Some(id) = take("ExternalId") {
        role = role.with_external_id(id).unwrap();
    }
    let now = Timestamp::parse_rfc3339(&said["Timestamp"]).unwrap();
    if let Some(token) = take("OIDCToken") {
        let token = Secret::new(token);
        let provider_arn = &said["OIDCProviderArn"];
        return StsRequest::new(
            &role,
            StsAuthentication::IdentityToken { provider_arn, token: &token },
            NONCE,
            now,
        );
    }
    let key = Credentials {
        key_id: text(vector, "/credentials/access_key_id").to_owned(),
        secret: secret(vector),
        token: vector["credentials"]["security_token"].as_str().map(Secret::new),
        usable_until: None,
    };
    StsRequest::new(&role, StsAuthentication::AccessKey(&key), NONCE, now)
}

#[test]
fn the_encoding_is_that_of_the_vectors() {
    for line in file()["percent_encoding_table"].as_array().unwrap() {
        let once = percent_encode(text(line, "/input"));
        assert_eq!(once, text(line, "/encoded_once"));
        assert_eq!(percent_encode(&once), text(line, "/encoded_twice_as_in_v1_string_to_sign"));
    }
}

#[test]
fn each_step_of_the_signature_is_that_of_the_vectors() {
    let vectors = all("rpc-v1-hmac-sha1");
    assert_eq!(vectors.len(), 8);
    for vector in vectors {
        let (id, expected) = (text(&vector, "/id"), expected(&vector));
        let parameters = signed(&vector);
        let canonical = request::canonical(&pairs(&parameters));
        assert_eq!(canonical.expose(), text(expected, "/canonical_query"), "{id}");
        let string_to_sign = request::string_to_sign(method(&vector), &canonical);
        assert_eq!(string_to_sign.expose(), text(expected, "/string_to_sign"), "{id}");
        let signature = request::sign(&secret(&vector), &string_to_sign);
        assert_eq!(signature, text(expected, "/signature"), "{id}");
        if let Some(key) = expected["hmac_key"].as_str() {
            let code = hmac_sha1(key.as_bytes(), string_to_sign.expose().as_bytes());
            assert_eq!(base64(&code), signature, "{id}");
        }
    }
}

#[test]
fn the_signature_is_the_published_one() {
    let vector = named("v1-published-describe-regions");
    let canonical = request::canonical(&pairs(&signed(&vector)));
    let string_to_sign = request::string_to_sign("GET", &canonical);
    let signature = request::sign(&Secret::new("testsecret"), &string_to_sign);
    assert_eq!(signature, "OLeaidS1JvxuMvnyHOwuJ+uX5qY=");
}

#[test]
fn a_space_is_never_encoded_as_a_plus() {
    let vector = named("v1-credentials-python-get-space-bug");
    let canonical = request::canonical(&pairs(&signed(&vector)));
    let sign =
        |text: Secret| request::sign(&secret(&vector), &request::string_to_sign("GET", &text));
    let wrong = Secret::new(canonical.expose().replace("%20", "+"));
    let sent = text(&vector, "/signature_sent_by_that_sdk");
    assert_eq!(sign(wrong), sent, "the mistake is understood");
    assert_ne!(sign(canonical), sent);
}

#[test]
fn the_request_has_the_parameters_of_the_vectors_in_query_and_body() {
    for id in ["v1-post-form-minimal", "v1-post-form-policy"] {
        let vector = named(id);
        let request = compose(&vector);
        let string_to_sign = request.string_to_sign.as_ref().unwrap();
        assert_eq!(string_to_sign.expose(), text(&vector, "/expected/string_to_sign"), "{id}");
        let query = parameters(request.query.as_bytes());
        assert_eq!(query, map(&vector["wire"]["decoded_query"]), "{id}");
        let form = parameters(request.body.expose().as_bytes());
        assert_eq!(form, map(&vector["wire"]["decoded_form_body"]), "{id}");
        let request = request.to_http("https://sts.example").unwrap();
        assert_eq!(request.method(), method(&vector));
        assert_eq!(request.uri().path(), text(&vector, "/wire/path"));
        let content_type = text(&vector, "/wire/headers/content-type");
        assert_eq!(request.headers()["content-type"], content_type);
    }
}

#[test]
fn the_token_of_a_base_key_is_signed_and_sent_in_the_body() {
    let vector = named("v1-assumerole-with-sts-credentials-query");
    let request = compose(&vector);
    // The library of this vector writes the format in small letters; the rest is the same.
    let theirs = text(&vector, "/expected/string_to_sign");
    let ours = request.string_to_sign.as_ref().unwrap().expose();
    assert_eq!(ours, theirs.replace("Format%3Djson", "Format%3DJSON"));
    let token = text(&vector, "/credentials/security_token");
    assert_eq!(parameters(request.body.expose().as_bytes())["SecurityToken"], token);
    assert!(!parameters(request.query.as_bytes()).contains_key("SecurityToken"));
}

#[test]
fn a_request_with_an_identity_token_is_not_signed_and_has_it_in_the_body() {
    let vectors = all("anonymous");
    assert_eq!(vectors.len(), 2);
    for vector in vectors {
        let (id, request) = (text(&vector, "/id"), compose(&vector));
        assert_eq!(request.string_to_sign, None, "{id}");
        let query = parameters(request.query.as_bytes());
        let form = parameters(request.body.expose().as_bytes());
        assert_eq!(form["OIDCToken"], "aaa.bbb.ccc", "{id}");
        if id == "oidc-post-form" {
            assert_eq!(query, map(&vector["wire"]["decoded_query"]), "{id}");
            assert_eq!(form, map(&vector["wire"]["decoded_form_body"]), "{id}");
        } else {
            // The same parameters in query or body; the nonce of an unsigned request does not matter.
            let mut theirs = map(&vector["wire"]["decoded_query"]);
            assert_eq!(theirs.remove("SignatureNonce").as_deref(), Some(NONCE));
            theirs.insert("Format".to_owned(), "JSON".to_owned());
            let ours: BTreeMap<_, _> = query.into_iter().chain(form).collect();
            assert_eq!(ours, theirs, "{id}");
        }
    }
}
