//! The named routes: `[routes.<name>]` of the file over its top, and for the route `default` the
//! environment over both.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use crate::auth::rule::AuthRule;
use crate::config::reader::ConfigReader;
use crate::config::setting::{RawSetting, Setting};
use crate::config::{DEFAULT_ROUTE, session, setting, value};
use crate::policy::bucket::{Bucket, Region, UploadHost};
use crate::policy::content_type::TypePattern;
use crate::policy::key::is_extension;
use crate::policy::route::{
    DEFAULT_LIFETIME, DEFAULT_MAX_BYTES, DEFAULT_MIN_BYTES, MAX_FILES, MAX_LIFETIME,
    MAX_OBJECT_BYTES, Route, SignatureVersion, SizeRange, SuccessStatus,
};
use crate::policy::template::Template;

/// A directory of its own for every grant: nobody guesses or overwrites another's object.
const DEFAULT_DIRECTORY: &str = "uploads/{yyyy}/{mm}/{dd}/{uuid}/";

/// The shortest lifetime that a browser can make use of.
const MIN_LIFETIME: Duration = Duration::from_secs(10);

/// Reads all routes.
pub(super) fn read_all(config: &mut ConfigReader<'_>) -> Vec<Route> {
    names(config).into_iter().filter_map(|name| Reader { config, name }.read()).collect()
}

/// Gives the routes' names; without any in the file there is the one that the environment describes.
pub(super) fn names(config: &ConfigReader<'_>) -> BTreeSet<String> {
    let mut names: BTreeSet<String> = config.file.routes.keys().cloned().collect();
    let spoken_of = setting::ROUTE.iter().any(|s| !is_shared(s) && config.variable(s).is_some());
    if names.is_empty() || spoken_of {
        names.insert(DEFAULT_ROUTE.to_owned());
    }
    names
}

/// Reads the rule of each route, by the route's name. A route without one is a error: nothing is
/// open unless it is written.
pub(super) fn read_rules(config: &mut ConfigReader<'_>) -> BTreeMap<String, AuthRule> {
    let mut rules = BTreeMap::new();
    for name in names(config) {
        let mut reader = Reader { config, name };
        if reader.entry(&setting::AUTH).is_none() {
            reader.config.missing(setting::AUTH.variable, &setting::AUTH);
        }
        let rule = reader.value(&setting::AUTH, AuthRule::parse);
        rules.extend(rule.map(|rule| (reader.name, rule)));
    }
    rules
}

/// Tells whether a variable speaks of every route that does not say otherwise. The others speak of the
/// route `default` alone.
fn is_shared(setting: &Setting) -> bool {
    setting.variable.starts_with("OSS_") || setting.variable == setting::AUTH.variable
}

/// Reads the settings of one route.
pub(super) struct Reader<'config, 'environment> {
    pub(super) config: &'config mut ConfigReader<'environment>,
    pub(super) name: String,
}

impl Reader<'_, '_> {
    fn read(mut self) -> Option<Route> {
        let bucket = self.bucket();
        let region = self.region();
        let host = self.host(bucket.as_ref(), region.as_ref());
        let template = self.template();
        let size = self.size();
        let types = self.types();
        let extensions = self.extensions();
        let max_files = self.value(&setting::MAX_FILES, max_files).unwrap_or(MAX_FILES);
        let lifetime = self.value(&setting::EXPIRES, lifetime).unwrap_or(DEFAULT_LIFETIME);
        let overwrite = self.value(&setting::OVERWRITE, value::truth).unwrap_or(false);
        let status = self.value(&setting::SUCCESS_STATUS, status).unwrap_or_default();
        let signature = self.value(&setting::SIGNATURE, signature).unwrap_or_default();
        let session = session::read(&mut self, template.as_ref());
        let headers = self.headers();
        let metadata = self.metadata();
        let callback = self.callback();
        Some(Route {
            name: self.name,
            bucket: bucket?,
            region: region?,
            host: host?,
            template: template?,
            size,
            types,
            extensions,
            max_files,
            lifetime,
            overwrite,
            status,
            headers,
            metadata,
            signature,
            session,
            callback,
        })
    }

    /// `UPLOAD_*` speaks of the route `default` alone and wins there; `OSS_*` names the cloud's side,
    /// and `UPLOAD_AUTH` the rule, for every route that does not name its own.
    pub(super) fn entry(&self, setting: &Setting) -> Option<RawSetting> {
        self.levels(setting).into_iter().flatten().next()
    }

    /// Gives the entries of a setting where it can be written, those that win first.
    fn levels(&self, setting: &Setting) -> [Option<RawSetting>; 3] {
        let variable = || self.config.variable(setting);
        let own = self.own(setting.key);
        let top = self.config.file_top(setting);
        if self.name == DEFAULT_ROUTE {
            return [variable(), own, top];
        }
        [own, is_shared(setting).then(variable).flatten(), top]
    }

    /// Gives what stands in the route's own table.
    pub(super) fn own(&self, key: &str) -> Option<RawSetting> {
        self.config.file.routes.get(&self.name)?.get(key).cloned()
    }

    /// Gives the keys of the route's own table and of the file's top that begin like this.
    pub(super) fn keys(&self, beginning: &str) -> BTreeSet<String> {
        let own = self.config.file.routes.get(&self.name).into_iter();
        let all = own.chain([&self.config.file.top]).flat_map(|section| section.keys());
        all.filter(|key| key.starts_with(beginning)).cloned().collect()
    }

    pub(super) fn value<T, E: fmt::Display>(
        &mut self,
        setting: &Setting,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let entry = self.entry(setting)?;
        self.config.read(setting, &entry, parse)
    }

    fn bucket(&mut self) -> Option<Bucket> {
        if self.entry(&setting::BUCKET).is_none() {
            self.config.missing(setting::BUCKET.variable, &setting::BUCKET);
        }
        self.value(&setting::BUCKET, Bucket::parse)
    }

    /// The bucket's region defaults to the function's own.
    fn region(&mut self) -> Option<Region> {
        if self.entry(&setting::REGION).is_some() {
            return self.value(&setting::REGION, Region::parse);
        }
        let region =
            self.config.environment.get("FC_REGION").and_then(|text| Region::parse(text).ok());
        if region.is_none() {
            self.config.missing(setting::REGION.variable, &setting::REGION);
        }
        region
    }

    /// A host at the top belongs to the bucket at the top, not to a route with a bucket of its own.
    fn host(&mut self, bucket: Option<&Bucket>, region: Option<&Region>) -> Option<UploadHost> {
        let own_bucket =
            self.own(setting::BUCKET.key).is_some() && self.own(setting::UPLOAD_HOST.key).is_none();
        let hidden = own_bucket && self.config.variable(&setting::BUCKET).is_none();
        if hidden || self.entry(&setting::UPLOAD_HOST).is_none() {
            return Some(UploadHost::default_for(bucket?, region?));
        }
        self.value(&setting::UPLOAD_HOST, UploadHost::parse)
    }

    /// A directory or a key, whichever is written where it counts more; without either every grant
    /// gets a directory of its own.
    fn template(&mut self) -> Option<Template> {
        let levels = self.levels(&setting::DIR).into_iter().zip(self.levels(&setting::KEY));
        for level in levels {
            match level {
                (None, None) => {}
                (Some(dir), None) => {
                    return self.config.read(&setting::DIR, &dir, Template::directory);
                }
                (None, Some(key)) => return self.config.read(&setting::KEY, &key, Template::key),
                (Some(dir), Some(key)) => {
                    let problem =
                        format!("a key holds its directory, so {} says too much", dir.describe());
                    self.config.add_error(key.describe(), problem, key.example(&setting::KEY));
                    return None;
                }
            }
        }
        Template::directory(DEFAULT_DIRECTORY).ok()
    }

    fn size(&mut self) -> SizeRange {
        let min = self.value(&setting::MIN_SIZE, value::size).unwrap_or(DEFAULT_MIN_BYTES);
        let max = self.value(&setting::MAX_SIZE, max_size).unwrap_or(DEFAULT_MAX_BYTES);
        if min > max {
            let place = match self.entry(&setting::MIN_SIZE) {
                Some(entry) => entry.describe(),
                None => {
                    self.entry(&setting::MAX_SIZE).map(|entry| entry.describe()).unwrap_or_default()
                }
            };
            let problem = format!(
                "the smallest size is {min} bytes, the largest {max}: nothing fits between"
            );
            self.config.add_error(
                place,
                problem,
                "min_size = \"1B\", max_size = \"10MiB\"".to_owned(),
            );
        }
        SizeRange { min, max }
    }

    fn types(&mut self) -> Vec<TypePattern> {
        let Some(entry) = self.entry(&setting::TYPES) else {
            return Vec::new();
        };
        let pattern =
            |text: &str| TypePattern::parse(text).ok_or("a type is 'image/png' or 'image/*'");
        self.config.each(&setting::TYPES, &entry, pattern)
    }

    fn extensions(&mut self) -> Vec<String> {
        let Some(entry) = self.entry(&setting::EXTENSIONS) else {
            return Vec::new();
        };
        self.config.each(&setting::EXTENSIONS, &entry, extension)
    }
}

fn max_files(text: &str) -> Result<usize, String> {
    let count = text.parse().ok().filter(|count| (1..=MAX_FILES).contains(count));
    count.ok_or_else(|| format!("one call takes from 1 to {MAX_FILES} files"))
}

fn extension(text: &str) -> Result<String, &'static str> {
    let plain = text.strip_prefix('.').unwrap_or(text).to_ascii_lowercase();
    if is_extension(&plain) {
        return Ok(plain);
    }
    Err(
        "an extension is what stands after the last dot: up to 19 letters and digits, such as 'jpg'",
    )
}

fn status(text: &str) -> Result<SuccessStatus, &'static str> {
    SuccessStatus::parse(text).ok_or("OSS answers a stored file with 200, 201 or 204")
}

fn max_size(text: &str) -> Result<u64, String> {
    match value::size(text)? {
        0 => Err("the largest size is 0: nothing could be uploaded".to_owned()),
        bytes if bytes > MAX_OBJECT_BYTES => Err("a form upload takes at most 5GiB".to_owned()),
        bytes => Ok(bytes),
    }
}

fn lifetime(text: &str) -> Result<Duration, String> {
    let lifetime = value::duration(text)?;
    if !(MIN_LIFETIME..=MAX_LIFETIME).contains(&lifetime) {
        return Err("a grant lasts from 10s to 7d, the longest that OSS accepts".to_owned());
    }
    Ok(lifetime)
}

fn signature(text: &str) -> Result<SignatureVersion, &'static str> {
    SignatureVersion::parse(text).ok_or("the signatures are 'v4' and, for old buckets, 'v1'")
}
