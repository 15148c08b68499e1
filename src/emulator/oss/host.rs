//! Which bucket a request is for: the host says so.
//!
//! Facts §10, on a laptop: `<bucket>.localhost` and `<bucket>.oss-<region>.localhost` are the
//! virtual hosts, a bare address or `localhost` is a custom domain bound to the first bucket.

use std::net::IpAddr;

use crate::emulator::oss::options::Bucket;
use crate::emulator::oss::refusal::Kind;
use crate::emulator::oss::refusal::Refusal;

/// Takes the port off a host, and the brackets off an address.
pub(super) fn without_port(authority: &str) -> &str {
    if let Some(rest) = authority.strip_prefix('[') {
        return rest.split(']').next().unwrap_or_default();
    }
    authority.split(':').next().unwrap_or_default()
}

/// Finds the bucket that a host without its port names.
pub(super) fn bucket<'a>(host: &str, buckets: &'a [Bucket]) -> Result<&'a Bucket, Refusal> {
    let host = host.to_ascii_lowercase();
    if host == "localhost" || host.parse::<IpAddr>().is_ok() {
        return buckets.first().ok_or_else(|| unknown(&host));
    }
    let Some(name) = host.strip_suffix(".localhost") else {
        return Err(unknown(&host));
    };
    let (name, region) = match name.split_once('.') {
        Some((name, region)) => (name, Some(region)),
        None if name.starts_with("oss-") && !buckets.iter().any(|one| one.name == name) => {
            return Err(path_style());
        }
        None => (name, None),
    };
    let mut known = buckets.iter();
    let bucket = known.find(|one| one.name == name).ok_or_else(|| unknown(name))?;
    match region {
        Some(region) if region.strip_prefix("oss-") != Some(&bucket.region) => {
            Err(Kind::WrongEndpoint.because(format!(
                "the host names {region:?}, but the bucket's host is {}.oss-{}.localhost or {}.localhost",
                bucket.name, bucket.region, bucket.name
            )))
        }
        _ => Ok(bucket),
    }
}

/// Refuses a request that names its bucket in the path.
pub(super) fn path_style() -> Refusal {
    Kind::PathStyle.because(
        "the bucket stands in the path; put it in front of the host, as in <bucket>.localhost",
    )
}

fn unknown(name: &str) -> Refusal {
    Kind::NoSuchBucket
        .because(format!("the host names {name:?}, and no such bucket is here"))
        .with_child("BucketName", name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(host: &str) -> Result<String, Kind> {
        let buckets = [("first", "cn-hangzhou"), ("second", "cn-beijing")];
        let buckets = buckets
            .map(|(name, region)| Bucket { name: name.to_owned(), region: region.to_owned() });
        bucket(without_port(host), &buckets)
            .map(|bucket| bucket.name.clone())
            .map_err(|refusal| refusal.kind())
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
            assert_eq!(named(host), Err(Kind::NoSuchBucket), "{host}");
        }
    }

    #[test]
    fn the_endpoint_of_another_region_is_refused() {
        assert_eq!(named("first.oss-cn-beijing.localhost"), Err(Kind::WrongEndpoint));
        assert_eq!(named("first.cn-hangzhou.localhost"), Err(Kind::WrongEndpoint));
    }

    #[test]
    fn an_endpoint_without_a_bucket_is_path_style() {
        assert_eq!(named("oss-cn-hangzhou.localhost"), Err(Kind::PathStyle));
    }
}
