//! The local OSS calls, the function verifies: two hands that share no line, over real sockets.

use std::sync::Arc;

use fc_http::Options;
use oss_emulator::oss::callback_key_prefix;
use oss_upload_signer::app::App;
use oss_upload_signer::callback::receipt::{Receipt, ReceiptScope};
use oss_upload_signer::secret::Secret;
use oss_upload_signer::time;
use serde_json::json;

use crate::callback::fixture;
use crate::support::callback_server::encoded;
use crate::support::form::Form;
use crate::support::oss::Server as Oss;
use crate::support::server::Server;

const FORM: &str = "bucket=${bucket}&object=${object}&etag=${etag}&size=${size}&mimeType=${mimeType}\
                    &imageInfo.width=${imageInfo.width}&imageInfo.height=${imageInfo.height}\
                    &imageInfo.format=${imageInfo.format}&x:album=${x:album}&receipt=${x:receipt}";

const JSON: &str = r#"{"bucket":${bucket},"object":${object},"etag":${etag},"size":${size},
    "mimeType":${mimeType},"imageInfo.width":${imageInfo.width},"imageInfo.height":${imageInfo.height},
    "imageInfo.format":${imageInfo.format},"x:album":${x:album},"receipt":${x:receipt}}"#;

#[tokio::test]
async fn what_the_local_oss_tells_is_believed() {
    let oss = Oss::start().await;
    let mut settings = fixture::settings();
    settings.callback.key_urls = vec![callback_key_prefix(oss.address)];
    let service = oss_upload_signer::http::service(Arc::new(App::new(settings)));
    let function = Server::start(service, Options::default()).await;
    let now = time::now().unix();
    let scope = ReceiptScope::Key("dir/hello.txt".to_owned());
    let receipt = Receipt { scope, types: Vec::new(), ..fixture::receipt("default") };
    let variables_hash = Some(fixture::sealed(&[("album", "夏 & \"co\"")]));
    let receipt = Receipt { issued_at: now, expires_at: now + 600, variables_hash, ..receipt };
    let url = format!("http://{}/callback/def%61ult?a=%20", function.address);
    for (body, kind) in [(FORM, "application/x-www-form-urlencoded"), (JSON, "application/json")] {
        let order = json!({ "callbackUrl": url, "callbackBody": body, "callbackBodyType": kind });
        let mut form = Form::good();
        form.set("callback", &encoded(&order));
        form.set("x:album", "夏 & \"co\"");
        form.set("x:receipt", &receipt.sign(&Secret::new(fixture::RECEIPT_KEY)));
        let answer = oss.post(&form).await;
        assert_eq!(answer.status, 200, "{kind}");
        let response: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(response["key"], "dir/hello.txt", "{response}");
        assert_eq!(response["variables"], json!({ "album": "夏 & \"co\"" }), "{response}");
        assert_eq!(
            (&response["size"], &response["image"]),
            (&json!(11), &json!(null)),
            "{response}"
        );
    }
    oss.stop().await;
}
