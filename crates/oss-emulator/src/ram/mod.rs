//! RAM: what a key may do.
//!
//! A [`Document`] is a policy in RAM's language. [`Permissions`] are what several of them allow
//! together: a session of a role may do what the role's policy and the session's policy both allow.
//! Who may assume which role is `sts/`'s business.

mod document;

use std::sync::Arc;

pub use self::document::Document;
pub use self::document::DocumentError;

/// Allows what every one of its documents allows; without a document, everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permissions(Vec<Arc<Document>>);

impl Permissions {
    /// Narrows these permissions by one more document.
    #[must_use]
    pub fn within(mut self, document: impl Into<Arc<Document>>) -> Self {
        self.0.push(document.into());
        self
    }

    /// Says whether an action on a resource is allowed.
    #[must_use]
    pub fn allow(&self, action: &str, resource: &str) -> bool {
        self.0.iter().all(|document| document.allows(action, resource))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowing(resource: &str) -> Document {
        let text = format!(
            r#"{{"Version":"1","Statement":[{{"Effect":"Allow","Action":"oss:*","Resource":"{resource}"}}]}}"#
        );
        Document::parse(&text).unwrap()
    }

    #[test]
    fn a_session_may_do_what_role_and_session_policy_both_allow() {
        let both = Permissions::default().within(allowing("b/*")).within(allowing("*/a/*"));
        assert!(both.allow("oss:PutObject", "b/a/1"));
        assert!(!both.allow("oss:PutObject", "b/c/1"));
        assert!(!both.allow("oss:PutObject", "c/a/1"));
        assert!(Permissions::default().allow("anything", "at all"));
    }
}
