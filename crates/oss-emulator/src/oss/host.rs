//! Which bucket a request is for: the host says so.
//!
//! The pages on regions, endpoints and custom domains, on a laptop: `<bucket>.localhost` and
//! `<bucket>.oss-<region>.localhost` are the virtual hosts, a bare address or `localhost` is a
//! custom domain bound to the first bucket.

use std::net::IpAddr;

use crate::oss::judgement::Judgement;
use crate::oss::options::Bucket;
use crate::oss::refusal::Kind;
use crate::oss::refusal::Refusal;

/// Takes the port off a host, and the brackets off an address.
pub(super) fn without_port(authority: &str) -> &str {
    if let Some(rest) = authority.strip_prefix('[') {
        return rest.split(']').next().unwrap_or_default();
    }
    authority.split(':').next().unwrap_or_default()
}

/// Finds the bucket that a host without its port names.
pub(super) fn bucket<'a>(
    host: &str,
    buckets: &'a [Bucket],
    judgement: &Judgement,
) -> Result<&'a Bucket, Refusal> {
    let host = host.to_ascii_lowercase();
    if host == "localhost" || host.parse::<IpAddr>().is_ok() {
        return buckets.first().ok_or_else(|| unknown(&host));
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
    if judgement.refuse_public_endpoint {
        return Err(Kind::PublicEndpoint.because(
            "the bucket's default host is refused, as for new accounts; upload to a custom domain",
        ));
    }
    Ok(bucket)
}

/// Checks what stands between the bucket and `localhost`: the endpoint of the bucket's region.
fn check_endpoint(endpoint: &str, bucket: &Bucket) -> Result<(), Refusal> {
    if endpoint.strip_prefix("oss-") == Some(&bucket.region) {
        return Ok(());
    }
    if endpoint.starts_with("oss-accelerate") {
        return Err(Kind::AccelerationDisabled
            .because("the host asks for transfer acceleration, which is not enabled"));
    }
    let (name, region) = (&bucket.name, &bucket.region);
    Err(Kind::WrongEndpoint.because(format!(
        "the host names {endpoint:?}, but the bucket's host is {name}.oss-{region}.localhost"
    )))
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
        judged(host, &Judgement::default())
    }

    fn judged(host: &str, judgement: &Judgement) -> Result<String, Kind> {
        let buckets = [("first", "cn-hangzhou"), ("second", "cn-beijing")];
        let buckets = buckets
            .map(|(name, region)| Bucket { name: name.to_owned(), region: region.to_owned() });
        bucket(without_port(host), &buckets, judgement)
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

    #[test]
    fn acceleration_is_not_enabled() {
        for host in ["first.oss-accelerate.localhost", "first.oss-accelerate-overseas.localhost"] {
            assert_eq!(named(host), Err(Kind::AccelerationDisabled));
        }
    }

    #[test]
    fn the_default_hosts_can_be_refused_as_for_new_accounts() {
        let judgement = Judgement { refuse_public_endpoint: true, ..Judgement::default() };
        let refused = Err(Kind::PublicEndpoint);
        assert_eq!(judged("second.localhost", &judgement), refused);
        assert_eq!(judged("second.oss-cn-beijing.localhost", &judgement), refused);
        assert_eq!(judged("127.0.0.1", &judgement), Ok("first".to_owned()));
    }
}
