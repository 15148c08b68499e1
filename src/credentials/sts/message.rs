//! What is sent to STS: a POST with the common parameters in the query and the rest in a form.
//!
//! The gateway merges both before it verifies, so who stands where is free. Queries end in the
//! access logs of proxies and gateways, bodies do not: whatever is secret, the base key's token and
//! a pod's identity token, goes into the body. Without `Format=JSON` the answer would be XML.

use bytes::Bytes;
use http::Request;
use http::header::CONTENT_TYPE;

use crate::credentials::Credentials;
use crate::credentials::sts::query;
use crate::credentials::sts::query::Parameter;
use crate::credentials::sts::role::RoleRequest;
use crate::secret::Secret;
use crate::time::Timestamp;

/// Who wants the role.
#[derive(Clone, Copy, Debug)]
pub enum Proof<'a> {
    /// Whoever has a key: the request is signed with it.
    Key(&'a Credentials),
    /// Whoever has an identity token: the request is not signed.
    Identity {
        /// The identity provider, as RAM knows it.
        provider_arn: &'a str,
        /// The token that it issued.
        token: &'a Secret,
    },
}

/// A request to STS, ready to be sent once: a nonce is good for one.
#[derive(Clone, Debug)]
pub struct Message {
    /// The URL's query.
    pub query: String,
    /// The form.
    pub body: Secret,
    /// What was signed, if anything was; STS repeats it when it finds another signature.
    pub string_to_sign: Option<Secret>,
    /// What must not show, should STS repeat it.
    pub confidential: Vec<Secret>,
}

impl Message {
    /// Writes the request for a role. The nonce counts only where something is signed.
    #[must_use]
    pub fn compose(role: &RoleRequest, proof: Proof<'_>, nonce: &str, now: Timestamp) -> Self {
        let now = now.rfc3339();
        let seconds = role.duration.as_secs().to_string();
        let common = [("Version", "2015-04-01"), ("Format", "JSON"), ("Timestamp", now.as_str())];
        let mut form: Vec<Parameter<'_>> = vec![
            ("RoleArn", &role.role_arn),
            ("RoleSessionName", &role.session_name),
            ("DurationSeconds", &seconds),
        ];
        form.extend(role.policy.as_deref().map(|policy| ("Policy", policy)));
        match proof {
            Proof::Key(key) => {
                form.extend(role.external_id.as_deref().map(|id| ("ExternalId", id)));
                sign(key, nonce, &common, form)
            }
            Proof::Identity { provider_arn, token } => {
                form.extend([("OIDCProviderArn", provider_arn), ("OIDCToken", token.expose())]);
                let mut common = common.to_vec();
                common.push(("Action", "AssumeRoleWithOIDC"));
                let body = Secret::new(query::encode(&form));
                let confidential = vec![token.clone()];
                Self { query: query::encode(&common), body, string_to_sign: None, confidential }
            }
        }
    }

    /// Addresses it.
    ///
    /// # Errors
    /// The endpoint is no address.
    pub fn address(&self, endpoint: &str) -> Result<Request<Bytes>, http::Error> {
        Request::post(format!("{endpoint}/?{}", self.query))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Bytes::copy_from_slice(self.body.expose().as_bytes()))
    }
}

fn sign<'a>(
    key: &'a Credentials,
    nonce: &'a str,
    common: &[Parameter<'a>],
    mut form: Vec<Parameter<'a>>,
) -> Message {
    let mut common = common.to_vec();
    common.extend([
        ("Action", "AssumeRole"),
        ("SignatureMethod", "HMAC-SHA1"),
        ("SignatureVersion", "1.0"),
        ("SignatureNonce", nonce),
        ("AccessKeyId", key.key_id.as_str()),
    ]);
    form.extend(key.token.as_ref().map(|token| ("SecurityToken", token.expose())));
    let all = [common.as_slice(), form.as_slice()].concat();
    let string_to_sign = query::string_to_sign("POST", &query::canonical(&all));
    let signature = query::sign(&key.secret, &string_to_sign);
    common.push(("Signature", &signature));
    Message {
        query: query::encode(&common),
        body: Secret::new(query::encode(&form)),
        string_to_sign: Some(string_to_sign),
        confidential: key.token.iter().chain([&key.secret]).cloned().collect(),
    }
}
