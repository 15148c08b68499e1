//! `check` prints what settings mean, or every error in them.

use insta::assert_snapshot;

use crate::support::tool::Tool;

const FILE: &str = r#"
bucket = "my-bucket"
region = "cn-hangzhou"
auth = "anonymous"

[routes.avatar]
key = "avatars/{uuid}.{ext}"
types = ["image/png", "image/jpeg"]
extensions = ["png", "jpg"]
max_size = "2MiB"
max_files = 1
overwrite = true
headers.cache-control = "public, max-age=31536000"

[routes.documents]
dir = "documents/{sub}/"
expires = "1h"
success_status = 201
[routes.documents.metadata]
project = { pattern = "[a-z]{2,8}-[0-9]+", required = true }
"#;

const ODD: &str = r#"
bucket = "my-bucket"
region = "cn-hangzhou"
auth = "anonymous"
[routes.odd]
signature = "v1"
types = ["font/*"]
[routes.odd.metadata]
serial = { pattern = "X{40}", required = true }
"#;

/// The tool without credentials: `check` needs none.
fn tool() -> Tool {
    Tool::new().with("ALIBABA_CLOUD_ACCESS_KEY_ID", "").with("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "")
}

/// Removes the lines that depend on the time, and those with a test of their own.
fn steady(said: &str) -> String {
    let left_out = ["\"expiration\"", "x-oss-credential", "x-oss-date", "  admits  ", "  signs  "];
    let lines = said.lines().filter(|line| !left_out.iter().any(|name| line.contains(name)));
    let lines = lines.map(|line| match line.split_once("uploads/2") {
        Some((before, after)) => format!("{before}uploads/<day>{}", &after["024/11/27".len()..]),
        None => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Checks [`FILE`] and returns what `check` prints before and after the route `documents`.
async fn check_file() -> (String, String) {
    let tool = tool();
    tool.write("upload.toml", FILE);
    let said = steady(&tool.run(&["check"]).await.good());
    let at = said.find("route documents").unwrap();
    (said[..at].to_owned(), said[at..].to_owned())
}

#[tokio::test]
async fn a_route_is_described_with_its_settings_and_the_policy_that_it_signs() {
    assert_snapshot!(check_file().await.0, @r#"
    route avatar
      keys       avatars/{uuid}.{ext}, one for each grant; an upload replaces what is there
      posts to   https://my-bucket.oss-cn-hangzhou.aliyuncs.com
      set        auth = anonymous (upload.toml line 4)
      set        bucket = my-bucket (upload.toml line 2)
      set        region = cn-hangzhou (upload.toml line 3)
      set        key = avatars/{uuid}.{ext} (upload.toml line 7)
      set        max_size = 2MiB (upload.toml line 10)
      set        types = image/png, image/jpeg (upload.toml line 8)
      set        extensions = png, jpg (upload.toml line 9)
      set        max_files = 1 (upload.toml line 11)
      set        overwrite = true (upload.toml line 12)
      set        headers.cache-control = public, max-age=31536000 (upload.toml line 13)
      default    min_size = 1B, expires = 10m, success_status = 200, signature = v4, session = shared
      page       the documentation's page is refused: This route fixes fields that the form of this call does not carry: Cache-Control. Ask with POST /uploads and post every field of the answer.
      example    example.png (image/png, 1 MiB) becomes avatars/5e5e5e5e-5e5e-4e5e-9e5e-5e5e5e5e5e5e.png, with the policy
      {
        "conditions": [
          {"bucket":"my-bucket"},
          {"x-oss-signature-version":"OSS4-HMAC-SHA256"},
          {"x-oss-security-token":"example-token"},
          {"success_action_status":"200"},
          {"x-oss-content-type":"image/png"},
          {"cache-control":"public, max-age=31536000"},
          {"key":"avatars/5e5e5e5e-5e5e-4e5e-9e5e-5e5e5e5e5e5e.png"},
          ["content-length-range",1048576,1048576]
        ]
      }
    "#);
}

#[tokio::test]
async fn a_route_with_metadata_is_described_with_an_example_of_it() {
    assert_snapshot!(check_file().await.1, @r#"
    route documents
      keys       documents/{sub}/ and the file's name; POST /uploads never replaces what is there
      posts to   https://my-bucket.oss-cn-hangzhou.aliyuncs.com
      metadata   project, required, like [a-z]{2,8}-[0-9]+
      set        auth = anonymous (upload.toml line 4)
      set        bucket = my-bucket (upload.toml line 2)
      set        region = cn-hangzhou (upload.toml line 3)
      set        dir = documents/{sub}/ (upload.toml line 16)
      set        expires = 1h (upload.toml line 17)
      set        success_status = 201 (upload.toml line 18)
      default    min_size = 1B, max_size = 100MiB, max_files = 100, overwrite = false, signature = v4, session = shared
      page       the documentation's page is refused: This route fixes fields that the form of this call does not carry: success_action_status, x-oss-meta-project. Ask with POST /uploads and post every field of the answer.
      example    example.png (image/png, 1 MiB) becomes documents/alice/example.png, with the policy
      {
        "conditions": [
          {"bucket":"my-bucket"},
          {"x-oss-signature-version":"OSS4-HMAC-SHA256"},
          {"x-oss-security-token":"example-token"},
          {"success_action_status":"201"},
          {"x-oss-forbid-overwrite":"true"},
          {"x-oss-content-type":"image/png"},
          {"x-oss-meta-project":"example-1"},
          {"key":"documents/alice/example.png"},
          ["content-length-range",1048576,1048576]
        ]
      }

    warning: auth is 'anonymous': whoever reaches this address may upload within the routes' limits
    warning: route 'documents' puts all uploads into 'documents/{sub}/': uploads of one name can collide; add {uuid}/ to give each grant a directory of its own
    warning: route 'documents' uses attributes of the caller in its keys, file names or callback, and its auth admits callers without credentials: their requests are refused with caller_unknown
    "#);
}

#[tokio::test]
async fn a_route_without_a_possible_example_is_described() {
    let tool = tool();
    tool.write("upload.toml", ODD);
    assert_snapshot!(steady(&tool.run(&["check"]).await.good()), @"
    route odd
      keys       uploads/{yyyy}/{mm}/{dd}/{uuid}/ and the file's name, one for each grant; POST /uploads never replaces what is there
      posts to   https://my-bucket.oss-cn-hangzhou.aliyuncs.com
      metadata   serial, required, like X{40}
      set        auth = anonymous (upload.toml line 4)
      set        bucket = my-bucket (upload.toml line 2)
      set        region = cn-hangzhou (upload.toml line 3)
      set        types = font/* (upload.toml line 7)
      set        signature = v1 (upload.toml line 6)
      default    dir = uploads/{yyyy}/{mm}/{dd}/{uuid}/, min_size = 1B, max_size = 100MiB, max_files = 100, expires = 10m, overwrite = false, success_status = 200, session = shared
      page       the documentation's page is refused: This route fixes fields that the form of this call does not carry: x-oss-meta-serial. Ask with POST /uploads and post every field of the answer.
      example    none: the metadata's patterns are beyond guessing

    warning: auth is 'anonymous': whoever reaches this address may upload within the routes' limits
    warning: route 'odd' signs with V1, which OSS has closed to accounts opened since 2025-03-01 and to buckets created since 2025-09-01: it refuses their uploads with EC 0002-00000080; take signature 'v4' as soon as the pages can
    warning: route 'odd': with temporary keys a V1 form needs the field x-oss-security-token, which the well-known V1 pages do not post; add it to the page, or set a long-lived key and credentials = 'environment'
    ");
}

#[tokio::test]
async fn the_environment_alone_is_checked_too() {
    let tool = tool()
        .with("OSS_BUCKET", "my-bucket")
        .with("OSS_REGION", "cn-hangzhou")
        .with("UPLOAD_AUTH", "anonymous");
    assert_snapshot!(steady(&tool.run(&["check"]).await.good()), @r#"
    route default
      keys       uploads/{yyyy}/{mm}/{dd}/{uuid}/ and the file's name, one for each grant; POST /uploads never replaces what is there
      posts to   https://my-bucket.oss-cn-hangzhou.aliyuncs.com
      set        auth = anonymous (UPLOAD_AUTH)
      set        bucket = my-bucket (OSS_BUCKET)
      set        region = cn-hangzhou (OSS_REGION)
      default    dir = uploads/{yyyy}/{mm}/{dd}/{uuid}/, min_size = 1B, max_size = 100MiB, max_files = 100, expires = 10m, overwrite = false, success_status = 200, signature = v4, session = shared
      page       the documentation's page is served as it is
      example    example.png (image/png, 1 MiB) becomes uploads/<day>/5e5e5e5e-5e5e-4e5e-9e5e-5e5e5e5e5e5e/example.png, with the policy
      {
        "conditions": [
          {"bucket":"my-bucket"},
          {"x-oss-signature-version":"OSS4-HMAC-SHA256"},
          {"x-oss-security-token":"example-token"},
          {"success_action_status":"200"},
          {"x-oss-forbid-overwrite":"true"},
          {"x-oss-content-type":"image/png"},
          {"key":"uploads/<day>/5e5e5e5e-5e5e-4e5e-9e5e-5e5e5e5e5e5e/example.png"},
          ["content-length-range",1048576,1048576]
        ]
      }

    warning: auth is 'anonymous': whoever reaches this address may upload within the routes' limits
    "#);
}

#[tokio::test]
async fn check_prints_the_errors_of_the_function() {
    let tool = tool();
    tool.write("other.toml", "bucket = \"my-bucket\"\n[routes.a]\nkey = \"a/\"\nmax_files = 0\n");
    let out = tool.run(&["check", "--config", "other.toml"]).await;
    assert_eq!((out.code, out.out.as_str()), (2, ""));
    assert_snapshot!(out.err, @r#"
    oss-upload: 4 problems with the settings; nothing was started
      UPLOAD_AUTH: it is not set, and has no default. Example: UPLOAD_AUTH=anonymous
      OSS_REGION: it is not set, and has no default. Example: OSS_REGION=cn-hangzhou
      upload.toml line 3, routes.a.key = "a/": a key does not end in '/'; use 'dir' for a directory. Example: key = "users/{sub}/{uuid}.{ext}"
      upload.toml line 4, routes.a.max_files = "0": one call takes from 1 to 100 files. Example: max_files = "10"
    "#);
    assert_snapshot!(tool.run(&["check", "--config", "none.toml"]).await.complaint(), @"oss-upload: none.toml cannot be read: No such file or directory (os error 2); correct it, or set UPLOAD_CONFIG to another file");
}

#[tokio::test]
async fn check_prints_authentication_and_credentials() {
    let tool = tool()
        .with("UPLOAD_JWT_SECRET", "0123456789abcdef0123456789abcdef")
        .with("UPLOAD_TICKET_KEYS", "0123456789abcdef0123456789abcdef");
    tool.write(
        "upload.toml",
        "bucket = \"my-bucket\"\nregion = \"cn-hangzhou\"\nauth = \"any(jwt, ticket)\"\n\
         role_arn = \"acs:ram::1234567890123456:role/uploader\"\njwt_claims = \"tenant\"\n[routes.all]\n\
         [routes.tickets]\nauth = \"ticket\"\n\
         [routes.own]\njwt_claims = [\"role=editor\"]\ndir = \"users/{sub}/{uuid}/\"\nsession = \"caller\"\n",
    );
    let said = tool.run(&["check"]).await.good();
    let wanted = ["route", "  admits", "  signs"];
    let lines = said.lines().filter(|line| wanted.iter().any(|one| line.starts_with(one)));
    assert_snapshot!(lines.collect::<Vec<_>>().join("\n"), @"
    route all
      admits     who passes any(jwt, ticket); a token has to say tenant
      signs      as acs:ram::1234567890123456:role/uploader, in a session that may do what the routes need
    route own
      admits     who passes any(jwt, ticket); a token has to say tenant and role=editor
      signs      as acs:ram::1234567890123456:role/uploader, in a session for each caller, which reaches their directory only
    route tickets
      admits     who passes ticket
      signs      as acs:ram::1234567890123456:role/uploader, in a session that may do what the routes need
    ");
}

#[tokio::test]
async fn the_settings_of_the_function_are_listed_and_no_secret_is_shown() {
    let tool = tool()
        .with("UPLOAD_JWT_SECRET", "marker-0123456789abcdef0123456789abcdef")
        .with("UPLOAD_JWKS_URL", "https://login.example.com/marker");
    tool.write(
        "upload.toml",
        "bucket = \"my-bucket\"\nregion = \"cn-hangzhou\"\nauth = \"jwt\"\n\
         jwt_audience = [\"a\", \"b\"]\nbudget_bytes = \"2MB\"\nmax_size = \"2MB\"\n[routes.a]\n",
    );
    let said = tool.run(&["check"]).await.good();
    assert!(!said.contains("marker"), "{said}");
    let lines = said.lines().filter(|line| !line.starts_with(' ') || line.starts_with("  set "));
    assert_snapshot!(lines.collect::<Vec<_>>().join("\n"), @"
    function
      set        jwks_url, which is not shown (UPLOAD_JWKS_URL)
      set        jwt_audience = a, b (upload.toml line 4)
      set        budget_bytes = 2MB (upload.toml line 5)
      set        UPLOAD_JWT_SECRET, which is not shown

    route a
      set        auth = jwt (upload.toml line 3)
      set        bucket = my-bucket (upload.toml line 1)
      set        region = cn-hangzhou (upload.toml line 2)
      set        max_size = 2MB (upload.toml line 6)

    warning: jwt_issuer is not set: a token of any issuer is taken if one of the keys signed it
    ");
}

#[tokio::test]
async fn settings_of_dev_are_checked_as_dev_reads_them() {
    let tool = tool();
    tool.write(
        "upload.toml",
        "[routes.avatar]\nauth = \"ticket\"\n[routes.photos.callback]\nto = \"http://127.0.0.1:3000/stored\"\n",
    );
    let refused = tool.run(&["check"]).await;
    assert_eq!(refused.code, 2);
    assert!(refused.err.contains("OSS_BUCKET: it is not set"), "{}", refused.err);
    let said = tool.run(&["check", "--dev"]).await.good();
    let lines = said.lines().filter(|line| line.starts_with("route") || line.starts_with("  set "));
    assert_snapshot!(lines.collect::<Vec<_>>().join("\n"), @"
      set        UPLOAD_TICKET_KEYS, which is not shown
      set        UPLOAD_RECEIPT_KEYS, which is not shown
      set        UPLOAD_TOKEN_KEYS, which is not shown
      set        UPLOAD_WEBHOOK_SECRET, which is not shown
    route avatar
      set        auth = ticket (upload.toml line 2)
      set        bucket = dev-bucket (dev)
      set        region = cn-hangzhou (dev)
    route photos
      set        auth = anonymous (dev)
      set        bucket = dev-bucket (dev)
      set        region = cn-hangzhou (dev)
      set        callback.to = http://127.0.0.1:3000/stored (upload.toml line 4)
    ");
    // What would stop dev stops its check too.
    tool.write("upload.toml", "[routes.avatar]\nauth = \"jwt\"\n");
    let refused = tool.run(&["check", "--dev"]).await;
    assert!(refused.err.contains("tokens need a key to be verified with"), "{}", refused.err);
}

#[tokio::test]
async fn check_warns_without_a_public_url() {
    let tool = tool()
        .with("FC_FUNCTION_NAME", "signer")
        .with("UPLOAD_RECEIPT_KEYS", "0123456789abcdef0123456789abcdef");
    tool.write(
        "upload.toml",
        "bucket = \"my-bucket\"\nregion = \"cn-hangzhou\"\nauth = \"anonymous\"\n\
         [routes.photos]\ncallback.to = \"self\"\n[routes.quiet]\n",
    );
    let said = tool.run(&["check"]).await.good();
    let lines =
        said.lines().filter(|line| line.contains("  calls ") || line.contains("PUBLIC_URL"));
    assert_snapshot!(lines.collect::<Vec<_>>().join("\n"), @"
      calls      the function itself, at the fcapp.run name of the call
    warning: PUBLIC_URL is not set, and OSS is to call this function (callback.to is 'self', route 'photos'): it is called under the fcapp.run name of each call, and calls under any other name, such as your own domain, are refused with callback_address_unknown; set PUBLIC_URL
    ");
}

#[tokio::test]
async fn what_a_route_signs_besides_forms_is_shown() {
    let tool = tool().with("UPLOAD_TOKEN_KEYS", "an example key of more than 32 bytes");
    tool.write(
        "upload.toml",
        "bucket = \"my-bucket\"\nregion = \"cn-hangzhou\"\nauth = \"anonymous\"\n\
         role_arn = \"acs:ram::1234567890123456:role/up\"\n\
         [routes.films]\nkey = \"films/{uuid}.mp4\"\ntypes = [\"video/mp4\"]\nmax_size = \"10GiB\"\n\
         multipart.enabled = true\nmultipart.max_parallel = 6\ndownload.enabled = true\n\
         [routes.open]\ndir = \"open/{uuid}/\"\nmultipart.enabled = true\nmultipart.unsized = true\n\
         sts.enabled = true\n",
    );
    let said = tool.run(&["check"]).await.good();
    let labels = ["parts", "downloads", "sts", "needs", "begin", "part", "complete"];
    let is_shown = |line: &&str| {
        line.starts_with("route ")
            || labels.iter().any(|label| line.starts_with(&format!("  {label:<10} ")))
    };
    let lines: Vec<_> = said.lines().filter(is_shown).collect();
    assert_snapshot!(lines.join("\n"), @r#"
    route films
      parts      files from 100 MiB to 10 GiB in parts of 8 MiB, each signed with its exact length, at most 1280, 6 at a time; an upload can be resumed for 1d
      downloads  links to a caller's objects for 10m, saved under the last part of the key
      needs      a role with oss:PutObject, oss:ListParts, oss:AbortMultipartUpload, oss:GetObject on my-bucket/films/*
      begin      the function begins films/5e5e5e5e-5e5e-4e5e-9e5e-5e5e5e5e5e5e.mp4 with x-oss-forbid-overwrite: true, content-type: video/mp4
      part       a client PUTs 1280 parts of a file of 10 GiB, each signed for this key, its upload, its number and exactly 8388608 bytes, the last one for 8388608
      complete   the function completes it, compares the size of each part, and replaces nothing
    route open
      parts      files from 100 MiB to 100 MiB in parts of 8 MiB, at most 13, 4 at a time; an upload can be resumed for 1d
      sts        keys that write one new object for 15m, with no limit on size, type or number
      needs      a role with oss:PutObject, oss:ListParts, oss:AbortMultipartUpload on my-bucket/open/*
      begin      the function begins open/5e5e5e5e-5e5e-4e5e-9e5e-5e5e5e5e5e5e/example.png with x-oss-forbid-overwrite: true, content-type: image/png
      part       a client PUTs parts, each signed for this key, its upload and its number; the size is checked at the end
      complete   the function completes it, compares the size of each part, and replaces nothing
    "#);
}
