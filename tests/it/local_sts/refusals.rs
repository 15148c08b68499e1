//! Each way in which the local STS refuses a call, by status and `Code`.

use std::sync::atomic::Ordering;

use http_body_util::Full;
use oss_emulator::keys::AccessKey;
use oss_emulator::keys::Holder;
use oss_emulator::sts::OpenError;
use oss_emulator::sts::Options;
use oss_emulator::sts::Role;
use oss_emulator::sts::Sts;
use oss_emulator::sts::Trusted;

use crate::support::form::NOW;
use crate::support::local_sts::Caller;
use crate::support::local_sts::Desk;
use crate::support::local_sts::USER;
use crate::support::local_sts::USER_SECRET;
use crate::support::local_sts::form;

fn known(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[tokio::test]
async fn a_wrong_parameter_is_refused_by_its_code() {
    let desk = Desk::open();
    let long = "x".repeat(65);
    let large = format!(r#"{{"Version":"1","Statement":[]{}}}"#, " ".repeat(2018));
    assert_eq!(large.len(), 2048);
    let conditional = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"acs:SecureTransport":"true"}}}]}"#;
    for (name, value, status, code) in [
        ("Action", "AssumeRoleWithSAML", 400, "InvalidParameter"),
        ("Action", "", 400, "MissingParameter"),
        ("Version", "2014-05-26", 400, "InvalidParameter"),
        ("Version", "", 400, "MissingParameter"),
        ("AccessKeyId", "", 400, "IncompleteSignature"),
        ("SignatureMethod", "HMAC-SHA256", 400, "IncompleteSignature"),
        ("SignatureVersion", "2.0", 400, "IncompleteSignature"),
        ("SignatureNonce", "", 400, "IncompleteSignature"),
        ("Timestamp", "", 400, "IncompleteSignature"),
        ("Timestamp", "2024-11-27 06:09:41", 400, "InvalidTimeStamp.Format"),
        ("Timestamp", "2024-11-27T05:54:40Z", 400, "InvalidTimeStamp.Expired"),
        ("Timestamp", "2024-11-27T06:24:42Z", 400, "InvalidTimeStamp.Expired"),
        ("RoleArn", "", 400, "InvalidParameter.RoleArn"),
        ("RoleArn", "oss-uploader", 400, "InvalidParameter.RoleArn"),
        ("RoleArn", "acs:ram::12:user/me", 400, "InvalidParameter.RoleArn"),
        ("RoleArn", "acs:ram::12:role/oss-uploader", 404, "EntityNotExist.Role"),
        ("RoleSessionName", "", 400, "InvalidParameter.RoleSessionName"),
        ("RoleSessionName", "x", 400, "InvalidParameter.RoleSessionName"),
        ("RoleSessionName", &long, 400, "InvalidParameter.RoleSessionName"),
        ("RoleSessionName", "a session", 400, "InvalidParameter.RoleSessionName"),
        ("DurationSeconds", "899", 400, "InvalidParameter.DurationSeconds"),
        ("DurationSeconds", "3601", 400, "InvalidParameter.DurationSeconds"),
        ("DurationSeconds", "1h", 400, "InvalidParameter.DurationSeconds"),
        ("Policy", &large, 400, "InvalidParameter.PolicySize"),
        ("Policy", "{}", 400, "InvalidParameter.PolicyGrammar"),
        ("Policy", conditional, 501, "NotImplemented"),
        ("ExternalId", "!!", 400, "InvalidParameter.ExternalId"),
        ("SourceIdentity", "acs:somebody", 400, "InvalidParameter"),
    ] {
        let refusal = desk.ask(&Caller::user(), &[(name, value)]).await.refusal();
        assert_eq!(refusal, known(status, code), "{name} {value}");
    }
}

#[tokio::test]
async fn good_values_at_the_edge_are_taken() {
    let desk = Desk::open();
    let long = "x".repeat(64);
    let statement = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;
    let large = format!(r#"{{"Version":"1","Statement":[{statement}]{}}}"#, " ".repeat(1971));
    assert_eq!(large.len(), 2047);
    for (name, value) in [
        ("Policy", large.as_str()),
        ("Timestamp", "2024-11-27T05:54:41Z"),
        ("Timestamp", "2024-11-27T06:24:41Z"),
        ("Timestamp", "2024-11-27T06:09:41.123Z"),
        ("RoleSessionName", "x@"),
        ("RoleSessionName", &long),
        ("DurationSeconds", "900"),
        ("DurationSeconds", "3600"),
        ("ExternalId", "a+b=c,d.e@f:g/h-i_j"),
    ] {
        let reply = desk.ask(&Caller::user(), &[(name, value)]).await;
        assert_eq!(reply.status, 200, "{name} {value}: {}", reply.text);
    }
}

#[tokio::test]
async fn a_caller_is_believed_with_the_right_key_only() {
    let desk = Desk::with(|options| {
        options.ring.add(AccessKey { expires_at: Some(NOW), ..AccessKey::new("gone", "secret") });
        options.ring.add(AccessKey {
            security_token: Some("token".to_owned()),
            expires_at: Some(NOW + 10),
            ..AccessKey::new("STS.temporary", "secret")
        });
    });
    let caller = |id, secret, token| Caller { id, secret, token };
    let asks = [
        (caller("nobody", "secret", None), 404, "InvalidAccessKeyId.NotFound"),
        (caller(USER, "wrong", None), 400, "SignatureDoesNotMatch"),
        (caller("gone", "secret", None), 400, "InvalidAccessKeyId.Inactive"),
        (caller("STS.temporary", "secret", None), 400, "MissingSecurityToken"),
        (caller("STS.temporary", "secret", Some("other")), 400, "InvalidSecurityToken.Malformed"),
        (
            caller(USER, USER_SECRET, Some("token")),
            400,
            "InvalidSecurityToken.MismatchWithAccessKey",
        ),
        (caller("STS.temporary", "wrong", Some("token")), 400, "SignatureDoesNotMatch"),
    ];
    for (caller, status, code) in asks {
        assert_eq!(desk.ask(&caller, &[]).await.refusal(), known(status, code));
    }
    let temporary = caller("STS.temporary", "secret", Some("token"));
    assert_eq!(desk.ask(&temporary, &[]).await.status, 200);
    desk.clock.store(NOW + 10, Ordering::Relaxed);
    let expired = known(400, "InvalidSecurityToken.Expired");
    assert_eq!(desk.ask(&temporary, &[]).await.refusal(), expired);
}

#[tokio::test]
async fn a_role_is_lent_to_those_whom_it_trusts() {
    let outer = "acs:ram::1234567890123456:role/outer";
    let desk = Desk::with(|options| {
        let trusting = |name: &str, trusted| Role { trusted, ..Role::new(name) };
        options.roles = vec![
            trusting("outer", vec![Trusted::Key(USER.to_owned())]),
            trusting("oss-uploader", vec![Trusted::Role(outer.to_owned())]),
        ];
        options.ring.add(AccessKey { holder: Holder::Root, ..AccessKey::new("root", "secret") });
        options.ring.add(AccessKey::new("other", "secret"));
    });
    let refused = known(403, "NoPermission");
    let root = Caller { id: "root", secret: "secret", token: None };
    let reply = desk.ask(&root, &[]).await;
    assert_eq!(reply.refusal(), refused);
    assert!(reply.text.contains("root accounts"), "{}", reply.text);
    let other = Caller { id: "other", secret: "secret", token: None };
    assert_eq!(desk.ask(&other, &[("RoleArn", outer)]).await.refusal(), refused);
    assert_eq!(desk.ask(&Caller::user(), &[]).await.refusal(), refused);
    let keys = desk.keys(&[("RoleArn", outer)]).await;
    assert_eq!(desk.ask(&keys.caller(), &[("RoleArn", outer)]).await.refusal(), refused);
    let reply = desk.ask(&keys.caller(), &[]).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
}

#[tokio::test]
async fn a_caller_needs_leave_to_assume_the_role() {
    let policy = |action: &str| {
        format!(
            r#"{{"Version":"1","Statement":[{{"Effect":"Allow","Action":"{action}","Resource":"acs:ram:*:1234567890123456:role/oss-uploader"}}]}}"#
        )
    };
    let desk = Desk::open();
    for (action, status) in [("sts:AssumeRole", 200), ("oss:PutObject", 403)] {
        let keys = desk.keys(&[("Policy", &policy(action))]).await;
        assert_eq!(desk.ask(&keys.caller(), &[]).await.status, status, "{action}");
    }
}

#[tokio::test]
async fn what_is_no_call_is_refused_before_its_signature() {
    let desk = Desk::open();
    let mut json = form("{}");
    json.headers_mut().insert("content-type", "application/json".parse().unwrap());
    let twice = form("Action=AssumeRole&Version=2015-04-01&Format=JSON&Action=AssumeRole");
    assert_eq!(desk.send(twice).await.refusal(), known(400, "InvalidParameter"));
    let reply = desk.send(json).await;
    assert_eq!(reply.status, 400);
    assert!(reply.text.contains("<Code>InvalidParameter.ContentType</Code>"), "{}", reply.text);
    let reply = desk.get("DELETE", "/?Format=json", &[]).await;
    assert_eq!(reply.refusal(), known(405, "UnsupportedHTTPMethod"));
    assert_eq!(desk.get("GET", "/elsewhere", &[]).await.status, 404);
    let mut large = form("");
    *large.body_mut() = Full::from("x".repeat(300_000));
    assert_eq!(desk.send(large).await.status, 413);
}

#[tokio::test]
async fn a_wrong_secret_is_told_what_was_signed_and_nobody_else_is() {
    let desk = Desk::open();
    let caller = Caller { secret: "wrong", ..Caller::user() };
    let reply = desk.ask(&caller, &[("SignatureNonce", "nonce"), ("DurationSeconds", "900")]).await;
    insta::assert_snapshot!(reply.whole(), @r#"
    400
    content-type: application/json;charset=utf-8
    date: Wed, 27 Nov 2024 06:09:41 GMT
    x-acs-request-id: 05C1E3A6-489C-F6B4-250C-E1656FBF6DC5

    {"Code":"SignatureDoesNotMatch","HostId":"sts.test","Message":"Specified signature is not matched with our calculation. server string to sign is:POST&%2F&AccessKeyId%3DLTAI5tUser%26Action%3DAssumeRole%26DurationSeconds%3D900%26Format%3DJSON%26RoleArn%3Dacs%253Aram%253A%253A1234567890123456%253Arole%252Foss-uploader%26RoleSessionName%3Dsession%26SignatureMethod%3DHMAC-SHA1%26SignatureNonce%3Dnonce%26SignatureVersion%3D1.0%26Timestamp%3D2024-11-27T06%253A09%253A41Z%26Version%3D2015-04-01","Recommend":"https://api.aliyun.com/troubleshoot?q=SignatureDoesNotMatch","RequestId":"05C1E3A6-489C-F6B4-250C-E1656FBF6DC5"}
    "#);
    let caller = Caller { secret: "wrong", ..Caller::user() };
    let again = desk.ask(&Caller::user(), &[("SignatureNonce", "nonce")]).await;
    assert_eq!(again.status, 200, "a refused call does not use up its nonce: {}", again.text);
    let again = desk.ask(&caller, &[("SignatureNonce", "nonce")]).await;
    assert_eq!(again.refusal(), known(400, "SignatureDoesNotMatch"));
}

#[test]
fn a_role_needs_a_name_of_its_own_and_an_instance_a_role_that_is_there() {
    let open = |change: &dyn Fn(&mut Options)| {
        let mut options = Options::new(std::sync::Arc::new(|| NOW), [0; 16]);
        change(&mut options);
        Sts::open(options).map(drop)
    };
    let role = |name: &str| Err(OpenError::RoleName(name.to_owned()));
    assert_eq!(open(&|options| options.roles = vec![Role::new("a/b")]), role("a/b"));
    let twice = open(&|options| options.roles = vec![Role::new("a"), Role::new("a")]);
    assert_eq!(twice, role("a"));
    let unknown = open(&|options| options.metadata.role = Some("a".to_owned()));
    assert_eq!(unknown, Err(OpenError::UnknownRole("a".to_owned())));
}
