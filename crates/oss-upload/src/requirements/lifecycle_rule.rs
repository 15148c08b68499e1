//! The lifecycle rule of a bucket that removes the parts of uploads which were never finished. Such parts are in no
//! list of objects, and cost as much as objects.

use std::time::Duration;

use crate::xml::{XmlElement, XmlText};

/// The seconds of a day.
const DAY: u64 = 24 * 60 * 60;

/// The element of the action that removes unfinished uploads.
pub(crate) const ABORT: &str = "AbortMultipartUpload";

/// A rule that removes unfinished uploads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LifecycleRule {
    pub(crate) id: String,
    /// The beginning of the keys; empty for all.
    pub(crate) prefix: String,
    /// Days after the last change of an upload.
    pub(crate) days: u64,
}

/// Returns the days after which an upload that can be resumed for this long is certainly abandoned. The documents
/// differ about the event from which OSS counts, so this is a day more than the whole days of the time.
pub(crate) fn days(resume: Duration) -> u64 {
    resume.as_secs().div_ceil(DAY) + 1
}

/// Returns after how many days a rule of a bucket removes unfinished uploads of all keys with a prefix; `None` if it does
/// not.
pub(crate) fn removal_days(rule: &XmlElement, prefix: &str) -> Option<u64> {
    let days = rule.child(ABORT)?.text_of("Days")?.parse().ok()?;
    let covered = rule.text_of("Prefix").unwrap_or_default();
    (is_plain(rule) && prefix.starts_with(covered)).then_some(days)
}

/// Returns whether a rule of a bucket is in force for all keys with its prefix.
pub(crate) fn is_plain(rule: &XmlElement) -> bool {
    rule.text_of("Status") == Some("Enabled")
        && rule.child("Tag").is_none()
        && rule.child("Filter").is_none()
}

impl LifecycleRule {
    /// Writes the element, indented by two spaces.
    pub(crate) fn to_xml(&self) -> String {
        let Self { id, prefix, days } = self;
        let (id, prefix) = (XmlText(id), XmlText(prefix));
        format!(
            "  <Rule>\n    <ID>{id}</ID>\n    <Prefix>{prefix}</Prefix>\n    \
             <Status>Enabled</Status>\n    <AbortMultipartUpload>\n      <Days>{days}</Days>\n    \
             </AbortMultipartUpload>\n  </Rule>"
        )
    }
}

/// Writes a configuration with these rules, each of which is an indented element.
pub(crate) fn configuration(rules: &[String]) -> String {
    format!("<LifecycleConfiguration>\n{}\n</LifecycleConfiguration>", rules.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upload_is_abandoned_a_day_after_it_could_be_resumed_last() {
        for (hours, expected) in [(1, 2), (24, 2), (25, 3), (7 * 24, 8)] {
            assert_eq!(days(Duration::from_hours(hours)), expected, "{hours}");
        }
    }

    #[test]
    fn a_rule_removes_the_uploads_of_its_prefix_unless_it_is_narrower_or_off() {
        let rule = |more: &str, prefix: &str| {
            let abort = "<AbortMultipartUpload><Days>3</Days></AbortMultipartUpload>";
            let text = format!("<Rule><Prefix>{prefix}</Prefix>{more}{abort}</Rule>");
            removal_days(&XmlElement::parse(&text).unwrap(), "up/")
        };
        let on = "<Status>Enabled</Status>";
        assert_eq!([rule(on, ""), rule(on, "up/")], [Some(3), Some(3)]);
        for (more, prefix) in [
            ("<Status>Disabled</Status>", ""),
            (on, "up/more/"),
            (on, "other/"),
            ("<Status>Enabled</Status><Tag><Key>a</Key><Value>b</Value></Tag>", ""),
        ] {
            assert_eq!(rule(more, prefix), None, "{more} {prefix}");
        }
        let plain = XmlElement::parse("<Rule><Status>Enabled</Status></Rule>").unwrap();
        assert_eq!(removal_days(&plain, "up/"), None);
    }

    #[test]
    fn a_rule_is_written_with_its_values_escaped() {
        let rule = LifecycleRule { id: "a".to_owned(), prefix: "a&b/".to_owned(), days: 2 };
        assert_eq!(
            rule.to_xml(),
            "  <Rule>\n    <ID>a</ID>\n    <Prefix>a&amp;b/</Prefix>\n    \
             <Status>Enabled</Status>\n    <AbortMultipartUpload>\n      <Days>2</Days>\n    \
             </AbortMultipartUpload>\n  </Rule>"
        );
    }
}
