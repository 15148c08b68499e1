//! Uploads in parts: the rules of a route, and the keys of upload tokens.

use std::time::Duration;

use crate::callback::upload_token;
use crate::config::reader::{ConfigReader, RouteReader};
use crate::config::{table, value};
use crate::policy::part_size::{
    DEFAULT_PARALLEL, DEFAULT_RESUME, DEFAULT_THRESHOLD, MAX_MULTIPART_BYTES, MAX_PARALLEL,
    MAX_PART_BYTES, MAX_RESUME, MIN_PART_BYTES, MultipartRules, PartPlan, PartPlanError,
    default_part_size,
};
use crate::policy::route::{MAX_OBJECT_BYTES, Route};
use crate::secret::Secret;

/// The shortest time within which an upload can be resumed: less would not outlast a slow part.
const MIN_RESUME: Duration = Duration::from_mins(1);

/// The name of the metadata that the function sets, without `x-oss-meta-`.
const UPLOAD_ID: &str = "upload-id";

/// Reads the keys of upload tokens. A route with uploads in parts needs one.
pub(super) fn read_token_keys(config: &mut ConfigReader<'_>, routes: &[Route]) -> Vec<Secret> {
    let keys = config.keys(&table::TOKEN_KEYS, upload_token::MIN_KEY_LENGTH);
    if keys.is_empty() && routes.iter().any(|route| route.multipart.is_some()) {
        let setting = &table::TOKEN_KEYS;
        config.add_error(
            table::MULTIPART.key.to_owned(),
            format!(
                "the state of an upload is in a token, which is signed; set {}",
                setting.variable
            ),
            setting.variable_example(),
        );
    }
    keys
}

impl RouteReader<'_, '_> {
    /// Returns whether the route allows uploads in parts.
    pub(super) fn has_multipart(&mut self) -> bool {
        self.value(&table::MULTIPART, value::boolean).unwrap_or(false)
    }

    /// Reads the rules of uploads in parts for files of up to `max_size` bytes.
    pub(super) fn multipart(&mut self, max_size: u64) -> MultipartRules {
        self.check_metadata();
        let threshold = self.value(&table::MULTIPART_THRESHOLD, threshold);
        let part_size = self.value(&table::MULTIPART_PART_SIZE, |text| part_size(text, max_size));
        let resume = self.value(&table::MULTIPART_RESUME, resume);
        let max_parallel = self.value(&table::MULTIPART_MAX_PARALLEL, max_parallel);
        let unsized_files = self.value(&table::MULTIPART_UNSIZED, value::boolean);
        MultipartRules {
            threshold: threshold.unwrap_or(DEFAULT_THRESHOLD),
            part_size: part_size.unwrap_or_else(|| default_part_size(max_size)),
            resume: resume.unwrap_or(DEFAULT_RESUME),
            max_parallel: max_parallel.unwrap_or(DEFAULT_PARALLEL),
            unsized_files: unsized_files.unwrap_or(false),
        }
    }

    /// Refuses metadata of clients under the name with which the function recognises its own objects.
    fn check_metadata(&mut self) {
        let key = format!("{}.{UPLOAD_ID}", table::METADATA.key);
        let raw = self.own(&key).or_else(|| self.config.file.top.get(&key).cloned());
        if let Some(raw) = raw {
            let problem = "the function itself sets this name where multipart.enabled is true";
            self.add_conflict(&raw, problem, "metadata.title = \"[a-z]{1,40}\"".to_owned());
        }
    }
}

/// Reads the largest size of a file; one that no single request carries needs uploads in parts.
pub(super) fn max_size(text: &str, has_multipart: bool) -> Result<u64, String> {
    match value::size(text)? {
        0 => Err("the largest size is 0: nothing could be uploaded".to_owned()),
        bytes if bytes > MAX_MULTIPART_BYTES => {
            Err("an object has at most 48.8 TB, that is 48800GB".to_owned())
        }
        bytes if bytes > MAX_OBJECT_BYTES && !has_multipart => {
            Err("a form upload takes at most 5GiB; larger files need multipart.enabled".to_owned())
        }
        bytes => Ok(bytes),
    }
}

fn threshold(text: &str) -> Result<u64, String> {
    let bytes = value::size(text)?;
    if (1..=MAX_OBJECT_BYTES).contains(&bytes) {
        return Ok(bytes);
    }
    Err("files above 5GiB are always uploaded in parts, so the threshold is from 1B to 5GiB"
        .to_owned())
}

fn part_size(text: &str, max_size: u64) -> Result<u64, String> {
    let bytes = value::size(text)?;
    if !(MIN_PART_BYTES..=MAX_PART_BYTES).contains(&bytes) {
        return Err("a part has from 100KiB to 5GiB".to_owned());
    }
    if let Err(PartPlanError::TooManyParts(parts)) = PartPlan::new(max_size, bytes) {
        let least = value::size_text(default_part_size(max_size));
        return Err(format!(
            "a file of max_size would have {parts} parts, and OSS accepts 10000; parts of {least} are large enough"
        ));
    }
    Ok(bytes)
}

fn resume(text: &str) -> Result<Duration, String> {
    let resume = value::duration(text)?;
    if (MIN_RESUME..=MAX_RESUME).contains(&resume) {
        return Ok(resume);
    }
    Err("an upload can be resumed within 1m to 7d".to_owned())
}

fn max_parallel(text: &str) -> Result<u8, String> {
    let count = text.parse().ok().filter(|count| (1..=MAX_PARALLEL).contains(count));
    count.ok_or_else(|| format!("a client uploads from 1 to {MAX_PARALLEL} parts at once"))
}

#[cfg(test)]
mod tests {
    use crate::config::Settings;
    use crate::time::Timestamp;

    const KEYS: (&str, &str) = ("UPLOAD_TOKEN_KEYS", "an example key of more than 32 bytes");

    fn load(variables: &[(&str, &str)], file: &str) -> Result<Settings, String> {
        let small = [
            ("OSS_BUCKET", "my-bucket"),
            ("OSS_REGION", "cn-hangzhou"),
            ("UPLOAD_AUTH", "anonymous"),
        ];
        let pairs = small.iter().chain(variables);
        let environment =
            pairs.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let now = Timestamp::from_unix(1_732_687_781).unwrap();
        Settings::load(&environment, Some(file), now).map_err(|errors| errors.to_string())
    }

    #[test]
    fn a_route_without_the_setting_has_no_uploads_in_parts() {
        let settings = load(&[], "[multipart]\nthreshold = \"10MiB\"\n[routes.a]\n").unwrap();
        assert_eq!(settings.routes[0].multipart, None);
        assert!(settings.upload_token_keys.is_empty());
    }

    #[test]
    fn the_rules_have_defaults_that_reach_the_largest_file() {
        let file = "[routes.a]\nmax_size = \"1000GiB\"\nmultipart.enabled = true\n\
                    [routes.b]\n[routes.b.multipart]\nenabled = true\nthreshold = \"16MiB\"\npart_size = \"5MiB\"\n\
                    resume = \"7d\"\nmax_parallel = 6\nunsized = true\n";
        let settings = load(&[KEYS], file).unwrap();
        let rules: Vec<_> = settings.routes.iter().map(|route| route.multipart.unwrap()).collect();
        insta::assert_snapshot!(format!("{rules:?}"), @"[MultipartRules { threshold: 104857600, part_size: 108003328, resume: 86400s, max_parallel: 4, unsized_files: false }, MultipartRules { threshold: 16777216, part_size: 5242880, resume: 604800s, max_parallel: 6, unsized_files: true }]");
    }

    #[test]
    fn tokens_need_a_key_and_a_large_file_needs_parts() {
        let file = "[routes.a]\nmultipart.enabled = true\n[routes.b]\nmax_size = \"6GiB\"\n\
                    [routes.c]\nmax_size = \"48801GB\"\nmultipart.enabled = true\n[routes.d.multipart]\nenabled = \"yes\"\n";
        insta::assert_snapshot!(load(&[], file).unwrap_err(), @r#"
        4 problems with the settings; nothing was started
          upload.toml line 4, routes.b.max_size = "6GiB": a form upload takes at most 5GiB; larger files need multipart.enabled. Example: max_size = "10MiB"
          upload.toml line 6, routes.c.max_size = "48801GB": an object has at most 48.8 TB, that is 48800GB. Example: max_size = "10MiB"
          upload.toml line 9, routes.d.multipart.enabled = "yes": write 'true' or 'false'. Example: multipart.enabled = "true"
          multipart.enabled: the state of an upload is in a token, which is signed; set UPLOAD_TOKEN_KEYS. Example: UPLOAD_TOKEN_KEYS=$(openssl rand -base64 32)
        "#);
    }

    #[test]
    fn limits_that_cannot_be_met_are_refused() {
        let file = "[routes.a]\nmax_size = \"1000GiB\"\n[routes.a.multipart]\nenabled = true\nthreshold = \"6GiB\"\n\
                    part_size = \"8MiB\"\nresume = \"8d\"\nmax_parallel = 33\n\
                    [routes.b.metadata]\nupload-id = \".\"\n[routes.b.multipart]\nenabled = true\npart_size = \"10KiB\"\nthreshold = 0\nresume = \"1s\"\nmax_parallel = 0\n";
        insta::assert_snapshot!(load(&[KEYS], file).unwrap_err(), @r#"
        9 problems with the settings; nothing was started
          upload.toml line 5, routes.a.multipart.threshold = "6GiB": files above 5GiB are always uploaded in parts, so the threshold is from 1B to 5GiB. Example: multipart.threshold = "100MiB"
          upload.toml line 6, routes.a.multipart.part_size = "8MiB": a file of max_size would have 128000 parts, and OSS accepts 10000; parts of 103 MiB are large enough. Example: multipart.part_size = "8MiB"
          upload.toml line 7, routes.a.multipart.resume = "8d": an upload can be resumed within 1m to 7d. Example: multipart.resume = "1d"
          upload.toml line 8, routes.a.multipart.max_parallel = "33": a client uploads from 1 to 32 parts at once. Example: multipart.max_parallel = "4"
          upload.toml line 10, routes.b.metadata.upload-id = "upload-id": the function itself sets this name where multipart.enabled is true. Example: metadata.title = "[a-z]{1,40}"
          upload.toml line 14, routes.b.multipart.threshold = "0": files above 5GiB are always uploaded in parts, so the threshold is from 1B to 5GiB. Example: multipart.threshold = "100MiB"
          upload.toml line 13, routes.b.multipart.part_size = "10KiB": a part has from 100KiB to 5GiB. Example: multipart.part_size = "8MiB"
          upload.toml line 15, routes.b.multipart.resume = "1s": an upload can be resumed within 1m to 7d. Example: multipart.resume = "1d"
          upload.toml line 16, routes.b.multipart.max_parallel = "0": a client uploads from 1 to 32 parts at once. Example: multipart.max_parallel = "4"
        "#);
    }
}
