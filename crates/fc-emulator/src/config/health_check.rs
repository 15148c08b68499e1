//! The settings of a health check, with the bounds that the platform sets.
//!
//! From "Configure instance health checks" and `CustomHealthCheckConfig`.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use http::uri::PathAndQuery;

/// The length limit of a path, in bytes.
const MAX_PATH: usize = 2048;

/// A health check: a GET that an instance has to answer before its first request, and again later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthCheck {
    /// The path of the GET.
    pub path: PathAndQuery,
    /// The time between the start of an instance and its first check.
    pub initial_delay: Duration,
    /// The time between two checks of an instance.
    pub period: Duration,
    /// How long the response may take.
    pub timeout: Duration,
    /// So many failed checks in a row make an instance unhealthy.
    pub failure_threshold: u32,
    /// So many passed checks in a row make it healthy again.
    pub success_threshold: u32,
}

impl HealthCheck {
    /// A check of this path, with the platform's defaults for everything else.
    ///
    /// # Errors
    ///
    /// If the text is not a path, or is too long.
    pub fn new(path: &str) -> Result<Self, HealthCheckError> {
        if path.len() > MAX_PATH {
            return Err(HealthCheckError::PathTooLong(path.len()));
        }
        let parsed = path.starts_with('/').then(|| path.parse().ok()).flatten();
        Ok(Self {
            path: parsed.ok_or_else(|| HealthCheckError::Path(path.to_owned()))?,
            initial_delay: Duration::ZERO,
            period: Duration::from_secs(3),
            timeout: Duration::from_secs(1),
            failure_threshold: 3,
            success_threshold: 1,
        })
    }

    /// Sets a number by the platform's name for it, such as `periodSeconds`.
    ///
    /// # Errors
    ///
    /// If there is no such setting, or the number is out of its bounds.
    pub fn set(&mut self, name: &str, number: u32) -> Result<(), HealthCheckError> {
        let within = |bounds: RangeInclusive<u32>| {
            let fits = bounds.contains(&number).then_some(number);
            fits.ok_or_else(|| HealthCheckError::Bounds { name: name.to_owned(), bounds })
        };
        let seconds = |bounds| Ok(Duration::from_secs(within(bounds)?.into()));
        match name {
            "initialDelaySeconds" => self.initial_delay = seconds(0..=120)?,
            "periodSeconds" => self.period = seconds(1..=120)?,
            "timeoutSeconds" => self.timeout = seconds(1..=3)?,
            "failureThreshold" => self.failure_threshold = within(1..=120)?,
            "successThreshold" => self.success_threshold = within(1..=120)?,
            _ => return Err(HealthCheckError::Name(name.to_owned())),
        }
        Ok(())
    }
}

/// The reason why the platform would refuse the settings of a health check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HealthCheckError {
    /// The text is not a path.
    Path(String),
    /// The path has this many bytes, which are too many.
    PathTooLong(usize),
    /// There is no setting of this name.
    Name(String),
    /// The number is too small or too large.
    Bounds {
        /// The name of the setting.
        name: String,
        /// The numbers that the platform accepts.
        bounds: RangeInclusive<u32>,
    },
}

impl fmt::Display for HealthCheckError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => {
                write!(formatter, "{path:?} is no path; write one such as /health")
            }
            Self::PathTooLong(length) => write!(
                formatter,
                "the path has {length} characters, and the platform takes {MAX_PATH}; shorten it"
            ),
            Self::Name(name) => write!(
                formatter,
                "{name:?} is no setting of a health check; there are initialDelaySeconds, \
                 periodSeconds, timeoutSeconds, failureThreshold and successThreshold"
            ),
            Self::Bounds { name, bounds } => {
                let (least, most) = (bounds.start(), bounds.end());
                write!(formatter, "{name} has to be a number from {least} to {most}")
            }
        }
    }
}

impl std::error::Error for HealthCheckError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_settings_that_the_platform_accepts_can_be_set() {
        let mut check = HealthCheck::new("/health?deep=1").unwrap();
        for (name, least, most) in [
            ("initialDelaySeconds", 0, 120),
            ("periodSeconds", 1, 120),
            ("timeoutSeconds", 1, 3),
            ("failureThreshold", 1, 120),
            ("successThreshold", 1, 120),
        ] {
            check.set(name, least).unwrap();
            check.set(name, most).unwrap();
            let error = check.set(name, most + 1).unwrap_err().to_string();
            assert_eq!(error, format!("{name} has to be a number from {least} to {most}"));
            assert!(least == 0 || check.set(name, 0).is_err());
        }
        assert_eq!(
            (check.initial_delay, check.period),
            (Duration::from_mins(2), Duration::from_mins(2))
        );
        assert_eq!(check.timeout, Duration::from_secs(3));
        assert_eq!((check.failure_threshold, check.success_threshold), (120, 120));
        check.set("period", 1).unwrap_err();
        HealthCheck::new(&format!("/{}", "p".repeat(MAX_PATH - 1))).unwrap();
        for path in ["", "health", "http://host/", "/a b", &format!("/{}", "p".repeat(MAX_PATH))] {
            HealthCheck::new(path).unwrap_err();
        }
    }
}
