//! Which `Host` of a request is the function's own.
//!
//! OSS calls the function back at this host, so with a wrong one the function never learns of a stored file. Function
//! Compute gives each HTTP trigger the address `https://<name>-<letters>.<region>.fcapp.run`; how it treats other hosts
//! is not documented, and a custom domain is known to its owner only. Therefore hosts of this form are trusted and no
//! others; `PUBLIC_URL` sets any other. The host inside of a VPC, `….<region>-vpc.fcapp.run`, is not trusted: OSS cannot
//! reach it.

/// The domain of all triggers.
const DOMAIN: &str = ".fcapp.run";

/// Returns whether the platform can have routed a request with this host to the function. `region` is the function's
/// own; where it is unknown, any region is accepted.
pub(super) fn is_trusted(host: &str, region: Option<&str>) -> bool {
    let host = host.to_ascii_lowercase();
    let Some((name, its_region)) =
        host.strip_suffix(DOMAIN).and_then(|front| front.split_once('.'))
    else {
        return false;
    };
    let is_label = |text: &str| {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        (1..=63).contains(&text.len()) && text.bytes().all(plain)
    };
    let is_same = region.is_none_or(|region| region == its_region);
    is_label(name) && is_label(its_region) && is_same && !its_region.ends_with("-vpc")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_the_platform_is_trusted_in_the_functions_region() {
        for host in ["signer-abcdefghij.cn-hangzhou.fcapp.run", "Signer-A.CN-Hangzhou.FCApp.run"] {
            assert!(is_trusted(host, Some("cn-hangzhou")) && is_trusted(host, None), "{host}");
            assert!(!is_trusted(host, Some("cn-beijing")), "{host}");
        }
    }

    #[test]
    fn no_other_name_is_trusted() {
        for host in [
            "",
            "evil.example",
            "fcapp.run",
            ".fcapp.run",
            "a.fcapp.run",
            "a..fcapp.run",
            ".cn-hangzhou.fcapp.run",
            "a.b.cn-hangzhou.fcapp.run",
            "a.cn-hangzhou-vpc.fcapp.run",
            "a.cn-hangzhou.fcapp.run.evil.example",
            "a.cn-hangzhou.evilfcapp.run",
            "a.cn-hangzhou.fcapp.run:8443",
            "a.cn-hangzhou.fcapp.run.",
            "u@a.cn-hangzhou.fcapp.run",
            "evil.example/a.cn-hangzhou.fcapp.run",
            "evil.example#.cn-hangzhou.fcapp.run",
            "a b.cn-hangzhou.fcapp.run",
            "127.0.0.1:9000",
        ] {
            assert!(!is_trusted(host, None), "{host}");
            assert!(!is_trusted(host, Some("cn-hangzhou")), "{host}");
        }
    }
}
