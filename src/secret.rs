//! A secret that cannot print.
//!
//! Key secrets and security tokens have this type. It has no `Display` and no `Serialize`, its `Debug` shows a
//! placeholder, and its bytes are wiped when it is dropped. Code that needs the text calls [`Secret::expose`], which
//! is easy to search for.

use std::fmt;
use std::sync::Arc;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// A secret text that is never shown. Clones share the text; it is wiped when the last one is dropped.
#[derive(Clone)]
pub struct Secret(Arc<Zeroizing<String>>);

impl Secret {
    /// Takes ownership of a secret text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(Arc::new(Zeroizing::new(text.into())))
    }

    /// Returns the text, to compute with it or to send it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// The duration does not depend on where two texts differ.
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
