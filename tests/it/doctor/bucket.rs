//! What can be wrong with the bucket: each refusal by its name.

use http::Response;
use insta::assert_snapshot;

use super::stage::Stage;

#[tokio::test]
async fn a_bucket_without_cors_is_given_its_rule() {
    let stage = Stage::new().bucket(|oss| oss.cors_origins.clear());
    assert_snapshot!(stage.troubles().await, @"
    look  caller.nobody     who shows nothing gets a grant
          is    open-to-everyone
          why   Everyone who reaches the address can store files in the bucket, at your cost, within the route's
                limits.
          mend  If that is not meant, let the route ask for something and deploy: UPLOAD_AUTH=ticket, jwt, or
                all(origin, ticket).
    FAIL  bucket.preflight  403 AccessForbidden: CORSResponse: This CORS request is not allowed. [request
          ID]
          is    bucket-cors-absent
          why   The browser asks so before it sends the file, because upload progress is listened to; refused
                here, nothing is uploaded.
          mend  OSS console > Buckets > examplebucket > Content Security > CORS > Create Rule:
                  Source https://app.example, Allowed Methods POST, Allowed Headers *,
                  Exposed Headers ETag Location x-oss-request-id, Return Vary: Origin on.
                Or keep what stands below as cors.xml (it takes the place of all rules that are there) and run
                  ossutil api put-bucket-cors --bucket examplebucket --cors-configuration file://cors.xml
                <CORSConfiguration>
                  <CORSRule>
                    <AllowedOrigin>https://app.example</AllowedOrigin>
                    <AllowedMethod>POST</AllowedMethod>
                    <AllowedHeader>*</AllowedHeader>
                    <ExposeHeader>ETag</ExposeHeader>
                    <ExposeHeader>Location</ExposeHeader>
                    <ExposeHeader>x-oss-request-id</ExposeHeader>
                    <MaxAgeSeconds>600</MaxAgeSeconds>
                  </CORSRule>
                  <ResponseVary>true</ResponseVary>
                </CORSConfiguration>
    FAIL  upload.readable   the answer to the upload does not let the page read it
          is    stored-unseen
          why   The object is stored and the page sees a network error, so people upload again.
          mend  The finding on the bucket's preflight says how its CORS rule is made.
    ");
}

#[tokio::test]
async fn headers_that_pages_cannot_read_and_a_missing_vary_are_told() {
    let stage = Stage::new().bucket(|oss| {
        oss.cors_exposed = vec!["x-oss-request-id".to_owned()];
        oss.cors_vary = false;
    });
    let told = stage.troubles().await;
    let told: Vec<&str> = told.lines().filter(|line| !line.contains('<')).collect();
    assert_snapshot!(told.join("\n"), @"
    look  caller.nobody     who shows nothing gets a grant
          is    open-to-everyone
          why   Everyone who reaches the address can store files in the bucket, at your cost, within the route's
                limits.
          mend  If that is not meant, let the route ask for something and deploy: UPLOAD_AUTH=ticket, jwt, or
                all(origin, ticket).
    look  bucket.exposed    the page may not read ETag, Location
          is    not-exposed
          why   Uppy 4 and 5 wait for ever without ETag and complain without Location; support asks for the
                request id.
          mend  OSS console > Buckets > examplebucket > Content Security > CORS > the rule > Edit: Exposed
                Headers ETag Location x-oss-request-id.
    look  bucket.vary       no Vary: Origin
          is    no-vary
          why   A cache may give one page the answer that was meant for another, whose origin it names.
          mend  OSS console > Buckets > examplebucket > Content Security > CORS > the rule > Edit: Return Vary:
                Origin on.
    ");
}

#[tokio::test]
async fn the_hosts_that_oss_refuses_are_called_by_name() {
    let table = [
        ("http://nobucket.localhost:OSS", "NoSuchBucket"),
        ("http://oss-cn-hangzhou.localhost:OSS", "SecondLevelDomainForbidden"),
        ("http://examplebucket.oss-accelerate.localhost:OSS", "TransferAccelerationDisabled"),
        ("http://examplebucket.oss-cn-beijing.localhost:OSS", "wrong-endpoint"),
    ];
    for (host, name) in table {
        let names = Stage::new().with("OSS_UPLOAD_HOST", host).names().await;
        for id in ["bucket.preflight", "upload.stored"] {
            assert!(names.contains(&format!("fail {id} {name}")), "{names:?}");
        }
    }
}

#[tokio::test]
async fn a_new_account_is_led_to_a_domain_of_its_own() {
    let host = "http://examplebucket.oss-cn-hangzhou.localhost:OSS";
    let stage = Stage::new().with("OSS_UPLOAD_HOST", host);
    let stage = stage.bucket(|oss| oss.strictness.refuse_public_endpoint = true);
    assert_snapshot!(stage.troubles().await, @"
    look  caller.nobody     who shows nothing gets a grant
          is    open-to-everyone
          why   Everyone who reaches the address can store files in the bucket, at your cost, within the route's
                limits.
          mend  If that is not meant, let the route ask for something and deploy: UPLOAD_AUTH=ticket, jwt, or
                all(origin, ticket).
    FAIL  bucket.preflight  400 PublicEndpointForbidden (0048-00000401): The bucket cannot be reached through its default
          public endpoint. [request ID]
          is    PublicEndpointForbidden
          why   The default public endpoint is closed to accounts opened since March 2025 for buckets in
                mainland China.
          mend  Upload to a domain of your own:
                  1. OSS console > Buckets > examplebucket > Bucket Settings > Domain Names > Map Custom Domain Name:
                     upload.example.com (in mainland China the name needs an ICP filing), with the CNAME record
                     that is shown, and a certificate for https.
                  2. Set it, and deploy:
                     OSS_UPLOAD_HOST=https://upload.example.com
    FAIL  upload.stored     400 PublicEndpointForbidden (0048-00000401): The bucket cannot be reached through its default
          public endpoint. [request ID]
          is    PublicEndpointForbidden
          why   The default public endpoint is closed to accounts opened since March 2025 for buckets in
                mainland China.
          mend  as above: bucket, preflight
    ");
}

#[tokio::test]
async fn a_clock_of_oss_that_is_another_is_told() {
    let stage = Stage::new().bucket(|oss| {
        let clock = std::sync::Arc::clone(&oss.clock);
        oss.clock = std::sync::Arc::new(move || clock() + 3_600);
    });
    assert_snapshot!(stage.names().await.join("\n"), @"
    warn caller.nobody open-to-everyone
    fail bucket.clock clock-skew
    fail upload.stored clock-skew
    ");
}

#[tokio::test]
async fn something_else_than_oss_is_recognised() {
    let stage = Stage {
        impostor: Some(|_| Response::builder().status(404).body("<html>".into()).unwrap()),
        ..Stage::new()
    };
    assert_snapshot!(stage.names().await.join("\n"), @"
    warn caller.nobody open-to-everyone
    fail bucket.preflight not-oss
    fail upload.stored not-oss
    ");
    let stage = Stage {
        impostor: Some(|_| {
            let answer = Response::builder().header("access-control-allow-origin", "*");
            answer.header("access-control-allow-origin", "*").body("".into()).unwrap()
        }),
        ..Stage::new()
    };
    assert_snapshot!(stage.names().await.join("\n"), @"
    warn caller.nobody open-to-everyone
    fail bucket.preflight duplicate-allow-origin
    fail upload.readable stored-unseen
    fail upload.oversize size-unchecked
    fail upload.tampered signature-unchecked
    fail upload.elsewhere key-unchecked
    ");
}

#[tokio::test]
async fn a_bucket_that_is_not_there_and_one_without_tls_are_told_apart() {
    let names = Stage::new().with("OSS_UPLOAD_HOST", "http://bucket.invalid").names().await;
    assert_snapshot!(names.join("\n"), @"
    warn caller.nobody open-to-everyone
    fail grant.address no-https
    fail bucket.name unknown-name
    fail bucket.preflight unknown-name
    ");
    let names = Stage::new().with("OSS_UPLOAD_HOST", "https://127.0.0.1:OSS").names().await;
    assert_snapshot!(names.join("\n"), @"
    warn caller.nobody open-to-everyone
    fail bucket.preflight tls-untrusted
    ");
}
