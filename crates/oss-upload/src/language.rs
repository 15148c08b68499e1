//! The two languages of explanations, and texts in both of them.

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

/// A text in both languages.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Text {
    en: String,
    zh: String,
}

/// Creates a [`Text`] from two format strings with the same arguments, English first.
macro_rules! text {
    ($en:literal, $zh:literal $(, $($arguments:tt)*)?) => {
        $crate::language::Text::new(
            format!($en $(, $($arguments)*)?),
            format!($zh $(, $($arguments)*)?),
        )
    };
}

pub(crate) use text;

impl Text {
    pub(crate) fn new(en: impl Into<String>, zh: impl Into<String>) -> Self {
        Self { en: en.into(), zh: zh.into() }
    }

    /// Creates a text that is the same in both languages: a name, a number, a quotation.
    pub(crate) fn verbatim(text: impl Into<String>) -> Self {
        let en = text.into();
        Self { zh: en.clone(), en }
    }

    /// Appends another text.
    pub(crate) fn with(mut self, other: &Self) -> Self {
        self.en.push_str(&other.en);
        self.zh.push_str(&other.zh);
        self
    }

    /// Returns the text in one language.
    #[must_use]
    pub fn in_language(&self, language: Language) -> &str {
        language.choose(&self.en, &self.zh)
    }
}

impl Language {
    /// Returns the argument of this language.
    pub fn choose<T>(self, english: T, chinese: T) -> T {
        match self {
            Self::En => english,
            Self::Zh => chinese,
        }
    }
}
