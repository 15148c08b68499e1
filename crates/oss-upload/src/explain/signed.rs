//! Requests that are signed by their headers or their URL, and so are no form uploads: presigned URLs,
//! and the `StringToSign` that a wrong signature brings back.

use oss_upload_signer::time::Timestamp;

use crate::explain::View;
use crate::explain::capture::Head;
use crate::language::Language;

/// The longest text that is shown of a request, in characters.
const MAX_SHOWN: usize = 200;

/// A signed request, as far as the input shows it.
pub(super) enum SignedRequest {
    Url(PresignedUrl),
    /// The method of a request whose `Authorization` header is signed, and its path.
    Header(String, String),
    /// The text that was signed.
    Text(SignedText),
}

/// A presigned URL without its signature and token.
pub(super) struct PresignedUrl {
    /// The method of the request, if it was captured.
    method: Option<String>,
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

/// The parts of a `StringToSign` or of a canonical request.
pub(super) struct SignedText {
    is_v4: bool,
    method: Option<String>,
    resource: Option<String>,
    scope: Option<String>,
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
    presigned(host, path, query, None).map(SignedRequest::Url)
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
    let by_url = presigned(host, path, query, Some(head.method.clone()));
    let by_header = || {
        let value = head.header("authorization")?;
        let is_oss = value.starts_with("OSS ") || value.starts_with("OSS4-HMAC-SHA256 ");
        is_oss.then(|| SignedRequest::Header(head.method.clone(), path.to_owned()))
    };
    by_url.map(SignedRequest::Url).or_else(by_header)
}

fn presigned(host: &str, path: &str, query: &str, method: Option<String>) -> Option<PresignedUrl> {
    let query = query.split('#').next().unwrap_or_default();
    let pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).take(100).collect();
    let of = |wanted: &str| {
        let found = pairs.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        found.map(|(_, value)| value.to_string())
    };
    let host = host.split(':').next().unwrap_or_default().to_owned();
    let path = percent_encoding::percent_decode_str(path).decode_utf8_lossy().into_owned();
    if of("x-oss-signature").is_some() {
        let credential = of("x-oss-credential").unwrap_or_default();
        let mut items = credential.split('/');
        let starts_at = of("x-oss-date").and_then(|text| basic(&text));
        let lifetime = of("x-oss-expires").and_then(|text| text.parse::<i64>().ok());
        return Some(PresignedUrl {
            method,
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
        method,
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

/// Reads a `StringToSign` of a header or a URL, or a canonical request of V4.
pub(super) fn string_to_sign(text: &str) -> Option<SignedRequest> {
    let lines: Vec<&str> = text.trim().lines().map(str::trim_end).collect();
    let first = *lines.first()?;
    if first == "OSS4-HMAC-SHA256" {
        let scope = lines.iter().find(|line| line.ends_with("/aliyun_v4_request"))?;
        return Some(SignedRequest::Text(SignedText {
            is_v4: true,
            method: None,
            resource: None,
            scope: Some((*scope).to_owned()),
        }));
    }
    let is_method = matches!(first, "GET" | "PUT" | "POST" | "HEAD" | "DELETE" | "OPTIONS");
    let resource = lines.iter().skip(1).rev().find(|line| line.starts_with('/'))?;
    let is_canonical = lines.last() == Some(&"UNSIGNED-PAYLOAD");
    if !is_method || lines.len() < 4 {
        return None;
    }
    let resource = resource.split('?').next().unwrap_or_default();
    Some(SignedRequest::Text(SignedText {
        is_v4: is_canonical,
        method: Some(first.to_owned()),
        resource: Some(resource.to_owned()),
        scope: None,
    }))
}

/// Explains a signed request.
pub(super) fn explain(signed: &SignedRequest, view: &View) -> Vec<String> {
    let language = view.language;
    match signed {
        SignedRequest::Url(url) => explain_url(url, view),
        SignedRequest::Header(method, path) => {
            let shown = shown(path);
            vec![
                language.choose(
                    format!(
                        "This {method} of {shown} is signed in its Authorization header. It is no form \
                         upload: policy and form fields have no part in it."
                    ),
                    format!(
                        "这是由 Authorization 请求头签名的 {method} 请求（{shown}），不是表单上传，与 \
                         policy 和表单字段无关。"
                    ),
                ),
                form_hint(language),
            ]
        }
        SignedRequest::Text(text) => explain_text(text, language),
    }
}

fn explain_url(url: &PresignedUrl, view: &View) -> Vec<String> {
    let language = view.language;
    let version = if url.is_v4 { "V4" } else { "V1" };
    let method = url.method.as_deref().map(|method| format!("{method} ")).unwrap_or_default();
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
    said.push(
        language.choose("The signature was not checked.".to_owned(), "未检查签名。".to_owned()),
    );
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

fn explain_text(text: &SignedText, language: Language) -> Vec<String> {
    let version = if text.is_v4 { "V4" } else { "V1" };
    let request: Vec<String> = [&text.method, &text.resource, &text.scope]
        .into_iter()
        .flatten()
        .map(|part| shown(part))
        .collect();
    let request = request.join(" ");
    vec![
        language.choose(
            format!(
                "This StringToSign belongs to a header or URL signature ({version}): {request}. The request \
                 was no form upload."
            ),
            format!("该 StringToSign 属于请求头或 URL 签名（{version}）：{request}。该请求不是表单上传。"),
        ),
        form_hint(language),
    ]
}

fn form_hint(language: Language) -> String {
    language.choose(
        "  For a form, send POST to / of the bucket's host; the text that is signed is the base64 policy \
         and nothing else."
            .to_owned(),
        "  表单上传应向存储空间域名的根路径 / 发送 POST；其签名内容只有 base64 编码的 policy。".to_owned(),
    )
}

/// Shortens a text from outside.
fn shown(text: &str) -> String {
    text.chars().take(MAX_SHOWN).collect()
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

    #[test]
    fn a_string_to_sign_is_told_from_a_policy() {
        let v1 = "PUT\n\nimage/png\nWed, 27 Nov 2024 06:09:41 GMT\n/b/a.png";
        assert!(string_to_sign(v1).is_some());
        let v4 =
            "OSS4-HMAC-SHA256\n20241127T060941Z\n20241127/cn-hangzhou/oss/aliyun_v4_request\n00";
        assert!(string_to_sign(v4).is_some());
        for text in ["eyJleHBpcmF0aW9uIjoi", "PUT", "PUT\n/a", "GET\na\nb\nc", ""] {
            assert!(string_to_sign(text).is_none(), "{text}");
        }
    }
}
