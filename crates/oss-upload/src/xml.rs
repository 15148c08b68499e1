//! Reads the small XML document in which OSS says no: flat, a root with children that hold text.

use crate::console;

/// Gives a child's text with its entities put back.
pub(super) fn child(document: &str, name: &str) -> Option<String> {
    let (_, rest) = document.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    // The ampersand last, or `&amp;lt;` would become a bracket.
    let pairs = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];
    let text = pairs
        .iter()
        .fold(text.trim().to_owned(), |text, (entity, character)| text.replace(entity, character));
    // It is one line, whatever stands in it: it becomes a part of sentences and of reports.
    let text = text.replace(console::is_steering, " ");
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_is_read_with_its_entities() {
        let document =
            "<Error>\n <Code>A</Code><Message>a &amp;lt; &quot;b&quot;</Message><EC></EC>";
        assert_eq!(child(document, "Code").as_deref(), Some("A"));
        assert_eq!(child(document, "Message").as_deref(), Some("a &lt; \"b\""));
        assert_eq!(child(document, "EC"), None);
        assert_eq!(child(document, "HostId"), None);
    }
}
