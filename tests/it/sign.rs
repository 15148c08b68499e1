//! The signing calls, in process, as whole answers.

use bytes::Bytes;
use fc_http::Event;
use http::Request;
use insta::assert_snapshot;

use crate::support::app::{Function, NOW, context, role_keys};

const DOCUMENTED: &str = "/get_post_signature_for_oss_upload";

#[tokio::test]
async fn the_documentations_page_gets_its_shape() {
    assert_snapshot!(Function::new(&[]).get(DOCUMENTED).await.whole(), @r#"
    200 OK
    cache-control: no-store
    content-length: 1040
    content-type: application/json
    vary: Origin
    x-content-type-options: nosniff

    {"host":"https://examplebucket.oss-cn-hangzhou.aliyuncs.com","dir":"uploads/2024/11/27/abababab-abab-4bab-abab-abababababab/","policy":"eyJleHBpcmF0aW9uIjoiMjAyNC0xMS0yN1QwNjoxOTo0MS4wMDBaIiwiY29uZGl0aW9ucyI6W3siYnVja2V0IjoiZXhhbXBsZWJ1Y2tldCJ9LHsieC1vc3Mtc2lnbmF0dXJlLXZlcnNpb24iOiJPU1M0LUhNQUMtU0hBMjU2In0seyJ4LW9zcy1jcmVkZW50aWFsIjoiU1RTLkV4YW1wbGVLZXlJZC8yMDI0MTEyNy9jbi1oYW5nemhvdS9vc3MvYWxpeXVuX3Y0X3JlcXVlc3QifSx7Ingtb3NzLWRhdGUiOiIyMDI0MTEyN1QwNjA5NDFaIn0seyJ4LW9zcy1zZWN1cml0eS10b2tlbiI6IkV4YW1wbGVUb2tlbiJ9LHsic3VjY2Vzc19hY3Rpb25fc3RhdHVzIjoiMjAwIn0sWyJzdGFydHMtd2l0aCIsIiRrZXkiLCJ1cGxvYWRzLzIwMjQvMTEvMjcvYWJhYmFiYWItYWJhYi00YmFiLWFiYWItYWJhYmFiYWJhYmFiLyJdLFsiY29udGVudC1sZW5ndGgtcmFuZ2UiLDEsMTA0ODU3NjAwXV19","signature":"6f14f8b383b136a07cba54cccfed0600ce56b1be6bd3eca8bfba0ae0ae507235","x_oss_signature_version":"OSS4-HMAC-SHA256","version":"OSS4-HMAC-SHA256","x_oss_credential":"STS.ExampleKeyId/20241127/cn-hangzhou/oss/aliyun_v4_request","x_oss_date":"20241127T060941Z","security_token":"ExampleToken","expire":1732688381}
    policy: {"expiration":"2024-11-27T06:19:41.000Z","conditions":[{"bucket":"examplebucket"},{"x-oss-signature-version":"OSS4-HMAC-SHA256"},{"x-oss-credential":"STS.ExampleKeyId/20241127/cn-hangzhou/oss/aliyun_v4_request"},{"x-oss-date":"20241127T060941Z"},{"x-oss-security-token":"ExampleToken"},{"success_action_status":"200"},["starts-with","$key","uploads/2024/11/27/abababab-abab-4bab-abab-abababababab/"],["content-length-range",1,104857600]]}
    "#);
}

#[tokio::test]
async fn a_named_file_gets_its_own_key_and_no_more() {
    let query = "?filename=%E7%85%A7%E7%89%87+1.png&type=image%2Fpng&size=5";
    let answer = Function::new(&[]).get(&format!("{DOCUMENTED}{query}")).await;
    assert_snapshot!(answer.whole(), @r#"
    200 OK
    cache-control: no-store
    content-length: 1141
    content-type: application/json
    vary: Origin
    x-content-type-options: nosniff

    {"host":"https://examplebucket.oss-cn-hangzhou.aliyuncs.com","dir":"uploads/2024/11/27/abababab-abab-4bab-abab-abababababab/","policy":"eyJleHBpcmF0aW9uIjoiMjAyNC0xMS0yN1QwNjoxOTo0MS4wMDBaIiwiY29uZGl0aW9ucyI6W3siYnVja2V0IjoiZXhhbXBsZWJ1Y2tldCJ9LHsieC1vc3Mtc2lnbmF0dXJlLXZlcnNpb24iOiJPU1M0LUhNQUMtU0hBMjU2In0seyJ4LW9zcy1jcmVkZW50aWFsIjoiU1RTLkV4YW1wbGVLZXlJZC8yMDI0MTEyNy9jbi1oYW5nemhvdS9vc3MvYWxpeXVuX3Y0X3JlcXVlc3QifSx7Ingtb3NzLWRhdGUiOiIyMDI0MTEyN1QwNjA5NDFaIn0seyJ4LW9zcy1zZWN1cml0eS10b2tlbiI6IkV4YW1wbGVUb2tlbiJ9LHsic3VjY2Vzc19hY3Rpb25fc3RhdHVzIjoiMjAwIn0seyJrZXkiOiJ1cGxvYWRzLzIwMjQvMTEvMjcvYWJhYmFiYWItYWJhYi00YmFiLWFiYWItYWJhYmFiYWJhYmFiL+eFp+eJhyAxLnBuZyJ9LFsiY29udGVudC1sZW5ndGgtcmFuZ2UiLDUsNV0seyJjb250ZW50LXR5cGUiOiJpbWFnZS9wbmcifV19","signature":"c79ebb079029b195b2b1d882210a3148d6c37a3b05e553dccccd68bce275ca15","x_oss_signature_version":"OSS4-HMAC-SHA256","version":"OSS4-HMAC-SHA256","x_oss_credential":"STS.ExampleKeyId/20241127/cn-hangzhou/oss/aliyun_v4_request","x_oss_date":"20241127T060941Z","security_token":"ExampleToken","expire":1732688381,"key":"uploads/2024/11/27/abababab-abab-4bab-abab-abababababab/照片 1.png"}
    policy: {"expiration":"2024-11-27T06:19:41.000Z","conditions":[{"bucket":"examplebucket"},{"x-oss-signature-version":"OSS4-HMAC-SHA256"},{"x-oss-credential":"STS.ExampleKeyId/20241127/cn-hangzhou/oss/aliyun_v4_request"},{"x-oss-date":"20241127T060941Z"},{"x-oss-security-token":"ExampleToken"},{"success_action_status":"200"},{"key":"uploads/2024/11/27/abababab-abab-4bab-abab-abababababab/照片 1.png"},["content-length-range",5,5],{"content-type":"image/png"}]}
    "#);
}

#[tokio::test]
async fn the_native_call_gives_a_verdict_for_each_file() {
    let function =
        Function::new(&[("UPLOAD_MAX_SIZE", "1KiB"), ("UPLOAD_TYPES", "image/*,text/plain")]);
    let body = r#"{"files":[
        {"name":"a.png","type":"image/png","size":10},
        {"name":"b.png","type":"image/png","size":2000},
        {"name":"c.html","type":"text/html","size":10},
        {"name":"d","type":"","size":10},
        {"name":"e.txt","type":"text/plain; charset=utf-8","size":0}]}"#;
    assert_snapshot!(function.post("/uploads", body).await.whole(), @r#"
    200 OK
    cache-control: no-store
    content-length: 2302
    content-type: application/json
    vary: Origin
    x-content-type-options: nosniff

    {"server_time":"2024-11-27T06:09:41Z","uploads":[{"method":"POST","url":"https://examplebucket.oss-cn-hangzhou.aliyuncs.com","fields":{"key":"uploads/2024/11/27/abababab-abab-4bab-abab-abababababab/a.png","policy":"eyJleHBpcmF0aW9uIjoiMjAyNC0xMS0yN1QwNjoxOTo0MS4wMDBaIiwiY29uZGl0aW9ucyI6W3siYnVja2V0IjoiZXhhbXBsZWJ1Y2tldCJ9LHsieC1vc3Mtc2lnbmF0dXJlLXZlcnNpb24iOiJPU1M0LUhNQUMtU0hBMjU2In0seyJ4LW9zcy1jcmVkZW50aWFsIjoiU1RTLkV4YW1wbGVLZXlJZC8yMDI0MTEyNy9jbi1oYW5nemhvdS9vc3MvYWxpeXVuX3Y0X3JlcXVlc3QifSx7Ingtb3NzLWRhdGUiOiIyMDI0MTEyN1QwNjA5NDFaIn0seyJ4LW9zcy1zZWN1cml0eS10b2tlbiI6IkV4YW1wbGVUb2tlbiJ9LHsic3VjY2Vzc19hY3Rpb25fc3RhdHVzIjoiMjAwIn0seyJ4LW9zcy1mb3JiaWQtb3ZlcndyaXRlIjoidHJ1ZSJ9LHsieC1vc3MtY29udGVudC10eXBlIjoiaW1hZ2UvcG5nIn0seyJrZXkiOiJ1cGxvYWRzLzIwMjQvMTEvMjcvYWJhYmFiYWItYWJhYi00YmFiLWFiYWItYWJhYmFiYWJhYmFiL2EucG5nIn0sWyJjb250ZW50LWxlbmd0aC1yYW5nZSIsMTAsMTBdXX0=","x-oss-signature-version":"OSS4-HMAC-SHA256","x-oss-credential":"STS.ExampleKeyId/20241127/cn-hangzhou/oss/aliyun_v4_request","x-oss-date":"20241127T060941Z","x-oss-security-token":"ExampleToken","x-oss-signature":"a7ef27aa6634d2da43bea565c4098bb4004cb4b6706caabba05b79a48b541ca8","success_action_status":"200","x-oss-forbid-overwrite":"true","x-oss-content-type":"image/png"},"key":"uploads/2024/11/27/abababab-abab-4bab-abab-abababababab/a.png","unique":true,"expires_at":"2024-11-27T06:19:41Z"},{"error":{"error":"file_too_large","message":"The file has 2000 bytes; at most 1 KiB are taken. Choose a smaller one.","limits":{"min_size":1,"max_size":1024,"types":["image/*","text/plain"],"extensions":[],"max_files":100}}},{"error":{"error":"type_not_allowed","message":"A file of type \"text/html\" is not taken; what is: image/*, text/plain.","limits":{"min_size":1,"max_size":1024,"types":["image/*","text/plain"],"extensions":[],"max_files":100}}},{"error":{"error":"type_required","message":"The file's type has to be named, since only these are taken: image/*, text/plain. Ask with the type.","limits":{"min_size":1,"max_size":1024,"types":["image/*","text/plain"],"extensions":[],"max_files":100}}},{"error":{"error":"file_too_small","message":"The file has 0 bytes; at least 1 B are wanted. Choose another one.","limits":{"min_size":1,"max_size":1024,"types":["image/*","text/plain"],"extensions":[],"max_files":100}}}]}
    policy: {"expiration":"2024-11-27T06:19:41.000Z","conditions":[{"bucket":"examplebucket"},{"x-oss-signature-version":"OSS4-HMAC-SHA256"},{"x-oss-credential":"STS.ExampleKeyId/20241127/cn-hangzhou/oss/aliyun_v4_request"},{"x-oss-date":"20241127T060941Z"},{"x-oss-security-token":"ExampleToken"},{"success_action_status":"200"},{"x-oss-forbid-overwrite":"true"},{"x-oss-content-type":"image/png"},{"key":"uploads/2024/11/27/abababab-abab-4bab-abab-abababababab/a.png"},["content-length-range",10,10]]}
    "#);
}

#[tokio::test]
async fn a_long_lived_key_leaves_no_trace_of_a_token() {
    let function = Function::new(&[("ALIBABA_CLOUD_SECURITY_TOKEN", "")]);
    let documented = function.get(DOCUMENTED).await;
    assert_eq!(documented.json()["security_token"], "");
    let native = function.post("/uploads", r#"{"files":[{"name":"a"}]}"#).await;
    assert!(native.json()["uploads"][0]["fields"].get("x-oss-security-token").is_none());
    for policy in [documented.policies(), native.policies()].concat() {
        assert!(!policy.contains("security-token"), "{policy}");
    }
}

#[tokio::test]
async fn the_documentations_page_is_held_to_the_routes_types_though_it_names_none() {
    let policies =
        async |types| Function::new(&[("UPLOAD_TYPES", types)]).get(DOCUMENTED).await.policies();
    assert!(policies("image/png,image/jpeg").await[0].contains(
        r#"["in","$content-type",["image/png","image/jpeg","image/jpg","image/pjpeg"]]"#
    ));
    assert!(policies("image/*").await[0].contains(r#"["starts-with","$content-type","image/"]"#));
}

#[tokio::test]
async fn a_v1_route_answers_the_documentations_call_in_the_v1_shape() {
    let answer = Function::new(&[("UPLOAD_SIGNATURE", "v1")]).get(DOCUMENTED).await;
    assert_snapshot!(answer.whole(), @r#"
    200 OK
    cache-control: no-store
    content-length: 625
    content-type: application/json
    vary: Origin
    x-content-type-options: nosniff

    {"accessid":"STS.ExampleKeyId","ossAccessKeyId":"STS.ExampleKeyId","host":"https://examplebucket.oss-cn-hangzhou.aliyuncs.com","dir":"uploads/2024/11/27/abababab-abab-4bab-abab-abababababab/","policy":"eyJleHBpcmF0aW9uIjoiMjAyNC0xMS0yN1QwNjoxOTo0MS4wMDBaIiwiY29uZGl0aW9ucyI6W3siYnVja2V0IjoiZXhhbXBsZWJ1Y2tldCJ9LHsic3VjY2Vzc19hY3Rpb25fc3RhdHVzIjoiMjAwIn0sWyJzdGFydHMtd2l0aCIsIiRrZXkiLCJ1cGxvYWRzLzIwMjQvMTEvMjcvYWJhYmFiYWItYWJhYi00YmFiLWFiYWItYWJhYmFiYWJhYmFiLyJdLFsiY29udGVudC1sZW5ndGgtcmFuZ2UiLDEsMTA0ODU3NjAwXV19","signature":"btM54j4HattpSPIW7BPvaJmWuOg=","expire":1732688381,"security_token":"ExampleToken","callback":""}
    policy: {"expiration":"2024-11-27T06:19:41.000Z","conditions":[{"bucket":"examplebucket"},{"success_action_status":"200"},["starts-with","$key","uploads/2024/11/27/abababab-abab-4bab-abab-abababababab/"],["content-length-range",1,104857600]]}
    "#);
}

#[tokio::test]
async fn a_v1_route_gives_a_named_file_its_own_key() {
    let file = "[routes.old]\nsignature = \"v1\"\ntypes = [\"image/*\"]\n";
    let query = "?route=old&filename=a.png&type=image%2Fpng&size=5";
    let function = Function::with_file(&[("ALIBABA_CLOUD_SECURITY_TOKEN", "")], file);
    assert_snapshot!(function.get(&format!("{DOCUMENTED}{query}")).await.whole(), @r#"
    200 OK
    cache-control: no-store
    content-length: 699
    content-type: application/json
    vary: Origin
    x-content-type-options: nosniff

    {"accessid":"STS.ExampleKeyId","ossAccessKeyId":"STS.ExampleKeyId","host":"https://examplebucket.oss-cn-hangzhou.aliyuncs.com","dir":"uploads/2024/11/27/abababab-abab-4bab-abab-abababababab/","policy":"eyJleHBpcmF0aW9uIjoiMjAyNC0xMS0yN1QwNjoxOTo0MS4wMDBaIiwiY29uZGl0aW9ucyI6W3siYnVja2V0IjoiZXhhbXBsZWJ1Y2tldCJ9LHsic3VjY2Vzc19hY3Rpb25fc3RhdHVzIjoiMjAwIn0seyJrZXkiOiJ1cGxvYWRzLzIwMjQvMTEvMjcvYWJhYmFiYWItYWJhYi00YmFiLWFiYWItYWJhYmFiYWJhYmFiL2EucG5nIn0sWyJjb250ZW50LWxlbmd0aC1yYW5nZSIsNSw1XSx7ImNvbnRlbnQtdHlwZSI6ImltYWdlL3BuZyJ9XX0=","signature":"Zfg8RnUOgY8HX43dyIx8fXFVYJg=","expire":1732688381,"security_token":"","callback":"","key":"uploads/2024/11/27/abababab-abab-4bab-abab-abababababab/a.png"}
    policy: {"expiration":"2024-11-27T06:19:41.000Z","conditions":[{"bucket":"examplebucket"},{"success_action_status":"200"},{"key":"uploads/2024/11/27/abababab-abab-4bab-abab-abababababab/a.png"},["content-length-range",5,5],{"content-type":"image/png"}]}
    "#);
}

#[tokio::test]
async fn a_v1_route_answers_the_native_call_with_v1_fields() {
    let function = Function::new(&[("UPLOAD_SIGNATURE", "v1"), ("UPLOAD_MAX_SIZE", "1KiB")]);
    let body =
        r#"{"files":[{"name":"a.png","type":"image/png","size":10},{"name":"b","size":2000}]}"#;
    assert_snapshot!(function.post("/uploads", body).await.whole(), @r#"
    200 OK
    cache-control: no-store
    content-length: 1140
    content-type: application/json
    vary: Origin
    x-content-type-options: nosniff

    {"server_time":"2024-11-27T06:09:41Z","uploads":[{"method":"POST","url":"https://examplebucket.oss-cn-hangzhou.aliyuncs.com","fields":{"key":"uploads/2024/11/27/abababab-abab-4bab-abab-abababababab/a.png","policy":"eyJleHBpcmF0aW9uIjoiMjAyNC0xMS0yN1QwNjoxOTo0MS4wMDBaIiwiY29uZGl0aW9ucyI6W3siYnVja2V0IjoiZXhhbXBsZWJ1Y2tldCJ9LHsic3VjY2Vzc19hY3Rpb25fc3RhdHVzIjoiMjAwIn0seyJ4LW9zcy1mb3JiaWQtb3ZlcndyaXRlIjoidHJ1ZSJ9LHsieC1vc3MtY29udGVudC10eXBlIjoiaW1hZ2UvcG5nIn0seyJrZXkiOiJ1cGxvYWRzLzIwMjQvMTEvMjcvYWJhYmFiYWItYWJhYi00YmFiLWFiYWItYWJhYmFiYWJhYmFiL2EucG5nIn0sWyJjb250ZW50LWxlbmd0aC1yYW5nZSIsMTAsMTBdXX0=","OSSAccessKeyId":"STS.ExampleKeyId","x-oss-security-token":"ExampleToken","Signature":"m6Ta+KTkCNymO6WrDFreFyxa0K4=","success_action_status":"200","x-oss-forbid-overwrite":"true","x-oss-content-type":"image/png"},"key":"uploads/2024/11/27/abababab-abab-4bab-abab-abababababab/a.png","unique":true,"expires_at":"2024-11-27T06:19:41Z"},{"error":{"error":"file_too_large","message":"The file has 2000 bytes; at most 1 KiB are taken. Choose a smaller one.","limits":{"min_size":1,"max_size":1024,"types":[],"extensions":[],"max_files":100}}}]}
    policy: {"expiration":"2024-11-27T06:19:41.000Z","conditions":[{"bucket":"examplebucket"},{"success_action_status":"200"},{"x-oss-forbid-overwrite":"true"},{"x-oss-content-type":"image/png"},{"key":"uploads/2024/11/27/abababab-abab-4bab-abab-abababababab/a.png"},["content-length-range",10,10]]}
    "#);
}

#[tokio::test]
async fn one_reading_of_the_clock_serves_the_whole_grant_at_midnight_too() {
    let to_midnight = 86_400 - NOW % 86_400;
    for (seconds, day) in [(to_midnight - 1, "20241127"), (to_midnight, "20241128")] {
        let answer = Function::new(&[("UPLOAD_ROLE_KEY_LIFETIME", "7d")])
            .at(seconds)
            .get(DOCUMENTED)
            .await
            .json();
        let text = |name: &str| answer[name].as_str().unwrap().to_owned();
        assert_eq!(
            text("x_oss_credential"),
            format!("STS.ExampleKeyId/{day}/cn-hangzhou/oss/aliyun_v4_request")
        );
        assert!(text("x_oss_date").starts_with(day));
        assert!(text("dir").contains(&format!("/{}/{}/", &day[4..6], &day[6..])));
        assert_eq!(answer["expire"], NOW + seconds + 600);
    }
}

#[tokio::test]
async fn a_grant_never_outlives_its_credential() {
    let lifetimes = [("UPLOAD_ROLE_KEY_LIFETIME", "1h"), ("UPLOAD_EXPIRES", "30m")];
    let expire = async |seconds| {
        Function::new(&lifetimes).at(seconds).get(DOCUMENTED).await.json()["expire"].clone()
    };
    assert_eq!(expire(0).await, NOW + 1_800);
    assert_eq!(expire(3_000).await, NOW + 3_600 - 60);
    assert!(expire(3_540).await.is_null());
}

#[tokio::test]
async fn the_requests_own_role_keys_win_and_garbage_falls_back() {
    let signed_as = async |id: &str| {
        let mut context = context(Event::Http);
        context.role_keys = Some(role_keys(id));
        let request = Request::get(DOCUMENTED).extension(context).body(Bytes::new()).unwrap();
        Function::new(&[]).call(request).await.json()["x_oss_credential"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert!(signed_as("STS.FromRequest").await.starts_with("STS.FromRequest/"));
    assert!(signed_as("garbage").await.starts_with("STS.ExampleKeyId/"));
}

#[tokio::test]
async fn a_route_is_asked_for_by_name() {
    let file = "[routes.avatar]\nbucket = \"avatar-bucket\"\ndir = \"avatars/{uuid}/\"\noverwrite = true\n\
                expires = \"1m\"\nmax_size = 10\n";
    let function = Function::with_file(&[], file);
    let native =
        function.post("/uploads", r#"{"route":"avatar","files":[{"name":"me.png"}]}"#).await;
    assert_snapshot!(native.policies()[0], @r#"{"expiration":"2024-11-27T06:10:41.000Z","conditions":[{"bucket":"avatar-bucket"},{"x-oss-signature-version":"OSS4-HMAC-SHA256"},{"x-oss-credential":"STS.ExampleKeyId/20241127/cn-hangzhou/oss/aliyun_v4_request"},{"x-oss-date":"20241127T060941Z"},{"x-oss-security-token":"ExampleToken"},{"success_action_status":"200"},{"x-oss-content-type":"image/png"},{"key":"avatars/abababab-abab-4bab-abab-abababababab/me.png"},["content-length-range",1,10]]}"#);
    let documented = function.get(&format!("{DOCUMENTED}?route=avatar")).await.json();
    assert_eq!(documented["host"], "https://avatar-bucket.oss-cn-hangzhou.aliyuncs.com");
}
