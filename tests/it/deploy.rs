//! The deployment files agree with the function: `s.yaml`, `bootstrap`, the settings, the binary.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use oss_upload_signer::config::Settings;
use oss_upload_signer::config::environment::Environment;
use oss_upload_signer::time::Timestamp;
use yaml_rust2::{Yaml, YamlLoader};

use crate::support::app::NOW;
use crate::support::port::free_port;
use crate::support::wait::Lines;
use crate::support::{PROJECT, function_binary};

fn file(name: &str) -> PathBuf {
    Path::new(PROJECT).join(name)
}

fn props() -> Yaml {
    let text = fs::read_to_string(file("s.yaml")).unwrap();
    YamlLoader::load_from_str(&text).unwrap()[0]["resources"]["signer"]["props"].clone()
}

/// The variables of the deployed function, all of them set to `value`.
fn variables(value: &str) -> BTreeMap<String, String> {
    let variables = props()["environmentVariables"].as_hash().unwrap().clone();
    variables.into_iter().map(|(name, _)| (name.into_string().unwrap(), value.to_owned())).collect()
}

#[test]
fn every_variable_of_the_deployment_is_a_setting() {
    let environment: Environment = variables("!").into_iter().collect();
    let now = Timestamp::from_unix(NOW).unwrap();
    let errors = Settings::load(&environment, None, now).unwrap_err().to_string();
    for name in variables("").keys() {
        // Errors about secrets do not show their value, and some settings take any text; but an unknown name
        // of ours is an error of its own.
        let is_shown = errors.contains(&format!("{name} = \"!\""));
        let is_unknown = errors.contains(&format!("{name}: there is no such setting"));
        let is_read = is_shown || (name.starts_with("UPLOAD_") && !is_unknown);
        assert!(is_read, "{name} is not a setting: {errors}");
    }
}

#[test]
fn an_empty_variable_counts_as_unset() {
    let mut all = variables("");
    for (name, value) in
        [("OSS_BUCKET", "my-bucket"), ("OSS_REGION", "cn-hangzhou"), ("UPLOAD_AUTH", "anonymous")]
    {
        *all.get_mut(name).unwrap() = value.to_owned();
    }
    let now = Timestamp::from_unix(NOW).unwrap();
    Settings::load(&all.into_iter().collect(), None, now).unwrap();
}

#[test]
fn the_deployment_listens_where_the_function_does() {
    let port = fc_http::port(|_| None).unwrap();
    assert_eq!(props()["customRuntimeConfig"]["port"].as_i64(), Some(i64::from(port)));
}

#[test]
fn the_trigger_lets_every_method_of_the_api_pass() {
    let methods = props()["triggers"][0]["triggerConfig"]["methods"].clone();
    let methods: Vec<_> =
        methods.as_vec().unwrap().iter().map(|method| method.as_str().unwrap()).collect();
    // Those of openapi.json, which a test holds against the router, and what browsers and monitors send.
    let description: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(file("src/http/web/openapi.json")).unwrap())
            .unwrap();
    let paths = description["paths"].as_object().unwrap();
    let described = paths.values().flat_map(|path| path.as_object().unwrap().keys());
    let verbs = ["get", "head", "post", "put", "patch", "delete", "options"];
    let described =
        described.filter(|name| verbs.contains(&name.as_str())).map(|name| name.to_uppercase());
    let needed: BTreeSet<_> = described.chain(["HEAD".to_owned(), "OPTIONS".to_owned()]).collect();
    assert_eq!(methods.iter().map(|method| (*method).to_owned()).collect::<BTreeSet<_>>(), needed);
}

#[test]
fn the_command_and_bootstrap_name_the_binary_that_is_built() {
    let binary = function_binary();
    let name = binary.file_name().unwrap().to_str().unwrap();
    let command = props()["customRuntimeConfig"]["command"][0].as_str().unwrap().to_owned();
    assert_eq!(command, format!("/code/{name}"));
    let bootstrap = fs::read_to_string(file("bootstrap")).unwrap();
    assert!(bootstrap.ends_with(&format!("exec \"$(dirname \"$0\")/{name}\"\n")), "{bootstrap}");
}

#[test]
fn bootstrap_can_be_started_by_the_platform() {
    let mode = fs::metadata(file("bootstrap")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o755);
    let bytes = fs::read(file("bootstrap")).unwrap();
    assert!(bytes.starts_with(b"#!/bin/sh\n") && !bytes.contains(&b'\r'));
}

/// A process that ends with its test.
struct Instance(Child);

impl Drop for Instance {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Lays out a code folder as the platform unpacks it. Nothing is written: a file that is open for
/// writing cannot be started, and a child that another test is starting just then would keep it open.
fn code() -> tempfile::TempDir {
    let code = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    symlink(file("bootstrap"), code.path().join("bootstrap")).unwrap();
    fs::hard_link(function_binary(), code.path().join("oss-upload-signer")).unwrap();
    code
}

#[test]
fn a_code_folder_starts_by_its_bootstrap_and_reads_the_settings_beside_it() {
    let code = code();
    let settings = "bucket = \"my-bucket\"\nregion = \"cn-hangzhou\"\nauth = \"anonymous\"\n";
    fs::write(code.path().join("upload.toml"), settings).unwrap();
    let port = free_port();
    let child = Command::new(code.path().join("bootstrap"))
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("FC_CUSTOM_LISTEN_PORT", port.to_string())
        .current_dir("/")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut instance = Instance(child);
    // Two lines and it listens: the warning that it is open, and where.
    let log = Lines::of(instance.0.stdout.take().unwrap());
    log.find("where it listens", |line| line.contains("listening"));
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.write_all(b"GET /t/v1.a.b/uploads HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
    let line = log.find("the answer", |line| line.contains("answered 404"));
    assert!(line.contains("GET /t/…/uploads answered 404"), "a ticket was logged: {line}");
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.write_all(b"GET /health HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
}

#[test]
fn a_function_with_invalid_settings_prints_every_error_and_does_not_start() {
    let outcome = Command::new(code().path().join("bootstrap"))
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("OSS_BUCKET", "My_Bucket")
        .output()
        .unwrap();
    assert_eq!(outcome.status.code(), Some(1));
    insta::assert_snapshot!(String::from_utf8(outcome.stderr).unwrap(), @r#"
    oss-upload-signer: 3 problems with the settings; nothing was started
      UPLOAD_AUTH: it is not set, and has no default. Example: UPLOAD_AUTH=anonymous
      OSS_BUCKET = "My_Bucket": a bucket's name has 3 to 63 lower-case letters, digits and hyphens, with no hyphen at either end. Example: OSS_BUCKET=my-bucket
      OSS_REGION: it is not set, and has no default. Example: OSS_REGION=cn-hangzhou
    "#);
}
