//! Splits a command line into words, as a POSIX shell does, with the `$'…'` of bash, which browsers
//! write into "copy as cURL".

/// The longest word, in bytes; a body with a file may be in one word.
const MAX_WORD: usize = 64 * 1024 * 1024;

/// Splits a command line. Returns `None` if a quote is never closed.
pub(super) fn words(text: &str) -> Option<Vec<String>> {
    let text = without_carets(text);
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let current = || String::with_capacity(16);
        match character {
            '\'' => single(&mut characters, word.get_or_insert_with(current))?,
            '"' => double(&mut characters, word.get_or_insert_with(current))?,
            '$' if characters.peek() == Some(&'\'') => {
                characters.next();
                ansi(&mut characters, word.get_or_insert_with(current))?;
            }
            '\\' => match characters.next() {
                // A line that continues.
                Some('\n') | None => {}
                Some('\r') => {
                    characters.next_if_eq(&'\n');
                }
                Some(other) => word.get_or_insert_with(current).push(other),
            },
            space if space.is_whitespace() => words.extend(word.take()),
            // The end of the command.
            ';' | '|' | '&' if word.is_none() => break,
            other => word.get_or_insert_with(current).push(other),
        }
        if word.as_ref().is_some_and(|word| word.len() > MAX_WORD) {
            return None;
        }
    }
    words.extend(word);
    Some(words)
}

type Characters<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn single(characters: &mut Characters<'_>, word: &mut String) -> Option<()> {
    loop {
        match characters.next()? {
            '\'' => return Some(()),
            other => word.push(other),
        }
    }
}

fn double(characters: &mut Characters<'_>, word: &mut String) -> Option<()> {
    loop {
        match characters.next()? {
            '"' => return Some(()),
            '\\' => match characters.next()? {
                '\n' => {}
                escaped @ ('"' | '\\' | '$' | '`') => word.push(escaped),
                other => word.extend(['\\', other]),
            },
            other => word.push(other),
        }
    }
}

/// Reads a `$'…'` after its first quote.
fn ansi(characters: &mut Characters<'_>, word: &mut String) -> Option<()> {
    loop {
        match characters.next()? {
            '\'' => return Some(()),
            '\\' => match characters.next()? {
                'n' => word.push('\n'),
                'r' => word.push('\r'),
                't' => word.push('\t'),
                'x' => word.extend(number(characters, 2)),
                'u' => word.extend(number(characters, 4)),
                'U' => word.extend(number(characters, 8)),
                other => word.push(other),
            },
            other => word.push(other),
        }
    }
}

/// Reads a character that is given by at most `digits` hex digits.
fn number(characters: &mut Characters<'_>, digits: usize) -> Option<char> {
    let mut value = 0;
    for _ in 0..digits {
        let Some(digit) = characters.peek().and_then(|character| character.to_digit(16)) else {
            break;
        };
        value = value * 16 + digit;
        characters.next();
    }
    char::from_u32(value)
}

/// Removes the carets of the Windows command line, if that is where the text comes from.
fn without_carets(text: &str) -> String {
    if !text.contains("^\"") {
        return text.to_owned();
    }
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if character != '^' {
            plain.push(character);
            continue;
        }
        match characters.next() {
            // A line that continues; an empty line after it is a line end of the value itself.
            Some('\n') => plain.extend(characters.next_if_eq(&'\n')),
            Some('\r') => {
                characters.next_if_eq(&'\n');
                if characters.next_if_eq(&'\r').is_some() {
                    characters.next_if_eq(&'\n');
                    plain.push_str("\r\n");
                }
            }
            Some(other) => plain.push(other),
            None => {}
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_escapes_and_continued_lines_are_read() {
        let text = "curl 'a b' \"c\\\"d\" e\\ f \\\n  -F 'k=v'\"w\" ''";
        assert_eq!(words(text).unwrap(), ["curl", "a b", "c\"d", "e f", "-F", "k=vw", ""]);
        assert_eq!(words("a $'b\\r\\n\\'\\x41\\u00e9' | tail").unwrap(), ["a", "b\r\n'Aé"]);
        assert_eq!(words("curl 'open"), None);
        assert_eq!(words("a $'\\uD800'").unwrap(), ["a", ""]);
    }

    #[test]
    fn carets_of_the_windows_command_line_are_removed() {
        let text = "curl ^\"https://a.test^\" ^\n  -H ^\"a: b^\"";
        assert_eq!(words(text).unwrap(), ["curl", "https://a.test", "-H", "a: b"]);
        assert_eq!(words("a 2^3").unwrap(), ["a", "2^3"]);
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in r#"[ab '"$\\^\n\rxu0;|]{0,24}"#) {
            let _ = words(&text);
        }
    }
}
