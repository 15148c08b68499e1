//! Tests the body of callbacks: every variable, in both formats.

use super::with_callback;
use crate::support::callback_server::{Called, Line, field, json_field};
use crate::support::form::Form;
use crate::support::oss::Server;

/// A template with everything that does not change between runs.
const FORM: &str = "bucket=${bucket}&object=${object}&etag=${etag}&size=${size}&mime=${mimeType}\
    &h=${imageInfo.height}&w=${imageInfo.width}&f=${imageInfo.format}&who=${x:who}&crc=${crc64}\
    &md5=${contentMd5}&vpc=${vpcId}&ip=${clientIp}&op=${operation}&none=${nothing}&X=${x:WHO}";

const JSON: &str = r#"{"bucket":${bucket},"object":${object},"etag":${etag},"size":${size},
"mime":${mimeType},"h":${imageInfo.height},"w":${imageInfo.width},"f":${imageInfo.format},
"who":${x:who},"crc":${crc64},"md5":${contentMd5},"vpc":${vpcId},"ip":${clientIp},
"op":${operation},"none":${nothing}}"#;

/// Uploads a form with this callback and returns the body that was sent.
async fn sent_body(form: &mut Form, write: impl Fn(&str, &str) -> String, body: &str) -> String {
    let server = Server::start().await;
    let back = Called::start([Line::good()]).await;
    form.set("callback", &write(&back.url("/"), body));
    assert_eq!(server.post(form).await.status, 200);
    server.stop().await;
    back.heard_once().await.text().to_owned()
}

/// The header of a PNG file of 3 by 2 pixels.
fn png() -> Vec<u8> {
    [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".as_slice(), &[0, 0, 0, 3, 0, 0, 0, 2, 8, 6, 0, 0, 0]].concat()
}

/// The headers of files in the other formats, of 3 by 2 pixels.
fn others() -> [(&'static str, Vec<u8>); 4] {
    let jpeg =
        [0xff, 0xd8, 0xff, 0xe0, 0, 4, 0, 0, 0xff, 0xc0, 0, 11, 8, 0, 2, 0, 3, 1, 1, 0x11, 0];
    let mut bmp = [b"BM".as_slice(), &[0; 12], &[40, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0]].concat();
    bmp.extend([0; 32]);
    let webp =
        [b"RIFF\x1a\0\0\0WEBPVP8X\x0a\0\0\0".as_slice(), &[0, 0, 0, 0, 2, 0, 0, 1, 0, 0]].concat();
    [
        ("jpg", jpeg.to_vec()),
        ("gif", b"GIF89a\x03\0\x02\0\0\0\0;".to_vec()),
        ("bmp", bmp),
        ("webp", webp),
    ]
}

#[tokio::test]
async fn a_form_body_has_url_encoded_values_and_empty_ones_if_absent() {
    let mut form = Form::good();
    form.set("key", "dir/a b&é.txt").set("x:who", "Jürgen & co/+").set("x:WHO2", "x");
    let body = sent_body(&mut form, field, FORM).await;
    insta::assert_snapshot!(body.replace('&', "\n"), @"
    bucket=examplebucket
    object=dir%2Fa%20b%26%C3%A9.txt
    etag=F780EF9D9D21952DDB4CB9D54E11905A
    size=11
    mime=text%2Fplain
    h=
    w=
    f=
    who=J%C3%BCrgen%20%26%20co%2F%2B
    crc=5981764153023615706
    md5=XrY7u%2BAe7tCTyyK7j1rNww%3D%3D
    vpc=
    ip=127.0.0.1
    op=PostObject
    none=
    X=
    ");
}

#[tokio::test]
async fn a_json_body_stays_json_if_values_are_absent() {
    let mut form = Form::good();
    form.set("key", "dir/\"quoted\".txt").set("x:who", "a\\b\n\"c\"");
    let body = sent_body(&mut form, json_field, JSON).await;
    let value: serde_json::Value = serde_json::from_str(&body).unwrap();
    let pretty = serde_json::to_string_pretty(&value).unwrap();
    insta::assert_snapshot!(pretty, @r#"
    {
      "bucket": "examplebucket",
      "crc": "5981764153023615706",
      "etag": "F780EF9D9D21952DDB4CB9D54E11905A",
      "f": "",
      "h": "",
      "ip": "127.0.0.1",
      "md5": "XrY7u+Ae7tCTyyK7j1rNww==",
      "mime": "text/plain",
      "none": "",
      "object": "dir/\"quoted\".txt",
      "op": "PostObject",
      "size": 11,
      "vpc": "",
      "w": "",
      "who": "a\\b\n\"c\""
    }
    "#);
}

#[tokio::test]
async fn image_properties_do_not_depend_on_the_content_type() {
    const BODY: &str = r"[${imageInfo.format},${imageInfo.width},${imageInfo.height}]";
    let mut form = Form::good();
    assert_eq!(sent_body(form.content(&png()), json_field, BODY).await, r#"["png",3,2]"#);
    for (format, content) in others() {
        let body = sent_body(form.content(&content), json_field, BODY).await;
        assert_eq!(body, format!(r#"["{format}",3,2]"#));
    }
    for damaged in [&png()[..20], b"", b"\xff\xd8\xff", b"GIF89a", b"RIFF\0\0\0\0WEBP"] {
        assert_eq!(sent_body(form.content(damaged), json_field, BODY).await, r#"["","",""]"#);
    }
}

#[tokio::test]
async fn the_md5_is_that_of_the_content_and_does_not_change_the_etag() {
    let server = Server::start().await;
    let back = Called::start([Line::good()]).await;
    let callback = field(&back.url("/"), "${contentMd5} ${etag} ${reqId}");
    let reply = server.post(&with_callback(&callback)).await;
    let etag = reply.header("etag").trim_matches('"');
    let id = reply.header("x-oss-request-id");
    let expected = format!("XrY7u%2BAe7tCTyyK7j1rNww%3D%3D {etag} {id}");
    assert_eq!(back.heard_once().await.text(), expected);
    assert_eq!(server.post(&Form::good()).await.header("etag"), reply.header("etag"));
    server.stop().await;
}

#[tokio::test]
async fn a_custom_variable_must_be_lower_case_in_field_and_template() {
    let mut form = Form::good();
    form.set("x:Mixed", "1").set("x:plain", "2");
    let template = "${x:Mixed}|${x:mixed}|${x:PLAIN}|${x:plain}|${X:plain}|${plain}";
    assert_eq!(sent_body(&mut form, field, template).await, "|||2||");
}
