//! The face that both versions show to whoever puts a form together.

use crate::signing::v1;
use crate::signing::v4;

/// One version's signer.
#[derive(Clone, Copy, Debug)]
pub enum Signer<'a> {
    /// Signs as [`v1`] does.
    V1(v1::Signer<'a>),
    /// Signs as [`v4`] does.
    V4(v4::Signer<'a>),
}

/// The fields that say who signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The fields, in the form's order.
    pub fields: Vec<(&'static str, String)>,
    /// Whether each of them has to be a condition of the policy too.
    pub is_pinned: bool,
}

impl Signer<'_> {
    /// Gives the fields that say who signed. OSS refuses a V4 form whose policy does not name
    /// them; a V1 form needs none of them there.
    #[must_use]
    pub fn stamp(&self) -> Stamp {
        match self {
            Self::V1(signer) => Stamp { fields: signer.stamp(), is_pinned: false },
            Self::V4(signer) => Stamp { fields: signer.stamp(), is_pinned: true },
        }
    }

    /// Signs the policy's base64 text: the field that proves the form, name and value.
    #[must_use]
    pub fn prove(&self, policy_base64: &str) -> (&'static str, String) {
        match self {
            Self::V1(signer) => (v1::SIGNATURE, signer.sign(policy_base64)),
            Self::V4(signer) => (v4::X_OSS_SIGNATURE, signer.sign(policy_base64)),
        }
    }
}
