//! Signature version 1: HMAC-SHA1 under the bare secret, base64.
//!
//! Signature V1 page of PostObject.
//!
//! Kept for old buckets; new accounts and buckets refuse it, and so can this one.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::Hmac;
use hmac::KeyInit;
use hmac::Mac;
use sha1::Sha1;

use crate::oss::auth::Names;
use crate::oss::auth::Proof;
use crate::oss::auth::Signed;
use crate::oss::auth::Version;
use crate::oss::auth::keys;
use crate::oss::auth::mismatch;
use crate::oss::form::Form;
use crate::oss::judge::Court;
use crate::oss::refusal::Kind;
use crate::oss::refusal::Refusal;

const NAMES: Names =
    Names { key: "OSSAccessKeyId", signature: "Signature", other_signature: "x-oss-signature" };

/// Checks a V1 form and returns what it vouches for.
pub(super) fn authenticate<'a>(court: &Court<'a>, form: &'a Form) -> Result<Signed<'a>, Refusal> {
    let proof = Proof::take(form, &NAMES)?;
    if court.judgement.refuse_v1 {
        return Err(Kind::V1Refused
            .because("the form is signed with V1, which this bucket does not take; sign with V4"));
    }
    let key = keys::find(court, form, proof.key)?;
    if court.judgement.unchecked.signatures || verifies(&key.secret, &proof) {
        return Ok(Signed { version: Version::V1, policy: proof.policy, key });
    }
    Err(mismatch(
        proof.key,
        &proof,
        "the V1 signature is not the one that this secret makes for this policy",
    ))
}

fn verifies(secret: &str, proof: &Proof<'_>) -> bool {
    #[expect(clippy::expect_used, reason = "HMAC accepts keys of any length")]
    let mut mac = Hmac::<Sha1>::new_from_slice(secret.as_bytes()).expect("any key length");
    mac.update(proof.policy.as_bytes());
    STANDARD.decode(proof.signature).is_ok_and(|signature| mac.verify_slice(&signature).is_ok())
}
