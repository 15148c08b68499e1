//! The `callback` field: base64 of JSON, read and checked before anything is stored.
//!
//! Callback page and the pages of EC 0007-00000002 to 0007-00000012. A member that no page names is
//! refused rather than ignored, because a misspelt one would otherwise change nothing in silence.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Map;
use serde_json::Value;

use crate::oss::callback::target;
use crate::oss::callback::target::Target;
use crate::oss::callback::template;
use crate::oss::refusal::Kind;
use crate::oss::refusal::Refusal;

/// The longest field: 5 KB. Whether the page counts before or after the base64 is not said.
const MAX_LENGTH: usize = 5 * 1024;

/// The most addresses.
const MAX_TARGETS: usize = 5;

/// The members that the page describes.
const MEMBERS: [&str; 5] =
    ["callbackUrl", "callbackHost", "callbackBody", "callbackBodyType", "callbackSNI"];

/// Says whom to tell of a stored object, and what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callback {
    /// The addresses, in the order in which they are tried.
    pub targets: Vec<Target>,
    /// The `Host` of the call; none means that of the address.
    pub host: Option<String>,
    /// The body, with its variables not yet put in.
    pub body: String,
    /// How the body is written.
    pub body_type: BodyType,
}

impl Callback {
    /// Says whether the MD5 of the content is to be told.
    pub(in crate::oss) fn wants_md5(&self) -> bool {
        template::uses(&self.body, "contentMd5")
    }

    /// Says whether it is to be told what the file shows.
    pub(in crate::oss) fn wants_picture(&self) -> bool {
        template::uses(&self.body, "imageInfo.")
    }
}

/// Says how the body of a callback is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyType {
    /// A form: values are URL-encoded.
    Form,
    /// JSON: values are put in as JSON.
    Json,
}

impl BodyType {
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

/// Reads the field; none when it names no address, which means that nobody wants to be told.
pub(in crate::oss) fn parse(field: &str) -> Result<Option<Callback>, Refusal> {
    if field.is_empty() {
        return Ok(None);
    }
    if field.len() > MAX_LENGTH {
        return Err(Kind::CallbackInvalid.argument(
            "callback",
            "",
            format!("the field callback is longer than the {MAX_LENGTH} bytes that it may have"),
        ));
    }
    members(field).and_then(|members| read(&members)).map_err(|refusal| {
        refusal.with_child("ArgumentName", "callback").with_child("ArgumentValue", field)
    })
}

fn members(field: &str) -> Result<Map<String, Value>, Refusal> {
    let json = STANDARD.decode(field).map_err(|error| {
        Kind::CallbackNotBase64
            .because(format!("the field callback is no standard base64: {error}"))
    })?;
    serde_json::from_slice(&json).map_err(|error| {
        Kind::CallbackNotJson.because(format!("the field callback holds no JSON object: {error}"))
    })
}

fn read(members: &Map<String, Value>) -> Result<Option<Callback>, Refusal> {
    let urls = text(members, "callbackUrl", Kind::CallbackUrlInvalid)?.unwrap_or_default();
    if urls.is_empty() {
        return Ok(None);
    }
    check_names(members)?;
    let body = text(members, "callbackBody", Kind::CallbackBodyEmpty)?.unwrap_or_default();
    if body.is_empty() {
        return Err(Kind::CallbackBodyEmpty.because("callbackBody is missing or empty"));
    }
    // It only matters to https, which is not called here.
    if let Some(sni) = members.get("callbackSNI").filter(|sni| !sni.is_boolean()) {
        let reason = format!("callbackSNI is {sni}; it must be true or false");
        return Err(Kind::CallbackInvalid.because(reason));
    }
    Ok(Some(Callback {
        targets: targets(urls)?,
        host: host(members)?,
        body: body.to_owned(),
        body_type: body_type(members)?,
    }))
}

fn check_names(members: &Map<String, Value>) -> Result<(), Refusal> {
    let Some(other) = members.keys().find(|name| !MEMBERS.contains(&name.as_str())) else {
        return Ok(());
    };
    if other == "additionalHeaders" {
        return Err(Kind::NotImplemented.because("the local OSS adds no additionalHeaders"));
    }
    Err(Kind::CallbackInvalid.because(format!(
        "callback has a member {other:?}, which no page names; there are {}",
        MEMBERS.join(", ")
    )))
}

fn text<'a>(
    members: &'a Map<String, Value>,
    name: &str,
    kind: Kind,
) -> Result<Option<&'a str>, Refusal> {
    match members.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(kind.because(format!("{name} must be a string"))),
    }
}

fn targets(urls: &str) -> Result<Vec<Target>, Refusal> {
    // The pages' own examples end with a semicolon.
    let urls: Vec<&str> = urls.strip_suffix(';').unwrap_or(urls).split(';').collect();
    if urls.len() > MAX_TARGETS {
        return Err(Kind::CallbackUrlCount.because(format!(
            "callbackUrl has {} addresses; {MAX_TARGETS} are allowed",
            urls.len()
        )));
    }
    urls.into_iter().map(Target::parse).collect()
}

fn host(members: &Map<String, Value>) -> Result<Option<String>, Refusal> {
    let host = text(members, "callbackHost", Kind::CallbackInvalid)?.unwrap_or_default();
    if host.is_empty() {
        return Ok(None);
    }
    if !target::is_host(host) {
        return Err(Kind::CallbackInvalid.because(format!(
            "callbackHost is {host:?}; it must be a name or an IPv4 address, without a port"
        )));
    }
    Ok(Some(host.to_owned()))
}

fn body_type(members: &Map<String, Value>) -> Result<BodyType, Refusal> {
    let Some(name) = text(members, "callbackBodyType", Kind::CallbackBodyTypeInvalid)? else {
        return Ok(BodyType::Form);
    };
    BodyType::ALL.into_iter().find(|known| known.as_str() == name).ok_or_else(|| {
        Kind::CallbackBodyTypeInvalid.because(format!(
            "callbackBodyType is {name:?}; it must be {} or {}",
            BodyType::Form.as_str(),
            BodyType::Json.as_str()
        ))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(json: &str) -> Result<Option<Callback>, Kind> {
        parse(&STANDARD.encode(json)).map_err(|refusal| refusal.kind())
    }

    #[test]
    fn every_member_is_read_and_all_but_two_have_a_default() {
        let least = parsed(r#"{"callbackUrl":"http://a.test/x","callbackBody":"b"}"#);
        let least = least.unwrap().unwrap();
        assert_eq!(least.body_type, BodyType::Form);
        assert_eq!(least.host, None);
        let most = parsed(
            r#"{"callbackUrl":"http://a.test/x;https://b.test","callbackHost":"c.test",
                "callbackBody":"{}","callbackBodyType":"application/json","callbackSNI":true}"#,
        );
        let most = most.unwrap().unwrap();
        assert_eq!(most.targets.len(), 2);
        assert_eq!(most.host.as_deref(), Some("c.test"));
        assert_eq!(most.body_type, BodyType::Json);
    }

    #[test]
    fn without_an_address_nobody_wants_to_be_told() {
        assert_eq!(parse("").unwrap(), None);
        assert_eq!(parsed("{}"), Ok(None));
        assert_eq!(parsed(r#"{"callbackUrl":""}"#), Ok(None));
        assert_eq!(parsed(r#"{"callbackUrl":"","callbackBody":"b"}"#), Ok(None));
    }

    #[test]
    fn a_trailing_semicolon_is_none_and_five_addresses_are_the_most() {
        let count = |urls: &str| {
            parsed(&format!(r#"{{"callbackUrl":"{urls}","callbackBody":"b"}}"#))
                .map(|callback| callback.unwrap().targets.len())
        };
        assert_eq!(count("http://a;"), Ok(1));
        assert_eq!(count("http://a;http://b;http://c;http://d;http://e;"), Ok(5));
        assert_eq!(count(&"http://a;".repeat(6)), Err(Kind::CallbackUrlCount));
        assert_eq!(count("http://a;;http://b"), Err(Kind::CallbackUrlInvalid));
        assert_eq!(count(";"), Err(Kind::CallbackUrlInvalid));
    }

    #[test]
    fn what_is_wrong_has_a_kind_of_its_own() {
        let with = |member: &str| {
            parsed(&format!(r#"{{"callbackUrl":"http://a","callbackBody":"b",{member}}}"#))
                .map(|_| ())
        };
        for (member, kind) in [
            (r#""callbackHost":"a.test:80""#, Kind::CallbackInvalid),
            (r#""callbackHost":7"#, Kind::CallbackInvalid),
            (r#""callbackSNI":"true""#, Kind::CallbackInvalid),
            (r#""callbackBodyType":"text/plain""#, Kind::CallbackBodyTypeInvalid),
            (r#""callbackBodyType":123"#, Kind::CallbackBodyTypeInvalid),
            (r#""callbackBodytype":"application/json""#, Kind::CallbackInvalid),
            (r#""additionalHeaders":{}"#, Kind::NotImplemented),
            (r#""callbackBody":"""#, Kind::CallbackBodyEmpty),
            (r#""callbackUrl":["http://a"]"#, Kind::CallbackUrlInvalid),
        ] {
            assert_eq!(with(member), Err(kind), "{member}");
        }
        assert_eq!(parsed(r#"{"callbackUrl":"http://a"}"#), Err(Kind::CallbackBodyEmpty));
        for json in ["[]", "null", "{", "\u{feff}{}"] {
            assert_eq!(parsed(json), Err(Kind::CallbackNotJson), "{json}");
        }
        for field in ["e30", "e30-", " e30=", "e30=\n", "%"] {
            assert_eq!(parse(field).unwrap_err().kind(), Kind::CallbackNotBase64, "{field:?}");
        }
    }

    #[test]
    fn a_refusal_names_the_field_and_shows_it_unless_it_is_too_long() {
        let children = |field: &str| parse(field).unwrap_err().children().to_vec();
        let named = ("ArgumentName", "callback".to_owned());
        assert_eq!(children("%"), [named.clone(), ("ArgumentValue", "%".to_owned())]);
        let long = "A".repeat(MAX_LENGTH + 1);
        assert_eq!(children(&long), [named, ("ArgumentValue", String::new())]);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(field in ".{0,80}") {
            let _ = parse(&field);
            let _ = parse(&STANDARD.encode(&field));
        }

        #[test]
        fn no_members_make_it_panic(
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
                prop_assert!(callback.host.as_deref().is_none_or(target::is_host));
            }
        }
    }
}
