//! Which RAM action each operation needs: a session for uploads only can neither resume nor clean up.

use std::sync::Arc;

use oss_emulator::oss::AccessKey;
use oss_emulator::ram::{Permissions, RamPolicy};

use crate::support::{Call, LocalOss};

fn key(id: &str, action: &str, resource: &str) -> AccessKey {
    let policy = format!(
        r#"{{"Version":"1","Statement":[{{"Effect":"Allow","Action":"{action}","Resource":"{resource}"}}]}}"#
    );
    let policy = Arc::new(RamPolicy::parse(&policy).unwrap());
    let permissions = Some(Permissions::default().restricted_by(policy));
    AccessKey { permissions, ..AccessKey::new(id, "secret") }
}

#[tokio::test]
async fn each_operation_needs_its_action_and_no_other() {
    const OBJECTS: &str = "acs:oss:*:*:examplebucket/videos/*";
    let keys = [
        ("put", "oss:PutObject", OBJECTS),
        ("list", "oss:ListParts", OBJECTS),
        ("abort", "oss:AbortMultipartUpload", OBJECTS),
        ("uploads", "oss:ListMultipartUploads", "acs:oss:*:*:examplebucket"),
        ("elsewhere", "oss:*", "acs:oss:*:*:examplebucket/other/*"),
    ];
    let oss = LocalOss::with(|options| {
        options.keys.extend(keys.map(|(id, action, resource)| key(id, action, resource)));
    })
    .await;
    let mut owner = oss.client().await;
    for (id, ..) in keys {
        let mut client = oss.client_of((id, "secret")).await;
        let upload = owner.initiate().await;
        owner.part(&upload, 1, b"x").await;
        for (call, needed) in [
            (Call::initiate(), "put"),
            (Call::part(&upload, 1, "x"), "put"),
            (Call::list_parts(&upload), "list"),
            (Call::list_uploads(), "uploads"),
            (Call::complete_all(&upload), "put"),
        ] {
            let what = format!("{id}: {} {:?}", call.method, call.query);
            let reply = client.send(call).await;
            if id == needed {
                assert_eq!(reply.status, 200, "{what}: {}", reply.text());
            } else {
                let (code, ec) = ("AccessDenied".to_owned(), "0003-00000001".to_owned());
                assert_eq!(reply.refusal(), (403, code, ec), "{what}");
            }
        }
        let upload = owner.initiate().await;
        let status = client.send(Call::abort(&upload)).await.status;
        assert_eq!(status, if id == "abort" { 204 } else { 403 }, "{id}");
    }
}
