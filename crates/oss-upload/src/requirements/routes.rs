//! What the routes of the settings need: actions on prefixes, methods of pages, and days for abandoned uploads.

use std::fmt;
use std::time::Duration;

use crate::requirements::lifecycle_rule::days;
use crate::requirements::ram_policy::{MAX_POLICY_BYTES, Permission, Resource, permission_policy};
use oss_upload_signer::config::Settings;
use oss_upload_signer::credentials::session_policy::{
    DOWNLOAD_ACTIONS, ObjectPrefix, upload_actions,
};
use oss_upload_signer::policy::header::{
    X_OSS_SERVER_SIDE_ENCRYPTION, X_OSS_SERVER_SIDE_ENCRYPTION_KEY_ID, X_OSS_TAGGING,
};
use oss_upload_signer::policy::route::Route;
use oss_upload_signer::policy::template::CallerAttributes;

/// How long an upload in parts can be resumed that an SDK has begun with session keys. The function does not limit it.
const SDK_RESUME: Duration = Duration::from_hours(7 * 24);

/// What all routes need together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Requirements {
    /// The policy of the function's role.
    pub(crate) policy: String,
    /// The role that the function assumes to sign, if the settings name one.
    pub(crate) signing_role: Option<SigningRole>,
    /// The buckets of the routes, each once.
    pub(crate) buckets: Vec<BucketRequirements>,
}

/// A role that the function assumes, and the policy that it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SigningRole {
    pub(crate) arn: String,
    pub(crate) policy: String,
}

/// What the routes need of one bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BucketRequirements {
    pub(crate) name: String,
    pub(crate) region: String,
    /// The methods of requests that pages send.
    pub(crate) methods: Vec<&'static str>,
    /// Whether pages read the checksums of parts.
    pub(crate) checksums: bool,
    /// The uploads in parts, by the beginning of their keys. No prefix lies within another one.
    pub(crate) parts: Vec<PartsPrefix>,
}

/// A directory into which files are uploaded in parts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PartsPrefix {
    pub(crate) prefix: String,
    /// The days after which unfinished uploads are removed.
    pub(crate) days: u64,
}

/// The policy is longer than RAM accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PolicyTooLong {
    bytes: usize,
}

impl fmt::Display for PolicyTooLong {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "the policy of the role has {} bytes, and RAM accepts {MAX_POLICY_BYTES}; put routes below \
             a common directory",
            self.bytes
        )
    }
}

impl Requirements {
    /// Computes what the routes need.
    pub(crate) fn of(settings: &Settings) -> Result<Self, PolicyTooLong> {
        let permissions: Vec<_> = settings.routes.iter().flat_map(permissions_of).collect();
        let needed = permission_policy(&permissions);
        let signing_role = settings
            .sources
            .role
            .as_ref()
            .map(|role| SigningRole { arn: role.role_arn.clone(), policy: needed.clone() });
        // A function that assumes another role needs nothing but that.
        let policy = match &signing_role {
            Some(role) => permission_policy(&[assume(&role.arn)]),
            None => needed,
        };
        if policy.len() > MAX_POLICY_BYTES {
            return Err(PolicyTooLong { bytes: policy.len() });
        }
        Ok(Self { policy, signing_role, buckets: buckets(&settings.routes) })
    }
}

fn assume(arn: &str) -> Permission {
    Permission { actions: vec!["sts:AssumeRole"], resource: Resource::Named(arn.to_owned()) }
}

/// Lists the permissions of a route. A template has no wildcard of RAM, so a prefix names itself only.
fn permissions_of(route: &Route) -> Vec<Permission> {
    let prefix = ObjectPrefix {
        bucket: route.bucket.as_str().to_owned(),
        prefix: route.template.prefix(&CallerAttributes::NONE),
    };
    let mut permissions =
        vec![Permission { actions: actions(route), resource: Resource::Objects(prefix) }];
    permissions.extend(key_permission(route));
    permissions
}

/// Lists the actions on the objects of a route.
pub(crate) fn actions(route: &Route) -> Vec<&'static str> {
    // SDKs with session keys upload large files in parts, whether the function does or not.
    let has_parts = route.multipart.is_some() || route.session_keys.is_some();
    let mut actions = upload_actions(has_parts).to_vec();
    if route.download.is_some() {
        actions.extend(DOWNLOAD_ACTIONS);
    }
    if header(route, X_OSS_TAGGING).is_some() {
        actions.push("oss:PutObjectTagging");
    }
    actions
}

/// Returns the permission to encrypt with a key of KMS, if the route does.
fn key_permission(route: &Route) -> Option<Permission> {
    header(route, X_OSS_SERVER_SIDE_ENCRYPTION).filter(|method| *method == "KMS")?;
    let key = header(route, X_OSS_SERVER_SIDE_ENCRYPTION_KEY_ID).unwrap_or("*");
    Some(Permission {
        actions: vec!["kms:Decrypt", "kms:GenerateDataKey"],
        resource: Resource::Named(format!("acs:kms:*:*:key/{key}")),
    })
}

fn header<'a>(route: &'a Route, name: &str) -> Option<&'a str> {
    let header = route.headers.iter().find(|header| header.name == name);
    header.map(|header| header.value.as_str())
}

/// Collects the requirements of the routes by their buckets.
fn buckets(routes: &[Route]) -> Vec<BucketRequirements> {
    let mut buckets: Vec<BucketRequirements> = Vec::new();
    for route in routes {
        let name = route.bucket.as_str();
        let at = buckets.iter().position(|bucket| bucket.name == name).unwrap_or_else(|| {
            buckets.push(BucketRequirements::new(name, route.region.as_str()));
            buckets.len() - 1
        });
        buckets[at].add(route);
    }
    buckets
}

impl BucketRequirements {
    fn new(name: &str, region: &str) -> Self {
        Self {
            name: name.to_owned(),
            region: region.to_owned(),
            // Forms are posted, and signed URLs for whole files and for parts are put.
            methods: vec!["POST", "PUT"],
            checksums: false,
            parts: Vec::new(),
        }
    }

    fn add(&mut self, route: &Route) {
        let resume = route.multipart.as_ref().map(|rules| rules.resume);
        if let Some(resume) = resume.max(route.session_keys.map(|_| SDK_RESUME)) {
            self.checksums = true;
            let prefix = route.template.prefix(&CallerAttributes::NONE);
            self.add_parts(PartsPrefix { prefix, days: days(resume) });
        }
        if route.download.is_some() {
            self.add_methods(&["GET", "HEAD"]);
        }
        if route.session_keys.is_some() {
            self.add_methods(&["GET", "HEAD", "DELETE"]);
        }
    }

    fn add_methods(&mut self, methods: &[&'static str]) {
        let new = methods.iter().filter(|method| !self.methods.contains(method));
        let new: Vec<_> = new.copied().collect();
        self.methods.extend(new);
    }

    /// Adds a directory of uploads in parts. OSS refuses rules whose prefixes overlap, so one of two such directories
    /// is kept, with the longer time.
    fn add_parts(&mut self, mut added: PartsPrefix) {
        let overlaps = |one: &PartsPrefix| {
            one.prefix.starts_with(&added.prefix) || added.prefix.starts_with(&one.prefix)
        };
        let (overlapping, mut kept): (Vec<_>, Vec<_>) =
            self.parts.drain(..).partition(|one| overlaps(one));
        for one in overlapping {
            added.days = added.days.max(one.days);
            if one.prefix.len() < added.prefix.len() {
                added.prefix = one.prefix;
            }
        }
        kept.push(added);
        kept.sort();
        self.parts = kept;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use oss_upload_signer::time::Timestamp;

    fn requirements(file: &str) -> Result<Requirements, PolicyTooLong> {
        let top = "auth = \"anonymous\"\nbucket = \"my-bucket\"\nregion = \"cn-hangzhou\"\n";
        let now = Timestamp::from_unix(1_732_687_781).unwrap();
        let variables = [("UPLOAD_TOKEN_KEYS", "an example key of more than 32 bytes")];
        let environment =
            variables.iter().map(|(name, value)| (name.to_string(), value.to_string()));
        let settings = Settings::load(&environment.collect(), Some(&format!("{top}{file}")), now);
        Requirements::of(&settings.map_err(|errors| errors.to_string()).unwrap())
    }

    fn allow(actions: &str, resources: &str) -> String {
        format!(r#"{{"Effect":"Allow","Action":[{actions}],"Resource":[{resources}]}}"#)
    }

    #[test]
    fn a_plain_route_needs_one_action_and_no_lifecycle_rule() {
        let needed = requirements("").unwrap();
        let statement = allow(r#""oss:PutObject""#, r#""acs:oss:*:*:my-bucket/uploads/*""#);
        assert_eq!(needed.policy, format!(r#"{{"Version":"1","Statement":[{statement}]}}"#));
        let [bucket] = &needed.buckets[..] else { panic!("one bucket") };
        assert_eq!((bucket.name.as_str(), bucket.region.as_str()), ("my-bucket", "cn-hangzhou"));
        assert_eq!((bucket.methods.as_slice(), bucket.checksums), (&["POST", "PUT"][..], false));
        assert!(bucket.parts.is_empty() && needed.signing_role.is_none());
    }

    #[test]
    fn tags_and_keys_of_kms_need_their_own_actions() {
        let needed = requirements(
            "[routes.a]\ndir = \"a/\"\nheaders.x-oss-tagging = \"a=1\"\n[routes.b]\ndir = \"b/\"\n\
             headers.x-oss-server-side-encryption = \"KMS\"\n\
             headers.x-oss-server-side-encryption-key-id = \"key-1\"\n",
        );
        let policy = needed.unwrap().policy;
        for statement in [
            allow(
                r#""oss:PutObject""#,
                r#""acs:oss:*:*:my-bucket/a/*","acs:oss:*:*:my-bucket/b/*""#,
            ),
            allow(r#""oss:PutObjectTagging""#, r#""acs:oss:*:*:my-bucket/a/*""#),
            allow(r#""kms:Decrypt","kms:GenerateDataKey""#, r#""acs:kms:*:*:key/key-1""#),
        ] {
            assert!(policy.contains(&statement), "{policy}");
        }
    }

    #[test]
    fn a_function_that_assumes_a_role_needs_that_action_alone() {
        let arn = "acs:ram::1234567890123456:role/oss-uploader";
        let needed = requirements(&format!("role_arn = \"{arn}\"\n")).unwrap();
        let statement = allow(r#""sts:AssumeRole""#, &format!("\"{arn}\""));
        assert_eq!(needed.policy, format!(r#"{{"Version":"1","Statement":[{statement}]}}"#));
        let role = needed.signing_role.unwrap();
        assert_eq!(role.arn, arn);
        assert!(role.policy.contains("oss:PutObject"), "{}", role.policy);
    }

    #[test]
    fn uploads_in_parts_need_two_more_actions_and_a_lifecycle_rule() {
        let needed = requirements(
            "[routes.video]\ndir = \"video/\"\nmultipart.enabled = true\nmultipart.resume = \"3d\"\n\
             [routes.small]\ndir = \"small/\"\n",
        )
        .unwrap();
        let small = r#""acs:oss:*:*:my-bucket/small/*""#;
        let video = r#""acs:oss:*:*:my-bucket/video/*""#;
        let put = allow(r#""oss:PutObject""#, &format!("{small},{video}"));
        let more = allow(r#""oss:ListParts","oss:AbortMultipartUpload""#, video);
        assert_eq!(needed.policy, format!(r#"{{"Version":"1","Statement":[{put},{more}]}}"#));
        let bucket = &needed.buckets[0];
        assert!(bucket.checksums);
        assert_eq!(bucket.parts, [PartsPrefix { prefix: "video/".to_owned(), days: 4 }]);
    }

    #[test]
    fn downloads_and_session_keys_need_their_actions_and_methods() {
        let needed = requirements("dir = \"a/\"\ndownload.enabled = true\n").unwrap();
        assert!(needed.policy.contains(r#""oss:PutObject","oss:GetObject""#), "{}", needed.policy);
        assert_eq!(needed.buckets[0].methods, ["POST", "PUT", "GET", "HEAD"]);
        let keys = "dir = \"a/{uuid}/\"\nsts.enabled = true\nrole_arn = \"acs:ram::1234567890123456:role/up\"\n";
        let needed = requirements(keys).unwrap();
        let role = needed.signing_role.unwrap();
        assert!(role.policy.contains("oss:AbortMultipartUpload"), "{}", role.policy);
        assert_eq!(needed.buckets[0].methods, ["POST", "PUT", "GET", "HEAD", "DELETE"]);
        assert_eq!(needed.buckets[0].parts[0].days, 8);
    }

    #[test]
    fn each_bucket_of_the_routes_is_named_once_with_its_own_region() {
        let file =
            "[routes.a]\n[routes.b]\nbucket = \"b-bucket\"\nregion = \"cn-beijing\"\n[routes.c]\n";
        let buckets = requirements(file).unwrap().buckets;
        let places: Vec<_> =
            buckets.iter().map(|one| (one.name.as_str(), one.region.as_str())).collect();
        assert_eq!(places, [("my-bucket", "cn-hangzhou"), ("b-bucket", "cn-beijing")]);
    }

    #[test]
    fn of_overlapping_directories_the_wider_is_kept_with_the_longer_time() {
        let mut bucket = BucketRequirements::new("b", "r");
        for (prefix, days) in [("a/b/", 8), ("c/", 2), ("a/", 3), ("a/d/", 9), ("ab/", 2)] {
            bucket.add_parts(PartsPrefix { prefix: prefix.to_owned(), days });
        }
        let parts: Vec<_> =
            bucket.parts.iter().map(|one| (one.prefix.as_str(), one.days)).collect();
        assert_eq!(parts, [("a/", 9), ("ab/", 2), ("c/", 2)]);
    }

    #[test]
    fn a_policy_that_is_too_long_is_refused_with_its_size() {
        let routes: Vec<_> =
            (0..300).map(|n| format!("[routes.r{n}]\ndir = \"directory-{n}/\"\n")).collect();
        let refused = requirements(&routes.concat()).unwrap_err();
        assert!(refused.bytes > MAX_POLICY_BYTES);
        assert!(refused.to_string().contains("RAM accepts 6144"), "{refused}");
    }
}
