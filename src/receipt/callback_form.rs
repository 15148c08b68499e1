//! The callback as a form orders it from OSS: the field `callback`, and the variables that the callback
//! tells. How the values come to be is `grant`'s business.

use crate::crypto;
use crate::policy::callback::body::BodyType;
use crate::policy::callback::{Callback, MAX_FIELD_BYTES, PREFIX};
use crate::receipt::json::{Object, Value};

/// The field that orders the callback.
pub const CALLBACK: &str = "callback";

/// A field's name and its value.
type Field = (String, String);

/// The variables of one form, by name without `x:`, the receipt among them.
pub type Variables = Vec<(String, String)>;

/// Writes the fields for a form that carries whatever it is given.
#[must_use]
pub fn fields(callback: &Callback, address: &str, variables: Variables) -> Vec<Field> {
    let mut fields = vec![(CALLBACK.to_owned(), order(callback, address, &|_| None))];
    fields.extend(variables.into_iter().map(|(name, value)| (PREFIX.to_owned() + &name, value)));
    fields
}

/// Writes the one field for a form that carries no variables: their values stand in the body itself.
/// It is none where that is more than a field may have.
#[must_use]
pub fn literal_field(callback: &Callback, address: &str, variables: &Variables) -> Option<Field> {
    let order = order(callback, address, &|name| {
        let (_, value) = variables.iter().find(|(one, _)| one == name)?;
        Some(literal(value, callback.body.body_type))
    });
    (order.len() <= MAX_FIELD_BYTES).then(|| (CALLBACK.to_owned(), order))
}

fn order(callback: &Callback, address: &str, literal: &dyn Fn(&str) -> Option<String>) -> String {
    let body = callback.body.write(literal);
    let mut members = vec![("callbackUrl", Value::Text(address))];
    members.extend(callback.host.as_deref().map(|host| ("callbackHost", Value::Text(host))));
    members.push(("callbackBody", Value::Text(&body)));
    members.push(("callbackBodyType", Value::Text(callback.body.body_type.as_str())));
    members.extend(callback.sni.then_some(("callbackSNI", Value::Truth(true))));
    crypto::base64(&Object(members).to_json())
}

/// Writes a value as OSS would have filled it in. OSS reads the body anew and must find no `${` in it.
fn literal(value: &str, body_type: BodyType) -> String {
    match body_type {
        BodyType::Form => crypto::percent_encode(value),
        BodyType::Json => serde_json::to_string(value).unwrap_or_default().replace('$', "\\u0024"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::callback::Target;
    use crate::policy::callback::body::Body;
    use crate::policy::template::Template;

    const ADDRESS: &str = "https://sign.example/callback/photos";

    fn callback(body_type: BodyType) -> Callback {
        Callback {
            to: Target::Own,
            body: Body::whole(body_type, &["album"]),
            host: None,
            sni: true,
            variables: vec![("album".to_owned(), Template::value("{sub}").unwrap())],
        }
    }

    fn variables() -> Variables {
        [("album", "夏 \"a\"&b=${size}"), ("receipt", "r1.e30.AA")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec()
    }

    fn decoded(field: &str) -> String {
        String::from_utf8(crypto::from_base64(field).unwrap()).unwrap()
    }

    #[test]
    fn a_form_that_carries_everything_has_the_values_in_fields_of_their_own() {
        let fields = fields(&callback(BodyType::Form), ADDRESS, variables());
        let names: Vec<_> = fields.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["callback", "x:album", "x:receipt"]);
        assert_eq!(fields[1].1, "夏 \"a\"&b=${size}");
        insta::assert_snapshot!(decoded(&fields[0].1), @r#"{"callbackUrl":"https://sign.example/callback/photos","callbackBody":"bucket=${bucket}&object=${object}&etag=${etag}&size=${size}&mimeType=${mimeType}&imageInfo.width=${imageInfo.width}&imageInfo.height=${imageInfo.height}&imageInfo.format=${imageInfo.format}&x:album=${x:album}&receipt=${x:receipt}","callbackBodyType":"application/x-www-form-urlencoded","callbackSNI":true}"#);
    }

    #[test]
    fn a_form_that_does_not_has_them_in_the_body() {
        let told = |body_type| {
            let (name, value) = literal_field(&callback(body_type), ADDRESS, &variables()).unwrap();
            assert_eq!(name, "callback");
            decoded(&value)
        };
        insta::assert_snapshot!(told(BodyType::Form), @r#"{"callbackUrl":"https://sign.example/callback/photos","callbackBody":"bucket=${bucket}&object=${object}&etag=${etag}&size=${size}&mimeType=${mimeType}&imageInfo.width=${imageInfo.width}&imageInfo.height=${imageInfo.height}&imageInfo.format=${imageInfo.format}&x:album=%E5%A4%8F%20%22a%22%26b%3D%24%7Bsize%7D&receipt=r1.e30.AA","callbackBodyType":"application/x-www-form-urlencoded","callbackSNI":true}"#);
        insta::assert_snapshot!(told(BodyType::Json), @r#"{"callbackUrl":"https://sign.example/callback/photos","callbackBody":"{\"bucket\":${bucket},\"object\":${object},\"etag\":${etag},\"size\":${size},\"mimeType\":${mimeType},\"imageInfo.width\":${imageInfo.width},\"imageInfo.height\":${imageInfo.height},\"imageInfo.format\":${imageInfo.format},\"x:album\":\"夏 \\\"a\\\"&b=\\u0024{size}\",\"receipt\":\"r1.e30.AA\"}","callbackBodyType":"application/json","callbackSNI":true}"#);
    }

    #[test]
    fn a_host_of_its_own_and_no_name_in_the_handshake_are_said() {
        let other =
            Callback { host: Some("a.example".to_owned()), sni: false, ..callback(BodyType::Form) };
        let order =
            decoded(&fields(&other, "http://b.example/;http://c.example/", variables())[0].1);
        assert!(order.starts_with(
            r#"{"callbackUrl":"http://b.example/;http://c.example/","callbackHost":"a.example","#
        ));
        assert!(!order.contains("SNI"), "{order}");
    }

    #[test]
    fn a_field_that_grows_too_long_is_none() {
        let long =
            vec![("album".to_owned(), "x".repeat(4096)), ("receipt".to_owned(), "r".to_owned())];
        assert_eq!(literal_field(&callback(BodyType::Form), ADDRESS, &long), None);
    }
}
