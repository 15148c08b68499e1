//! The form fields that make OSS send an upload callback, and the receipt that comes back with it.
//!
//! Every one of these fields is a condition of the policy too, so an uploader cannot remove the callback, send
//! it to another address, or change what it contains.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::callback::receipt::{
    MAX_SUBJECT_BYTES, Receipt, ReceiptScope, Variables, receipt_id, variables_hash,
};
use crate::crypto;
use crate::grant::form::Field;
use crate::grant::{Form, GrantError};
use crate::policy::PolicyError;
use crate::policy::callback::{BodyType, Callback, MAX_FIELD_BYTES, PREFIX, RECEIPT};
use crate::policy::route::{Route, SizeRange};
use crate::policy::template::{RandomBytes, RenderContext};
use crate::secret::Secret;
use crate::time::Timestamp;

/// The form field that contains the callback parameter.
pub const CALLBACK: &str = "callback";

/// The query parameter with the variables of a callback. A form has a field for each of them instead.
pub const CALLBACK_VAR: &str = "callback-var";
/// The header that contains the callback parameter.
const X_OSS_CALLBACK: &str = "x-oss-callback";

/// The header that contains the custom variables.
const X_OSS_CALLBACK_VAR: &str = "x-oss-callback-var";

/// The key that signs receipts, and the address at which OSS calls this function.
#[derive(Clone, Copy, Debug)]
pub struct ReceiptSigner<'a> {
    /// The key.
    pub key: &'a Secret,
    /// Random bytes for the id of the receipt. They are not those of the object key, because a receipt's id is
    /// sent to other systems.
    pub id: &'a RandomBytes,
    /// Scheme and host of this function, if they are known.
    pub public_url: Option<&'a str>,
}

/// What a grant allows, as its receipt states it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptClaims {
    /// The allowed object keys.
    pub scope: ReceiptScope,
    /// The allowed size of the file in bytes.
    pub size: SizeRange,
    /// The allowed types; empty allows every type.
    pub types: Vec<String>,
    /// The last moment at which OSS accepts the form.
    pub expires_at: Timestamp,
    /// Whether no other grant has this key and the object cannot be overwritten.
    pub once: bool,
}

/// Returns the callback fields of a form of this route; none if the route has no callback.
///
/// # Errors
/// There is no `signer` or no address to call, the caller lacks an attribute that a variable names, or the form
/// cannot contain the fields.
pub fn fields(
    form: Form,
    route: &Route,
    context: &RenderContext<'_>,
    signer: Option<&ReceiptSigner<'_>>,
    claims: ReceiptClaims,
) -> Result<Vec<Field>, GrantError> {
    let Some(callback) = &route.callback else {
        return Ok(Vec::new());
    };
    let signer = signer.ok_or(GrantError::ReceiptSignerMissing)?;
    let address =
        callback.address(&route.name, signer.public_url).ok_or(GrantError::ReceiptSignerMissing)?;
    let mut variables = variables(callback, context)?;
    let mut receipt = claims.into_receipt(route, context, signer)?;
    receipt.variables_hash = Some(variables_hash(&variables));
    variables.push((RECEIPT.to_owned(), receipt.sign(signer.key)));
    match form {
        Form::Complete => Ok(complete_fields(callback, &address, variables)),
        Form::Documented => {
            let field = literal_field(callback, &address, &variables);
            let fields = || vec![CALLBACK.to_owned()];
            Ok(vec![field.ok_or_else(|| PolicyError::NativeCallRequired { fields: fields() })?])
        }
    }
}

/// The callback of an upload in parts; empty if the route has none.
#[derive(Clone, Default)]
pub struct CallbackHeaders {
    /// The headers of the request that completes the upload.
    pub headers: Vec<(String, String)>,
    /// The receipt that the callback brings back.
    pub receipt: Option<String>,
}

/// The receipt belongs to one caller, so it is not shown.
impl fmt::Debug for CallbackHeaders {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        formatter.debug_struct("CallbackHeaders").field("headers", &names).finish_non_exhaustive()
    }
}

/// Returns the headers that make OSS send the callback of this route when an upload in parts is completed; none if
/// the route has no callback.
///
/// # Errors
/// Those of [`fields`].
pub fn headers(
    route: &Route,
    context: &RenderContext<'_>,
    signer: Option<&ReceiptSigner<'_>>,
    claims: ReceiptClaims,
) -> Result<CallbackHeaders, GrantError> {
    let fields = fields(Form::Complete, route, context, signer, claims)?;
    let (parameter, variables): (Vec<_>, Vec<_>) =
        fields.into_iter().partition(|(name, _)| name == CALLBACK);
    let Some((_, parameter)) = parameter.into_iter().next() else {
        return Ok(CallbackHeaders::default());
    };
    let is_receipt = |name: &str| name.strip_prefix(PREFIX) == Some(RECEIPT);
    let receipt = variables.iter().find(|(name, _)| is_receipt(name));
    let receipt = receipt.map(|(_, receipt)| receipt.clone());
    let variables = (X_OSS_CALLBACK_VAR.to_owned(), callback_var(&variables));
    Ok(CallbackHeaders {
        headers: vec![(X_OSS_CALLBACK.to_owned(), parameter), variables],
        receipt,
    })
}

/// Derives the id of a receipt from the random bytes of the object key. Each attempt to complete an upload has the same
/// id, and it does not show the key, because it is sent to other systems.
#[must_use]
pub fn derived_receipt_id(random: &RandomBytes) -> RandomBytes {
    let mut id = RandomBytes::default();
    let hash = crypto::hmac_sha256(random, b"oss-upload-receipt-id");
    id.copy_from_slice(&hash[..16]);
    id
}

/// Returns the callback fields of a form that contains every field it is given: the parameter, and one field for
/// each variable.
#[must_use]
pub fn complete_fields(callback: &Callback, address: &str, variables: Variables) -> Vec<Field> {
    let mut fields = vec![(CALLBACK.into(), parameter(callback, address, &|_| None))];
    fields.extend(
        variables.into_iter().map(|(name, value)| ((PREFIX.to_owned() + &name).into(), value)),
    );
    fields
}

/// Returns the value of [`CALLBACK_VAR`]: the variables as JSON in base64, under their names with `x:`.
#[must_use]
pub fn callback_var(variables: &[Field]) -> String {
    let map: BTreeMap<_, _> = variables.iter().map(|(name, value)| (name, value)).collect();
    // JSON can express texts under text keys, so this cannot fail.
    crypto::base64(&serde_json::to_vec(&map).unwrap_or_default())
}

/// Returns the one callback field of a form that contains no variables: their values are in the body itself.
/// Returns `None` if that makes the field too long.
fn literal_field(callback: &Callback, address: &str, variables: &Variables) -> Option<Field> {
    let parameter = parameter(callback, address, &|name| {
        let (_, value) = variables.iter().find(|(one, _)| one == name)?;
        Some(literal(value, callback.body.body_type))
    });
    (parameter.len() <= MAX_FIELD_BYTES).then(|| (CALLBACK.into(), parameter))
}

/// The callback parameter of OSS, with its members in the order in which they are written.
#[derive(Serialize)]
struct CallbackParameter<'a> {
    #[serde(rename = "callbackUrl")]
    url: &'a str,
    #[serde(rename = "callbackHost", skip_serializing_if = "Option::is_none")]
    host: Option<&'a str>,
    #[serde(rename = "callbackBody")]
    body: &'a str,
    #[serde(rename = "callbackBodyType")]
    body_type: &'static str,
    #[serde(rename = "callbackSNI", skip_serializing_if = "std::ops::Not::not")]
    sni: bool,
}

fn parameter(
    callback: &Callback,
    address: &str,
    literal: &dyn Fn(&str) -> Option<String>,
) -> String {
    let parameter = CallbackParameter {
        url: address,
        host: callback.host.as_deref(),
        body: &callback.body.write(literal),
        body_type: callback.body.body_type.as_str(),
        sni: callback.sni,
    };
    // JSON can express texts under text keys, so this cannot fail.
    crypto::base64(&serde_json::to_vec(&parameter).unwrap_or_default())
}

/// Writes a value as OSS would insert it. OSS parses the body again, so the value must not contain `${`.
fn literal(value: &str, body_type: BodyType) -> String {
    match body_type {
        BodyType::Form => crypto::percent_encode(value),
        BodyType::Json => serde_json::to_string(value).unwrap_or_default().replace('$', "\\u0024"),
    }
}

fn variables(callback: &Callback, context: &RenderContext<'_>) -> Result<Variables, PolicyError> {
    let variables = callback.variables.iter();
    variables.map(|(name, value)| Ok((name.clone(), value.render(context, "")?))).collect()
}

impl ReceiptClaims {
    fn into_receipt(
        self,
        route: &Route,
        context: &RenderContext<'_>,
        signer: &ReceiptSigner<'_>,
    ) -> Result<Receipt, PolicyError> {
        let subject = context.attributes.subject;
        if subject.is_some_and(|subject| subject.len() > MAX_SUBJECT_BYTES) {
            return Err(PolicyError::CallerUnusable { placeholder: "sub".to_owned() });
        }
        Ok(Receipt {
            id: receipt_id(signer.id),
            route: route.name.clone(),
            bucket: route.bucket.as_str().to_owned(),
            scope: self.scope,
            min_size: self.size.min,
            max_size: self.size.max,
            types: self.types,
            subject: subject.map(str::to_owned),
            issued_at: context.now.unix(),
            expires_at: self.expires_at.unix(),
            variables_hash: None,
            once: self.once,
        })
    }
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::policy::callback::{CallbackBody, CallbackTarget};
    use crate::policy::template::Template;

    const ADDRESS: &str = "https://sign.example/callback/photos";

    fn callback(body_type: BodyType) -> Callback {
        Callback {
            target: CallbackTarget::Function,
            body: CallbackBody::complete(body_type, &["album"]),
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
    fn a_complete_form_has_one_field_for_each_variable() {
        let fields = complete_fields(&callback(BodyType::Form), ADDRESS, variables());
        let names: Vec<_> = fields.iter().map(|(name, _)| name.as_ref()).collect();
        assert_eq!(names, ["callback", "x:album", "x:receipt"]);
        assert_eq!(fields[1].1, "夏 \"a\"&b=${size}");
        insta::assert_snapshot!(decoded(&fields[0].1), @r#"{"callbackUrl":"https://sign.example/callback/photos","callbackBody":"bucket=${bucket}&object=${object}&etag=${etag}&size=${size}&mimeType=${mimeType}&imageInfo.width=${imageInfo.width}&imageInfo.height=${imageInfo.height}&imageInfo.format=${imageInfo.format}&x:album=${x:album}&receipt=${x:receipt}","callbackBodyType":"application/x-www-form-urlencoded","callbackSNI":true}"#);
    }

    #[test]
    fn a_receipt_id_of_an_upload_is_stable_and_is_not_the_random_of_its_key() {
        let id = derived_receipt_id(&[7; 16]);
        assert_eq!(id, derived_receipt_id(&[7; 16]));
        assert_ne!(id, [7; 16]);
        assert_ne!(id, derived_receipt_id(&[8; 16]));
    }

    #[test]
    fn a_documented_form_has_the_variables_in_the_body() {
        let field = |body_type| {
            let (name, value) = literal_field(&callback(body_type), ADDRESS, &variables()).unwrap();
            assert_eq!(name, "callback");
            decoded(&value)
        };
        insta::assert_snapshot!(field(BodyType::Form), @r#"{"callbackUrl":"https://sign.example/callback/photos","callbackBody":"bucket=${bucket}&object=${object}&etag=${etag}&size=${size}&mimeType=${mimeType}&imageInfo.width=${imageInfo.width}&imageInfo.height=${imageInfo.height}&imageInfo.format=${imageInfo.format}&x:album=%E5%A4%8F%20%22a%22%26b%3D%24%7Bsize%7D&receipt=r1.e30.AA","callbackBodyType":"application/x-www-form-urlencoded","callbackSNI":true}"#);
        insta::assert_snapshot!(field(BodyType::Json), @r#"{"callbackUrl":"https://sign.example/callback/photos","callbackBody":"{\"bucket\":${bucket},\"object\":${object},\"etag\":${etag},\"size\":${size},\"mimeType\":${mimeType},\"imageInfo.width\":${imageInfo.width},\"imageInfo.height\":${imageInfo.height},\"imageInfo.format\":${imageInfo.format},\"x:album\":\"夏 \\\"a\\\"&b=\\u0024{size}\",\"receipt\":\"r1.e30.AA\"}","callbackBodyType":"application/json","callbackSNI":true}"#);
    }

    #[test]
    fn host_and_sni_are_written_as_they_are_set() {
        let other =
            Callback { host: Some("a.example".to_owned()), sni: false, ..callback(BodyType::Form) };
        let parameter = decoded(
            &complete_fields(&other, "http://b.example/;http://c.example/", variables())[0].1,
        );
        assert!(parameter.starts_with(
            r#"{"callbackUrl":"http://b.example/;http://c.example/","callbackHost":"a.example","#
        ));
        assert!(!parameter.contains("SNI"), "{parameter}");
    }

    #[test]
    fn a_field_that_is_too_long_is_not_written() {
        let long =
            vec![("album".to_owned(), "x".repeat(4096)), ("receipt".to_owned(), "r".to_owned())];
        assert_eq!(literal_field(&callback(BodyType::Form), ADDRESS, &long), None);
    }
}
