//! The order of the sources, which is that of Alibaba's own libraries.
//!
//! At first every source is configured; then one after the other is removed, and the next one is used.

use std::fs;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use oss_upload_signer::app::App;
use oss_upload_signer::config::Settings;
use oss_upload_signer::config::environment::Environment;
use oss_upload_signer::credentials::{CredentialsError, PlatformKeys};
use oss_upload_signer::net::{HttpClient, RequestLimits, ResponseFuture, SendError};
use oss_upload_signer::secret::Secret;
use oss_upload_signer::time::Timestamp;
use tempfile::TempDir;

use crate::support::app::NOW;

/// A client that returns a key with the name of its source.
#[derive(Debug)]
struct EverySource;

impl HttpClient for EverySource {
    fn send(&self, request: Request<Bytes>, _: RequestLimits) -> ResponseFuture<'_> {
        let (host, path) = (request.uri().host().unwrap_or_default(), request.uri().path());
        let body = match (host, path) {
            ("sts.cn-hangzhou.aliyuncs.com", "/") => sts("STS.oidc"),
            ("100.100.100.200", "/latest/api/token") => "the-token".to_owned(),
            ("100.100.100.200", "/latest/meta-data/ram/security-credentials/") => {
                "a-role".to_owned()
            }
            ("100.100.100.200", _) => key("STS.metadata"),
            ("127.0.0.1", "/keys") => key("STS.uri"),
            _ => return Box::pin(async { Err(SendError::Unreachable("nobody".to_owned())) }),
        };
        Box::pin(async { Ok(Response::new(Bytes::from(body))) })
    }
}

const END: &str = "2024-11-27T12:00:00Z";

fn key(id: &str) -> String {
    format!(
        r#"{{"Code":"Success","AccessKeyId":"{id}","AccessKeySecret":"s","SecurityToken":"t","Expiration":"{END}"}}"#
    )
}

fn sts(id: &str) -> String {
    format!(r#"{{"RequestId":"1","Credentials":{}}}"#, key(id))
}

/// A home directory with a profile and a credentials file.
fn home() -> TempDir {
    let home = TempDir::new().unwrap();
    for (folder, file, text) in [
        (
            ".aliyun",
            "config.json",
            r#"{"current":"p","profiles":[{"name":"p","mode":"AK","access_key_id":"profile","access_key_secret":"s"}]}"#,
        ),
        (
            ".alibabacloud",
            "credentials",
            "[default]\ntype = access_key\naccess_key_id = file\naccess_key_secret = s\n",
        ),
        ("pod", "token", "a.b.c\n"),
    ] {
        fs::create_dir_all(home.path().join(folder)).unwrap();
        fs::write(home.path().join(folder).join(file), text).unwrap();
    }
    home
}

/// An environment in which every source is configured.
fn everything(home: &TempDir) -> Environment {
    let mut environment = Environment::default();
    let path = |name: &str| home.path().join(name).to_str().unwrap().to_owned();
    for (name, value) in [
        ("OSS_BUCKET", "examplebucket"),
        ("OSS_REGION", "cn-hangzhou"),
        ("UPLOAD_AUTH", "anonymous"),
        ("ALIBABA_CLOUD_ACCESS_KEY_ID", "environment"),
        ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "s"),
        ("OSS_ACCESS_KEY_ID", "samples"),
        ("OSS_ACCESS_KEY_SECRET", "s"),
        ("ALIBABA_CLOUD_ROLE_ARN", "acs:ram::1234567890123456:role/pod"),
        ("ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "acs:ram::1234567890123456:oidc-provider/ack"),
        ("ALIBABA_CLOUD_OIDC_TOKEN_FILE", &path("pod/token")),
        ("ALIBABA_CLOUD_STS_REGION", "cn-hangzhou"),
        ("HOME", &path("")),
        ("ALIBABA_CLOUD_CREDENTIALS_URI", "http://127.0.0.1:1/keys"),
    ] {
        environment.set(name, value);
    }
    environment
}

fn now() -> Timestamp {
    Timestamp::from_unix(NOW).unwrap()
}

fn app(environment: &Environment) -> App {
    let settings = Settings::load(environment, None, now()).unwrap();
    App::with_http(settings, Arc::new(EverySource)).with_clock(now)
}

async fn key_id(
    environment: &Environment,
    platform_keys: Option<&PlatformKeys>,
) -> Result<String, CredentialsError> {
    let credentials = app(environment).credentials.provide(None, platform_keys, now()).await;
    credentials.map(|credentials| credentials.key_id.clone())
}

#[tokio::test]
async fn each_source_is_used_when_those_before_it_are_not_configured() {
    let home = home();
    let mut environment = everything(&home);
    for (expected, then_without) in [
        ("environment", ("ALIBABA_CLOUD_ACCESS_KEY_ID", "")),
        ("samples", ("OSS_ACCESS_KEY_ID", "")),
        ("STS.oidc", ("ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "")),
        ("profile", ("ALIBABA_CLOUD_CLI_PROFILE_DISABLED", "true")),
        ("file", ("ALIBABA_CLOUD_CREDENTIALS_FILE", "/nowhere")),
        ("STS.metadata", ("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true")),
        ("STS.uri", ("ALIBABA_CLOUD_CREDENTIALS_URI", "")),
    ] {
        assert_eq!(key_id(&environment, None).await, Ok(expected.to_owned()));
        let (name, value) = then_without;
        environment.set(name, value);
        // Half a key is an error, so the other half is removed too.
        if let Some(family) = name.strip_suffix("ACCESS_KEY_ID") {
            environment.set(&format!("{family}ACCESS_KEY_SECRET"), "");
        }
    }
    let Err(CredentialsError::Missing(passed)) = key_id(&environment, None).await else {
        panic!("something gave a key");
    };
    insta::assert_snapshot!(passed, @"request: it carries no keys of a role; environment: ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET are not set; oidc: ALIBABA_CLOUD_ROLE_ARN, ALIBABA_CLOUD_OIDC_PROVIDER_ARN and ALIBABA_CLOUD_OIDC_TOKEN_FILE are not all set; profile: it is switched off, or HOME is not set; file: there is no /nowhere; metadata: it is switched off, or this is Function Compute; uri: ALIBABA_CLOUD_CREDENTIALS_URI is not set");
}

#[tokio::test]
async fn the_error_of_a_pinned_source_names_no_other_source() {
    let home = home();
    for (pin, reason) in [
        ("request", "request: it carries no keys of a role"),
        ("file", "file: there is no /nowhere"),
    ] {
        let mut environment = everything(&home);
        environment.set("UPLOAD_CREDENTIALS", pin);
        environment.set("ALIBABA_CLOUD_CREDENTIALS_FILE", "/nowhere");
        let missing = CredentialsError::Missing(reason.to_owned());
        assert_eq!(key_id(&environment, None).await, Err(missing), "{pin}");
    }
}

#[tokio::test]
async fn the_request_comes_first() {
    let home = home();
    let platform_keys = PlatformKeys {
        key_id: "STS.request".to_owned(),
        secret: Secret::new("s"),
        token: Secret::new("t"),
    };
    assert_eq!(
        key_id(&everything(&home), Some(&platform_keys)).await,
        Ok("STS.request".to_owned())
    );
}

#[tokio::test]
async fn every_source_can_be_pinned() {
    let home = home();
    for (pin, expected) in [
        ("environment", "environment"),
        ("oidc", "STS.oidc"),
        ("profile", "profile"),
        ("file", "file"),
        ("metadata", "STS.metadata"),
        ("uri", "STS.uri"),
    ] {
        let mut environment = everything(&home);
        environment.set("UPLOAD_CREDENTIALS", pin);
        assert_eq!(key_id(&environment, None).await, Ok(expected.to_owned()), "{pin}");
    }
}

#[test]
fn settings_that_cannot_work_are_reported_at_the_start_with_their_place() {
    let complain = |variables: &[(&str, &str)], file: &str| {
        let mut environment = Environment::default();
        let small =
            [("OSS_BUCKET", "b-b"), ("OSS_REGION", "cn-hangzhou"), ("UPLOAD_AUTH", "anonymous")];
        for (name, value) in small.iter().chain(variables) {
            environment.set(name, *value);
        }
        let complaints = Settings::load(&environment, Some(file), now()).unwrap_err().to_string();
        let lines: Vec<_> = complaints.lines().skip(1).map(str::trim).collect();
        lines.join("\n") + "\n"
    };
    let role = ("OSS_STS_ROLE_ARN", "acs:ram::1:role/x");
    let many: Vec<_> =
        (0..60).map(|n| format!("[routes.r{n}]\ndir = \"directory-number-{n}/\"\n")).collect();
    insta::assert_snapshot!(
        [
            complain(&[("UPLOAD_CREDENTIALS", "oidc")], ""),
            complain(&[("UPLOAD_CREDENTIALS", "somewhere")], ""),
            complain(&[("OSS_STS_ROLE_ARN", "acs:ram::1:user/x")], ""),
            complain(&[role, ("UPLOAD_ROLE_DURATION", "5m")], ""),
            complain(&[role, ("ALIBABA_CLOUD_ROLE_SESSION_NAME", "a b")], ""),
            complain(&[role, ("UPLOAD_ROLE_EXTERNAL_ID", "!")], ""),
            complain(&[role], &many.concat()),
            complain(&[("ALIBABA_CLOUD_STS_ENDPOINT", "http://sts.example")], ""),
            complain(&[("ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED", "true")], ""),
        ]
        .concat(),
        @r#"
    UPLOAD_CREDENTIALS = "oidc": this source needs ALIBABA_CLOUD_ROLE_ARN, ALIBABA_CLOUD_OIDC_PROVIDER_ARN and ALIBABA_CLOUD_OIDC_TOKEN_FILE. Example: UPLOAD_CREDENTIALS=auto
    UPLOAD_CREDENTIALS = "somewhere": the sources are auto, request, environment, oidc, profile, file, metadata, uri. Example: UPLOAD_CREDENTIALS=auto
    OSS_STS_ROLE_ARN = "acs:ram::1:user/x": a role's ARN reads acs:ram::<account>:role/<name>. Example: OSS_STS_ROLE_ARN=acs:ram::1234567890123456:role/oss-uploader
    UPLOAD_ROLE_DURATION = "5m": a role is taken for 900 to 43200 seconds. Example: UPLOAD_ROLE_DURATION=1h
    ALIBABA_CLOUD_ROLE_SESSION_NAME = "a b": a session's name has 2 to 64 characters, each a letter, a digit or one of . @ - _. Example: ALIBABA_CLOUD_ROLE_SESSION_NAME=oss-upload-signer
    UPLOAD_ROLE_EXTERNAL_ID = "!": an external id has 2 to 1224 characters, each a letter, a digit or one of _ + = , . @ : / -. Example: UPLOAD_ROLE_EXTERNAL_ID=partner-42
    OSS_STS_ROLE_ARN = "acs:ram::1:role/x": the session policy for 60 prefixes has 2478 bytes, STS takes 2047; put routes below a common directory, or set role_scope to 'role' and narrow the role itself. Example: role_scope = "role"
    ALIBABA_CLOUD_STS_ENDPOINT = "http://sts.example": STS answers with a secret, so its address begins with https://. Example: ALIBABA_CLOUD_STS_ENDPOINT=sts-vpc.cn-hangzhou.aliyuncs.com
    ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED = "true": STS inside a VPC has an address of its own in each region, so set the region too. Example: ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED=false
    "#
    );
}
