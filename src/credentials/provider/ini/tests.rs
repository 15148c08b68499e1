//! Shared credentials files that vanish.

use std::fs;

use tempfile::TempDir;

use super::*;
use crate::credentials::FailureKind;
use crate::credentials::provider::found::UNKNOWN_END;
use crate::credentials::provider::scripted_http;

struct Home {
    folder: TempDir,
}

impl Home {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join(name), text).unwrap();
    }

    fn ini(&self, section: Option<&str>) -> Ini {
        let paths = ["credentials", "credentials.ini"].map(|name| self.folder.path().join(name));
        let options = IniOptions { paths: paths.into(), section: section.map(str::to_owned) };
        Ini::new(options, scripted_http::surroundings())
    }

    async fn ask(&self, section: Option<&str>) -> Result<Credentials, (FailureKind, String)> {
        let given = self.ini(section).fetch(scripted_http::errand()).await;
        let folder = self.folder.path().display().to_string();
        given.map_err(|failure| (failure.kind, failure.reason.replace(&folder, "~")))
    }
}

fn planned(text: &str) -> Result<Plan, (FailureKind, String)> {
    let section = Section::read(text, "default").unwrap().unwrap();
    plan(&section).map_err(|failure| (failure.kind, failure.reason))
}

#[tokio::test]
async fn a_secret_keeps_its_hash_and_its_semicolon() {
    let home = Home::new();
    home.write(
        "credentials",
        "\u{feff}[default]\ntype = access_key\naccess_key_id = LTAI\naccess_key_secret = a#b;c=d\n",
    );
    let given = home.ask(None).await.unwrap();
    assert_eq!((given.key_id.as_str(), given.secret.expose()), ("LTAI", "a#b;c=d"));
    assert_eq!((given.token, given.usable_until), (None, None));
}

#[tokio::test]
async fn a_comment_behind_a_value_is_refused_and_not_signed_with() {
    let home = Home::new();
    for text in [
        "[default]\ntype = access_key # marker\naccess_key_id = LTAI\naccess_key_secret = s\n",
        "[default]\ntype = access_key\naccess_key_id = LTAI # marker\naccess_key_secret = s\n",
        "[default]\ntype = access_key\naccess_key_id = LTAI\naccess_key_secret = s # marker\n",
    ] {
        home.write("credentials", text);
        let (kind, reason) = home.ask(None).await.unwrap_err();
        assert_eq!(kind, FailureKind::Permanent);
        assert!(!reason.contains("marker"), "{reason}");
    }
}

#[tokio::test]
async fn both_names_of_the_file_are_looked_at() {
    let home = Home::new();
    let key = "type = access_key\naccess_key_id = ID\naccess_key_secret = s\n";
    home.write("credentials.ini", &format!("[default]\n{}", key.replace("ID", "ini")));
    assert_eq!(home.ask(None).await.unwrap().key_id, "ini");
    home.write("credentials", &format!("[other]\n{}", key.replace("ID", "plain")));
    assert_eq!(home.ask(None).await.unwrap().key_id, "ini");
    assert_eq!(home.ask(Some("other")).await.unwrap().key_id, "plain");
    home.write("credentials", &format!("[default]\n{}", key.replace("ID", "first")));
    assert_eq!(home.ask(None).await.unwrap().key_id, "first");
}

#[tokio::test]
async fn a_token_of_unknown_end_is_counted_on_for_a_short_time() {
    let home = Home::new();
    for kind in ["sts", "access_key"] {
        home.write(
            "credentials",
            &format!(
                "[default]\ntype = {kind}\naccess_key_id = STS.a\naccess_key_secret = s\nsecurity_token = t\n"
            ),
        );
        let given = home.ask(None).await.unwrap();
        assert_eq!(given.token.unwrap().expose(), "t");
        assert_eq!(given.usable_until, Some(scripted_http::now().plus(UNKNOWN_END)));
    }
}

#[tokio::test]
async fn what_is_not_set_up_is_absent_and_says_where() {
    let home = Home::new();
    let mut said = vec![home.ask(None).await.unwrap_err()];
    for text in [
        "[other]\ntype = access_key\n",
        "[default]\ntype = access_key\naccess_key_id =\n",
        "[default]\ntype = rsa_key_pair\n",
    ] {
        home.write("credentials", text);
        said.push(home.ask(None).await.unwrap_err());
    }
    assert!(said.iter().all(|(kind, _)| *kind == FailureKind::Absent));
    let said: Vec<_> = said.into_iter().map(|(_, reason)| reason).collect();
    insta::assert_snapshot!(said.join("\n"), @r#"
    there is no ~/credentials, there is no ~/credentials.ini
    ~/credentials has no section "default", there is no ~/credentials.ini
    ~/credentials: the section has no key in it
    ~/credentials: type rsa_key_pair is not supported here; use ram_role_arn or access_key
    "#);
}

#[tokio::test]
async fn a_key_pasted_over_half_of_another_is_refused() {
    let home = Home::new();
    home.write(
        "credentials",
        "[default]\ntype = sts\naccess_key_id = STS.old\naccess_key_secret = old\nsecurity_token = old\n\
         [default]\ntype = access_key\naccess_key_id = new\naccess_key_secret = new\n",
    );
    let (kind, reason) = home.ask(None).await.unwrap_err();
    assert_eq!(kind, FailureKind::Permanent);
    insta::assert_snapshot!(reason, @"~/credentials: line 6 begins the section a second time");
}

#[tokio::test]
async fn a_repaired_file_is_believed_at_once() {
    let home = Home::new();
    let ini = home.ini(None);
    assert!(ini.fetch(scripted_http::errand()).await.is_err());
    home.write("credentials", "[default]\nnonsense");
    assert!(ini.fetch(scripted_http::errand()).await.is_err());
    home.write(
        "credentials",
        "[default]\ntype = access_key\naccess_key_id = LTAI\naccess_key_secret = s\n",
    );
    assert_eq!(ini.fetch(scripted_http::errand()).await.unwrap().key_id, "LTAI");
}

#[test]
fn half_a_section_is_set_up_wrongly() {
    let said = [
        "access_key_id = LTAI",
        "type = marker",
        "type = sts\naccess_key_id = i\naccess_key_secret = s",
        "type = ram_role_arn\naccess_key_id = i\naccess_key_secret = s",
        "type = ram_role_arn\nrole_arn = a\naccess_key_id = i\naccess_key_secret = s\nduration_seconds = marker",
        "type = oidc_role_arn\nrole_arn = a",
        "type = oidc_role_arn\nrole_arn = a\noidc_provider_arn = p",
    ]
    .map(|keys| {
        let (kind, reason) = planned(&format!("[default]\n{keys}")).unwrap_err();
        assert_eq!(kind, FailureKind::Permanent, "{reason}");
        reason
    });
    let said = said.join("\n");
    assert!(!said.contains("marker"), "{said}");
    insta::assert_snapshot!(said, @"
    the section has no type, such as type = access_key
    the section's type is none of access_key, sts, ecs_ram_role, ram_role_arn, oidc_role_arn; comments stand on lines of their own
    the section has no security_token
    the section has no role_arn
    duration_seconds is no number
    the section has no oidc_provider_arn
    the section has no oidc_token_file
    ");
}

#[test]
fn every_type_becomes_its_plan() {
    let keys = "role_arn = acs:ram::1:role/r\nrole_session_name = s\npolicy = {\"a\": \"b # c\"}\n\
        access_key_id = id\naccess_key_secret = marker\nrole_name = r\noidc_provider_arn = p\n\
        oidc_token_file_path = /t\nsts_region = cn-hangzhou\nenable_vpc = True\nduration_seconds = 900";
    let plans = ["ram_role_arn", "ecs_ram_role", "oidc_role_arn"].map(|kind| {
        format!("{:?}", planned(&format!("[default]\ntype = {kind}\n{keys}")).unwrap())
    });
    let plans = plans.join("\n");
    assert!(!plans.contains("marker"), "{plans}");
    insta::assert_snapshot!(plans, @r#"
    AssumeRole { base: Key(Found { key_id: Some("id"), secret: Some(Secret(…)), token: None, expiration: None }), role: Role { arn: Some("acs:ram::1:role/r"), session_name: Some("s"), seconds: Some(900), external_id: None, policy: Some("{\"a\": \"b # c\"}"), sts_endpoint: None, sts_region: Some("cn-hangzhou"), vpc: true } }
    Metadata { role: Some("r") }
    Oidc { provider_arn: "p", token_file: "/t", role: Role { arn: Some("acs:ram::1:role/r"), session_name: Some("s"), seconds: Some(900), external_id: None, policy: Some("{\"a\": \"b # c\"}"), sts_endpoint: None, sts_region: Some("cn-hangzhou"), vpc: true } }
    "#);
}
