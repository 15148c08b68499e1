//! Signatures of OSS requests: from a secret and a text to the fields that authenticate it.
//!
//! `key` derives the V4 signing key, `v4` and `v1` sign the policy of a form, `request` signs any other request in its
//! URL or headers. Pure: the time, the region and the keys are arguments. The content of a policy belongs to `policy`;
//! here it is only text.
//!
//! A form's signature covers its policy and nothing else: no header, no URL, no other field and no
//! byte of the file. What a form may do is therefore decided by the conditions of its policy alone.

pub mod key;
pub mod request;
pub mod v1;
pub mod v4;
