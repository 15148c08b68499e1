//! The text of the shared credentials file, as one section's keys and values. Pure.
//!
//! A comment stands on a line of its own, after `#` or `;`. Inside a value both are letters like any
//! other: secrets have been cut off there. What stands twice is refused, since two halves of a file
//! that was edited in a hurry would make one key of two.

use std::collections::BTreeMap;

use crate::credentials::Failure;
use crate::secret::Secret;

/// One section. Any value may be a secret, so none prints.
#[derive(Debug, Default)]
pub(super) struct Section(BTreeMap<String, Secret>);

impl Section {
    /// Reads the section `name`; none when the text has no such section.
    pub(super) fn read(text: &str, name: &str) -> Result<Option<Self>, Failure> {
        let mut chosen: Option<Self> = None;
        let mut inside = false;
        for (number, line) in (1..).zip(text.lines()) {
            let at_line = |what: &str| Failure::permanent(format!("line {number} {what}"));
            let line = line.trim();
            if line.is_empty() || line.starts_with(['#', ';']) {
                continue;
            }
            if let Some(rest) = line.strip_prefix('[') {
                let title = rest.strip_suffix(']');
                let title =
                    title.ok_or_else(|| at_line("opens a section and does not close it"))?;
                inside = title.trim() == name;
                if inside && chosen.replace(Self::default()).is_some() {
                    return Err(at_line("begins the section a second time"));
                }
            } else if let Some(section) = chosen.as_mut().filter(|_| inside) {
                let (key, value) = line
                    .split_once('=')
                    .ok_or_else(|| at_line("is neither a section nor key = value"))?;
                let value = Secret::new(unquote(value.trim()));
                if section.0.insert(key.trim().to_ascii_lowercase(), value).is_some() {
                    return Err(at_line("gives a key a second time"));
                }
            }
        }
        Ok(chosen)
    }

    /// Gives a value; an empty one is none.
    pub(super) fn secret(&self, key: &str) -> Option<Secret> {
        self.0.get(key).filter(|value| !value.expose().is_empty()).cloned()
    }

    /// Gives a value that is no secret; an empty one is none.
    pub(super) fn text(&self, key: &str) -> Option<String> {
        self.secret(key).map(|value| value.expose().to_owned())
    }
}

fn unquote(value: &str) -> &str {
    let inner = |quote| value.strip_prefix(quote)?.strip_suffix(quote);
    inner('"').or_else(|| inner('\'')).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str, key: &str) -> Result<Option<String>, String> {
        let section = Section::read(text, "default").map_err(|failure| failure.reason)?;
        Ok(section.and_then(|section| section.text(key)))
    }

    #[test]
    fn a_value_keeps_hashes_semicolons_equal_signs_and_spaces() {
        let text = "[default]\n  k = a#b;c = d e  \n";
        assert_eq!(value(text, "k").unwrap().unwrap(), "a#b;c = d e");
    }

    #[test]
    fn comments_blank_lines_and_other_sections_are_passed_over() {
        let text = "# k = 1\r\n; k = 2\r\n[other]\r\nk = 3\r\nnonsense\r\n\r\n[ default ]\r\n# k\r\nK='4'\r\n[last]\r\nk = 5\r\n";
        assert_eq!(value(text, "k").unwrap().unwrap(), "4");
        assert_eq!(value(text, "absent").unwrap(), None);
        assert_eq!(value("[other]\nk = 1", "k").unwrap(), None);
        assert_eq!(value("[default]\nk =", "k").unwrap(), None);
    }

    #[test]
    fn what_cannot_be_read_names_its_line_and_never_its_text() {
        let table = [
            ("[default]\nmarker", "line 2 is neither a section nor key = value"),
            ("\n[default", "line 2 opens a section and does not close it"),
            ("[default]\nk = 1\nk = 2", "line 3 gives a key a second time"),
            ("[default]\n[other]\n[default]", "line 3 begins the section a second time"),
        ];
        for (text, reason) in table {
            assert_eq!(value(text, "k"), Err(reason.to_owned()), "{text}");
        }
    }
}
