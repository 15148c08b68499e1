//! The place: where a grant sends its form, and which region it is signed for.

use http::Uri;

use crate::doctor::case::Case;
use crate::doctor::finding::Finding;
use crate::doctor::grant::Grant;
use crate::doctor::{alien, permission, role};

/// Where a form goes, as far as the grant tells.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) url: String,
    pub(super) host: String,
    pub(super) bucket: String,
    /// What of the key stays the same.
    pub(super) directory: String,
    /// The region in the credential's scope.
    pub(super) signed_for: Option<String>,
}

/// What a host says of its endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Endpoint {
    /// A region's public endpoint.
    Public(String),
    /// One that is reached from inside the cloud only.
    Internal,
    /// A domain of one's own, an accelerated one, or something else that names no region.
    Unknown,
}

impl Place {
    pub(super) fn of(grant: &Grant) -> Self {
        let uri: Uri = grant.url.parse().unwrap_or_default();
        let host = uri.host().unwrap_or_default().to_owned();
        let policy = grant.policy();
        let named = policy.as_ref().and_then(permission::bucket);
        let first = host.split('.').next().unwrap_or_default();
        Self {
            bucket: alien::plain(named.unwrap_or(first)),
            url: grant.url.clone(),
            directory: role::steady(&grant.key),
            signed_for: grant
                .field("x-oss-credential")
                .and_then(|credential| credential.split('/').nth(2))
                .map(alien::plain),
            host,
        }
    }
}

/// Reads the endpoint behind the bucket; the local OSS stands below `localhost`.
fn endpoint(host: &str) -> Endpoint {
    let host = host.to_ascii_lowercase();
    let below = host.strip_suffix(".aliyuncs.com").or_else(|| host.strip_suffix(".localhost"));
    let Some((_, endpoint)) = below.and_then(|below| below.split_once('.')) else {
        return Endpoint::Unknown;
    };
    if endpoint.ends_with("-internal") {
        return Endpoint::Internal;
    }
    let region = endpoint.strip_prefix("oss-").or_else(|| endpoint.strip_suffix(".oss"));
    match region {
        Some(region) if !region.starts_with("accelerate") => Endpoint::Public(region.to_owned()),
        _ => Endpoint::Unknown,
    }
}

/// Looks at the address as a browser would before it goes there.
pub(super) fn judge_address(case: &Case, place: &Place) -> Finding {
    let id = "grant.address";
    let seen = alien::plain(&place.url);
    if endpoint(&place.host) == Endpoint::Internal {
        return Finding::fail(id, seen)
            .cause("internal-endpoint")
            .why(
                "This host is reached from inside the cloud's network only, which browsers are not \
                 in.",
            )
            .mend(
                "Take OSS_UPLOAD_HOST out of the function's environment, or set it to the public \
                 host or your own domain, and deploy.",
            );
    }
    if !case.may_load(&place.url) {
        return Finding::fail(id, seen)
            .cause("no-https")
            .why("A page of https may not post to it (mixed content).")
            .mend(
                "Write https in OSS_UPLOAD_HOST, give a domain of your own a certificate (OSS \
                 console > Buckets > the bucket > Bucket Settings > Domain Names > Certificate), \
                 and deploy.",
            );
    }
    Finding::ok(id, seen)
}

/// Holds the region that the grant is signed for against the one in the bucket's host.
pub(super) fn judge_region(grant: &Grant, place: &Place) -> Finding {
    let id = "grant.region";
    if !grant.is_v4() {
        return Finding::skipped(id, "V1 signs no region");
    }
    let Some(signed) = &place.signed_for else {
        return Finding::skipped(id, "the grant names none");
    };
    let wrong = |seen: String, region: &str| {
        Finding::fail(id, seen)
            .cause("wrong-region")
            .why("OSS refuses a signature for another region than the bucket's (0002-00000715).")
            .mend(format!(
                "Set the bucket's region in the function's environment, and \
                 deploy:\n  OSS_REGION={region}"
            ))
    };
    match endpoint(&place.host) {
        Endpoint::Public(region) if region != *signed => {
            wrong(format!("signed for {signed}, but the host is in {region}"), &region)
        }
        Endpoint::Public(_) => Finding::ok(id, format!("signed for {signed}, where the host is")),
        _ => match signed.strip_prefix("oss-") {
            Some(region) => wrong(format!("signed for {signed}, which is no region"), region),
            None => Finding::ok(id, format!("signed for {signed}; the host names no region")),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_tells_its_region_or_nothing() {
        let public = |region: &str| Endpoint::Public(region.to_owned());
        for (host, told) in [
            ("b.oss-cn-hangzhou.aliyuncs.com", public("cn-hangzhou")),
            ("b.oss-cn-hangzhou-internal.aliyuncs.com", Endpoint::Internal),
            ("b.cn-hangzhou.oss.aliyuncs.com", public("cn-hangzhou")),
            ("b.oss-accelerate.aliyuncs.com", Endpoint::Unknown),
            ("b.oss-cn-beijing.localhost", public("cn-beijing")),
            ("upload.example.com", Endpoint::Unknown),
            ("127.0.0.1", Endpoint::Unknown),
        ] {
            assert_eq!(endpoint(host), told, "{host}");
        }
    }
}
