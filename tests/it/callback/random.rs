//! Whatever a stranger sends: an answer out of the closed list, and no panic.

use bytes::Bytes;
use http::{HeaderValue, Request};
use oss_upload_signer::callback::event::UploadEvent;
use oss_upload_signer::callback::public_keys::PublicKeys;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::callback::fixture::{CallbackFixture, KEY_URL, UnsignedCallback};
use crate::callback::openssl;

/// Bytes, or pieces of what would be right.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let unsigned = UnsignedCallback::new("default");
    let right = [
        unsigned.body(),
        unsigned.clone().in_json().body(),
        "size=".to_owned(),
        "&receipt=r1.".to_owned(),
        "{\"receipt\":\"r1.e30.AAAA\"".to_owned(),
        openssl::base64(KEY_URL),
        "%".to_owned(),
        "application/json".to_owned(),
        "application/x-www-form-urlencoded".to_owned(),
    ];
    let piece = prop_oneof![
        2 => vec(any::<u8>(), 0..20),
        3 => select(right.to_vec()).prop_map(String::into_bytes),
    ];
    vec(piece, 0..4).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn any_call_is_answered(headers in [pieces(), pieces(), pieces()], body in pieces()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let fixture = CallbackFixture::new();
        let mut request = Request::post("/callback/default").body(Bytes::from(body)).unwrap();
        let names = ["authorization", "x-oss-pub-key-url", "content-type"];
        for (name, value) in names.into_iter().zip(headers) {
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                request.headers_mut().insert(name, value);
            }
        }
        let answer = runtime.block_on(fixture.function.call(request));
        prop_assert!([400, 403].contains(&answer.status.as_u16()), "{}", answer.whole());
        prop_assert_eq!(fixture.outside.back_end.calls(), 0);
    }

    #[test]
    fn any_body_is_read_or_refused(kind in select(vec!["application/json", "application/x-www-form-urlencoded"]), body in pieces()) {
        let mut headers = http::HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static(kind));
        let _ = UploadEvent::read(&headers, &body);
    }

    /// Whatever is believed is one of two hosts, without port, user, query or a way up.
    #[test]
    fn an_address_that_is_believed_is_oss(rest in "[a-z/.:@?#%\\\\ -]{0,30}|callback_pub_key_v[0-9+a./]{0,3}\\.pem.?", cut in 0..64_usize) {
        let start = "https://gosspublic.alicdn.com/";
        let text = format!("{}{rest}", &start[..cut.min(start.len())]);
        if let Some(uri) = PublicKeys::new(Vec::new()).parse_url(&text) {
            prop_assert_eq!(uri.authority().unwrap().as_str(), "gosspublic.alicdn.com");
            prop_assert_eq!(uri.scheme_str(), Some("https"));
            prop_assert_eq!(uri.query(), None);
            let version = uri.path().strip_prefix("/callback_pub_key_v").and_then(|rest| rest.strip_suffix(".pem"));
            prop_assert!(version.is_some_and(|version| version.bytes().all(|byte| byte.is_ascii_digit())), "{uri}");
            prop_assert_eq!(uri.to_string(), text);
        }
    }
}
