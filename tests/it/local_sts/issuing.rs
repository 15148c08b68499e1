//! Tests issued keys: the whole response, and what the local OSS allows with them.

use std::sync::atomic::Ordering;

use oss_emulator::keys::KeyRing;
use oss_emulator::ram::RamPolicy;
use oss_emulator::sts::StsEvent;

use crate::support::form::{Form, NOW};
use crate::support::local_sts::{Caller, Keys, StsFixture};
use crate::support::oss::Server;

fn allowing(resource: &str) -> String {
    format!(
        r#"{{"Version":"1","Statement":[{{"Effect":"Allow","Action":["oss:PutObject"],"Resource":["acs:oss:*:*:{resource}"]}}]}}"#
    )
}

/// A local OSS and a local STS that share a key ring.
async fn cloud() -> (Server, StsFixture) {
    cloud_with(None).await
}

async fn cloud_with(role_policy: Option<&str>) -> (Server, StsFixture) {
    let ring = KeyRing::default();
    let server = Server::with(|options| options.ring = ring.clone()).await;
    let sts = StsFixture::with(|options| {
        options.ring.all().iter().for_each(|key| ring.add(key.clone()));
        options.ring = ring;
        options.roles[0].policy = role_policy.map(|text| RamPolicy::parse(text).unwrap());
    });
    (server, sts)
}

/// Uploads with these keys to this object key and returns status and code.
async fn upload(server: &Server, keys: &Keys, key: &str) -> (u16, String) {
    let mut form = Form::good_by(&keys.id, &keys.secret, &keys.token);
    form.set("key", key);
    let reply = server.post(&form).await;
    (reply.status, format!("{} {}", reply.child("Code"), reply.child("EC")))
}

fn denied() -> (u16, String) {
    (403, "AccessDenied 0003-00000001".to_owned())
}

#[tokio::test]
async fn keys_of_a_role_work_in_the_local_oss_at_once() {
    let (server, sts) = cloud().await;
    let keys = sts.keys(&[]).await;
    assert_eq!(upload(&server, &keys, "anywhere").await.0, 204);
    server.stop().await;
}

#[tokio::test]
async fn a_session_policy_restricts_its_keys() {
    let (server, sts) = cloud().await;
    let keys = sts.keys(&[("Policy", &allowing("examplebucket/a/*"))]).await;
    assert_eq!(upload(&server, &keys, "a/1").await.0, 204);
    assert_eq!(upload(&server, &keys, "b/1").await, denied());
    assert_eq!(upload(&server, &keys, "a").await, denied());
    server.stop().await;
}

#[tokio::test]
async fn a_session_policy_cannot_widen_the_role() {
    let (server, sts) = cloud_with(Some(&allowing("examplebucket/a/*"))).await;
    let whole = sts.keys(&[]).await;
    assert_eq!(upload(&server, &whole, "a/1").await.0, 204);
    assert_eq!(upload(&server, &whole, "b/1").await, denied());
    let wide = sts.keys(&[("Policy", &allowing("*"))]).await;
    assert_eq!(upload(&server, &wide, "b/1").await, denied());
    let deny = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"oss:*","Resource":"*/a/secret*"}]}"#;
    let narrow = sts.keys(&[("Policy", deny)]).await;
    assert_eq!(upload(&server, &narrow, "a/1").await.0, 204);
    assert_eq!(upload(&server, &narrow, "a/secret").await, denied());
    server.stop().await;
}

#[tokio::test]
async fn permission_is_checked_for_the_key_with_the_file_name_inserted() {
    let (server, sts) = cloud().await;
    let keys = sts.keys(&[("Policy", &allowing("examplebucket/a/hello.txt"))]).await;
    assert_eq!(upload(&server, &keys, "a/${filename}").await.0, 204);
    assert_eq!(upload(&server, &keys, "b/${filename}").await, denied());
    server.stop().await;
}

#[tokio::test]
async fn issued_keys_expire_at_their_expiration() {
    let (server, sts) = cloud().await;
    let keys = sts.keys(&[("DurationSeconds", "900")]).await;
    assert_eq!(keys.expiration, "2024-11-27T06:24:41Z");
    server.clock.store(NOW + 899, Ordering::Relaxed);
    assert_eq!(upload(&server, &keys, "a/1").await.0, 204);
    server.clock.store(NOW + 900, Ordering::Relaxed);
    let expired = (403, "SecurityTokenExpired ".to_owned());
    assert_eq!(upload(&server, &keys, "a/1").await, expired);
    sts.clock.store(NOW + 900, Ordering::Relaxed);
    let refusal = sts.ask(&keys.caller(), &[]).await.refusal();
    assert_eq!(refusal, (400, "InvalidSecurityToken.Expired".to_owned()));
    server.stop().await;
}

#[tokio::test]
async fn events_report_keys_and_errors() {
    let (sender, events) = std::sync::mpsc::channel();
    let sts = StsFixture::with(|options| {
        options.observer = Some(std::sync::Arc::new(move |event: &StsEvent| {
            sender.send(event.clone()).unwrap();
        }));
    });
    let keys = sts.keys(&[]).await;
    sts.ask(&Caller { secret: "wrong", ..Caller::user() }, &[]).await;
    let issued = StsEvent::Issued {
        role: "oss-uploader".to_owned(),
        session: "session".to_owned(),
        key_id: keys.id,
        expires_at: NOW + 3600,
    };
    let refused = StsEvent::Refused { status: 400, code: "SignatureDoesNotMatch" };
    assert_eq!(events.try_iter().collect::<Vec<_>>(), [issued, refused]);
}

#[tokio::test]
async fn the_response_is_json_if_requested() {
    let reply = StsFixture::open().ask(&Caller::user(), &[("SourceIdentity", "somebody")]).await;
    insta::assert_snapshot!(reply.normalized(), @r#"
    200
    content-type: application/json;charset=utf-8
    date: Wed, 27 Nov 2024 06:09:41 GMT
    x-acs-request-id: 05C1E3A6-489C-F6B4-250C-E1656FBF6DC5

    {"AssumedRoleUser":{"Arn":"acs:ram::1234567890123456:role/oss-uploader/session","AssumedRoleId":"381227530666307989:session"},"Credentials":{"AccessKeyId":"STS.ySjkvAMIivh4K1XNDDIQ61QPZ","AccessKeySecret":"12ef3lP5JHzkjp1oe5dI7HigZJ4BaVJf6u6bZNHIHPkD","Expiration":"2024-11-27T07:09:41Z","SecurityToken":"CAISDTAWi9H8aeyD33YqT8aL+9+SJUCEdCy+C2ULHlOwTDuNpCJNccUCgQR9a60R8fTbdh2ZHCPd6lJq2e5HZZEimOPHcgDV9mDWNHhoPhftrqE0RPzfNmCU4DqHoo2AFpJJImmrGKz19/xEqJ29PyMzQ9kFj6tnECFCzmSqlDueVi0IExg7/bUiw6jjPjtENkhfWZ2ApgOu8Se3fsCUeXCTwtI1rbWspK3JLpF/rcnAEh88C3zz6U49q0y/SQcGk3HOpDfeTcf1accfhxA/WVuXffM0/68AkQHY3fQThCMigihlxm5uCh9x/t/j6OfK2QZp0EvTMdw+ticU97CnhBuXPtM3J35GDdoH+yUns6/cRqy4QwTVlp6insO90iWincvSWO8S3qOYzpGPlK/NGlM64s4/HURoRBHctha0yfQ7Tio1SDtcA8yyM7n3TNavN1r5fsYDR5acc4vWveXnn+/42X/DkPj7Fyv6rVKpliQ7bWyjD4HwqK8BwTBHVxlKzeziqu0t3uq/7BGqXcJUdNbYlotxP3Fo5C16b6cKOJHa7yajwPD0re8g1ojGqvT28BjKtx59WtVHmmP5gvXwgDu7Jg=="},"RequestId":"05C1E3A6-489C-F6B4-250C-E1656FBF6DC5","SourceIdentity":"somebody"}
    "#);
}

#[tokio::test]
async fn the_response_is_xml_by_default() {
    let reply = StsFixture::open().ask(&Caller::user(), &[("Format", "")]).await;
    insta::assert_snapshot!(reply.normalized(), @"
    200
    content-type: text/xml;charset=utf-8
    date: Wed, 27 Nov 2024 06:09:41 GMT
    x-acs-request-id: 05C1E3A6-489C-F6B4-250C-E1656FBF6DC5

    <?xml version='1.0' encoding='UTF-8'?><AssumeRoleResponse><AssumedRoleUser><Arn>acs:ram::1234567890123456:role/oss-uploader/session</Arn><AssumedRoleId>381227530666307989:session</AssumedRoleId></AssumedRoleUser><Credentials><AccessKeyId>STS.ySjkvAMIivh4K1XNDDIQ61QPZ</AccessKeyId><AccessKeySecret>12ef3lP5JHzkjp1oe5dI7HigZJ4BaVJf6u6bZNHIHPkD</AccessKeySecret><Expiration>2024-11-27T07:09:41Z</Expiration><SecurityToken>CAISDTAWi9H8aeyD33YqT8aL+9+SJUCEdCy+C2ULHlOwTDuNpCJNccUCgQR9a60R8fTbdh2ZHCPd6lJq2e5HZZEimOPHcgDV9mDWNHhoPhftrqE0RPzfNmCU4DqHoo2AFpJJImmrGKz19/xEqJ29PyMzQ9kFj6tnECFCzmSqlDueVi0IExg7/bUiw6jjPjtENkhfWZ2ApgOu8Se3fsCUeXCTwtI1rbWspK3JLpF/rcnAEh88C3zz6U49q0y/SQcGk3HOpDfeTcf1accfhxA/WVuXffM0/68AkQHY3fQThCMigihlxm5uCh9x/t/j6OfK2QZp0EvTMdw+ticU97CnhBuXPtM3J35GDdoH+yUns6/cRqy4QwTVlp6insO90iWincvSWO8S3qOYzpGPlK/NGlM64s4/HURoRBHctha0yfQ7Tio1SDtcA8yyM7n3TNavN1r5fsYDR5acc4vWveXnn+/42X/DkPj7Fyv6rVKpliQ7bWyjD4HwqK8BwTBHVxlKzeziqu0t3uq/7BGqXcJUdNbYlotxP3Fo5C16b6cKOJHa7yajwPD0re8g1ojGqvT28BjKtx59WtVHmmP5gvXwgDu7Jg==</SecurityToken></Credentials><RequestId>05C1E3A6-489C-F6B4-250C-E1656FBF6DC5</RequestId></AssumeRoleResponse>
    ");
}

#[tokio::test]
async fn an_error_is_xml_by_default() {
    let parameters = [("Format", ""), ("RoleArn", "acs:ram::12:role/none")];
    let reply = StsFixture::open().ask(&Caller::user(), &parameters).await;
    insta::assert_snapshot!(reply.normalized(), @"
    404
    content-type: text/xml;charset=utf-8
    date: Wed, 27 Nov 2024 06:09:41 GMT
    x-acs-request-id: 05C1E3A6-489C-F6B4-250C-E1656FBF6DC5

    <?xml version='1.0' encoding='UTF-8'?><Error><Code>EntityNotExist.Role</Code><HostId>sts.test</HostId><Message>The role does not exist: acs:ram::12:role/none</Message><Recommend>https://api.aliyun.com/troubleshoot?q=EntityNotExist.Role</Recommend><RequestId>05C1E3A6-489C-F6B4-250C-E1656FBF6DC5</RequestId></Error>
    ");
}
