//! The endpoint of STS.
//!
//! A configured endpoint comes first, then the region's, then the central one; all are equivalent. A region's
//! endpoint has a regular name, but a few regions have none, so an endpoint can be configured.

// `core::net` has addresses without sockets: this module is pure.
use core::net::IpAddr;
use std::error::Error;
use std::fmt;

use http::Uri;

/// The endpoint for all regions.
pub const CENTRAL: &str = "https://sts.aliyuncs.com";

/// The reason why an endpoint cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndpointError {
    /// Not an endpoint: write scheme and host only.
    Address,
    /// The scheme is not `https`; responses contain secrets.
    Plain,
    /// Not the name of a region.
    Region,
    /// The endpoint inside a VPC depends on the region: set it.
    RegionMissing,
}

impl fmt::Display for EndpointError {
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

impl Error for EndpointError {}

/// Returns scheme, host and port, without a slash at the end.
///
/// # Errors
/// The endpoint or the region cannot be used, or `vpc` is set without a region.
pub fn choose(
    explicit: Option<&str>,
    region: Option<&str>,
    vpc: bool,
) -> Result<String, EndpointError> {
    match (explicit, region) {
        (Some(address), _) => check(address),
        (None, Some(region)) if !is_region(region) => Err(EndpointError::Region),
        (None, Some(region)) if vpc => Ok(format!("https://sts-vpc.{region}.aliyuncs.com")),
        (None, Some(region)) => Ok(format!("https://sts.{region}.aliyuncs.com")),
        // Other clients use the public endpoint here. Inside a VPC without access to it, that is a request
        // that hangs instead of an error that names the reason.
        (None, None) if vpc => Err(EndpointError::RegionMissing),
        (None, None) => Ok(CENTRAL.to_owned()),
    }
}

fn check(address: &str) -> Result<String, EndpointError> {
    let scheme = if address.contains("://") { "" } else { "https://" };
    let address = format!("{scheme}{address}");
    let uri = address.parse::<Uri>().map_err(|_| EndpointError::Address)?;
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Err(EndpointError::Address);
    };
    if uri.path() != "/" || uri.query().is_some() || authority.as_str().contains('@') {
        return Err(EndpointError::Address);
    }
    match scheme {
        "https" => Ok(format!("https://{authority}")),
        "http" if is_loopback(authority.host()) => Ok(format!("http://{authority}")),
        _ => Err(EndpointError::Plain),
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
    fn an_endpoint_comes_before_a_region_and_a_region_before_the_central_endpoint() {
        let region = Some("cn-hangzhou");
        let table = [
            (None, None, false, Ok("https://sts.aliyuncs.com")),
            (None, region, false, Ok("https://sts.cn-hangzhou.aliyuncs.com")),
            (None, region, true, Ok("https://sts-vpc.cn-hangzhou.aliyuncs.com")),
            (None, None, true, Err(EndpointError::RegionMissing)),
            (None, Some("cn hangzhou"), false, Err(EndpointError::Region)),
            (None, Some("evil.example/"), false, Err(EndpointError::Region)),
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
    fn only_a_loopback_endpoint_may_be_without_tls() {
        for plain in
            ["http://127.0.0.1:9000", "http://127.9.9.9", "http://[::1]:80", "http://localhost:1"]
        {
            assert_eq!(choose(Some(plain), None, false), Ok(plain.to_owned()));
        }
        for plain in ["http://sts.aliyuncs.com", "http://localhost.example", "ftp://127.0.0.1"] {
            assert_eq!(choose(Some(plain), None, false), Err(EndpointError::Plain), "{plain}");
        }
        for bad in ["", "https://", "sts.example/path", "sts.example?a=b", "a:b@sts.example", "a b"]
        {
            assert_eq!(choose(Some(bad), None, false), Err(EndpointError::Address), "{bad}");
        }
    }
}
