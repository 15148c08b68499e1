//! The settings of a route: `[routes.<name>]` of the file over its top, and for the route `default` the
//! environment over both.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::config::multipart::max_size;
use crate::config::raw::RawSetting;
use crate::config::reader::{ConfigReader, RouteReader};
use crate::config::table::{self, METADATA};
use crate::config::value;
use crate::policy::bucket::{Bucket, Region, UploadHost};
use crate::policy::content_type::TypePattern;
use crate::policy::header::{Header, X_OSS_SERVER_SIDE_ENCRYPTION};
use crate::policy::key::is_extension;
use crate::policy::metadata::{MetadataPattern, MetadataRule};
use crate::policy::route::{
    DEFAULT_LIFETIME, DEFAULT_MAX_BYTES, DEFAULT_MIN_BYTES, MAX_FILES, MAX_LIFETIME, Route,
    SessionMode, SignatureVersion, SizeRange, SuccessStatus,
};
use crate::policy::template::Template;

/// A directory of its own for every grant: no other upload can guess or overwrite the object.
const DEFAULT_DIRECTORY: &str = "uploads/{yyyy}/{mm}/{dd}/{uuid}/";

/// The shortest lifetime that a browser can make use of.
const MIN_LIFETIME: Duration = Duration::from_secs(10);

/// Reads all routes.
pub(super) fn read_all(config: &mut ConfigReader<'_>) -> Vec<Route> {
    let names = config.route_names();
    names.into_iter().filter_map(|name| RouteReader { config, name }.route()).collect()
}

impl RouteReader<'_, '_> {
    fn route(mut self) -> Option<Route> {
        let bucket = self.bucket();
        let region = self.region();
        let host = self.host(bucket.as_ref(), region.as_ref());
        let template = self.template();
        let has_multipart = self.has_multipart();
        let size = self.size(has_multipart);
        let types = self.types();
        let extensions = self.extensions();
        let max_files = self.value(&table::MAX_FILES, max_files).unwrap_or(MAX_FILES);
        let lifetime = self.value(&table::EXPIRES, lifetime).unwrap_or(DEFAULT_LIFETIME);
        let overwrite = self.value(&table::OVERWRITE, value::boolean).unwrap_or(false);
        let status = self.value(&table::SUCCESS_STATUS, status).unwrap_or_default();
        let signature = self.value(&table::SIGNATURE, signature).unwrap_or_default();
        let session = self.session(template.as_ref());
        let headers = self.headers();
        let metadata = self.metadata();
        let callback = self.callback();
        let multipart = has_multipart.then(|| self.multipart(size.max));
        let download = self.download();
        let session_keys = self.session_keys(template.as_ref());
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
            multipart,
            download,
            session_keys,
        })
    }

    fn bucket(&mut self) -> Option<Bucket> {
        if self.entry(&table::BUCKET).is_none() {
            self.config.add_missing(&table::BUCKET);
        }
        self.value(&table::BUCKET, Bucket::parse)
    }

    /// The bucket's region defaults to the function's own.
    fn region(&mut self) -> Option<Region> {
        if self.entry(&table::REGION).is_some() {
            return self.value(&table::REGION, Region::parse);
        }
        let region = self
            .config
            .environment
            .get(table::FUNCTION_REGION.variable)
            .and_then(|text| Region::parse(text).ok());
        if region.is_none() {
            self.config.add_missing(&table::REGION);
        }
        region
    }

    /// A host at the top belongs to the bucket at the top, not to a route with a bucket of its own.
    fn host(&mut self, bucket: Option<&Bucket>, region: Option<&Region>) -> Option<UploadHost> {
        let own_bucket =
            self.own(table::BUCKET.key).is_some() && self.own(table::UPLOAD_HOST.key).is_none();
        let hidden = own_bucket && self.config.variable(&table::BUCKET).is_none();
        if hidden || self.entry(&table::UPLOAD_HOST).is_none() {
            return Some(UploadHost::default_for(bucket?, region?));
        }
        self.value(&table::UPLOAD_HOST, UploadHost::parse)
    }

    /// Reads a directory or a key, whichever is written where it wins; without either every grant
    /// gets a directory of its own.
    fn template(&mut self) -> Option<Template> {
        let levels = self.levels(&table::DIR).into_iter().zip(self.levels(&table::KEY));
        for level in levels {
            match level {
                (None, None) => {}
                (Some(dir), None) => {
                    return self.config.read(&table::DIR, &dir, Template::directory);
                }
                (None, Some(key)) => return self.config.read(&table::KEY, &key, Template::key),
                (Some(dir), Some(key)) => {
                    let problem =
                        format!("a key contains its directory; leave out {}", dir.describe());
                    self.config.add_invalid(&table::KEY, &key, &problem);
                    return None;
                }
            }
        }
        Template::directory(DEFAULT_DIRECTORY).ok()
    }

    fn size(&mut self, has_multipart: bool) -> SizeRange {
        let min = self.value(&table::MIN_SIZE, value::size).unwrap_or(DEFAULT_MIN_BYTES);
        let max = self.value(&table::MAX_SIZE, |text| max_size(text, has_multipart));
        let max = max.unwrap_or(DEFAULT_MAX_BYTES);
        if min > max {
            let raw = self.entry(&table::MIN_SIZE).or_else(|| self.entry(&table::MAX_SIZE));
            let place = raw.map(|raw| raw.describe()).unwrap_or_default();
            let (min, max) = (value::size_text(min), value::size_text(max));
            let problem =
                format!("the smallest size is {min}, the largest {max}: nothing fits between");
            let example = "min_size = \"1B\", max_size = \"10MiB\"".to_owned();
            self.config.add_error(place, problem, example);
        }
        SizeRange { min, max }
    }

    fn types(&mut self) -> Vec<TypePattern> {
        let Some(raw) = self.entry(&table::TYPES) else {
            return Vec::new();
        };
        let pattern =
            |text: &str| TypePattern::parse(text).ok_or("a type is 'image/png' or 'image/*'");
        self.config.each(&table::TYPES, &raw, pattern)
    }

    fn extensions(&mut self) -> Vec<String> {
        let Some(raw) = self.entry(&table::EXTENSIONS) else {
            return Vec::new();
        };
        self.config.each(&table::EXTENSIONS, &raw, extension)
    }

    /// Reads whether each caller has a session of their own, which needs a role to assume and a directory
    /// of the caller's own.
    fn session(&mut self, template: Option<&Template>) -> SessionMode {
        let session = self.value(&table::SESSION, session).unwrap_or_default();
        let raw = self.entry(&table::SESSION).filter(|_| session == SessionMode::Caller);
        let Some(raw) = raw else {
            return session;
        };
        if self.config.entry(&table::ROLE_ARN).is_none() {
            let problem = "a session for each caller needs a role to assume: set role_arn";
            self.add_conflict(&raw, problem, table::ROLE_ARN.key_example());
        }
        if template.is_some_and(|template| !template.has_caller_prefix()) {
            let problem =
                "the key has to begin with a directory of the caller's own, named by {sub}";
            self.add_conflict(&raw, problem, "dir = \"users/{sub}/{uuid}/\"".to_owned());
        }
        session
    }

    fn headers(&mut self) -> Vec<Header> {
        let mut headers = Vec::new();
        for (name, setting) in table::headers() {
            headers.extend(self.value(setting, |text| Header::parse(name, text)));
        }
        self.check_encryption(&headers);
        headers
    }

    /// Refuses settings of KMS where the encryption is another one.
    fn check_encryption(&mut self, headers: &[Header]) {
        let kms = |one: &Header| one.name == X_OSS_SERVER_SIDE_ENCRYPTION && one.value == "KMS";
        if headers.iter().any(kms) {
            return;
        }
        for setting in [&table::DATA_ENCRYPTION, &table::ENCRYPTION_KEY_ID] {
            if let Some(raw) = self.entry(setting) {
                let key = table::ENCRYPTION.key;
                let problem = format!("it needs {key} to be 'KMS'");
                self.add_conflict(&raw, &problem, format!("{key} = \"KMS\""));
            }
        }
    }

    /// Reads the metadata. A name in the route replaces the same name at the top.
    fn metadata(&mut self) -> Vec<MetadataRule> {
        let keys = self.keys(&format!("{}.", METADATA.key));
        let names: BTreeSet<_> = keys.iter().filter_map(|key| key.split('.').nth(1)).collect();
        names.into_iter().map(|name| self.metadata_rule(name)).collect()
    }

    fn metadata_rule(&mut self, name: &str) -> MetadataRule {
        let pattern_setting = table::inner("pattern", METADATA.example);
        let path = format!("{}.{name}", METADATA.key);
        let in_route = self.own(&path).is_some();
        let find = |reader: &Self, key: &str| -> Option<RawSetting> {
            let key = format!("{path}.{key}");
            if in_route { reader.own(&key) } else { reader.config.file.top.get(&key).cloned() }
        };
        let pattern = find(self, "pattern")
            .and_then(|raw| self.config.read(&pattern_setting, &raw, MetadataPattern::parse));
        let required = find(self, "required")
            .and_then(|raw| self.config.read(&pattern_setting, &raw, value::boolean));
        MetadataRule { name: name.to_owned(), pattern, required: required.unwrap_or(false) }
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
    Err("an extension is the part after the last dot: up to 19 letters and digits, such as 'jpg'")
}

fn status(text: &str) -> Result<SuccessStatus, &'static str> {
    SuccessStatus::parse(text).ok_or("OSS answers a stored file with 200, 201 or 204")
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

fn session(text: &str) -> Result<SessionMode, &'static str> {
    SessionMode::parse(text).ok_or("a session is 'shared' by all callers, or each 'caller' has one")
}
