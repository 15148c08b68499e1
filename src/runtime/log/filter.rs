//! Which events are worth a line.
//!
//! Reads `level` and `target=level`, no regular expressions: they cost start-up time that a
//! function pays at every cold start.

use std::error::Error;
use std::fmt;

use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::filter::Targets;

/// Reads a filter; an empty one means `info`.
pub(crate) fn parse(text: &str) -> Result<Targets, FilterError> {
    let mut targets = Targets::new();
    if text.trim().is_empty() {
        return Ok(targets.with_default(LevelFilter::INFO));
    }
    for part in text.split(',') {
        let complaint = || FilterError(part.to_owned());
        targets = match part.split_once('=') {
            Some((target, level)) if !target.trim().is_empty() => {
                targets.with_target(target.trim(), level_named(level).ok_or_else(complaint)?)
            }
            Some(_) => return Err(complaint()),
            // A lone word is a level. Reading it as a target would turn a mistyped level into a
            // log that stays empty.
            None => targets.with_default(level_named(part).ok_or_else(complaint)?),
        };
    }
    Ok(targets)
}

/// The parser of the level type also takes numbers and the empty string; a filter does not.
fn level_named(name: &str) -> Option<LevelFilter> {
    let name = name.trim();
    name.starts_with(|first: char| first.is_ascii_alphabetic()).then(|| name.parse().ok())?
}

/// A part of the filter that is neither a level nor `target=level`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterError(String);

impl fmt::Display for FilterError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{:?} is no log filter; write off, error, warn, info, debug or trace, or target=level",
            self.0
        )
    }
}

impl Error for FilterError {}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn without_a_filter_info_is_logged() {
        for empty in ["", "  "] {
            let targets = parse(empty).unwrap();
            assert!(targets.would_enable("any", &Level::INFO));
            assert!(!targets.would_enable("any", &Level::DEBUG));
        }
    }

    #[test]
    fn a_target_may_have_its_own_level() {
        let targets = parse("warn, signer=debug").unwrap();
        assert!(targets.would_enable("signer::routes", &Level::DEBUG));
        assert!(!targets.would_enable("hyper", &Level::INFO));
        assert!(!parse("OFF").unwrap().would_enable("signer", &Level::ERROR));
    }

    #[test]
    fn a_mistyped_level_is_refused() {
        for bad in ["inof", "signer=loud", "=info", "info,", "signer=", "3"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        assert_eq!(
            parse("inof").unwrap_err().to_string(),
            "\"inof\" is no log filter; write off, error, warn, info, debug or trace, or target=level"
        );
    }
}
