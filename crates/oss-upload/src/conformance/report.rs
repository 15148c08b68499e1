//! The report: a line for each probe, and the file `conformance.json`.
//!
//! A report is of a bucket, or of the gateway in front of a function. The file contains no key, no account id, no bucket
//! and no host, so it can be published. What it says of a response
//! comes from [`Observation`](crate::conformance::observation::Observation), which keeps no text of the service but
//! its codes.

use serde::{Deserialize, Serialize};

use crate::conformance::probe::{Outcome, Probe};
use crate::conformance::target::MeasuredBucket;
use oss_upload_signer::time::Timestamp;

/// The version of the format.
pub(super) const FORMAT: u32 = 2;

/// The results of one run.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Report {
    pub(super) format: u32,
    /// The version of the tool.
    pub(super) tool: String,
    /// The day of the run in UTC, such as `2026-11-30`.
    pub(super) day: String,
    pub(super) subject: ReportSubject,
    pub(super) region: String,
    /// Whether the requests went to the default host of the bucket or of the function, and not to a custom domain.
    pub(super) default_host: bool,
    /// Whether the key was a temporary one. A gateway is measured without a key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) temporary_key: Option<bool>,
    pub(super) probes: Vec<ProbeResult>,
}

/// What was measured.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ReportSubject {
    Bucket,
    Gateway,
}

/// The result of one probe.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProbeResult {
    /// The name of the probe.
    pub(super) probe: String,
    /// The row of the table of choices or of behaviours; missing for a documented error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) choice: Option<String>,
    pub(super) result: ResultKind,
    /// What the local OSS does.
    pub(super) here: String,
    /// What the service did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) observed: Option<String>,
    /// The other reading that predicts what the service did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reading: Option<String>,
    /// Why the probe was not run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
}

/// How a result compares with the readings of the documentation.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ResultKind {
    /// The service does what the local OSS does.
    Same,
    /// The service does what another reading predicts.
    Other,
    /// No reading predicts what the service does.
    Unknown,
    NotRun,
}

impl Report {
    /// Creates a report on a bucket, without results.
    pub(super) fn new(bucket: &MeasuredBucket) -> Self {
        Self {
            format: FORMAT,
            tool: env!("CARGO_PKG_VERSION").to_owned(),
            day: day(bucket.now()),
            subject: ReportSubject::Bucket,
            region: bucket.region.clone(),
            default_host: bucket.is_default_host(),
            temporary_key: Some(bucket.is_temporary_key()),
            probes: Vec::new(),
        }
    }

    /// Creates a report on a gateway, without results.
    pub(super) fn of_gateway(now: Timestamp, region: String, default_host: bool) -> Self {
        Self {
            format: FORMAT,
            tool: env!("CARGO_PKG_VERSION").to_owned(),
            day: day(now),
            subject: ReportSubject::Gateway,
            region,
            default_host,
            temporary_key: None,
            probes: Vec::new(),
        }
    }

    fn count(&self, kind: ResultKind) -> usize {
        self.probes.iter().filter(|result| result.result == kind).count()
    }

    /// Returns one sentence with the number of results of each kind.
    pub(super) fn summary(&self) -> String {
        let [same, other, unknown, not_run] =
            [ResultKind::Same, ResultKind::Other, ResultKind::Unknown, ResultKind::NotRun]
                .map(|kind| self.count(kind));
        let local = match self.subject {
            ReportSubject::Bucket => "OSS",
            ReportSubject::Gateway => "gateway",
        };
        format!(
            "{same} as in the local {local}, {other} as another reading says, {unknown} otherwise, {not_run} \
             not run"
        )
    }

    pub(super) fn json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}

impl ProbeResult {
    /// Describes the outcome of a probe.
    pub(super) fn new(probe: &Probe, outcome: &Outcome) -> Self {
        let mut result = Self {
            probe: probe.name.to_owned(),
            choice: probe.choice.map(str::to_owned),
            result: ResultKind::NotRun,
            here: probe.here.to_string(),
            observed: None,
            reading: None,
            reason: None,
        };
        match outcome {
            Outcome::Same(observation) => {
                (result.result, result.observed) =
                    (ResultKind::Same, Some(observation.to_string()));
            }
            Outcome::Other(observation, at) => {
                (result.result, result.observed) =
                    (ResultKind::Other, Some(observation.to_string()));
                result.reading = probe.others.get(*at).map(|other| other.predicted.to_string());
            }
            Outcome::Unknown(observation) => {
                (result.result, result.observed) =
                    (ResultKind::Unknown, Some(observation.to_string()));
            }
            Outcome::NotRun(reason) => result.reason = Some(reason.clone()),
        }
        result
    }

    /// Returns the line of this result. A result that differs also says what the local OSS does.
    pub(super) fn line(&self) -> String {
        let Self { probe, here, .. } = self;
        let observed = self.observed.as_deref().unwrap_or_default();
        match self.result {
            ResultKind::Same => format!("same     {probe:<24} {observed}"),
            ResultKind::Other => format!("other    {probe:<24} {observed}; here {here}"),
            ResultKind::Unknown => format!("unknown  {probe:<24} {observed}; here {here}"),
            ResultKind::NotRun => {
                format!("not run  {probe:<24} {}", self.reason.as_deref().unwrap_or_default())
            }
        }
    }
}

fn day(now: Timestamp) -> String {
    now.rfc3339().chars().take(10).collect()
}
