//! Takes the readings of a report for a local OSS: `--like conformance.json`.

use std::fmt;
use std::fs;

use crate::conformance::probes;
use crate::conformance::report::{FORMAT, Report, ReportSubject, ResultKind};
use oss_emulator::oss::Strictness;

/// The readings of a report that differ from those of the local OSS.
#[derive(Clone)]
pub(crate) struct MeasuredReadings {
    path: String,
    region: String,
    day: String,
    /// Selects one reading each.
    settings: Vec<fn(&mut Strictness)>,
    /// The probes whose result the local OSS has no setting for.
    without_setting: Vec<String>,
}

impl fmt::Debug for MeasuredReadings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("MeasuredReadings").field("path", &self.path).finish_non_exhaustive()
    }
}

impl MeasuredReadings {
    /// Reads the file of a report. The error is a sentence for the command line.
    pub(crate) fn read(path: &str) -> Result<Self, String> {
        let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
        let report: Report = serde_json::from_str(&text).map_err(|error| {
            format!("the file is no report of `oss-upload conformance`: {error}")
        })?;
        if report.format != FORMAT {
            return Err(format!(
                "the report has format {}, and this version of the tool reads format {FORMAT}",
                report.format
            ));
        }
        if report.subject != ReportSubject::Bucket {
            return Err(
                "the report is of a gateway, and the local OSS follows reports of a bucket"
                    .to_owned(),
            );
        }
        Ok(Self::of(path, &report))
    }

    /// Takes the readings of a report.
    pub(super) fn of(path: &str, report: &Report) -> Self {
        let probes = probes::all();
        let (mut settings, mut without_setting) = (Vec::new(), Vec::new());
        for result in &report.probes {
            if !matches!(result.result, ResultKind::Other | ResultKind::Unknown) {
                continue;
            }
            let probe = probes.iter().find(|probe| probe.name == result.probe);
            let others = probe.into_iter().flat_map(|probe| &probe.others);
            let mut readings = others
                .filter(|other| Some(other.predicted.to_string()) == result.reading)
                .filter_map(|other| other.apply);
            match readings.next() {
                Some(apply) => settings.push(apply),
                None => without_setting.push(result.probe.clone()),
            }
        }
        let (path, region, day) = (path.to_owned(), report.region.clone(), report.day.clone());
        Self { path, region, day, settings, without_setting }
    }

    /// Selects the readings.
    pub(crate) fn apply(&self, strictness: &mut Strictness) {
        for setting in &self.settings {
            setting(strictness);
        }
    }

    /// Returns the line that says what was taken from the report, and what was not.
    pub(crate) fn line(&self) -> String {
        let Self { path, region, day, settings, without_setting } = self;
        let readings = settings.len();
        let taken = format!("like  {path}   {region}, {day}; other readings taken: {readings}");
        match &without_setting[..] {
            [] => taken,
            names => format!("{taken}; without a setting here: {}", names.join(", ")),
        }
    }
}
