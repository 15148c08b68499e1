//! The language of messages: English or Chinese, by the request's `Accept-Language` (RFC 9110, section 12.5.4).
//!
//! Only texts for people differ. Codes, members and statuses are the same in both languages, and so is the log. The
//! responses with these texts are not cached, so they need no `Vary`.

use http::HeaderMap;
use http::header::ACCEPT_LANGUAGE;

/// The language of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MessageLanguage {
    /// English, also for callers that name no language.
    #[default]
    English,
    /// Simplified Chinese.
    Chinese,
}

impl MessageLanguage {
    /// Returns the language that the caller prefers. Of two with the same quality, the first one counts.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        let values =
            headers.get_all(ACCEPT_LANGUAGE).iter().filter_map(|value| value.to_str().ok());
        let ranges = values.flat_map(|value| value.split(','));
        let mut best = (Self::default(), 0);
        for (language, quality) in ranges.filter_map(read_range) {
            if quality > best.1 {
                best = (language, quality);
            }
        }
        best.0
    }
}

/// Reads one range, such as `zh-CN;q=0.9`: its language and its quality in thousandths.
fn read_range(range: &str) -> Option<(MessageLanguage, u16)> {
    let (tag, parameters) = range.split_once(';').unwrap_or((range, ""));
    let primary = tag.trim().split('-').next().unwrap_or_default();
    let language = match primary {
        "*" => MessageLanguage::English,
        _ if primary.eq_ignore_ascii_case("en") => MessageLanguage::English,
        _ if primary.eq_ignore_ascii_case("zh") => MessageLanguage::Chinese,
        _ => return None,
    };
    Some((language, quality(parameters.trim())?))
}

/// Reads `q=0.9`, with up to three digits behind the point. Without a parameter the quality is 1.
fn quality(parameters: &str) -> Option<u16> {
    let Some(value) = parameters.strip_prefix("q=").or_else(|| parameters.strip_prefix("Q="))
    else {
        return Some(1000);
    };
    let (whole, digits) = value.split_once('.').unwrap_or((value, ""));
    let is_read = digits.len() <= 3 && digits.bytes().all(|byte| byte.is_ascii_digit());
    let thousandths: u16 = format!("{digits:0<3}").parse().ok().filter(|_| is_read)?;
    match whole {
        "0" => Some(thousandths),
        "1" if thousandths == 0 => Some(1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn language(values: &[&str]) -> MessageLanguage {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(ACCEPT_LANGUAGE, value.parse().unwrap());
        }
        MessageLanguage::of(&headers)
    }

    #[test]
    fn the_language_with_the_highest_quality_counts() {
        for (values, expected) in [
            (&["zh-CN,zh;q=0.9,en;q=0.8"][..], MessageLanguage::Chinese),
            (&["ZH"], MessageLanguage::Chinese),
            (&["zh-Hant-TW"], MessageLanguage::Chinese),
            (&["de, zh;q=0.5"], MessageLanguage::Chinese),
            (&["en;q=0.2", "zh;q=0.3"], MessageLanguage::Chinese),
            (&["zh ; q=1.000, en"], MessageLanguage::Chinese),
            (&["*;q=0.1, zh"], MessageLanguage::Chinese),
            (&["en-US,en;q=0.9,zh;q=0.8"], MessageLanguage::English),
            (&["zh;q=0.5, en;q=0.51"], MessageLanguage::English),
            (&["zh;q=0"], MessageLanguage::English),
            (&["*, zh;q=0.9"], MessageLanguage::English),
        ] {
            assert_eq!(language(values), expected, "{values:?}");
        }
    }

    #[test]
    fn what_is_no_language_means_english() {
        for value in [
            "",
            ",",
            ";",
            "zhx",
            "zh_CN",
            "z h",
            "zh;q=",
            "zh;q=2",
            "zh;q=1.001",
            "zh;q=0.0001",
            "zh;q=nan",
            "zh;q=-1",
            "zh;q=0.+1",
            "fr, de",
        ] {
            assert_eq!(language(&[value]), MessageLanguage::English, "{value:?}");
        }
        assert_eq!(language(&[]), MessageLanguage::English);
    }
}
