//! The operations against a client that answers from a list and keeps the requests.

use std::fmt;
use std::sync::Mutex;

use http::Request;

use super::*;
use crate::bucket::{BucketAddress, BucketRefusal};
use crate::credentials::Credentials;
use crate::net::{HttpClient, RequestLimits, ResponseFuture, SendError};
use crate::secret::Secret;
use crate::time::Timestamp;

type Answer = Result<Response<Bytes>, SendError>;

/// Answers requests in the order of a list.
struct ListedAnswers {
    answers: Mutex<Vec<Answer>>,
    requests: Mutex<Vec<(Request<Bytes>, RequestLimits)>>,
}

impl fmt::Debug for ListedAnswers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ListedAnswers")
    }
}

impl ListedAnswers {
    fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        let mut answers: Vec<_> = answers.into_iter().collect();
        answers.reverse();
        Self { answers: Mutex::new(answers), requests: Mutex::default() }
    }

    fn client<'a>(&'a self, credentials: &'a Credentials) -> BucketClient<'a> {
        let address = BucketAddress {
            url: "https://examplebucket.oss-cn-hangzhou.aliyuncs.com",
            name: "examplebucket",
            region: "cn-hangzhou",
        };
        let now = Timestamp::from_unix(1_796_119_872).unwrap();
        BucketClient::new(self, address, credentials, now, Instant::now() + Duration::from_secs(30))
    }

    fn lines(&self) -> Vec<String> {
        let requests = self.requests.lock().unwrap();
        requests
            .iter()
            .map(|(request, _)| {
                let mut headers: Vec<_> = request
                    .headers()
                    .iter()
                    .filter(|(name, _)| {
                        !matches!(
                            name.as_str(),
                            "authorization"
                                | "x-oss-date"
                                | "x-oss-content-sha256"
                                | "x-oss-security-token"
                        )
                    })
                    .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
                    .collect();
                headers.sort();
                let body = String::from_utf8_lossy(request.body()).into_owned();
                format!(
                    "{} {} {headers:?} {body}",
                    request.method(),
                    request.uri().path_and_query().unwrap()
                )
            })
            .collect()
    }
}

impl HttpClient for ListedAnswers {
    fn send(&self, request: Request<Bytes>, limits: RequestLimits) -> ResponseFuture<'_> {
        self.requests.lock().unwrap().push((request, limits));
        let answer = self.answers.lock().unwrap().pop().expect("an unexpected request");
        Box::pin(async { answer })
    }
}

fn credentials() -> Credentials {
    Credentials {
        key_id: "LTAI5tExampleKeyId0001".to_owned(),
        secret: Secret::new("marker-secret"),
        token: Some(Secret::new("marker-token")),
        usable_until: None,
    }
}

#[expect(clippy::unnecessary_wraps, reason = "an answer among others that are errors")]
fn answer(status: u16, body: &str) -> Answer {
    Ok(Response::builder().status(status).body(Bytes::copy_from_slice(body.as_bytes())).unwrap())
}

#[expect(clippy::unnecessary_wraps, reason = "an answer among others that are errors")]
fn with_headers(status: u16, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut builder = Response::builder().status(status);
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    Ok(builder.body(Bytes::copy_from_slice(body.as_bytes())).unwrap())
}

fn error(status: u16, code: &str) -> Answer {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{code}</Code><Message>marker message</Message>\
         <RequestId>5C3D9175B6FC201293AD4890</RequestId><EC>0042-00000104</EC></Error>"
    );
    answer(status, &body)
}

fn parts_page(numbers: std::ops::RangeInclusive<u32>, is_truncated: bool) -> Answer {
    let parts: Vec<String> = numbers
        .map(|number| {
            format!(
                "<Part><PartNumber>{number}</PartNumber><LastModified>2012-02-23T07:01:34.000Z</LastModified>\
                 <ETag>&quot;3349DC700140D7F86A0784842780{number:04}&quot;</ETag><Size>102400</Size></Part>"
            )
        })
        .collect();
    let parts = parts.concat();
    answer(
        200,
        &format!(
            "<ListPartsResult><IsTruncated>{is_truncated}</IsTruncated>{parts}</ListPartsResult>"
        ),
    )
}

fn headers(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[tokio::test]
async fn an_upload_begins_with_the_headers_of_its_object() {
    let body = "<InitiateMultipartUploadResult><Bucket>examplebucket</Bucket><Key>a</Key>\
                <UploadId>0004B9894A22E5B1888A1E29F8236E2D</UploadId></InitiateMultipartUploadResult>";
    let (http, credentials) = (ListedAnswers::new([answer(200, body)]), credentials());
    let given = headers(&[("content-type", "video/mp4"), ("x-oss-forbid-overwrite", "true")]);
    let id = http.client(&credentials).initiate("videos/照 片.mp4", &given).await.unwrap();
    assert_eq!(id, "0004B9894A22E5B1888A1E29F8236E2D");
    insta::assert_snapshot!(http.lines().join("\n"), @r#"POST /videos/%E7%85%A7%20%E7%89%87.mp4?uploads ["content-length: 0", "content-type: video/mp4", "x-oss-forbid-overwrite: true"]"#);
    let requests = http.requests.lock().unwrap();
    let authorization = requests[0].0.headers()["authorization"].to_str().unwrap();
    assert!(authorization.starts_with("OSS4-HMAC-SHA256 Credential=LTAI5tExampleKeyId0001/20261201/cn-hangzhou/oss/aliyun_v4_request,Signature="), "{authorization}");
}

#[tokio::test]
async fn an_answer_without_an_id_is_malformed_and_never_repeated() {
    for body in [
        "",
        "<a/>",
        "<InitiateMultipartUploadResult><UploadId></UploadId></InitiateMultipartUploadResult>",
        "<InitiateMultipartUploadResult><UploadId>a b</UploadId></InitiateMultipartUploadResult>",
    ] {
        let (http, credentials) = (ListedAnswers::new([answer(200, body)]), credentials());
        let refused = http.client(&credentials).initiate("a", &[]).await.unwrap_err();
        assert_eq!(refused, BucketError::Malformed("it has no id of the new upload"), "{body}");
    }
    let (http, credentials) = (ListedAnswers::new([error(503, "InternalError")]), credentials());
    assert!(http.client(&credentials).initiate("a", &[]).await.unwrap_err().may_have_succeeded());
}

#[tokio::test]
async fn all_pages_of_parts_are_read() {
    let pages = [parts_page(1..=1000, true), parts_page(1001..=1003, false)];
    let (http, credentials) = (ListedAnswers::new(pages), credentials());
    let parts = http.client(&credentials).list_parts("a/b", "ID").await.unwrap();
    assert_eq!(parts.len(), 1003);
    let etag = "3349DC700140D7F86A07848427801003".to_owned();
    assert_eq!(parts[1002], UploadedPart { number: 1003, size: 102_400, etag });
    insta::assert_snapshot!(http.lines().join("\n"), @r#"
    GET /a/b?max-parts=1000&part-number-marker=0&uploadId=ID [] 
    GET /a/b?max-parts=1000&part-number-marker=1000&uploadId=ID []
    "#);
}

#[tokio::test]
async fn a_list_that_does_not_end_or_is_not_in_order_is_malformed() {
    let credentials = credentials();
    let http = ListedAnswers::new(
        (0..11).map(|page| parts_page(page * 1000 + 1..=page * 1000 + 1000, true)),
    );
    let endless = http.client(&credentials).list_parts("a", "ID").await;
    assert_eq!(endless, Err(BucketError::Malformed("it lists more parts than an upload has")));
    let http = ListedAnswers::new([parts_page(1..=2, true), parts_page(2..=3, false)]);
    let twice = http.client(&credentials).list_parts("a", "ID").await;
    assert_eq!(twice, Err(BucketError::Malformed("its parts are not in ascending order")));
    for body in [
        "",
        "<ListPartsResult>",
        "<Other/>",
        "<ListPartsResult><Part><PartNumber>1</PartNumber></Part></ListPartsResult>",
    ] {
        let http = ListedAnswers::new([answer(200, body)]);
        let read = http.client(&credentials).list_parts("a", "ID").await;
        assert_eq!(read, Err(BucketError::Malformed("it is no list of parts")), "{body}");
    }
    let http = ListedAnswers::new([
        parts_page(1..=1, true),
        answer(200, "<ListPartsResult><IsTruncated>true</IsTruncated></ListPartsResult>"),
    ]);
    assert_eq!(http.client(&credentials).list_parts("a", "ID").await.unwrap().len(), 1);
}

#[tokio::test]
async fn requests_that_can_be_repeated_are_sent_twice() {
    let credentials = credentials();
    for failure in [
        Err(SendError::TimedOut),
        Err(SendError::Broken("x".to_owned())),
        error(500, "InternalError"),
    ] {
        let http = ListedAnswers::new([failure, parts_page(1..=1, false)]);
        assert!(http.client(&credentials).list_parts("a", "ID").await.is_ok());
    }
    let http = ListedAnswers::new([Err(SendError::TimedOut), Err(SendError::TimedOut)]);
    let silent = http.client(&credentials).list_parts("a", "ID").await.unwrap_err();
    assert_eq!(silent.to_string(), "OSS did not answer: no answer in time");
    let http = ListedAnswers::new([error(404, "NoSuchUpload")]);
    assert!(http.client(&credentials).list_parts("a", "ID").await.unwrap_err().is_no_such_upload());
}

#[tokio::test]
async fn a_refusal_is_described_by_its_words_and_shows_no_message() {
    let (http, credentials) =
        (ListedAnswers::new([error(403, "SignatureDoesNotMatch")]), credentials());
    let refused = http.client(&credentials).initiate("a", &[]).await.unwrap_err();
    insta::assert_snapshot!(refused, @"OSS answered 403, SignatureDoesNotMatch, EC 0042-00000104, request id 5C3D9175B6FC201293AD4890");
    assert!(!format!("{refused:?}").contains("marker"));
    let http = ListedAnswers::new([answer(502, "<html>marker</html>")]);
    let refused = http.client(&credentials).initiate("a", &[]).await.unwrap_err();
    assert_eq!(
        refused,
        BucketError::Refused(BucketRefusal { status: 502, ..BucketRefusal::default() })
    );
    assert!(!format!("{:?}", http.client(&credentials)).contains("marker"));
}

fn completion<'a>(parts: &'a [UploadedPart], headers: &'a [(String, String)]) -> Completion<'a> {
    Completion { key: "a", upload_id: "ID", parts, headers, has_callback: !headers.is_empty() }
}

#[tokio::test]
async fn the_completion_lists_the_parts_with_quoted_tags() {
    let parts = [
        UploadedPart { number: 1, size: 1, etag: "A1".to_owned() },
        UploadedPart { number: 2, size: 1, etag: "B2".to_owned() },
    ];
    let body =
        "<CompleteMultipartUploadResult><ETag>\"C3-2\"</ETag></CompleteMultipartUploadResult>";
    let (http, credentials) = (
        ListedAnswers::new([with_headers(
            200,
            &[("x-oss-hash-crc64ecma", "18446744073709551615")],
            body,
        )]),
        credentials(),
    );
    let object = http.client(&credentials).complete(&completion(&parts, &[])).await.unwrap();
    let expected = CompletedObject {
        etag: Some("C3-2".to_owned()),
        crc64: Some(u64::MAX.to_string()),
        callback: CallbackOutcome::Unknown,
    };
    assert_eq!(object, expected);
    insta::assert_snapshot!(http.lines().join("\n"), @r#"POST /a?uploadId=ID [] <CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>"A1"</ETag></Part><Part><PartNumber>2</PartNumber><ETag>"B2"</ETag></Part></CompleteMultipartUpload>"#);
}

#[tokio::test]
async fn the_answer_of_a_callback_is_passed_on_and_its_failure_is_told_apart() {
    let ordered = headers(&[("x-oss-callback", "e30="), ("x-oss-callback-var", "e30=")]);
    let credentials = credentials();
    let http = ListedAnswers::new([with_headers(200, &[("etag", "\"C3-1\"")], "{\"id\":1}")]);
    let object = http.client(&credentials).complete(&completion(&[], &ordered)).await.unwrap();
    assert_eq!(object.etag.as_deref(), Some("C3-1"));
    assert_eq!(object.callback, CallbackOutcome::Answered(Bytes::from_static(b"{\"id\":1}")));
    let http = ListedAnswers::new([error(203, "CallbackFailed")]);
    let object = http.client(&credentials).complete(&completion(&[], &ordered)).await.unwrap();
    assert_eq!(object.callback, CallbackOutcome::Failed("0042-00000104".to_owned()));
}

#[tokio::test]
async fn a_completion_is_sent_once_and_its_loss_is_not_a_failure() {
    let credentials = credentials();
    for (answer, may_have_succeeded) in [
        (Err(SendError::TimedOut), true),
        (Err(SendError::Broken("x".to_owned())), true),
        (Err(SendError::TooLong), true),
        (error(500, "InternalError"), true),
        (Err(SendError::Unreachable("x".to_owned())), false),
        (error(404, "NoSuchUpload"), false),
        (error(409, "FileAlreadyExists"), false),
    ] {
        let http = ListedAnswers::new([answer]);
        let error = http.client(&credentials).complete(&completion(&[], &[])).await.unwrap_err();
        assert_eq!(error.may_have_succeeded(), may_have_succeeded, "{error}");
    }
}

#[tokio::test]
async fn an_upload_that_is_gone_is_aborted() {
    let credentials = credentials();
    for answer in [answer(204, ""), error(404, "NoSuchUpload")] {
        let http = ListedAnswers::new([answer]);
        assert_eq!(http.client(&credentials).abort("a", "ID").await, Ok(()));
        assert_eq!(http.lines(), ["DELETE /a?uploadId=ID [] "]);
    }
    let http = ListedAnswers::new([error(403, "AccessDenied")]);
    assert!(http.client(&credentials).abort("a", "ID").await.is_err());
}

#[tokio::test]
async fn an_object_is_described_by_its_headers() {
    let credentials = credentials();
    let given = [
        ("content-length", "5"),
        ("etag", "\"C3-1\""),
        ("x-oss-hash-crc64ecma", "7"),
        ("x-oss-meta-upload-id", "abab"),
    ];
    let http = ListedAnswers::new([with_headers(200, &given, "")]);
    let found = http.client(&credentials).head("a").await.unwrap();
    let expected = ObjectHead {
        size: 5,
        etag: Some("C3-1".to_owned()),
        crc64: Some("7".to_owned()),
        upload_id: Some("abab".to_owned()),
    };
    assert_eq!(found, HeadResult::Found(expected));
    for (status, result) in [(404, HeadResult::Absent), (403, HeadResult::Forbidden)] {
        let http = ListedAnswers::new([answer(status, "")]);
        assert_eq!(http.client(&credentials).head("a").await, Ok(result));
    }
}
