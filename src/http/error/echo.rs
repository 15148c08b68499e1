//! Text of a caller that an error message quotes.

use std::fmt;
use std::fmt::Write;

/// The most characters that one message quotes, so that a response is never much longer than the rules say.
const MAX_CHARACTERS: usize = 200;

/// A text of the caller, cut to its first 200 characters, with an ellipsis for the rest.
#[derive(Clone, Copy)]
pub(in crate::http) struct Echo<'a>(pub(in crate::http) &'a str);

impl<'a> Echo<'a> {
    /// Returns the quoted part, and whether something is left out.
    fn cut(self) -> (&'a str, bool) {
        match self.0.char_indices().nth(MAX_CHARACTERS) {
            Some((end, _)) => (&self.0[..end], true),
            None => (self.0, false),
        }
    }
}

impl fmt::Display for Echo<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (quoted, is_cut) = self.cut();
        formatter.write_str(quoted)?;
        if is_cut { formatter.write_char('…') } else { Ok(()) }
    }
}

/// In quotes and with escapes, followed by the ellipsis.
impl fmt::Debug for Echo<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (quoted, is_cut) = self.cut();
        fmt::Debug::fmt(quoted, formatter)?;
        if is_cut { formatter.write_char('…') } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_echo_has_at_most_200_characters_and_ends_between_two() {
        assert_eq!(format!("{:?} {}", Echo("a\"b"), Echo("c")), "\"a\\\"b\" c");
        let whole = "照".repeat(200);
        assert_eq!(format!("{}", Echo(&whole)), whole);
        let long = format!("{whole}a");
        assert_eq!(format!("{}", Echo(&long)), format!("{whole}…"));
        assert_eq!(format!("{:?}", Echo(&long)), format!("\"{whole}\"…"));
    }
}
