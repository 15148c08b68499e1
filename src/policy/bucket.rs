//! Validated names: bucket, region, upload host.
//!
//! The rules are those of OSS for bucket names, regions and endpoints. The region of a V4 credential is the general
//! id, never the OSS-specific one.

use std::fmt;

/// The reason why a text is not a valid name, as a sentence about valid ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidName(&'static str);

impl fmt::Display for InvalidName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0)
    }
}

impl std::error::Error for InvalidName {}

/// A bucket's name: 3 to 63 lower-case letters, digits and hyphens, no hyphen at either end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket(String);

impl Bucket {
    /// Parses a bucket's name.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        if text.contains('.') || text.contains('/') {
            return Err(InvalidName("a bucket is named without host or path"));
        }
        if !is_plain(text)
            || !(3..=63).contains(&text.len())
            || text.starts_with('-')
            || text.ends_with('-')
        {
            return Err(InvalidName(
                "a bucket's name has 3 to 63 lower-case letters, digits and hyphens, with no hyphen at either end",
            ));
        }
        Ok(Self(text.to_owned()))
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A general region id such as `cn-hangzhou`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region(String);

impl Region {
    /// Parses a region id. The OSS-specific form `oss-cn-hangzhou` is an error, as it is for OSS.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        if text.starts_with("oss-") {
            return Err(InvalidName("a signature names the region without 'oss-' in front"));
        }
        if !is_plain(text) || !text.contains('-') || text.len() > 64 {
            return Err(InvalidName("a region id has lower-case letters, digits and hyphens"));
        }
        Ok(Self(text.to_owned()))
    }

    /// Returns the id as it is written in a V4 scope.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The URL to which a form is posted: scheme and host, no path, no trailing slash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadHost(String);

impl UploadHost {
    /// Parses `https://upload.example.com`; a single trailing slash is removed.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let text = text.strip_suffix('/').unwrap_or(text);
        let Some(host) = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))
        else {
            return Err(InvalidName("an upload host begins with https://"));
        };
        let characters = host
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'[' | b']'));
        if host.is_empty() || !characters {
            return Err(InvalidName(
                "an upload host is scheme and host only, without path, query or user",
            ));
        }
        Ok(Self(text.to_owned()))
    }

    /// Returns the public default host of a bucket.
    #[must_use]
    pub fn default_for(bucket: &Bucket, region: &Region) -> Self {
        Self(format!("https://{}.oss-{}.aliyuncs.com", bucket.0, region.0))
    }

    /// Returns scheme and host.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Returns whether a text consists of lower-case letters, digits and hyphens.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bucket_names_follow_the_naming_rule() {
        for good in ["abc", "my-bucket-01", "0ab", &"a".repeat(63)] {
            assert!(Bucket::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "ab",
            "-abc",
            "abc-",
            "Abc",
            "a_b",
            "b.oss-cn-hangzhou.aliyuncs.com",
            &"a".repeat(64),
        ] {
            assert!(Bucket::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_region_is_the_general_id() {
        assert!(Region::parse("cn-hangzhou").is_ok());
        assert!(Region::parse("ap-southeast-1").is_ok());
        for bad in
            ["", "oss-cn-hangzhou", "hangzhou", "cn hangzhou", "CN-hangzhou", "cn-hangzhou/oss"]
        {
            assert!(Region::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_upload_host_is_an_origin() {
        assert_eq!(
            UploadHost::parse("https://up.example.com/").unwrap().as_str(),
            "https://up.example.com"
        );
        assert!(UploadHost::parse("http://127.0.0.1:9100").is_ok());
        for bad in [
            "",
            "up.example.com",
            "https://",
            "https://a/b",
            "https://a?b",
            "https://u@a",
            "ftp://a",
            "https://a b",
        ] {
            assert!(UploadHost::parse(bad).is_err(), "{bad}");
        }
    }
}
