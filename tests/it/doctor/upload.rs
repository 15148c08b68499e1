//! What can become of uploads: those that should work, and those that should not.

use http::{Method, Response};
use insta::assert_snapshot;
use oss_emulator::oss::AccessKey;
use oss_emulator::ram::{Permissions, RamPolicy};

use super::stage::Stage;

#[tokio::test]
async fn a_role_that_may_not_store_is_given_its_policy() {
    let stage = Stage::new().bucket(|oss| {
        let elsewhere = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"oss:PutObject","Resource":"acs:oss:*:*:examplebucket/other/*"}]}"#;
        let document = RamPolicy::parse(elsewhere).unwrap();
        oss.keys[0].permissions = Some(Permissions::default().restricted_by(document));
    });
    assert_snapshot!(stage.troubles().await, @r#"
    look  caller.nobody     who shows nothing gets a grant
          is    open-to-everyone
          why   Everyone who reaches the address can store files in the bucket, at your cost, within the route's
                limits.
          mend  If that is not meant, let the route ask for something and deploy: UPLOAD_AUTH=ticket, jwt, or
                all(origin, ticket).
    FAIL  upload.stored     403 AccessDenied (0003-00000001): You have no right to access this object because of bucket acl.
          [request ID]
          is    ram-denied
          why   The form is as it should be, but the role that signed it may not store this object.
          mend  RAM console > Roles > the function's role > Permissions: give it this policy (a deny in another
                policy, or in the bucket's own, counts more):
                {"Version":"1","Statement":[{"Effect":"Allow","Action":["oss:PutObject"],"Resource":["acs:oss:*:*:examplebucket/uploads/*"]}]}
    "#);
}

#[tokio::test]
async fn keys_that_are_unknown_and_tokens_that_are_over_are_told() {
    let stage = Stage::new().bucket(|oss| oss.keys = vec![AccessKey::new("LTAI5tOther", "x")]);
    assert_snapshot!(stage.troubles().await, @"
    look  caller.nobody     who shows nothing gets a grant
          is    open-to-everyone
          why   Everyone who reaches the address can store files in the bucket, at your cost, within the route's
                limits.
          mend  If that is not meant, let the route ask for something and deploy: UPLOAD_AUTH=ticket, jwt, or
                all(origin, ticket).
    FAIL  upload.stored     403 InvalidAccessKeyId (0002-00000902): The OSS Access Key Id you provided does not exist in our
          records. [request ID]
          is    InvalidAccessKeyId
          why   OSS does not know the key id: it was deleted, or it is a temporary one sent without its token.
          mend  With a role, deploy again, so that new instances start with its new keys. With keys in the
                function's environment, set a key that exists and is enabled (RAM console > Users > AccessKey),
                a temporary one with ALIBABA_CLOUD_SECURITY_TOKEN.
    ");
    let stage = Stage::new().bucket(|oss| oss.keys[0].expires_at = Some(1));
    let names = stage.names().await;
    assert_eq!(
        names,
        ["warn caller.nobody open-to-everyone", "fail upload.stored SecurityTokenExpired"]
    );
    let stage = Stage::new().bucket(|oss| "wrong".clone_into(&mut oss.keys[0].secret));
    let names = stage.names().await;
    assert_eq!(
        names,
        ["warn caller.nobody open-to-everyone", "fail upload.stored SignatureDoesNotMatch"]
    );
}

#[tokio::test]
async fn a_region_that_only_oss_knows_to_be_wrong_is_told() {
    let stage = Stage::new().with("OSS_REGION", "cn-beijing");
    assert_snapshot!(stage.troubles().await, @"
    look  caller.nobody     who shows nothing gets a grant
          is    open-to-everyone
          why   Everyone who reaches the address can store files in the bucket, at your cost, within the route's
                limits.
          mend  If that is not meant, let the route ask for something and deploy: UPLOAD_AUTH=ticket, jwt, or
                all(origin, ticket).
    FAIL  upload.stored     400 InvalidArgument (0002-00000715): The signing region in credential is invalid. [request
          ID]
          is    wrong-region
          why   The region in x-oss-credential is not the region of the bucket.
          mend  OSS console > Buckets > examplebucket > Overview shows the region. Set it, without oss- in
                front, and deploy:
                  OSS_REGION=<region>
    ");
}

#[tokio::test]
async fn a_bucket_that_does_not_check_is_found_out() {
    let stage = Stage::new().bucket(|oss| {
        let skipped = &mut oss.strictness.skipped;
        (skipped.signatures, skipped.conditions, skipped.sizes) = (true, true, true);
    });
    assert_snapshot!(stage.troubles().await, @"
    look  caller.nobody     who shows nothing gets a grant
          is    open-to-everyone
          why   Everyone who reaches the address can store files in the bucket, at your cost, within the route's
                limits.
          mend  If that is not meant, let the route ask for something and deploy: UPLOAD_AUTH=ticket, jwt, or
                all(origin, ticket).
    FAIL  upload.oversize   28 bytes were stored under a grant for 27; the object stays
          is    size-unchecked
          why   What answers does not hold uploads to the policy, so a grant for a picture stores a film.
          mend  Upload to OSS itself: look at what the upload host leads to. A proxy or another store behind it
                has to check content-length-range.
                To remove it:
                  ossutil rm oss://examplebucket/uploads/DAY/UUID/doctor.txt
    FAIL  upload.tampered   a policy that was changed after signing was taken; the object stays
          is    signature-unchecked
          why   What answers does not check signatures, so anybody can store anything.
          mend  Upload to OSS itself: look at what the upload host leads to. Is the bucket public-read-write?
                OSS console > Buckets > the bucket > Permission Control > Bucket ACL: Private.
                To remove it:
                  ossutil rm oss://examplebucket/uploads/DAY/UUID/doctor.txt
    FAIL  upload.elsewhere  a file was stored under another key than the grant's; the object stays
          is    key-unchecked
          why   Who has a grant for one file can store any, also in place of other people's.
          mend  See the finding on the policy: its key has to be pinned. If it is, look at what the upload host
                leads to.
                To remove it:
                  ossutil rm oss://examplebucket/oss-upload-doctor-must-not-be-here.txt
    ");
}

#[tokio::test]
async fn a_callback_that_failed_is_no_success() {
    let stage = Stage {
        impostor: Some(|request| {
            let answer = Response::builder()
                .header("access-control-allow-origin", super::stage::PAGE)
                .header("vary", "Origin")
                .header("access-control-expose-headers", "ETag, Location, x-oss-request-id");
            if request.method() == Method::OPTIONS {
                let foreign = request.headers()["origin"] != super::stage::PAGE;
                let status = if foreign { 403 } else { 200 };
                return answer.status(status).body("".into()).unwrap();
            }
            let xml = "<Error><Code>CallbackFailed</Code><Message>Error status : -1.</Message>\
                       <EC>0007-00000202</EC></Error>";
            answer.status(203).body(xml.into()).unwrap()
        }),
        ..Stage::new()
    };
    assert_snapshot!(stage.troubles().await, @"
    look  caller.nobody     who shows nothing gets a grant
          is    open-to-everyone
          why   Everyone who reaches the address can store files in the bucket, at your cost, within the route's
                limits.
          mend  If that is not meant, let the route ask for something and deploy: UPLOAD_AUTH=ticket, jwt, or
                all(origin, ticket).
    FAIL  upload.stored     203 CallbackFailed (0007-00000202): Error status : -1.
          is    CallbackFailed
          why   The object is stored, but the application was not told, so it does not know of it.
          mend  Do not upload again: make the callback quick and reachable from the public network.
    ");
}

#[tokio::test]
async fn an_object_that_is_there_is_neither_replaced_nor_a_failure() {
    let fixed = || Stage::new().with("UPLOAD_DIR", "").with("UPLOAD_KEY", "fixed/{name}");
    let outcome = fixed().with("UPLOAD_OVERWRITE", "true").run().await;
    assert_eq!(outcome.code, 0, "{}", outcome.out);
    assert!(outcome.out.contains("which an upload would replace"), "{}", outcome.out);
    let stage = fixed().bucket(|oss| {
        let folder = oss.data_dir.join("examplebucket");
        let files = [("objects", "fixed!doctor.txt"), ("sidecars", "fixed!doctor.txt.json")];
        for (kind, name) in files {
            std::fs::create_dir_all(folder.join(kind)).unwrap();
            std::fs::write(folder.join(kind).join(name), "{}").unwrap();
        }
    });
    assert_eq!(
        stage.names().await,
        ["warn caller.nobody open-to-everyone", "warn upload.stored FileAlreadyExists"]
    );
}

#[tokio::test]
async fn a_route_for_large_files_only_is_not_fed() {
    let outcome = Stage::new().with("UPLOAD_MIN_SIZE", "9MiB").run().await;
    assert_eq!(outcome.code, 0, "{}", outcome.out);
    assert!(outcome.out.contains("the route takes no file under 8 MiB"), "{}", outcome.out);
}

#[tokio::test]
async fn nothing_is_stored_when_that_was_said() {
    let outcome = Stage::new().told(&["--no-upload"]).run().await;
    assert_eq!(outcome.code, 0, "{}", outcome.out);
    let rows: Vec<&str> = outcome.out.lines().skip_while(|line| *line != "upload").collect();
    assert_snapshot!(rows.join("\n"), @"
    upload
      -     all of it  left out, as was said with --no-upload

    22 ok, 1 to look at, 5 not looked at
    ");
}
