//! Reads the XML document of an OSS error: flat, a root whose children have text.

use crate::console;

/// Returns the text of a child, with its entities decoded; `None` if it is missing or empty.
pub(super) fn child(document: &str, name: &str) -> Option<String> {
    let (_, rest) = document.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    // The ampersand comes last, or `&amp;lt;` would become a bracket.
    let pairs = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];
    let text = pairs
        .iter()
        .fold(text.trim().to_owned(), |text, (entity, character)| text.replace(entity, character));
    // The text becomes part of sentences and reports, so it must be one line.
    let text = text.replace(console::is_control, " ");
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
