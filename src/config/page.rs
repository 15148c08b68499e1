//! The name and the looks of the upload page.

use crate::config::address::{self, Reach};
use crate::config::reader::ConfigReader;
use crate::config::table;

/// The longest title, in characters.
const MAX_TITLE: usize = 80;

/// The longest address of a logo, in bytes.
const MAX_LOGO_BYTES: usize = 1024;

/// What an operator changes about the upload page. Each value is safe in a header and, escaped, in HTML.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageOptions {
    /// The heading and the title in place of the page's own.
    pub title: Option<String>,
    /// The address of an image above the heading.
    pub logo: Option<String>,
    /// The colour of buttons and links, as `#rrggbb`.
    pub accent: Option<String>,
}

/// Reads the name and the looks of the upload page.
pub(super) fn read(config: &mut ConfigReader<'_>) -> PageOptions {
    PageOptions {
        title: config.value(&table::PAGE_TITLE, title),
        logo: config.value(&table::PAGE_LOGO, logo),
        accent: config.value(&table::PAGE_ACCENT, accent),
    }
}

fn title(text: &str) -> Result<String, &'static str> {
    let is_shown = !text.trim().is_empty() && !text.chars().any(char::is_control);
    let is_title = is_shown && text.chars().count() <= MAX_TITLE;
    is_title.then(|| text.to_owned()).ok_or("a title has 1 to 80 characters on one line")
}

fn logo(text: &str) -> Result<String, &'static str> {
    if text.len() > MAX_LOGO_BYTES {
        return Err("the address of a logo has at most 1024 bytes");
    }
    address::parse(text, Reach::Function)
}

fn accent(text: &str) -> Result<String, &'static str> {
    let digits = text.strip_prefix('#').unwrap_or_default();
    let is_colour = digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_colour.then(|| text.to_owned()).ok_or("a colour is # and six hexadecimal digits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_one_short_line() {
        assert_eq!(title("Acme <&> 上传").unwrap(), "Acme <&> 上传");
        assert!(title(&"上".repeat(MAX_TITLE)).is_ok());
        for bad in ["", " ", "a\nb", "a\u{0}", "\u{9b}", &"a".repeat(MAX_TITLE + 1)] {
            assert!(title(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_logo_is_an_address_that_a_policy_can_name() {
        for good in ["https://www.example.com/logo.svg?a=b&c='d'", "http://127.0.0.1:8000/a.png"] {
            assert_eq!(logo(good).unwrap(), good);
        }
        let long = format!("https://www.example.com/{}", "a".repeat(MAX_LOGO_BYTES));
        for bad in [
            "",
            "/logo.svg",
            "http://www.example.com/logo.svg",
            "https://www.example.com/a;b",
            "https://www.example.com/\"",
            "https://www.example.com/<",
            "https://user@www.example.com/",
            "data:image/png,",
            "javascript:alert(1)",
            &long,
        ] {
            assert!(logo(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_accent_is_six_digits() {
        assert_eq!(accent("#0B6b60").unwrap(), "#0B6b60");
        for bad in ["", "#", "0b6b60", "#fff", "#0b6b6g", "#0b6b600", "#0b6b6;", "red", "#éééé"]
        {
            assert!(accent(bad).is_err(), "{bad}");
        }
    }
}
