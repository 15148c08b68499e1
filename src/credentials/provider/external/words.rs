//! A command line as words, without a shell.
//!
//! Quotes keep spaces together, and a backslash keeps a quote, a space or a backslash as it is.
//! Nothing is expanded: no variables, no `~`, no `;` and no `|`.

use zeroize::Zeroizing;

/// The words of a command; none when a quote is left open. They may hold secrets.
pub(super) fn split(line: &str) -> Option<Zeroizing<Vec<String>>> {
    let mut words = Zeroizing::new(Vec::new());
    let mut word: Option<String> = None;
    let mut open: Option<char> = None;
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        match (open, letter) {
            (Some(quote), _) if letter == quote => open = None,
            (None, '"' | '\'') => {
                open = Some(letter);
                word.get_or_insert_default();
            }
            (None | Some('"'), '\\') => {
                let escaped = letters.next_if(|next| is_escapable(*next, open));
                word.get_or_insert_default().push(escaped.unwrap_or(letter));
            }
            (None, _) if letter.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    open.is_none().then_some(words)
}

/// A backslash before anything else stands for itself, as in the paths of Windows.
fn is_escapable(letter: char, open: Option<char>) -> bool {
    matches!(letter, '"' | '\\') || (open.is_none() && (letter == '\'' || letter.is_whitespace()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_backslashes_keep_words_together() {
        let table: [(&str, &[&str]); 9] = [
            ("", &[]),
            ("  get-key  --json ", &["get-key", "--json"]),
            (r#"get "a b" 'c d'"#, &["get", "a b", "c d"]),
            (r#"a"b c"'d e'f"#, &["ab cd ef"]),
            (r#"get "" ''"#, &["get", "", ""]),
            (r#"get a\ b "say \"so\"" '\n'"#, &["get", "a b", "say \"so\"", r"\n"]),
            (r"C:\tools\get.exe --key", &[r"C:\tools\get.exe", "--key"]),
            ("get '#1' #2 $HOME ~ ; | `id`", &["get", "#1", "#2", "$HOME", "~", ";", "|", "`id`"]),
            ("get 钥匙", &["get", "钥匙"]),
        ];
        for (line, words) in table {
            assert_eq!(*split(line).unwrap(), words, "{line}");
        }
        assert_eq!(split("get 'a"), None);
        assert_eq!(split("get \"a\\\""), None);
    }
}
