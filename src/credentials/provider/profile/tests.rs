//! Profiles in files that vanish.

use std::fs;

use serde_json::Value;
use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::credentials::FailureKind;
use crate::credentials::provider::found::UNKNOWN_END;
use crate::credentials::provider::plan::Plan;
use crate::credentials::provider::scripted_http;
use crate::credentials::provider::scripted_http::Script;
use crate::credentials::provider::scripted_http::answer;

struct Home {
    folder: TempDir,
}

impl Home {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("config.json")
    }

    fn write(&self, text: &str) {
        fs::write(self.path(), text).unwrap();
    }

    fn profile(&self, name: Option<&str>, around: Surroundings) -> Profile {
        let options = ProfileOptions { path: self.path(), name: name.map(str::to_owned) };
        Profile::new(options, around)
    }

    async fn ask(&self, name: Option<&str>) -> Result<Credentials, (FailureKind, String)> {
        let profile = self.profile(name, scripted_http::surroundings());
        let given = profile.fetch(scripted_http::errand()).await;
        let folder = self.folder.path().display().to_string();
        given.map_err(|failure| (failure.kind, failure.reason.replace(&folder, "~")))
    }
}

fn config(profiles: &Value) -> String {
    json!({ "current": "here", "profiles": profiles }).to_string()
}

fn here(mut profile: Value) -> String {
    profile["name"] = "here".into();
    config(&json!([profile]))
}

fn plan(text: &str) -> Result<Plan, (FailureKind, String)> {
    file::read(text, None).map_err(|failure| (failure.kind, failure.reason))
}

#[tokio::test]
async fn a_key_is_taken_from_the_current_or_the_named_profile() {
    let home = Home::new();
    home.write(&config(&json!([
        { "name": "other", "mode": "AK", "access_key_id": "LTAI2", "access_key_secret": "s2" },
        { "name": "here", "mode": "AK", "access_key_id": "LTAI1", "access_key_secret": "s1",
          "sts_token": "", "sts_expiration": 1, "expired_seconds": 0, "language": "en" },
    ])));
    let given = home.ask(None).await.unwrap();
    assert_eq!((given.key_id.as_str(), given.secret.expose()), ("LTAI1", "s1"));
    assert_eq!((given.token, given.usable_until), (None, None));
    assert_eq!(home.ask(Some("other")).await.unwrap().key_id, "LTAI2");
}

#[tokio::test]
async fn a_temporary_key_ends_when_the_file_says_or_soon() {
    let home = Home::new();
    let mut profile = json!({ "mode": "StsToken", "access_key_id": "STS.a",
        "access_key_secret": "s", "sts_token": "t" });
    home.write(&here(profile.clone()));
    let given = home.ask(None).await.unwrap();
    assert_eq!(given.token.unwrap().expose(), "t");
    assert_eq!(given.usable_until, Some(scripted_http::now().plus(UNKNOWN_END)));

    profile["sts_expiration"] = 1_893_575_045.into();
    home.write(&here(profile.clone()));
    let end = home.ask(None).await.unwrap().usable_until.unwrap();
    assert_eq!(end.rfc3339(), "2030-01-02T09:04:05Z");

    profile["sts_expiration"] = 1_700_000_000.into();
    home.write(&here(profile));
    let (kind, reason) = home.ask(None).await.unwrap_err();
    assert_eq!(kind, FailureKind::Permanent);
    insta::assert_snapshot!(reason, @"~/config.json: its key is of no use: it ended at 2023-11-14T22:13:20Z");
}

#[tokio::test]
async fn no_file_no_profile_and_no_key_are_absent_and_never_an_empty_source() {
    let home = Home::new();
    let mut said = vec![home.ask(None).await.unwrap_err()];
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
        said.push(home.ask(None).await.unwrap_err());
    }
    assert!(said.iter().all(|(kind, _)| *kind == FailureKind::Absent));
    let said: Vec<_> = said.into_iter().map(|(_, reason)| reason).collect();
    insta::assert_snapshot!(said.join("\n"), @r#"
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
async fn a_repaired_file_is_believed_at_once() {
    let home = Home::new();
    let profile = home.profile(None, scripted_http::surroundings());
    assert!(profile.fetch(scripted_http::errand()).await.is_err());
    home.write("{");
    assert!(profile.fetch(scripted_http::errand()).await.is_err());
    for id in ["first", "second"] {
        home.write(&here(json!({ "mode": "StsToken", "access_key_id": id,
            "access_key_secret": format!("{id}-secret"), "sts_token": format!("{id}-token") })));
        let given = profile.fetch(scripted_http::errand()).await.unwrap();
        assert_eq!(given.key_id, id);
        assert_eq!(given.secret.expose(), format!("{id}-secret"));
        assert_eq!(given.token.unwrap().expose(), format!("{id}-token"));
    }
}

#[tokio::test]
async fn what_is_not_json_names_its_line_and_never_its_content() {
    let home = Home::new();
    for text in [
        "{\n \"profiles\": [\n  marker",
        "{\n \"profiles\": [\n  { \"access_key_secret\": [\"marker\"] } ] }",
        "{\n \"profiles\": [\n  { \"expired_seconds\": \"marker\" } ] }",
    ] {
        home.write(text);
        let (kind, reason) = home.ask(None).await.unwrap_err();
        assert_eq!(kind, FailureKind::Permanent);
        assert!(reason.contains("line 3") && !reason.contains("marker"), "{reason}");
    }
}

#[test]
fn half_a_profile_is_set_up_wrongly() {
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
    let said = table.map(|profile| {
        let (kind, reason) = plan(&here(profile)).unwrap_err();
        assert_eq!(kind, FailureKind::Permanent, "{reason}");
        reason
    });
    insta::assert_snapshot!(said.join("\n"), @r#"
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
fn every_mode_becomes_its_plan() {
    let role = json!({ "ram_role_arn": "acs:ram::1:role/r", "ram_session_name": "s",
        "expired_seconds": 1200, "duration_seconds": 1800, "sts_region": "cn-hangzhou",
        "enable_vpc": true, "external_id": "x", "policy": "{}", "access_key_id": "id",
        "access_key_secret": "marker", "oidc_provider_arn": "p", "oidc_token_file": "/t",
        "ram_role_name": "r", "process_command": "get marker" });
    let plans = ["RamRoleArn", "EcsRamRole", "OIDC", "External"].map(|mode| {
        let mut profile = role.clone();
        profile["mode"] = mode.into();
        format!("{:?}", plan(&here(profile)).unwrap())
    });
    let plans = plans.join("\n");
    assert!(!plans.contains("marker"), "{plans}");
    insta::assert_snapshot!(plans, @r#"
    AssumeRole { base: Key(Found { key_id: Some("id"), secret: Some(Secret(…)), token: None, expiration: None }), role: Role { arn: Some("acs:ram::1:role/r"), session_name: Some("s"), seconds: Some(1200), external_id: Some("x"), policy: Some("{}"), sts_endpoint: None, sts_region: Some("cn-hangzhou"), vpc: true } }
    Metadata { role: Some("r") }
    Oidc { provider_arn: "p", token_file: "/t", role: Role { arn: Some("acs:ram::1:role/r"), session_name: Some("s"), seconds: Some(1200), external_id: Some("x"), policy: Some("{}"), sts_endpoint: None, sts_region: Some("cn-hangzhou"), vpc: true } }
    External { command: Secret(…) }
    "#);
}

#[test]
fn a_session_name_and_a_duration_are_read_by_both_of_their_names() {
    let profile = json!({ "mode": "OIDC", "ram_role_arn": "a", "oidc_provider_arn": "p",
        "oidc_token_file": "/t", "role_session_name": "python", "duration_seconds": 1800 });
    let Ok(Plan::Oidc { role, .. }) = plan(&here(profile)) else { panic!() };
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
fn roles_lean_on_one_another() {
    let text = chain(&[("here", "middle"), ("middle", "root")]);
    let Ok(Plan::AssumeRole { base, role }) = plan(&text) else { panic!() };
    assert_eq!(role.arn.as_deref(), Some("acs:ram::1:role/here"));
    let Plan::AssumeRole { base, role } = *base else { panic!() };
    assert_eq!(role.arn.as_deref(), Some("acs:ram::1:role/middle"));
    assert!(matches!(*base, Plan::Key(_)));
}

#[test]
fn a_circle_of_profiles_is_named() {
    let (kind, reason) = plan(&chain(&[("here", "b"), ("b", "c"), ("c", "b")])).unwrap_err();
    assert_eq!(kind, FailureKind::Permanent);
    insta::assert_snapshot!(reason, @"source_profile goes in a circle: here -> b -> c -> b");
    assert!(plan(&chain(&[("here", "here")])).is_err());
    let long = [("here", "1"), ("1", "2"), ("2", "3"), ("3", "4"), ("4", "root")];
    insta::assert_snapshot!(plan(&chain(&long)).unwrap_err().1, @"more than 5 profiles lean on one another by source_profile");
    assert!(plan(&chain(&[("here", "2"), ("2", "3"), ("3", "4"), ("4", "root")])).is_ok());
}

#[tokio::test]
async fn the_instance_s_role_is_asked_for_by_the_profile_s_name() {
    let home = Home::new();
    home.write(&here(json!({ "mode": "EcsRamRole", "ram_role_name": "mine" })));
    let script = Script::new([answer(200, "token"), answer(404, "")]);
    let profile = home.profile(None, scripted_http::surroundings_with(script.clone()));
    let failure = profile.fetch(scripted_http::errand()).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Permanent);
    assert!(script.lines()[1].ends_with("/security-credentials/mine"));
}

#[tokio::test]
async fn a_source_that_a_profile_names_is_never_absent() {
    let home = Home::new();
    home.write(&here(json!({ "mode": "EcsRamRole" })));
    let script = Script::new([Err(crate::net::SendError::TimedOut)]);
    let profile = home.profile(None, scripted_http::surroundings_with(script));
    let failure = profile.fetch(scripted_http::errand()).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Temporary);

    let around = Surroundings { metadata: None, ..scripted_http::surroundings() };
    let failure = home.profile(None, around).fetch(scripted_http::errand()).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Absent, "switched off is another matter");
}

#[cfg(unix)]
#[tokio::test]
async fn a_profile_s_command_prints_the_key() {
    let home = Home::new();
    let printed = r#"{"mode":"AK","access_key_id":"printed","access_key_secret":"s"}"#;
    let command = format!("printf %s '{printed}'");
    home.write(&here(json!({ "mode": "External", "process_command": command })));
    assert_eq!(home.ask(None).await.unwrap().key_id, "printed");
}
