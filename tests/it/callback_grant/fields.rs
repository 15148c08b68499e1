//! The fields: in every dialect, pinned one by one, and in the body where a form carries no others.

use bytes::Bytes;
use fc_http::Event;
use http::Request;
use insta::{assert_debug_snapshot, assert_snapshot};
use oss_upload_signer::callback::receipt::ReceiptScope;
use oss_upload_signer::config::Settings;
use oss_upload_signer::config::environment::Environment;
use oss_upload_signer::secret::Secret;
use oss_upload_signer::time::Timestamp;
use serde_json::Value;

use crate::callback_grant::{KEY, PUBLIC, function, granted, opened, order};
use crate::support::app::{Function, NOW, SMALL, context};
use crate::support::ticket::ticket_of;

const SELF: &str = "callback.to = \"self\"\ncallback.variables.album = \"夏 {yyyy}\"\n";

const WISH: &str =
    r#"{"route":"photos","files":[{"name":"a.png","type":"image/png","size":1024}]}"#;

#[tokio::test]
async fn everything_is_pinned() {
    let answer = function(&[PUBLIC], SELF).post("/uploads", WISH).await;
    let fields = granted(&answer);
    assert_eq!(fields["x:album"], "夏 2024");
    assert_snapshot!(serde_json::to_string_pretty(&order(&fields["callback"])).unwrap(), @r#"
    {
      "callbackBody": "bucket=${bucket}&object=${object}&etag=${etag}&size=${size}&mimeType=${mimeType}&imageInfo.width=${imageInfo.width}&imageInfo.height=${imageInfo.height}&imageInfo.format=${imageInfo.format}&x:album=${x:album}&receipt=${x:receipt}",
      "callbackBodyType": "application/x-www-form-urlencoded",
      "callbackSNI": true,
      "callbackUrl": "https://sign.example/callback/photos"
    }
    "#);
    let policy: Value = serde_json::from_str(&answer.policies()[0]).unwrap();
    let conditions = policy["conditions"].as_array().unwrap();
    for name in ["callback", "x:album", "x:receipt"] {
        let pinned: Vec<_> = conditions.iter().filter(|one| one.get(name).is_some()).collect();
        assert_eq!(pinned, [&serde_json::json!({ name: fields[name] })], "{name}");
    }
    let names: Vec<_> = fields.as_object().unwrap().keys().collect();
    assert_debug_snapshot!(names, @r#"
    [
        "callback",
        "key",
        "policy",
        "success_action_status",
        "x-oss-content-type",
        "x-oss-credential",
        "x-oss-date",
        "x-oss-forbid-overwrite",
        "x-oss-security-token",
        "x-oss-signature",
        "x-oss-signature-version",
        "x:album",
        "x:receipt",
    ]
    "#);
}

#[tokio::test]
async fn the_receipt_is_of_this_grant() {
    let function = function(&[PUBLIC], SELF);
    let fields = granted(&function.post("/uploads", WISH).await);
    let receipt = opened(&fields["x:receipt"]);
    assert_eq!(receipt.scope, ReceiptScope::Key(fields["key"].as_str().unwrap().to_owned()));
    assert_eq!((receipt.min_size, receipt.max_size), (1024, 1024));
    assert_eq!(receipt.types, ["image/png"]);
    assert_eq!((receipt.route.as_str(), receipt.bucket.as_str()), ("photos", "examplebucket"));
    assert_eq!((receipt.issued_at, receipt.expires_at), (NOW, NOW + 600));
    assert_eq!((receipt.subject.as_deref(), receipt.id.len()), (None, 32));
    let bare = r#"{"route":"photos","files":[{}]}"#;
    let receipt = opened(&granted(&function.post("/uploads", bare).await)["x:receipt"]);
    assert_eq!((receipt.min_size, receipt.max_size), (1, 100 << 20));
    assert_eq!(receipt.types, ["application/octet-stream"]);
    let typed = WISH.replace("image/png", "Text/Plain; charset=utf-8");
    let receipt = opened(&granted(&function.post("/uploads", &typed).await)["x:receipt"]);
    assert_eq!(receipt.types, ["text/plain"]);
}

#[tokio::test]
async fn the_receipt_holds_the_variables_that_the_form_carries() {
    let function = function(&[PUBLIC], SELF);
    let album = [("album".to_owned(), "夏 2024".to_owned())];
    let receipt = opened(&granted(&function.post("/uploads", WISH).await)["x:receipt"]);
    assert!(receipt.has_variables(&album), "{receipt:?}");
    let answer = function.ask("?route=photos", &[]).await.json();
    let body = order(&answer["callback"])["callbackBody"].as_str().unwrap().to_owned();
    let receipt = opened(&body.split_once("&receipt=").unwrap().1.into());
    assert!(receipt.has_variables(&album), "{receipt:?}");
    let none = crate::callback_grant::function(&[PUBLIC], "callback.to = \"self\"\n");
    let receipt = opened(&granted(&none.post("/uploads", WISH).await)["x:receipt"]);
    assert!(receipt.has_variables(&[]), "{receipt:?}");
}

/// Only where no second upload can lie under the key is every callback with this receipt the same event.
#[tokio::test]
async fn a_receipt_stands_for_one_upload_where_the_key_is_its_own_and_stays() {
    for (more, once) in [
        ("", true),
        ("overwrite = true\n", false),
        ("key = \"{uuid}.{ext}\"\n", true),
        ("key = \"{name}\"\n", false),
    ] {
        let file = format!("{more}{SELF}");
        let function = function(&[PUBLIC], &file);
        let receipt = opened(&granted(&function.post("/uploads", WISH).await)["x:receipt"]);
        assert_eq!(receipt.once, once, "{more}");
        let path = "?route=photos&filename=a.png&type=image/png";
        let answer = function.ask(path, &[]).await.json();
        let body = order(&answer["callback"])["callbackBody"].as_str().unwrap().to_owned();
        let receipt = opened(&body.split_once("&receipt=").unwrap().1.into());
        assert!(matches!(receipt.scope, ReceiptScope::Key(_)));
        assert!(!receipt.once, "the documented form can replace its object: {more}");
    }
}

#[tokio::test]
async fn the_first_key_signs_and_nobody_else_changes() {
    let keys = format!("another key of 32 bytes and more, {KEY}");
    let fields = granted(
        &function(&[PUBLIC, ("UPLOAD_RECEIPT_KEYS", &keys)], SELF).post("/uploads", WISH).await,
    );
    let keys = [Secret::new("another key of 32 bytes and more")];
    let receipt = fields["x:receipt"].as_str().unwrap();
    assert!(oss_upload_signer::callback::receipt::Receipt::verify(receipt, &keys).is_ok());
    let without = function(&[], "").post("/uploads", WISH).await.whole();
    assert!(!without.contains("callback") && !without.contains("receipt"), "{without}");
}

#[tokio::test]
async fn who_asked_stands_in_the_receipt_and_in_the_variables() {
    let file = "auth = \"ticket\"\ncallback.to = \"self\"\ncallback.variables.by = \"{sub}\"\n";
    let function = function(&[PUBLIC, ("UPLOAD_TICKET_KEYS", KEY)], file);
    let ask = async |subject: &str| {
        let ticket = ticket_of(subject, NOW + 600);
        let request = Request::post("/uploads")
            .header("x-upload-ticket", ticket.sign(&Secret::new(KEY)))
            .body(Bytes::from_static(WISH.as_bytes()));
        function.call(request.unwrap()).await
    };
    let fields = granted(&ask("爱丽丝").await);
    assert_eq!(fields["x:by"], "爱丽丝");
    assert_eq!(opened(&fields["x:receipt"]).subject.as_deref(), Some("爱丽丝"));
    for bad in ["${object}", "a\nb", &"a".repeat(129)] {
        let answer = ask(bad).await.json();
        assert_eq!(answer["uploads"][0]["error"]["error"], "caller_unusable", "{bad:?}");
    }
}

#[tokio::test]
async fn a_name_that_no_receipt_can_hold_is_refused() {
    let file = "auth = \"ticket\"\ncallback.to = \"https://back.example/\"\n";
    let function = function(&[("UPLOAD_TICKET_KEYS", KEY)], file);
    for (bytes, refused) in [(255, false), (256, true)] {
        let ticket = ticket_of(&"a".repeat(bytes), NOW + 600);
        let request = Request::post("/uploads")
            .header("x-upload-ticket", ticket.sign(&Secret::new(KEY)))
            .body(Bytes::from_static(WISH.as_bytes()));
        let answer = function.call(request.unwrap()).await.json();
        let error = &answer["uploads"][0]["error"]["error"];
        assert_eq!(error == "caller_unusable", refused, "{answer}");
    }
}

#[tokio::test]
async fn the_documented_answer_carries_it_whole() {
    let function = function(&[PUBLIC], SELF);
    let answer = function.ask("?route=photos", &[]).await;
    let json = answer.json();
    let order = order(&json["callback"]);
    let body = order["callbackBody"].as_str().unwrap();
    let (before, receipt) = body.split_once("&receipt=").unwrap();
    assert_snapshot!(before, @"bucket=${bucket}&object=${object}&etag=${etag}&size=${size}&mimeType=${mimeType}&imageInfo.width=${imageInfo.width}&imageInfo.height=${imageInfo.height}&imageInfo.format=${imageInfo.format}&x:album=%E5%A4%8F%202024");
    let receipt = opened(&receipt.into());
    assert_eq!(receipt.scope, ReceiptScope::Prefix(json["dir"].as_str().unwrap().to_owned()));
    assert!(receipt.types.is_empty());
    let policy = &answer.policies()[0];
    assert!(policy.contains(&format!(r#"{{"callback":{}}}"#, json["callback"])), "{policy}");
    assert!(!policy.contains("x:"), "the page posts no such field: {policy}");
}

#[tokio::test]
async fn json_and_texts_of_ones_own_are_filled_in_too() {
    let file = "callback.to = [\"https://a.example/x\", \"http://b.example:8080/y\"]\ncallback.host = \"c.example\"\n\
                callback.body_type = \"json\"\ncallback.variables.album = '\"{yyyy}\" €'\n\
                callback.body = '{\"album\":${x:album},\"key\":${object},\"proof\":${x:receipt}}'\n";
    let function = function(&[], file);
    let fields = granted(&function.post("/uploads", WISH).await);
    assert_snapshot!(serde_json::to_string_pretty(&order(&fields["callback"])).unwrap(), @r#"
    {
      "callbackBody": "{\"album\":${x:album},\"key\":${object},\"proof\":${x:receipt}}",
      "callbackBodyType": "application/json",
      "callbackHost": "c.example",
      "callbackSNI": true,
      "callbackUrl": "https://a.example/x;http://b.example:8080/y"
    }
    "#);
    let page = order(&function.ask("?route=photos", &[]).await.json()["callback"]);
    let body = page["callbackBody"].as_str().unwrap().replace("${object}", "\"k\"");
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["album"], "\"2024\" €");
    opened(&body["proof"]);
}

#[tokio::test]
async fn the_v1_answer_carries_it_too() {
    let file = format!("signature = \"v1\"\n{SELF}");
    let answer = function(&[PUBLIC], &file).ask("?route=photos", &[]).await.json();
    assert_eq!(order(&answer["callback"])["callbackUrl"], "https://sign.example/callback/photos");
    let nobody = function(&[], "signature = \"v1\"\n").ask("?route=photos", &[]).await.json();
    assert_eq!(nobody["callback"], "");
}

#[tokio::test]
async fn a_page_whose_field_would_grow_too_long_is_sent_to_the_native_call() {
    let variable = |name: &str| format!("callback.variables.{name} = \"{}\"\n", "图".repeat(160));
    let file = ["a", "b", "c", "d"].map(variable).concat();
    let function = function(&[PUBLIC], &format!("callback.to = \"self\"\n{file}"));
    granted(&function.post("/uploads", WISH).await);
    let answer = function.ask("?route=photos", &[]).await;
    assert_eq!(answer.code(), "native_call_required");
    assert!(answer.json()["message"].as_str().unwrap().contains(": callback."));
}

#[tokio::test]
async fn every_other_dialect_carries_every_field() {
    let function = function(&[PUBLIC], SELF);
    for (path, place) in [
        ("/presigned-post/photos?filename=a.png", "/fields"),
        ("/uppy/photos/s3/params?filename=a.png&type=image/png", "/fields"),
        ("/uview/photos?filename=a.png", "/data/params"),
        ("/wechat/photos?filename=a.png", "/formData"),
    ] {
        let answer = function.get(path).await;
        let json = answer.json();
        let fields = json.pointer(place).unwrap();
        opened(&fields["x:receipt"]);
        assert_eq!(
            order(&fields["callback"])["callbackUrl"],
            "https://sign.example/callback/photos"
        );
        assert!(answer.policies()[0].contains(r#"{"x:album":"夏 2024"}"#), "{path}");
    }
}

#[tokio::test]
async fn the_function_is_called_under_the_platforms_name_and_no_other() {
    let platform = [
        ("FC_FUNCTION_NAME", "signer"),
        ("FC_REGION", "cn-hangzhou"),
        ("UPLOAD_CREDENTIALS", "environment"),
    ];
    let function = function(&platform, SELF);
    let ask = async |host: Option<&str>| {
        let mut request = Request::post("/uploads");
        if let Some(host) = host {
            request = request.header("host", host);
        }
        function.call(request.body(Bytes::from_static(WISH.as_bytes())).unwrap()).await
    };
    let host = "signer-abc.cn-hangzhou.fcapp.run";
    let url = order(&granted(&ask(Some(host)).await)["callback"])["callbackUrl"].clone();
    assert_eq!(url, format!("https://{host}/callback/photos"));
    for bad in [
        None,
        Some("evil.com"),
        Some("sign.example:8443"),
        Some("signer-abc.cn-hangzhou-vpc.fcapp.run"),
        Some("signer-abc.cn-beijing.fcapp.run"),
        Some("signer-abc.cn-hangzhou.fcapp.run:8443"),
        Some("signer-abc.cn-hangzhou.fcapp.run.evil.example"),
        Some("127.0.0.1:9000"),
        Some("u@evil.example"),
        Some("a/b"),
        Some("a;https://b"),
        Some("[::1]"),
        Some(""),
    ] {
        let answer = ask(bad).await;
        assert_eq!(
            (answer.status.as_u16(), answer.code().as_str()),
            (421, "callback_address_unknown"),
            "{bad:?}"
        );
        assert!(!answer.whole().contains("callbackUrl"), "{bad:?}");
    }
    assert_snapshot!(ask(None).await.whole(), @r#"
    421 Misdirected Request
    cache-control: no-store
    content-length: 247
    content-type: application/json
    vary: Origin
    x-content-type-options: nosniff

    {"error":"callback_address_unknown","message":"OSS is to call this function, and this call was not made under a name that Function Compute gives to functions. Set PUBLIC_URL to the address at which OSS reaches the function.","request_id":"1-test"}
    "#);
}

#[test]
fn without_an_address_the_start_warns() {
    let load = |variables: &[(&str, &str)]| {
        let mut environment = Environment::default();
        let platform = [("FC_FUNCTION_NAME", "signer"), ("UPLOAD_RECEIPT_KEYS", KEY)];
        for (name, value) in SMALL.iter().chain(&platform).chain(variables) {
            environment.set(name, *value);
        }
        let file = format!("auth = \"anonymous\"\n[routes.photos]\n{SELF}[routes.quiet]\n");
        let now = Timestamp::from_unix(NOW).unwrap();
        let warnings = Settings::load(&environment, Some(&file), now).unwrap().warnings();
        warnings.into_iter().filter(|one| one.contains("PUBLIC_URL")).collect::<Vec<_>>()
    };
    assert_eq!(load(&[PUBLIC]), Vec::<String>::new());
    assert_snapshot!(load(&[]).join("\n"), @"PUBLIC_URL is not set, and OSS is to call this function (callback.to is 'self', route 'photos'): it is called under the fcapp.run name of each call, and calls under any other name, such as your own domain, are refused with callback_address_unknown; set PUBLIC_URL");
}

#[tokio::test]
async fn an_event_names_no_host() {
    let event = async |function: &Function| {
        let mut request = Request::post("/invoke").header("host", "127.0.0.1:9000");
        request.extensions_mut().unwrap().insert(context(Event::Invoke));
        function.call(request.body(Bytes::from_static(WISH.as_bytes())).unwrap()).await
    };
    let platform = [("FC_FUNCTION_NAME", "signer"), ("UPLOAD_CREDENTIALS", "environment")];
    assert_eq!(event(&function(&platform, SELF)).await.code(), "callback_address_unknown");
    granted(&event(&function(&[PUBLIC], SELF)).await);
}

#[tokio::test]
async fn a_page_can_know_that_a_route_has_a_callback() {
    let file = format!("{SELF}[routes.quiet]\n");
    let function = function(&[PUBLIC], &file);
    for (name, has_callback) in [("photos", true), ("quiet", false)] {
        let answer = function.get(&format!("/routes/{name}")).await.json();
        assert_eq!(answer["callback"], has_callback);
    }
}
