//! What can be wrong with a grant, before it is used.

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::stage::Stage;

#[tokio::test]
async fn without_a_role_its_policies_are_printed_ready_to_paste() {
    let stage = || {
        Stage::new()
            .with("FC_FUNCTION_NAME", "signer")
            .with("ALIBABA_CLOUD_ACCESS_KEY_ID", "")
            .with("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "")
            .with("ALIBABA_CLOUD_SECURITY_TOKEN", "")
    };
    assert_snapshot!(stage().troubles().await, @r#"
    FAIL  grant.given      no_credentials: There are no credentials to sign with. Attach a role that may oss:PutObject on
          the bucket to the function, or set ALIBABA_CLOUD_ACCESS_KEY_ID and
          ALIBABA_CLOUD_ACCESS_KEY_SECRET. The log names every source and why it passed.
          is    missing-role
          why   Without a grant no page can upload.
          mend  RAM console > Roles > Create Role > Alibaba Cloud Service > Function Compute, with this trust
                policy:
                {"Version":"1","Statement":[{"Action":"sts:AssumeRole","Effect":"Allow","Principal":{"Service":["fc.aliyuncs.com"]}}]}
                Give it this permission policy and no other:
                {"Version":"1","Statement":[{"Effect":"Allow","Action":["oss:PutObject"],"Resource":["acs:oss:*:*:my-bucket/uploads/*"]}]}
                Put your bucket in place of my-bucket, or set OSS_BUCKET (and UPLOAD_DIR) here and run this
                again.
                Then Function Compute console > Functions > the function > Configuration > Role: choose it
                (s.yaml: role), and deploy.
    "#);
    let mut known = stage();
    known.tool = known.tool.with("OSS_BUCKET", "photos").with("UPLOAD_DIR", "in/{sub}/{uuid}/");
    let told = known.troubles().await;
    assert!(told.contains("acs:oss:*:*:photos/in/*"), "{told}");
    assert!(!told.contains("my-bucket"), "{told}");
}

#[tokio::test]
async fn a_region_that_is_not_the_hosts_is_told_before_and_after_oss_refuses() {
    let stage = Stage::new()
        .with("OSS_REGION", "cn-beijing")
        .with("OSS_UPLOAD_HOST", "http://examplebucket.oss-cn-hangzhou.localhost:OSS");
    assert_snapshot!(stage.troubles().await, @"
    look  caller.nobody     who shows nothing gets a grant
          is    open-to-everyone
          why   Everyone who reaches the address can store files in the bucket, at your cost, within the route's
                limits.
          mend  If that is not meant, let the route ask for something and deploy: UPLOAD_AUTH=ticket, jwt, or
                all(origin, ticket).
    FAIL  grant.region     signed for cn-beijing, but the host is in cn-hangzhou
          is    wrong-region
          why   OSS refuses a signature for another region than the bucket's (0002-00000715).
          mend  Set the bucket's region in the function's environment, and deploy:
                  OSS_REGION=cn-hangzhou
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
async fn an_internal_host_is_no_place_for_browsers() {
    let stage = Stage::new()
        .with("OSS_UPLOAD_HOST", "http://examplebucket.oss-cn-hangzhou-internal.localhost:OSS");
    let names = stage.names().await;
    assert!(names.contains(&"fail grant.address internal-endpoint".to_owned()), "{names:?}");
}

#[tokio::test]
async fn a_short_life_is_told() {
    let stage = Stage::new().with("UPLOAD_EXPIRES", "10s");
    assert_snapshot!(stage.troubles().await, @"
    look  caller.nobody     who shows nothing gets a grant
          is    open-to-everyone
          why   Everyone who reaches the address can store files in the bucket, at your cost, within the route's
                limits.
          mend  If that is not meant, let the route ask for something and deploy: UPLOAD_AUTH=ticket, jwt, or
                all(origin, ticket).
    look  grant.expiry     it lasts 10 seconds
          is    short-lived
          why   A large file on a slow line arrives when the grant is over.
          mend  UPLOAD_EXPIRES says how long a grant lasts (10m unless set); a key that is near its end shortens
                it.
    ");
}

#[tokio::test]
async fn v1_is_told_to_be_old_and_refused_where_it_is_closed() {
    let stage = || Stage::new().with("UPLOAD_SIGNATURE", "v1");
    let names = stage().names().await;
    assert_eq!(names, ["warn caller.nobody open-to-everyone", "warn grant.signature v1-signature"]);
    let closed = stage().bucket(|oss| oss.strictness.refuse_v1 = true);
    assert_snapshot!(closed.troubles().await, @"
    look  caller.nobody     who shows nothing gets a grant
          is    open-to-everyone
          why   Everyone who reaches the address can store files in the bucket, at your cost, within the route's
                limits.
          mend  If that is not meant, let the route ask for something and deploy: UPLOAD_AUTH=ticket, jwt, or
                all(origin, ticket).
    look  grant.signature  V1, the old signature
          is    v1-signature
          why   OSS refuses it for accounts opened since 2025-03-01 and buckets created since 2025-09-01.
          mend  Unless a page can do no other: UPLOAD_SIGNATURE=v4 (or no such line), and deploy.
    FAIL  upload.stored     403 AccessDenied (0002-00000080): Signature version 1 is not allowed for this bucket. [request
          ID]
          is    v1-closed
          why   Signature version 1 is not available to this account or bucket.
          mend  Sign with V4: take UPLOAD_SIGNATURE=v1 out of the function's environment (or signature out of
                upload.toml), and deploy. A page of the V1 time has to send the V4 fields then.
    ");
}

#[tokio::test]
async fn answers_that_somebody_changed_on_the_way_are_noticed() {
    let stage = Stage {
        forge: |json| {
            if let Some(fields) = json.pointer_mut("/uploads/0/fields") {
                fields.as_object_mut().unwrap().remove("x-oss-date");
            }
        },
        ..Stage::new()
    };
    assert_snapshot!(stage.names().await.join("\n"), @"
    warn caller.nobody open-to-everyone
    fail grant.fields incomplete-grant
    fail upload.stored InvalidArgument
    ");
    let stage = Stage {
        forge: |json| {
            if let Some(end) = json.pointer_mut("/uploads/0/expires_at") {
                *end = "2030-01-01T00:00:00Z".into();
            }
        },
        ..Stage::new()
    };
    assert_snapshot!(stage.names().await.join("\n"), @"
    warn caller.nobody open-to-everyone
    fail grant.expiry two-ends
    ");
    let stage = Stage {
        forge: |json| {
            if let Some(now) = json.pointer_mut("/server_time") {
                *now = "2099-01-01T00:00:00Z".into();
            }
        },
        ..Stage::new()
    };
    assert_snapshot!(stage.names().await.join("\n"), @"
    warn caller.nobody open-to-everyone
    fail grant.expiry expired-grant
    ");
}

#[tokio::test]
async fn refusals_of_the_function_are_called_by_their_code() {
    type Forge = fn(&mut Value);
    let table: [(Forge, &str); 3] = [
        (|json| refuse(json, "credentials_expired"), "credentials-expired"),
        (|json| refuse(json, "credentials_unavailable"), "credentials-unavailable"),
        (|json| refuse(json, "budget_exceeded"), "budget_exceeded"),
    ];
    for (forge, name) in table {
        let names = Stage { forge, ..Stage::new() }.names().await;
        assert_eq!(names, [format!("fail grant.given {name}")]);
    }
}

fn refuse(json: &mut Value, code: &str) {
    if json.get("uploads").is_some() {
        *json = json!({"error": code, "message": "No."});
    }
}

#[tokio::test]
async fn a_policy_that_cannot_be_read_is_told() {
    let stage = Stage {
        forge: |json| {
            if let Some(policy) = json.pointer_mut("/uploads/0/fields/policy") {
                *policy = "bm9uZQ==".into();
            }
        },
        ..Stage::new()
    };
    let names = stage.names().await;
    assert!(names.contains(&"fail grant.policy unreadable-policy".to_owned()), "{names:?}");
}

#[tokio::test]
async fn a_policy_that_pins_nothing_is_read_in_words() {
    let stage = Stage {
        forge: |json| {
            if let Some(policy) = json.pointer_mut("/uploads/0/fields/policy") {
                // {"expiration":"2030-01-01T00:00:00.000Z","conditions":[["starts-with","$key",""]]}
                *policy = "eyJleHBpcmF0aW9uIjoiMjAzMC0wMS0wMVQwMDowMDowMC4wMDBaIiwiY29uZGl0aW9ucyI6W1sic3RhcnRzLXdpdGgiLCIka2V5IiwiIl1dfQ==".into();
            }
        },
        ..Stage::new()
    };
    let told = stage.told(&["--no-upload"]).troubles().await;
    let told: Vec<&str> = told.lines().skip_while(|line| !line.contains("grant.policy")).collect();
    assert_snapshot!(told.join("\n"), @"
    FAIL  grant.policy     nothing limits the bucket, the key, the size. It says: key is sent, with any value. Left to the
          sender: content-type, x-oss-object-acl, x-oss-forbid-overwrite, x-oss-storage-class,
          content-disposition, cache-control
          is    not-pinned
          why   OSS takes what the policy does not name as the sender likes: whoever has the grant chooses.
          mend  Let the signer add a condition for each; the function of this repository does.
    ");
}

#[tokio::test]
async fn a_route_with_rules_of_its_own_is_met() {
    let stage = Stage::new()
        .with("UPLOAD_TYPES", "image/*")
        .with("UPLOAD_EXTENSIONS", "jpg")
        .with("UPLOAD_MIN_SIZE", "100B")
        .with("UPLOAD_SUCCESS_STATUS", "201");
    let outcome = stage.run().await;
    assert_eq!(outcome.code, 0, "{}", outcome.out);
    assert!(
        outcome.out.contains("default takes doctor.jpg (image/jpeg, 100 bytes)"),
        "{}",
        outcome.out
    );
}
