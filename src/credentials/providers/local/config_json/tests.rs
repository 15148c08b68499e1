//! Profiles in temporary files.

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::credentials::ProviderErrorKind;
use crate::credentials::providers::local::profile_source::ProfileSource;
use crate::credentials::providers::raw_credentials::UNKNOWN_END;
use crate::credentials::providers::test_http;
use crate::credentials::providers::test_http::{ScriptedHttp, answer};

struct ConfigFixture {
    folder: TempDir,
}

impl ConfigFixture {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("config.json")
    }

    fn write(&self, text: &str) {
        fs::write(self.path(), text).unwrap();
    }

    fn profile(&self, name: Option<&str>, context: ProfileContext) -> CliProfile {
        let options = CliProfileOptions { path: self.path(), name: name.map(str::to_owned) };
        CliProfile::new(options, context)
    }

    async fn fetch(&self, name: Option<&str>) -> Result<Credentials, (ProviderErrorKind, String)> {
        let profile = self.profile(name, test_http::profile_context());
        let given = profile.fetch(test_http::request()).await;
        let folder = self.folder.path().display().to_string();
        given.map_err(|error| (error.kind, error.reason.replace(&folder, "~")))
    }
}

fn config(profiles: &Value) -> String {
    json!({ "current": "here", "profiles": profiles }).to_string()
}

fn here(mut profile: Value) -> String {
    profile["name"] = "here".into();
    config(&json!([profile]))
}

fn source_of(text: &str) -> Result<ProfileSource, (ProviderErrorKind, String)> {
    read(text, None).map_err(|error| (error.kind, error.reason))
}

#[tokio::test]
async fn a_key_is_taken_from_the_current_or_the_named_profile() {
    let home = ConfigFixture::new();
    home.write(&config(&json!([
        { "name": "other", "mode": "AK", "access_key_id": "LTAI2", "access_key_secret": "s2" },
        { "name": "here", "mode": "AK", "access_key_id": "LTAI1", "access_key_secret": "s1",
          "sts_token": "", "sts_expiration": 1, "expired_seconds": 0, "language": "en" },
    ])));
    let given = home.fetch(None).await.unwrap();
    assert_eq!((given.key_id.as_str(), given.secret.expose()), ("LTAI1", "s1"));
    assert_eq!((given.token, given.usable_until), (None, None));
    assert_eq!(home.fetch(Some("other")).await.unwrap().key_id, "LTAI2");
}

#[tokio::test]
async fn a_temporary_key_ends_as_the_file_states_or_soon() {
    let home = ConfigFixture::new();
    let mut profile = json!({ "mode": "StsToken", "access_key_id": "STS.a",
        "access_key_secret": "s", "sts_token": "t" });
    home.write(&here(profile.clone()));
    let given = home.fetch(None).await.unwrap();
    assert_eq!(given.token.unwrap().expose(), "t");
    assert_eq!(given.usable_until, Some(test_http::now().plus(UNKNOWN_END)));

    profile["sts_expiration"] = 1_893_575_045.into();
    home.write(&here(profile.clone()));
    let end = home.fetch(None).await.unwrap().usable_until.unwrap();
    assert_eq!(end.rfc3339(), "2030-01-02T09:04:05Z");

    profile["sts_expiration"] = 1_700_000_000.into();
    home.write(&here(profile));
    let (kind, reason) = home.fetch(None).await.unwrap_err();
    assert_eq!(kind, ProviderErrorKind::Permanent);
    insta::assert_snapshot!(reason, @"~/config.json: its key is of no use: it ended at 2023-11-14T22:13:20Z");
}

#[tokio::test]
async fn a_missing_file_profile_or_key_is_not_configured() {
    let home = ConfigFixture::new();
    let mut errors = vec![home.fetch(None).await.unwrap_err()];
    for text in [
        r#"{"profiles":null}"#.to_owned(),
        r#"{"current":"here","profiles":null}"#.to_owned(),
        config(&json!([{ "name": null, "mode": null }])),
        here(json!({ "mode": "AK", "access_key_id": "", "access_key_secret": null })),
        here(json!({ "mode": "CloudSSO", "access_token": "marker" })),
        here(json!({ "mode": "OAuth", "oauth_access_token": "marker" })),
        here(json!({ "mode": "RsaKeyPair" })),
    ] {
        home.write(&text);
        errors.push(home.fetch(None).await.unwrap_err());
    }
    assert!(errors.iter().all(|(kind, _)| *kind == ProviderErrorKind::Absent));
    let errors: Vec<_> = errors.into_iter().map(|(_, reason)| reason).collect();
    insta::assert_snapshot!(errors.join("\n"), @r#"
    there is no ~/config.json
    ~/config.json: no profile is current; choose one with ALIBABA_CLOUD_PROFILE
    ~/config.json: there is no profile "here"
    ~/config.json: there is no profile "here"
    ~/config.json: profile "here" has no key in it
    ~/config.json: profile "here" signs a person in (CloudSSO), which a server cannot; use a profile of another mode
    ~/config.json: profile "here" signs a person in (OAuth), which a server cannot; use a profile of another mode
    ~/config.json: profile "here" has mode RsaKeyPair, which is not supported here; use a profile of another mode
    "#);
}

#[tokio::test]
async fn a_corrected_file_has_an_effect_at_once() {
    let home = ConfigFixture::new();
    let profile = home.profile(None, test_http::profile_context());
    assert!(profile.fetch(test_http::request()).await.is_err());
    home.write("{");
    assert!(profile.fetch(test_http::request()).await.is_err());
    for id in ["first", "second"] {
        home.write(&here(json!({ "mode": "StsToken", "access_key_id": id,
            "access_key_secret": format!("{id}-secret"), "sts_token": format!("{id}-token") })));
        let given = profile.fetch(test_http::request()).await.unwrap();
        assert_eq!(given.key_id, id);
        assert_eq!(given.secret.expose(), format!("{id}-secret"));
        assert_eq!(given.token.unwrap().expose(), format!("{id}-token"));
    }
}

#[tokio::test]
async fn an_error_of_the_json_names_its_line_and_never_its_content() {
    let home = ConfigFixture::new();
    for text in [
        "{\n \"profiles\": [\n  marker",
        "{\n \"profiles\": [\n  { \"access_key_secret\": [\"marker\"] } ] }",
        "{\n \"profiles\": [\n  { \"expired_seconds\": \"marker\" } ] }",
    ] {
        home.write(text);
        let (kind, reason) = home.fetch(None).await.unwrap_err();
        assert_eq!(kind, ProviderErrorKind::Permanent);
        assert!(reason.contains("line 3") && !reason.contains("marker"), "{reason}");
    }
}

#[test]
fn an_incomplete_profile_is_an_error() {
    let role = "acs:ram::1:role/r";
    let table = [
        json!({ "mode": "" }),
        json!({ "mode": "ak", "access_key_id": "marker" }),
        json!({ "mode": "StsToken", "access_key_id": "i", "access_key_secret": "s" }),
        json!({ "mode": "RamRoleArn", "access_key_id": "i", "access_key_secret": "s" }),
        json!({ "mode": "OIDC", "ram_role_arn": role, "oidc_token_file": "/t" }),
        json!({ "mode": "OIDC", "ram_role_arn": role, "oidc_provider_arn": "p" }),
        json!({ "mode": "ChainableRamRoleArn", "ram_role_arn": role }),
        json!({ "mode": "ChainableRamRoleArn", "ram_role_arn": role, "source_profile": "gone" }),
        json!({ "mode": "External" }),
    ];
    let errors = table.map(|profile| {
        let (kind, reason) = source_of(&here(profile)).unwrap_err();
        assert_eq!(kind, ProviderErrorKind::Permanent, "{reason}");
        reason
    });
    insta::assert_snapshot!(errors.join("\n"), @r#"
    profile "here" has no mode that is known here: AK, StsToken, RamRoleArn, EcsRamRole, OIDC, ChainableRamRoleArn, External
    profile "here" has no mode that is known here: AK, StsToken, RamRoleArn, EcsRamRole, OIDC, ChainableRamRoleArn, External
    profile "here" of mode StsToken has no sts_token
    profile "here" of mode RamRoleArn has no ram_role_arn
    profile "here" of mode OIDC has no oidc_provider_arn
    profile "here" of mode OIDC has no oidc_token_file
    profile "here" of mode ChainableRamRoleArn has no source_profile
    source_profile names "gone", and there is no such one
    profile "here" of mode External has no process_command
    "#);
}

#[test]
fn each_mode_is_read_into_its_source() {
    let role = json!({ "ram_role_arn": "acs:ram::1:role/r", "ram_session_name": "s",
        "expired_seconds": 1200, "duration_seconds": 1800, "sts_region": "cn-hangzhou",
        "enable_vpc": true, "external_id": "x", "policy": "{}", "access_key_id": "id",
        "access_key_secret": "marker", "oidc_provider_arn": "p", "oidc_token_file": "/t",
        "ram_role_name": "r", "process_command": "get marker" });
    let sources = ["RamRoleArn", "EcsRamRole", "OIDC", "External"].map(|mode| {
        let mut profile = role.clone();
        profile["mode"] = mode.into();
        format!("{:?}", source_of(&here(profile)).unwrap())
    });
    let sources = sources.join("\n");
    assert!(!sources.contains("marker"), "{sources}");
    insta::assert_snapshot!(sources, @r#"
    AssumeRole { base: Static(RawCredentials { key_id: Some("id"), secret: Some(Secret(…)), token: None, expiration: None }), role: ProfileRole { arn: Some("acs:ram::1:role/r"), session_name: Some("s"), seconds: Some(1200), external_id: Some("x"), policy: Some("{}"), sts_endpoint: None, sts_region: Some("cn-hangzhou"), vpc: true } }
    Metadata { role: Some("r") }
    Oidc { provider_arn: "p", token_file: "/t", role: ProfileRole { arn: Some("acs:ram::1:role/r"), session_name: Some("s"), seconds: Some(1200), external_id: Some("x"), policy: Some("{}"), sts_endpoint: None, sts_region: Some("cn-hangzhou"), vpc: true } }
    External { command: Secret(…) }
    "#);
}

#[test]
fn the_session_name_and_the_duration_have_two_names_each() {
    let profile = json!({ "mode": "OIDC", "ram_role_arn": "a", "oidc_provider_arn": "p",
        "oidc_token_file": "/t", "role_session_name": "python", "duration_seconds": 1800 });
    let Ok(ProfileSource::Oidc { role, .. }) = source_of(&here(profile)) else { panic!() };
    assert_eq!((role.session_name.as_deref(), role.seconds), (Some("python"), Some(1800)));
}

fn chain(links: &[(&str, &str)]) -> String {
    let link = |(name, source): &(&str, &str)| {
        json!({ "name": name, "mode": "ChainableRamRoleArn", "source_profile": source,
            "ram_role_arn": format!("acs:ram::1:role/{name}") })
    };
    let mut profiles: Vec<_> = links.iter().map(link).collect();
    profiles.push(
        json!({ "name": "root", "mode": "AK", "access_key_id": "i", "access_key_secret": "s" }),
    );
    config(&Value::from(profiles))
}

#[test]
fn a_role_can_be_taken_with_another_role() {
    let text = chain(&[("here", "middle"), ("middle", "root")]);
    let Ok(ProfileSource::AssumeRole { base, role }) = source_of(&text) else { panic!() };
    assert_eq!(role.arn.as_deref(), Some("acs:ram::1:role/here"));
    let ProfileSource::AssumeRole { base, role } = *base else { panic!() };
    assert_eq!(role.arn.as_deref(), Some("acs:ram::1:role/middle"));
    assert!(matches!(*base, ProfileSource::Static(_)));
}

#[test]
fn a_circle_of_profiles_is_an_error_that_names_them() {
    let (kind, reason) = source_of(&chain(&[("here", "b"), ("b", "c"), ("c", "b")])).unwrap_err();
    assert_eq!(kind, ProviderErrorKind::Permanent);
    insta::assert_snapshot!(reason, @"source_profile goes in a circle: here -> b -> c -> b");
    assert!(source_of(&chain(&[("here", "here")])).is_err());
    let long = [("here", "1"), ("1", "2"), ("2", "3"), ("3", "4"), ("4", "root")];
    insta::assert_snapshot!(source_of(&chain(&long)).unwrap_err().1, @"more than 5 profiles lean on one another by source_profile");
    assert!(source_of(&chain(&[("here", "2"), ("2", "3"), ("3", "4"), ("4", "root")])).is_ok());
}

#[tokio::test]
async fn the_profile_names_the_role_of_the_instance() {
    let home = ConfigFixture::new();
    home.write(&here(json!({ "mode": "EcsRamRole", "ram_role_name": "mine" })));
    let script = ScriptedHttp::new([answer(200, "token"), answer(404, "")]);
    let profile = home.profile(None, test_http::profile_context_with(script.clone()));
    let error = profile.fetch(test_http::request()).await.unwrap_err();
    assert_eq!(error.kind, ProviderErrorKind::Permanent);
    assert!(script.lines()[1].ends_with("/security-credentials/mine"));
}

#[tokio::test]
async fn a_source_in_a_profile_counts_as_configured() {
    let home = ConfigFixture::new();
    home.write(&here(json!({ "mode": "EcsRamRole" })));
    let script = ScriptedHttp::new([Err(crate::net::SendError::TimedOut)]);
    let profile = home.profile(None, test_http::profile_context_with(script));
    let error = profile.fetch(test_http::request()).await.unwrap_err();
    assert_eq!(error.kind, ProviderErrorKind::Temporary);

    let context = ProfileContext { metadata: None, ..test_http::profile_context() };
    let error = home.profile(None, context).fetch(test_http::request()).await.unwrap_err();
    assert_eq!(
        error.kind,
        ProviderErrorKind::Absent,
        "a source that is switched off is not configured"
    );
}

#[cfg(unix)]
#[tokio::test]
async fn the_command_of_a_profile_prints_the_key() {
    let home = ConfigFixture::new();
    let printed = r#"{"mode":"AK","access_key_id":"printed","access_key_secret":"s"}"#;
    let command = format!("printf %s '{printed}'");
    home.write(&here(json!({ "mode": "External", "process_command": command })));
    assert_eq!(home.fetch(None).await.unwrap().key_id, "printed");
}
