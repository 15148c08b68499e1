//! A secret that cannot print.
//!
//! Owns the one type that key secrets and security tokens travel in. It has no `Display` and no
//! `Serialize`, its `Debug` shows a placeholder, and its bytes are wiped when it is dropped.
//! Who may look inside says so with [`Secret::expose`], which is easy to search for.

use std::fmt;
use std::sync::Arc;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Holds a secret text and never shows it. A clone shares the text; the last one wipes it.
#[derive(Clone)]
pub struct Secret(Arc<Zeroizing<String>>);

impl Secret {
    /// Takes ownership of a secret text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(Arc::new(Zeroizing::new(text.into())))
    }

    /// Gives the text to the one caller that has to compute with it or hand it on.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// Takes the same time wherever two texts differ.
impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_a_placeholder() {
        let secret = Secret::new("marker-secret");
        assert_eq!(format!("{secret:?}"), "Secret(…)");
        assert_eq!(secret.expose(), "marker-secret");
    }

    #[test]
    fn secrets_are_equal_when_their_texts_are() {
        let secret = Secret::new("marker-secret");
        assert!(secret == secret.clone() && secret == Secret::new("marker-secret"));
        assert!(secret != Secret::new("marker-secrex") && secret != Secret::new("marker"));
    }
}
