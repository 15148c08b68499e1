//! Tests the multipart body: its parts, their order, faults and limits.

use crate::support::form::{Form, disposition};
use crate::support::oss::{Reply, Server};
use oss_emulator::oss::Relaxation;

const MIB: usize = 1024 * 1024;

/// Sends a body as it is, with the correct length.
async fn send(server: &Server, form: &Form, body: &[u8]) -> Reply {
    let head = server.head(form, body.len() as u64, &[]);
    server.send(&[head.as_bytes(), body].concat()).await
}

fn code_and_ec(reply: &Reply) -> (String, String) {
    let (status, code, ec) = reply.refusal();
    assert_eq!(status, 400);
    (code, ec)
}

fn known(code: &str, ec: &str) -> (String, String) {
    (code.to_owned(), ec.to_owned())
}

#[tokio::test]
async fn a_post_that_is_not_a_form_upload_is_not_allowed() {
    let server = Server::start().await;
    let form = Form::good();
    for content_type in
        ["", "application/json", "multipart/form-data", "multipart/form-data, boundary=x"]
    {
        let reply = server.post_with(&form, &[("Content-Type", content_type)]).await;
        assert_eq!((reply.status, reply.child("Code").as_str()), (405, "MethodNotAllowed"));
        assert_eq!(
            reply.child("Message"),
            "The specified method is not allowed against this resource."
        );
        assert_eq!(reply.child("Method"), "POST");
        assert_eq!(reply.child("ResourceType"), "Bucket");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_quoted_boundary_is_malformed_unless_allowed() {
    let quoted = [("Content-Type", "multipart/form-data; boundary=\"----boundary0123\"")];
    let server = Server::start().await;
    let reply = server.post_with(&Form::good(), &quoted).await;
    assert_eq!(code_and_ec(&reply), known("MalformedPOSTRequest", "0006-00000104"));
    server.stop().await;
    let server = Server::with_strictness(|strictness| {
        strictness.relaxed.insert(Relaxation::QuotedBoundary);
    })
    .await;
    assert_eq!(server.post_with(&Form::good(), &quoted).await.status, 204);
    server.stop().await;
}

#[tokio::test]
async fn an_upload_without_a_length_is_refused() {
    let server = Server::start().await;
    let headers = [("Content-Length", ""), ("Transfer-Encoding", "chunked")];
    let head = server.head(&Form::good(), 0, &headers);
    let reply = server.send((head + "3\r\nabc\r\n0\r\n\r\n").as_bytes()).await;
    assert_eq!((reply.status, reply.child("Code").as_str()), (411, "MissingContentLength"));
    server.stop().await;
}

#[tokio::test]
async fn an_upload_of_5_gb_is_refused_before_it_is_read() {
    let server = Server::with_strictness(|strictness| strictness.limits.drain_bytes = 0).await;
    let head = server.head(&Form::good(), 5 * 1024 * 1024 * 1024, &[]);
    let reply = server.send(head.as_bytes()).await;
    assert_eq!(code_and_ec(&reply), known("EntityTooLarge", "0006-00000003"));
    assert_eq!(reply.child("MaxSizeAllowed"), "5368709120");
    assert_eq!(reply.child("ProposedSize"), "5368709120");
    assert_eq!(reply.header("connection"), "close");
    server.stop().await;
}

#[tokio::test]
async fn content_md5_covers_the_whole_body() {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use md5::Digest;
    let server = Server::start().await;
    let form = Form::good();
    let right = STANDARD.encode(md5::Md5::digest(form.body()));
    let of_the_file = STANDARD.encode(md5::Md5::digest(&form.content));
    for (digest, status) in [(right.as_str(), 204), (&of_the_file, 400), ("x", 400), ("YQ==", 400)]
    {
        let reply = server.post_with(&form, &[("Content-MD5", digest)]).await;
        assert_eq!(reply.status, status, "{digest}");
        if status == 400 {
            assert_eq!(reply.child("Code"), "InvalidDigest");
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn a_form_needs_exactly_one_file() {
    let server = Server::start().await;
    let count = known("IncorrectNumberOfFilesInPOSTRequest", "0006-00000107");
    let mut none = Form::good();
    none.file_head = disposition("upload");
    let reply = server.post(&none).await;
    assert_eq!(code_and_ec(&reply), count);
    assert_eq!(reply.child("Message"), "POST requires exactly one file upload per request.");
    let mut two = Form::good();
    two.after.push((two.file_head.clone(), "again".to_owned()));
    assert_eq!(code_and_ec(&server.post(&two).await), count);
    assert!(server.files().is_empty());
    server.stop().await;
}

#[tokio::test]
async fn optional_fields_after_the_file_are_ignored() {
    let server = Server::start().await;
    let mut form = Form::good();
    form.set_after("submit", "Upload to OSS").set_after("key", "other");
    assert_eq!(server.post(&form).await.status, 204);
    assert_eq!(server.ask("GET", "/dir/hello.txt", &[]).await.status, 200);
    assert_eq!(server.ask("GET", "/other", &[]).await.status, 404);
    server.stop().await;
}

#[tokio::test]
async fn a_required_field_after_the_file_counts_as_missing() {
    let server = Server::start().await;
    for (name, ec) in [
        ("key", ""),
        ("policy", "0002-00000702"),
        ("x-oss-signature", "0002-00000703"),
        ("x-oss-signature-version", "0002-00000706"),
    ] {
        let mut form = Form::good();
        let value = form.take(name);
        let reply = server.post(form.set_after(name, &value)).await;
        assert_eq!(code_and_ec(&reply), known("InvalidArgument", ec), "{name}");
        assert!(reply.child("Message").ends_with("please check the order of the fields"));
    }
    assert!(server.files().is_empty());
    server.stop().await;
}

#[tokio::test]
async fn the_order_of_the_fields_before_the_file_does_not_matter() {
    let server = Server::start().await;
    let mut form = Form::good();
    form.fields.reverse();
    assert_eq!(server.post(&form).await.status, 204);
    server.stop().await;
}

#[tokio::test]
async fn field_names_may_be_in_any_case_unless_case_sensitive() {
    let mut form = Form::good();
    for field in &mut form.fields {
        field.0 = field.0.to_uppercase();
    }
    let server = Server::start().await;
    assert_eq!(server.post(&form).await.status, 204);
    server.stop().await;
    let server = Server::with_strictness(|strictness| strictness.case_sensitive_names = true).await;
    assert_eq!(server.post(&form).await.status, 400);
    assert_eq!(server.post(&Form::good()).await.status, 204);
    server.stop().await;
}

#[tokio::test]
async fn a_file_part_needs_no_name_and_its_headers_may_be_in_lower_case() {
    let server = Server::start().await;
    let mut form = Form::good();
    form.file_head = "content-disposition: form-data; name=\"file\"\r\n\
                      content-transfer-encoding: binary\r\ncontent-type: text/css\r\n"
        .to_owned();
    assert_eq!(server.post(&form).await.status, 204);
    let reply = server.ask("HEAD", "/dir/hello.txt", &[]).await;
    assert_eq!(reply.header("content-type"), "text/css");
    server.stop().await;
}

#[tokio::test]
async fn a_part_that_does_not_begin_with_its_disposition_is_malformed() {
    let server = Server::start().await;
    for head in
        ["Content-Type: text/plain\r\nContent-Disposition: form-data; name=\"file\"\r\n", ""]
    {
        let mut form = Form::good();
        head.clone_into(&mut form.file_head);
        let reply = server.post(&form).await;
        assert_eq!(code_and_ec(&reply), known("MalformedPOSTRequest", "0006-00000109"));
        assert_eq!(
            reply.child("Message"),
            "The body of your POST request is not well-formed multipart/form-data."
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn an_extended_file_name_is_reported_as_an_endless_name() {
    let server = Server::start().await;
    let mut form = Form::good();
    form.content(&vec![b'x'; 50_000]);
    form.file_head = "Content-Disposition: form-data; name=\"file\"; filename=\"a\"; \
                      filename*=UTF-8''a\r\n"
        .to_owned();
    let reply = server.post(&form).await;
    assert_eq!(code_and_ec(&reply), known("FieldItemTooLong", "0006-00000110"));
    assert_eq!(reply.child("Message"), "Your name of form field is too long.");
    assert_eq!(reply.child("MaxSizeAllowed"), "8192");
    let proposed: usize = reply.child("ProposedSize").parse().unwrap();
    assert!((50_000..52_000).contains(&proposed), "{proposed}");
    server.stop().await;
}

#[tokio::test]
async fn a_file_name_without_a_space_before_it_hides_the_file() {
    let mut form = Form::good();
    form.file_head = "Content-Disposition: form-data; name=\"file\";filename=\"a\"\r\n".to_owned();
    let server = Server::start().await;
    let reply = server.post(&form).await;
    let count = known("IncorrectNumberOfFilesInPOSTRequest", "0006-00000107");
    assert_eq!(code_and_ec(&reply), count);
    server.stop().await;
}

#[tokio::test]
async fn a_field_name_may_have_8_kb_and_a_value_2_mb() {
    let server = Server::start().await;
    let mut form = Form::good();
    form.set(&"n".repeat(8192), "").set("big", &"v".repeat(2 * MIB));
    assert_eq!(server.post(&form).await.status, 204);
    let mut form = Form::good();
    form.set(&"n".repeat(8193), "");
    let reply = server.post(&form).await;
    assert_eq!(code_and_ec(&reply), known("FieldItemTooLong", "0006-00000110"));
    let mut form = Form::good();
    form.set(&"n".repeat(100_000), "");
    assert_eq!(server.post(&form).await.refusal().2, "0006-00000110");
    let mut form = Form::good();
    form.set("big", &"v".repeat(2 * MIB + 1));
    let reply = server.post(&form).await;
    assert_eq!(code_and_ec(&reply), known("FieldItemTooLong", ""));
    assert_eq!(reply.child("MaxSizeAllowed"), "2097152");
    server.stop().await;
}

#[tokio::test]
async fn the_limit_of_a_value_is_a_setting() {
    let server = Server::with_strictness(|strictness| strictness.value_limit = 4096).await;
    let mut form = Form::good();
    let reply = server.post(form.set("big", &"v".repeat(4097))).await;
    assert_eq!(code_and_ec(&reply), known("FieldItemTooLong", ""));
    server.stop().await;
}

#[tokio::test]
async fn more_than_8_mb_before_the_file_are_refused() {
    let server = Server::start().await;
    let mut form = Form::good();
    for index in 0..4 {
        form.set(&format!("big{index}"), &"v".repeat(2 * MIB));
    }
    let reply = server.post(&form).await;
    let too_large = known("MaxPOSTPreDataLengthExceededError", "0006-00000112");
    assert_eq!(code_and_ec(&reply), too_large);
    assert_eq!(
        reply.child("Message"),
        "Your POST request fields preceding the upload file were too large."
    );
    server.stop().await;
}

#[tokio::test]
async fn a_truncated_body_is_malformed_and_stores_nothing() {
    let server = Server::start().await;
    let form = Form::good();
    let body = form.body();
    let closing = form.after_content().len();
    for cut in [3, closing - 2, closing, closing + 5, body.len() - 10, body.len() - 30] {
        let reply = send(&server, &form, &body[..body.len() - cut]).await;
        assert_eq!(code_and_ec(&reply), known("MalformedPOSTRequest", "0006-00000104"), "{cut}");
    }
    assert!(server.files().is_empty());
    // The last line end is not required.
    let reply = send(&server, &form, &body[..body.len() - 2]).await;
    assert_eq!(reply.status, 204);
    server.stop().await;
}

#[tokio::test]
async fn a_damaged_boundary_is_malformed() {
    let server = Server::start().await;
    let form = Form::good();
    let body = String::from_utf8(form.body()).unwrap();
    for damaged in [
        body.replacen("------boundary0123\r\n", "------boundary0124\r\n", 1),
        body.replacen("------boundary0123\r\n", "------boundary0123 \r\n", 1),
        body.replace("\r\n", "\n"),
        format!("preamble\r\n{body}"),
        format!("\r\n{body}"),
        String::new(),
    ] {
        let reply = send(&server, &form, damaged.as_bytes()).await;
        assert_eq!(code_and_ec(&reply), known("MalformedPOSTRequest", "0006-00000104"));
    }
    assert!(server.files().is_empty());
    server.stop().await;
}

#[tokio::test]
async fn text_before_the_parts_can_be_allowed_and_text_after_them_is() {
    let server = Server::with_strictness(|strictness| {
        strictness.relaxed.insert(Relaxation::Preamble);
    })
    .await;
    let form = Form::good();
    let body = [b"preamble\r\n".to_vec(), form.body(), b"epilogue".to_vec()].concat();
    assert_eq!(send(&server, &form, &body).await.status, 204);
    server.stop().await;
}

#[tokio::test]
async fn a_field_sent_twice_is_refused() {
    let server = Server::start().await;
    let mut form = Form::good();
    form.fields.push(("Key".to_owned(), "other".to_owned()));
    let reply = server.post(&form).await;
    assert_eq!(code_and_ec(&reply), known("MalformedPOSTRequest", "0006-00000103"));
    server.stop().await;
}

#[tokio::test]
async fn a_file_that_looks_like_boundaries_arrives_unchanged() {
    let server = Server::start().await;
    let content = b"\r\n------boundary012\r\n--\r\n\r\r\n\n------boundary0123\r".repeat(5000);
    let mut form = Form::good();
    assert_eq!(server.post(form.content(&content)).await.status, 204);
    assert!(server.ask("GET", "/dir/hello.txt", &[]).await.body == content);
    server.stop().await;
}
