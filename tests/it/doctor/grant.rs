//! Problems of the signed form, before it is sent.

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::fixture::DoctorFixture;

#[tokio::test]
async fn without_a_role_its_policies_are_printed_ready_to_paste() {
    let fixture = || {
        DoctorFixture::new()
            .with("FC_FUNCTION_NAME", "signer")
            .with("ALIBABA_CLOUD_ACCESS_KEY_ID", "")
            .with("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "")
            .with("ALIBABA_CLOUD_SECURITY_TOKEN", "")
    };
    assert_snapshot!(fixture().problems().await, @r#"
    FAIL  grant.given      no_credentials: There are no credentials to sign with. Attach a role that may oss:PutObject on
          the bucket to the function, or set ALIBABA_CLOUD_ACCESS_KEY_ID and
          ALIBABA_CLOUD_ACCESS_KEY_SECRET. The log names every source and why it passed.
          name  missing-role
          why   Without a form no page can upload.
          fix   RAM console > Roles > Create Role > Alibaba Cloud Service > Function Compute, with this trust
                policy:
                {"Version":"1","Statement":[{"Action":"sts:AssumeRole","Effect":"Allow","Principal":{"Service":["fc.aliyuncs.com"]}}]}
                Attach this permission policy and no other:
                {"Version":"1","Statement":[{"Effect":"Allow","Action":["oss:PutObject"],"Resource":["acs:oss:*:*:my-bucket/uploads/*"]}]}
                Replace my-bucket by your bucket, or set OSS_BUCKET (and UPLOAD_DIR) here and run this again.
                Then Function Compute console > Functions > the function > Configuration > Role: select it
                (s.yaml: role), and deploy.
    "#);
    let mut known = fixture();
    known.tool = known.tool.with("OSS_BUCKET", "photos").with("UPLOAD_DIR", "in/{sub}/{uuid}/");
    let report = known.problems().await;
    assert!(report.contains("acs:oss:*:*:photos/in/*"), "{report}");
    assert!(!report.contains("my-bucket"), "{report}");
}

#[tokio::test]
async fn a_region_that_differs_from_the_host_is_reported_before_and_after_the_upload() {
    let fixture = DoctorFixture::new()
        .with("OSS_REGION", "cn-beijing")
        .with("OSS_UPLOAD_HOST", "http://examplebucket.oss-cn-hangzhou.localhost:OSS");
    assert_snapshot!(fixture.problems().await, @"
    warn  caller.nobody     a caller without credentials gets a form
          name  open-to-everyone
          why   Everyone who can reach the address can store files in the bucket, at your cost, within the
                limits of the route.
          fix   If that is not intended, let the route require authentication and deploy: UPLOAD_AUTH=ticket,
                jwt, or all(origin, ticket).
    FAIL  grant.region     signed for cn-beijing, but the host is in cn-hangzhou
          name  wrong-region
          why   OSS refuses a signature for another region than the bucket's (0002-00000715).
          fix   Set the bucket's region in the function's environment, and deploy:
                  OSS_REGION=cn-hangzhou
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
async fn an_internal_host_is_reported() {
    let fixture = DoctorFixture::new()
        .with("OSS_UPLOAD_HOST", "http://examplebucket.oss-cn-hangzhou-internal.localhost:OSS");
    let names = fixture.causes().await;
    assert!(names.contains(&"fail grant.address internal-endpoint".to_owned()), "{names:?}");
}

#[tokio::test]
async fn a_short_lifetime_is_reported() {
    let fixture = DoctorFixture::new().with("UPLOAD_EXPIRES", "10s");
    assert_snapshot!(fixture.problems().await, @"
    warn  caller.nobody     a caller without credentials gets a form
          name  open-to-everyone
          why   Everyone who can reach the address can store files in the bucket, at your cost, within the
                limits of the route.
          fix   If that is not intended, let the route require authentication and deploy: UPLOAD_AUTH=ticket,
                jwt, or all(origin, ticket).
    warn  grant.expiry     it is valid for 10 seconds
          name  short-lived
          why   The upload of a large file on a slow line ends after the form has expired.
          fix   UPLOAD_EXPIRES sets the lifetime of a form (default 10m); credentials that expire sooner shorten
                it.
    ");
}

#[tokio::test]
async fn v1_gives_a_warning_and_a_failure_where_oss_refuses_it() {
    let fixture = || DoctorFixture::new().with("UPLOAD_SIGNATURE", "v1");
    let names = fixture().causes().await;
    assert_eq!(names, ["warn caller.nobody open-to-everyone", "warn grant.signature v1-signature"]);
    let closed = fixture().bucket(|oss| oss.strictness.refuse_v1 = true);
    assert_snapshot!(closed.problems().await, @"
    warn  caller.nobody     a caller without credentials gets a form
          name  open-to-everyone
          why   Everyone who can reach the address can store files in the bucket, at your cost, within the
                limits of the route.
          fix   If that is not intended, let the route require authentication and deploy: UPLOAD_AUTH=ticket,
                jwt, or all(origin, ticket).
    warn  grant.signature  V1, the old signature
          name  v1-signature
          why   OSS refuses it for accounts opened since 2025-03-01 and buckets created since 2025-09-01.
          fix   Unless a page needs V1: UPLOAD_SIGNATURE=v4 (or remove the line), and deploy.
    FAIL  upload.stored     403 AccessDenied (0002-00000080): Signature version 1 is not allowed for this bucket. [request
          ID]
          name  v1-closed
          why   Signature version 1 is not available to this account or bucket.
          fix   Sign with V4: remove UPLOAD_SIGNATURE=v1 from the function's environment (or signature from
                upload.toml), and deploy. A page that sends V1 fields has to send the V4 fields instead.
    ");
}

#[tokio::test]
async fn responses_that_were_changed_on_the_way_are_noticed() {
    let fixture = DoctorFixture {
        change_json: |json| {
            if let Some(fields) = json.pointer_mut("/uploads/0/fields") {
                fields.as_object_mut().unwrap().remove("x-oss-date");
            }
        },
        ..DoctorFixture::new()
    };
    assert_snapshot!(fixture.causes().await.join("\n"), @"
    warn caller.nobody open-to-everyone
    fail grant.fields incomplete-grant
    fail upload.stored InvalidArgument
    ");
    let fixture = DoctorFixture {
        change_json: |json| {
            if let Some(end) = json.pointer_mut("/uploads/0/expires_at") {
                *end = "2030-01-01T00:00:00Z".into();
            }
        },
        ..DoctorFixture::new()
    };
    assert_snapshot!(fixture.causes().await.join("\n"), @"
    warn caller.nobody open-to-everyone
    fail grant.expiry two-ends
    ");
    let fixture = DoctorFixture {
        change_json: |json| {
            if let Some(now) = json.pointer_mut("/server_time") {
                *now = "2099-01-01T00:00:00Z".into();
            }
        },
        ..DoctorFixture::new()
    };
    assert_snapshot!(fixture.causes().await.join("\n"), @"
    warn caller.nobody open-to-everyone
    fail grant.expiry expired-grant
    ");
}

#[tokio::test]
async fn errors_of_the_function_have_their_code_as_name() {
    type ChangeJson = fn(&mut Value);
    let table: [(ChangeJson, &str); 4] = [
        (|json| refuse(json, "limits_unavailable"), "limits-unavailable"),
        (|json| refuse(json, "credentials_expired"), "credentials-expired"),
        (|json| refuse(json, "credentials_unavailable"), "credentials-unavailable"),
        (|json| refuse(json, "budget_exceeded"), "budget_exceeded"),
    ];
    for (change_json, name) in table {
        let names = DoctorFixture { change_json, ..DoctorFixture::new() }.causes().await;
        assert_eq!(names, [format!("fail grant.given {name}")]);
    }
}

fn refuse(json: &mut Value, code: &str) {
    if json.get("uploads").is_some() {
        *json = json!({"error": code, "message": "No."});
    }
}

#[tokio::test]
async fn an_unreadable_policy_is_reported() {
    let fixture = DoctorFixture {
        change_json: |json| {
            if let Some(policy) = json.pointer_mut("/uploads/0/fields/policy") {
                *policy = "bm9uZQ==".into();
            }
        },
        ..DoctorFixture::new()
    };
    let names = fixture.causes().await;
    assert!(names.contains(&"fail grant.policy unreadable-policy".to_owned()), "{names:?}");
}

#[tokio::test]
async fn a_policy_that_limits_nothing_is_explained() {
    let fixture = DoctorFixture {
        change_json: |json| {
            if let Some(policy) = json.pointer_mut("/uploads/0/fields/policy") {
                // {"expiration":"2030-01-01T00:00:00.000Z","conditions":[["starts-with","$key",""]]}
                *policy = "eyJleHBpcmF0aW9uIjoiMjAzMC0wMS0wMVQwMDowMDowMC4wMDBaIiwiY29uZGl0aW9ucyI6W1sic3RhcnRzLXdpdGgiLCIka2V5IiwiIl1dfQ==".into();
            }
        },
        ..DoctorFixture::new()
    };
    let report = fixture.arguments(&["--no-upload"]).problems().await;
    let report: Vec<&str> =
        report.lines().skip_while(|line| !line.contains("grant.policy")).collect();
    assert_snapshot!(report.join("\n"), @"
    FAIL  grant.policy     no condition limits the bucket, the key, the size. The policy: key is sent, with any value. The
          sender may choose: content-type, x-oss-object-acl, x-oss-forbid-overwrite, x-oss-storage-class,
          content-disposition, cache-control
          name  not-pinned
          why   OSS accepts any value for what the policy does not name, so everyone who has the form can choose
                it.
          fix   Let the signer add a condition for each; the function of this repository does.
    ");
}

#[tokio::test]
async fn the_probe_file_fits_the_rules_of_the_route() {
    let fixture = DoctorFixture::new()
        .with("UPLOAD_TYPES", "image/*")
        .with("UPLOAD_EXTENSIONS", "jpg")
        .with("UPLOAD_MIN_SIZE", "100B")
        .with("UPLOAD_SUCCESS_STATUS", "201");
    let outcome = fixture.run().await;
    assert_eq!(outcome.code, 0, "{}", outcome.out);
    assert!(
        outcome.out.contains("default accepts doctor.jpg (image/jpeg, 100 bytes)"),
        "{}",
        outcome.out
    );
}
