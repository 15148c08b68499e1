//! The id of a multipart upload: 32 upper-case hex digits, as in every documented sample.
//!
//! The id is also the name of a folder, so a value of another form never reaches the file system.

use sha2::{Digest, Sha256};

const LENGTH: usize = 32;

/// The id of a multipart upload.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::oss) struct UploadId(String);

impl UploadId {
    /// Returns the id with this text, unless its form is another one.
    pub(in crate::oss) fn parse(text: &str) -> Option<Self> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'A'..=b'F');
        (text.len() == LENGTH && text.bytes().all(is_digit)).then(|| Self(text.to_owned()))
    }

    /// Derives an id from that of a request; each attempt gives another one.
    pub(super) fn derive(request: &str, attempt: u32) -> Self {
        let digest = Sha256::digest(format!("{request}/{attempt}"));
        let mut text = hex::encode_upper(digest);
        text.truncate(LENGTH);
        Self(text)
    }

    pub(in crate::oss) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_derived_id_has_the_documented_form_and_each_attempt_another_one() {
        let ids = [0, 1, 2].map(|attempt| UploadId::derive("REQUEST", attempt));
        for id in &ids {
            assert_eq!(UploadId::parse(id.as_str()).as_ref(), Some(id));
        }
        assert!(ids[0] != ids[1] && ids[1] != ids[2]);
    }

    #[test]
    fn nothing_else_is_an_id() {
        let id = "0004B9894A22E5B1888A1E29F8236E2D";
        let lower = id.to_lowercase();
        let path = format!("../{}", &id[3..]);
        for text in ["", &id[1..], &format!("{id}0"), &lower, &path, &id.replace('D', "é")] {
            assert_eq!(UploadId::parse(text), None, "{text}");
        }
    }
}
