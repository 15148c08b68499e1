//! Reads and writes the timestamps of policies, headers and STS, independently of the signer.
//!
//! Timestamps are Unix seconds. Parsing is strict: a form that no documentation page and no SDK
//! shows as accepted gives `None`.

use time::format_description::StaticFormatDescription;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime, UtcDateTime};

const BASIC: StaticFormatDescription =
    format_description!("[year][month][day]T[hour][minute][second]Z");
const WHOLE: StaticFormatDescription =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
const MILLIS: StaticFormatDescription =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
const HTTP: StaticFormatDescription = format_description!(
    "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
);

/// Parses `20241127T060941Z`.
pub(crate) fn parse_basic(text: &str) -> Option<i64> {
    let moment = PrimitiveDateTime::parse(text, BASIC).ok()?;
    Some(moment.assume_utc().unix_timestamp())
}

/// Parses `Wed, 27 Nov 2024 06:09:41 GMT`.
pub(crate) fn parse_http(text: &str) -> Option<i64> {
    let moment = PrimitiveDateTime::parse(text, HTTP).ok()?;
    Some(moment.assume_utc().unix_timestamp())
}

/// Parses `20241127` and returns the first second of that day.
pub(crate) fn parse_day(text: &str) -> Option<i64> {
    parse_basic(&format!("{text}T000000Z"))
}

/// Parses `2024-11-27T06:09:41Z`, with three fraction digits or none.
///
/// With `any`, every fraction and every offset of RFC 3339 is accepted.
pub(crate) fn parse_iso(text: &str, any: bool) -> Option<i64> {
    let exact = PrimitiveDateTime::parse(text, MILLIS)
        .or_else(|_| PrimitiveDateTime::parse(text, WHOLE))
        .map(PrimitiveDateTime::assume_utc);
    let moment = match exact {
        Ok(moment) => moment,
        Err(_) if any => OffsetDateTime::parse(text, &Rfc3339).ok()?,
        Err(_) => return None,
    };
    Some(moment.unix_timestamp())
}

/// Formats as `2024-11-27T06:09:41Z`. A timestamp outside the calendar's range becomes 1970.
pub(crate) fn iso(seconds: i64) -> String {
    let moment = UtcDateTime::from_unix_timestamp(seconds).unwrap_or(UtcDateTime::UNIX_EPOCH);
    moment.format(WHOLE).unwrap_or_default()
}

/// Formats as `2024-11-27T06:09:41.000Z`. A timestamp outside the calendar's range becomes 1970.
pub(crate) fn iso_millis(seconds: i64) -> String {
    let moment = UtcDateTime::from_unix_timestamp(seconds).unwrap_or(UtcDateTime::UNIX_EPOCH);
    moment.format(MILLIS).unwrap_or_default()
}

/// Formats as `Wed, 27 Nov 2024 06:09:41 GMT`. A timestamp outside the calendar's range becomes
/// 1970.
pub(crate) fn http_date(seconds: i64) -> String {
    let moment = UtcDateTime::from_unix_timestamp(seconds).unwrap_or(UtcDateTime::UNIX_EPOCH);
    moment.format(HTTP).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_formats_of_one_time_agree() {
        let moment = Some(1_732_687_781);
        assert_eq!(parse_basic("20241127T060941Z"), moment);
        assert_eq!(parse_iso("2024-11-27T06:09:41Z", false), moment);
        assert_eq!(parse_iso("2024-11-27T06:09:41.999Z", false), moment);
        assert_eq!(parse_day("20241127"), Some(1_732_665_600));
        assert_eq!(http_date(1_732_687_781), "Wed, 27 Nov 2024 06:09:41 GMT");
        assert_eq!(parse_http("Wed, 27 Nov 2024 06:09:41 GMT"), moment);
        assert_eq!(iso(1_732_687_781), "2024-11-27T06:09:41Z");
        assert_eq!(iso_millis(1_732_687_781), "2024-11-27T06:09:41.000Z");
    }

    #[test]
    fn other_forms_of_an_expiration_are_rejected_unless_allowed() {
        for text in ["2024-11-27T06:09:41.123456Z", "2024-11-27T06:09:41+00:00"] {
            assert_eq!(parse_iso(text, false), None, "{text}");
            assert_eq!(parse_iso(text, true), Some(1_732_687_781), "{text}");
        }
        for text in ["2024-11-27 06:09:41", "2024-11-27T06:09:41", "20241127T060941Z", ""] {
            assert_eq!(parse_iso(text, true), None, "{text}");
        }
    }

    #[test]
    fn days_that_do_not_exist_are_rejected() {
        for text in ["20241301", "20230229", "2024112", "+0241127", "2024-1-1", ""] {
            assert_eq!(parse_day(text), None, "{text}");
        }
        assert_eq!(parse_day("20240229"), Some(1_709_164_800));
    }

    #[test]
    fn a_timestamp_outside_the_calendar_causes_no_panic() {
        assert_eq!(http_date(i64::MAX), "Thu, 01 Jan 1970 00:00:00 GMT");
    }
}
