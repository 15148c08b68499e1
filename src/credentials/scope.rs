//! The session policy: what a role may do is narrowed to the uploads that are granted here.
//!
//! A session may do what both its role and this text allow. Pure; written as JSON by a library,
//! since a prefix may hold any character that a directory may. Resources are named as RAM names
//! them, `acs:oss:*:*:<bucket>/<prefix>*`, where `*` and `?` stand for any text: so neither may come
//! from outside.

use std::fmt;

use serde::Serialize;

/// The longest session policy in bytes. STS counts 2048 in one place and "smaller than" in another.
pub const MAX_POLICY_BYTES: usize = 2047;

/// What a key has to be allowed for forms that it signs.
pub const UPLOAD: &[&str] = &["oss:PutObject"];

/// Where objects may be put: a bucket, and how their keys begin.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The bucket.
    pub bucket: String,
    /// How the keys begin; empty for the whole bucket, else it ends in `/`.
    pub prefix: String,
}

/// Says why there is no session policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unscoped {
    /// A prefix holds what a resource would read as a wildcard, or leaves its folder.
    Unsafe(String),
    /// The text would be longer than STS takes.
    TooLong {
        /// Its length in bytes.
        bytes: usize,
        /// How many places it names.
        places: usize,
    },
}

impl fmt::Display for Unscoped {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsafe(prefix) => write!(
                formatter,
                "the prefix {prefix:?} holds '*', '?', '..', an empty part or a control character, \
                 which a permission would read as more than it says"
            ),
            Self::TooLong { bytes, places } => write!(
                formatter,
                "the session policy for {places} prefixes has {bytes} bytes, STS takes \
                 {MAX_POLICY_BYTES}; put routes below a common directory, or set role_scope to \
                 'role' and narrow the role itself"
            ),
        }
    }
}

impl std::error::Error for Unscoped {}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Policy<'a> {
    version: &'static str,
    statement: [Statement<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Statement<'a> {
    effect: &'static str,
    action: &'a [&'a str],
    resource: Vec<String>,
}

/// Writes the policy that allows `actions` on exactly these places, as short as it can be said.
pub fn session_policy(actions: &[&str], places: &[Place]) -> Result<String, Unscoped> {
    if let Some(place) = places.iter().find(|place| !is_safe(&place.prefix)) {
        return Err(Unscoped::Unsafe(place.prefix.clone()));
    }
    let places = widest(places);
    let resource =
        places.iter().map(|Place { bucket, prefix }| format!("acs:oss:*:*:{bucket}/{prefix}*"));
    let statement = Statement { effect: "Allow", action: actions, resource: resource.collect() };
    let policy = Policy { version: "1", statement: [statement] };
    // Texts under text keys: there is nothing here that JSON cannot say.
    let text = serde_json::to_string(&policy).unwrap_or_default();
    if text.len() > MAX_POLICY_BYTES {
        return Err(Unscoped::TooLong { bytes: text.len(), places: places.len() });
    }
    Ok(text)
}

/// Tells a prefix that means what it says: whole segments, without wildcards.
fn is_safe(prefix: &str) -> bool {
    let plain = |segment: &str| {
        !matches!(segment, "" | "." | "..")
            && !segment.contains(|c: char| c.is_control() || matches!(c, '*' | '?' | '\\' | '$'))
    };
    prefix.is_empty() || prefix.strip_suffix('/').is_some_and(|path| path.split('/').all(plain))
}

/// Leaves out every place that lies within another one.
fn widest(places: &[Place]) -> Vec<&Place> {
    let mut sorted: Vec<&Place> = places.iter().collect();
    sorted.sort();
    // In this order a place comes after every place that it lies in.
    let mut kept: Vec<&Place> = Vec::new();
    for place in sorted {
        let covers =
            |one: &&Place| one.bucket == place.bucket && place.prefix.starts_with(&one.prefix);
        if !kept.iter().any(covers) {
            kept.push(place);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(bucket: &str, prefix: &str) -> Place {
        Place { bucket: bucket.to_owned(), prefix: prefix.to_owned() }
    }

    #[test]
    fn a_policy_names_exactly_the_prefixes() {
        let places = [place("examplebucket", "user-dir/")];
        assert_eq!(
            session_policy(UPLOAD, &places).unwrap(),
            r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":["oss:PutObject"],"Resource":["acs:oss:*:*:examplebucket/user-dir/*"]}]}"#
        );
    }

    #[test]
    fn what_lies_within_another_place_is_not_named_again() {
        let places = [
            place("a", "x/y/"),
            place("a", "x/"),
            place("b", "x/y/"),
            place("a", "x/"),
            place("a", "xy/"),
        ];
        let policy = session_policy(UPLOAD, &places).unwrap();
        let resources = r#"["acs:oss:*:*:a/x/*","acs:oss:*:*:a/xy/*","acs:oss:*:*:b/x/y/*"]"#;
        assert!(policy.contains(resources), "{policy}");
        assert!(
            session_policy(UPLOAD, &[place("a", "x/"), place("a", "")])
                .unwrap()
                .contains(r#"["acs:oss:*:*:a/*"]"#)
        );
    }

    #[test]
    fn a_prefix_cannot_mean_more_than_it_says() {
        for prefix in
            ["*/", "a?/", "../", "a/../b/", "a//", "/", "a", "a\n/", "a\\/", "${x}/", "./"]
        {
            let refused = session_policy(UPLOAD, &[place("b", prefix)]);
            assert_eq!(refused, Err(Unscoped::Unsafe(prefix.to_owned())), "{prefix}");
        }
        let quoted = session_policy(UPLOAD, &[place("b", "\"],\"x\":[\"/")]).unwrap();
        let value: serde_json::Value = serde_json::from_str(&quoted).unwrap();
        assert_eq!(value["Statement"][0]["Resource"][0], "acs:oss:*:*:b/\"],\"x\":[\"/*");
    }

    #[test]
    fn a_policy_that_does_not_fit_says_so() {
        let places: Vec<_> =
            (0..60).map(|n| place("examplebucket", &format!("routes/number-{n}/"))).collect();
        let refused = session_policy(UPLOAD, &places).unwrap_err();
        assert!(matches!(refused, Unscoped::TooLong { places: 60, bytes } if bytes > 2048));
        assert!(refused.to_string().contains("STS takes 2047"));
        // Umlauts count as the bytes they are.
        let long = format!("{}/", "ü".repeat(1000));
        assert!(matches!(
            session_policy(UPLOAD, &[place("b", &long)]),
            Err(Unscoped::TooLong { .. })
        ));
    }
}
