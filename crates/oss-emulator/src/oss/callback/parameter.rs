//! The `callback` field: base64 of JSON, parsed and checked before anything is stored.
//!
//! Sources: the Callback page and the pages of EC 0007-00000002 to 0007-00000012. A member that no
//! page names is rejected, because a misspelt member would otherwise be ignored silently. The
//! pages' examples also contain addresses without a scheme, which are treated as http.

use std::net::Ipv4Addr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Uri;
use http::uri::PathAndQuery;
use serde_json::{Map, Value};

use crate::oss::error::{OssError, OssErrorKind};

/// The longest field: 5 KB. The page does not say whether it counts before or after base64.
const MAX_LENGTH: usize = 5 * 1024;

/// The maximum number of addresses.
const MAX_TARGETS: usize = 5;

/// The members that the page describes.
const MEMBERS: [&str; 5] =
    ["callbackUrl", "callbackHost", "callbackBody", "callbackBodyType", "callbackSNI"];

/// A parsed `callback` field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallbackParameter {
    /// The addresses, in the order in which they are tried.
    pub targets: Vec<CallbackTarget>,
    /// The `Host` header of the request; `None` means the host of the address.
    pub host: Option<String>,
    /// The template of the body.
    pub body: String,
    /// The format of the body.
    pub body_type: CallbackBodyType,
}

/// The format of a callback's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallbackBodyType {
    /// A form: values are URL-encoded.
    Form,
    /// JSON: values are inserted as JSON.
    Json,
}

impl CallbackBodyType {
    const ALL: [Self; 2] = [Self::Form, Self::Json];

    /// Returns the content type.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Form => "application/x-www-form-urlencoded",
            Self::Json => "application/json",
        }
    }
}

/// Parses the field. Returns `None` if it names no address, which means that no callback is wanted.
pub(in crate::oss) fn parse(field: &str) -> Result<Option<CallbackParameter>, OssError> {
    if field.is_empty() {
        return Ok(None);
    }
    if field.len() > MAX_LENGTH {
        return Err(OssErrorKind::CallbackInvalid.argument(
            "callback",
            "",
            format!("the field callback is longer than the {MAX_LENGTH} bytes that it may have"),
        ));
    }
    members(field).and_then(|members| read(&members)).map_err(|error| {
        error.with_child("ArgumentName", "callback").with_child("ArgumentValue", field)
    })
}

/// Returns why a valid field requests no callback although it seems to, in one sentence for developers.
///
/// OSS ignores the whole field if `callbackUrl` is missing, so a misspelt name stays unnoticed.
#[must_use]
pub fn callback_warning(field: &str) -> Option<String> {
    let members = members(field).ok()?;
    let has_url = members.get("callbackUrl").is_some_and(|url| url.as_str() != Some(""));
    if has_url || members.is_empty() {
        return None;
    }
    let similar = members.keys().find(|name| {
        let letters = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>();
        let is_url = ["callbackurl", "url"].iter().any(|url| letters.eq_ignore_ascii_case(url));
        is_url && name.as_str() != "callbackUrl"
    });
    if similar.is_none() && members.contains_key("callbackUrl") {
        return None;
    }
    let similar = similar
        .map(|name| format!("; it has {name:?}, and the name must be spelt callbackUrl"))
        .unwrap_or_default();
    Some(format!("the field callback has no callbackUrl, so OSS sends no callback{similar}"))
}

fn members(field: &str) -> Result<Map<String, Value>, OssError> {
    let json = STANDARD.decode(field).map_err(|error| {
        OssErrorKind::CallbackNotBase64
            .because(format!("the field callback is not standard base64: {error}"))
    })?;
    serde_json::from_slice(&json).map_err(|error| {
        OssErrorKind::CallbackNotJson
            .because(format!("the field callback does not hold a JSON object: {error}"))
    })
}

fn read(members: &Map<String, Value>) -> Result<Option<CallbackParameter>, OssError> {
    let urls = text(members, "callbackUrl", OssErrorKind::CallbackUrlInvalid)?.unwrap_or_default();
    if urls.is_empty() {
        return Ok(None);
    }
    check_names(members)?;
    let body = text(members, "callbackBody", OssErrorKind::CallbackBodyEmpty)?.unwrap_or_default();
    if body.is_empty() {
        return Err(OssErrorKind::CallbackBodyEmpty.because("callbackBody is missing or empty"));
    }
    // It only affects https, which is not used here.
    if let Some(sni) = members.get("callbackSNI").filter(|sni| !sni.is_boolean()) {
        let reason = format!("callbackSNI is {sni}; it must be true or false");
        return Err(OssErrorKind::CallbackInvalid.because(reason));
    }
    Ok(Some(CallbackParameter {
        targets: targets(urls)?,
        host: host(members)?,
        body: body.to_owned(),
        body_type: body_type(members)?,
    }))
}

fn check_names(members: &Map<String, Value>) -> Result<(), OssError> {
    let Some(other) = members.keys().find(|name| !MEMBERS.contains(&name.as_str())) else {
        return Ok(());
    };
    if other == "additionalHeaders" {
        return Err(OssErrorKind::NotImplemented
            .because("the local OSS does not support additionalHeaders"));
    }
    Err(OssErrorKind::CallbackInvalid.because(format!(
        "callback has a member {other:?}, which no page names; the members are {}",
        MEMBERS.join(", ")
    )))
}

fn text<'a>(
    members: &'a Map<String, Value>,
    name: &str,
    kind: OssErrorKind,
) -> Result<Option<&'a str>, OssError> {
    match members.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(kind.because(format!("{name} must be a string"))),
    }
}

fn targets(urls: &str) -> Result<Vec<CallbackTarget>, OssError> {
    // The pages' own examples end with a semicolon.
    let urls: Vec<&str> = urls.strip_suffix(';').unwrap_or(urls).split(';').collect();
    if urls.len() > MAX_TARGETS {
        return Err(OssErrorKind::CallbackUrlCount.because(format!(
            "callbackUrl has {} addresses; {MAX_TARGETS} are allowed",
            urls.len()
        )));
    }
    urls.into_iter().map(CallbackTarget::parse).collect()
}

fn host(members: &Map<String, Value>) -> Result<Option<String>, OssError> {
    let host = text(members, "callbackHost", OssErrorKind::CallbackInvalid)?.unwrap_or_default();
    if host.is_empty() {
        return Ok(None);
    }
    if !is_host(host) {
        return Err(OssErrorKind::CallbackInvalid.because(format!(
            "callbackHost is {host:?}; it must be a name or an IPv4 address, without a port"
        )));
    }
    Ok(Some(host.to_owned()))
}

fn body_type(members: &Map<String, Value>) -> Result<CallbackBodyType, OssError> {
    let Some(name) = text(members, "callbackBodyType", OssErrorKind::CallbackBodyTypeInvalid)?
    else {
        return Ok(CallbackBodyType::Form);
    };
    CallbackBodyType::ALL.into_iter().find(|known| known.as_str() == name).ok_or_else(|| {
        OssErrorKind::CallbackBodyTypeInvalid.because(format!(
            "callbackBodyType is {name:?}; it must be {} or {}",
            CallbackBodyType::Form.as_str(),
            CallbackBodyType::Json.as_str()
        ))
    })
}

/// An address of `callbackUrl`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallbackTarget {
    /// Whether the scheme is https.
    pub secure: bool,
    /// A name or an IPv4 address.
    pub host: String,
    /// The port; the default is that of the scheme.
    pub port: u16,
    /// The path and query; at least `/`.
    pub path_and_query: PathAndQuery,
}

impl CallbackTarget {
    /// Parses an address.
    pub(super) fn parse(text: &str) -> Result<Self, OssError> {
        // A fragment would be dropped silently, and non-ASCII characters must be encoded.
        if !text.is_ascii() || text.contains('#') {
            return Err(malformed(text, "it must be URL-encoded and have no fragment"));
        }
        let (secure, rest) = match text.split_once("://") {
            None => (false, text),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (false, rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (true, rest),
            Some(_) => return Err(malformed(text, "it must begin with http:// or https://")),
        };
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let (host, port) = split_authority(authority, secure)
            .ok_or_else(|| malformed(text, "its host or its port is invalid"))?;
        if is_private(host) {
            return Err(OssErrorKind::CallbackUrlPrivate.because(format!(
                "callbackUrl names {host}, a private address; OSS cannot reach it, and here only \
                 addresses of this machine stand in for public ones"
            )));
        }
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        let uri = Uri::try_from(path).map_err(|_| malformed(text, "its path cannot be read"))?;
        let path_and_query = uri.path_and_query().cloned();
        Ok(Self {
            secure,
            host: host.to_ascii_lowercase(),
            port,
            path_and_query: path_and_query.unwrap_or(PathAndQuery::from_static("/")),
        })
    }

    /// Returns the address without its query, which may hold a secret.
    pub(super) fn without_query(&self) -> String {
        let Self { host, port, .. } = self;
        let path = self.path_and_query.path();
        match (self.secure, port) {
            (false, 80) => format!("http://{host}{path}"),
            (false, _) => format!("http://{host}:{port}{path}"),
            (true, 443) => format!("https://{host}{path}"),
            (true, _) => format!("https://{host}:{port}{path}"),
        }
    }
}

/// Returns whether a text is a valid host: a name or an IPv4 address, but not an IPv6 address.
pub(super) fn is_host(text: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    (1..=253).contains(&text.len())
        && text.bytes().all(known)
        && text.bytes().any(|byte| byte.is_ascii_alphanumeric())
}

fn split_authority(authority: &str, secure: bool) -> Option<(&str, u16)> {
    let (host, port) = match authority.split_once(':') {
        None => (authority, if secure { 443 } else { 80 }),
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
            (host, port.parse().ok().filter(|port| *port > 0)?)
        }
        Some(_) => return None,
    };
    // User info contains `@` and IPv6 addresses contain brackets, so neither is a valid host.
    is_host(host).then_some((host, port))
}

/// Returns whether an address is private. Loopback addresses are not, because they stand for public
/// addresses here.
fn is_private(host: &str) -> bool {
    let Ok(address) = host.parse::<Ipv4Addr>() else {
        return false;
    };
    let [first, second, ..] = address.octets();
    let shared = first == 100 && (64..128).contains(&second);
    address.is_private() || address.is_link_local() || first == 0 || first >= 224 || shared
}

/// Builds the error for an invalid address, and leaves out user info and query, which may be
/// secret.
fn malformed(text: &str, why: &str) -> OssError {
    let shown = text.split('?').next().unwrap_or_default();
    let shown = shown.rsplit('@').next().unwrap_or_default();
    OssErrorKind::CallbackUrlInvalid
        .because(format!("callbackUrl has the address {shown:?}, but {why}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(json: &str) -> Result<Option<CallbackParameter>, OssErrorKind> {
        parse(&STANDARD.encode(json)).map_err(|error| error.kind())
    }

    #[test]
    fn all_members_but_two_have_a_default() {
        let least = parsed(r#"{"callbackUrl":"http://a.test/x","callbackBody":"b"}"#);
        let least = least.unwrap().unwrap();
        assert_eq!(least.body_type, CallbackBodyType::Form);
        assert_eq!(least.host, None);
        let most = parsed(
            r#"{"callbackUrl":"http://a.test/x;https://b.test","callbackHost":"c.test",
                "callbackBody":"{}","callbackBodyType":"application/json","callbackSNI":true}"#,
        );
        let most = most.unwrap().unwrap();
        assert_eq!(most.targets.len(), 2);
        assert_eq!(most.host.as_deref(), Some("c.test"));
        assert_eq!(most.body_type, CallbackBodyType::Json);
    }

    #[test]
    fn a_misspelt_address_is_warned_of() {
        let warning = |json: &str| callback_warning(&STANDARD.encode(json));
        for name in ["callback_url", "callbackurl", "CallbackURL", "url"] {
            let json = format!(r#"{{"{name}":"http://a.test/x","callbackBody":"b"}}"#);
            assert!(warning(&json).unwrap().contains(&format!("{name:?}")), "{name}");
        }
        assert!(warning(r#"{"callbackBody":"b"}"#).unwrap().contains("no callbackUrl"));
        for json in ["{}", r#"{"callbackUrl":"","callbackBody":"b"}"#, "[]", "x"] {
            assert_eq!(warning(json), None, "{json}");
        }
        assert_eq!(warning(r#"{"callbackUrl":"http://a.test/x"}"#), None);
        assert_eq!(callback_warning("%"), None);
    }

    #[test]
    fn without_an_address_there_is_no_callback() {
        assert_eq!(parse("").unwrap(), None);
        assert_eq!(parsed("{}"), Ok(None));
        assert_eq!(parsed(r#"{"callbackUrl":""}"#), Ok(None));
        assert_eq!(parsed(r#"{"callbackUrl":"","callbackBody":"b"}"#), Ok(None));
    }

    #[test]
    fn a_trailing_semicolon_is_ignored_and_five_addresses_are_allowed() {
        let count = |urls: &str| {
            parsed(&format!(r#"{{"callbackUrl":"{urls}","callbackBody":"b"}}"#))
                .map(|callback| callback.unwrap().targets.len())
        };
        assert_eq!(count("http://a;"), Ok(1));
        assert_eq!(count("http://a;http://b;http://c;http://d;http://e;"), Ok(5));
        assert_eq!(count(&"http://a;".repeat(6)), Err(OssErrorKind::CallbackUrlCount));
        assert_eq!(count("http://a;;http://b"), Err(OssErrorKind::CallbackUrlInvalid));
        assert_eq!(count(";"), Err(OssErrorKind::CallbackUrlInvalid));
    }

    #[test]
    fn each_fault_has_its_own_kind() {
        let with = |member: &str| {
            parsed(&format!(r#"{{"callbackUrl":"http://a","callbackBody":"b",{member}}}"#))
                .map(|_| ())
        };
        for (member, kind) in [
            (r#""callbackHost":"a.test:80""#, OssErrorKind::CallbackInvalid),
            (r#""callbackHost":7"#, OssErrorKind::CallbackInvalid),
            (r#""callbackSNI":"true""#, OssErrorKind::CallbackInvalid),
            (r#""callbackBodyType":"text/plain""#, OssErrorKind::CallbackBodyTypeInvalid),
            (r#""callbackBodyType":123"#, OssErrorKind::CallbackBodyTypeInvalid),
            (r#""callbackBodytype":"application/json""#, OssErrorKind::CallbackInvalid),
            (r#""additionalHeaders":{}"#, OssErrorKind::NotImplemented),
            (r#""callbackBody":"""#, OssErrorKind::CallbackBodyEmpty),
            (r#""callbackUrl":["http://a"]"#, OssErrorKind::CallbackUrlInvalid),
        ] {
            assert_eq!(with(member), Err(kind), "{member}");
        }
        assert_eq!(parsed(r#"{"callbackUrl":"http://a"}"#), Err(OssErrorKind::CallbackBodyEmpty));
        for json in ["[]", "null", "{", "\u{feff}{}"] {
            assert_eq!(parsed(json), Err(OssErrorKind::CallbackNotJson), "{json}");
        }
        for field in ["e30", "e30-", " e30=", "e30=\n", "%"] {
            assert_eq!(
                parse(field).unwrap_err().kind(),
                OssErrorKind::CallbackNotBase64,
                "{field:?}"
            );
        }
    }

    #[test]
    fn an_error_contains_the_field_unless_it_is_too_long() {
        let children = |field: &str| parse(field).unwrap_err().children().to_vec();
        let named = ("ArgumentName", "callback".to_owned());
        assert_eq!(children("%"), [named.clone(), ("ArgumentValue", "%".to_owned())]);
        let long = "A".repeat(MAX_LENGTH + 1);
        assert_eq!(children(&long), [named, ("ArgumentValue", String::new())]);
    }

    proptest! {
        #[test]
        fn no_text_causes_a_panic(field in ".{0,80}") {
            let _ = parse(&field);
            let _ = parse(&STANDARD.encode(&field));
        }

        #[test]
        fn no_members_cause_a_panic(
            url in "(https?://)?[a-z0-9.:/;?@#%\\[\\]é]{0,40}",
            host in "\\PC{0,10}",
            body in "[${}a-z:\\\\\"]{1,20}",
            kind in "(application/json|application/x-www-form-urlencoded|\\PC{0,5})",
        ) {
            let json = serde_json::json!({
                "callbackUrl": url,
                "callbackHost": host,
                "callbackBody": body,
                "callbackBodyType": kind,
            });
            if let Ok(Some(callback)) = parse(&STANDARD.encode(json.to_string())) {
                prop_assert!((1..=5).contains(&callback.targets.len()));
                prop_assert!(callback.targets.iter().all(|target| target.port > 0));
                prop_assert!(callback.host.as_deref().is_none_or(is_host));
            }
        }
    }

    fn kind(text: &str) -> Option<OssErrorKind> {
        CallbackTarget::parse(text).err().map(|error| error.kind())
    }

    fn parts(text: &str) -> (bool, String, u16, String) {
        let target = CallbackTarget::parse(text).unwrap();
        (target.secure, target.host, target.port, target.path_and_query.as_str().to_owned())
    }

    #[test]
    fn an_address_without_scheme_port_or_path_gets_defaults() {
        let whole = parts("https://Back.End.test:8443/a/b?c=d%20e");
        assert_eq!(whole, (true, "back.end.test".to_owned(), 8443, "/a/b?c=d%20e".to_owned()));
        let bare = parts("203.0.113.8:23456");
        assert_eq!(bare, (false, "203.0.113.8".to_owned(), 23456, "/".to_owned()));
        assert_eq!(parts("HTTP://a.test?x").3, "/?x");
        assert_eq!(parts("http://a.test").2, 80);
        assert_eq!(parts("https://a.test").2, 443);
    }

    #[test]
    fn invalid_addresses_are_refused() {
        for text in [
            "",
            "http://",
            "ftp://a.test/",
            "http://a.test:0/",
            "http://a.test:65536/",
            "http://a.test:x/",
            "http://a.test:+80/",
            "http://a.test:/",
            "a.test:test",
            "http://[::1]/",
            "http://user@a.test/",
            "http://user:pass@a.test/",
            "http://a b/",
            "http://a.test/中",
            "http://a.test/#f",
            "http://a.test/a b",
            "http:///a",
            "http://-.-/",
        ] {
            assert_eq!(kind(text), Some(OssErrorKind::CallbackUrlInvalid), "{text}");
        }
    }

    #[test]
    fn private_addresses_are_refused_and_loopback_addresses_are_not() {
        for host in ["10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.100.100.200"]
        {
            let text = format!("http://{host}/");
            assert_eq!(kind(&text), Some(OssErrorKind::CallbackUrlPrivate), "{host}");
        }
        for host in ["127.0.0.1", "localhost", "app.localhost", "203.0.113.8", "a.test"] {
            assert_eq!(kind(&format!("http://{host}/")), None, "{host}");
        }
    }

    #[test]
    fn a_query_is_not_shown() {
        let shown = |text| CallbackTarget::parse(text).unwrap().without_query();
        assert_eq!(shown("http://a.test:8080/x?secret=1"), "http://a.test:8080/x");
        assert_eq!(shown("https://a.test?secret=1"), "https://a.test/");
    }
}
