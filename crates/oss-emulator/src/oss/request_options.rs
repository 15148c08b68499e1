//! What the headers of a request say about an object: the same properties that fields of a form set.
//!
//! PutObject and InitiateMultipartUpload name them in headers, so these become the fields of a form and
//! are checked by `validator::fields`. A callback is in headers or in the query, and its variables are one
//! JSON document there, while a form has a field for each.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::request;
use serde_json::{Map, Value};

use crate::oss::callback::parameter::{self, CallbackParameter};
use crate::oss::error::{OssError, OssErrorKind};
use crate::oss::form::UploadForm;
use crate::oss::query::RequestQuery;
use crate::oss::strictness::{Relaxation, Strictness};

/// The headers that set properties of an object, as `validator::fields` spells them.
const NAMES: [&str; 11] = [
    "Cache-Control",
    "Content-Disposition",
    "Content-Encoding",
    "Content-Type",
    "Expires",
    "x-oss-forbid-overwrite",
    "x-oss-object-acl",
    "x-oss-server-side-data-encryption",
    "x-oss-server-side-encryption",
    "x-oss-server-side-encryption-key-id",
    "x-oss-storage-class",
];

/// Returns the properties of an object that headers set, as fields of a form.
pub(super) fn fields_of_headers(
    head: &request::Parts,
    strictness: &Strictness,
) -> Result<UploadForm, OssError> {
    if head.headers.contains_key("x-oss-tagging") && !strictness.allows(Relaxation::IgnoredTagging)
    {
        return Err(
            OssErrorKind::NotImplemented.because("the local OSS does not support x-oss-tagging")
        );
    }
    let mut form = UploadForm::new(strictness);
    for name in NAMES {
        if let Some(value) = header_text(head, name)? {
            form.push(name, value, strictness)?;
        }
    }
    for name in head.headers.keys().filter(|name| name.as_str().starts_with("x-oss-meta-")) {
        if let Some(value) = header_text(head, name.as_str())? {
            form.push(name.as_str(), value, strictness)?;
        }
    }
    Ok(form)
}

/// The callback that a request asks for.
#[derive(Debug)]
pub(super) struct RequestCallback {
    /// The field `callback` as it was sent; it may be valid and ask for nothing.
    pub(super) field: String,
    pub(super) parameter: Option<CallbackParameter>,
    /// The custom variables, as fields of a form.
    pub(super) variables: UploadForm,
}

impl RequestCallback {
    /// Reads `x-oss-callback` and `x-oss-callback-var`, or their forms in the query.
    pub(super) fn read(
        head: &request::Parts,
        query: &RequestQuery,
        strictness: &Strictness,
    ) -> Result<Self, OssError> {
        let field = one_of_both(head, query, "callback")?.unwrap_or_default();
        let mut variables = UploadForm::new(strictness);
        if let Some(text) = one_of_both(head, query, "callback-var")? {
            for (name, value) in parse_variables(&text)? {
                variables.push(&name, value, strictness)?;
            }
        }
        Ok(Self { parameter: parameter::parse(&field)?, field, variables })
    }
}

/// Returns the value of a header `x-oss-<name>` or of a query parameter `<name>`. It is documented that
/// `callback-var` cannot be in both; the same is assumed of `callback`.
fn one_of_both(
    head: &request::Parts,
    query: &RequestQuery,
    name: &str,
) -> Result<Option<String>, OssError> {
    let header = header_text(head, &format!("x-oss-{name}"))?;
    let parameter = query.get(name).map(str::to_owned);
    if header.is_some() && parameter.is_some() {
        let reason = format!("{name} is in a header and in the query");
        return Err(OssErrorKind::ArgumentInvalid.argument(name, "", reason));
    }
    Ok(header.or(parameter))
}

fn parse_variables(text: &str) -> Result<Vec<(String, String)>, OssError> {
    let json = STANDARD.decode(text).map_err(|error| {
        OssErrorKind::CallbackNotBase64
            .because(format!("callback-var is not standard base64: {error}"))
    })?;
    let members: Map<String, Value> = serde_json::from_slice(&json).map_err(|error| {
        OssErrorKind::CallbackNotJson
            .because(format!("callback-var does not hold a JSON object: {error}"))
    })?;
    let read = |(name, value): (String, Value)| match value {
        Value::String(value) if name.starts_with("x:") => Ok((name, value)),
        _ => Err(OssErrorKind::CallbackInvalid.because(format!(
            "the member {name:?} of callback-var must begin with x: and be a string"
        ))),
    };
    members.into_iter().map(read).collect()
}

/// Returns a header that may be sent once, as text.
pub(super) fn header_text(head: &request::Parts, name: &str) -> Result<Option<String>, OssError> {
    let mut values = head.headers.get_all(name).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let invalid = |reason: String| OssErrorKind::ArgumentInvalid.argument(name, "", reason);
    if values.next().is_some() {
        return Err(invalid(format!("the header {name} was sent twice")));
    }
    match std::str::from_utf8(value.as_bytes()) {
        Ok(text) => Ok(Some(text.to_owned())),
        Err(_) => Err(invalid(format!("the header {name} is not UTF-8"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(headers: &[(&str, &str)]) -> request::Parts {
        let mut request = http::Request::put("/key");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    fn callback(headers: &[(&str, &str)], query: &str) -> Result<RequestCallback, OssErrorKind> {
        let query = RequestQuery::parse(Some(query)).unwrap();
        RequestCallback::read(&head(headers), &query, &Strictness::default())
            .map_err(|error| error.kind())
    }

    #[test]
    fn headers_become_fields_and_others_do_not() {
        let head = head(&[
            ("cache-control", "no-cache"),
            ("x-oss-meta-a", "é"),
            ("x-oss-object-acl", "private"),
            ("x-oss-content-type", "text/html"),
            ("success_action_status", "201"),
        ]);
        for case_sensitive_names in [false, true] {
            let strictness = Strictness { case_sensitive_names, ..Strictness::default() };
            let form = fields_of_headers(&head, &strictness).unwrap();
            assert_eq!(form.get("Cache-Control"), Some("no-cache"));
            assert_eq!(form.get("x-oss-meta-a"), Some("é"));
            assert_eq!(form.acl(), Some("private"));
            assert_eq!(form.get("x-oss-content-type"), None);
            assert_eq!(form.get("success_action_status"), None);
        }
    }

    #[test]
    fn a_header_twice_and_tags_are_refused() {
        let kind = |headers: &[(&str, &str)]| {
            fields_of_headers(&head(headers), &Strictness::default()).unwrap_err().kind()
        };
        assert_eq!(kind(&[("expires", "a"), ("expires", "b")]), OssErrorKind::ArgumentInvalid);
        assert_eq!(kind(&[("x-oss-tagging", "a=b")]), OssErrorKind::NotImplemented);
    }

    #[test]
    fn a_callback_is_read_from_headers_or_from_the_query() {
        let json = r#"{"callbackUrl":"http://127.0.0.1:1/","callbackBody":"a=${x:a}"}"#;
        let (text, variables) = (STANDARD.encode(json), STANDARD.encode(r#"{"x:a":"1"}"#));
        let in_headers = [("x-oss-callback", &*text), ("x-oss-callback-var", &*variables)];
        let encode = |text: &str| text.replace('+', "%2B").replace('=', "%3D");
        let in_query = format!("callback={}&callback-var={}", encode(&text), encode(&variables));
        for (headers, query) in [(&in_headers[..], ""), (&[], in_query.as_str())] {
            let callback = callback(headers, query).unwrap();
            assert_eq!(callback.field, text);
            assert_eq!(callback.parameter.unwrap().body, "a=${x:a}");
            assert_eq!(callback.variables.spelt("x:a"), Some("1"));
        }
        assert!(callback(&[], "").unwrap().parameter.is_none());
        let both = callback(&in_headers, &in_query).unwrap_err();
        assert_eq!(both, OssErrorKind::ArgumentInvalid);
    }

    #[test]
    fn variables_are_base64_of_a_json_object_of_strings() {
        for (text, kind) in [
            ("{}", OssErrorKind::CallbackNotBase64),
            (&STANDARD.encode("[]"), OssErrorKind::CallbackNotJson),
            (&STANDARD.encode(r#"{"x:a":1}"#), OssErrorKind::CallbackInvalid),
            (&STANDARD.encode(r#"{"a":"b"}"#), OssErrorKind::CallbackInvalid),
        ] {
            let result = callback(&[("x-oss-callback-var", text)], "");
            assert_eq!(result.unwrap_err(), kind, "{text}");
        }
    }
}
