//! The lifecycle rule of a bucket that removes the parts of uploads which were never finished. Such parts are in no
//! list of objects, and cost as much as objects.

use std::time::Duration;

use crate::xml::XmlText;

/// The seconds of a day.
const DAY: u64 = 24 * 60 * 60;

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
