//! Requests that are signed in their headers or their URL, and so are no form uploads.

use oss_emulator::oss::{OssError, ValidRequest};
use oss_upload_signer::time::Timestamp;

use crate::explain::capture::Head;
use crate::explain::signed_text::{SignedText, form_hint, shown};
use crate::explain::{View, request_verdict, signed_text};
use crate::language::Language;

/// A signed request, as far as the input shows it.
pub(super) enum SignedRequest {
    Url(PresignedUrl),
    /// A request whose `Authorization` header is signed.
    Header(Head),
    /// The text that was signed.
    Text(SignedText),
}

/// A presigned URL.
pub(super) struct PresignedUrl {
    /// The request; its method is a guess if the URL alone is known.
    head: Head,
    /// Whether method and headers were captured.
    is_captured: bool,
    host: String,
    path: String,
    is_v4: bool,
    key_id: String,
    region: Option<String>,
    /// Unix seconds.
    starts_at: Option<i64>,
    /// Unix seconds.
    ends_at: Option<i64>,
}

/// Reads a presigned URL. Returns `None` for every other text.
pub(super) fn url(text: &str) -> Option<SignedRequest> {
    let text = text.trim();
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
    if text.contains(char::is_whitespace) {
        return None;
    }
    let (place, query) = rest.split_once('?')?;
    let (host, path) = place.split_once('/').unwrap_or((place, ""));
    let head = Head::of_url("GET", text, Vec::new());
    presigned(host, path, query, (head, false)).map(SignedRequest::Url)
}

/// Reads the signature of a captured request that is no form upload.
pub(super) fn request(head: &Head) -> Option<SignedRequest> {
    if head.method == "POST" && head.path() == "/" {
        // A form upload: OSS looks at its form alone, whatever the URL or the header carries.
        return None;
    }
    let host = head.header("host").unwrap_or_default();
    let (path, query) = head.target.split_once('?').unwrap_or((&head.target, ""));
    let path = path.trim_start_matches('/');
    let by_url = presigned(host, path, query, (head.clone(), true));
    let by_header = || {
        let value = head.header("authorization")?;
        let is_oss = value.starts_with("OSS ") || value.starts_with("OSS4-HMAC-SHA256 ");
        is_oss.then(|| SignedRequest::Header(head.clone()))
    };
    by_url.map(SignedRequest::Url).or_else(by_header)
}

fn presigned(
    host: &str,
    path: &str,
    query: &str,
    (head, is_captured): (Head, bool),
) -> Option<PresignedUrl> {
    let query = query.split('#').next().unwrap_or_default();
    let pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).take(100).collect();
    let of = |wanted: &str| {
        let found = pairs.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        found.map(|(_, value)| value.to_string())
    };
    let host = host.split(':').next().unwrap_or_default().to_owned();
    let path = percent_encoding::percent_decode_str(path).decode_utf8_lossy().into_owned();
    // A request that lacks a part of its signature is to be refused for that.
    let parts = ["x-oss-signature", "x-oss-credential", "x-oss-signature-version"];
    if parts.iter().any(|name| of(name).is_some()) {
        let credential = of("x-oss-credential").unwrap_or_default();
        let mut items = credential.split('/');
        let starts_at = of("x-oss-date").and_then(|text| basic(&text));
        let lifetime = of("x-oss-expires").and_then(|text| text.parse::<i64>().ok());
        return Some(PresignedUrl {
            head,
            is_captured,
            host,
            path,
            is_v4: true,
            key_id: items.next().unwrap_or_default().to_owned(),
            region: items.nth(1).map(str::to_owned),
            starts_at,
            ends_at: starts_at.zip(lifetime).map(|(start, span)| start.saturating_add(span)),
        });
    }
    let key_id = of("OSSAccessKeyId")?;
    of("Signature")?;
    let ends_at = of("Expires").and_then(|text| text.parse().ok());
    Some(PresignedUrl {
        head,
        is_captured,
        host,
        path,
        is_v4: false,
        key_id,
        region: None,
        starts_at: None,
        ends_at,
    })
}

/// Reads `20241127T060941Z`.
fn basic(text: &str) -> Option<i64> {
    let part = |from: usize, to: usize| text.get(from..to);
    let iso = format!(
        "{}-{}-{}T{}:{}:{}Z",
        part(0, 4)?,
        part(4, 6)?,
        part(6, 8)?,
        part(9, 11)?,
        part(11, 13)?,
        part(13, 15)?
    );
    Timestamp::parse_rfc3339(&iso).map(Timestamp::unix)
}

/// An explanation, with the verdict of the local OSS if a request was judged.
pub(super) struct SignedExplanation {
    /// `None` for a text that is no request.
    pub(super) outcome: Option<Result<ValidRequest, OssError>>,
    pub(super) lines: Vec<String>,
}

/// Explains a signed request, and what the local OSS says of it.
pub(super) fn explain(signed: &SignedRequest, view: &View) -> Result<SignedExplanation, String> {
    let language = view.language;
    let (mut lines, verdict) = match signed {
        SignedRequest::Url(url) => {
            (describe_url(url, view), request_verdict::judge(&url.head, url.is_captured, view)?)
        }
        SignedRequest::Header(head) => {
            (describe_header(head, language), request_verdict::judge(head, true, view)?)
        }
        SignedRequest::Text(text) => {
            let lines = signed_text::describe(text, language);
            return Ok(SignedExplanation { outcome: None, lines });
        }
    };
    lines.extend(verdict.lines);
    Ok(SignedExplanation { outcome: Some(verdict.outcome), lines })
}

fn describe_header(head: &Head, language: Language) -> Vec<String> {
    let (method, path) = (shown(&head.method), shown(head.path()));
    vec![
        language.choose(
            format!(
                "This {method} of {path} is signed in its Authorization header. It is no form upload: \
                 policy and form fields have no part in it."
            ),
            format!(
                "这是由 Authorization 请求头签名的 {method} 请求（{path}），不是表单上传，与 policy \
                 和表单字段无关。"
            ),
        ),
        form_hint(language),
    ]
}

fn describe_url(url: &PresignedUrl, view: &View) -> Vec<String> {
    let language = view.language;
    let version = if url.is_v4 { "V4" } else { "V1" };
    let method = if url.is_captured { format!("{} ", url.head.method) } else { String::new() };
    let object = shown(&format!("{}/{}", url.host, url.path));
    let mut said = vec![language.choose(
        format!(
            "This is a presigned URL (signature {version}): one signed request, no form upload. Policy and \
             form fields have no part in it."
        ),
        format!("这是预签名 URL（{version} 签名），即一个已签名的请求，不是表单上传，与 policy 和表单字段无关。"),
    )];
    let region = url.region.as_deref().map(shown).unwrap_or_default();
    let key_id = shown(&url.key_id);
    said.push(language.choose(
        format!("  {method}{object}, signed with the key {key_id} {region}").trim_end().to_owned(),
        format!("  {method}{object}，签名所用的密钥为 {key_id} {region}").trim_end().to_owned(),
    ));
    said.extend(validity(url, view));
    said.push(language.choose(
        "  Send it with the method and the headers that were signed, and with the file alone as the body."
            .to_owned(),
        "  请使用签名时的方法和请求头发送，请求体只包含文件本身。".to_owned(),
    ));
    said
}

fn validity(url: &PresignedUrl, view: &View) -> Option<String> {
    let end = url.ends_at?;
    let moment = |seconds: i64| {
        Timestamp::from_unix(seconds).map_or_else(|| seconds.to_string(), Timestamp::rfc3339)
    };
    let (now, until) = (view.now.unix(), moment(end));
    if now > end {
        return Some(view.language.choose(
            format!("  It expired at {until}; have a new one signed."),
            format!("  已于 {until} 过期，请重新签名。"),
        ));
    }
    // OSS accepts a URL from 15 minutes before its date.
    if let Some(start) = url.starts_at.filter(|start| now < start - 15 * 60) {
        let from = moment(start);
        return Some(view.language.choose(
            format!("  It is not valid yet: it is dated {from}. Check the clock of the signer."),
            format!("  尚未生效：签名时间为 {from}。请检查签名服务器的时钟。"),
        ));
    }
    Some(
        view.language
            .choose(format!("  It is valid until {until}."), format!("  有效至 {until}。")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presigned_urls_are_told_from_others() {
        let v4 = "https://b.oss-cn-hangzhou.aliyuncs.com/a%20b?x-oss-credential=LTAI/20241127/cn-hangzhou/oss/aliyun_v4_request\
                  &x-oss-date=20241127T060941Z&x-oss-expires=60&x-oss-signature=00";
        let Some(SignedRequest::Url(url)) = super::url(v4) else { panic!("no URL") };
        assert_eq!((url.path.as_str(), url.region.as_deref()), ("a b", Some("cn-hangzhou")));
        assert_eq!(url.ends_at, Some(1_732_687_841));
        let v1 =
            "http://b.oss-cn-hangzhou.aliyuncs.com/a?Expires=1&OSSAccessKeyId=LTAI&Signature=x";
        assert!(super::url(v1).is_some());
        for text in [
            "https://a.test/",
            "https://a.test/?a=b",
            "ftp://a?Signature=x",
            "https://a b?Signature=x",
        ] {
            assert!(super::url(text).is_none(), "{text}");
        }
    }
}
