//! `sign` prints forms that the validator accepts, in each format, and reports forms that it cannot sign.

use insta::assert_snapshot;
use oss_emulator::oss::{AccessKey, LocalBucket, Strictness, UploadForm, Validator};
use oss_upload_signer::time;
use serde_json::Value;

use crate::support::form::{BUCKET, KEY_ID, REGION, SECRET};
use crate::support::tool::Tool;

const PLACE: [&str; 5] = ["sign", "--bucket", BUCKET, "--region", REGION];

fn with<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    [&PLACE[..], arguments].concat()
}

/// Validates a form now, and returns the key of the object.
fn validate(fields: &[(&str, &str)]) -> Result<String, String> {
    let strictness = Strictness::default();
    let mut form = UploadForm::new(&strictness);
    for (name, value) in fields {
        form.push(name, *value, &strictness).unwrap();
    }
    form.set_file(Some("a.png".to_owned()), Some("image/png".to_owned()));
    let bucket = LocalBucket { name: BUCKET.to_owned(), region: REGION.to_owned() };
    let key = AccessKey::new(KEY_ID, SECRET);
    let validator = Validator {
        bucket: &bucket,
        keys: &[key],
        strictness: &strictness,
        now: time::now().unix(),
    };
    validator
        .validate(&form)
        .map(|verdict| verdict.key)
        .map_err(|refusal| refusal.reason().to_owned())
}

fn fields(json: &Value) -> Vec<(&str, &str)> {
    let fields = json.as_object().unwrap();
    fields.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap())).collect()
}

#[tokio::test]
async fn each_format_is_a_form_that_the_validator_accepts() {
    let tool = Tool::new();
    let file = ["--filename", "a.png", "--type", "image/png", "--size", "3", "--dir", "up/"];
    let run = async |dialect| {
        let out = tool.run(&[&with(&file)[..], &["--dialect", dialect]].concat()).await.good();
        assert_eq!(out.lines().count(), 1);
        serde_json::from_str::<Value>(&out).unwrap()
    };
    let native = run("native").await;
    assert_eq!(validate(&fields(&native["uploads"][0]["fields"])), Ok("up/a.png".to_owned()));
    let short = run("fields").await;
    assert_eq!(validate(&fields(&short["fields"])), Ok("up/a.png".to_owned()));
    assert_eq!(short["url"], format!("https://{BUCKET}.oss-{REGION}.aliyuncs.com"));
    let names: Vec<_> = short.as_object().unwrap().keys().collect();
    assert_eq!(names, ["expires_at", "fields", "key", "unique", "url"]);
    let documented = run("documented").await;
    let text = |name: &str| documented[name].as_str().unwrap();
    let posted = [
        ("success_action_status", "200"),
        ("policy", text("policy")),
        ("x-oss-signature", text("signature")),
        ("x-oss-signature-version", text("x_oss_signature_version")),
        ("x-oss-credential", text("x_oss_credential")),
        ("x-oss-date", text("x_oss_date")),
        ("key", text("key")),
    ];
    assert_eq!(validate(&posted), Ok("up/a.png".to_owned()));
}

#[tokio::test]
async fn with_v1_each_format_is_a_form_that_the_validator_accepts_too() {
    let tool = Tool::new();
    let file = ["--v1", "--filename", "a.png", "--type", "image/png", "--dir", "up/"];
    let run = async |dialect| {
        let out = tool.run(&[&with(&file)[..], &["--dialect", dialect]].concat()).await.good();
        serde_json::from_str::<Value>(&out).unwrap()
    };
    let short = run("fields").await;
    assert_eq!(validate(&fields(&short["fields"])), Ok("up/a.png".to_owned()));
    assert!(short["fields"].get("x-oss-date").is_none());
    let documented = run("documented").await;
    let text = |name: &str| documented[name].as_str().unwrap();
    let posted = [
        ("success_action_status", "200"),
        ("policy", text("policy")),
        ("OSSAccessKeyId", text("accessid")),
        ("Signature", text("signature")),
        ("key", text("key")),
    ];
    assert_eq!(validate(&posted), Ok("up/a.png".to_owned()));
}

#[tokio::test]
async fn a_route_of_a_settings_file_is_signed_with_its_rules() {
    let tool = Tool::new();
    tool.write(
        "upload.toml",
        "bucket = \"file-bucket\"\nregion = \"cn-beijing\"\n[routes.avatar]\nmax_size = 10\ntypes = [\"image/*\"]\n",
    );
    let ask = ["sign", "--route", "avatar", "--filename", "a.png", "--type", "image/png"];
    let json: Value = serde_json::from_str(&tool.run(&ask).await.good()).unwrap();
    assert_eq!(json["uploads"][0]["url"], "https://file-bucket.oss-cn-beijing.aliyuncs.com");
    let large = tool.run(&[&ask[..], &["--size", "11"]].concat()).await;
    assert_eq!((large.code, large.out.as_str()), (1, ""));
    assert_snapshot!(large.err, @"oss-upload: The file has 11 bytes; at most 10 B are taken. Choose a smaller one.");
    assert_snapshot!(tool.run(&["sign", "--route", "x", "--config", "upload.toml"]).await.complaint(), @r#"oss-upload: there is no route "x"; there are avatar"#);
    assert_snapshot!(tool.run(&["sign", "--config", "none.toml"]).await.complaint(), @"oss-upload: none.toml cannot be read: No such file or directory (os error 2); correct it, or set UPLOAD_CONFIG to another file");
}

#[tokio::test]
async fn a_form_that_cannot_be_signed_gives_one_line() {
    let tool = Tool::new();
    let complaint = async |arguments: &[&str]| tool.run(&with(arguments)).await.complaint();
    assert_snapshot!(complaint(&["--max-size", "10 megs"]).await, @r#"oss-upload: --max-size "10 megs": a size is a whole number with B, KB, KiB, MB, MiB, GB or GiB. Example: --max-size 10MiB"#);
    assert_snapshot!(complaint(&["--expires", "365d"]).await, @r#"oss-upload: --expires "365d": a grant lasts from 10s to 7d, the longest that OSS accepts; V4 is capped at 7 days, and years are possible only with a long-lived key and V1 (--v1). Example: --expires 10m"#);
    assert_snapshot!(complaint(&["--dir", "up"]).await, @r#"oss-upload: --dir "up": a directory ends in '/'. Example: --dir photos/{uuid}/"#);
    assert_snapshot!(complaint(&["--content-type", "png"]).await, @r#"oss-upload: "png" is no type; write image/png"#);
    assert_snapshot!(complaint(&["--endpoint", "127.0.0.1:9100"]).await, @"oss-upload: --endpoint 127.0.0.1:9100: a bucket has no host name at an IP address; give the whole address with --upload-host");
    assert_snapshot!(complaint(&["--upload-host", "up.example.com"]).await, @r#"oss-upload: --upload-host "up.example.com": an upload host begins with https://"#);
    assert_snapshot!(tool.run(&["sign", "--region", REGION]).await.complaint(), @"oss-upload: --bucket: it is not set, and has no default. Example: --bucket my-bucket");
    assert_snapshot!(tool.run(&["sign", "--bucket", "My_Bucket", "--region", REGION]).await.complaint(), @r#"oss-upload: --bucket "My_Bucket": a bucket's name has 3 to 63 lower-case letters, digits and hyphens, with no hyphen at either end. Example: --bucket my-bucket"#);
    let keyless = Tool::new()
        .with("ALIBABA_CLOUD_ACCESS_KEY_ID", "")
        .with("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "");
    assert_snapshot!(keyless.run(&PLACE).await.complaint(), @"oss-upload: there is no key to sign with; set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET, and ALIBABA_CLOUD_SECURITY_TOKEN for a temporary key, or run `aliyun configure`");
}

#[tokio::test]
async fn an_option_overrides_the_environment_and_a_host_belongs_to_its_bucket() {
    let tool = Tool::new()
        .with("OSS_BUCKET", "other-bucket")
        .with("OSS_REGION", "cn-beijing")
        .with("OSS_UPLOAD_HOST", "https://other.example.com");
    let url = async |arguments: &[&str]| {
        let all = [arguments, &["--dialect", "fields"]].concat();
        let json: Value = serde_json::from_str(&tool.run(&all).await.good()).unwrap();
        json["url"].as_str().unwrap().to_owned()
    };
    assert_eq!(url(&["sign"]).await, "https://other.example.com");
    assert_eq!(url(&PLACE).await, format!("https://{BUCKET}.oss-{REGION}.aliyuncs.com"));
    for endpoint in ["oss-accelerate.aliyuncs.com", "examplebucket.oss-accelerate.aliyuncs.com"] {
        assert_eq!(
            url(&with(&["--endpoint", endpoint])).await,
            format!("https://{BUCKET}.oss-accelerate.aliyuncs.com")
        );
    }
}

#[tokio::test]
async fn a_route_with_subject_and_metadata_is_signed_with_the_given_ones() {
    let tool = Tool::new();
    tool.write(
        "upload.toml",
        "bucket = \"file-bucket\"\nregion = \"cn-beijing\"\n[routes.own]\nkey = \"u/{sub}/{stem}.{ext}\"\n\
         headers.cache-control = \"no-store\"\nmetadata.title = { required = true }\n",
    );
    let ask = ["sign", "--route", "own", "--filename", "A.PNG", "--dialect", "fields"];
    let run = async |more: &[&str]| tool.run(&[&ask[..], more].concat()).await;
    let given = ["--subject", "alice", "--metadata", "title=a=b"];
    let json: Value = serde_json::from_str(&run(&given).await.good()).unwrap();
    assert_eq!(json["fields"]["key"], "u/alice/A.png");
    assert_eq!(json["fields"]["Cache-Control"], "no-store");
    assert_eq!(json["fields"]["x-oss-meta-title"], "a=b");
    assert_snapshot!(run(&given[2..]).await.err, @"oss-upload: The key or the callback of this route contains {sub} of the caller, and the caller has sent none. Ask with credentials that contain it.");
    assert_snapshot!(run(&given[..2]).await.err, @r#"oss-upload: This route wants the metadata "title". Give it in the file's 'metadata'."#);
    assert_snapshot!(run(&["--metadata", "title"]).await.complaint(), @"oss-upload: invalid value 'title' for '--metadata <NAME=VALUE>': write a name, '=' and a value; --help lists the options");
}

/// Returns a tool with a home directory that has a `config.json` as `aliyun configure` writes it.
fn configured(profile: &Value) -> Tool {
    let tool = Tool::new()
        .with("ALIBABA_CLOUD_ACCESS_KEY_ID", "")
        .with("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "");
    std::fs::create_dir(tool.path(".aliyun")).unwrap();
    let config =
        serde_json::json!({ "current": "default", "profiles": [profile], "meta_path": "" });
    tool.write(".aliyun/config.json", config.to_string());
    let home = tool.folder.path().to_str().unwrap().to_owned();
    tool.with("HOME", &home)
}

#[tokio::test]
async fn without_a_key_in_the_environment_the_profile_of_aliyun_configure_signs() {
    let tool = configured(&serde_json::json!({
        "name": "default", "mode": "AK", "access_key_id": KEY_ID, "access_key_secret": SECRET,
        "region_id": REGION, "output_format": "json", "language": "en", "sts_token": "",
    }));
    let file = ["--filename", "a.png", "--type", "image/png", "--size", "3", "--dir", "up/"];
    let out = tool.run(&with(&file)).await.good();
    let native: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(validate(&fields(&native["uploads"][0]["fields"])), Ok("up/a.png".to_owned()));
    // A key in the environment takes precedence.
    let both = tool
        .with("ALIBABA_CLOUD_ACCESS_KEY_ID", "other-id")
        .with("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "other-secret");
    assert!(both.run(&with(&file)).await.good().contains("other-id"));
}

#[tokio::test]
async fn a_profile_that_cannot_sign_is_an_error_without_its_secrets() {
    let tool = configured(&serde_json::json!({
        "name": "default", "mode": "StsToken", "access_key_id": "marker", "access_key_secret": "marker",
    }));
    let home = tool.folder.path().display().to_string();
    let complaint = tool.run(&PLACE).await.complaint().replace(&home, "~");
    assert_snapshot!(complaint, @r#"oss-upload: there is no key to sign with; profile: ~/.aliyun/config.json: profile "default" of mode StsToken has no sts_token"#);
}
