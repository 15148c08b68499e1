//! The access key in the environment: two families of names, the platform's own first.

use std::time::Duration;

use crate::config::reader::ConfigReader;
use crate::credentials::providers::environment::EnvironmentCredentials;
use crate::secret::Secret;
use crate::time::Timestamp;

/// The names of id, secret and token; the first family that is set is taken whole.
pub(super) const NAMES: [[&str; 3]; 2] = [
    [
        "ALIBABA_CLOUD_ACCESS_KEY_ID",
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
        "ALIBABA_CLOUD_SECURITY_TOKEN",
    ],
    ["OSS_ACCESS_KEY_ID", "OSS_ACCESS_KEY_SECRET", "OSS_SESSION_TOKEN"],
];

/// Reads the key, if one is set; half a key is a error. No value is ever shown.
pub(super) fn read(
    config: &mut ConfigReader<'_>,
    started: Timestamp,
    lifetime: Duration,
) -> Option<EnvironmentCredentials> {
    for [id, secret, token] in NAMES {
        let environment = config.environment;
        match (environment.get(id), environment.get(secret)) {
            (Some(key_id), Some(text)) => {
                let token = environment.get(token).map(Secret::new);
                return Some(EnvironmentCredentials::new(
                    key_id.to_owned(),
                    Secret::new(text),
                    token,
                    started,
                    lifetime,
                ));
            }
            (Some(_), None) => half(config, secret, id),
            (None, Some(_)) => half(config, id, secret),
            (None, None) => {}
        }
    }
    None
}

fn half(config: &mut ConfigReader<'_>, missing: &str, present: &str) {
    let problem = format!("it is not set, although {present} is; a key needs both");
    config.add_error(missing.to_owned(), problem, format!("{missing}=… or unset {present}"));
}
