//! Where a key may be, and what it may be.

use std::sync::Arc;
use std::time::Duration;

use insta::assert_snapshot;
use oss_upload_signer::net::SendError;

use crate::callback::openssl;
use crate::callback::openssl::Pair;
use crate::callback::stage::KEY_URL;
use crate::callback::stage::RECEIPT_KEY;
use crate::callback::stage::Stage;
use crate::callback::stage::Told;
use crate::support::script::Line;

const INVALID: &str = "callback_signature_invalid";
const UNAVAILABLE: &str = "callback_key_unavailable";

fn from(key_url: &str) -> Told {
    Told { key_url: key_url.to_owned(), ..Told::new("default") }
}

#[tokio::test]
async fn keys_are_fetched_over_https_and_kept_whatever_the_call_says() {
    let stage = Stage::new();
    for url in [
        KEY_URL,
        "https://gosspublic.alicdn.com/callback_pub_key_v1.pem",
        "https://gosspublic.alicdn.com/keys/2030/callback_pub_key_v2.pem",
        "http://gosspublic.alicdn.com/a..b/~c.pem",
    ] {
        assert_eq!(stage.code(&from(url)).await, "", "{url}");
    }
    assert_eq!(
        stage.outside.oss.urls(),
        [
            "https://gosspublic.alicdn.com/callback_pub_key_v1.pem",
            "https://gosspublic.alicdn.com/keys/2030/callback_pub_key_v2.pem",
            "https://gosspublic.alicdn.com/a..b/~c.pem",
        ]
    );
}

/// Addresses that look like OSS's, or are not even that.
const OTHERS: [&str; 44] = [
    "",
    "gosspublic.alicdn.com/key.pem",
    "//gosspublic.alicdn.com/key.pem",
    "ftp://gosspublic.alicdn.com/key.pem",
    "HTTP://gosspublic.alicdn.com/key.pem",
    "https:/gosspublic.alicdn.com/key.pem",
    "https:\\\\gosspublic.alicdn.com\\key.pem",
    " https://gosspublic.alicdn.com/key.pem",
    "https://gosspublic.alicdn.com",
    "https://gosspublic.alicdn.com/",
    "https://GOSSPUBLIC.alicdn.com/key.pem",
    "https://gosspublic.alicdn.com./key.pem",
    "https://gosspublic.alicdn.com:443/key.pem",
    "https://gosspublic.alicdn.com:80@evil.example/key.pem",
    "https://gosspublic.alicdn.com@evil.example/key.pem",
    "https://user@gosspublic.alicdn.com/key.pem",
    "https://user:password@gosspublic.alicdn.com/key.pem",
    "https://gosspublic.alicdn.com.evil.example/key.pem",
    "https://gosspublic.alicdn.comevil.example/key.pem",
    "https://evil-gosspublic.alicdn.com/key.pem",
    "https://evil.example/https://gosspublic.alicdn.com/key.pem",
    "https://evil.example/?https://gosspublic.alicdn.com/key.pem",
    "https://evil.example#https://gosspublic.alicdn.com/key.pem",
    "https://gosspublic.аlicdn.com/key.pem",
    "https://gosspublic。alicdn.com/key.pem",
    "https://127.0.0.1/key.pem",
    "http://169.254.169.254/latest/key.pem",
    "https://gosspublic.alicdn.com/../key.pem",
    "https://gosspublic.alicdn.com/a/../../key.pem",
    "https://gosspublic.alicdn.com/./key.pem",
    "https://gosspublic.alicdn.com/a/..",
    "https://gosspublic.alicdn.com/.../key.pem",
    "https://gosspublic.alicdn.com//key.pem",
    "https://gosspublic.alicdn.com//evil.example/key.pem",
    "https://gosspublic.alicdn.com/\\evil.example/key.pem",
    "https://gosspublic.alicdn.com/%2e%2e/key.pem",
    "https://gosspublic.alicdn.com/%2fevil.example/key.pem",
    "https://gosspublic.alicdn.com/a%5ckey.pem",
    "https://gosspublic.alicdn.com/key.pem?",
    "https://gosspublic.alicdn.com/key.pem?redirect=https://evil.example/",
    "https://gosspublic.alicdn.com/key.pem#a",
    "https://gosspublic.alicdn.com/key.pem\n",
    "https://gosspublic.alicdn.com/key.pem\0",
    "https://gosspublic.alicdn.com/ключ.pem",
];

#[tokio::test]
async fn no_other_address_is_ever_called() {
    let stage = Stage::new();
    let longest = format!("https://gosspublic.alicdn.com/{}", "a".repeat(226));
    assert_eq!(stage.code(&from(&longest)).await, "", "256 bytes");
    for url in OTHERS.into_iter().chain([&*format!("{longest}a")]) {
        assert_eq!(stage.code(&from(url)).await, INVALID, "{url:?}");
    }
    let mut request = Told::new("default").request();
    request.headers_mut().insert("x-oss-pub-key-url", KEY_URL.parse().unwrap());
    assert_eq!(stage.function.call(request).await.code(), INVALID, "no base64");
    let mut request = Told::new("default").request();
    let no_text = openssl::base64(b"https://gosspublic.alicdn.com/\xff").parse().unwrap();
    request.headers_mut().insert("x-oss-pub-key-url", no_text);
    assert_eq!(stage.function.call(request).await.code(), INVALID, "no text");
    assert_eq!(stage.outside.oss.calls(), 1, "the longest");
}

#[tokio::test]
async fn a_local_cloud_names_its_own_address_and_then_no_other_counts() {
    let local = "http://127.0.0.1:9100/keys/";
    let stage = Stage::with(0, |options| options.key_urls = vec![local.to_owned()]);
    assert_eq!(stage.code(&from("http://127.0.0.1:9100/keys/callback.pem")).await, "");
    assert_eq!(stage.outside.oss.urls(), ["http://127.0.0.1:9100/keys/callback.pem"]);
    for url in [KEY_URL, "https://127.0.0.1:9100/keys/a", "http://127.0.0.1:9100/a"] {
        assert_eq!(stage.code(&from(url)).await, INVALID, "{url}");
    }
    let open = |options: &mut oss_upload_signer::callback::Options| {
        options.key_urls = vec!["http://127.0.0.1".to_owned()];
    };
    let url = "http://127.0.0.1.evil.example/a";
    assert_eq!(Stage::with(0, open).code(&from(url)).await, INVALID, "no slash, no address");
}

#[tokio::test]
async fn what_is_no_key_is_a_failure_and_a_redirect_is_not_followed() {
    let good = openssl::oss().public.clone();
    let curve = Pair::new(&["genpkey", "-algorithm", "ed25519", "-out", "KEY"]);
    let cube = Pair::new(&["genrsa", "-3", "-out", "KEY", "512"]);
    let elsewhere = [("location", KEY_URL)];
    for line in [
        Line::answer(302, &elsewhere, good.clone()),
        Line::answer(301, &elsewhere, ""),
        Line::answer(404, &[], good.clone()),
        Line::answer(206, &[], good.clone()),
        Line::answer(200, &[], ""),
        Line::answer(200, &[], "<html></html>"),
        Line::answer(200, &[], b"\xff".to_vec()),
        Line::answer(200, &[], format!("{good}{good}")),
        Line::answer(200, &[], good[..100].to_owned()),
        Line::answer(200, &[], good.replacen("MF", "MG", 1)),
        Line::answer(200, &[], curve.public.clone()),
        Line::answer(200, &[], cube.public.clone()),
        Line::answer(200, &[], format!("{good}{}", " ".repeat(8192))),
        Line::Error(SendError::Unreachable("refused".into())),
        Line::Error(SendError::TooLong),
    ] {
        let stage = Stage::new();
        stage.outside.oss.says(line.clone());
        assert_eq!(stage.code(&Told::new("default")).await, UNAVAILABLE, "{line:?}");
        assert_eq!(stage.outside.oss.calls(), 1);
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
    let stage = Stage::new();
    stage.outside.oss.answers(200, pem);
    assert_eq!(stage.code(&Told::new("default")).await, UNAVAILABLE);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_does_not_come_leaves_oss_its_time() {
    let stage = Stage::new();
    for line in [Line::Silence, Line::Forever] {
        let (stage, start) = (Stage::new(), tokio::time::Instant::now());
        stage.outside.oss.says(line);
        let answer = stage.tell(&Told::new("default")).await;
        assert_eq!(answer.code(), UNAVAILABLE);
        assert!(start.elapsed() <= Duration::from_secs(4), "{:?}", start.elapsed());
    }
    stage.outside.oss.says(Line::Silence);
    assert_snapshot!(stage.tell(&Told::new("default")).await.whole(), @r#"
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
    let stage = Stage::new();
    stage.outside.oss.answers(500, "");
    for _ in 0..3 {
        assert_eq!(stage.code(&Told::new("default")).await, UNAVAILABLE);
    }
    assert_eq!(stage.outside.oss.calls(), 1);
}

#[tokio::test]
async fn a_thousand_callbacks_at_once_fetch_the_key_once() {
    let stage = Arc::new(Stage::new());
    stage.outside.oss.takes(Duration::from_millis(1));
    let request = Told::new("default").request();
    let callers: Vec<_> = (0..1000)
        .map(|_| {
            let (stage, request) = (Arc::clone(&stage), request.clone());
            tokio::spawn(async move { stage.function.call(request).await.status })
        })
        .collect();
    for caller in callers {
        assert_eq!(caller.await.unwrap(), 200);
    }
    assert_eq!(stage.outside.oss.calls(), 1);
}

#[tokio::test]
async fn a_signature_that_does_not_hold_asks_for_the_key_anew_but_not_at_once() {
    let stage = Stage::new();
    let told = Told::new("default");
    let forged = || told.with(&openssl::base64([7; 64]), told.body());
    for _ in 0..3 {
        assert_eq!(stage.function.call(forged()).await.code(), INVALID);
    }
    assert_eq!(stage.code(&told).await, "");
    assert_eq!(stage.outside.oss.calls(), 1);
}

/// Who holds a receipt can name addresses; only so many of them are called.
#[tokio::test]
async fn addresses_without_end_are_not_called_without_end() {
    let stage = Stage::new();
    assert_eq!(stage.code(&Told::new("default")).await, "");
    stage.outside.oss.answers(404, "");
    for number in 0..50 {
        let told = from(&format!("https://gosspublic.alicdn.com/{number}.pem"));
        assert_eq!(stage.code(&told).await, UNAVAILABLE);
    }
    assert_eq!(stage.outside.oss.calls(), 8);
    assert_eq!(stage.code(&Told::new("default")).await, "", "the key that is kept stays");
    stage.wait(5);
    stage.outside.oss.answers(200, openssl::oss().public.clone());
    let later = from("https://gosspublic.alicdn.com/50.pem");
    assert_eq!(stage.code(&later).await, "", "those that failed make room");
    assert_eq!(stage.outside.oss.calls(), 9);
}

#[tokio::test]
async fn a_key_is_kept_for_half_a_day_and_outlives_an_outage() {
    const HOUR: i64 = 3600;
    let stage = Stage::new();
    let told = Told::new("default");
    assert_eq!(stage.code(&told).await, "");
    stage.wait(12 * HOUR - 1);
    assert_eq!(stage.code(&told).await, "");
    assert_eq!(stage.outside.oss.calls(), 1);
    stage.outside.oss.answers(500, "");
    stage.wait(1);
    assert_eq!(stage.code(&told).await, "", "the old key, while there is no new one");
    assert_eq!(stage.code(&told).await, "");
    assert_eq!(stage.outside.oss.calls(), 2, "and nobody asks again at once");
    stage.wait(12 * HOUR);
    assert_eq!(stage.code(&told).await, UNAVAILABLE);
    stage.outside.oss.answers(200, openssl::oss().public.clone());
    stage.wait(5);
    assert_eq!(stage.code(&told).await, "");
}

#[tokio::test]
async fn a_key_that_was_changed_is_fetched_at_its_first_signature() {
    let (stage, next) = (Stage::new(), Pair::rsa(1024));
    let told = Told::new("default");
    assert_eq!(stage.code(&told).await, "");
    stage.outside.oss.answers(200, next.public.clone());
    stage.wait(30);
    assert_eq!(stage.function.call(told.signed_by(&next)).await.code(), "");
    assert_eq!(stage.code(&told).await, INVALID, "the old one is gone");
    assert_eq!(stage.outside.oss.calls(), 2);
}

/// Who holds none cannot even do that.
#[tokio::test]
async fn strangers_cannot_make_us_call_out() {
    let stage = Stage::new();
    let stranger = crate::callback::stage::receipt("default")
        .seal(&oss_upload_signer::secret::Secret::new("a key that nobody here has ever heard of"));
    for receipt in ["", "r1.e30.AAAA", &stranger, RECEIPT_KEY] {
        let told = Told::new("default").but("receipt", Some(receipt));
        assert_eq!(stage.code(&told).await, "receipt_invalid", "{receipt}");
    }
    assert_eq!(stage.outside.oss.calls(), 0);
}
