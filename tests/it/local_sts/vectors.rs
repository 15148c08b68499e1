//! Tests the requests that official libraries made: the local STS accepts each of them as it was
//! sent, and none after a change of one byte.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use oss_emulator::keys::AccessKey;
use serde_json::Value;

use crate::support::local_sts::StsFixture;

/// 2030-01-02T03:04:05Z, the time of all requests.
const MOMENT: i64 = 1_893_553_445;

/// A request that can still be changed.
#[derive(Clone, Debug)]
struct Wire {
    id: String,
    method: String,
    query: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl Wire {
    fn of(vector: &Value) -> Self {
        let (text, wire) = (|value: &Value| value.as_str().unwrap().to_owned(), &vector["wire"]);
        let headers = wire["headers"].as_object().unwrap().iter();
        let mut wire = Self {
            id: text(&vector["id"]),
            method: text(&wire["method"]),
            query: text(&wire["raw_query"]),
            headers: headers.map(|(name, value)| (name.to_lowercase(), text(value))).collect(),
            body: text(&wire["raw_body"]),
        };
        if wire.id == "v3-assumerole-form-body" {
            // This vector contains only its signature.
            let expected = &vector["expected"];
            let canonical = text(&expected["canonical_request"]);
            let names = canonical.lines().rev().nth(1).unwrap();
            let key = text(&vector["credentials"]["access_key_id"]);
            let signature = text(&expected["signature"]);
            wire.headers.push((
                "authorization".to_owned(),
                format!(
                    "ACS3-HMAC-SHA256 Credential={key},SignedHeaders={names},Signature={signature}"
                ),
            ));
        }
        wire
    }

    /// The same request with the fewest signed headers, where the vector has it.
    fn minimal(vector: &Value) -> Option<Self> {
        let authorization = vector["minimal_signed_headers_variant"]["authorization"].as_str()?;
        let mut wire = Self::of(vector);
        wire.headers.retain(|(name, _)| name != "x-acs-credentials-provider");
        wire.set("authorization", authorization);
        Some(wire)
    }

    fn set(&mut self, name: &str, value: &str) {
        self.headers.retain(|(known, _)| known != name);
        self.headers.push((name.to_owned(), value.to_owned()));
    }

    fn request(&self) -> Request<Full<Bytes>> {
        let address = format!("/?{}", self.query);
        let mut request = Request::builder().method(self.method.as_str()).uri(address);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        request.body(Full::from(self.body.clone())).unwrap()
    }

    /// Sends the request to a new local STS.
    async fn outcome(&self) -> (u16, String) {
        let sts = sts();
        let reply = sts.send(self.request()).await;
        let name = if reply.status == 200 { "Arn" } else { "Code" };
        (reply.status, reply.child(name))
    }
}

fn sts() -> StsFixture {
    let sts = StsFixture::with(|options| {
        let constants = &vectors()["constants"];
        let text = |name: &str| constants[name].as_str().unwrap();
        let permanent =
            AccessKey::new(text("permanent_access_key_id"), text("permanent_access_key_secret"));
        let temporary = AccessKey {
            security_token: Some(text("temporary_security_token").to_owned()),
            ..AccessKey::new(text("temporary_access_key_id"), text("temporary_access_key_secret"))
        };
        options.ring = [permanent, temporary].into_iter().collect();
    });
    sts.clock.store(MOMENT, Ordering::Relaxed);
    sts
}

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../vectors/sts.json")).unwrap()
}

/// All signed requests of `AssumeRole`.
fn calls() -> Vec<Wire> {
    let all = vectors();
    let signed: Vec<&Value> = all["vectors"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|vector| vector["expected"].is_object() && vector["wire"].is_object())
        .filter(|vector| vector["wire_is_wrong"].is_null())
        .collect();
    let minimal = signed.iter().filter_map(|vector| Wire::minimal(vector));
    signed.iter().map(|vector| Wire::of(vector)).chain(minimal).collect()
}

#[tokio::test]
async fn every_request_of_an_official_library_is_accepted() {
    let arn = "acs:ram::1234567890123456:role/oss-uploader/test-session";
    let calls = calls();
    assert!(calls.len() >= 14, "{}", calls.len());
    for call in calls {
        assert_eq!(call.outcome().await, (200, arn.to_owned()), "{}", call.id);
    }
}

#[tokio::test]
async fn no_request_with_a_changed_parameter_is_accepted() {
    let mismatch = (400, "SignatureDoesNotMatch".to_owned());
    for call in calls() {
        let mut changed = call.clone();
        changed.query = call.query.replace("test-session", "rest-session");
        changed.body = call.body.replace("test-session", "rest-session");
        assert_eq!(changed.outcome().await, mismatch, "{}", call.id);
        let mut changed = call.clone();
        changed.query.push_str("&Unheard=of");
        assert_eq!(changed.outcome().await, mismatch, "{}", call.id);
        let mut changed = call.clone();
        changed.method = if call.method == "GET" { "POST" } else { "GET" }.to_owned();
        assert_eq!(changed.outcome().await, mismatch, "{}", call.id);
    }
}

#[tokio::test]
async fn no_v3_request_with_a_changed_header_is_accepted() {
    let refused = |code: &str| (400, code.to_owned());
    for call in calls().into_iter().filter(|call| call.id.starts_with("v3-")) {
        for (name, value, code) in [
            ("host", "sts.cn-beijing.aliyuncs.com", "SignatureDoesNotMatch"),
            ("x-acs-signature-nonce", "another", "SignatureDoesNotMatch"),
            ("x-acs-date", "2030-01-02T03:04:06Z", "SignatureDoesNotMatch"),
            ("x-acs-content-sha256", "00", "SignatureDoesNotMatch"),
            ("x-acs-unsigned", "1", "IncompleteSignature"),
        ] {
            let mut changed = call.clone();
            changed.set(name, value);
            assert_eq!(changed.outcome().await, refused(code), "{} {name}", call.id);
        }
        let mut unsigned = call.clone();
        unsigned.headers.retain(|(name, _)| name != "authorization");
        assert_eq!(unsigned.outcome().await, refused("IncompleteSignature"), "{}", call.id);
    }
}

#[tokio::test]
async fn a_plus_sign_for_a_space_in_the_string_to_sign_is_refused() {
    let all = vectors();
    let vector = all["vectors"].as_array().unwrap().iter();
    let mut vector = vector.filter(|vector| !vector["wire_is_wrong"].is_null());
    let outcome = Wire::of(vector.next().unwrap()).outcome().await;
    assert_eq!(outcome, (400, "SignatureDoesNotMatch".to_owned()));
}

#[tokio::test]
async fn a_request_sent_twice_is_refused() {
    for call in calls() {
        let sts = sts();
        assert_eq!(sts.send(call.request()).await.status, 200);
        let refusal = sts.send(call.request()).await.refusal();
        assert_eq!(refusal, (400, "SignatureNonceUsed".to_owned()), "{}", call.id);
    }
}

#[tokio::test]
async fn requests_with_an_oidc_token_are_parsed() {
    let all = vectors();
    let vectors = all["vectors"].as_array().unwrap().iter();
    let anonymous: Vec<Wire> =
        vectors.filter(|vector| vector["kind"] == "anonymous").map(Wire::of).collect();
    assert_eq!(anonymous.len(), 2);
    for call in anonymous {
        // The provider in them is not registered, so parsing succeeded.
        let outcome = call.outcome().await;
        assert_eq!(outcome.0, 401, "{}", call.id);
        assert_eq!(outcome.1, "AuthenticationFail.NoPermission", "{}", call.id);
    }
}
