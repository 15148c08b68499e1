//! Problems of the bucket: each error of OSS has its name.

use http::Response;
use insta::assert_snapshot;
use oss_emulator::oss::RefererRules;

use super::fixture::DoctorFixture;

#[tokio::test]
async fn a_bucket_without_a_cors_rule_is_reported_with_the_rule() {
    let fixture = DoctorFixture::new().bucket(|oss| oss.cors_origins.clear());
    assert_snapshot!(fixture.problems().await, @"
    warn  caller.nobody     a caller without credentials gets a form
          name  open-to-everyone
          why   Everyone who can reach the address can store files in the bucket, at your cost, within the
                limits of the route.
          fix   If that is not intended, let the route require authentication and deploy: UPLOAD_AUTH=ticket,
                jwt, or all(origin, ticket).
    FAIL  bucket.preflight  403 AccessForbidden: CORSResponse: This CORS request is not allowed. [request
          ID]
          name  bucket-cors-absent
          why   The browser sends this request before the file, because the page shows upload progress. It is
                refused, so nothing is uploaded.
          fix   OSS console > Buckets > examplebucket > Content Security > CORS > Create Rule:
                  Source https://app.example, Allowed Methods POST, Allowed Headers *,
                  Exposed Headers ETag Location x-oss-request-id, Return Vary: Origin on.
                Or save the following as cors.xml (it replaces all existing rules) and run
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
    FAIL  upload.readable   the response to the upload does not allow the page to read it
          name  stored-unseen
          why   The object is stored, but the page sees a network error, so users upload again.
          fix   The finding on the bucket's preflight says how to create its CORS rule.
    ");
}

#[tokio::test]
async fn hidden_headers_and_a_missing_vary_are_reported() {
    let fixture = DoctorFixture::new().bucket(|oss| {
        oss.cors_exposed = vec!["x-oss-request-id".to_owned()];
        oss.cors_vary = false;
    });
    let report = fixture.problems().await;
    let report: Vec<&str> = report.lines().filter(|line| !line.contains('<')).collect();
    assert_snapshot!(report.join("\n"), @"
    warn  caller.nobody     a caller without credentials gets a form
          name  open-to-everyone
          why   Everyone who can reach the address can store files in the bucket, at your cost, within the
                limits of the route.
          fix   If that is not intended, let the route require authentication and deploy: UPLOAD_AUTH=ticket,
                jwt, or all(origin, ticket).
    warn  bucket.exposed    the page may not read ETag, Location
          name  not-exposed
          why   Uppy 4 and 5 never finish without ETag and report an error without Location; support needs the
                request id.
          fix   OSS console > Buckets > examplebucket > Content Security > CORS > the rule > Edit: Exposed
                Headers ETag Location x-oss-request-id.
    warn  bucket.vary       no Vary: Origin
          name  no-vary
          why   A cache may send one page the response for another, which allows the other origin only.
          fix   OSS console > Buckets > examplebucket > Content Security > CORS > the rule > Edit: Return Vary:
                Origin on.
    ");
}

#[tokio::test]
async fn hosts_that_oss_refuses_have_names() {
    let table = [
        ("http://nobucket.localhost:OSS", "NoSuchBucket"),
        ("http://oss-cn-hangzhou.localhost:OSS", "SecondLevelDomainForbidden"),
        ("http://examplebucket.oss-accelerate.localhost:OSS", "TransferAccelerationDisabled"),
        ("http://examplebucket.oss-cn-beijing.localhost:OSS", "wrong-endpoint"),
    ];
    for (host, name) in table {
        let names = DoctorFixture::new().with("OSS_UPLOAD_HOST", host).causes().await;
        for id in ["bucket.preflight", "upload.stored"] {
            assert!(names.contains(&format!("fail {id} {name}")), "{names:?}");
        }
    }
}

#[tokio::test]
async fn a_new_account_is_advised_to_use_a_custom_domain() {
    let host = "http://examplebucket.oss-cn-hangzhou.localhost:OSS";
    let fixture = DoctorFixture::new().with("OSS_UPLOAD_HOST", host);
    let fixture = fixture.bucket(|oss| oss.strictness.refuse_public_endpoint = true);
    assert_snapshot!(fixture.problems().await, @"
    warn  caller.nobody     a caller without credentials gets a form
          name  open-to-everyone
          why   Everyone who can reach the address can store files in the bucket, at your cost, within the
                limits of the route.
          fix   If that is not intended, let the route require authentication and deploy: UPLOAD_AUTH=ticket,
                jwt, or all(origin, ticket).
    FAIL  bucket.preflight  400 PublicEndpointForbidden (0048-00000401): The bucket cannot be reached through its default
          public endpoint. [request ID]
          name  PublicEndpointForbidden
          why   The default public endpoint is closed to accounts opened since March 2025 for buckets in
                mainland China.
          fix   Upload to a domain of your own:
                  1. OSS console > Buckets > examplebucket > Bucket Settings > Domain Names > Map Custom Domain Name:
                     upload.example.com (in mainland China the name needs an ICP filing), with the CNAME record
                     that is shown, and a certificate for https.
                  2. Set it, and deploy:
                     OSS_UPLOAD_HOST=https://upload.example.com
    FAIL  upload.stored     400 PublicEndpointForbidden (0048-00000401): The bucket cannot be reached through its default
          public endpoint. [request ID]
          name  PublicEndpointForbidden
          why   The default public endpoint is closed to accounts opened since March 2025 for buckets in
                mainland China.
          fix   as above: bucket, preflight
    ");
}

#[tokio::test]
async fn a_different_clock_of_oss_is_reported() {
    let fixture = DoctorFixture::new().bucket(|oss| {
        let clock = std::sync::Arc::clone(&oss.clock);
        oss.clock = std::sync::Arc::new(move || clock() + 3_600);
    });
    assert_snapshot!(fixture.causes().await.join("\n"), @"
    warn caller.nobody open-to-everyone
    fail bucket.clock clock-skew
    fail upload.stored clock-skew
    ");
}

#[tokio::test]
async fn something_else_than_oss_is_recognised() {
    let fixture = DoctorFixture {
        oss_replacement: Some(|_| Response::builder().status(404).body("<html>".into()).unwrap()),
        ..DoctorFixture::new()
    };
    assert_snapshot!(fixture.causes().await.join("\n"), @"
    warn caller.nobody open-to-everyone
    fail bucket.preflight not-oss
    fail upload.stored not-oss
    ");
    let fixture = DoctorFixture {
        oss_replacement: Some(|_| {
            let answer = Response::builder().header("access-control-allow-origin", "*");
            answer.header("access-control-allow-origin", "*").body("".into()).unwrap()
        }),
        ..DoctorFixture::new()
    };
    assert_snapshot!(fixture.causes().await.join("\n"), @"
    warn caller.nobody open-to-everyone
    fail bucket.preflight duplicate-allow-origin
    fail upload.readable stored-unseen
    fail upload.oversize size-unchecked
    fail upload.tampered signature-unchecked
    fail upload.elsewhere key-unchecked
    ");
}

#[tokio::test]
async fn an_unknown_bucket_host_and_one_without_tls_have_different_names() {
    let names =
        DoctorFixture::new().with("OSS_UPLOAD_HOST", "http://bucket.invalid").causes().await;
    assert_snapshot!(names.join("\n"), @"
    warn caller.nobody open-to-everyone
    fail grant.address no-https
    fail bucket.name unknown-name
    fail bucket.preflight unknown-name
    ");
    let names =
        DoctorFixture::new().with("OSS_UPLOAD_HOST", "https://127.0.0.1:OSS").causes().await;
    assert_snapshot!(names.join("\n"), @"
    warn caller.nobody open-to-everyone
    fail bucket.preflight tls-untrusted
    ");
}

/// A deployment whose bucket has these referer rules.
fn with_referers(refuse_empty: bool, allowed: &[&str], blocked: &[&str]) -> DoctorFixture {
    let own = |patterns: &[&str]| patterns.iter().map(|one| (*one).to_owned()).collect();
    let rules = RefererRules { refuse_empty, allowed: own(allowed), blocked: own(blocked) };
    DoctorFixture::new().bucket(move |oss| oss.referers = rules)
}

#[tokio::test]
async fn a_referer_rule_that_refuses_the_page_is_not_taken_for_a_missing_permission() {
    for fixture in [
        || with_referers(false, &["https://other.example"], &[]),
        || with_referers(true, &["*.other.example"], &[]),
        || with_referers(false, &[], &["app.example"]),
    ] {
        assert_eq!(
            fixture().causes().await,
            ["warn caller.nobody open-to-everyone", "fail upload.stored bucket-referer-rule"]
        );
    }
    let report = with_referers(false, &["https://other.example"], &[]).problems().await;
    let row = report.lines().skip_while(|line| !line.contains("upload.stored"));
    assert_snapshot!(row.collect::<Vec<_>>().join("\n"), @"
    FAIL  upload.stored     403 AccessDenied (0003-00000503): You are denied by bucket referer policy. [request
          ID]
          name  bucket-referer-rule
          why   Hotlink protection of the bucket rejects the Referer of the page, https://app.example/. The
                role's permissions are not the reason.
          fix   OSS console > Buckets > examplebucket > Content Security > Hotlink Protection: Add
                https://app.example/ to the allowed referers, and allow an empty Referer for mini programs and
                apps.
    ");
}

#[tokio::test]
async fn a_referer_rule_that_refuses_requests_without_one_gives_a_warning() {
    let fixture = || with_referers(true, &["https://app.example"], &[]);
    assert_eq!(
        fixture().causes().await,
        ["warn caller.nobody open-to-everyone", "warn upload.referer bucket-referer-rule"]
    );
    let report = fixture().problems().await;
    let row = report.lines().skip_while(|line| !line.contains("upload.referer"));
    assert_snapshot!(row.collect::<Vec<_>>().join("\n"), @"
    warn  upload.referer    403 AccessDenied (0003-00000501): You are denied by bucket referer policy. [request
          ID]
          name  bucket-referer-rule
          why   Hotlink protection refuses uploads without a Referer: those of mini programs, apps, and pages
                with the referrer policy no-referrer, such as the function's own.
          fix   OSS console > Buckets > examplebucket > Content Security > Hotlink Protection: Add
                https://app.example/ to the allowed referers, and allow an empty Referer for mini programs and
                apps.
    ");
}

#[tokio::test]
async fn the_functions_own_page_is_tested_without_a_referer() {
    let own_page = |mut fixture: DoctorFixture| {
        fixture.arguments.clear();
        fixture
    };
    let all_origins = |fixture: DoctorFixture, refuse_empty| {
        fixture.bucket(move |oss| {
            oss.cors_origins = vec!["*".to_owned()];
            oss.referers = RefererRules { refuse_empty, ..RefererRules::default() };
        })
    };
    let causes = all_origins(own_page(DoctorFixture::new()), true).causes().await;
    assert!(causes.contains(&"fail upload.stored bucket-referer-rule".to_owned()), "{causes:?}");
    let causes = all_origins(own_page(DoctorFixture::new()), false).causes().await;
    assert!(!causes.iter().any(|cause| cause.contains("referer")), "{causes:?}");
}

#[tokio::test]
async fn a_referer_rule_is_recognised_by_the_upload_that_differs_in_its_referer() {
    let fixture = DoctorFixture {
        oss_replacement: Some(|request| {
            let response = Response::builder()
                .header("access-control-allow-origin", super::fixture::PAGE)
                .header("vary", "Origin");
            if request.method() == http::Method::OPTIONS {
                return response.body("".into()).unwrap();
            }
            // An error without EC and without the known message.
            let code = match request.headers().get("referer") {
                Some(_) => "AccessDenied",
                None => "EntityTooLarge",
            };
            let xml = format!("<Error><Code>{code}</Code></Error>");
            response.status(403).body(xml.into()).unwrap()
        }),
        ..DoctorFixture::new()
    };
    let causes = fixture.causes().await;
    assert!(causes.contains(&"fail upload.stored bucket-referer-rule".to_owned()), "{causes:?}");
}
