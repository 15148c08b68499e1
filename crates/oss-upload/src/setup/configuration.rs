//! A CORS or lifecycle configuration of a bucket, with each rule as OSS wrote it. A rule that is not ours goes back
//! byte for byte, whatever is in it.

use crate::language::{Text, text};
use crate::xml::{InvalidDocument, XmlElement};

/// A configuration, taken apart.
#[derive(Clone, Debug, Default)]
pub(super) struct Configuration {
    pub(super) rules: Vec<ConfigurationRule>,
    /// The other elements of the configuration.
    pub(super) others: Vec<ConfigurationRule>,
}

/// A rule, or another element, with its text in the document.
#[derive(Clone, Debug)]
pub(super) struct ConfigurationRule {
    pub(super) source: String,
    pub(super) element: XmlElement,
}

impl Configuration {
    /// Parses a document whose root has this name, and whose rules have this name.
    pub(super) fn parse(document: &str, root: &str, rule: &str) -> Result<Self, InvalidDocument> {
        let parsed = XmlElement::parse(document)?;
        if parsed.name != root {
            return Err(InvalidDocument);
        }
        let parts = parsed.children.into_iter().map(|element| ConfigurationRule {
            source: document.get(element.source.clone()).unwrap_or_default().to_owned(),
            element,
        });
        let (rules, others) = parts.partition(|part| part.element.name == rule);
        Ok(Self { rules, others })
    }
}

/// What has to be written to the bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ConfigurationChange {
    /// Nothing.
    None,
    /// This document replaces the configuration.
    Put(String),
    /// The configuration is deleted, because no rule is left.
    Delete,
}

/// The reason why a configuration cannot be changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MergeError(pub(super) Text);

impl From<InvalidDocument> for MergeError {
    fn from(_: InvalidDocument) -> Self {
        Self(text!(
            "OSS has returned a configuration that is no XML, so it is not changed",
            "OSS 返回的配置不是 XML，因此不做更改"
        ))
    }
}
