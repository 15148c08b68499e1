//! Problems of test uploads: those that should work, and those that should be refused.

use http::{Method, Response};
use insta::assert_snapshot;
use oss_emulator::oss::AccessKey;
use oss_emulator::ram::{Permissions, RamPolicy};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::fixture::DoctorFixture;

#[tokio::test]
async fn a_role_without_permission_is_reported_with_its_policy() {
    let fixture = DoctorFixture::new().bucket(|oss| {
        let elsewhere = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"oss:PutObject","Resource":"acs:oss:*:*:examplebucket/other/*"}]}"#;
        let document = RamPolicy::parse(elsewhere).unwrap();
        oss.keys[0].permissions = Some(Permissions::default().restricted_by(document));
    });
    assert_snapshot!(fixture.problems().await, @r#"
    warn  caller.nobody     a caller without credentials gets a form
          name  open-to-everyone
          why   Everyone who can reach the address can store files in the bucket, at your cost, within the
                limits of the route.
          fix   If that is not intended, let the route require authentication and deploy: UPLOAD_AUTH=ticket,
                jwt, or all(origin, ticket).
    FAIL  upload.stored     403 AccessDenied (0003-00000001): You have no right to access this object because of bucket acl.
          [request ID]
          name  ram-denied
          why   The form is correct, but the role that signed it may not store this object.
          fix   RAM console > Roles > the function's role > Permissions: attach this policy (a deny in another
                policy or in the bucket policy takes precedence):
                {"Version":"1","Statement":[{"Effect":"Allow","Action":["oss:PutObject"],"Resource":["acs:oss:*:*:examplebucket/uploads/*"]}]}
    "#);
}

#[tokio::test]
async fn unknown_keys_and_expired_tokens_are_reported() {
    let fixture =
        DoctorFixture::new().bucket(|oss| oss.keys = vec![AccessKey::new("LTAI5tOther", "x")]);
    assert_snapshot!(fixture.problems().await, @"
    warn  caller.nobody     a caller without credentials gets a form
          name  open-to-everyone
          why   Everyone who can reach the address can store files in the bucket, at your cost, within the
                limits of the route.
          fix   If that is not intended, let the route require authentication and deploy: UPLOAD_AUTH=ticket,
                jwt, or all(origin, ticket).
    FAIL  upload.stored     403 InvalidAccessKeyId (0002-00000902): The OSS Access Key Id you provided does not exist in our
          records. [request ID]
          name  InvalidAccessKeyId
          why   OSS does not know the key id: it was deleted, or it is a temporary one sent without its token.
          fix   With a role, deploy again, so that new instances start with new credentials. With keys in the
                function's environment, set a key that exists and is enabled (RAM console > Users > AccessKey);
                a temporary key also needs ALIBABA_CLOUD_SECURITY_TOKEN.
    ");
    let fixture = DoctorFixture::new().bucket(|oss| oss.keys[0].expires_at = Some(1));
    let names = fixture.causes().await;
    assert_eq!(
        names,
        ["warn caller.nobody open-to-everyone", "fail upload.stored SecurityTokenExpired"]
    );
    let fixture = DoctorFixture::new().bucket(|oss| "wrong".clone_into(&mut oss.keys[0].secret));
    let names = fixture.causes().await;
    assert_eq!(
        names,
        ["warn caller.nobody open-to-everyone", "fail upload.stored SignatureDoesNotMatch"]
    );
}

#[tokio::test]
async fn a_wrong_region_that_only_oss_can_know_is_reported() {
    let fixture = DoctorFixture::new().with("OSS_REGION", "cn-beijing");
    assert_snapshot!(fixture.problems().await, @"
    warn  caller.nobody     a caller without credentials gets a form
          name  open-to-everyone
          why   Everyone who can reach the address can store files in the bucket, at your cost, within the
                limits of the route.
          fix   If that is not intended, let the route require authentication and deploy: UPLOAD_AUTH=ticket,
                jwt, or all(origin, ticket).
    FAIL  upload.stored     400 InvalidArgument (0002-00000715): The signing region in credential is invalid. [request
          ID]
          name  wrong-region
          why   The region in x-oss-credential is not the region of the bucket.
          fix   OSS console > Buckets > examplebucket > Overview shows the region. Set it without oss- in front,
                and deploy:
                  OSS_REGION=<region>
    ");
}

#[tokio::test]
async fn a_bucket_that_checks_nothing_is_found() {
    let fixture = DoctorFixture::new().bucket(|oss| {
        let skipped = &mut oss.strictness.skipped;
        (skipped.signatures, skipped.conditions, skipped.sizes) = (true, true, true);
    });
    assert_snapshot!(fixture.problems().await, @"
    warn  caller.nobody     a caller without credentials gets a form
          name  open-to-everyone
          why   Everyone who can reach the address can store files in the bucket, at your cost, within the
                limits of the route.
          fix   If that is not intended, let the route require authentication and deploy: UPLOAD_AUTH=ticket,
                jwt, or all(origin, ticket).
    FAIL  upload.oversize   28 bytes were stored with a form for 27; the object stays
          name  size-unchecked
          why   What responds there does not check the policy, so a form for a picture stores a film.
          fix   Upload to OSS itself: check where the upload host leads. A proxy or another store behind it has
                to check content-length-range.
                To remove it:
                  ossutil rm oss://examplebucket/uploads/DAY/UUID/doctor.txt
    FAIL  upload.tampered   a policy that was changed after signing was accepted; the object stays
          name  signature-unchecked
          why   What responds there does not check signatures, so everyone can store anything.
          fix   Upload to OSS itself: check where the upload host leads. Is the bucket public-read-write? OSS
                console > Buckets > the bucket > Permission Control > Bucket ACL: Private.
                To remove it:
                  ossutil rm oss://examplebucket/uploads/DAY/UUID/doctor.txt
    FAIL  upload.elsewhere  a file was stored under another key than that of the form; the object stays
          name  key-unchecked
          why   Everyone who has a form for one file can store any file, and can replace the files of others.
          fix   See the finding on the policy: it has to limit the key. If it does, check where the upload host
                leads.
                To remove it:
                  ossutil rm oss://examplebucket/oss-upload-doctor-must-not-be-here.txt
    ");
}

#[tokio::test]
async fn a_failed_callback_is_a_failure() {
    let fixture = DoctorFixture {
        oss_replacement: Some(|request| {
            let answer = Response::builder()
                .header("access-control-allow-origin", super::fixture::PAGE)
                .header("vary", "Origin")
                .header("access-control-expose-headers", "ETag, Location, x-oss-request-id");
            if request.method() == Method::OPTIONS {
                let foreign = request.headers()["origin"] != super::fixture::PAGE;
                let status = if foreign { 403 } else { 200 };
                return answer.status(status).body("".into()).unwrap();
            }
            let xml = "<Error><Code>CallbackFailed</Code><Message>Error status : -1.</Message>\
                       <EC>0007-00000202</EC></Error>";
            answer.status(203).body(xml.into()).unwrap()
        }),
        ..DoctorFixture::new()
    };
    assert_snapshot!(fixture.problems().await, @"
    warn  caller.nobody     a caller without credentials gets a form
          name  open-to-everyone
          why   Everyone who can reach the address can store files in the bucket, at your cost, within the
                limits of the route.
          fix   If that is not intended, let the route require authentication and deploy: UPLOAD_AUTH=ticket,
                jwt, or all(origin, ticket).
    FAIL  upload.stored     203 CallbackFailed (0007-00000202): Error status : -1.
          name  CallbackFailed
          why   The object is stored, but the callback failed, so the application does not know about it.
          fix   Do not upload again: make the callback quick and reachable from the public network.
    ");
}

#[tokio::test]
async fn an_existing_object_is_not_replaced_and_no_failure() {
    let fixed = || DoctorFixture::new().with("UPLOAD_DIR", "").with("UPLOAD_KEY", "fixed/{name}");
    let outcome = fixed().with("UPLOAD_OVERWRITE", "true").run().await;
    assert_eq!(outcome.code, 0, "{}", outcome.out);
    assert!(outcome.out.contains("an upload could replace an existing object"), "{}", outcome.out);
    let fixture = fixed().bucket(|oss| {
        let key = "fixed/doctor.txt";
        let hash = hex::encode(&Sha256::digest(key)[..16]);
        let sidecar = json!({
            "path": key, "key": key, "size": 2, "etag": "E", "crc64": 0, "stored_at": 0,
            "content_type": "text/plain", "headers": [],
        });
        for (path, content) in [
            (format!("examplebucket/{key}"), "{}".to_owned()),
            (format!(".sidecars/examplebucket/{hash}.json"), sidecar.to_string()),
        ] {
            let path = oss.data_dir.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
    });
    assert_eq!(
        fixture.causes().await,
        ["warn caller.nobody open-to-everyone", "warn upload.stored FileAlreadyExists"]
    );
}

#[tokio::test]
async fn a_route_for_large_files_gets_no_upload() {
    let outcome = DoctorFixture::new().with("UPLOAD_MIN_SIZE", "9MiB").run().await;
    assert_eq!(outcome.code, 0, "{}", outcome.out);
    assert!(outcome.out.contains("the route accepts no file under 8 MiB"), "{}", outcome.out);
}

#[tokio::test]
async fn no_upload_stores_nothing() {
    let outcome = DoctorFixture::new().arguments(&["--no-upload"]).run().await;
    assert_eq!(outcome.code, 0, "{}", outcome.out);
    let rows: Vec<&str> = outcome.out.lines().skip_while(|line| *line != "upload").collect();
    assert_snapshot!(rows.join("\n"), @"
    upload
      -     all        left out because of --no-upload

    22 ok, 1 warned, 6 skipped
    ");
}
