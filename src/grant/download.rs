//! Download links: a presigned GET and a presigned HEAD for one object of the caller's.
//!
//! A link is signed for keys that the template of the route renders for this caller, and for no other, whether the
//! object exists or not. It fixes everything in its query: the disposition and the operation of the route. OSS does not
//! verify `Range`, so a client may read a part of the object.

use std::fmt;

use crate::credentials::Credentials;
use crate::grant::{GrantError, expiry_after, request_signer};
use crate::policy::disposition;
use crate::policy::route::Route;
use crate::policy::template::CallerAttributes;
use crate::signing::request::{OssRequest, object_path};
use crate::time::Timestamp;

/// The parameter with the header `Content-Disposition` of the response.
const RESPONSE_CONTENT_DISPOSITION: &str = "response-content-disposition";

/// The parameter with an operation on the object, such as a thumbnail.
const X_OSS_PROCESS: &str = "x-oss-process";

/// A request to read one object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DownloadRequest<'a> {
    /// The object key.
    pub key: &'a str,
    /// The operation on the object, one of those that the route allows.
    pub process: Option<&'a str>,
}

/// A permission to read one object.
#[derive(Clone, PartialEq, Eq)]
pub struct DownloadGrant {
    /// The object key.
    pub key: String,
    /// The URL for `GET`.
    pub get: String,
    /// The URL for `HEAD`, which is a request of its own to OSS.
    pub head: String,
    /// The last moment at which OSS accepts either.
    pub expires_at: Timestamp,
}

/// Who has the URLs may read the object, so they are not shown.
impl fmt::Debug for DownloadGrant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("DownloadGrant")
            .field("key", &self.key)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// Signs the download of an object, with one of the operations that the route allows.
///
/// # Errors
/// The route has no downloads, does not allow the operation, or does not render this key for this caller; or the
/// credentials end too soon.
pub fn issue(
    &DownloadRequest { key, process }: &DownloadRequest<'_>,
    route: &Route,
    credentials: &Credentials,
    attributes: &CallerAttributes<'_>,
    now: Timestamp,
) -> Result<DownloadGrant, GrantError> {
    let rules = route.download.as_ref().ok_or(GrantError::DownloadNotEnabled)?;
    if let Some(process) = process.filter(|one| !rules.process.iter().any(|known| known == one)) {
        return Err(GrantError::ProcessNotAllowed(process.to_owned()));
    }
    if !route.template.matches(key, attributes)? {
        return Err(GrantError::KeyNotAllowed(key.to_owned()));
    }
    let expires_at = expiry_after(rules.lifetime, credentials, now)?;
    let name = key.rsplit('/').next().unwrap_or(key);
    let disposition = rules.attachment.then(|| disposition::attachment(name));
    let mut query = Vec::new();
    query.extend(disposition.as_deref().map(|value| (RESPONSE_CONTENT_DISPOSITION, Some(value))));
    query.extend(process.map(|value| (X_OSS_PROCESS, Some(value))));
    let signer = request_signer(route, credentials, now);
    let url = |method| {
        let request =
            OssRequest { query: &query, ..OssRequest::new(method, route.bucket.as_str(), key) };
        let query = signer.presign(&request, expires_at.since(now));
        format!("{}{}?{query}", route.host.as_str(), object_path(key))
    };
    Ok(DownloadGrant { key: key.to_owned(), get: url("GET"), head: url("HEAD"), expires_at })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::PolicyError;
    use crate::policy::bucket::{Bucket, Region};
    use crate::policy::download::DownloadRules;
    use crate::policy::template::Template;
    use crate::secret::Secret;

    fn route(download: Option<DownloadRules>) -> Route {
        let bucket = Bucket::parse("examplebucket").unwrap();
        let region = Region::parse("cn-hangzhou").unwrap();
        let template = Template::key("users/{sub}/{name}").unwrap();
        Route { download, ..Route::new("photos", bucket, region, template) }
    }

    fn sign(key: &str, process: Option<&str>, route: &Route) -> Result<DownloadGrant, GrantError> {
        let credentials = Credentials {
            key_id: "LTAI5tExampleKeyId0001".to_owned(),
            secret: Secret::new("ExampleSecretKey/abcDEF+0123456789="),
            token: None,
            usable_until: None,
        };
        let now = Timestamp::from_unix(1_732_687_781).unwrap();
        let alice = CallerAttributes { subject: Some("alice"), ..CallerAttributes::NONE };
        issue(&DownloadRequest { key, process }, route, &credentials, &alice, now)
    }

    fn parameters(url: &str) -> Vec<(String, String)> {
        let query = url.split_once('?').unwrap().1;
        form_urlencoded::parse(query.as_bytes()).into_owned().collect()
    }

    #[test]
    fn a_link_reads_one_object_under_its_own_name() {
        let route = route(Some(DownloadRules::default()));
        let grant = sign("users/alice/照片 🌏 'a'.png", None, &route).unwrap();
        assert_eq!(grant.expires_at.rfc3339(), "2024-11-27T06:19:41Z");
        let disposition = (
            "response-content-disposition".to_owned(),
            "attachment; filename=\"__ _ 'a'.png\"; \
             filename*=UTF-8''%E7%85%A7%E7%89%87%20%F0%9F%8C%8F%20%27a%27.png"
                .to_owned(),
        );
        assert_eq!(parameters(&grant.get)[0], disposition);
        assert_eq!(parameters(&grant.head)[0], disposition);
        assert_ne!(grant.get, grant.head);
        assert!(!format!("{grant:?}").contains("https"));
        let plain = sign("users/alice/a", None, &route).unwrap();
        insta::assert_snapshot!(plain.get, @"https://examplebucket.oss-cn-hangzhou.aliyuncs.com/users/alice/a?response-content-disposition=attachment%3B%20filename%3D%22a%22&x-oss-credential=LTAI5tExampleKeyId0001%2F20241127%2Fcn-hangzhou%2Foss%2Faliyun_v4_request&x-oss-date=20241127T060941Z&x-oss-expires=600&x-oss-signature-version=OSS4-HMAC-SHA256&x-oss-signature=948865ab354fbb4631fc9f2f69cc8474be850dccafec750870c79fd6a8e80898");
    }

    #[test]
    fn the_headers_of_the_object_stay_where_the_route_says_so() {
        let rules = DownloadRules {
            attachment: false,
            process: vec!["style/thumb".to_owned(), "image/resize,w_1".to_owned()],
            ..DownloadRules::default()
        };
        let route = route(Some(rules));
        let names = |process| {
            let grant = sign("users/alice/a.png", process, &route).unwrap();
            let parameters = parameters(&grant.get);
            parameters
                .into_iter()
                .map(|(name, _)| name)
                .filter(|name| !name.contains("oss-s"))
                .collect::<Vec<_>>()
        };
        assert_eq!(names(None), ["x-oss-credential", "x-oss-date", "x-oss-expires"]);
        assert_eq!(
            names(Some("style/thumb")),
            ["x-oss-credential", "x-oss-date", "x-oss-expires", "x-oss-process"]
        );
        let refused = sign("users/alice/a.png", Some("style/original"), &route);
        assert_eq!(refused, Err(GrantError::ProcessNotAllowed("style/original".to_owned())));
    }

    #[test]
    fn no_other_key_is_signed() {
        let rules = Some(DownloadRules::default());
        for key in [
            "users/bob/a.png",
            "users/alice/../bob/a.png",
            "users/alice//a",
            "users/alice/",
            "",
            "a",
        ] {
            let refused = Err(GrantError::KeyNotAllowed(key.to_owned()));
            assert_eq!(sign(key, None, &route(rules.clone())), refused, "{key}");
        }
        assert_eq!(sign("users/alice/a", None, &route(None)), Err(GrantError::DownloadNotEnabled));
        let mut unnamed = route(rules);
        unnamed.template = Template::key("{claim:team}/{name}").unwrap();
        let unknown = PolicyError::CallerUnknown { placeholder: "claim:team".to_owned() };
        assert_eq!(sign("red/a", None, &unnamed), Err(GrantError::Policy(unknown)));
    }
}
