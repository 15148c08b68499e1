//! The form: what stands before the file, and what the file says about itself.
//!
//! Field names are compared without regard to case, as the PostObject page says, unless the judge
//! is told otherwise. Knows no field by meaning; the limits on values are applied by who reads the
//! body.

use std::collections::BTreeMap;

use crate::oss::judgement::Judgement;
use crate::oss::judgement::Leniency;
use crate::oss::refusal::Kind;
use crate::oss::refusal::Refusal;

/// Holds the fields before the file and the two things that the file part's headers give.
#[derive(Clone, Debug, Default)]
pub struct Form {
    /// Lower-case name to the name as sent and the value.
    fields: BTreeMap<String, (String, String)>,
    /// Whether a lookup wants the documented spelling.
    exact: bool,
    filename: Option<String>,
    file_type: Option<String>,
    /// The `x-oss-object-acl` header of the request, which a field of that name overrules.
    acl_header: Option<String>,
}

impl Form {
    /// Makes an empty form.
    #[must_use]
    pub fn new(judgement: &Judgement) -> Self {
        Self { exact: judgement.case_sensitive_names, ..Self::default() }
    }

    /// Adds a field; a second one of the same name is refused unless the judge is lenient.
    pub fn push(
        &mut self,
        name: &str,
        value: impl Into<String>,
        judgement: &Judgement,
    ) -> Result<(), Refusal> {
        let field = (name.to_owned(), value.into());
        let before = self.fields.insert(name.to_lowercase(), field);
        if before.is_some() && !judgement.allows(Leniency::RepeatedFields) {
            return Err(Kind::FieldMalformed.because(format!(
                "the field {name:?} was sent twice, and which one would count is not known"
            )));
        }
        Ok(())
    }

    /// Notes what the file part says about itself.
    pub fn set_file(&mut self, filename: Option<String>, content_type: Option<String>) {
        self.filename = filename;
        self.file_type = content_type;
    }

    /// Notes the request's `x-oss-object-acl` header.
    pub fn set_acl_header(&mut self, acl: Option<String>) {
        self.acl_header = acl;
    }

    /// Returns the value of a field, by its documented name.
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

    /// Returns the value of a field as a policy finds it: always without regard to case.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&str> {
        let (_, value) = self.fields.get(&name.to_lowercase())?;
        Some(value)
    }

    /// Lists lower-case names and values of the fields whose name begins like this.
    pub fn with_prefix<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.fields
            .range(prefix.to_owned()..)
            .take_while(move |(name, _)| name.starts_with(prefix))
            .map(|(name, (_, value))| (name.as_str(), value.as_str()))
    }

    /// Returns the file part's file name.
    #[must_use]
    pub fn filename(&self) -> Option<&str> {
        self.filename.as_deref()
    }

    /// Returns the file part's own content type.
    #[must_use]
    pub fn file_type(&self) -> Option<&str> {
        self.file_type.as_deref()
    }

    /// Returns the ACL that was asked for: the field, else the request's header.
    #[must_use]
    pub fn acl(&self) -> Option<&str> {
        self.get("x-oss-object-acl").or(self.acl_header.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(fields: &[(&str, &str)], judgement: &Judgement) -> Form {
        let mut form = Form::new(judgement);
        for (name, value) in fields {
            form.push(name, *value, judgement).unwrap();
        }
        form
    }

    #[test]
    fn names_are_found_in_any_case() {
        let form = form(&[("OssAccessKeyId", "a"), ("KEY", "b")], &Judgement::default());
        assert_eq!(form.get("OSSAccessKeyId"), Some("a"));
        assert_eq!(form.get("key"), Some("b"));
        assert_eq!(form.get("keys"), None);
    }

    #[test]
    fn a_case_sensitive_judge_wants_the_documented_spelling() {
        let judgement = Judgement { case_sensitive_names: true, ..Judgement::default() };
        let form = form(&[("signature", "a"), ("Content-Type", "b")], &judgement);
        assert_eq!(form.get("Signature"), None);
        assert_eq!(form.find("content-type"), Some("b"));
    }

    #[test]
    fn a_field_sent_twice_is_refused_unless_the_last_one_may_count() {
        let strict = Judgement::default();
        let mut form = form(&[("key", "a")], &strict);
        let refusal = form.push("Key", "b", &strict).unwrap_err();
        assert_eq!(refusal.kind(), Kind::FieldMalformed);
        let mut lenient = Judgement::default();
        lenient.lenient.insert(Leniency::RepeatedFields);
        form.push("key", "c", &lenient).unwrap();
        assert_eq!(form.get("key"), Some("c"));
    }

    #[test]
    fn metadata_is_listed_by_prefix() {
        let form = form(
            &[("x-oss-meta-b", "2"), ("X-Oss-Meta-A", "1"), ("x-oss-metal", "3")],
            &Judgement::default(),
        );
        let listed: Vec<_> = form.with_prefix("x-oss-meta-").collect();
        assert_eq!(listed, [("x-oss-meta-a", "1"), ("x-oss-meta-b", "2")]);
    }

    #[test]
    fn an_acl_field_overrules_the_header() {
        let judgement = Judgement::default();
        let mut form = form(&[], &judgement);
        form.set_acl_header(Some("private".to_owned()));
        assert_eq!(form.acl(), Some("private"));
        form.push("x-oss-object-acl", "public-read", &judgement).unwrap();
        assert_eq!(form.acl(), Some("public-read"));
    }
}
