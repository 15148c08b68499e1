//! Whole reports: of what is well, and of what is not there at all.

use http::Method;
use insta::assert_snapshot;
use serde_json::Value;

use super::stage::Stage;
use crate::support::source::DOCUMENTS;

#[tokio::test]
async fn a_good_deployment_is_told_line_by_line() {
    let outcome = Stage::new().with("UPLOAD_AUTH", "origin").run().await;
    assert_eq!(outcome.code, 0, "{outcome:?}");
    assert_snapshot!(outcome.out, @r#"
    http://127.0.0.1:SIGNER, route default, for pages of https://app.example

    signer
      ok    name       127.0.0.1, which needs no lookup
      ok    address    http on this machine, which browsers trust
      ok    health     the function answers, version V
      ok    clock      the function, its gateway and this machine agree on the time
      ok    page       GET / can be viewed
      ok    route      default takes doctor.txt (text/plain, 27 bytes)

    page
      ok    preflight  OPTIONS /uploads answered 204, and the page may call
      ok    call       pages of https://app.example may read the answer
      ok    foreign    a page of https://doctor.invalid is refused (origin_not_allowed)

    caller
      ok    nobody     who shows nothing is refused (origin_required); a program can name any page

    grant
      ok    given      for uploads/DAY/UUID/doctor.txt
      ok    fields     all 10 fields are there
      ok    expiry     it lasts 600 seconds
      ok    signature  V4
      ok    policy     bucket is "examplebucket"; success_action_status is "200"; x-oss-forbid-overwrite is "true";
                       x-oss-content-type is "text/plain"; key is
                       "uploads/DAY/UUID/doctor.txt"; the file has 27 to 27
                       bytes. Left to the sender: x-oss-object-acl, x-oss-storage-class, content-disposition,
                       cache-control
      ok    address    http://127.0.0.1:OSS
      ok    region     signed for cn-hangzhou; the host names no region

    bucket
      ok    name       127.0.0.1, which needs no lookup
      ok    preflight  200; a page of https://app.example may upload
      ok    clock      OSS and the function agree on the time
      ok    exposed    the page may read ETag, Location, x-oss-request-id
      ok    vary       Vary: Origin
      ok    foreign    a page of https://doctor.invalid is refused (403)

    upload
      ok    stored     200; the object uploads/DAY/UUID/doctor.txt stays, for
                       the function may not delete
                       next  To remove it:
                               ossutil rm oss://examplebucket/uploads/DAY/UUID/doctor.txt
      ok    readable   the page may read the answer
      ok    oversize   28 bytes under a grant for 27 are refused (EntityTooLarge)
      ok    tampered   a policy that was changed after signing is refused (SignatureDoesNotMatch)
      ok    elsewhere  another key than the grant's is refused (AccessDenied)

    28 ok
    "#);
}

#[tokio::test]
async fn machines_are_told_the_same_as_json() {
    let outcome = Stage::new().told(&["--json", "--no-upload"]).run().await;
    assert_eq!(outcome.code, 0, "{outcome:?}");
    let mut json: Value = serde_json::from_str(&outcome.out).unwrap();
    let findings = json["findings"].take();
    assert_snapshot!(json, @r#"{"fail":0,"findings":null,"ok":22,"origin":"https://app.example","route":"default","signer":"http://127.0.0.1:SIGNER","skipped":5,"warn":1}"#);
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
    upload.oversize skipped
    upload.tampered skipped
    upload.elsewhere skipped
    ");
    assert_snapshot!(serde_json::to_string_pretty(&findings[9]).unwrap(), @r#"
    {
      "cause": "open-to-everyone",
      "id": "caller.nobody",
      "mend": "If that is not meant, let the route ask for something and deploy: UPLOAD_AUTH=ticket, jwt, or all(origin, ticket).",
      "seen": "who shows nothing gets a grant",
      "verdict": "warn",
      "why": "Everyone who reaches the address can store files in the bucket, at your cost, within the route's limits."
    }
    "#);
    assert_snapshot!(findings[5], @r#"{"id":"signer.route","seen":"default takes doctor.txt (text/plain, 27 bytes)","verdict":"ok"}"#);
}

#[tokio::test]
async fn the_sample_of_the_readme_is_what_is_said() {
    let mut stage = Stage::new();
    stage.trigger.methods.retain(|method| method != Method::OPTIONS);
    let said = stage
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
async fn a_closed_address_leaves_nothing_to_look_at() {
    let mut stage = Stage::new();
    stage.trigger.internet = false;
    let outcome = stage.run().await;
    assert_eq!((outcome.code, outcome.err.as_str()), (1, "oss-upload: one examination failed\n"));
    assert_snapshot!(outcome.out, @"
    http://127.0.0.1:SIGNER, route default, for pages of https://app.example

    signer
      ok    name       127.0.0.1, which needs no lookup
      ok    address    http on this machine, which browsers trust
      FAIL  health     403 AccessDenied: access denied due to function internet URL is disabled
                       is    closed-internet-url
                       why   The trigger's public address is switched off, so no browser outside the VPC reaches the function
                             there.
                       mend  Function Compute console > Functions > the function > Triggers > the HTTP trigger > Edit: let it
                             be called from the internet (s.yaml: disableURLInternet: false). Or give --signer a custom
                             domain, which is not concerned.
      -     clock      the function did not answer
      -     page       the function did not answer
      -     route      the function did not answer

    page
      -     all of it  the function did not answer

    caller
      -     all of it  the function did not answer

    grant
      -     all of it  the function did not answer

    bucket
      -     all of it  the function did not answer

    upload
      -     all of it  the function did not answer

    2 ok, 1 failed, 25 not looked at
    ");
}
