//! Every kind of upload works with the role that `setup` has made, and the policy allows no more.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response};
use oss_upload_signer::net::{HttpClient, RequestLimits, ReqwestClient};
use serde_json::{Value, json};

use super::fixture::{Cloud, PAGE, ROLE};

const SETTINGS: &str = "[routes.video]\ndir = \"video/{uuid}/\"\nmultipart.enabled = true\n\
                        download.enabled = true\n[routes.small]\ndir = \"small/{uuid}/\"\n";

const VARIABLES: [(&str, &str); 3] = [
    ("UPLOAD_AUTH", "anonymous"),
    ("UPLOAD_ORIGINS", PAGE),
    ("UPLOAD_TOKEN_KEYS", "an example key of more than 32 bytes"),
];

async fn send(method: Method, url: &str, headers: &[(&str, &str)], body: &str) -> Response<Bytes> {
    let mut request = Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Bytes::copy_from_slice(body.as_bytes())).unwrap();
    let timeout = Duration::from_secs(20);
    let limits = RequestLimits { timeout, max_body: 1 << 20, use_proxy: false };
    ReqwestClient::new(None).send(request, limits).await.unwrap()
}

/// Calls the function with JSON.
async fn call(signer: &str, path: &str, body: &Value) -> Value {
    let json = [("content-type", "application/json")];
    let url = format!("{signer}{path}");
    let response = send(Method::POST, &url, &json, &body.to_string()).await;
    assert_eq!(response.status(), 200, "{path}: {:?}", response.body());
    serde_json::from_slice(response.body()).unwrap()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    assert!(value[name].is_string(), "{name} of {value}");
    value[name].as_str().unwrap()
}

/// Opens a cloud, sets it up, and starts a function with a key of the role.
async fn deployed() -> (Cloud, crate::support::server::Server, String) {
    let cloud = Cloud::open().await;
    cloud.tool.write("upload.toml", SETTINGS);
    let tool = cloud.setup(&["--yes"]).await;
    assert_eq!(tool.code, 0, "{tool:?}");
    let key = cloud.sts.lend(ROLE, "fc.aliyuncs.com").unwrap();
    let (function, signer) = cloud.signer(key, &VARIABLES, Some(SETTINGS)).await;
    (cloud, function, signer)
}

#[tokio::test]
async fn a_file_of_each_kind_is_uploaded_and_read_after_setup() {
    let (cloud, _function, signer) = deployed().await;
    for route in ["video", "small"] {
        let arguments = ["doctor", "--signer", &signer, "--origin", PAGE, "--route", route];
        let doctor = cloud.tool.run(&arguments).await;
        assert_eq!(doctor.code, 0, "{doctor:?}");
        assert!(doctor.out.contains("ok    stored"), "{}", doctor.out);
    }
    let file = json!({"name": "a.txt", "type": "text/plain", "size": 4});

    let wanted = json!({"route": "small", "method": "PUT", "files": [file]});
    let put = call(&signer, "/uploads", &wanted).await["uploads"][0].clone();
    let headers = put["headers"].as_object().unwrap().iter();
    let headers: Vec<_> =
        headers.map(|(name, value)| (name.as_str(), value.as_str().unwrap())).collect();
    let stored = send(Method::PUT, text(&put, "url"), &headers, "1234").await;
    assert_eq!(stored.status(), 200, "{:?}", stored.body());

    let parts = call(&signer, "/multipart", &json!({"route": "video", "file": file})).await;
    let signature = text(&parts["signatures"], "1");
    let url = format!("{}&partNumber=1&x-oss-signature={signature}", text(&parts, "url"));
    let stored = send(Method::PUT, &url, &[], "part").await;
    assert_eq!(stored.status(), 200, "{:?}", stored.body());
    let token = json!({"token": text(&parts, "token")});
    assert_eq!(call(&signer, "/multipart/status", &token).await["bytes"], 4);
    let done = call(&signer, "/multipart/complete", &token).await;
    assert_eq!(done["size"], 4);

    let key = text(&done, "key");
    let links = call(&signer, "/downloads", &json!({"route": "video", "keys": [key]})).await;
    let read = send(Method::GET, text(&links["downloads"][0]["get"], "url"), &[], "").await;
    assert_eq!((read.status().as_u16(), read.body().as_ref()), (200, &b"part"[..]));

    let abandoned = call(&signer, "/multipart", &json!({"route": "video", "file": file})).await;
    let token = json!({"token": text(&abandoned, "token")}).to_string();
    let url = format!("{signer}/multipart/abort");
    let json = [("content-type", "application/json")];
    assert_eq!(send(Method::POST, &url, &json, &token).await.status(), 204);
}

#[tokio::test]
async fn a_kind_that_is_enabled_after_setup_is_refused_until_setup_runs_again() {
    let (cloud, _function, _) = deployed().await;
    let wider = SETTINGS
        .replace("[routes.small]", "[routes.other]\ndir = \"other/{uuid}/\"\n[routes.small]");
    let start = async || {
        let key = cloud.sts.lend(ROLE, "fc.aliyuncs.com").unwrap();
        cloud.signer(key, &VARIABLES, Some(&wider)).await
    };
    let upload = async |signer: &str| {
        cloud.tool.write("a.txt", "text");
        cloud.tool.run(&["upload", "--signer", signer, "--route", "other", "a.txt"]).await
    };
    let (_before, signer) = start().await;
    let refused = upload(&signer).await;
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.err.contains("AccessDenied"), "{refused:?}");
    cloud.tool.write("upload.toml", &wider);
    assert_eq!(cloud.setup(&["--yes"]).await.code, 0);
    let (_after, signer) = start().await;
    let stored = upload(&signer).await;
    assert!(stored.out.starts_with("stored   other/"), "{stored:?}");
}
