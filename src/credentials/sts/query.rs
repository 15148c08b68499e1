//! The signature that STS asks for: RPC V1, HMAC-SHA1 over the sorted parameters.
//!
//! All parameters count, those of the query and those of the body together; neither headers nor
//! the host do. The text that is signed holds the key's token, so it travels as a [`Secret`].

use crate::crypto::base64;
use crate::crypto::hmac_sha1;
use crate::crypto::percent_encode;
use crate::secret::Secret;

/// A parameter's name and value, not encoded.
pub type Parameter<'a> = (&'a str, &'a str);

/// Writes parameters as a query or as a form's body, in the order in which they come.
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

/// Writes all parameters sorted by their names, byte by byte.
#[must_use]
pub fn canonical(parameters: &[Parameter<'_>]) -> Secret {
    let mut sorted = parameters.to_vec();
    sorted.sort_unstable();
    Secret::new(encode(&sorted))
}

/// Writes the text that is signed; whatever was encoded is encoded once more.
#[must_use]
pub fn string_to_sign(method: &str, canonical: &Secret) -> Secret {
    Secret::new(format!("{method}&%2F&{}", percent_encode(canonical.expose())))
}

/// Signs it.
#[must_use]
pub fn sign(secret: &Secret, string_to_sign: &Secret) -> String {
    let key = Secret::new(format!("{}&", secret.expose()));
    base64(&hmac_sha1(key.expose().as_bytes(), string_to_sign.expose().as_bytes()))
}
