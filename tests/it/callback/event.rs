//! What OSS says, in either way of writing it, and what is answered.

use insta::assert_snapshot;

use crate::callback::fixture::{CallbackFixture, UnsignedCallback};
use crate::callback::openssl;

const MALFORMED: &str = "callback_malformed";

/// The answer's body without what differs between tests.
async fn answered(unsigned: &UnsignedCallback) -> String {
    let answer = CallbackFixture::new().deliver(unsigned).await;
    assert_eq!(answer.headers["content-type"], "application/json");
    assert_eq!(answer.headers["content-length"], answer.body.len().to_string());
    String::from_utf8(answer.body.to_vec()).unwrap()
}

#[tokio::test]
async fn form_and_json_say_the_same() {
    let unsigned = UnsignedCallback::new("default");
    let answer = answered(&unsigned).await;
    assert_snapshot!(answer, @r#"{"bucket":"examplebucket","etag":"D41D8CD98F00B204E9800998ECF8427E","image":{"format":"png","height":480,"width":640},"key":"photos/夏 1.png","receipt_id":"0123456789abcdef0123456789abcdef","size":512,"type":"image/png","variables":{"album":"a & b"}}"#);
    assert_eq!(answered(&unsigned.clone().in_json()).await, answer);
    let mut with_charset = unsigned.clone();
    with_charset.content_type = "Application/X-WWW-Form-Urlencoded; charset=utf-8";
    assert_eq!(answered(&with_charset).await, answer);
}

#[tokio::test]
async fn what_is_no_image_has_no_numbers() {
    let empty = ["imageInfo.width", "imageInfo.height", "imageInfo.format"];
    let unsigned = UnsignedCallback::new("default");
    let without = empty.iter().fold(unsigned.clone(), |unsigned, name| unsigned.but(name, None));
    let with_empty = empty.iter().fold(unsigned, |unsigned, name| unsigned.but(name, Some("")));
    let answer = answered(&without).await;
    assert_snapshot!(answer, @r#"{"bucket":"examplebucket","etag":"D41D8CD98F00B204E9800998ECF8427E","key":"photos/夏 1.png","receipt_id":"0123456789abcdef0123456789abcdef","size":512,"type":"image/png","variables":{"album":"a & b"}}"#);
    assert_eq!(answered(&with_empty).await, answer);
    assert_eq!(answered(&with_empty.clone().in_json()).await, answer);
    let nulls = with_empty.clone().in_json().body().replace("\"\"", "null");
    assert!(nulls.contains("null"));
    assert_eq!(sent(&with_empty.in_json(), nulls).await, "");
    for (name, value) in [
        ("imageInfo.width", None),
        ("imageInfo.height", None),
        ("imageInfo.width", Some("")),
        ("imageInfo.width", Some("-1")),
        ("imageInfo.width", Some("640.5")),
        ("imageInfo.height", Some("tall")),
        ("imageInfo.height", Some("18446744073709551616")),
    ] {
        let half = UnsignedCallback::new("default").but(name, value);
        assert_eq!(answered(&half).await, answer, "{name} {value:?}");
        assert_eq!(answered(&half.in_json()).await, answer, "{name} {value:?}");
    }
}

/// The type is the uploader's, so it cannot be allowed to make the callback unreadable.
#[tokio::test]
async fn a_type_that_is_no_text_is_a_mismatch_and_not_a_body_that_cannot_be_read() {
    let (form, json) =
        (UnsignedCallback::new("default"), UnsignedCallback::new("default").in_json());
    let in_form = form.body().replace("image%2Fpng", "image%2F%ff");
    let in_json = json.body().into_bytes();
    let at = in_json.windows(9).position(|some| some == b"image/png").unwrap();
    let in_json = [&in_json[..at], b"image/\xff", &in_json[at + 9..]].concat();
    assert_eq!(sent(&form, in_form).await, "receipt_mismatch");
    assert_eq!(sent(&json, in_json).await, "receipt_mismatch");
    let text = json.body().replace("photos/", "photos\u{fffd}");
    let bytes = json.body().into_bytes();
    let at = bytes.windows(7).position(|some| some == b"photos/").unwrap();
    let bytes = [&bytes[..at], b"photos\xff", &bytes[at + 7..]].concat();
    assert_eq!(sent(&json, text).await, "receipt_mismatch", "a key that was written so");
    assert_eq!(sent(&json, bytes).await, MALFORMED, "a replaced byte would be another key");
}

#[tokio::test]
async fn the_type_is_reported_in_its_canonical_form() {
    let plain = answered(&UnsignedCallback::new("default")).await;
    let capitals = UnsignedCallback::new("default").but("mimeType", Some("Image/PNG"));
    assert_eq!(answered(&capitals).await, plain);
    let charset =
        UnsignedCallback::new("default").but("mimeType", Some("image/png;charset=\"UTF-8\""));
    let expected = plain.replace("\"image/png\"", "\"image/png; charset=utf-8\"");
    assert_eq!(answered(&charset).await, expected);
}

#[tokio::test]
async fn quotes_around_an_entity_tag_do_not_count() {
    let plain = answered(&UnsignedCallback::new("default")).await;
    let quoted =
        UnsignedCallback::new("default").but("etag", Some("\"D41D8CD98F00B204E9800998ECF8427E\""));
    assert_eq!(answered(&quoted).await, plain);
}

#[tokio::test]
async fn what_a_route_orders_besides_is_left_alone() {
    let plain = answered(&UnsignedCallback::new("default")).await;
    let more = UnsignedCallback::new("default").but("clientIp", Some("203.0.113.7"));
    assert_eq!(answered(&more).await, plain);
    let receipt = more.members.iter().find(|(name, _)| name == "receipt").unwrap().1.clone();
    assert_eq!(answered(&more.but("x:receipt", Some(&receipt))).await, plain);
}

/// Sends a body that OSS has signed, whatever it is, and gives the code.
async fn sent(unsigned: &UnsignedCallback, body: impl Into<Vec<u8>>) -> String {
    let body = body.into();
    let signed = [unsigned.address.as_bytes(), b"\n", &body].concat();
    let signature = openssl::base64(openssl::oss().sign(&signed));
    CallbackFixture::new().function.call(unsigned.with(&signature, body)).await.code()
}

#[tokio::test]
async fn a_member_that_is_missing_or_impossible_is_refused() {
    let unsigned = UnsignedCallback::new("default");
    for name in ["bucket", "object", "etag", "size", "mimeType", "receipt"] {
        assert_eq!(
            CallbackFixture::new().code(&unsigned.clone().but(name, None)).await,
            MALFORMED,
            "{name}"
        );
    }
    for (name, value) in [
        ("size", ""),
        ("size", "-1"),
        ("size", "1.5"),
        ("size", "0x10"),
        ("size", "18446744073709551616"),
    ] {
        for unsigned in [unsigned.clone(), unsigned.clone().in_json()] {
            let unsigned = unsigned.but(name, Some(value));
            assert_eq!(CallbackFixture::new().code(&unsigned).await, MALFORMED, "{name}={value}");
        }
    }
}

#[tokio::test]
async fn a_body_that_is_written_otherwise_is_refused() {
    let (form, json) =
        (UnsignedCallback::new("default"), UnsignedCallback::new("default").in_json());
    let (form_body, json_body) = (form.body(), json.body());
    assert_eq!(sent(&form, form_body.clone()).await, "");
    for body in [
        String::new(),
        "a".to_owned(),
        json_body.clone(),
        format!("{form_body}&size=512"),
        format!("{form_body}&a"),
        form_body.replace("object=", "object=%ff"),
    ] {
        assert_eq!(sent(&form, body.clone()).await, MALFORMED, "{body}");
    }
    assert_eq!(sent(&form, [form_body.as_bytes(), b"&a=\xff"].concat()).await, MALFORMED);
    assert_eq!(sent(&json, json_body.clone()).await, "");
    for body in [
        String::new(),
        "null".to_owned(),
        "[]".to_owned(),
        format!("[{json_body}]"),
        form_body.clone(),
        format!("\u{feff}{json_body}"),
        format!("{json_body}{json_body}"),
        json_body.replacen('{', "{\"a\":{},", 1),
        json_body.replacen('{', "{\"a\":true,", 1),
        json_body.replace("512", "512.0"),
        json_body.replace("640", ""),
    ] {
        assert_eq!(sent(&json, body.clone()).await, MALFORMED, "{body}");
    }
    for kind in ["", "text/plain", "application/json5", "multipart/form-data"] {
        let mut unsigned = form.clone();
        unsigned.content_type = kind;
        assert_eq!(CallbackFixture::new().code(&unsigned).await, MALFORMED, "{kind}");
    }
    let long = format!("{form_body}&a={}", "a".repeat(64 * 1024));
    assert_eq!(sent(&form, long).await, MALFORMED);
}
