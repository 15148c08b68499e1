//! The verdict of the local OSS on a request that is signed in its URL or its headers.
//!
//! Of a URL alone, method and headers are not known. With the secret, the methods are tried without
//! headers; one that fits is the method that was signed for.

use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Request, Uri};

use crate::explain::View;
use crate::explain::capture::Head;
use crate::explain::judge::{encoded, is_virtual, plausible};
use crate::explain::refusal;
use crate::language::Language;
use oss_emulator::hosts::AllowedHosts;
use oss_emulator::oss::{
    AccessKey, LocalBucket, OssError, OssErrorKind, SignatureCheck, Strictness, UploadValidator,
    ValidRequest,
};

/// The methods of presigned URLs, the likeliest first.
const METHODS: [Method; 5] = [Method::GET, Method::PUT, Method::HEAD, Method::POST, Method::DELETE];

/// The bucket of a request whose host names none.
const ANY_BUCKET: &str = "examplebucket";

/// The region of a request that names none.
const ANY_REGION: &str = "cn-hangzhou";

/// The value of a header that is signed and that the capture does not show.
const ANY_VALUE: HeaderValue = HeaderValue::from_static("0");

/// A verdict, and the lines that explain it.
pub(super) struct RequestVerdict {
    pub(super) outcome: Result<ValidRequest, OssError>,
    pub(super) lines: Vec<String>,
}

/// What is known of the value of the signature.
#[derive(Clone, Copy, PartialEq, Eq)]
enum SignatureNote {
    Checked,
    /// The key that signed is not in the environment.
    NoKey,
    /// The environment has another key.
    OtherKey,
    /// The capture does not show which bucket the signature is for.
    NoBucket,
    /// The capture does not show a header that is signed.
    NoHeader,
    /// Only the URL is known, and no method fits it without further headers.
    UrlAlone,
}

/// A signed request before the local OSS.
struct RequestCase<'a> {
    head: &'a Head,
    view: &'a View,
    bucket: LocalBucket,
    keys: Vec<AccessKey>,
    /// Headers that are signed and not shown.
    missing: Vec<String>,
    note: SignatureNote,
}

/// Judges a request. `is_captured` says whether method and headers are known, or the URL alone.
pub(super) fn judge(head: &Head, is_captured: bool, view: &View) -> Result<RequestVerdict, String> {
    let mut case = RequestCase::of(head, view);
    let method = Method::from_bytes(head.method.as_bytes()).unwrap_or(Method::GET);
    let mut fits = None;
    let outcome = if is_captured {
        case.validate(&method)?
    } else if case.note == SignatureNote::Checked {
        let mut first = None;
        for method in METHODS {
            match case.validate(&method)? {
                Ok(valid) => {
                    fits = Some(method);
                    first = Some(Ok(valid));
                    break;
                }
                Err(error) => first = first.or(Some(Err(error))),
            }
        }
        match first {
            Some(Err(error)) if error.kind() == OssErrorKind::RequestSignatureMismatch => {
                case.note = SignatureNote::UrlAlone;
                case.validate(&Method::GET)?
            }
            Some(outcome) => outcome,
            None => case.validate(&Method::GET)?,
        }
    } else {
        case.validate(&Method::GET)?
    };
    let lines = case.explain(&outcome, is_captured, fits.as_ref());
    Ok(RequestVerdict { outcome, lines })
}

impl<'a> RequestCase<'a> {
    fn of(head: &'a Head, view: &'a View) -> Self {
        let credential = Credential::of(head);
        let host = host(head);
        let virtual_host = host.as_deref().filter(|host| is_virtual(host));
        let named = virtual_host.and_then(bucket_of);
        let name = view.bucket.clone().or(named);
        let region = view
            .region
            .clone()
            .or_else(|| virtual_host.and_then(region_of))
            .or_else(|| credential.region.as_deref().map(plausible));
        let missing = missing_headers(head);
        let is_known = view.keys.iter().any(|key| key.id == credential.id);
        let note = if !is_known && view.keys.is_empty() {
            SignatureNote::NoKey
        } else if !is_known {
            SignatureNote::OtherKey
        } else if name.is_none() {
            SignatureNote::NoBucket
        } else if !missing.is_empty() {
            SignatureNote::NoHeader
        } else {
            SignatureNote::Checked
        };
        let keys = if is_known { view.keys.clone() } else { vec![credential.key()] };
        let bucket = LocalBucket {
            name: name.unwrap_or_else(|| ANY_BUCKET.to_owned()),
            region: region.unwrap_or_else(|| ANY_REGION.to_owned()),
        };
        Self { head, view, bucket, keys, missing, note }
    }

    fn validate(&self, method: &Method) -> Result<Result<ValidRequest, OssError>, String> {
        let parts = self.parts(method)?;
        let check = match self.note {
            SignatureNote::Checked => SignatureCheck::Value,
            _ => SignatureCheck::Shape,
        };
        let strictness = Strictness { signature_check: check, ..self.view.strictness.clone() };
        let custom = host(self.head).into_iter().filter(|host| !is_virtual(host));
        let validator = UploadValidator {
            buckets: std::slice::from_ref(&self.bucket),
            hosts: &AllowedHosts::named(custom),
            keys: &self.keys,
            strictness: &strictness,
            now: self.view.now.unix(),
        };
        Ok(validator.validate_head(&parts))
    }

    /// Builds the head of the request.
    fn parts(&self, method: &Method) -> Result<Parts, String> {
        let uri = Uri::try_from(encoded(&self.head.target))
            .map_err(|_| "the address of the request cannot be read".to_owned())?;
        let mut request = Request::new(());
        *request.method_mut() = method.clone();
        *request.uri_mut() = uri;
        for (name, value) in &self.head.headers {
            // OSS does not see a header that HTTP does not allow.
            if let (Ok(name), Ok(value)) = (
                HeaderName::try_from(name.trim()),
                HeaderValue::from_bytes(value.trim().as_bytes()),
            ) {
                request.headers_mut().append(name, value);
            }
        }
        for name in self.missing.iter().filter_map(|name| HeaderName::try_from(name).ok()) {
            request.headers_mut().insert(name, ANY_VALUE);
        }
        Ok(request.into_parts().0)
    }

    fn explain(
        &self,
        outcome: &Result<ValidRequest, OssError>,
        is_captured: bool,
        fits: Option<&Method>,
    ) -> Vec<String> {
        let language = self.view.language;
        let mut said = Vec::new();
        if let Some(method) = fits {
            said.push(language.choose(
                format!("  It is signed for {method}, without a header of its own."),
                format!("  签名对应的方法为 {method}，没有其他已签名的请求头。"),
            ));
        }
        match outcome {
            Ok(valid) if is_captured || fits.is_some() => said.push(accepted(valid, language)),
            Ok(_) => said.push(
                language
                    .choose("OSS accepts what the URL shows.", "OSS 接受该 URL 中所示的内容。")
                    .to_owned(),
            ),
            Err(error) => said.extend(refusal::of_error(error, language)),
        }
        said.push(self.signature_note().to_owned());
        said
    }

    fn signature_note(&self) -> &'static str {
        let language = self.view.language;
        match self.note {
            SignatureNote::Checked => language.choose(
                "The signature was checked with the key in the environment.",
                "已用环境变量中的密钥检查签名。",
            ),
            SignatureNote::NoKey => language.choose(
                "The signature was not checked: the key that signed is not in the environment.",
                "未检查签名：环境变量中没有签名所用的密钥。",
            ),
            SignatureNote::OtherKey => language.choose(
                "The signature was not checked: another key signed than the one in the environment.",
                "未检查签名：签名所用的密钥不是环境变量中的密钥。",
            ),
            SignatureNote::NoBucket => language.choose(
                "The signature was not checked: the host does not show the bucket; name it with --bucket.",
                "未检查签名：域名中看不出存储空间，请用 --bucket 指定。",
            ),
            SignatureNote::NoHeader => language.choose(
                "The signature was not checked: it covers a header that the input does not show, such as \
                 Content-Length.",
                "未检查签名：签名包含输入中没有显示的请求头，例如 Content-Length。",
            ),
            SignatureNote::UrlAlone => language.choose(
                "The signature was not checked: it fits no method without headers. It covers headers such as \
                 Content-Type, or another secret made it; paste the whole request, for example as curl.",
                "未检查签名：没有请求头时，签名与任何方法都不相符。签名可能包含 Content-Type 等请求头，也可能由另一个 Secret \
                 生成；请粘贴完整的请求，例如 curl 命令。",
            ),
        }
    }
}

fn accepted(valid: &ValidRequest, language: Language) -> String {
    let ValidRequest { bucket, operation, key, .. } = valid;
    if key.is_empty() {
        return language.choose(
            format!("OSS accepts the request: {operation} on the bucket {bucket}."),
            format!("OSS 接受该请求：对存储空间 {bucket} 执行 {operation}。"),
        );
    }
    language.choose(
        format!("OSS accepts the request: {operation} of {key:?} in the bucket {bucket}."),
        format!("OSS 接受该请求：对存储空间 {bucket} 中的 {key:?} 执行 {operation}。"),
    )
}

/// What a request says about the key that signed.
#[derive(Default)]
struct Credential {
    id: String,
    region: Option<String>,
    token: Option<String>,
}

impl Credential {
    fn of(head: &Head) -> Self {
        let value = |name: &str| parameter(head, name);
        let header = |name: &str| head.header(name).map(|value| value.trim().to_owned());
        let (text, token) = if let Some(credential) = value("x-oss-credential") {
            (credential, value("x-oss-security-token"))
        } else if let Some(id) = value("OSSAccessKeyId") {
            (id, value("security-token"))
        } else {
            let line = header("authorization").unwrap_or_default();
            let v4 = line.split_once("Credential=").map(|(_, rest)| rest);
            let v1 = line.strip_prefix("OSS ").and_then(|rest| rest.split(':').next());
            let text = v4.or(v1).unwrap_or_default();
            (text.split(',').next().unwrap_or_default().to_owned(), header("x-oss-security-token"))
        };
        let mut items = text.trim().split('/');
        let id = items.next().unwrap_or_default().to_owned();
        Self { id, region: items.nth(1).map(str::to_owned), token }
    }

    /// Returns the key, whose secret is not known.
    fn key(&self) -> AccessKey {
        let token = self.token.clone().filter(|token| !token.is_empty());
        // The id of a temporary key shows that there must be a token.
        let token = token.or_else(|| self.id.starts_with("STS.").then(|| "unknown".to_owned()));
        AccessKey { security_token: token, ..AccessKey::new(self.id.as_str(), "") }
    }
}

fn parameter(head: &Head, name: &str) -> Option<String> {
    let (_, query) = head.target.split_once('?')?;
    let mut pairs = form_urlencoded::parse(query.as_bytes()).take(200);
    pairs.find(|(one, _)| one == name).map(|(_, value)| value.into_owned())
}

/// Lists the headers that a signature covers in addition and that the capture does not show. OSS refuses
/// a request without one of them, but a curl command or a URL does not show what the client adds.
fn missing_headers(head: &Head) -> Vec<String> {
    let line = head.header("authorization").unwrap_or_default();
    let in_header = line.split_once("AdditionalHeaders=").map(|(_, rest)| rest);
    let in_header = in_header.and_then(|rest| rest.split(',').next()).map(str::to_owned);
    let listed = parameter(head, "x-oss-additional-headers").or(in_header).unwrap_or_default();
    let names = listed.split(';').map(str::trim).filter(|name| !name.is_empty());
    names.filter(|name| head.header(name).is_none()).map(str::to_owned).collect()
}

fn host(head: &Head) -> Option<String> {
    let host = head.header("host")?.trim().to_ascii_lowercase();
    let host = host.split(':').next().unwrap_or_default();
    (!host.is_empty()).then(|| host.to_owned())
}

/// Returns the bucket that a virtual host names.
fn bucket_of(host: &str) -> Option<String> {
    let labels: Vec<&str> = host.split('.').collect();
    let is_named = labels.len() > 3 || (labels.len() > 1 && labels.last() == Some(&"localhost"));
    let is_address = host.parse::<std::net::IpAddr>().is_ok();
    (is_named && !is_address).then(|| labels.first().map(|label| (*label).to_owned())).flatten()
}

/// Returns the region that a virtual host names.
fn region_of(host: &str) -> Option<String> {
    let region = host.split('.').skip(1).find_map(|label| label.strip_prefix("oss-"))?;
    let region = region.strip_suffix("-internal").unwrap_or(region);
    (!region.starts_with("accelerate")).then(|| region.to_owned())
}
