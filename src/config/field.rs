//! The fields of a route: the headers that it fixes, the metadata that it takes.

use std::collections::BTreeSet;

use crate::config::route::Reader;
use crate::config::setting::{METADATA, RawSetting, Setting};
use crate::config::{setting, value};
use crate::policy::header::{Header, X_OSS_SERVER_SIDE_ENCRYPTION};
use crate::policy::metadata::{MetadataPattern, MetadataRule};

/// What a error about a pattern shows as an example.
const PATTERN: Setting = Setting { variable: "", key: "pattern", example: "[a-z0-9-]{1,40}" };

impl Reader<'_, '_> {
    /// Reads the headers, each of which may stand in the environment, the route, or the top.
    pub(super) fn headers(&mut self) -> Vec<Header> {
        let headers: Vec<_> = setting::HEADERS
            .into_iter()
            .filter_map(|(name, setting)| self.value(setting, |text| Header::parse(name, text)))
            .collect();
        self.check_encryption(&headers);
        headers
    }

    /// What says more of the encryption by KMS has no meaning without it.
    fn check_encryption(&mut self, headers: &[Header]) {
        let kms = |one: &Header| one.name == X_OSS_SERVER_SIDE_ENCRYPTION && one.value == "KMS";
        if headers.iter().any(kms) {
            return;
        }
        for setting in [&setting::DATA_ENCRYPTION, &setting::ENCRYPTION_KEY_ID] {
            if let Some(entry) = self.entry(setting) {
                let problem = format!("it needs {} to be 'KMS'", setting::ENCRYPTION.key);
                let example = format!("{} = \"KMS\"", setting::ENCRYPTION.key);
                self.config.add_error(entry.describe(), problem, example);
            }
        }
    }

    /// Reads the metadata. A name in the route hides what the top says of it.
    pub(super) fn metadata(&mut self) -> Vec<MetadataRule> {
        let keys = self.keys(&format!("{METADATA}."));
        let names: BTreeSet<_> = keys.iter().filter_map(|key| key.split('.').nth(1)).collect();
        names.into_iter().map(|name| self.rule(name)).collect()
    }

    fn rule(&mut self, name: &str) -> MetadataRule {
        let path = format!("{METADATA}.{name}");
        let in_route = self.own(&path).is_some();
        let find = |reader: &Self, key: &str| -> Option<RawSetting> {
            let key = format!("{path}.{key}");
            if in_route { reader.own(&key) } else { reader.config.file.top.get(&key).cloned() }
        };
        let pattern = find(self, "pattern")
            .and_then(|entry| self.config.read(&PATTERN, &entry, MetadataPattern::parse));
        let required = find(self, "required")
            .and_then(|entry| self.config.read(&PATTERN, &entry, value::truth));
        MetadataRule { name: name.to_owned(), pattern, required: required.unwrap_or(false) }
    }
}
