//! The health check: a question that an instance has to answer before its first request, and again
//! while it is at work.
//!
//! From "Configure instance health checks" and `CustomHealthCheckConfig`: what is set and within which
//! bounds, when the first check comes, what counts as passed, and how many in a row change what is
//! thought of an instance. That a check brings none of the platform's headers is assumed: none are
//! documented for it.
//!
//! A later check is made when a request is about to be given a place in the instance and the last one is
//! at least a period old, and at no other moment. Only such a request asks how the instance is, so it
//! learns nothing less; and there is no clock that would tick while the instance stands still, and no
//! task that could outlive it. What is not seen so: an instance that would fail its checks while it works
//! on one long request and nobody else comes.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::Response;
use http::Uri;
use http::uri::PathAndQuery;
use http_body_util::BodyExt;
use http_body_util::Full;
use hyper::body::Incoming;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::forward::Upstream;
use crate::hook::Called;
use crate::refusal::Refusal;

/// How long a path may be.
const MAX_PATH: usize = 2048;

/// Describes how an instance is asked whether it is well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthCheck {
    /// The path that is asked for by GET.
    pub path: PathAndQuery,
    /// How long after its start an instance is asked first.
    pub initial_delay: Duration,
    /// How old the last check has to be before there is another.
    pub period: Duration,
    /// How long an answer may take.
    pub timeout: Duration,
    /// So many failed checks in a row make an instance unhealthy.
    pub failure_threshold: u32,
    /// So many passed ones in a row make it healthy again.
    pub success_threshold: u32,
}

impl HealthCheck {
    /// Asks for a path, with the platform's defaults for all else.
    ///
    /// # Errors
    ///
    /// If it is no path, or too long a one.
    pub fn new(path: &str) -> Result<Self, HealthCheckError> {
        if path.len() > MAX_PATH {
            return Err(HealthCheckError::Long(path.len()));
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

    /// Sets a number by the platform's name for it.
    ///
    /// # Errors
    ///
    /// If there is no such name, or the number is out of its bounds.
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

/// Says why a health check cannot be set so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HealthCheckError {
    /// It is no path.
    Path(String),
    /// The path is too long.
    Long(usize),
    /// There is no such setting.
    Name(String),
    /// The number is too small or too large.
    Bounds {
        /// The setting.
        name: String,
        /// What the platform takes.
        bounds: RangeInclusive<u32>,
    },
}

impl fmt::Display for HealthCheckError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => {
                write!(formatter, "{path:?} is no path; write one such as /health")
            }
            Self::Long(length) => write!(
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

/// The health of one instance, as far as its checks tell.
#[derive(Debug)]
pub(crate) struct Health {
    check: HealthCheck,
    first: OnceLock<Called>,
    course: Mutex<Course>,
    is_ill: AtomicBool,
}

/// How the checks have gone of late.
#[derive(Debug)]
struct Course {
    asked: Instant,
    /// How many in a row speak against what is thought of the instance.
    against: u32,
}

impl Health {
    pub(crate) fn new(check: HealthCheck) -> Self {
        let course = Mutex::new(Course { asked: Instant::now(), against: 0 });
        Self { check, first: OnceLock::new(), course, is_ill: AtomicBool::new(false) }
    }

    /// What came of the first check.
    pub(crate) fn first(&self) -> Option<Called> {
        self.first.get().copied()
    }

    pub(crate) fn is_ill(&self) -> bool {
        self.is_ill.load(Ordering::Relaxed)
    }

    /// Makes the first check, without which there is no instance.
    pub(crate) async fn begin(&self, upstream: &Upstream, started: Instant) -> Result<(), Refusal> {
        tokio::time::sleep_until(started + self.check.initial_delay).await;
        self.course.lock().await.asked = Instant::now();
        let called = self.ask(upstream).await;
        let _ = self.first.set(called);
        if passes(called) {
            return Ok(());
        }
        let (path, limit) = (&self.check.path, self.check.timeout.as_secs_f32());
        let outcome = match called.status {
            Some(status) => format!("answered {status}"),
            None => "not answered".to_owned(),
        };
        Err(Refusal::HealthCheck(format!(
            "the first health check, GET {}, was {outcome}; it has to be answered 200 to 399 within \
             {limit} s",
            path.path()
        )))
    }

    /// Makes the check that is due, if one is.
    pub(crate) async fn look(&self, upstream: &Upstream) {
        // Whoever comes meanwhile waits for the same answer.
        let mut course = self.course.lock().await;
        if course.asked.elapsed() < self.check.period {
            return;
        }
        course.asked = Instant::now();
        let is_ill = self.is_ill();
        let agrees = passes(self.ask(upstream).await) != is_ill;
        let enough =
            if is_ill { self.check.success_threshold } else { self.check.failure_threshold };
        if course.is_refuted(agrees, enough) {
            self.is_ill.store(!is_ill, Ordering::Relaxed);
        }
    }

    async fn ask(&self, upstream: &Upstream) -> Called {
        let started = Instant::now();
        let mut status = None;
        let asked = async {
            if let Ok(answer) = self.send(upstream).await {
                status = Some(answer.status().as_u16());
                // Read to its end, it leaves its connection to the request that comes next.
                let mut body = answer.into_body();
                while let Some(Ok(_)) = body.frame().await {}
            }
        };
        // Whether the rest of an answer came in time as well does not count.
        let _ = tokio::time::timeout(self.check.timeout, asked).await;
        Called { status, took: started.elapsed() }
    }

    async fn send(&self, upstream: &Upstream) -> Result<Response<Incoming>, Refusal> {
        match upstream.send(self.request()).await {
            // A kept connection that has turned out dead says nothing of the instance's health.
            Err(Refusal::Exited) => upstream.send(self.request()).await,
            answer => answer,
        }
    }

    fn request(&self) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::default());
        *request.uri_mut() = Uri::from(self.check.path.clone());
        request
    }
}

impl Course {
    /// Counts an outcome, and tells whether enough in a row now speak against what is thought.
    fn is_refuted(&mut self, agrees: bool, enough: u32) -> bool {
        self.against = if agrees { 0 } else { self.against + 1 };
        let is_refuted = !agrees && self.against >= enough;
        if is_refuted {
            self.against = 0;
        }
        is_refuted
    }
}

/// Tells whether the platform counts a check as passed; a redirect is one, too.
fn passes(called: Called) -> bool {
    called.status.is_some_and(|status| (200..400).contains(&status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_platform_takes_can_be_set() {
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

    #[test]
    fn only_so_many_in_a_row_change_what_is_thought() {
        let mut course = Course { asked: Instant::now(), against: 0 };
        let outcomes = [false, true, false, false, false];
        let turns = outcomes.map(|agrees| course.is_refuted(agrees, 2));
        assert_eq!(turns, [false, false, false, true, false]);
        assert!(course.is_refuted(false, 1));
    }

    #[test]
    fn a_check_passes_with_a_redirect_and_not_with_silence() {
        let outcome = |status| passes(Called { status, took: Duration::ZERO });
        let outcomes = [Some(199), Some(200), Some(399), Some(400), None].map(outcome);
        assert_eq!(outcomes, [false, true, true, false, false]);
    }
}
