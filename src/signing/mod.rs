//! Signatures of OSS forms: from a secret and a policy's text to the fields that prove it.
//!
//! One file per step of the published algorithm, in reading order: `scope` (who, when, where),
//! `signing_key` (the key chain), `v4` (the form's fields). `v1` is the older scheme, for clients
//! and buckets that still speak it, and `signer` the face that both show. Pure: the moment, the
//! region and the keys are arguments. What the policy says is `policy/`'s business; here it is
//! only text.
//!
//! Only the policy is signed. No header, no address, no other field and no byte of the file is, so
//! the integrity of a form rests on its policy's conditions.

pub mod scope;
pub mod signer;
pub mod signing_key;
pub mod v1;
pub mod v4;
