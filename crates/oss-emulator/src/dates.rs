//! Dates as they stand on the wire, read and written without the signer's help.
//!
//! Moments are Unix seconds. Reading is exact: what no page and no SDK shows as accepted is none.

use time::OffsetDateTime;
use time::PrimitiveDateTime;
use time::UtcDateTime;
use time::format_description::StaticFormatDescription;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

const BASIC: StaticFormatDescription =
    format_description!("[year][month][day]T[hour][minute][second]Z");
const WHOLE: StaticFormatDescription =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
const MILLIS: StaticFormatDescription =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
const HTTP: StaticFormatDescription = format_description!(
    "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
);

/// Reads `20241127T060941Z`.
pub(crate) fn parse_basic(text: &str) -> Option<i64> {
    let moment = PrimitiveDateTime::parse(text, BASIC).ok()?;
    Some(moment.assume_utc().unix_timestamp())
}

/// Reads `20241127` and returns the day's first second.
pub(crate) fn parse_day(text: &str) -> Option<i64> {
    parse_basic(&format!("{text}T000000Z"))
}

/// Reads `2024-11-27T06:09:41Z`, with three digits of fraction or none.
///
/// With `any` every fraction and offset of RFC 3339 will do.
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

/// Writes `2024-11-27T06:09:41Z`; a moment that no calendar has becomes 1970.
pub(crate) fn iso(seconds: i64) -> String {
    let moment = UtcDateTime::from_unix_timestamp(seconds).unwrap_or(UtcDateTime::UNIX_EPOCH);
    moment.format(WHOLE).unwrap_or_default()
}

/// Writes `Wed, 27 Nov 2024 06:09:41 GMT`; a moment that no calendar has becomes 1970.
pub(crate) fn http_date(seconds: i64) -> String {
    let moment = UtcDateTime::from_unix_timestamp(seconds).unwrap_or(UtcDateTime::UNIX_EPOCH);
    moment.format(HTTP).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_of_one_moment_agree() {
        let moment = Some(1_732_687_781);
        assert_eq!(parse_basic("20241127T060941Z"), moment);
        assert_eq!(parse_iso("2024-11-27T06:09:41Z", false), moment);
        assert_eq!(parse_iso("2024-11-27T06:09:41.999Z", false), moment);
        assert_eq!(parse_day("20241127"), Some(1_732_665_600));
        assert_eq!(http_date(1_732_687_781), "Wed, 27 Nov 2024 06:09:41 GMT");
        assert_eq!(iso(1_732_687_781), "2024-11-27T06:09:41Z");
    }

    #[test]
    fn other_forms_of_an_expiration_are_none_unless_allowed() {
        for text in ["2024-11-27T06:09:41.123456Z", "2024-11-27T06:09:41+00:00"] {
            assert_eq!(parse_iso(text, false), None, "{text}");
            assert_eq!(parse_iso(text, true), Some(1_732_687_781), "{text}");
        }
        for text in ["2024-11-27 06:09:41", "2024-11-27T06:09:41", "20241127T060941Z", ""] {
            assert_eq!(parse_iso(text, true), None, "{text}");
        }
    }

    #[test]
    fn days_that_do_not_exist_are_none() {
        for text in ["20241301", "20230229", "2024112", "+0241127", "2024-1-1", ""] {
            assert_eq!(parse_day(text), None, "{text}");
        }
        assert_eq!(parse_day("20240229"), Some(1_709_164_800));
    }

    #[test]
    fn a_clock_outside_the_calendar_is_no_panic() {
        assert_eq!(http_date(i64::MAX), "Thu, 01 Jan 1970 00:00:00 GMT");
    }
}
