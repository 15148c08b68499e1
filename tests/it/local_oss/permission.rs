//! Tests authentication and policies over HTTP, a few cases of each check in their order.

use oss_emulator::oss::{AccessKey, OssEvent};

use crate::support::form::{Form, KEY_ID, NOW, SECRET};
use crate::support::oss::Server;

async fn refused(server: &Server, form: &Form) -> (u16, String, String) {
    let reply = server.post(form).await;
    assert!(server.files().is_empty(), "something was stored");
    reply.refusal()
}

fn known(status: u16, code: &str, ec: &str) -> (u16, String, String) {
    (status, code.to_owned(), ec.to_owned())
}

#[tokio::test]
async fn a_changed_signature_policy_or_secret_is_a_wrong_signature() {
    let server = Server::start().await;
    let mismatch = known(403, "SignatureDoesNotMatch", "0002-00000705");
    let mut form = Form::good();
    let policy = form.take("policy");
    form.set("x-oss-signature", &"0".repeat(64)).set("policy", &policy);
    assert_eq!(refused(&server, &form).await, mismatch);
    let reply = server.post(&form).await;
    assert_eq!(
        reply.child("Message"),
        "The request signature we calculated does not match the signature you provided. Check \
         your key and signing method."
    );
    assert_eq!(reply.child("OSSAccessKeyId"), KEY_ID);
    assert_eq!(reply.child("StringToSign"), policy);
    let mut form = Form::good();
    form.set("policy", &policy.replace('e', "f"));
    assert_eq!(refused(&server, &form).await, mismatch);
    server.stop().await;
}

#[tokio::test]
async fn an_anonymous_upload_is_refused() {
    let server = Server::start().await;
    let mut form = Form::good();
    form.fields.retain(|field| field.0 == "key");
    let refusal = refused(&server, &form).await;
    assert_eq!(refusal, known(403, "AccessDenied", "0003-00000001"));
    let reply = server.post(&form).await;
    assert_eq!(
        reply.child("Message"),
        "You have no right to access this object because of bucket acl."
    );
    server.stop().await;
}

#[tokio::test]
async fn an_expired_policy_is_refused() {
    let server = Server::start().await;
    server.clock.store(NOW + 3601, std::sync::atomic::Ordering::Relaxed);
    let expired = known(403, "AccessDenied", "0006-00000213");
    assert_eq!(refused(&server, &Form::good()).await, expired);
    server.stop().await;
}

#[tokio::test]
async fn a_temporary_key_works_with_its_token_until_it_expires() {
    let server = Server::with(|options| {
        options.keys = vec![AccessKey {
            security_token: Some("token".to_owned()),
            expires_at: Some(NOW + 10),
            ..AccessKey::new(KEY_ID, SECRET)
        }];
    })
    .await;
    let mut form = Form::good();
    let unknown = known(403, "InvalidAccessKeyId", "0002-00000902");
    assert_eq!(refused(&server, &form).await, unknown);
    form.set("x-oss-security-token", "token");
    let uncovered = known(403, "AccessDenied", "0006-00000228");
    assert_eq!(refused(&server, &form).await, uncovered);
    form.allow(&[r#"{"x-oss-security-token":"token"}"#]);
    server.clock.store(NOW + 10, std::sync::atomic::Ordering::Relaxed);
    let expired = known(403, "SecurityTokenExpired", "");
    assert_eq!(refused(&server, &form).await, expired);
    server.clock.store(NOW + 9, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(server.post(&form).await.status, 204);
    server.stop().await;
}

#[tokio::test]
async fn each_operator_accepts_its_values_only() {
    let server = Server::start().await;
    for (condition, good) in [
        (r#"{"key":"dir/hello.txt"}"#, true),
        (r#"["eq","$key","dir/hello"]"#, false),
        (r#"["starts-with","$key","dir/"]"#, true),
        (r#"["starts-with","$key","Dir/"]"#, false),
        (r#"["in","$content-type",["text/plain"]]"#, true),
        (r#"["in","$content-type",["text/html"]]"#, false),
        (r#"["not-in","$Content-Type",["text/html"]]"#, true),
        (r#"["not-in","$Content-Type",["text/plain"]]"#, false),
    ] {
        let mut form = Form::good();
        let reply = server.post(form.allow(&[condition])).await;
        if good {
            assert_eq!(reply.status, 204, "{condition}");
        } else {
            assert_eq!(reply.refusal(), known(403, "AccessDenied", "0006-00000227"));
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn fields_that_the_policy_does_not_name_are_free() {
    let server = Server::start().await;
    let mut form = Form::good();
    form.set("key", "anywhere/at/all")
        .set("x-oss-object-acl", "public-read-write")
        .set("x-oss-meta-any", "thing")
        .set("success_action_status", "200");
    assert_eq!(server.post(&form).await.status, 200);
    server.stop().await;
}

#[tokio::test]
async fn a_failed_condition_is_in_the_response_and_the_event() {
    let mut server = Server::start().await;
    let mut form = Form::good();
    form.set("success_action_status", "201").allow(&[r#"{"success_action_status":"200"}"#]);
    let reply = server.post(&form).await;
    assert_eq!(
        reply.child("Message"),
        "Invalid according to Policy: Policy Condition failed: \
         [\"eq\", \"$success_action_status\", \"200\"]"
    );
    assert_eq!(
        server.event().await,
        OssEvent::Refused {
            status: 403,
            code: "AccessDenied",
            ec: Some("0006-00000227"),
            reason: "the policy wants [\"eq\", \"$success_action_status\", \"200\"], but \
                     success_action_status is \"201\""
                .to_owned(),
        }
    );
    server.stop().await;
}

#[tokio::test]
async fn a_malformed_policy_is_refused_before_it_is_evaluated() {
    let server = Server::start().await;
    let mut form = Form::good();
    form.sign("{\"conditions\":[]}");
    let refusal = refused(&server, &form).await;
    assert_eq!(refusal, known(400, "InvalidPolicyDocument", "0006-00000208"));
    server.stop().await;
}

#[tokio::test]
async fn the_signature_is_checked_before_the_policy() {
    let server = Server::start().await;
    let mut form = Form::good();
    form.sign("no json").set("x-oss-signature", &"0".repeat(64));
    assert_eq!(refused(&server, &form).await.1, "SignatureDoesNotMatch");
    server.stop().await;
}

#[tokio::test]
async fn a_v1_form_is_accepted_with_uncovered_fields() {
    let server = Server::start().await;
    let mut form = Form::good();
    form.sign_v1(&[r#"{"bucket":"examplebucket"}"#]).set("x-oss-server-side-encryption", "AES256");
    assert_eq!(server.post(&form).await.status, 204);
    form.sign_v1(&[r#"{"key":"other"}"#]);
    let reply = server.post(&form).await;
    assert_eq!(reply.refusal(), known(403, "AccessDenied", "0006-00000227"));
    form.set("Signature", "AAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    let reply = server.post(&form).await;
    assert_eq!(reply.refusal(), known(403, "SignatureDoesNotMatch", "0002-00000705"));
    server.stop().await;
}

#[tokio::test]
async fn a_v1_form_can_be_refused() {
    let server = Server::with_strictness(|strictness| strictness.refuse_v1 = true).await;
    let mut form = Form::good();
    form.sign_v1(&[r#"{"bucket":"examplebucket"}"#]);
    let refusal = refused(&server, &form).await;
    assert_eq!(refusal, known(403, "AccessDenied", "0002-00000080"));
    assert_eq!(server.post(&Form::good()).await.status, 204);
    server.stop().await;
}
