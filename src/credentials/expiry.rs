//! The moment at which a key ends, as services, files and commands write it.
//!
//! RFC 3339, with a fraction or without and with any offset; or Unix seconds, as the command line
//! tool keeps them. An end is a moment and never a duration: the two have been mixed up before.

use ::time::Date;
use ::time::Month;
use ::time::Time;
use ::time::UtcDateTime;

use crate::time::Timestamp;

/// The fixed part of a moment; `d` stands for a digit.
const SHAPE: &str = "dddd-dd-ddTdd:dd:dd";

/// Reads a moment; a fraction of a second is dropped, which is early and therefore safe.
pub(super) fn read(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Timestamp::from_unix(text.parse().ok()?);
    }
    let (moment, rest) = text.split_at_checked(SHAPE.len())?;
    let fits = |(byte, shape): (u8, u8)| match shape {
        b'd' => byte.is_ascii_digit(),
        shape => byte == shape,
    };
    if !moment.bytes().zip(SHAPE.bytes()).all(fits) {
        return None;
    }
    let number = |from: usize| moment.get(from..from + 2)?.parse::<u8>().ok();
    let month = Month::try_from(number(5)?).ok()?;
    let date = Date::from_calendar_date(moment.get(..4)?.parse().ok()?, month, number(8)?).ok()?;
    let time = Time::from_hms(number(11)?, number(14)?, number(17)?).ok()?;
    let seconds = UtcDateTime::new(date, time).unix_timestamp();
    Timestamp::from_unix(seconds - offset(without_fraction(rest)?)?)
}

fn without_fraction(rest: &str) -> Option<&str> {
    let Some(fraction) = rest.strip_prefix('.') else {
        return Some(rest);
    };
    let zone = fraction.trim_start_matches(|letter: char| letter.is_ascii_digit());
    (zone.len() < fraction.len()).then_some(zone)
}

/// Reads `Z` or `+08:00` as seconds east of Greenwich.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_moment_is_read_from_every_way_of_writing_it() {
        let moment = Timestamp::from_unix(1_893_575_045);
        for text in [
            "2030-01-02T09:04:05Z",
            "2030-01-02T09:04:05.000Z",
            "2030-01-02T09:04:05.999999Z",
            "2030-01-02T17:04:05+08:00",
            "2030-01-02T03:34:05-05:30",
            " 2030-01-02T09:04:05Z\n",
            "1893575045",
        ] {
            assert_eq!(read(text), moment, "{text}");
        }
    }

    #[test]
    fn what_is_no_moment_is_none() {
        for text in [
            "",
            "soon",
            "2030-01-02",
            "2030-01-02T09:04:05",
            "2030-01-02T09:04:05.Z",
            "2030-13-02T09:04:05Z",
            "2030-02-30T09:04:05Z",
            "2030-01-02T24:04:05Z",
            "2030-01-02 09:04:05Z",
            "2030-01-02T09:04:05+8:00",
            "2030-01-02T09:04:05+08",
            "+030-01-02T09:04:05Z",
            "2030-01-02T09:04:05中",
            "99999999999999999999",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
