//! `receipt verify` accepts receipts of the function and rejects everything else.

use insta::assert_snapshot;
use oss_upload_signer::callback::receipt::{Receipt, ReceiptScope, variables_hash};
use oss_upload_signer::secret::Secret;

use crate::callback_grant::KEY;
use crate::support::tool::Tool;

const VERIFY: [&str; 2] = ["receipt", "verify"];

fn tool() -> Tool {
    Tool::new().with("UPLOAD_RECEIPT_KEYS", &format!("the next key of 32 bytes and more, {KEY}"))
}

fn receipt(scope: ReceiptScope) -> String {
    let receipt = Receipt {
        id: "000102030405060708090a0b0c0d0e0f".to_owned(),
        route: "photos".to_owned(),
        bucket: "examplebucket".to_owned(),
        min_size: 1,
        max_size: 1024,
        types: vec!["image/*".to_owned()],
        subject: Some("alice".to_owned()),
        issued_at: 1_732_687_781,
        expires_at: 1_732_688_381,
        variables_hash: Some(variables_hash(&[("album".to_owned(), "夏".to_owned())])),
        once: matches!(&scope, ReceiptScope::Key(_)),
        scope,
    };
    receipt.sign(&Secret::new(KEY))
}

#[tokio::test]
async fn a_receipt_is_printed_as_lines_and_as_json() {
    let named = receipt(ReceiptScope::Key("photos/照片.png".to_owned()));
    let said = tool().run_with(&VERIFY, &format!("{named}\n")).await.good();
    assert_snapshot!(said, @"
    receipt  000102030405060708090a0b0c0d0e0f
    route    photos
    bucket   examplebucket
    key      photos/照片.png
    size     1 to 1024 bytes
    type     image/*
    for      alice
    granted  2024-11-27T06:09:41Z
    until    2024-11-27T06:19:41Z, expired
    vars     HbqcgNVOL1UHm0IZv6IsS8toww6B653uQv0Fo9HZdys
    events   one event
    ");
    let below = receipt(ReceiptScope::Prefix("photos/".to_owned()));
    let json = tool().run(&["receipt", "verify", &below, "--json"]).await.good();
    assert_snapshot!(json, @r#"{"bucket":"examplebucket","exp":1732688381,"iat":1732687781,"id":"000102030405060708090a0b0c0d0e0f","max":1024,"min":1,"once":false,"prefix":"photos/","route":"photos","sub":"alice","types":["image/*"],"vars":"HbqcgNVOL1UHm0IZv6IsS8toww6B653uQv0Fo9HZdys"}"#);
    assert_eq!(tool().run_with(&["receipt", "verify", "-", "--json"], &below).await.good(), json);
}

#[tokio::test]
async fn an_invalid_receipt_gives_exit_code_one() {
    let good = receipt(ReceiptScope::Key("a".to_owned()));
    let mut said = Vec::new();
    for (key, text) in [
        (KEY, "hello"),
        (KEY, ""),
        (KEY, good.replacen("r1.e", "r1.f", 1).as_str()),
        ("some other key of 32 bytes and more", good.as_str()),
    ] {
        let tool = Tool::new().with("UPLOAD_RECEIPT_KEYS", key);
        let outcome = tool.run_with(&VERIFY, text).await;
        assert_eq!((outcome.code, outcome.out.as_str()), (1, ""));
        said.push(outcome.err);
    }
    assert_snapshot!(said.concat(), @"
    oss-upload: this is no receipt: one begins with 'r1.' and comes whole, in one line; compare it with what was sent
    oss-upload: this is no receipt: one begins with 'r1.' and comes whole, in one line; compare it with what was sent
    oss-upload: none of the keys signed it: it was changed on the way, or UPLOAD_RECEIPT_KEYS is not what the function has
    oss-upload: none of the keys signed it: it was changed on the way, or UPLOAD_RECEIPT_KEYS is not what the function has
    ");
}

#[tokio::test]
async fn without_a_key_no_receipt_is_verified() {
    let said = [
        Tool::new().run(&VERIFY).await,
        Tool::new().with("UPLOAD_RECEIPT_KEYS", "short").run(&VERIFY).await,
        tool().run(&["receipt"]).await,
    ];
    let [missing, short, bare] = said;
    assert!(bare.code == 0 || bare.code == 2);
    assert_snapshot!([missing.complaint(), short.complaint()].join("\n"), @"
    oss-upload: there is no key to verify with; set UPLOAD_RECEIPT_KEYS to what the function has
    oss-upload: UPLOAD_RECEIPT_KEYS: each key has at least 32 bytes. Example: UPLOAD_RECEIPT_KEYS=$(openssl rand -base64 32)
    ");
}

#[tokio::test]
async fn every_command_that_signs_adds_the_callback_of_the_route() {
    let file = "bucket = \"a-bucket\"\nregion = \"cn-hangzhou\"\npublic_url = \"https://sign.example\"\n\
                [routes.photos]\ndir = \"photos/\"\ncallback.to = \"self\"\ncallback.variables.from = \"tool\"\n";
    let with = |tool: Tool| {
        tool.write("upload.toml", file);
        tool
    };
    let tool = with(tool());
    let sign = ["sign", "--route", "photos", "--filename", "a.png", "--dialect", "fields"];
    let json: serde_json::Value = serde_json::from_str(&tool.run(&sign).await.good()).unwrap();
    assert_eq!(json["fields"]["x:from"], "tool");
    let keys = [Secret::new("the next key of 32 bytes and more")];
    let open = |text: &str| Receipt::verify(text, &keys).unwrap();
    let signed = open(json["fields"]["x:receipt"].as_str().unwrap());
    assert_eq!(signed.scope, ReceiptScope::Key("photos/a.png".to_owned()));
    tool.run(&["form", "--route", "photos", "--out", "form.html"]).await.good();
    let page = tool.read("form.html");
    let value =
        page.split("name=\"x:receipt\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    assert_eq!(open(value).scope, ReceiptScope::Prefix("photos/".to_owned()));
    assert!(page.contains("name=\"callback\""), "{page}");
    // Without a receipt key or the function's address, no form of the route is signed.
    let keyless = with(Tool::new()).run(&sign).await.complaint();
    tool.write("upload.toml", file.replace("public_url = \"https://sign.example\"\n", ""));
    let nowhere = tool.run(&sign).await.complaint();
    assert_snapshot!([keyless, nowhere].join("\n"), @r#"
    oss-upload: route "photos" has a callback, which brings a receipt back; set UPLOAD_RECEIPT_KEYS to what the function has
    oss-upload: route "photos" has OSS call the function, and nothing here says where that is; set PUBLIC_URL
    "#);
}

#[tokio::test]
async fn a_callback_is_explained_and_checked() {
    let tool = tool().with("UPLOAD_WEBHOOK_SECRET", &format!("whsec_{}", "mine".repeat(8)));
    tool.write(
        "upload.toml",
        "bucket = \"a-bucket\"\nregion = \"cn-hangzhou\"\nauth = \"anonymous\"\npublic_url = \"https://sign.example\"\n\
         [routes.mine]\ncallback.to = \"self\"\ncallback.notify = \"https://back.example/uploaded\"\ncallback.variables.by = \"{sub}\"\n\
         [routes.theirs]\ncallback.to = [\"https://a.example/x\", \"https://b.example/y\"]\ncallback.host = \"c.example\"\n",
    );
    let said = tool.run(&["check"]).await.good();
    let lines = said.lines().filter(|line| {
        ["calls", "tells", "sets", "set        callback", "page", "warning"]
            .iter()
            .any(|label| line.trim().starts_with(label))
    });
    assert_snapshot!(lines.collect::<Vec<_>>().join("\n"), @"
      calls      the function itself, at https://sign.example/callback/mine
      tells      bucket=${bucket}&object=${object}&etag=${etag}&size=${size}&mimeType=${mimeType}&imageInfo.width=${imageInfo.width}&imageInfo.height=${imageInfo.height}&imageInfo.format=${imageInfo.format}&x:by=${x:by}&receipt=${x:receipt} (application/x-www-form-urlencoded)
      sets       x:by to {sub}
      set        callback.to = self (upload.toml line 6)
      set        callback.notify = https://back.example/uploaded (upload.toml line 7)
      page       the documentation's page is served as it is
      calls      https://a.example/x, else https://b.example/y, under the name c.example
      tells      bucket=${bucket}&object=${object}&etag=${etag}&size=${size}&mimeType=${mimeType}&imageInfo.width=${imageInfo.width}&imageInfo.height=${imageInfo.height}&imageInfo.format=${imageInfo.format}&receipt=${x:receipt} (application/x-www-form-urlencoded)
      set        callback.to = https://a.example/x, https://b.example/y (upload.toml line 10)
      set        callback.host = c.example (upload.toml line 11)
      page       the documentation's page is served as it is
    warning: auth is 'anonymous': whoever reaches this address may upload within the routes' limits
    warning: route 'mine' uses attributes of the caller in its keys, file names or callback, and its auth admits callers without credentials: their requests are refused with caller_unknown
    ");
    let form = tool.run(&["sign", "--route", "theirs", "--filename", "a.png"]).await.good();
    let form: serde_json::Value = serde_json::from_str(&form).unwrap();
    let fields = form["uploads"][0]["fields"].as_object().unwrap();
    let form: Vec<_> =
        fields.iter().map(|(name, value)| format!("{name}={}", value.as_str().unwrap())).collect();
    for language in ["en", "zh"] {
        let said = tool.run_with(&["explain", "--lang", language], &form.join("\n")).await.good();
        let told = said
            .lines()
            .filter(|line| line.contains("allback") || line.contains("OSS") || line.contains("${"));
        insta::allow_duplicates! {
            let told = told.collect::<Vec<_>>().join("\n");
            assert!(told.contains("https://a.example/x") && told.contains("c.example"), "{said}");
        }
    }
    let said = tool.run_with(&["explain"], &form.join("\n")).await.good();
    let said: Vec<_> =
        said.lines().filter(|line| line.contains("callback") || line.contains("tored")).collect();
    assert_snapshot!(said.join("\n"), @"
      callback is the one that was granted
    When the file is stored, OSS calls https://a.example/x, else https://b.example/y, under the name c.example.
    ");
}
