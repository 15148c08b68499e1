//! Where STS is.
//!
//! An address that somebody wrote down comes first, then the region's, then the central one; all do
//! the same. A region's address is built by rule, and a few regions have none, which is why an
//! address can be written down.

// The addresses without the sockets.
use core::net::IpAddr;
use std::error::Error;
use std::fmt;

use http::Uri;

/// The address for all regions.
pub const CENTRAL: &str = "https://sts.aliyuncs.com";

/// Says why STS cannot be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadEndpoint {
    /// The address is none: write scheme and host only.
    Address,
    /// The answer holds a secret, so it travels through TLS or not at all.
    Plain,
    /// The region's name is none.
    Region,
    /// The address inside a VPC was asked for, and that depends on the region: set it.
    RegionMissing,
}

impl fmt::Display for BadEndpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Address => "the address of STS is a host such as sts.cn-hangzhou.aliyuncs.com",
            Self::Plain => "STS answers with a secret, so its address begins with https://",
            Self::Region => "the region of STS is a name such as cn-hangzhou",
            Self::RegionMissing => {
                "STS inside a VPC has an address of its own in each region, so set the region too"
            }
        })
    }
}

impl Error for BadEndpoint {}

/// Chooses the address: scheme, host and port, without a slash at the end.
///
/// # Errors
/// The address or the region cannot be used, or `vpc` is wished without a region.
pub fn choose(
    explicit: Option<&str>,
    region: Option<&str>,
    vpc: bool,
) -> Result<String, BadEndpoint> {
    match (explicit, region) {
        (Some(address), _) => check(address),
        (None, Some(region)) if !is_region(region) => Err(BadEndpoint::Region),
        (None, Some(region)) if vpc => Ok(format!("https://sts-vpc.{region}.aliyuncs.com")),
        (None, Some(region)) => Ok(format!("https://sts.{region}.aliyuncs.com")),
        // Others fall back to the public address here. Where no public address can be reached,
        // that is a call that hangs instead of a sentence that says why.
        (None, None) if vpc => Err(BadEndpoint::RegionMissing),
        (None, None) => Ok(CENTRAL.to_owned()),
    }
}

fn check(address: &str) -> Result<String, BadEndpoint> {
    let scheme = if address.contains("://") { "" } else { "https://" };
    let address = format!("{scheme}{address}");
    let uri = address.parse::<Uri>().map_err(|_| BadEndpoint::Address)?;
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Err(BadEndpoint::Address);
    };
    if uri.path() != "/" || uri.query().is_some() || authority.as_str().contains('@') {
        return Err(BadEndpoint::Address);
    }
    match scheme {
        "https" => Ok(format!("https://{authority}")),
        "http" if is_loopback(authority.host()) => Ok(format!("http://{authority}")),
        _ => Err(BadEndpoint::Plain),
    }
}

fn is_region(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
        && !text.starts_with('-')
        && !text.ends_with('-')
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_comes_before_a_region_and_a_region_before_the_centre() {
        let region = Some("cn-hangzhou");
        let table = [
            (None, None, false, Ok("https://sts.aliyuncs.com")),
            (None, region, false, Ok("https://sts.cn-hangzhou.aliyuncs.com")),
            (None, region, true, Ok("https://sts-vpc.cn-hangzhou.aliyuncs.com")),
            (None, None, true, Err(BadEndpoint::RegionMissing)),
            (None, Some("cn hangzhou"), false, Err(BadEndpoint::Region)),
            (None, Some("evil.example/"), false, Err(BadEndpoint::Region)),
            (Some("sts.example"), None, true, Ok("https://sts.example")),
            (Some("https://sts.example/"), region, true, Ok("https://sts.example")),
            (Some("sts.example:8443"), None, false, Ok("https://sts.example:8443")),
        ];
        for (explicit, region, vpc, expected) in table {
            let chosen = choose(explicit, region, vpc);
            assert_eq!(chosen, expected.map(str::to_owned), "{explicit:?} {region:?} {vpc}");
        }
    }

    #[test]
    fn only_a_loopback_address_may_be_plain() {
        for plain in
            ["http://127.0.0.1:9000", "http://127.9.9.9", "http://[::1]:80", "http://localhost:1"]
        {
            assert_eq!(choose(Some(plain), None, false), Ok(plain.to_owned()));
        }
        for plain in ["http://sts.aliyuncs.com", "http://localhost.example", "ftp://127.0.0.1"] {
            assert_eq!(choose(Some(plain), None, false), Err(BadEndpoint::Plain), "{plain}");
        }
        for bad in ["", "https://", "sts.example/path", "sts.example?a=b", "a:b@sts.example", "a b"]
        {
            assert_eq!(choose(Some(bad), None, false), Err(BadEndpoint::Address), "{bad}");
        }
    }
}
