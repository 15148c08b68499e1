//! Secrets from the environment. No error shows them.

use crate::config::reader::{ConfigReader, EMPTY_PART};
use crate::config::table::Setting;
use crate::secret::Secret;

/// The keys that earlier editions of the README and of `dev` showed, ready to be copied. Whoever has read
/// them can forge receipts and webhooks of a function that uses them.
const PUBLISHED: [&str; 2] = [
    "receipts-of-this-machine-and-of-no-other",
    "whsec_bWVzc2FnZXMtb2YtdGhpcy1tYWNoaW5lLWFuZC1vZi1uby1vdGhlcg==",
];

impl ConfigReader<'_> {
    /// Reads the keys of a variable: one, or several with commas.
    pub(super) fn keys(&mut self, setting: &Setting, min_bytes: usize) -> Vec<Secret> {
        let Some(text) = self.environment.get(setting.variable) else {
            return Vec::new();
        };
        let keys: Vec<_> = text.split(',').map(str::trim).map(Secret::new).collect();
        if keys.iter().any(|key| key.expose().is_empty()) {
            self.add_secret_error(setting, EMPTY_PART);
        }
        if keys.iter().any(|key| (1..min_bytes).contains(&key.expose().len())) {
            let problem = format!("each key has at least {min_bytes} bytes");
            self.add_secret_error(setting, &problem);
        }
        if keys.iter().any(|key| is_known(key.expose())) {
            self.add_known_key(setting);
        }
        keys
    }

    /// Refuses a key that everybody knows, except with a local OSS, where nothing is worth forging.
    pub(super) fn add_known_key(&mut self, setting: &Setting) {
        let problem = "this key is public: it was in the documentation, or is one byte repeated; generate a new one";
        if !self.is_local {
            self.add_secret_error(setting, problem);
        }
    }

    /// Adds an error about a secret, which shows its name only.
    pub(super) fn add_secret_error(&mut self, setting: &Setting, problem: &str) {
        let place = setting.variable.to_owned();
        self.add_error(place, problem.to_owned(), setting.variable_example());
    }
}

/// Returns whether a key is published, or one byte repeated, as it is or as base64 of zero bytes.
pub(super) fn is_known(key: &str) -> bool {
    PUBLISHED.contains(&key) || is_one_byte_repeated(key.trim_end_matches('=').as_bytes())
}

/// Returns `false` for no bytes at all.
fn is_one_byte_repeated(bytes: &[u8]) -> bool {
    bytes.split_first().is_some_and(|(first, rest)| rest.iter().all(|byte| byte == first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_keys_and_repeated_bytes_are_known() {
        for key in PUBLISHED {
            assert!(is_known(key), "{key}");
        }
        assert!(is_known(&"a".repeat(32)));
        assert!(is_known(&"0".repeat(64)));
        assert!(is_known(&format!("{}=", "A".repeat(43))), "32 zero bytes in base64");
    }

    #[test]
    fn random_keys_are_not_known() {
        for key in
            ["", "=", "an example key of more than 32 bytes", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"]
        {
            assert!(!is_known(key), "{key}");
        }
    }
}
