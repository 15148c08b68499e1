//! Whole reports: of a deployment without problems, and of one that cannot be reached.

use http::Method;
use insta::assert_snapshot;
use serde_json::Value;

use super::fixture::DoctorFixture;
use crate::support::source::DOCUMENTS;

#[tokio::test]
async fn a_good_deployment_has_a_line_for_each_check() {
    let outcome = DoctorFixture::new().with("UPLOAD_AUTH", "origin").run().await;
    assert_eq!(outcome.code, 0, "{outcome:?}");
    assert_snapshot!(outcome.out, @r#"
    http://127.0.0.1:SIGNER, route default, for pages of https://app.example

    signer
      ok    name       127.0.0.1 is an IP address
      ok    address    http on this machine, which browsers trust
      ok    health     the function responds, version V
      ok    clock      the clocks of the function, its gateway and this machine agree
      ok    page       GET / can be viewed
      ok    route      default accepts doctor.txt (text/plain, 27 bytes)

    page
      ok    preflight  the response to OPTIONS /uploads is 204, and the page may call
      ok    call       pages of https://app.example may read the response
      ok    foreign    a page of https://doctor.invalid is refused (origin_not_allowed)

    caller
      ok    nobody     a caller without credentials is refused (origin_required); a program can send any origin

    grant
      ok    given      for uploads/DAY/UUID/doctor.txt
      ok    fields     all 10 fields are present
      ok    expiry     it is valid for 600 seconds
      ok    signature  V4
      ok    policy     bucket is "examplebucket"; success_action_status is "200"; x-oss-forbid-overwrite is "true";
                       x-oss-content-type is "text/plain"; key is
                       "uploads/DAY/UUID/doctor.txt"; the file has 27 to 27
                       bytes. The sender may choose: x-oss-object-acl, x-oss-storage-class, content-disposition,
                       cache-control
      ok    address    http://127.0.0.1:OSS
      ok    region     signed for cn-hangzhou; the host names no region

    bucket
      ok    name       127.0.0.1 is an IP address
      ok    preflight  200; a page of https://app.example may upload
      ok    clock      the clocks of OSS and the function agree
      ok    exposed    the page may read ETag, Location, x-oss-request-id
      ok    vary       Vary: Origin
      ok    foreign    a page of https://doctor.invalid is refused (403)

    upload
      ok    stored     200; the object uploads/DAY/UUID/doctor.txt stays,
                       because the function may not delete
                       next  To remove it:
                               ossutil rm oss://examplebucket/uploads/DAY/UUID/doctor.txt
      ok    readable   the page may read the response
      ok    referer    no Referer is needed
      ok    oversize   28 bytes with a form for 27 are refused (EntityTooLarge)
      ok    tampered   a policy that was changed after signing is refused (SignatureDoesNotMatch)
      ok    elsewhere  another key than that of the form is refused (AccessDenied)

    29 ok
    "#);
}

#[tokio::test]
async fn json_has_the_same_findings() {
    let outcome = DoctorFixture::new().arguments(&["--json", "--no-upload"]).run().await;
    assert_eq!(outcome.code, 0, "{outcome:?}");
    let mut json: Value = serde_json::from_str(&outcome.out).unwrap();
    let findings = json["findings"].take();
    assert_snapshot!(json, @r#"{"fail":0,"findings":null,"ok":22,"origin":"https://app.example","route":"default","signer":"http://127.0.0.1:SIGNER","skipped":6,"warn":1}"#);
    let rows = findings.as_array().unwrap().iter();
    let rows = rows.map(|row| format!("{} {}", row["id"], row["verdict"]).replace('"', ""));
    assert_snapshot!(rows.collect::<Vec<_>>().join("\n"), @"
    signer.name ok
    signer.address ok
    signer.health ok
    signer.clock ok
    signer.page ok
    signer.route ok
    page.preflight ok
    page.call ok
    page.foreign ok
    caller.nobody warn
    grant.given ok
    grant.fields ok
    grant.expiry ok
    grant.signature ok
    grant.policy ok
    grant.address ok
    grant.region ok
    bucket.name ok
    bucket.preflight ok
    bucket.clock ok
    bucket.exposed ok
    bucket.vary ok
    bucket.foreign ok
    upload.stored skipped
    upload.readable skipped
    upload.referer skipped
    upload.oversize skipped
    upload.tampered skipped
    upload.elsewhere skipped
    ");
    assert_snapshot!(serde_json::to_string_pretty(&findings[9]).unwrap(), @r#"
    {
      "cause": "open-to-everyone",
      "id": "caller.nobody",
      "mend": "If that is not intended, let the route require authentication and deploy: UPLOAD_AUTH=ticket, jwt, or all(origin, ticket).",
      "seen": "a caller without credentials gets a form",
      "verdict": "warn",
      "why": "Everyone who can reach the address can store files in the bucket, at your cost, within the limits of the route."
    }
    "#);
    assert_snapshot!(findings[5], @r#"{"id":"signer.route","seen":"default accepts doctor.txt (text/plain, 27 bytes)","verdict":"ok"}"#);
}

#[tokio::test]
async fn the_sample_in_the_documents_is_a_real_report() {
    let mut fixture = DoctorFixture::new();
    fixture.trigger.methods.retain(|method| method != Method::OPTIONS);
    let said = fixture
        .with("UPLOAD_AUTH", "origin")
        .run()
        .await
        .out
        .replace(":SIGNER", ":8080")
        .replace(":OSS", ":9100");
    let said = said.replace("version V", "version 0.1.0").replace("DAY", "2024/11/27");
    let said = said.replace("UUID", "5e5e5e5e-5e5e-4e5e-9e5e-5e5e5e5e5e5e");
    assert!(
        DOCUMENTS.contains(&format!("```text\n{said}```\n")),
        "the documents show another report than\n{said}"
    );
}

#[tokio::test]
async fn nothing_else_is_checked_behind_a_closed_address() {
    let mut fixture = DoctorFixture::new();
    fixture.trigger.internet = false;
    let outcome = fixture.run().await;
    assert_eq!((outcome.code, outcome.err.as_str()), (1, "oss-upload: one check failed\n"));
    assert_snapshot!(outcome.out, @"
    http://127.0.0.1:SIGNER, route default, for pages of https://app.example

    signer
      ok    name       127.0.0.1 is an IP address
      ok    address    http on this machine, which browsers trust
      FAIL  health     403 AccessDenied: access denied due to function internet URL is disabled
                       name  closed-internet-url
                       why   The public address of the trigger is disabled, so browsers outside the VPC cannot reach the
                             function there.
                       fix   Function Compute console > Functions > the function > Triggers > the HTTP trigger > Edit: allow
                             calls from the internet (s.yaml: disableURLInternet: false). Or give --signer a custom domain,
                             for which the setting has no effect.
      -     clock      the function did not respond
      -     page       the function did not respond
      -     route      the function did not respond

    page
      -     all        the function did not respond

    caller
      -     all        the function did not respond

    grant
      -     all        the function did not respond

    bucket
      -     all        the function did not respond

    upload
      -     all        the function did not respond

    2 ok, 1 failed, 26 skipped
    ");
}
