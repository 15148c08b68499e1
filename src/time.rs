//! Timestamps, and the formats in which they go over the wire.
//!
//! This is the only file that reads the wall clock ([`now`]); all other code gets a [`Timestamp`] as an argument.
//! Signatures need whole seconds in UTC only. One reading of the clock gives the scope's date, `x-oss-date` and the
//! expiry, so these always agree.

use std::fmt;
use std::time::{Duration, UNIX_EPOCH};

use ::time::{Date, Month, OffsetDateTime, Time, UtcDateTime};

/// The patterns of [`Timestamp::write`].
const DATE: &str = "YMD";
const BASIC: &str = "YMDThmsZ";
const MILLIS: &str = "Y-M-DTh:m:s.000Z";
const RFC3339: &str = "Y-M-DTh:m:sZ";

/// A moment in UTC, in whole seconds, between the years 1970 and 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(UtcDateTime);

impl Timestamp {
    /// Converts Unix seconds. Returns `None` outside the years 1970 to 9999.
    #[must_use]
    pub fn from_unix(seconds: i64) -> Option<Self> {
        let moment = UtcDateTime::from_unix_timestamp(seconds).ok()?;
        (1970..=9999).contains(&moment.year()).then_some(Self(moment))
    }

    /// Parses `2024-11-27T06:09:41Z` or another time of RFC 3339, with any offset. A fraction of a second is cut off.
    #[must_use]
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        let (whole, rest) = text.split_at_checked(19)?;
        let (date, time) = whole.split_once('T')?;
        let [year, month, day] = numbers(date, '-')?;
        let [hour, minute, second] = numbers(time, ':')?;
        let small = |number| u8::try_from(number).ok();
        let month = Month::try_from(small(month)?).ok()?;
        let date = Date::from_calendar_date(i32::from(year), month, small(day)?).ok()?;
        let time = Time::from_hms(small(hour)?, small(minute)?, small(second)?).ok()?;
        let seconds = UtcDateTime::new(date, time).unix_timestamp();
        Self::from_unix(seconds - offset(without_fraction(rest)?)?)
    }

    /// Parses `Wed, 27 Nov 2024 06:09:41 GMT`: the header `Date`.
    #[must_use]
    pub fn parse_http(text: &str) -> Option<Self> {
        let since = httpdate::parse_http_date(text).ok()?.duration_since(UNIX_EPOCH).ok()?;
        Self::from_unix(i64::try_from(since.as_secs()).ok()?)
    }

    /// Returns the seconds since the start of 1970.
    #[must_use]
    pub fn unix(self) -> i64 {
        self.0.unix_timestamp()
    }

    /// Returns the moment `duration` later, at most the last second of the year 9999.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        let latest = ::time::macros::utc_datetime!(9999-12-31 23:59:59);
        let seconds = i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
        let moment = self.0.checked_add(::time::Duration::seconds(seconds));
        Self(moment.unwrap_or(latest).min(latest))
    }

    /// Returns the moment `duration` earlier, at least the start of 1970.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        let seconds = i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
        let moment = self.0.checked_sub(::time::Duration::seconds(seconds));
        Self(moment.unwrap_or(UtcDateTime::UNIX_EPOCH).max(UtcDateTime::UNIX_EPOCH))
    }

    /// Returns how long this moment is after `earlier`; zero when it is not.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::try_from(self.0 - earlier.0).unwrap_or_default()
    }

    /// Writes `20241127`: the day of a V4 scope.
    #[must_use]
    pub fn date(self) -> String {
        self.write(DATE)
    }

    /// Writes `20241127T060941Z`: the `x-oss-date` field.
    #[must_use]
    pub fn basic(self) -> String {
        self.write(BASIC)
    }

    /// Writes `2024-11-27T06:09:41.000Z`: a policy's `expiration`, in the form the documentation uses.
    #[must_use]
    pub fn millis(self) -> String {
        self.write(MILLIS)
    }

    /// Writes `2024-11-27T06:09:41Z`: moments in answers and logs.
    #[must_use]
    pub fn rfc3339(self) -> String {
        self.write(RFC3339)
    }

    /// Writes a pattern, in which `Y` means four digits and `M`, `D`, `h`, `m`, `s` two. A grant writes five times, and
    /// a general formatter would take a fifteenth of its CPU time.
    fn write(self, pattern: &str) -> String {
        let mut text = String::with_capacity(24);
        for letter in pattern.chars() {
            match letter {
                'Y' => push_digits(&mut text, self.0.year().unsigned_abs(), 4),
                'M' => push_digits(&mut text, u8::from(self.0.month()).into(), 2),
                'D' => push_digits(&mut text, self.0.day().into(), 2),
                'h' => push_digits(&mut text, self.0.hour().into(), 2),
                'm' => push_digits(&mut text, self.0.minute().into(), 2),
                's' => push_digits(&mut text, self.0.second().into(), 2),
                other => text.push(other),
            }
        }
        text
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn without_fraction(rest: &str) -> Option<&str> {
    let Some(fraction) = rest.strip_prefix('.') else {
        return Some(rest);
    };
    let zone = fraction.trim_start_matches(|letter: char| letter.is_ascii_digit());
    (zone.len() < fraction.len()).then_some(zone)
}

/// Parses `Z` or `+08:00` as seconds east of Greenwich.
fn offset(zone: &str) -> Option<i64> {
    if zone == "Z" {
        return Some(0);
    }
    let east = match zone.get(..1)? {
        "+" => 1,
        "-" => -1,
        _ => return None,
    };
    let (hours, minutes) = zone.get(1..)?.split_once(':')?;
    let number = |text: &str| {
        let two_digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        two_digits.then(|| text.parse::<i64>().ok()).flatten()
    };
    Some(east * (number(hours)? * 3600 + number(minutes)? * 60))
}

/// Parses three numbers of digits only, without signs and spaces.
fn numbers(text: &str, separator: char) -> Option<[u16; 3]> {
    let mut parts = text.split(separator).map(|part| part.parse().ok().filter(|_| is_number(part)));
    let numbers = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(numbers)
}

fn push_digits(text: &mut String, number: u32, count: u32) {
    for place in (0..count).rev() {
        let digit = number / 10_u32.pow(place) % 10;
        text.push(char::from_digit(digit, 10).unwrap_or_default());
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.rfc3339())
    }
}

/// Reads the wall clock.
#[must_use]
pub fn now() -> Timestamp {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    let moment = OffsetDateTime::now_utc().to_utc().truncate_to_second();
    Timestamp(moment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_moment_is_written_in_four_formats() {
        let moment = Timestamp::from_unix(1_732_687_781).unwrap();
        assert_eq!(moment.date(), "20241127");
        assert_eq!(moment.basic(), "20241127T060941Z");
        assert_eq!(moment.millis(), "2024-11-27T06:09:41.000Z");
        assert_eq!(moment.rfc3339(), "2024-11-27T06:09:41Z");
    }

    #[test]
    fn moments_are_read_as_services_write_them() {
        let moment = Timestamp::from_unix(1_732_687_781);
        for text in [
            "2024-11-27T06:09:41Z",
            "2024-11-27T06:09:41.999Z",
            "2024-11-27T06:09:41.5Z",
            "2024-11-27T14:09:41+08:00",
            "2024-11-27T00:39:41.0-05:30",
        ] {
            assert_eq!(Timestamp::parse_rfc3339(text), moment, "{text}");
        }
        for bad in [
            "",
            "2024-11-27T06:09:41",
            "2024-11-27 06:09:41Z",
            "2024-11-27T06:09:41.Z",
            "2024-11-27T06:09:41+08:00Z",
            "2024-11-27T06:09:41+8:00",
            "2024-11-27T06:09:41+08",
            "2024-02-30T06:09:41Z",
            "2024-11-27T24:09:41Z",
            "+024-11-27T06:09:41Z",
            "1969-11-27T06:09:41Z",
            "2024-11-27T06:09:4用Z",
        ] {
            assert_eq!(Timestamp::parse_rfc3339(bad), None, "{bad}");
        }
        assert_eq!(Timestamp::parse_http("Wed, 27 Nov 2024 06:09:41 GMT"), moment);
        assert_eq!(Timestamp::parse_http("2024-11-27T06:09:41Z"), None);
    }

    #[test]
    fn arithmetic_stops_at_the_ends_of_the_calendar() {
        let moment = Timestamp::from_unix(0).unwrap();
        assert_eq!(moment.minus(Duration::from_secs(1)), moment);
        assert_eq!(moment.plus(Duration::MAX).rfc3339(), "9999-12-31T23:59:59Z");
        assert_eq!(Timestamp::from_unix(-1), None);
        assert_eq!(Timestamp::from_unix(i64::MAX), None);
    }
}
