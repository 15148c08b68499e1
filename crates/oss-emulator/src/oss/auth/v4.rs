//! Signature version 4: a derived key, HMAC-SHA256, lower-case hex.
//!
//! Signature V4 page of PostObject.

use hmac::Hmac;
use hmac::KeyInit;
use hmac::Mac;
use sha2::Sha256;

use crate::oss::auth::Names;
use crate::oss::auth::Proof;
use crate::oss::auth::Signed;
use crate::oss::auth::Version;
use crate::oss::auth::credential::Credential;
use crate::oss::auth::credential::X_OSS_CREDENTIAL;
use crate::oss::auth::keys;
use crate::oss::auth::mismatch;
use crate::oss::form::Form;
use crate::oss::judge::Court;
use crate::oss::refusal::Refusal;

const NAMES: Names =
    Names { key: X_OSS_CREDENTIAL, signature: "x-oss-signature", other_signature: "Signature" };

/// Checks a V4 form and returns what it vouches for.
pub(super) fn authenticate<'a>(court: &Court<'a>, form: &'a Form) -> Result<Signed<'a>, Refusal> {
    let proof = Proof::take(form, &NAMES)?;
    let credential = Credential::parse(proof.key, court)?;
    credential.check_date(form, court)?;
    let key = keys::find(court, form, credential.id)?;
    if court.judgement.unchecked.signatures || verifies(&key.secret, &credential, &proof) {
        return Ok(Signed { version: Version::V4, policy: proof.policy, key });
    }
    Err(mismatch(
        credential.id,
        &proof,
        "the V4 signature is not the one that this secret makes for this policy, day and region",
    ))
}

fn verifies(secret: &str, credential: &Credential<'_>, proof: &Proof<'_>) -> bool {
    let lower_case = !proof.signature.bytes().any(|byte| byte.is_ascii_uppercase());
    let Ok(signature) = hex::decode(proof.signature) else {
        return false;
    };
    let first = [b"aliyun_v4", secret.as_bytes()].concat();
    let day = step(&first, credential.day);
    let region = step(&day, credential.region);
    let service = step(&region, "oss");
    let signing = step(&service, "aliyun_v4_request");
    // The comparison of the code takes the same time wherever the difference is.
    lower_case && code(&signing, proof.policy).verify_slice(&signature).is_ok()
}

fn step(key: &[u8], message: &str) -> [u8; 32] {
    code(key, message).finalize().into_bytes().into()
}

fn code(key: &[u8], message: &str) -> Hmac<Sha256> {
    #[expect(clippy::expect_used, reason = "HMAC accepts keys of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any key length");
    mac.update(message.as_bytes());
    mac
}
