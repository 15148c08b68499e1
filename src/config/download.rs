//! What callers get of a route besides signed uploads: download links, and session keys.

use std::time::Duration;

use crate::config::reader::RouteReader;
use crate::config::{table, value};
use crate::policy::download::{DEFAULT_LIFETIME, DownloadRules, parse_process};
use crate::policy::route::MAX_LIFETIME;
use crate::policy::template::Template;

/// The shortest lifetime of a link that a browser can make use of.
const MIN_LIFETIME: Duration = Duration::from_secs(10);

/// The shortest and the longest session that a role can allow.
const MIN_SESSION_LIFETIME: Duration = Duration::from_mins(15);
const MAX_SESSION_LIFETIME: Duration = Duration::from_hours(12);

impl RouteReader<'_, '_> {
    /// Reads the rules of download links; `None` where the route gives out none.
    pub(super) fn download(&mut self) -> Option<DownloadRules> {
        // All of them are read in any case, so that each mistake is reported.
        let enabled = self.value(&table::DOWNLOAD, value::boolean).unwrap_or(false);
        let lifetime = self.value(&table::DOWNLOAD_EXPIRES, lifetime).unwrap_or(DEFAULT_LIFETIME);
        let attachment = self.value(&table::DOWNLOAD_ATTACHMENT, value::boolean).unwrap_or(true);
        let process = match self.entry(&table::DOWNLOAD_PROCESS) {
            Some(raw) => self.config.each(&table::DOWNLOAD_PROCESS, &raw, parse_process),
            None => Vec::new(),
        };
        enabled.then_some(DownloadRules { lifetime, attachment, process })
    }

    /// Reads the lifetime of session keys; `None` where the route gives out none.
    ///
    /// A session key can overwrite what it may write, so every key of the route has to be of one caller or of one
    /// upload.
    pub(super) fn session_keys(&mut self, template: Option<&Template>) -> Option<Duration> {
        let lifetime = self.value(&table::SESSION_KEYS_EXPIRES, session_lifetime);
        let enabled = self.value(&table::SESSION_KEYS, value::boolean).unwrap_or(false);
        let raw = self.entry(&table::SESSION_KEYS).filter(|_| enabled)?;
        if self.config.entry(&table::ROLE_ARN).is_none() {
            let problem = "a session key needs a role to assume: set role_arn";
            self.add_conflict(&raw, problem, table::ROLE_ARN.key_example());
        }
        if template.is_some_and(|one| !one.has_caller_prefix() && !one.is_unique()) {
            let problem = "a session key can overwrite objects: the key has to contain {uuid}, or to begin with a \
                           directory of the caller's own, named by {sub}";
            self.add_conflict(&raw, problem, "dir = \"users/{sub}/{uuid}/\"".to_owned());
        }
        Some(lifetime.unwrap_or(MIN_SESSION_LIFETIME))
    }
}

fn session_lifetime(text: &str) -> Result<Duration, &'static str> {
    let lifetime = value::duration(text)?;
    let is_allowed = (MIN_SESSION_LIFETIME..=MAX_SESSION_LIFETIME).contains(&lifetime);
    is_allowed.then_some(lifetime).ok_or("a session key lasts from 15m to 12h")
}

fn lifetime(text: &str) -> Result<Duration, &'static str> {
    let lifetime = value::duration(text)?;
    let is_allowed = (MIN_LIFETIME..=MAX_LIFETIME).contains(&lifetime);
    is_allowed
        .then_some(lifetime)
        .ok_or("a link lasts from 10s to 7d, the longest that OSS accepts")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::config::Settings;
    use crate::config::environment::Environment;
    use crate::time::Timestamp;

    fn load(file: &str) -> Result<Settings, String> {
        let variables = [
            ("OSS_BUCKET", "my-bucket"),
            ("OSS_REGION", "cn-hangzhou"),
            ("UPLOAD_AUTH", "anonymous"),
        ];
        let mut environment = Environment::default();
        for (name, value) in variables {
            environment.set(name, value);
        }
        let now = Timestamp::from_unix(1_732_687_781).unwrap();
        Settings::load(&environment, Some(file), now).map_err(|errors| errors.to_string())
    }

    #[test]
    fn links_and_session_keys_have_to_be_enabled() {
        let file = "role_arn = \"acs:ram::1234567890123456:role/oss-uploader\"\n[download]\nexpires = \"1h\"\n\
                    [routes.a]\n[routes.b]\ndownload.enabled = true\ndownload.attachment = false\n\
                    download.process = [\"style/thumb\", \"image/resize,w_200\"]\nsts.enabled = true\nsts.expires = \"1h\"\n";
        let settings = load(file).unwrap();
        let [none, both] = &settings.routes[..] else { panic!("two routes") };
        assert_eq!((none.download.as_ref(), none.session_keys), (None, None));
        let rules = both.download.as_ref().unwrap();
        assert_eq!((rules.lifetime, rules.attachment), (Duration::from_hours(1), false));
        assert_eq!(rules.process, ["style/thumb", "image/resize,w_200"]);
        assert_eq!(both.session_keys, Some(Duration::from_hours(1)));
        let warnings = settings.warnings().join("\n");
        insta::assert_snapshot!(warnings.lines().filter(|line| line.contains("'b'")).collect::<Vec<_>>().join("\n"), @"
        route 'b' gives out session keys (sts.enabled): they cannot limit the size, the type or the number of uploads, and overwrite objects; multipart.enabled allows the same files within the limits of the route
        route 'b' gives out download links (download.enabled), and its keys do not begin with a directory of the caller's own: whoever may call the route can read each of its objects whose key is known; add {sub}/
        ");
    }

    #[test]
    fn what_would_widen_a_permission_is_refused() {
        let file = "[routes.a]\ndir = \"all/\"\nsts.enabled = true\nsts.expires = \"1m\"\n\
                    [routes.b.download]\nenabled = true\nexpires = \"8d\"\nprocess = [\"image/resize,w_1|sys/saveas,o_YQ\"]\n";
        insta::assert_snapshot!(load(file).unwrap_err(), @r#"
        5 problems with the settings; nothing was started
          upload.toml line 4, routes.a.sts.expires = "1m": a session key lasts from 15m to 12h. Example: sts.expires = "15m"
          upload.toml line 3, routes.a.sts.enabled = "true": a session key needs a role to assume: set role_arn. Example: role_arn = "acs:ram::1234567890123456:role/oss-uploader"
          upload.toml line 3, routes.a.sts.enabled = "true": a session key can overwrite objects: the key has to contain {uuid}, or to begin with a directory of the caller's own, named by {sub}. Example: dir = "users/{sub}/{uuid}/"
          upload.toml line 7, routes.b.download.expires = "8d": a link lasts from 10s to 7d, the longest that OSS accepts. Example: download.expires = "10m"
          upload.toml line 8, routes.b.download.process = ["image/resize,w_1|sys/saveas,o_YQ"]: in "image/resize,w_1|sys/saveas,o_YQ", an operation has up to 512 letters, digits and _ - . , / = :. Example: download.process = "style/thumbnail"
        "#);
    }
}
