//! OSS's signature, tampered with in every part.

use http::{HeaderValue, Request};
use insta::assert_snapshot;

use crate::callback::fixture::{CallbackFixture, UnsignedCallback};
use crate::callback::openssl;
use crate::callback::openssl::Pair;

const INVALID: &str = "callback_signature_invalid";

#[tokio::test]
async fn what_oss_signs_is_believed_and_answered() {
    let fixture = CallbackFixture::new();
    assert_snapshot!(fixture.deliver(&UnsignedCallback::new("default")).await.whole(), @r#"
    200 OK
    cache-control: no-store
    content-length: 251
    content-type: application/json
    x-content-type-options: nosniff

    {"bucket":"examplebucket","etag":"D41D8CD98F00B204E9800998ECF8427E","image":{"format":"png","height":480,"width":640},"key":"photos/夏 1.png","receipt_id":"0123456789abcdef0123456789abcdef","size":512,"type":"image/png","variables":{"album":"a & b"}}
    "#);
    let [asked] = &fixture.outside.oss.sent()[..] else { panic!("one key") };
    assert_eq!(asked.request.uri(), "https://gosspublic.alicdn.com/callback_pub_key_v1.pem");
    assert_eq!(fixture.outside.back_end.calls(), 0);
}

#[tokio::test]
async fn no_origin_is_checked_and_no_page_learns_anything() {
    let fixture = CallbackFixture::new();
    let mut request = UnsignedCallback::new("default").request();
    request.headers_mut().insert("origin", HeaderValue::from_static("https://evil.example"));
    let answer = fixture.function.call(request).await;
    assert_eq!(answer.status, 200);
    assert!(!answer.headers.keys().any(|name| name.as_str().starts_with("access-control")));
}

#[tokio::test]
async fn path_and_query_are_signed_as_oss_reads_them() {
    let fixture = CallbackFixture::new();
    for address in ["/callback/d%65fault", "/callback/default?", "/callback/default?a=%20b&c=+"] {
        let unsigned =
            UnsignedCallback { address: address.to_owned(), ..UnsignedCallback::new("default") };
        assert_eq!(fixture.deliver(&unsigned).await.status, 200, "{address}");
    }
}

#[tokio::test]
async fn a_key_of_any_usual_size_verifies() {
    for bits in [512, 1024, 2048, 4096] {
        let (fixture, pair) = (CallbackFixture::new(), Pair::rsa(bits));
        fixture.outside.oss.answers(200, pair.public.clone());
        let answer = fixture.function.call(UnsignedCallback::new("default").signed_by(&pair)).await;
        assert_eq!(answer.status, 200, "{bits}");
    }
}

/// Sends what was signed, changed in one place.
async fn changed(change: impl FnOnce(&mut Request<bytes::Bytes>)) -> String {
    let mut unsigned = UnsignedCallback::new("default");
    unsigned.address.push_str("?a=1");
    let mut request = unsigned.request();
    change(&mut request);
    CallbackFixture::new().function.call(request).await.code()
}

#[tokio::test]
async fn whatever_is_changed_afterwards_is_refused() {
    let to = |address: &'static str| {
        move |request: &mut Request<_>| *request.uri_mut() = address.parse().unwrap()
    };
    assert_eq!(changed(|_| {}).await, "", "as it was signed");
    // The receipt is of another route, which is known before OSS's key is fetched.
    assert_eq!(changed(to("/callback/notified?a=1")).await, "receipt_mismatch");
    for address in [
        "/callback/d%65fault?a=1&",
        "/callback/default",
        "/callback/default?",
        "/callback/default?a=2",
        "/callback/default?a=%31",
    ] {
        assert_eq!(changed(to(address)).await, INVALID, "{address}");
    }
    let text = UnsignedCallback::new("default").body();
    for (from, to) in [("=512", "=513"), ("640", "641"), ("a+%26+b", "a%20%26+b"), ("=png", "=gif")]
    {
        let body = text.replacen(from, to, 1);
        assert_ne!(body, text);
        assert_eq!(changed(|request| *request.body_mut() = body.into()).await, INVALID, "{to}");
    }
    let longer = format!("{text}&a=b");
    assert_eq!(changed(|request| *request.body_mut() = longer.into()).await, INVALID);
}

#[tokio::test]
async fn a_header_that_is_no_signature_is_refused() {
    let unsigned = UnsignedCallback::new("default");
    let body = unsigned.body();
    let good = openssl::oss().sign(&unsigned.signed(&body));
    let mut flipped = good.clone();
    flipped[20] ^= 1;
    let zeros = vec![0; good.len()];
    let mut one = zeros.clone();
    one[good.len() - 1] = 1;
    let [short, long] = [good[1..].to_vec(), [&[0][..], &good].concat()];
    let bytes = [flipped, short, long, zeros, one, vec![0xff; good.len()], Vec::new()];
    let texts = bytes.map(openssl::base64).into_iter().chain([
        openssl::base64(&good).trim_end_matches('=').to_owned(),
        format!(" {}x", openssl::base64(&good)),
        format!("Bearer {}", openssl::base64(&good)),
        "?".to_owned(),
    ]);
    for text in texts {
        let fixture = CallbackFixture::new();
        let answer = fixture.function.call(unsigned.with(&text, body.clone())).await;
        assert_eq!(answer.code(), INVALID, "{text}");
    }
    let fixture = CallbackFixture::new();
    for name in ["authorization", "x-oss-pub-key-url"] {
        let mut request = unsigned.request();
        let value = request.headers_mut().remove(name).unwrap();
        assert_eq!(fixture.function.call(request).await.code(), INVALID, "no {name}");
        let mut request = unsigned.request();
        request.headers_mut().append(name, value);
        assert_eq!(fixture.function.call(request).await.code(), INVALID, "two of {name}");
    }
    assert_eq!(fixture.outside.oss.calls(), 0);
}

#[tokio::test]
async fn another_key_and_another_hash_are_refused() {
    let fixture = CallbackFixture::new();
    let unsigned = UnsignedCallback::new("default");
    let other = fixture.function.call(unsigned.signed_by(&Pair::rsa(512))).await;
    assert_eq!(other.code(), INVALID);
    let body = unsigned.body();
    for hash in ["-sha1", "-sha256"] {
        let signature = openssl::oss().sign_with(hash, &unsigned.signed(&body));
        let request = unsigned.with(&openssl::base64(signature), body.clone());
        assert_eq!(fixture.function.call(request).await.code(), INVALID, "{hash}");
    }
}

/// What stands before an MD5 hash in a block.
const INFO: [u8; 18] = [
    0x30, 0x20, 0x30, 0x0c, 0x06, 0x08, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x05, 0x05, 0x00,
    0x04, 0x10,
];

/// Blocks that a verifier takes which parses the padding instead of comparing it.
#[tokio::test]
async fn a_block_that_is_padded_otherwise_is_refused() {
    let unsigned = UnsignedCallback::new("default");
    let body = unsigned.body();
    let pair = openssl::oss();
    let hash = md5(&unsigned.signed(&body));
    let block = |ones: usize, info: &[u8], rest: usize| {
        [&[0, 1], &vec![0xff; ones][..], &[0], info, &hash, &vec![0; rest]].concat()
    };
    let mut with_null_left_out = INFO[..].to_vec();
    with_null_left_out.drain(14..16);
    with_null_left_out[1] -= 2;
    with_null_left_out[3] -= 2;
    let as_encryption = [&[0, 2][..], &block(27, &INFO, 0)[2..]].concat();
    let with_a_hole = {
        let mut block = block(27, &INFO, 0);
        block[10] = 0xfe;
        block
    };
    let sound = block(27, &INFO, 0);
    for (block, code) in [
        (sound, ""),
        (block(8, &INFO, 19), INVALID),
        (block(26, &INFO, 1), INVALID),
        (block(29, &with_null_left_out, 0), INVALID),
        (block(45, &[], 0), INVALID),
        (as_encryption, INVALID),
        (with_a_hole, INVALID),
    ] {
        assert_eq!(block.len(), 64);
        let request = unsigned.with(&openssl::base64(pair.raw(&block)), body.clone());
        assert_eq!(
            CallbackFixture::new().function.call(request).await.code(),
            code,
            "{block:02x?}"
        );
    }
}

fn md5(message: &[u8]) -> Vec<u8> {
    use md5::Digest;
    md5::Md5::digest(message).to_vec()
}

#[tokio::test]
async fn who_is_refused_hears_why_and_so_does_the_operator() {
    let fixture = CallbackFixture::new();
    let unsigned = UnsignedCallback::new("default");
    let request = unsigned.with("AAAA", unsigned.body());
    let (answer, log) = fixture.logged(&request).await;
    assert_snapshot!(answer.whole(), @r#"
    403 Forbidden
    cache-control: no-store
    content-length: 185
    content-type: application/json
    x-content-type-options: nosniff

    {"error":"callback_signature_invalid","message":"OSS has not signed this call as it stands. Have nothing between OSS and the function change path, query or body.","request_id":"1-test"}
    "#);
    let events = log.events("WARN");
    assert_eq!(events.len(), 1, "{}", log.text());
    assert_eq!(events[0]["message"], "callback refused: the signature does not fit the key");
    assert_eq!(events[0]["code"], INVALID);
    assert_eq!(events[0]["request_id"], "1-test");
}
