//! Whole reports: of what is well, and of what is not there at all.

use insta::assert_snapshot;

use super::stage::Stage;

#[tokio::test]
async fn a_good_deployment_is_told_line_by_line() {
    let outcome = Stage::new().run().await;
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
      look  nobody     who shows nothing gets a grant
                       is    open-to-everyone
                       why   Everyone who reaches the address can store files in the bucket, at your cost, within the route's limits.
                       mend  If that is not meant, let the route ask for something and deploy: UPLOAD_AUTH=ticket, jwt, or all(origin, ticket).

    grant
      ok    given      for uploads/DAY/UUID/doctor.txt
      ok    fields     all 10 fields are there
      ok    expiry     it lasts 600 seconds
      ok    signature  V4
      ok    policy     bucket is "examplebucket"; success_action_status is "200"; x-oss-forbid-overwrite is "true"; x-oss-content-type is "text/plain"; key is "uploads/DAY/UUID/doctor.txt"; the file has 27 to 27 bytes. Left to the sender: x-oss-object-acl, x-oss-storage-class, content-disposition, cache-control
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
      ok    stored     200; the object uploads/DAY/UUID/doctor.txt stays, for the function may not delete: ossutil rm oss://examplebucket/uploads/DAY/UUID/doctor.txt
      ok    readable   the page may read the answer
      ok    oversize   28 bytes under a grant for 27 are refused (EntityTooLarge)
      ok    tampered   a policy that was changed after signing is refused (SignatureDoesNotMatch)
      ok    elsewhere  another key than the grant's is refused (AccessDenied)

    27 ok, 1 to look at
    "#);
}

#[tokio::test]
async fn machines_are_told_the_same_as_json() {
    let outcome = Stage::new().told(&["--json", "--no-upload"]).run().await;
    assert_eq!(outcome.code, 0, "{outcome:?}");
    assert_snapshot!(outcome.out, @r#"
    {
      "signer": "http://127.0.0.1:SIGNER",
      "origin": "https://app.example",
      "route": "default",
      "ok": 22,
      "warn": 1,
      "fail": 0,
      "skipped": 5,
      "findings": [
        {
          "id": "signer.name",
          "verdict": "ok",
          "seen": "127.0.0.1, which needs no lookup"
        },
        {
          "id": "signer.address",
          "verdict": "ok",
          "seen": "http on this machine, which browsers trust"
        },
        {
          "id": "signer.health",
          "verdict": "ok",
          "seen": "the function answers, version V"
        },
        {
          "id": "signer.clock",
          "verdict": "ok",
          "seen": "the function, its gateway and this machine agree on the time"
        },
        {
          "id": "signer.page",
          "verdict": "ok",
          "seen": "GET / can be viewed"
        },
        {
          "id": "signer.route",
          "verdict": "ok",
          "seen": "default takes doctor.txt (text/plain, 27 bytes)"
        },
        {
          "id": "page.preflight",
          "verdict": "ok",
          "seen": "OPTIONS /uploads answered 204, and the page may call"
        },
        {
          "id": "page.call",
          "verdict": "ok",
          "seen": "pages of https://app.example may read the answer"
        },
        {
          "id": "page.foreign",
          "verdict": "ok",
          "seen": "a page of https://doctor.invalid is refused (origin_not_allowed)"
        },
        {
          "id": "caller.nobody",
          "verdict": "warn",
          "cause": "open-to-everyone",
          "seen": "who shows nothing gets a grant",
          "why": "Everyone who reaches the address can store files in the bucket, at your cost, within the route's limits.",
          "mend": "If that is not meant, let the route ask for something and deploy: UPLOAD_AUTH=ticket, jwt, or all(origin, ticket)."
        },
        {
          "id": "grant.given",
          "verdict": "ok",
          "seen": "for uploads/DAY/UUID/doctor.txt"
        },
        {
          "id": "grant.fields",
          "verdict": "ok",
          "seen": "all 10 fields are there"
        },
        {
          "id": "grant.expiry",
          "verdict": "ok",
          "seen": "it lasts 600 seconds"
        },
        {
          "id": "grant.signature",
          "verdict": "ok",
          "seen": "V4"
        },
        {
          "id": "grant.policy",
          "verdict": "ok",
          "seen": "bucket is \"examplebucket\"; success_action_status is \"200\"; x-oss-forbid-overwrite is \"true\"; x-oss-content-type is \"text/plain\"; key is \"uploads/DAY/UUID/doctor.txt\"; the file has 27 to 27 bytes. Left to the sender: x-oss-object-acl, x-oss-storage-class, content-disposition, cache-control"
        },
        {
          "id": "grant.address",
          "verdict": "ok",
          "seen": "http://127.0.0.1:OSS"
        },
        {
          "id": "grant.region",
          "verdict": "ok",
          "seen": "signed for cn-hangzhou; the host names no region"
        },
        {
          "id": "bucket.name",
          "verdict": "ok",
          "seen": "127.0.0.1, which needs no lookup"
        },
        {
          "id": "bucket.preflight",
          "verdict": "ok",
          "seen": "200; a page of https://app.example may upload"
        },
        {
          "id": "bucket.clock",
          "verdict": "ok",
          "seen": "OSS and the function agree on the time"
        },
        {
          "id": "bucket.exposed",
          "verdict": "ok",
          "seen": "the page may read ETag, Location, x-oss-request-id"
        },
        {
          "id": "bucket.vary",
          "verdict": "ok",
          "seen": "Vary: Origin"
        },
        {
          "id": "bucket.foreign",
          "verdict": "ok",
          "seen": "a page of https://doctor.invalid is refused (403)"
        },
        {
          "id": "upload.stored",
          "verdict": "skipped",
          "seen": "left out, as was said with --no-upload"
        },
        {
          "id": "upload.readable",
          "verdict": "skipped",
          "seen": "left out, as was said with --no-upload"
        },
        {
          "id": "upload.oversize",
          "verdict": "skipped",
          "seen": "left out, as was said with --no-upload"
        },
        {
          "id": "upload.tampered",
          "verdict": "skipped",
          "seen": "left out, as was said with --no-upload"
        },
        {
          "id": "upload.elsewhere",
          "verdict": "skipped",
          "seen": "left out, as was said with --no-upload"
        }
      ]
    }
    "#);
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
                       why   The trigger's public address is switched off, so no browser outside the VPC reaches the function there.
                       mend  Function Compute console > Functions > the function > Triggers > the HTTP trigger > Edit: let it be called from the internet (s.yaml: disableURLInternet: false). Or give --signer a custom domain, which is not concerned.
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
