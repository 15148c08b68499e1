//! Which names in a call's `Host` are believed to be the function's own.
//!
//! OSS calls the function back at this name, so a wrong one means a stored file of which the function
//! never hears. Function Compute gives each HTTP trigger the address
//! `https://<name>-<letters>.<region>.fcapp.run`; how it treats other names is not documented, and a
//! custom domain is known to nobody but its owner. Therefore only names of this form are believed.
//! `PUBLIC_URL` says any other. The name inside a VPC, `….<region>-vpc.fcapp.run`, is none of them:
//! OSS cannot reach it.

/// The domain of all triggers.
const DOMAIN: &str = ".fcapp.run";

/// Returns whether the platform could have led a call under this host to the function. `region` is
/// the function's own; where it is not known, any region will do.
pub(super) fn is_believed(host: &str, region: Option<&str>) -> bool {
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
    fn a_name_of_the_platform_is_believed_in_the_functions_region() {
        for host in ["signer-abcdefghij.cn-hangzhou.fcapp.run", "Signer-A.CN-Hangzhou.FCApp.run"] {
            assert!(is_believed(host, Some("cn-hangzhou")) && is_believed(host, None), "{host}");
            assert!(!is_believed(host, Some("cn-beijing")), "{host}");
        }
    }

    #[test]
    fn no_other_name_is_believed() {
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
            assert!(!is_believed(host, None), "{host}");
            assert!(!is_believed(host, Some("cn-hangzhou")), "{host}");
        }
    }
}
