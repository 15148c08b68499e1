//! Referer rules of a bucket, also called hotlink protection.
//!
//! Sources: the pages of EC 0003-00000501 to 0003-00000503 and `PutBucketReferer`. A rule list with
//! patterns allows only matching referers; a block list takes precedence. Patterns have `*` for any
//! number of characters and `?` for one. Path and query of a `Referer` are ignored, as with
//! `TruncatePath`; a pattern without a scheme matches http and https. Requests that are signed with an
//! `Authorization` header are not checked. No page says whether CORS preflight requests are checked; here
//! they are not, because they concern no object.

use http::{HeaderMap, header};

use crate::oss::error::{OssError, OssErrorKind};

/// The referer rules of all buckets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RefererRules {
    /// Whether requests without a `Referer` are rejected.
    pub refuse_empty: bool,
    /// The patterns of allowed referers. An empty list allows all.
    pub allowed: Vec<String>,
    /// The patterns of blocked referers.
    pub blocked: Vec<String>,
}

impl RefererRules {
    /// Checks the `Referer` of a request.
    pub(super) fn check(&self, headers: &HeaderMap) -> Result<(), OssError> {
        if headers.contains_key(header::AUTHORIZATION) {
            return Ok(());
        }
        let referer = headers.get(header::REFERER).and_then(|value| value.to_str().ok());
        let Some(referer) = referer.filter(|referer| !referer.is_empty()) else {
            if self.refuse_empty {
                return Err(OssErrorKind::RefererEmpty
                    .because("the request has no Referer, and the referer rules need one"));
            }
            return Ok(());
        };
        let site = site(referer);
        if self.blocked.iter().any(|pattern| matches(pattern, site)) {
            return Err(OssErrorKind::RefererBlocked
                .because(format!("the Referer {site:?} is on the block list")));
        }
        if !self.allowed.is_empty() && !self.allowed.iter().any(|pattern| matches(pattern, site)) {
            return Err(OssErrorKind::RefererNotListed
                .because(format!("the Referer {site:?} is not on the list of allowed referers")));
        }
        Ok(())
    }
}

/// Returns scheme and host of a referer.
fn site(referer: &str) -> &str {
    let start = referer.find("://").map_or(0, |at| at + 3);
    let rest = referer.get(start..).unwrap_or_default();
    let length = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    referer.get(..start + length).unwrap_or_default()
}

fn matches(pattern: &str, site: &str) -> bool {
    let pattern = pattern.trim_end_matches('/');
    let host = site.split_once("://").map_or(site, |(_, host)| host);
    let text = if pattern.contains("://") { site } else { host };
    matches_wildcards(pattern.as_bytes(), text.as_bytes())
}

/// Matches iteratively: after a mismatch, the last `*` takes one more byte.
fn matches_wildcards(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut position) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while position < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, position));
                at += 1;
            }
            Some(byte)
                if *byte == b'?'
                    || text.get(position).is_some_and(|one| one.eq_ignore_ascii_case(byte)) =>
            {
                at += 1;
                position += 1;
            }
            _ => {
                let Some((star_at, taken)) = star else { return false };
                star = Some((star_at, taken + 1));
                at = star_at + 1;
                position = taken + 1;
            }
        }
    }
    pattern.get(at..).unwrap_or_default().iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ec(rules: &RefererRules, headers: &[(&'static str, &'static str)]) -> Option<&'static str> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        rules.check(&map).err().map(|error| error.ec().unwrap())
    }

    #[test]
    fn each_kind_of_rule_has_its_ec() {
        let rules = RefererRules {
            refuse_empty: true,
            allowed: vec!["http://*.aliyuncs.com".to_owned()],
            blocked: vec!["http://abc.aliyuncs.com".to_owned()],
        };
        assert_eq!(ec(&rules, &[]), Some("0003-00000501"));
        assert_eq!(ec(&rules, &[("referer", "")]), Some("0003-00000501"));
        assert_eq!(ec(&rules, &[("referer", "http://abc.aliyuncs.com")]), Some("0003-00000502"));
        assert_eq!(ec(&rules, &[("referer", "http://test.com")]), Some("0003-00000503"));
        assert_eq!(ec(&rules, &[("referer", "http://test.aliyuncs.com")]), None);
        assert_eq!(ec(&rules, &[("authorization", "OSS4-HMAC-SHA256 x")]), None);
        assert_eq!(ec(&RefererRules::default(), &[("referer", "http://any.test/")]), None);
        assert_eq!(ec(&RefererRules::default(), &[]), None);
    }

    #[test]
    fn patterns_have_wildcards_and_ignore_the_path() {
        for (pattern, referer, expected) in [
            ("https://app.example", "https://app.example/page?x=1", true),
            ("https://app.example/", "https://app.example/", true),
            ("https://app.example", "http://app.example/", false),
            ("*.example", "https://app.example/", true),
            ("app.example", "https://app.example.evil.test/", false),
            ("*", "https://any.test/", true),
            ("https://*.a.*", "https://x.a.b/a.c", true),
            ("https://?.a.test", "https://x.a.test/", true),
            ("https://?.a.test", "https://xy.a.test/", false),
            ("HTTPS://APP.EXAMPLE", "https://app.example/", true),
        ] {
            assert_eq!(matches(pattern, site(referer)), expected, "{pattern} {referer}");
        }
    }
}
