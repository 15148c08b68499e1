//! A parsed form: the fields before the file, and the file part's headers.
//!
//! Field names are compared case-insensitively, as the PostObject page says, unless
//! [`Strictness::case_sensitive_names`] is set. This module does not know the meaning of any field;
//! `form_reader` applies the limits on values.

use std::collections::BTreeMap;

use crate::oss::error::{OssError, OssErrorKind};
use crate::oss::strictness::{Relaxation, Strictness};

/// The fields before the file, and the name and type of the file part.
#[derive(Clone, Debug, Default)]
pub struct UploadForm {
    /// Maps lower-case names to the name as sent and the value.
    fields: BTreeMap<String, (String, String)>,
    /// Whether `get` requires the documented spelling.
    exact: bool,
    filename: Option<String>,
    file_type: Option<String>,
    /// The `x-oss-object-acl` header of the request; a field of that name takes precedence.
    acl_header: Option<String>,
}

impl UploadForm {
    /// Creates an empty form.
    #[must_use]
    pub fn new(strictness: &Strictness) -> Self {
        Self { exact: strictness.case_sensitive_names, ..Self::default() }
    }

    /// Adds a field. A second field of the same name is an error unless
    /// [`Relaxation::RepeatedFields`] is in effect.
    pub fn push(
        &mut self,
        name: &str,
        value: impl Into<String>,
        strictness: &Strictness,
    ) -> Result<(), OssError> {
        let field = (name.to_owned(), value.into());
        let before = self.fields.insert(name.to_lowercase(), field);
        if before.is_some() && !strictness.allows(Relaxation::RepeatedFields) {
            return Err(OssErrorKind::FieldMalformed.because(format!(
                "the field {name:?} was sent twice, and it is not documented which one counts"
            )));
        }
        Ok(())
    }

    /// Sets the file name and content type of the file part.
    pub fn set_file(&mut self, filename: Option<String>, content_type: Option<String>) {
        self.filename = filename;
        self.file_type = content_type;
    }

    /// Sets the request's `x-oss-object-acl` header.
    pub fn set_acl_header(&mut self, acl: Option<String>) {
        self.acl_header = acl;
    }

    /// Returns the value of a field by its documented name.
    #[must_use]
    pub fn get(&self, documented: &str) -> Option<&str> {
        let (sent, value) = self.fields.get(&documented.to_lowercase())?;
        (!self.exact || sent == documented).then_some(value.as_str())
    }

    /// Returns the value of a field that was sent under exactly this name.
    pub(super) fn spelt(&self, name: &str) -> Option<&str> {
        let (sent, value) = self.fields.get(&name.to_lowercase())?;
        (sent == name).then_some(value.as_str())
    }

    /// Returns the value of a field as policies look it up: always case-insensitively.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&str> {
        let (_, value) = self.fields.get(&name.to_lowercase())?;
        Some(value)
    }

    /// Lists the lower-case names and the values of fields with this name prefix.
    pub fn with_prefix<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.fields
            .range(prefix.to_owned()..)
            .take_while(move |(name, _)| name.starts_with(prefix))
            .map(|(name, (_, value))| (name.as_str(), value.as_str()))
    }

    /// Returns the file name of the file part.
    #[must_use]
    pub fn filename(&self) -> Option<&str> {
        self.filename.as_deref()
    }

    /// Returns the content type of the file part.
    #[must_use]
    pub fn file_type(&self) -> Option<&str> {
        self.file_type.as_deref()
    }

    /// Returns the requested ACL: the field, otherwise the request header.
    #[must_use]
    pub fn acl(&self) -> Option<&str> {
        self.get("x-oss-object-acl").or(self.acl_header.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(fields: &[(&str, &str)], strictness: &Strictness) -> UploadForm {
        let mut form = UploadForm::new(strictness);
        for (name, value) in fields {
            form.push(name, *value, strictness).unwrap();
        }
        form
    }

    #[test]
    fn names_are_found_in_any_case() {
        let form = form(&[("OssAccessKeyId", "a"), ("KEY", "b")], &Strictness::default());
        assert_eq!(form.get("OSSAccessKeyId"), Some("a"));
        assert_eq!(form.get("key"), Some("b"));
        assert_eq!(form.get("keys"), None);
    }

    #[test]
    fn case_sensitive_names_require_the_documented_spelling() {
        let strictness = Strictness { case_sensitive_names: true, ..Strictness::default() };
        let form = form(&[("signature", "a"), ("Content-Type", "b")], &strictness);
        assert_eq!(form.get("Signature"), None);
        assert_eq!(form.find("content-type"), Some("b"));
    }

    #[test]
    fn a_field_sent_twice_is_refused_unless_relaxed() {
        let strict = Strictness::default();
        let mut form = form(&[("key", "a")], &strict);
        let error = form.push("Key", "b", &strict).unwrap_err();
        assert_eq!(error.kind(), OssErrorKind::FieldMalformed);
        let mut relaxed = Strictness::default();
        relaxed.relaxed.insert(Relaxation::RepeatedFields);
        form.push("key", "c", &relaxed).unwrap();
        assert_eq!(form.get("key"), Some("c"));
    }

    #[test]
    fn metadata_is_listed_by_prefix() {
        let form = form(
            &[("x-oss-meta-b", "2"), ("X-Oss-Meta-A", "1"), ("x-oss-metal", "3")],
            &Strictness::default(),
        );
        let listed: Vec<_> = form.with_prefix("x-oss-meta-").collect();
        assert_eq!(listed, [("x-oss-meta-a", "1"), ("x-oss-meta-b", "2")]);
    }

    #[test]
    fn an_acl_field_overrules_the_header() {
        let strictness = Strictness::default();
        let mut form = form(&[], &strictness);
        form.set_acl_header(Some("private".to_owned()));
        assert_eq!(form.acl(), Some("private"));
        form.push("x-oss-object-acl", "public-read", &strictness).unwrap();
        assert_eq!(form.acl(), Some("public-read"));
    }
}
