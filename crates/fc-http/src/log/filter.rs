//! Which events are worth a line.
//!
//! Reads `level` and `target=level`, no regular expressions: they cost start-up time that a
//! function pays at every cold start.

use std::cmp::Reverse;
use std::error::Error;
use std::fmt;

use tracing::level_filters::LevelFilter;
use tracing::metadata::Metadata;

/// How much is logged, in general and of some targets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Filter {
    general: LevelFilter,
    /// What targets begin with and the level of each, the longest first.
    targets: Vec<(String, LevelFilter)>,
}

impl Filter {
    /// Reads a filter; an empty one means `info`.
    pub(crate) fn parse(text: &str) -> Result<Self, FilterError> {
        let mut filter = Self { general: LevelFilter::OFF, targets: Vec::new() };
        if text.trim().is_empty() {
            filter.general = LevelFilter::INFO;
            return Ok(filter);
        }
        for part in text.split(',') {
            let complaint = || FilterError(part.to_owned());
            match part.split_once('=').map(|(target, level)| (target.trim(), level)) {
                Some(("", _)) => return Err(complaint()),
                Some((target, level)) => {
                    let level = level_named(level).ok_or_else(complaint)?;
                    filter.targets.push((target.to_owned(), level));
                }
                // A lone word is a level. Reading it as a target would turn a mistyped level into a
                // log that stays empty.
                None => filter.general = level_named(part).ok_or_else(complaint)?,
            }
        }
        filter.targets.sort_by_key(|(target, _)| Reverse(target.len()));
        Ok(filter)
    }

    /// Tells whether an event is logged.
    pub(crate) fn admits(&self, event: &Metadata<'_>) -> bool {
        *event.level() <= self.level(event.target())
    }

    /// Gives the level beyond which nothing is logged.
    pub(crate) fn most(&self) -> LevelFilter {
        let levels = self.targets.iter().map(|(_, level)| *level);
        levels.fold(self.general, LevelFilter::max)
    }

    fn level(&self, target: &str) -> LevelFilter {
        let named =
            self.targets.iter().find(|(beginning, _)| target.starts_with(beginning.as_str()));
        named.map_or(self.general, |(_, level)| *level)
    }
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
    use super::*;

    fn level(filter: &str, target: &str) -> LevelFilter {
        Filter::parse(filter).unwrap().level(target)
    }

    #[test]
    fn without_a_filter_info_is_logged() {
        for empty in ["", "  "] {
            assert_eq!(level(empty, "any"), LevelFilter::INFO);
        }
    }

    #[test]
    fn a_target_may_have_its_own_level() {
        let filter = "warn, signer=debug, signer::routes::callback=OFF, signer::routes=trace";
        assert_eq!(level(filter, "signer::runtime"), LevelFilter::DEBUG);
        assert_eq!(level(filter, "hyper"), LevelFilter::WARN);
        assert_eq!(level(filter, "signer::routes"), LevelFilter::TRACE);
        assert_eq!(level(filter, "signer::routes::callback"), LevelFilter::OFF);
        assert_eq!(level("OFF", "signer"), LevelFilter::OFF);
        assert_eq!(Filter::parse(filter).unwrap().most(), LevelFilter::TRACE);
    }

    #[test]
    fn a_mistyped_level_is_refused() {
        for bad in ["inof", "signer=loud", "=info", "info,", "signer=", "3"] {
            assert!(Filter::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(
            Filter::parse("inof").unwrap_err().to_string(),
            "\"inof\" is no log filter; write off, error, warn, info, debug or trace, or target=level"
        );
    }
}
