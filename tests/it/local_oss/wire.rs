//! Tests the default wire formats of HTTP clients, as they are sent: which ones OSS accepts.

use crate::support::form::Form;
use crate::support::oss::{Reply, Server};

/// Sends a body that a client wrote, with its own `Content-Type`.
async fn send(server: &Server, content_type: &str, body: &[u8]) -> Reply {
    let form = Form::good();
    let head = server.head(&form, body.len() as u64, &[("Content-Type", content_type)]);
    server.send(&[head.as_bytes(), body].concat()).await
}

/// Writes the parts of a form: `part` gets the name and the value of a field, and the head of the file
/// is given as it is.
fn body(boundary: &str, part: impl Fn(&str, &str) -> String, file: &str) -> Vec<u8> {
    let form = Form::good();
    let mut body = Vec::new();
    for (name, value) in &form.fields {
        let text = format!("--{boundary}\r\n{}\r\n\r\n{value}\r\n", part(name, value));
        body.extend(text.bytes());
    }
    body.extend(format!("--{boundary}\r\n{file}\r\n\r\n").bytes());
    body.extend(&form.content);
    body.extend(format!("\r\n--{boundary}--\r\n").bytes());
    body
}

/// dio 5, which writes its headers in lower case and a boundary that itself begins with two dashes.
#[tokio::test]
async fn dio_is_accepted() {
    let server = Server::start().await;
    let boundary = "--dio-boundary-3788193217";
    let plain = |name: &str, _: &str| format!("content-disposition: form-data; name=\"{name}\"");
    let file = "content-disposition: form-data; name=\"file\"; filename=\"a.png\"\r\n\
                content-type: image/png";
    let content_type = format!("multipart/form-data; boundary={boundary}");
    assert_eq!(send(&server, &content_type, &body(boundary, plain, file)).await.status, 204);
    // A text beyond ASCII gets a type and an encoding, after the disposition.
    let typed = |name: &str, _: &str| {
        format!(
            "content-disposition: form-data; name=\"{name}\"\r\ncontent-type: text/plain; charset=utf-8\r\n\
             content-transfer-encoding: binary"
        )
    };
    assert_eq!(send(&server, &content_type, &body(boundary, typed, file)).await.status, 204);
    server.stop().await;
}

/// `OkHttp` 3 and 4, which write a `Content-Length` into each part, and Retrofit, which adds an encoding.
#[tokio::test]
async fn okhttp_is_accepted() {
    let server = Server::start().await;
    let boundary = "5bd3a1a0-5c1b-4c57-8f6a-0a3d2f6f5b11";
    let length = Form::good().content.len();
    let file = format!(
        "Content-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\nContent-Type: image/png\r\n\
         Content-Length: {length}"
    );
    let plain = |name: &str, value: &str| {
        format!(
            "Content-Disposition: form-data; name=\"{name}\"\r\nContent-Length: {}",
            value.len()
        )
    };
    let retrofit = |name: &str, value: &str| {
        format!(
            "Content-Disposition: form-data; name=\"{name}\"\r\nContent-Transfer-Encoding: binary\r\n\
             Content-Type: text/plain; charset=UTF-8\r\nContent-Length: {}",
            value.len()
        )
    };
    let content_type = format!("multipart/form-data; boundary={boundary}");
    assert_eq!(send(&server, &content_type, &body(boundary, plain, &file)).await.status, 204);
    assert_eq!(send(&server, &content_type, &body(boundary, retrofit, &file)).await.status, 204);
    // The length of a part is ignored, also a wrong one.
    let wrong = file.replace("Content-Length: ", "Content-Length: 9");
    assert_eq!(send(&server, &content_type, &body(boundary, plain, &wrong)).await.status, 204);
    server.stop().await;
}

/// Writes the head of the part of a field.
type FieldHead<'a> = &'a dyn Fn(&str) -> String;

/// Go, Alamofire, React Native before 0.74 and since 0.77, Apache `HttpMime`, and Python's requests.
#[tokio::test]
async fn forms_of_other_programs_are_accepted() {
    let server = Server::start().await;
    let plain = |name: &str| format!("Content-Disposition: form-data; name=\"{name}\"");
    let lower = |name: &str| format!("content-disposition: form-data; name=\"{name}\"");
    let typed = |name: &str| {
        format!(
            "Content-Disposition: form-data; name=\"{name}\"\r\nContent-Type: text/plain; charset=ISO-8859-1\r\n\
             Content-Transfer-Encoding: 8bit"
        )
    };
    let file = "Content-Disposition: form-data; name=\"file\"; filename=\"照片 1.png\"\r\nContent-Type: image/png";
    let lower_file = "content-disposition: form-data; name=\"file\"; filename=\"照片 1.png\"\r\ncontent-type: image/png";
    let of_mime = format!("{file}\r\nContent-Transfer-Encoding: binary");
    let of_go = "d0c1a1f45b1e4d1d9c0c7c2a5c8f6a10".repeat(2)[..60].to_owned();
    let of_react = "Vq1.x_A-9".repeat(8)[..70].to_owned();
    let programs: [(&str, FieldHead<'_>, &str); 5] = [
        (&of_go, &plain, file),
        ("alamofire.boundary.7f0585cae229a0a5", &plain, file),
        (&of_react, &lower, lower_file),
        ("B9k_fWqL2mZ0-xT7uYv3sRdPcNhGjA", &typed, &of_mime),
        ("d0c1a1f45b1e4d1d9c0c7c2a5c8f6a10", &plain, file),
    ];
    for (boundary, part, file) in programs {
        let content_type = format!("multipart/form-data; boundary={boundary}");
        let body = body(boundary, |name, _| part(name), file);
        assert_eq!(send(&server, &content_type, &body).await.status, 204, "{boundary}");
    }
    server.stop().await;
}

#[tokio::test]
async fn clients_that_oss_refuses_by_default() {
    let server = Server::start().await;
    let quoted = |name: &str, _: &str| format!("Content-Disposition: form-data; name=\"{name}\"");
    let bare = |name: &str, _: &str| format!("Content-Disposition: form-data; name={name}");
    let file = "Content-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\nContent-Type: image/png";
    let type_first = |name: &str, _: &str| {
        format!(
            "content-type: text/plain; charset=utf-8\r\ncontent-disposition: form-data; name=\"{name}\""
        )
    };
    let malformed = |ec: &str| (400, "MalformedPOSTRequest".to_owned(), ec.to_owned());
    let of = "multipart/form-data; boundary=b";
    for (content_type, body, refusal) in [
        // aiohttp, and Dart http with a text beyond ASCII.
        (of, body("b", type_first, file), malformed("0006-00000109")),
        // Qt: a quoted boundary. .NET: bare names too.
        (
            "multipart/form-data; boundary=\"b\"",
            body("b", quoted, file),
            malformed("0006-00000104"),
        ),
        (of, body("b", bare, file), malformed("0006-00000103")),
        // React Native 0.74.
        (
            of,
            body(
                "b",
                quoted,
                "content-disposition: form-data; name=\"file\"; filename=\"a.png\"; filename*=utf-8''a.png",
            ),
            (400, "FieldItemTooLong".to_owned(), "0006-00000110".to_owned()),
        ),
        // A charset beside the boundary: rn-fetch-blob on iOS.
        (
            "multipart/form-data; charset=utf-8; boundary=b",
            body("b", quoted, file),
            (405, "MethodNotAllowed".to_owned(), String::new()),
        ),
    ] {
        assert_eq!(send(&server, content_type, &body).await.refusal(), refusal);
    }
    // A file name in GBK.
    let mut gbk = body("b", quoted, file);
    let at = gbk.windows(5).position(|window| window == b"a.png").unwrap();
    gbk.splice(at..=at, [0xd5, 0xd5]);
    assert_eq!(send(&server, of, &gbk).await.refusal(), malformed("0006-00000103"));
    server.stop().await;
}
