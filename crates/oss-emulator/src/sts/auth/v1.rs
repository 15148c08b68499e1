//! Signature version 1 of RPC calls: HMAC-SHA1 over all parameters, sent as one of them.
//!
//! RPC signature page. The method is signed; path, host, headers and the place of a parameter are
//! not.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::Hmac;
use hmac::KeyInit;
use hmac::Mac;
use sha1::Sha1;

use crate::sts::auth::Claim;
use crate::sts::auth::canonical;
use crate::sts::auth::encode;
use crate::sts::call::Call;
use crate::sts::refusal::Kind;
use crate::sts::refusal::Refusal;

/// Reads what a call claims.
pub(super) fn claim(call: &Call) -> Result<Claim<'_>, Refusal> {
    let need = |name: &str| {
        let value = call.parameter(name).filter(|value| !value.is_empty());
        value.ok_or_else(|| Kind::Incomplete.because(format_args!("{name} is missing.")))
    };
    let signature = need("Signature")?;
    for (name, wanted) in [("SignatureMethod", "HMAC-SHA1"), ("SignatureVersion", "1.0")] {
        if need(name)? != wanted {
            return Err(Kind::Incomplete.because(format_args!("{name} must be {wanted}.")));
        }
    }
    let signed = canonical(call.all().filter(|(name, _)| name != "Signature"));
    Ok(Claim {
        key_id: need("AccessKeyId")?,
        token: call.parameter("SecurityToken").filter(|token| !token.is_empty()),
        timestamp: need("Timestamp")?,
        nonce: need("SignatureNonce")?,
        signature,
        string_to_sign: format!("{}&%2F&{}", call.method, encode(&signed)),
        verifies,
    })
}

fn verifies(secret: &str, text: &str, signature: &str) -> bool {
    #[expect(clippy::expect_used, reason = "HMAC accepts keys of any length")]
    let mut mac =
        Hmac::<Sha1>::new_from_slice(format!("{secret}&").as_bytes()).expect("any key length");
    mac.update(text.as_bytes());
    STANDARD.decode(signature).is_ok_and(|signature| mac.verify_slice(&signature).is_ok())
}
