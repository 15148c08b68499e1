//! The two languages that explanations are given in.

use clap::ValueEnum;
use serde::Deserialize;

/// A language.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Simplified Chinese.
    Zh,
}

/// One thing said in both languages.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Said {
    en: String,
    zh: String,
}

impl Said {
    /// Gives the words in one language.
    #[must_use]
    pub fn words(&self, language: Language) -> &str {
        language.choose(&self.en, &self.zh)
    }
}

impl Language {
    /// Takes what belongs to this language.
    pub fn choose<T>(self, english: T, chinese: T) -> T {
        match self {
            Self::En => english,
            Self::Zh => chinese,
        }
    }
}
