//! Finds the bucket of a request by its host.
//!
//! The pages on regions, endpoints and custom domains, translated to one machine:
//! `<bucket>.localhost` and `<bucket>.oss-<region>.localhost` are virtual hosts; a bare address or
//! `localhost` stands for a custom domain bound to the first bucket. The real hosts below
//! `aliyuncs.com` are understood too, because captured requests name them; the server itself does not
//! answer to them.

use std::net::IpAddr;

use crate::oss::error::{OssError, OssErrorKind};
use crate::oss::options::LocalBucket;
use crate::oss::strictness::Strictness;

/// Removes the port of a host, and the brackets of an IPv6 address.
pub(super) fn without_port(authority: &str) -> &str {
    if let Some(rest) = authority.strip_prefix('[') {
        return rest.split(']').next().unwrap_or_default();
    }
    authority.split(':').next().unwrap_or_default()
}

/// Finds the bucket that a host (without its port) names.
pub(super) fn bucket<'a>(
    host: &str,
    buckets: &'a [LocalBucket],
    strictness: &Strictness,
) -> Result<&'a LocalBucket, OssError> {
    let host = host.to_ascii_lowercase();
    if host == "localhost" || host.parse::<IpAddr>().is_ok() {
        return buckets.first().ok_or_else(|| unknown(&host));
    }
    if let Some(virtual_host) = host.strip_suffix(".aliyuncs.com") {
        return real_bucket(virtual_host, buckets, strictness);
    }
    let virtual_host = host.strip_suffix(".localhost").ok_or_else(|| unknown(&host))?;
    let (name, endpoint) = match virtual_host.split_once('.') {
        Some((name, endpoint)) => (name, Some(endpoint)),
        None => (virtual_host, None),
    };
    let Some(bucket) = buckets.iter().find(|bucket| bucket.name == name) else {
        let bare = endpoint.is_none() && name.starts_with("oss-");
        return Err(if bare { path_style() } else { unknown(name) });
    };
    if let Some(endpoint) = endpoint {
        check_endpoint(endpoint, bucket)?;
    }
    check_public_endpoint(strictness)?;
    Ok(bucket)
}

fn check_public_endpoint(strictness: &Strictness) -> Result<(), OssError> {
    if !strictness.refuse_public_endpoint {
        return Ok(());
    }
    Err(OssErrorKind::PublicEndpoint.because(
        "the bucket's default host is refused, as for new accounts; upload to a custom domain",
    ))
}

/// Finds the bucket of a host below `aliyuncs.com`.
///
/// A request does not show whether transfer acceleration is enabled, so its hosts are accepted.
fn real_bucket<'a>(
    virtual_host: &str,
    buckets: &'a [LocalBucket],
    strictness: &Strictness,
) -> Result<&'a LocalBucket, OssError> {
    let Some((name, endpoint)) = virtual_host.split_once('.') else {
        let bare = virtual_host.starts_with("oss-");
        return Err(if bare { path_style() } else { unknown(virtual_host) });
    };
    // `<region>.oss` is the dual-stack endpoint, with or without a bucket in front of it.
    if endpoint == "oss" {
        return Err(path_style());
    }
    let bucket = buckets.iter().find(|bucket| bucket.name == name).ok_or_else(|| unknown(name))?;
    let is_internal = endpoint.ends_with("-internal");
    let region = endpoint
        .strip_prefix("oss-")
        .or_else(|| endpoint.strip_suffix(".oss"))
        .map(|region| region.strip_suffix("-internal").unwrap_or(region));
    match region {
        Some("accelerate" | "accelerate-overseas") => {}
        Some(region) if region == bucket.region => {
            if !is_internal {
                check_public_endpoint(strictness)?;
            }
        }
        _ => return Err(wrong_endpoint(endpoint, bucket, "aliyuncs.com")),
    }
    Ok(bucket)
}

/// Checks the part between the bucket and `localhost`, which must be the endpoint of the bucket's
/// region.
fn check_endpoint(endpoint: &str, bucket: &LocalBucket) -> Result<(), OssError> {
    if endpoint.strip_prefix("oss-") == Some(&bucket.region) {
        return Ok(());
    }
    if endpoint.starts_with("oss-accelerate") {
        return Err(OssErrorKind::AccelerationDisabled
            .because("the host asks for transfer acceleration, which is not enabled"));
    }
    Err(wrong_endpoint(endpoint, bucket, "localhost"))
}

fn wrong_endpoint(endpoint: &str, bucket: &LocalBucket, domain: &str) -> OssError {
    let (name, region) = (&bucket.name, &bucket.region);
    OssErrorKind::WrongEndpoint.because(format!(
        "the host names {endpoint:?}, but the bucket's host is {name}.oss-{region}.{domain}"
    ))
}

/// Builds the error for a request that names its bucket in the path.
pub(super) fn path_style() -> OssError {
    OssErrorKind::PathStyle
        .because("the bucket is in the path; put it in front of the host, as in <bucket>.localhost")
}

fn unknown(name: &str) -> OssError {
    OssErrorKind::NoSuchBucket
        .because(format!("the host names the bucket {name:?}, which does not exist here"))
        .with_child("BucketName", name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(host: &str) -> Result<String, OssErrorKind> {
        checked(host, &Strictness::default())
    }

    fn checked(host: &str, strictness: &Strictness) -> Result<String, OssErrorKind> {
        let buckets = [("first", "cn-hangzhou"), ("second", "cn-beijing")];
        let buckets = buckets
            .map(|(name, region)| LocalBucket { name: name.to_owned(), region: region.to_owned() });
        bucket(without_port(host), &buckets, strictness)
            .map(|bucket| bucket.name.clone())
            .map_err(|error| error.kind())
    }

    #[test]
    fn virtual_hosts_name_their_bucket() {
        assert_eq!(named("second.localhost:8080"), Ok("second".to_owned()));
        assert_eq!(named("Second.LOCALHOST"), Ok("second".to_owned()));
        assert_eq!(named("second.oss-cn-beijing.localhost"), Ok("second".to_owned()));
    }

    #[test]
    fn addresses_and_localhost_are_bound_to_the_first_bucket() {
        for host in ["127.0.0.1:80", "[::1]:80", "localhost", "localhost:1"] {
            assert_eq!(named(host), Ok("first".to_owned()), "{host}");
        }
    }

    #[test]
    fn other_hosts_name_no_bucket() {
        for host in ["third.localhost", "example.com", "", "first.example.com", ".localhost"] {
            assert_eq!(named(host), Err(OssErrorKind::NoSuchBucket), "{host}");
        }
    }

    #[test]
    fn the_endpoint_of_another_region_is_refused() {
        assert_eq!(named("first.oss-cn-beijing.localhost"), Err(OssErrorKind::WrongEndpoint));
        assert_eq!(named("first.cn-hangzhou.localhost"), Err(OssErrorKind::WrongEndpoint));
    }

    #[test]
    fn an_endpoint_without_a_bucket_is_path_style() {
        assert_eq!(named("oss-cn-hangzhou.localhost"), Err(OssErrorKind::PathStyle));
    }

    #[test]
    fn acceleration_is_not_enabled() {
        for host in ["first.oss-accelerate.localhost", "first.oss-accelerate-overseas.localhost"] {
            assert_eq!(named(host), Err(OssErrorKind::AccelerationDisabled));
        }
    }

    #[test]
    fn the_default_hosts_can_be_refused_as_for_new_accounts() {
        let strictness = Strictness { refuse_public_endpoint: true, ..Strictness::default() };
        let refused = Err(OssErrorKind::PublicEndpoint);
        assert_eq!(checked("second.localhost", &strictness), refused);
        assert_eq!(checked("second.oss-cn-beijing.localhost", &strictness), refused);
        assert_eq!(checked("127.0.0.1", &strictness), Ok("first".to_owned()));
    }

    #[test]
    fn the_real_hosts_of_captured_requests_are_understood() {
        for host in [
            "first.oss-cn-hangzhou.aliyuncs.com",
            "First.OSS-cn-hangzhou-internal.aliyuncs.com",
            "first.cn-hangzhou.oss.aliyuncs.com",
            "first.oss-accelerate.aliyuncs.com",
            "first.oss-accelerate-overseas.aliyuncs.com",
        ] {
            assert_eq!(named(host), Ok("first".to_owned()), "{host}");
        }
        for (host, kind) in [
            ("first.oss-cn-beijing.aliyuncs.com", OssErrorKind::WrongEndpoint),
            ("first.s3.aliyuncs.com", OssErrorKind::WrongEndpoint),
            ("third.oss-cn-hangzhou.aliyuncs.com", OssErrorKind::NoSuchBucket),
            ("oss-cn-hangzhou.aliyuncs.com", OssErrorKind::PathStyle),
            ("cn-hangzhou.oss.aliyuncs.com", OssErrorKind::PathStyle),
            ("www.aliyuncs.com", OssErrorKind::NoSuchBucket),
        ] {
            assert_eq!(named(host), Err(kind), "{host}");
        }
        let strictness = Strictness { refuse_public_endpoint: true, ..Strictness::default() };
        let refused = Err(OssErrorKind::PublicEndpoint);
        assert_eq!(checked("first.oss-cn-hangzhou.aliyuncs.com", &strictness), refused);
        let internal = checked("first.oss-cn-hangzhou-internal.aliyuncs.com", &strictness);
        assert_eq!(internal, Ok("first".to_owned()));
    }
}
