//! The receipt format with vectors of other implementations, the checks of an object, and malformed receipts.

use proptest::prelude::*;
use proptest::{collection, option};
use serde_json::Value;

use super::*;

const KEY: &str = "an example key of more than 32 bytes";

fn receipt() -> Receipt {
    Receipt {
        id: receipt_id(&[0xab; 16]),
        route: "photos".to_owned(),
        bucket: "examplebucket".to_owned(),
        scope: ReceiptScope::Key("photos/照片.png".to_owned()),
        min_size: 1,
        max_size: 1024,
        types: vec!["image/*".to_owned()],
        subject: Some("alice".to_owned()),
        issued_at: 1_732_687_781,
        expires_at: 1_732_688_381,
        variables_hash: None,
        once: false,
    }
}

fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn keys() -> [Secret; 2] {
    [Secret::new("the next key, which signs from now on"), Secret::new(KEY)]
}

/// Signs any payload as the format defines it.
fn signed_payload(payload: &[u8]) -> String {
    let text = format!("r1.{}", crypto::base64_url(payload));
    let signed = format!("oss-upload-receipt.{text}");
    let code = crypto::hmac_sha256(KEY.as_bytes(), signed.as_bytes());
    format!("{text}.{}", crypto::base64_url(code.as_slice()))
}

#[test]
fn a_receipt_has_the_documented_format() {
    let receipt = receipt();
    let text = receipt.sign(&Secret::new(KEY));
    insta::assert_snapshot!(String::from_utf8(receipt.to_json()).unwrap(), @r#"{"id":"abababababababababababababababab","route":"photos","bucket":"examplebucket","key":"photos/照片.png","min":1,"max":1024,"types":["image/*"],"sub":"alice","iat":1732687781,"exp":1732688381}"#);
    assert_eq!(text, signed_payload(&receipt.to_json()));
    assert_eq!(Receipt::verify(&text, &keys()), Ok(receipt));
    assert_eq!(Receipt::verify(&text, &keys()[..1]), Err(ReceiptError::SignatureInvalid));
    assert_eq!(Receipt::verify(&text, &[]), Err(ReceiptError::SignatureInvalid));
}

#[test]
fn a_receipt_contains_the_hash_of_its_variables_and_the_once_flag() {
    let hash = variables_hash(&variables(&[("album", "夏")]));
    let receipt = Receipt { variables_hash: Some(hash), once: true, ..receipt() };
    insta::assert_snapshot!(String::from_utf8(receipt.to_json()).unwrap(), @r#"{"id":"abababababababababababababababab","route":"photos","bucket":"examplebucket","key":"photos/照片.png","min":1,"max":1024,"types":["image/*"],"sub":"alice","iat":1732687781,"exp":1732688381,"vars":"HbqcgNVOL1UHm0IZv6IsS8toww6B653uQv0Fo9HZdys","once":true}"#);
    assert_eq!(Receipt::verify(&receipt.sign(&Secret::new(KEY)), &keys()), Ok(receipt));
}

#[test]
fn other_variables_have_another_hash() {
    let granted = [("album", "夏"), ("order", "7")];
    let receipt =
        Receipt { variables_hash: Some(variables_hash(&variables(&granted))), ..receipt() };
    let mut reversed = granted;
    reversed.reverse();
    for same in [granted, reversed] {
        assert!(receipt.has_variables(&variables(&same)), "{same:?}");
    }
    for other in [
        &[][..],
        &[("album", "夏")],
        &[("album", "7"), ("order", "夏")],
        &[("album", "夏"), ("order", "8")],
        &[("album", "夏"), ("orders", "7")],
        &[("album", "夏"), ("order", "7"), ("role", "admin")],
        &[("album", "夏"), ("order", "7"), ("", "")],
        &[("album", "夏,5:order,1:7")],
        &[("album", "夏,5:order"), ("1:7", "")],
        &[("album", "夏\norder=7")],
        &[("albu", "m夏"), ("order", "7")],
        &[("album", "夏o"), ("rder", "7")],
    ] {
        assert!(!receipt.has_variables(&variables(other)), "{other:?}");
    }
    let earlier = Receipt { variables_hash: None, ..receipt };
    assert!(!earlier.has_variables(&variables(&granted)) && !earlier.has_variables(&[]));
}

#[test]
fn the_vectors_of_another_implementation_agree() {
    let vectors: Value =
        serde_json::from_str(include_str!("../../../tests/vectors/receipt.json")).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    for good in vectors["good"].as_array().unwrap() {
        let key = Secret::new(text(&good["key"]));
        let verified =
            Receipt::verify(good["receipt"].as_str().unwrap(), std::slice::from_ref(&key)).unwrap();
        assert_eq!(String::from_utf8(verified.to_json()).unwrap(), text(&good["payload"]));
        assert_eq!(verified.sign(&key), text(&good["receipt"]), "{}", good["name"]);
        if let Some(reported) = good["variables"].as_object() {
            let reported: Vec<_> =
                reported.iter().map(|(name, value)| (name.clone(), text(value))).collect();
            assert!(verified.has_variables(&reported), "{}", good["name"]);
        }
    }
    for bad in vectors["bad"].as_array().unwrap() {
        let keys = [Secret::new(text(&bad["key"]))];
        let error = match bad["refused"].as_str().unwrap() {
            "malformed" => ReceiptError::Malformed,
            "signature" => ReceiptError::SignatureInvalid,
            other => panic!("{other}"),
        };
        assert_eq!(
            Receipt::verify(bad["receipt"].as_str().unwrap(), &keys),
            Err(error),
            "{}",
            bad["name"]
        );
    }
}

#[test]
fn a_signed_payload_of_another_shape_is_malformed() {
    let json = String::from_utf8(receipt().to_json()).unwrap();
    let verify = |payload: &str| Receipt::verify(&signed_payload(payload.as_bytes()), &keys());
    assert_eq!(verify(&json), Ok(receipt()));
    for payload in [
        String::new(),
        "{}".to_owned(),
        "[]".to_owned(),
        format!("{json} x"),
        json.replace(r#""key":"#, r#""prefix":"#).replace('{', r#"{"key":"a","#),
        json.replace(r#""key":"photos/照片.png","#, ""),
        json.replace('{', r#"{"more":1,"#),
        json.replace('{', r#"{"id":"1","#),
        json.replace(r#""min":1"#, r#""min":-1"#),
        json.replace(r#""min":1"#, r#""min":"1""#),
        json.replace(r#""iat":1732687781,"#, ""),
        json.replace('{', r#"{"vars":1,"#),
        json.replace('{', r#"{"once":"true","#),
    ] {
        assert_eq!(verify(&payload), Err(ReceiptError::Malformed), "{payload}");
    }
    let mut bytes = receipt().to_json();
    bytes[7] = 0xff;
    assert_eq!(
        Receipt::verify(&signed_payload(&bytes), &keys()),
        Err(ReceiptError::Malformed),
        "no UTF-8"
    );
}

#[test]
fn a_text_without_the_format_of_a_receipt_is_malformed() {
    let good = receipt().sign(&Secret::new(KEY));
    let (text, code) = good.rsplit_once('.').unwrap();
    for bad in [
        String::new(),
        "r1.".to_owned(),
        good.replacen("r1.", "r2.", 1),
        good.replacen("r1.", "v1.", 1),
        format!("{good}="),
        format!("{good}\n"),
        format!(" {good}"),
        format!("{text}.{code}."),
        format!("{text}.!{code}"),
        "r".repeat(MAX_LENGTH + 1),
    ] {
        assert_eq!(Receipt::verify(&bad, &keys()), Err(ReceiptError::Malformed), "{bad}");
    }
}

#[test]
fn an_object_in_another_location_is_refused() {
    let stored = StoredObject {
        bucket: "examplebucket",
        key: "photos/照片.png",
        size: 1,
        content_type: "image/png",
    };
    let now = Timestamp::from_unix(1_732_688_381 + 86_400).unwrap();
    let later = Timestamp::from_unix(now.unix() + 1).unwrap();
    let check = |stored: StoredObject<'_>| receipt().check_location("photos", &stored, now);
    assert_eq!(check(stored), Ok(()));
    assert_eq!(receipt().check_location("photos", &stored, later), Err(ReceiptError::Expired));
    assert_eq!(receipt().check_location("photo", &stored, now), Err(ReceiptError::WrongRoute));
    for (other, error) in [
        (StoredObject { bucket: "examplebucket2", ..stored }, ReceiptError::WrongBucket),
        (StoredObject { key: "photos/照片.png2", ..stored }, ReceiptError::WrongKey),
        (StoredObject { key: "photos/照片.PNG", ..stored }, ReceiptError::WrongKey),
    ] {
        assert_eq!(check(other), Err(error));
    }
}

#[test]
fn a_stored_object_that_differs_in_size_or_type_is_a_mismatch() {
    let stored =
        StoredObject { bucket: "examplebucket", key: "k", size: 1, content_type: "image/png" };
    for (other, mismatches) in [
        (stored, &[][..]),
        (StoredObject { size: 1024, content_type: "IMAGE/X; charset=b", ..stored }, &[]),
        (StoredObject { size: 0, ..stored }, &[ReceiptMismatch::Size]),
        (StoredObject { size: 1025, ..stored }, &[ReceiptMismatch::Size]),
        (StoredObject { content_type: "text/html", ..stored }, &[ReceiptMismatch::Type]),
        (StoredObject { content_type: "", ..stored }, &[ReceiptMismatch::Type]),
        (StoredObject { content_type: "image/", ..stored }, &[ReceiptMismatch::Type]),
        (StoredObject { content_type: "image/,text/html", ..stored }, &[ReceiptMismatch::Type]),
        (StoredObject { content_type: "image/png;,text/html", ..stored }, &[ReceiptMismatch::Type]),
        (StoredObject { content_type: "image/png; a=b", ..stored }, &[ReceiptMismatch::Type]),
        (StoredObject { content_type: "image/\u{fffd}", ..stored }, &[ReceiptMismatch::Type]),
        (
            StoredObject { size: 0, content_type: "a", ..stored },
            &[ReceiptMismatch::Size, ReceiptMismatch::Type],
        ),
    ] {
        assert_eq!(receipt().mismatches(&other), mismatches, "{other:?}");
    }
}

#[test]
fn a_receipt_allows_the_prefix_and_the_types_of_its_grant() {
    let now = Timestamp::from_unix(1_732_687_781).unwrap();
    let stored = StoredObject {
        bucket: "examplebucket",
        key: "up/a.png",
        size: 1,
        content_type: "a/b; charset=d",
    };
    let below = |prefix: &str| {
        let scope = ReceiptScope::Prefix(prefix.to_owned());
        Receipt { scope, ..receipt() }.check_location("photos", &stored, now)
    };
    assert_eq!(below("up/"), Ok(()));
    assert_eq!(below("up/a/"), Err(ReceiptError::WrongKey));
    let of = |types: &[&str]| {
        let types = types.iter().map(|one| (*one).to_owned()).collect();
        Receipt { types, ..receipt() }.mismatches(&stored)
    };
    for types in [&[][..], &["a/b"], &["x/y", "a/*"]] {
        assert_eq!(of(types), [], "{types:?}");
    }
    for types in [&["x/y"][..], &["a/b; charset=d"], &["a/b", "no type"]] {
        assert_eq!(of(types), [ReceiptMismatch::Type], "{types:?}");
    }
}

#[test]
fn a_receipt_for_all_types_refuses_types_that_browsers_read_as_another() {
    let receipt = Receipt { types: Vec::new(), ..receipt() };
    let check = |content_type| {
        let key = "photos/照片.png";
        receipt.mismatches(&StoredObject { bucket: "examplebucket", key, size: 1, content_type })
    };
    assert_eq!(check("text/html"), []);
    for bad in ["text/plain;,text/html", "text/plain, text/html", "text", ""] {
        assert_eq!(check(bad), [ReceiptMismatch::Type], "{bad}");
    }
}

#[test]
fn a_stored_type_is_reported_in_its_canonical_form() {
    for (stored, reported) in [
        ("Image/PNG", "image/png"),
        ("text/plain;charset=UTF-8", "text/plain; charset=utf-8"),
        ("image/png;,text/html", "image/png;,text/html"),
    ] {
        assert_eq!(canonical_type(stored.to_owned()), reported);
    }
}

fn any_receipt() -> impl Strategy<Value = Receipt> {
    let text = || "(?s).{0,24}";
    let scope =
        prop_oneof![text().prop_map(ReceiptScope::Key), text().prop_map(ReceiptScope::Prefix)];
    let texts = (text(), text(), scope, collection::vec(text(), 0..4), option::of(text()));
    let numbers = (any::<[u8; 16]>(), any::<u64>(), any::<u64>(), any::<i64>(), any::<i64>());
    let more = (option::of(text()), any::<bool>());
    (texts, numbers, more).prop_map(|((route, bucket, scope, types, subject), numbers, more)| {
        let (variables_hash, once) = more;
        let (bytes, min_size, max_size, issued_at, expires_at) = numbers;
        let id = receipt_id(&bytes);
        Receipt {
            id,
            route,
            bucket,
            scope,
            min_size,
            max_size,
            types,
            subject,
            issued_at,
            expires_at,
            variables_hash,
            once,
        }
    })
}

proptest! {
    #[test]
    fn a_signed_receipt_verifies(receipt in any_receipt()) {
        let text = receipt.sign(&Secret::new(KEY));
        prop_assert_eq!(Receipt::verify(&text, &keys()), Ok(receipt));
    }

    #[test]
    fn a_receipt_with_a_changed_byte_is_refused(receipt in any_receipt(), at: prop::sample::Index, byte: u8) {
        let mut bytes = receipt.sign(&Secret::new(KEY)).into_bytes();
        let at = at.index(bytes.len());
        prop_assume!(bytes[at] != byte);
        bytes[at] = byte;
        if let Ok(text) = String::from_utf8(bytes) {
            prop_assert!(Receipt::verify(&text, &keys()).is_err());
        }
    }

    #[test]
    fn verifying_any_text_never_panics(text in "(?s).{0,64}|r1\\.[\\w.-]{0,64}", payload: Vec<u8>) {
        prop_assert!(Receipt::verify(&text, &keys()).is_err());
        let _ = Receipt::verify(&signed_payload(&payload), &keys());
    }
}
