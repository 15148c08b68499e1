//! The golden vectors of STS, asserted at every stage. See `tests/vectors/README.md`.

use std::collections::BTreeMap;
use std::time::Duration;

use oss_upload_signer::credentials::Credentials;
use oss_upload_signer::credentials::sts::RoleRequest;
use oss_upload_signer::credentials::sts::message::Message;
use oss_upload_signer::credentials::sts::message::Proof;
use oss_upload_signer::credentials::sts::query;
use oss_upload_signer::crypto::base64;
use oss_upload_signer::crypto::hmac_sha1;
use oss_upload_signer::crypto::percent_encode;
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

/// The published vectors keep at the top what the others keep under `expected`.
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

fn pairs(parameters: &BTreeMap<String, String>) -> Vec<query::Parameter<'_>> {
    // Not in the order that is signed, so that sorting is ours to do.
    parameters.iter().rev().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

/// Makes our own request of what a vector's request says.
fn compose(vector: &Value) -> Message {
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
        return Message::compose(
            &role,
            Proof::Identity { provider_arn, token: &token },
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
    Message::compose(&role, Proof::Key(&key), NONCE, now)
}

#[test]
fn every_line_of_the_encoding_table_is_ours() {
    for line in file()["percent_encoding_table"].as_array().unwrap() {
        let once = percent_encode(text(line, "/input"));
        assert_eq!(once, text(line, "/encoded_once"));
        assert_eq!(percent_encode(&once), text(line, "/encoded_twice_as_in_v1_string_to_sign"));
    }
}

#[test]
fn the_signature_is_the_vectors_step_by_step() {
    let vectors = all("rpc-v1-hmac-sha1");
    assert_eq!(vectors.len(), 8);
    for vector in vectors {
        let (id, expected) = (text(&vector, "/id"), expected(&vector));
        let parameters = signed(&vector);
        let canonical = query::canonical(&pairs(&parameters));
        assert_eq!(canonical.expose(), text(expected, "/canonical_query"), "{id}");
        let string_to_sign = query::string_to_sign(method(&vector), &canonical);
        assert_eq!(string_to_sign.expose(), text(expected, "/string_to_sign"), "{id}");
        let signature = query::sign(&secret(&vector), &string_to_sign);
        assert_eq!(signature, text(expected, "/signature"), "{id}");
        if let Some(key) = expected["hmac_key"].as_str() {
            let code = hmac_sha1(key.as_bytes(), string_to_sign.expose().as_bytes());
            assert_eq!(base64(&code), signature, "{id}");
        }
    }
}

#[test]
fn the_published_signature_is_ours() {
    let vector = named("v1-published-describe-regions");
    let canonical = query::canonical(&pairs(&signed(&vector)));
    let string_to_sign = query::string_to_sign("GET", &canonical);
    let signature = query::sign(&Secret::new("testsecret"), &string_to_sign);
    assert_eq!(signature, "OLeaidS1JvxuMvnyHOwuJ+uX5qY=");
}

#[test]
fn a_space_is_never_a_plus() {
    let vector = named("v1-credentials-python-get-space-bug");
    let canonical = query::canonical(&pairs(&signed(&vector)));
    let sign = |text: Secret| query::sign(&secret(&vector), &query::string_to_sign("GET", &text));
    let wrong = Secret::new(canonical.expose().replace("%20", "+"));
    let sent = text(&vector, "/signature_sent_by_that_sdk");
    assert_eq!(sign(wrong), sent, "the mistake is understood");
    assert_ne!(sign(canonical), sent);
}

#[test]
fn the_request_is_laid_out_as_the_vectors_lay_it_out() {
    for id in ["v1-post-form-minimal", "v1-post-form-policy"] {
        let vector = named(id);
        let message = compose(&vector);
        let string_to_sign = message.string_to_sign.as_ref().unwrap();
        assert_eq!(string_to_sign.expose(), text(&vector, "/expected/string_to_sign"), "{id}");
        let query = parameters(message.query.as_bytes());
        assert_eq!(query, map(&vector["wire"]["decoded_query"]), "{id}");
        let form = parameters(message.body.expose().as_bytes());
        assert_eq!(form, map(&vector["wire"]["decoded_form_body"]), "{id}");
        let request = message.address("https://sts.example").unwrap();
        assert_eq!(request.method(), method(&vector));
        assert_eq!(request.uri().path(), text(&vector, "/wire/path"));
        let content_type = text(&vector, "/wire/headers/content-type");
        assert_eq!(request.headers()["content-type"], content_type);
    }
}

#[test]
fn the_token_of_a_base_key_is_signed_and_stands_in_the_body() {
    let vector = named("v1-assumerole-with-sts-credentials-query");
    let message = compose(&vector);
    // That library writes the format in small letters; else the same is signed.
    let theirs = text(&vector, "/expected/string_to_sign");
    let ours = message.string_to_sign.as_ref().unwrap().expose();
    assert_eq!(ours, theirs.replace("Format%3Djson", "Format%3DJSON"));
    let token = text(&vector, "/credentials/security_token");
    assert_eq!(parameters(message.body.expose().as_bytes())["SecurityToken"], token);
    assert!(!parameters(message.query.as_bytes()).contains_key("SecurityToken"));
}

#[test]
fn a_request_with_an_identity_token_is_not_signed_and_hides_it_in_the_body() {
    let vectors = all("anonymous");
    assert_eq!(vectors.len(), 2);
    for vector in vectors {
        let (id, message) = (text(&vector, "/id"), compose(&vector));
        assert_eq!(message.string_to_sign, None, "{id}");
        let query = parameters(message.query.as_bytes());
        let form = parameters(message.body.expose().as_bytes());
        assert_eq!(form["OIDCToken"], "aaa.bbb.ccc", "{id}");
        if id == "oidc-post-form" {
            assert_eq!(query, map(&vector["wire"]["decoded_query"]), "{id}");
            assert_eq!(form, map(&vector["wire"]["decoded_form_body"]), "{id}");
        } else {
            // The same parameters, wherever they stand; a nonce where nothing is signed says nothing.
            let mut theirs = map(&vector["wire"]["decoded_query"]);
            assert_eq!(theirs.remove("SignatureNonce").as_deref(), Some(NONCE));
            theirs.insert("Format".to_owned(), "JSON".to_owned());
            let ours: BTreeMap<_, _> = query.into_iter().chain(form).collect();
            assert_eq!(ours, theirs, "{id}");
        }
    }
}
