//! The golden vectors, asserted at every stage through the public API. See `vectors/README.md`.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use oss_upload_signer::crypto::{base64, hex, hmac_sha256};
use oss_upload_signer::policy::document::Condition;
use oss_upload_signer::policy::document::PolicyDocument;
use oss_upload_signer::secret::Secret;
use oss_upload_signer::signing::key::{self, Scope};
use oss_upload_signer::signing::v1::V1Signer;
use oss_upload_signer::signing::v4::{self, V4Signer};
use oss_upload_signer::time::Timestamp;
use serde_json::Value;

// Beside the vectors that it reads.
#[path = "vectors/request.rs"]
mod request;

fn timestamp(text: &str) -> Timestamp {
    let format = &time::format_description::well_known::Rfc3339;
    let moment = time::OffsetDateTime::parse(text, format).unwrap();
    Timestamp::from_unix(moment.unix_timestamp()).unwrap()
}

/// One vector, with its texts at hand.
struct Vector(Value);

impl Vector {
    fn all(kind: &str) -> Vec<Self> {
        let all: Vec<Value> = serde_json::from_str(include_str!("vectors/post-v4.json")).unwrap();
        let chosen: Vec<_> =
            all.into_iter().filter(|vector| vector["kind"] == kind).map(Self).collect();
        assert!(!chosen.is_empty(), "no vector of kind {kind}");
        chosen
    }

    fn negative(name: &str) -> Self {
        Self::all("negative").into_iter().find(|vector| vector.text("/name") == name).unwrap()
    }

    fn text(&self, path: &str) -> &str {
        self.0.pointer(path).and_then(Value::as_str).unwrap()
    }

    fn input(&self, name: &str) -> &str {
        self.text(&format!("/input/{name}"))
    }

    fn expected(&self, name: &str) -> &str {
        self.text(&format!("/expected/{name}"))
    }

    fn now(&self) -> Timestamp {
        timestamp(self.input("utc_time_rfc3339"))
    }

    fn secret(&self) -> Secret {
        Secret::new(self.input("access_key_secret"))
    }

    /// Makes our own signer with this vector's key, region and moment; the vectors have no token.
    fn signer<'a>(&'a self, secret: &'a Secret) -> V4Signer<'a> {
        let (key_id, region) = (self.input("access_key_id"), self.input("region"));
        V4Signer { key_id, secret, token: None, region, now: self.now() }
    }

    /// Signs this vector's policy with our own signer.
    fn signature(&self) -> String {
        let secret = self.secret();
        let signer = self.signer(&secret);
        signer.sign(&v4::encode_policy(self.input("policy_json")))
    }

    /// Signs it with our own V1 signer.
    fn v1_signature(&self) -> String {
        let (key_id, secret) = (self.input("access_key_id"), &self.secret());
        let signer = V1Signer { key_id, secret, token: None };
        signer.sign(&v4::encode_policy(self.input("policy_json")))
    }
}

#[test]
fn the_moment_is_written_as_the_vectors_write_it() {
    for vector in Vector::all("positive") {
        assert_eq!(vector.now().basic(), vector.expected("x_oss_date"));
        assert_eq!(vector.now().basic(), vector.input("utc_time"));
    }
}

#[test]
fn the_scope_is_the_credential_of_the_vectors() {
    for vector in Vector::all("positive") {
        let scope = Scope::new(vector.now(), vector.input("region"));
        assert_eq!(
            scope.credential(vector.input("access_key_id")),
            vector.expected("x_oss_credential")
        );
    }
}

#[test]
fn the_policy_text_is_the_vectors_to_the_letter() {
    let rest = [
        ("date-boundary-first-second", vec![Condition::ContentLengthRange(1, 10)]),
        ("region-ap-southeast-1", vec![Condition::ContentLengthRange(1, 104_857_600)]),
        ("region-cn-hongkong", vec![Condition::ContentLengthRange(1, 104_857_600)]),
    ];
    for (name, rest) in rest {
        let vectors = Vector::all("positive");
        let vector = vectors.iter().find(|vector| vector.text("/name") == name).unwrap();
        let secret = vector.secret();
        let signer = vector.signer(&secret);
        let fields = signer.identity_fields();
        let identity = fields.iter().map(|(name, value)| Condition::Equal(name, value));
        let conditions = [Condition::Equal("bucket", vector.input("bucket"))]
            .into_iter()
            .chain(identity)
            .chain(rest);
        let expiration = vector.now().plus(std::time::Duration::from_hours(1));
        let policy = PolicyDocument { expiration, conditions: conditions.collect() };
        assert_eq!(policy.to_json(), vector.input("policy_json"), "{name}");
    }
}

#[test]
fn the_policy_is_encoded_as_the_vectors_encode_it() {
    for vector in Vector::all("positive").iter().chain(&Vector::all("positive-v1-only")) {
        assert_eq!(
            v4::encode_policy(vector.input("policy_json")),
            vector.expected("policy_base64")
        );
    }
}

#[test]
fn the_key_chain_is_the_vectors_link_by_link() {
    for vector in Vector::all("positive") {
        let mut link = [b"aliyun_v4", vector.input("access_key_secret").as_bytes()].concat();
        for (message, expected) in [
            (vector.now().date(), "date_key_hex"),
            (vector.input("region").to_owned(), "date_region_key_hex"),
            ("oss".to_owned(), "date_region_service_key_hex"),
            ("aliyun_v4_request".to_owned(), "signing_key_hex"),
        ] {
            link = hmac_sha256(&link, message.as_bytes()).to_vec();
            assert_eq!(hex(&link), vector.expected(expected), "{}", vector.0["name"]);
        }
        let scope = Scope::new(vector.now(), vector.input("region"));
        let derived = key::derive(&vector.secret(), &scope);
        assert_eq!(hex(derived.as_slice()), vector.expected("signing_key_hex"));
    }
}

#[test]
fn the_signature_is_the_vectors() {
    for vector in Vector::all("positive") {
        assert_eq!(vector.signature(), vector.expected("signature_hex"), "{}", vector.0["name"]);
    }
}

#[test]
fn the_v1_signature_is_the_vectors_and_the_published_one() {
    for vector in Vector::all("positive").iter().chain(&Vector::all("positive-v1-only")) {
        let expected = vector.expected("v1_signature_base64");
        assert_eq!(vector.v1_signature(), expected, "{}", vector.0["name"]);
    }
}

#[test]
fn the_form_fields_are_the_vectors_in_name_and_value() {
    for vector in Vector::all("positive") {
        let secret = vector.secret();
        let signer = vector.signer(&secret);
        let policy = v4::encode_policy(vector.input("policy_json"));
        let signature = signer.sign(&policy);
        let mut fields = vec![(v4::POLICY, policy)];
        fields.extend(signer.identity_fields());
        fields.push((v4::X_OSS_SIGNATURE, signature));
        let ours = serde_json::to_value(fields).unwrap();
        assert_eq!(ours, vector.0["v4_form_fields"], "{}", vector.0["name"]);
    }
}

/// A negative vector: `wrong` is what the mistake gives, and it is not what we give.
fn refuses(name: &str, wrong: impl FnOnce(&Vector) -> String) {
    let vector = Vector::negative(name);
    assert_eq!(wrong(&vector), vector.text("/wrong_value/value"), "the mistake is understood");
    assert_eq!(vector.signature(), vector.text("/correct_signature_hex"));
    assert_ne!(vector.signature(), vector.text("/wrong_value/value"));
}

fn signing_key(vector: &Vector) -> Vec<u8> {
    let scope = Scope::new(vector.now(), vector.input("region"));
    key::derive(&vector.secret(), &scope).to_vec()
}

fn chain(first: &str, vector: &Vector, service: &str, last: &str) -> String {
    let policy = v4::encode_policy(vector.input("policy_json"));
    let links = [
        vector.now().date(),
        vector.input("region").to_owned(),
        service.to_owned(),
        last.to_owned(),
        policy,
    ];
    let start = format!("{first}{}", vector.input("access_key_secret")).into_bytes();
    hex(&links.iter().fold(start, |key, link| hmac_sha256(&key, link.as_bytes()).to_vec()))
}

#[test]
fn neg_hmac_over_raw_json() {
    refuses("neg-hmac-over-raw-json", |vector| {
        hex(hmac_sha256(&signing_key(vector), vector.input("policy_json").as_bytes()).as_slice())
    });
}

#[test]
fn neg_missing_aliyun_v4_prefix() {
    refuses("neg-missing-aliyun_v4-prefix", |vector| chain("", vector, "oss", "aliyun_v4_request"));
}

#[test]
fn neg_aws4_constants() {
    refuses("neg-aws4-constants", |vector| chain("AWS4", vector, "s3", "aws4_request"));
}

#[test]
fn neg_base64_signature() {
    refuses("neg-base64-signature", |vector| {
        let policy = v4::encode_policy(vector.input("policy_json"));
        base64(hmac_sha256(&signing_key(vector), policy.as_bytes()).as_slice())
    });
}

#[test]
fn neg_v1_in_v4_field() {
    let vector = Vector::negative("neg-v1-in-v4-field");
    let v1 = Vector::all("positive")
        .into_iter()
        .find(|one| one.text("/name") == vector.text("/based_on"))
        .unwrap();
    refuses("neg-v1-in-v4-field", |_| v1.v1_signature());
}
