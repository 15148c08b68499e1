//! Where a key may be, and what it may be.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use insta::assert_snapshot;
use oss_upload_signer::callback::receipt::{Receipt, ReceiptScope};
use oss_upload_signer::net::SendError;

use crate::callback::fixture::{CallbackFixture, KEY_URL, RECEIPT_KEY, UnsignedCallback, receipt};
use crate::callback::openssl;
use crate::callback::openssl::Pair;
use crate::support::script::ScriptedResponse;

const INVALID: &str = "callback_signature_invalid";
const UNAVAILABLE: &str = "callback_key_unavailable";

fn from(key_url: &str) -> UnsignedCallback {
    UnsignedCallback { key_url: key_url.to_owned(), ..UnsignedCallback::new("default") }
}

#[tokio::test]
async fn keys_are_fetched_over_https_and_kept_whatever_the_call_says() {
    let fixture = CallbackFixture::new();
    for url in [
        KEY_URL,
        "https://gosspublic.alicdn.com/callback_pub_key_v1.pem",
        "https://gosspublic.alicdn.com/callback_pub_key_v2.pem",
        "http://gosspublic.alicdn.com/callback_pub_key_v99.pem",
    ] {
        assert_eq!(fixture.code(&from(url)).await, "", "{url}");
    }
    assert_eq!(
        fixture.outside.oss.urls(),
        [
            "https://gosspublic.alicdn.com/callback_pub_key_v1.pem",
            "https://gosspublic.alicdn.com/callback_pub_key_v2.pem",
            "https://gosspublic.alicdn.com/callback_pub_key_v99.pem",
        ]
    );
}

/// Addresses that look like OSS's, or are not even that.
const OTHERS: [&str; 60] = [
    "",
    "gosspublic.alicdn.com/callback_pub_key_v1.pem",
    "//gosspublic.alicdn.com/callback_pub_key_v1.pem",
    "ftp://gosspublic.alicdn.com/callback_pub_key_v1.pem",
    "HTTP://gosspublic.alicdn.com/callback_pub_key_v1.pem",
    "https:/gosspublic.alicdn.com/callback_pub_key_v1.pem",
    "https:\\\\gosspublic.alicdn.com\\callback_pub_key_v1.pem",
    " https://gosspublic.alicdn.com/callback_pub_key_v1.pem",
    "https://gosspublic.alicdn.com",
    "https://gosspublic.alicdn.com/",
    "https://GOSSPUBLIC.alicdn.com/callback_pub_key_v1.pem",
    "https://gosspublic.alicdn.com./callback_pub_key_v1.pem",
    "https://gosspublic.alicdn.com:443/callback_pub_key_v1.pem",
    "https://gosspublic.alicdn.com:80@evil.example/callback_pub_key_v1.pem",
    "https://gosspublic.alicdn.com@evil.example/callback_pub_key_v1.pem",
    "https://user@gosspublic.alicdn.com/callback_pub_key_v1.pem",
    "https://user:password@gosspublic.alicdn.com/callback_pub_key_v1.pem",
    "https://gosspublic.alicdn.com.evil.example/callback_pub_key_v1.pem",
    "https://gosspublic.alicdn.comevil.example/callback_pub_key_v1.pem",
    "https://evil-gosspublic.alicdn.com/callback_pub_key_v1.pem",
    "https://evil.example/https://gosspublic.alicdn.com/callback_pub_key_v1.pem",
    "https://evil.example/?https://gosspublic.alicdn.com/callback_pub_key_v1.pem",
    "https://evil.example#https://gosspublic.alicdn.com/callback_pub_key_v1.pem",
    "https://gosspublic.аlicdn.com/callback_pub_key_v1.pem",
    "https://gosspublic。alicdn.com/callback_pub_key_v1.pem",
    "https://127.0.0.1/callback_pub_key_v1.pem",
    "http://169.254.169.254/latest/callback_pub_key_v1.pem",
    "https://gosspublic.alicdn.com/../callback_pub_key_v1.pem",
    "https://gosspublic.alicdn.com/a/../../callback_pub_key_v1.pem",
    "https://gosspublic.alicdn.com/./callback_pub_key_v1.pem",
    "https://gosspublic.alicdn.com/callback_pub_key_v1.pem/..",
    "https://gosspublic.alicdn.com/.../callback_pub_key_v1.pem",
    "https://gosspublic.alicdn.com//callback_pub_key_v1.pem",
    "https://gosspublic.alicdn.com//evil.example/callback_pub_key_v1.pem",
    "https://gosspublic.alicdn.com/\\evil.example/callback_pub_key_v1.pem",
    "https://gosspublic.alicdn.com/%2e%2e/callback_pub_key_v1.pem",
    "https://gosspublic.alicdn.com/%2fevil.example/callback_pub_key_v1.pem",
    "https://gosspublic.alicdn.com/%5ccallback_pub_key_v1.pem",
    "https://gosspublic.alicdn.com/callback_pub_key_v1.pem?",
    "https://gosspublic.alicdn.com/callback_pub_key_v1.pem?redirect=https://evil.example/",
    "https://gosspublic.alicdn.com/callback_pub_key_v1.pem#a",
    "https://gosspublic.alicdn.com/callback_pub_key_v1.pem\n",
    "https://gosspublic.alicdn.com/callback_pub_key_v1.pem\0",
    "https://gosspublic.alicdn.com/callback_pub_key_v１.pem",
    "https://gosspublic.alicdn.com/key.pem",
    "https://gosspublic.alicdn.com/callback_pub_key.pem",
    "https://gosspublic.alicdn.com/callback_pub_key_v.pem",
    "https://gosspublic.alicdn.com/callback_pub_key_v0.pem",
    "https://gosspublic.alicdn.com/callback_pub_key_v01.pem",
    "https://gosspublic.alicdn.com/callback_pub_key_v100.pem",
    "https://gosspublic.alicdn.com/callback_pub_key_v257.pem",
    "https://gosspublic.alicdn.com/callback_pub_key_v+1.pem",
    "https://gosspublic.alicdn.com/callback_pub_key_v-1.pem",
    "https://gosspublic.alicdn.com/callback_pub_key_v1.1.pem",
    "https://gosspublic.alicdn.com/callback_pub_key_v1a.pem",
    "https://gosspublic.alicdn.com/callback_pub_key_v1.pem.pem",
    "https://gosspublic.alicdn.com/callback_pub_key_v1.PEM",
    "https://gosspublic.alicdn.com/Callback_pub_key_v1.pem",
    "https://gosspublic.alicdn.com/a_callback_pub_key_v1.pem",
    "https://gosspublic.alicdn.com/keys/callback_pub_key_v1.pem",
];

#[tokio::test]
async fn no_other_address_is_ever_called() {
    let fixture = CallbackFixture::new();
    let long = format!("https://gosspublic.alicdn.com/callback_pub_key_v{}.pem", "1".repeat(4096));
    for url in OTHERS.into_iter().chain([&*long]) {
        assert_eq!(fixture.code(&from(url)).await, INVALID, "{url:?}");
    }
    let mut request = UnsignedCallback::new("default").request();
    request.headers_mut().insert("x-oss-pub-key-url", KEY_URL.parse().unwrap());
    assert_eq!(fixture.function.call(request).await.code(), INVALID, "no base64");
    let mut request = UnsignedCallback::new("default").request();
    let no_text = [KEY_URL.as_bytes(), b"\xff"].concat();
    let no_text = openssl::base64(no_text).parse().unwrap();
    request.headers_mut().insert("x-oss-pub-key-url", no_text);
    assert_eq!(fixture.function.call(request).await.code(), INVALID, "no text");
    assert_eq!(fixture.outside.oss.calls(), 0);
}

#[tokio::test]
async fn a_local_cloud_names_its_own_address_and_then_no_other_counts() {
    let local = "http://127.0.0.1:9100/keys/";
    let fixture = CallbackFixture::with(0, |options| options.key_urls = vec![local.to_owned()]);
    let own = "http://127.0.0.1:9100/keys/callback_pub_key_v1.pem";
    assert_eq!(fixture.code(&from(own)).await, "");
    assert_eq!(fixture.outside.oss.urls(), [own]);
    for url in [
        KEY_URL,
        "https://127.0.0.1:9100/keys/callback_pub_key_v1.pem",
        "http://127.0.0.1:9100/callback_pub_key_v1.pem",
        "http://127.0.0.1:9100/keys/a/callback_pub_key_v1.pem",
        "http://127.0.0.1:9100/keys/uploaded.pem",
    ] {
        assert_eq!(fixture.code(&from(url)).await, INVALID, "{url}");
    }
    let open = |options: &mut oss_upload_signer::callback::Options| {
        options.key_urls = vec!["http://127.0.0.1".to_owned()];
    };
    let url = "http://127.0.0.1.evil.example/callback_pub_key_v1.pem";
    assert_eq!(
        CallbackFixture::with(0, open).code(&from(url)).await,
        INVALID,
        "no slash, no address"
    );
}

#[tokio::test]
async fn what_is_no_key_is_a_failure_and_a_redirect_is_not_followed() {
    let good = openssl::oss().public.clone();
    let curve = Pair::new(&["genpkey", "-algorithm", "ed25519", "-out", "KEY"]);
    let cube = Pair::new(&["genrsa", "-3", "-out", "KEY", "512"]);
    let elsewhere = [("location", KEY_URL)];
    for line in [
        ScriptedResponse::answer(302, &elsewhere, good.clone()),
        ScriptedResponse::answer(301, &elsewhere, ""),
        ScriptedResponse::answer(404, &[], good.clone()),
        ScriptedResponse::answer(206, &[], good.clone()),
        ScriptedResponse::answer(200, &[], ""),
        ScriptedResponse::answer(200, &[], "<html></html>"),
        ScriptedResponse::answer(200, &[], b"\xff".to_vec()),
        ScriptedResponse::answer(200, &[], format!("{good}{good}")),
        ScriptedResponse::answer(200, &[], good[..100].to_owned()),
        ScriptedResponse::answer(200, &[], good.replacen("MF", "MG", 1)),
        ScriptedResponse::answer(200, &[], curve.public.clone()),
        ScriptedResponse::answer(200, &[], cube.public.clone()),
        ScriptedResponse::answer(200, &[], format!("{good}{}", " ".repeat(8192))),
        ScriptedResponse::Error(SendError::Unreachable("refused".into())),
        ScriptedResponse::Error(SendError::TooLong),
    ] {
        let fixture = CallbackFixture::new();
        fixture.outside.oss.says(line.clone());
        assert_eq!(fixture.code(&UnsignedCallback::new("default")).await, UNAVAILABLE, "{line:?}");
        assert_eq!(fixture.outside.oss.calls(), 1);
    }
}

#[tokio::test]
async fn a_key_that_is_too_short_is_none() {
    // OpenSSL makes none below 512 bits, so this one is written by hand: 504 bits.
    let numbers = [&[0x30, 0x44, 0x02, 0x3f][..], &[0x7f; 63], &[0x02, 0x01, 0x03]].concat();
    let numbers = [&numbers[..], &[]].concat();
    let bits = [&[0x03, u8::try_from(numbers.len() + 1).unwrap(), 0][..], &numbers].concat();
    let name =
        [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];
    let inside = [&name[..], &bits].concat();
    let der = [&[0x30, u8::try_from(inside.len()).unwrap()][..], &inside].concat();
    let pem =
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", openssl::base64(der));
    let fixture = CallbackFixture::new();
    fixture.outside.oss.answers(200, pem);
    assert_eq!(fixture.code(&UnsignedCallback::new("default")).await, UNAVAILABLE);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_does_not_come_leaves_oss_its_time() {
    let fixture = CallbackFixture::new();
    for line in [ScriptedResponse::Timeout, ScriptedResponse::Forever] {
        let (fixture, start) = (CallbackFixture::new(), tokio::time::Instant::now());
        fixture.outside.oss.says(line);
        let answer = fixture.deliver(&UnsignedCallback::new("default")).await;
        assert_eq!(answer.code(), UNAVAILABLE);
        assert!(start.elapsed() <= Duration::from_secs(4), "{:?}", start.elapsed());
    }
    fixture.outside.oss.says(ScriptedResponse::Timeout);
    assert_snapshot!(fixture.deliver(&UnsignedCallback::new("default")).await.whole(), @r#"
    503 Service Unavailable
    cache-control: no-store
    content-length: 148
    content-type: application/json
    retry-after: 5
    x-content-type-options: nosniff

    {"error":"callback_key_unavailable","message":"The public key of OSS cannot be fetched. Let the function reach the internet.","request_id":"1-test"}
    "#);
}

#[tokio::test]
async fn a_failure_is_remembered_for_a_moment() {
    let fixture = CallbackFixture::new();
    fixture.outside.oss.answers(500, "");
    for _ in 0..3 {
        assert_eq!(fixture.code(&UnsignedCallback::new("default")).await, UNAVAILABLE);
    }
    assert_eq!(fixture.outside.oss.calls(), 1);
}

#[tokio::test]
async fn a_thousand_callbacks_at_once_fetch_the_key_once() {
    let fixture = Arc::new(CallbackFixture::new());
    fixture.outside.oss.takes(Duration::from_millis(1));
    let request = UnsignedCallback::new("default").request();
    let callers: Vec<_> = (0..1000)
        .map(|_| {
            let (fixture, request) = (Arc::clone(&fixture), request.clone());
            tokio::spawn(async move { fixture.function.call(request).await.status })
        })
        .collect();
    for caller in callers {
        assert_eq!(caller.await.unwrap(), 200);
    }
    assert_eq!(fixture.outside.oss.calls(), 1);
}

#[tokio::test]
async fn a_signature_that_does_not_hold_asks_for_the_key_anew_but_not_at_once() {
    let fixture = CallbackFixture::new();
    let unsigned = UnsignedCallback::new("default");
    let forged = || unsigned.with(&openssl::base64([7; 64]), unsigned.body());
    for _ in 0..3 {
        assert_eq!(fixture.function.call(forged()).await.code(), INVALID);
    }
    assert_eq!(fixture.code(&unsigned).await, "");
    assert_eq!(fixture.outside.oss.calls(), 1);
}

/// An address of which nobody knows whether OSS has a key there; `number` counts them.
fn invented(number: usize) -> String {
    match number % 4 {
        0 => format!("https://gosspublic.alicdn.com/{number}.pem"),
        1 => format!("https://gosspublic.alicdn.com/callback_pub_key_v{}.pem", 100 + number),
        2 => format!("https://gosspublic.alicdn.com/{number}/callback_pub_key_v1.pem"),
        _ => format!("https://gosspublic.alicdn.com/callback_pub_key_v{}.pem", 2 + number % 98),
    }
}

/// Calls with one receipt and so many invented addresses. No signature of OSS is needed for that.
async fn flood(fixture: &Arc<CallbackFixture>, numbers: Range<usize>) {
    let unsigned = UnsignedCallback::new("notified");
    let calls: Vec<_> = numbers
        .map(|number| {
            let from = UnsignedCallback { key_url: invented(number), ..unsigned.clone() };
            let (fixture, request) = (Arc::clone(fixture), from.with("AAAA", from.body()));
            tokio::spawn(async move { fixture.function.call(request).await.code() })
        })
        .collect();
    for call in calls {
        let code = call.await.unwrap();
        assert!(code == INVALID || code == UNAVAILABLE, "{code}");
    }
}

/// The attack that kept OSS's key out of a fresh instance, so that no back end was notified of any upload.
#[tokio::test(start_paused = true)]
async fn fifty_invented_addresses_a_second_delay_no_genuine_callback() {
    let documented = "https://gosspublic.alicdn.com/callback_pub_key_v1.pem";
    for line in [ScriptedResponse::answer(404, &[], ""), ScriptedResponse::Timeout] {
        let fixture = Arc::new(CallbackFixture::new());
        fixture.outside.oss.says_except_at(documented, line.clone());
        let attack = {
            let fixture = Arc::clone(&fixture);
            tokio::spawn(async move {
                let mut floods = Vec::new();
                for second in 0..8 {
                    let fixture = Arc::clone(&fixture);
                    let numbers = second * 50..(second + 1) * 50;
                    floods.push(tokio::spawn(async move { flood(&fixture, numbers).await }));
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
                for flood in floods {
                    flood.await.unwrap();
                }
            })
        };
        // The instance is fresh, and the attack is there first.
        tokio::time::sleep(Duration::from_millis(100)).await;
        let scope = ReceiptScope::Prefix("photos/".to_owned());
        let genuine = UnsignedCallback::of("notified", &Receipt { scope, ..receipt("notified") });
        for number in 0..8 {
            let genuine = genuine.clone().but("object", Some(&format!("photos/{number}")));
            let answer = fixture.deliver(&genuine).await;
            assert_eq!(answer.status, 200, "{number} {line:?} {}", answer.whole());
            tokio::time::sleep(Duration::from_secs(1)).await;
            fixture.wait(1);
        }
        attack.await.unwrap();
        assert_eq!(fixture.outside.back_end.calls(), 8, "each genuine upload is notified");
    }
}

#[tokio::test]
async fn a_key_of_another_version_is_found_in_the_middle_of_the_attack() {
    let fixture = Arc::new(CallbackFixture::new());
    let next = "https://gosspublic.alicdn.com/callback_pub_key_v2.pem";
    fixture.outside.oss.says_except_at(next, ScriptedResponse::answer(404, &[], ""));
    flood(&fixture, 0..200).await;
    fixture.wait(5);
    flood(&fixture, 200..300).await;
    let calls = fixture.outside.oss.calls();
    assert_eq!(fixture.code(&from(next)).await, "");
    assert!(fixture.outside.oss.calls() <= calls + 1);
}

#[tokio::test]
async fn addresses_without_end_are_not_called_without_end() {
    let fixture = Arc::new(CallbackFixture::new());
    assert_eq!(fixture.code(&UnsignedCallback::new("default")).await, "");
    fixture.outside.oss.answers(404, "");
    flood(&fixture, 0..2000).await;
    let urls = fixture.outside.oss.urls();
    let is_documented = |url: &&String| {
        let version = url
            .strip_prefix("https://gosspublic.alicdn.com/callback_pub_key_v")
            .and_then(|rest| rest.strip_suffix(".pem"));
        version.is_some_and(|version| version.parse().is_ok_and(|number: u8| number <= 99))
    };
    assert_eq!(urls.iter().find(|url| !is_documented(url)), None);
    let mut once = urls.clone();
    once.sort();
    once.dedup();
    assert_eq!(urls.len(), once.len(), "no address is asked again within five seconds");
    assert!(urls.len() <= 99, "{}", urls.len());
    assert_eq!(
        fixture.code(&UnsignedCallback::new("default")).await,
        "",
        "the key that is kept stays"
    );
}

/// Whatever can be judged without the network is.
#[tokio::test]
async fn no_key_is_fetched_for_a_callback_of_another_object() {
    let unsigned = UnsignedCallback::new("default");
    for (fixture, unsigned) in [
        (CallbackFixture::new(), unsigned.clone().but("object", Some("photos/other.png"))),
        (CallbackFixture::new(), unsigned.clone().but("bucket", Some("otherbucket"))),
        (CallbackFixture::new(), unsigned.clone().but("receipt", None)),
        (CallbackFixture::new(), unsigned.clone().but("size", Some("many"))),
        (CallbackFixture::new(), UnsignedCallback::of("default", &receipt("notified"))),
        (CallbackFixture::at(600 + 24 * 3600 + 1), unsigned.clone()),
    ] {
        assert_ne!(fixture.code(&unsigned).await, "");
        assert_eq!(fixture.outside.oss.calls(), 0, "{:?}", unsigned.members);
    }
}

#[tokio::test]
async fn a_key_is_kept_for_half_a_day_and_outlives_an_outage() {
    const HOUR: i64 = 3600;
    let fixture = CallbackFixture::new();
    let unsigned = UnsignedCallback::new("default");
    assert_eq!(fixture.code(&unsigned).await, "");
    fixture.wait(12 * HOUR - 1);
    assert_eq!(fixture.code(&unsigned).await, "");
    assert_eq!(fixture.outside.oss.calls(), 1);
    fixture.outside.oss.answers(500, "");
    fixture.wait(1);
    assert_eq!(fixture.code(&unsigned).await, "", "the old key, while there is no new one");
    assert_eq!(fixture.code(&unsigned).await, "");
    assert_eq!(fixture.outside.oss.calls(), 2, "and nobody asks again at once");
    fixture.wait(12 * HOUR);
    assert_eq!(fixture.code(&unsigned).await, UNAVAILABLE);
    fixture.outside.oss.answers(200, openssl::oss().public.clone());
    fixture.wait(5);
    assert_eq!(fixture.code(&unsigned).await, "");
}

#[tokio::test]
async fn a_key_that_was_changed_is_fetched_at_its_first_signature() {
    let (fixture, next) = (CallbackFixture::new(), Pair::rsa(1024));
    let unsigned = UnsignedCallback::new("default");
    assert_eq!(fixture.code(&unsigned).await, "");
    fixture.outside.oss.answers(200, next.public.clone());
    fixture.wait(30);
    assert_eq!(fixture.function.call(unsigned.signed_by(&next)).await.code(), "");
    assert_eq!(fixture.code(&unsigned).await, INVALID, "the old one is gone");
    assert_eq!(fixture.outside.oss.calls(), 2);
}

/// Who holds none cannot even do that.
#[tokio::test]
async fn strangers_cannot_make_us_call_out() {
    let fixture = CallbackFixture::new();
    let stranger = receipt("default")
        .sign(&oss_upload_signer::secret::Secret::new("a key that nobody here has ever heard of"));
    for receipt in ["", "r1.e30.AAAA", &stranger, RECEIPT_KEY] {
        let unsigned = UnsignedCallback::new("default").but("receipt", Some(receipt));
        assert_eq!(fixture.code(&unsigned).await, "receipt_invalid", "{receipt}");
    }
    assert_eq!(fixture.outside.oss.calls(), 0);
}
