//! Timestamps, and the formats in which they go over the wire.
//!
//! The only file that reads the wall clock ([`now`]); everyone else is handed a [`Timestamp`].
//! Whole seconds in UTC are all that signatures need, so that is all there is: one reading of the
//! clock gives the scope's date, `x-oss-date` and the expiry, and they can never disagree.

use std::fmt;
use std::time::Duration;

use ::time::OffsetDateTime;
use ::time::UtcDateTime;

/// The patterns of [`Timestamp::write`].
const DATE: &str = "YMD";
const BASIC: &str = "YMDThmsZ";
const MILLIS: &str = "Y-M-DTh:m:s.000Z";
const RFC3339: &str = "Y-M-DTh:m:sZ";

/// A moment in UTC, in whole seconds, between the years 1970 and 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(UtcDateTime);

impl Timestamp {
    /// Reads Unix seconds; a moment outside the years 1970 to 9999 is none.
    #[must_use]
    pub fn from_unix(seconds: i64) -> Option<Self> {
        let moment = UtcDateTime::from_unix_timestamp(seconds).ok()?;
        (1970..=9999).contains(&moment.year()).then_some(Self(moment))
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

    /// Writes a pattern, in which `Y` stands for four digits and `M`, `D`, `h`, `m`, `s` for two.
    /// A grant writes a moment five times; a general formatter took a fifteenth of its time.
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

fn push_digits(text: &mut String, number: u32, count: u32) {
    for place in (0..count).rev() {
        let digit = number / 10_u32.pow(place) % 10;
        text.extend(char::from_digit(digit, 10));
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
    fn arithmetic_stops_at_the_ends_of_the_calendar() {
        let moment = Timestamp::from_unix(0).unwrap();
        assert_eq!(moment.minus(Duration::from_secs(1)), moment);
        assert_eq!(moment.plus(Duration::MAX).rfc3339(), "9999-12-31T23:59:59Z");
        assert_eq!(Timestamp::from_unix(-1), None);
        assert_eq!(Timestamp::from_unix(i64::MAX), None);
    }
}
