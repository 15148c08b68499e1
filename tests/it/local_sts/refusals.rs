//! Tests each error of the local STS, by status and `Code`.

use std::sync::atomic::Ordering;

use http_body_util::Full;
use oss_emulator::keys::{AccessKey, KeyOwner};
use oss_emulator::sts::{OpenError, Options, RamRole, Sts, TrustedPrincipal};

use crate::support::form::NOW;
use crate::support::local_sts::{Caller, StsFixture, USER, USER_SECRET, form};

fn known(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[tokio::test]
async fn each_wrong_parameter_has_its_code() {
    let sts = StsFixture::open();
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
        let refusal = sts.ask(&Caller::user(), &[(name, value)]).await.refusal();
        assert_eq!(refusal, known(status, code), "{name} {value}");
    }
}

#[tokio::test]
async fn values_at_the_limits_are_accepted() {
    let sts = StsFixture::open();
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
        let reply = sts.ask(&Caller::user(), &[(name, value)]).await;
        assert_eq!(reply.status, 200, "{name} {value}: {}", reply.text);
    }
}

#[tokio::test]
async fn a_caller_is_authenticated_with_a_valid_key_only() {
    let sts = StsFixture::with(|options| {
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
        assert_eq!(sts.ask(&caller, &[]).await.refusal(), known(status, code));
    }
    let temporary = caller("STS.temporary", "secret", Some("token"));
    assert_eq!(sts.ask(&temporary, &[]).await.status, 200);
    sts.clock.store(NOW + 10, Ordering::Relaxed);
    let expired = known(400, "InvalidSecurityToken.Expired");
    assert_eq!(sts.ask(&temporary, &[]).await.refusal(), expired);
}

#[tokio::test]
async fn a_role_can_be_assumed_by_trusted_principals_only() {
    let outer = "acs:ram::1234567890123456:role/outer";
    let sts = StsFixture::with(|options| {
        let trusting = |name: &str, trusted| RamRole { trusted, ..RamRole::new(name) };
        options.roles = vec![
            trusting("outer", vec![TrustedPrincipal::Key(USER.to_owned())]),
            trusting("oss-uploader", vec![TrustedPrincipal::Role(outer.to_owned())]),
        ];
        options.ring.add(AccessKey { owner: KeyOwner::Root, ..AccessKey::new("root", "secret") });
        options.ring.add(AccessKey::new("other", "secret"));
    });
    let refused = known(403, "NoPermission");
    let root = Caller { id: "root", secret: "secret", token: None };
    let reply = sts.ask(&root, &[]).await;
    assert_eq!(reply.refusal(), refused);
    assert!(reply.text.contains("root accounts"), "{}", reply.text);
    let other = Caller { id: "other", secret: "secret", token: None };
    assert_eq!(sts.ask(&other, &[("RoleArn", outer)]).await.refusal(), refused);
    assert_eq!(sts.ask(&Caller::user(), &[]).await.refusal(), refused);
    let keys = sts.keys(&[("RoleArn", outer)]).await;
    assert_eq!(sts.ask(&keys.caller(), &[("RoleArn", outer)]).await.refusal(), refused);
    let reply = sts.ask(&keys.caller(), &[]).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
}

#[tokio::test]
async fn a_caller_needs_permission_to_assume_the_role() {
    let policy = |action: &str| {
        format!(
            r#"{{"Version":"1","Statement":[{{"Effect":"Allow","Action":"{action}","Resource":"acs:ram:*:1234567890123456:role/oss-uploader"}}]}}"#
        )
    };
    let sts = StsFixture::open();
    for (action, status) in [("sts:AssumeRole", 200), ("oss:PutObject", 403)] {
        let keys = sts.keys(&[("Policy", &policy(action))]).await;
        assert_eq!(sts.ask(&keys.caller(), &[]).await.status, status, "{action}");
    }
}

#[tokio::test]
async fn malformed_requests_are_refused_before_their_signature() {
    let sts = StsFixture::open();
    let mut json = form("{}");
    json.headers_mut().insert("content-type", "application/json".parse().unwrap());
    let twice = form("Action=AssumeRole&Version=2015-04-01&Format=JSON&Action=AssumeRole");
    assert_eq!(sts.send(twice).await.refusal(), known(400, "InvalidParameter"));
    let reply = sts.send(json).await;
    assert_eq!(reply.status, 400);
    assert!(reply.text.contains("<Code>InvalidParameter.ContentType</Code>"), "{}", reply.text);
    let reply = sts.get("DELETE", "/?Format=json", &[]).await;
    assert_eq!(reply.refusal(), known(405, "UnsupportedHTTPMethod"));
    assert_eq!(sts.get("GET", "/elsewhere", &[]).await.status, 404);
    let mut large = form("");
    *large.body_mut() = Full::from("x".repeat(300_000));
    assert_eq!(sts.send(large).await.status, 413);
}

#[tokio::test]
async fn only_the_error_for_a_wrong_signature_has_the_string_to_sign() {
    let sts = StsFixture::open();
    let caller = Caller { secret: "wrong", ..Caller::user() };
    let reply = sts.ask(&caller, &[("SignatureNonce", "nonce"), ("DurationSeconds", "900")]).await;
    insta::assert_snapshot!(reply.normalized(), @r#"
    400
    content-type: application/json;charset=utf-8
    date: Wed, 27 Nov 2024 06:09:41 GMT
    x-acs-request-id: 05C1E3A6-489C-F6B4-250C-E1656FBF6DC5

    {"Code":"SignatureDoesNotMatch","HostId":"sts.test","Message":"Specified signature is not matched with our calculation. server string to sign is:POST&%2F&AccessKeyId%3DLTAI5tUser%26Action%3DAssumeRole%26DurationSeconds%3D900%26Format%3DJSON%26RoleArn%3Dacs%253Aram%253A%253A1234567890123456%253Arole%252Foss-uploader%26RoleSessionName%3Dsession%26SignatureMethod%3DHMAC-SHA1%26SignatureNonce%3Dnonce%26SignatureVersion%3D1.0%26Timestamp%3D2024-11-27T06%253A09%253A41Z%26Version%3D2015-04-01","Recommend":"https://api.aliyun.com/troubleshoot?q=SignatureDoesNotMatch","RequestId":"05C1E3A6-489C-F6B4-250C-E1656FBF6DC5"}
    "#);
    let caller = Caller { secret: "wrong", ..Caller::user() };
    let again = sts.ask(&Caller::user(), &[("SignatureNonce", "nonce")]).await;
    assert_eq!(again.status, 200, "a refused call does not use up its nonce: {}", again.text);
    let again = sts.ask(&caller, &[("SignatureNonce", "nonce")]).await;
    assert_eq!(again.refusal(), known(400, "SignatureDoesNotMatch"));
}

#[test]
fn role_names_are_unique_and_the_role_of_an_instance_exists() {
    let open = |change: &dyn Fn(&mut Options)| {
        let mut options = Options::new(std::sync::Arc::new(|| NOW), [0; 16]);
        change(&mut options);
        Sts::open(options).map(drop)
    };
    let role = |name: &str| Err(OpenError::RoleName(name.to_owned()));
    assert_eq!(open(&|options| options.roles = vec![RamRole::new("a/b")]), role("a/b"));
    let twice = open(&|options| options.roles = vec![RamRole::new("a"), RamRole::new("a")]);
    assert_eq!(twice, role("a"));
    let unknown = open(&|options| options.metadata.role = Some("a".to_owned()));
    assert_eq!(unknown, Err(OpenError::UnknownRole("a".to_owned())));
}
