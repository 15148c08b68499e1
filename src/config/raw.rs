//! A setting as it was written, with its place, and the error that names both.

use std::fmt;

use crate::config::table::Setting;

/// Where a setting was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Location {
    /// In the environment.
    Variable(&'static str),
    /// In the file: the line, counted from 1, and the key with its table.
    Line(usize, String),
    /// Nowhere: the caller of [`crate::config::Settings::load_over`] gave the value.
    Default,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RawValue {
    /// A text, a number or a boolean.
    One(String),
    /// A list of texts.
    Many(Vec<String>),
}

/// A setting as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RawSetting {
    pub(super) place: Location,
    pub(super) value: RawValue,
}

impl RawSetting {
    /// Names the place and shows the value.
    pub(super) fn describe(&self) -> String {
        let value = match &self.value {
            RawValue::One(text) => format!("{text:?}"),
            RawValue::Many(texts) => format!("{texts:?}"),
        };
        format!("{} = {value}", self.name())
    }

    /// Names the place without the value, which may be a secret.
    pub(super) fn name(&self) -> String {
        match &self.place {
            Location::Variable(name) => (*name).to_owned(),
            Location::Default => "default".to_owned(),
            Location::Line(line, key) => format!("upload.toml line {line}, {key}"),
        }
    }

    /// Writes a valid value as it would be written at this place.
    pub(super) fn example(&self, setting: &Setting) -> String {
        match self.place {
            Location::Variable(_) => setting.variable_example(),
            Location::Line(..) | Location::Default => setting.key_example(),
        }
    }

    /// Gives the texts of a list; a single text is split at its commas. An empty part is an empty text.
    pub(super) fn texts(&self) -> Vec<String> {
        let parts: Vec<&str> = match &self.value {
            RawValue::One(text) => text.split(',').collect(),
            RawValue::Many(texts) => texts.iter().map(String::as_str).collect(),
        };
        parts.into_iter().map(|part| part.trim().to_owned()).collect()
    }
}

/// One problem with one setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The variable, or the file's line and key; with the value, unless it is a secret.
    pub place: String,
    /// What is wrong, without a full stop.
    pub problem: String,
    /// A valid setting, ready to be copied.
    pub example: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}. Example: {}", self.place, self.problem, self.example)
    }
}

/// Every problem with the settings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfigErrors(pub Vec<ConfigError>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.len();
        let noun = if count == 1 { "problem" } else { "problems" };
        write!(formatter, "{count} {noun} with the settings; nothing was started")?;
        for error in &self.0 {
            write!(formatter, "\n  {error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}
