//! A request to STS and its signature (RPC V1: HMAC-SHA1 over the sorted parameters).
//!
//! A request is a POST with the common parameters in the query and the others in a form. STS merges both before
//! it verifies the signature, so the places are free; neither headers nor the host are signed. Proxies and
//! gateways log queries but not bodies, so the secret parameters, which are the base key's token and a pod's
//! identity token, go into the body. Without `Format=JSON` the response would be XML.

use bytes::Bytes;
use http::Request;
use http::header::CONTENT_TYPE;

use crate::credentials::Credentials;
use crate::credentials::sts::role::RoleRequest;
use crate::crypto::{base64, hmac_sha1, percent_encode};
use crate::secret::Secret;
use crate::time::Timestamp;

/// The authentication of a request.
#[derive(Clone, Copy, Debug)]
pub enum StsAuthentication<'a> {
    /// The request is signed with a key.
    AccessKey(&'a Credentials),
    /// The request carries an identity token and is not signed.
    IdentityToken {
        /// The ARN of the identity provider.
        provider_arn: &'a str,
        /// The provider's token.
        token: &'a Secret,
    },
}

/// A request to STS. It can be sent once, because of its nonce.
#[derive(Clone, Debug)]
pub struct StsRequest {
    /// The query of the URL.
    pub query: String,
    /// The form in the body.
    pub body: Secret,
    /// The text that was signed. STS returns its own in the error about a wrong signature.
    pub string_to_sign: Option<Secret>,
    /// Secrets that must not be shown when an error repeats them.
    pub confidential: Vec<Secret>,
}

impl StsRequest {
    /// Writes the request for a role. Only a signed request has the nonce.
    #[must_use]
    pub fn new(
        role: &RoleRequest,
        authentication: StsAuthentication<'_>,
        nonce: &str,
        now: Timestamp,
    ) -> Self {
        let now = now.rfc3339();
        let seconds = role.duration.as_secs().to_string();
        let common = [("Version", "2015-04-01"), ("Format", "JSON"), ("Timestamp", now.as_str())];
        let mut form: Vec<Parameter<'_>> = vec![
            ("RoleArn", &role.role_arn),
            ("RoleSessionName", &role.session_name),
            ("DurationSeconds", &seconds),
        ];
        form.extend(role.policy.as_deref().map(|policy| ("Policy", policy)));
        match authentication {
            StsAuthentication::AccessKey(key) => {
                form.extend(role.external_id.as_deref().map(|id| ("ExternalId", id)));
                signed_request(key, nonce, &common, form)
            }
            StsAuthentication::IdentityToken { provider_arn, token } => {
                form.extend([("OIDCProviderArn", provider_arn), ("OIDCToken", token.expose())]);
                let mut common = common.to_vec();
                common.push(("Action", "AssumeRoleWithOIDC"));
                let body = Secret::new(encode(&form));
                let confidential = vec![token.clone()];
                Self { query: encode(&common), body, string_to_sign: None, confidential }
            }
        }
    }

    /// Returns the HTTP request.
    ///
    /// # Errors
    /// The endpoint is not a URL.
    pub fn to_http(&self, endpoint: &str) -> Result<Request<Bytes>, http::Error> {
        Request::post(format!("{endpoint}/?{}", self.query))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Bytes::copy_from_slice(self.body.expose().as_bytes()))
    }
}

fn signed_request<'a>(
    key: &'a Credentials,
    nonce: &'a str,
    common: &[Parameter<'a>],
    mut form: Vec<Parameter<'a>>,
) -> StsRequest {
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
    let string_to_sign = string_to_sign("POST", &canonical(&all));
    let signature = sign(&key.secret, &string_to_sign);
    common.push(("Signature", &signature));
    StsRequest {
        query: encode(&common),
        body: Secret::new(encode(&form)),
        string_to_sign: Some(string_to_sign),
        confidential: key.token.iter().chain([&key.secret]).cloned().collect(),
    }
}

/// A parameter's name and value, not encoded.
pub type Parameter<'a> = (&'a str, &'a str);

/// Writes parameters as a query or as a form, in the given order.
#[must_use]
pub fn encode(parameters: &[Parameter<'_>]) -> String {
    let mut text = String::new();
    for (name, value) in parameters {
        if !text.is_empty() {
            text.push('&');
        }
        text.push_str(&percent_encode(name));
        text.push('=');
        text.push_str(&percent_encode(value));
    }
    text
}

/// Writes the parameters sorted by the bytes of their names. The text contains the key's token.
#[must_use]
pub fn canonical(parameters: &[Parameter<'_>]) -> Secret {
    let mut sorted = parameters.to_vec();
    sorted.sort_unstable();
    Secret::new(encode(&sorted))
}

/// Writes the text to sign; what is encoded is encoded once more.
#[must_use]
pub fn string_to_sign(method: &str, canonical: &Secret) -> Secret {
    Secret::new(format!("{method}&%2F&{}", percent_encode(canonical.expose())))
}

/// Signs the text.
#[must_use]
pub fn sign(secret: &Secret, string_to_sign: &Secret) -> String {
    let key = Secret::new(format!("{}&", secret.expose()));
    base64(&hmac_sha1(key.expose().as_bytes(), string_to_sign.expose().as_bytes()))
}
