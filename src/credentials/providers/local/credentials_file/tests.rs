//! Shared credentials files in a temporary directory.

use std::fs;

use tempfile::TempDir;

use super::*;
use crate::credentials::ProviderErrorKind;
use crate::credentials::providers::raw_credentials::UNKNOWN_END;
use crate::credentials::providers::test_http;

struct FileFixture {
    folder: TempDir,
}

impl FileFixture {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join(name), text).unwrap();
    }

    fn file(&self, section: Option<&str>) -> CredentialsFile {
        let paths = ["credentials", "credentials.ini"].map(|name| self.folder.path().join(name));
        let options =
            CredentialsFileOptions { paths: paths.into(), section: section.map(str::to_owned) };
        CredentialsFile::new(options, test_http::profile_context())
    }

    async fn fetch(
        &self,
        section: Option<&str>,
    ) -> Result<Credentials, (ProviderErrorKind, String)> {
        let given = self.file(section).fetch(test_http::request()).await;
        let folder = self.folder.path().display().to_string();
        given.map_err(|error| (error.kind, error.reason.replace(&folder, "~")))
    }
}

fn source_of(text: &str) -> Result<ProfileSource, (ProviderErrorKind, String)> {
    let section = IniSection::read(text, "default").unwrap().unwrap();
    source(&section).map_err(|error| (error.kind, error.reason))
}

#[tokio::test]
async fn a_secret_may_contain_hashes_and_semicolons() {
    let home = FileFixture::new();
    home.write(
        "credentials",
        "\u{feff}[default]\ntype = access_key\naccess_key_id = LTAI\naccess_key_secret = a#b;c=d\n",
    );
    let given = home.fetch(None).await.unwrap();
    assert_eq!((given.key_id.as_str(), given.secret.expose()), ("LTAI", "a#b;c=d"));
    assert_eq!((given.token, given.usable_until), (None, None));
}

#[tokio::test]
async fn a_comment_after_a_value_is_an_error_and_not_part_of_a_key() {
    let home = FileFixture::new();
    for text in [
        "[default]\ntype = access_key # marker\naccess_key_id = LTAI\naccess_key_secret = s\n",
        "[default]\ntype = access_key\naccess_key_id = LTAI # marker\naccess_key_secret = s\n",
        "[default]\ntype = access_key\naccess_key_id = LTAI\naccess_key_secret = s # marker\n",
    ] {
        home.write("credentials", text);
        let (kind, reason) = home.fetch(None).await.unwrap_err();
        assert_eq!(kind, ProviderErrorKind::Permanent);
        assert!(!reason.contains("marker"), "{reason}");
    }
}

#[tokio::test]
async fn both_names_of_the_file_are_tried() {
    let home = FileFixture::new();
    let key = "type = access_key\naccess_key_id = ID\naccess_key_secret = s\n";
    home.write("credentials.ini", &format!("[default]\n{}", key.replace("ID", "ini")));
    assert_eq!(home.fetch(None).await.unwrap().key_id, "ini");
    home.write("credentials", &format!("[other]\n{}", key.replace("ID", "plain")));
    assert_eq!(home.fetch(None).await.unwrap().key_id, "ini");
    assert_eq!(home.fetch(Some("other")).await.unwrap().key_id, "plain");
    home.write("credentials", &format!("[default]\n{}", key.replace("ID", "first")));
    assert_eq!(home.fetch(None).await.unwrap().key_id, "first");
}

#[tokio::test]
async fn a_token_without_a_stated_end_is_used_for_a_short_time() {
    let home = FileFixture::new();
    for kind in ["sts", "access_key"] {
        home.write(
            "credentials",
            &format!(
                "[default]\ntype = {kind}\naccess_key_id = STS.a\naccess_key_secret = s\nsecurity_token = t\n"
            ),
        );
        let given = home.fetch(None).await.unwrap();
        assert_eq!(given.token.unwrap().expose(), "t");
        assert_eq!(given.usable_until, Some(test_http::now().plus(UNKNOWN_END)));
    }
}

#[tokio::test]
async fn a_source_that_is_not_configured_names_its_files() {
    let home = FileFixture::new();
    let mut errors = vec![home.fetch(None).await.unwrap_err()];
    for text in [
        "[other]\ntype = access_key\n",
        "[default]\ntype = access_key\naccess_key_id =\n",
        "[default]\ntype = rsa_key_pair\n",
    ] {
        home.write("credentials", text);
        errors.push(home.fetch(None).await.unwrap_err());
    }
    assert!(errors.iter().all(|(kind, _)| *kind == ProviderErrorKind::Absent));
    let errors: Vec<_> = errors.into_iter().map(|(_, reason)| reason).collect();
    insta::assert_snapshot!(errors.join("\n"), @r#"
    there is no ~/credentials, there is no ~/credentials.ini
    ~/credentials has no section "default", there is no ~/credentials.ini
    ~/credentials: the section has no key in it
    ~/credentials: type rsa_key_pair is not supported here; use ram_role_arn or access_key
    "#);
}

#[tokio::test]
async fn a_key_that_is_mixed_with_another_one_is_refused() {
    let home = FileFixture::new();
    home.write(
        "credentials",
        "[default]\ntype = sts\naccess_key_id = STS.old\naccess_key_secret = old\nsecurity_token = old\n\
         [default]\ntype = access_key\naccess_key_id = new\naccess_key_secret = new\n",
    );
    let (kind, reason) = home.fetch(None).await.unwrap_err();
    assert_eq!(kind, ProviderErrorKind::Permanent);
    insta::assert_snapshot!(reason, @"~/credentials: line 6 begins the section a second time");
}

#[tokio::test]
async fn a_corrected_file_has_an_effect_at_once() {
    let home = FileFixture::new();
    let file = home.file(None);
    assert!(file.fetch(test_http::request()).await.is_err());
    home.write("credentials", "[default]\nnonsense");
    assert!(file.fetch(test_http::request()).await.is_err());
    home.write(
        "credentials",
        "[default]\ntype = access_key\naccess_key_id = LTAI\naccess_key_secret = s\n",
    );
    assert_eq!(file.fetch(test_http::request()).await.unwrap().key_id, "LTAI");
}

#[test]
fn an_incomplete_section_is_an_error() {
    let errors = [
        "access_key_id = LTAI",
        "type = marker",
        "type = sts\naccess_key_id = i\naccess_key_secret = s",
        "type = ram_role_arn\naccess_key_id = i\naccess_key_secret = s",
        "type = ram_role_arn\nrole_arn = a\naccess_key_id = i\naccess_key_secret = s\nduration_seconds = marker",
        "type = oidc_role_arn\nrole_arn = a",
        "type = oidc_role_arn\nrole_arn = a\noidc_provider_arn = p",
    ]
    .map(|keys| {
        let (kind, reason) = source_of(&format!("[default]\n{keys}")).unwrap_err();
        assert_eq!(kind, ProviderErrorKind::Permanent, "{reason}");
        reason
    });
    let errors = errors.join("\n");
    assert!(!errors.contains("marker"), "{errors}");
    insta::assert_snapshot!(errors, @"
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
fn each_type_is_read_into_its_source() {
    let keys = "role_arn = acs:ram::1:role/r\nrole_session_name = s\npolicy = {\"a\": \"b # c\"}\n\
        access_key_id = id\naccess_key_secret = marker\nrole_name = r\noidc_provider_arn = p\n\
        oidc_token_file_path = /t\nsts_region = cn-hangzhou\nenable_vpc = True\nduration_seconds = 900";
    let sources = ["ram_role_arn", "ecs_ram_role", "oidc_role_arn"].map(|kind| {
        format!("{:?}", source_of(&format!("[default]\ntype = {kind}\n{keys}")).unwrap())
    });
    let sources = sources.join("\n");
    assert!(!sources.contains("marker"), "{sources}");
    insta::assert_snapshot!(sources, @r#"
    AssumeRole { base: Static(RawCredentials { key_id: Some("id"), secret: Some(Secret(…)), token: None, expiration: None }), role: ProfileRole { arn: Some("acs:ram::1:role/r"), session_name: Some("s"), seconds: Some(900), external_id: None, policy: Some("{\"a\": \"b # c\"}"), sts_endpoint: None, sts_region: Some("cn-hangzhou"), vpc: true } }
    Metadata { role: Some("r") }
    Oidc { provider_arn: "p", token_file: "/t", role: ProfileRole { arn: Some("acs:ram::1:role/r"), session_name: Some("s"), seconds: Some(900), external_id: None, policy: Some("{\"a\": \"b # c\"}"), sts_endpoint: None, sts_region: Some("cn-hangzhou"), vpc: true } }
    "#);
}

fn value(text: &str, key: &str) -> Result<Option<String>, String> {
    let section = IniSection::read(text, "default").map_err(|error| error.reason)?;
    Ok(section.and_then(|section| section.text(key)))
}

#[test]
fn a_value_may_contain_hashes_semicolons_equal_signs_and_spaces() {
    let text = "[default]\n  k = a#b;c = d e  \n";
    assert_eq!(value(text, "k").unwrap().unwrap(), "a#b;c = d e");
}

#[test]
fn comments_blank_lines_and_other_sections_are_ignored() {
    let text = "# k = 1\r\n; k = 2\r\n[other]\r\nk = 3\r\nnonsense\r\n\r\n[ default ]\r\n# k\r\nK='4'\r\n[last]\r\nk = 5\r\n";
    assert_eq!(value(text, "k").unwrap().unwrap(), "4");
    assert_eq!(value(text, "absent").unwrap(), None);
    assert_eq!(value("[other]\nk = 1", "k").unwrap(), None);
    assert_eq!(value("[default]\nk =", "k").unwrap(), None);
}

#[test]
fn an_error_names_its_line_and_never_its_text() {
    let table = [
        ("[default]\nmarker", "line 2 is neither a section nor key = value"),
        ("\n[default", "line 2 opens a section and does not close it"),
        ("[default]\nk = 1\nk = 2", "line 3 gives a key a second time"),
        ("[default]\n[other]\n[default]", "line 3 begins the section a second time"),
    ];
    for (text, reason) in table {
        assert_eq!(value(text, "k"), Err(reason.to_owned()), "{text}");
    }
}
