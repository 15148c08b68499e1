//! Every dialect, from the function's answer to the stored bytes, over real HTTP.

use serde_json::Value;

use crate::agreement::{clear, documented_form, form_of, native_form, same_world, stored};
use crate::support::app::Function;
use crate::support::form::Form;
use crate::support::oss::Server;

const DOCUMENTED: &str = "/get_post_signature_for_oss_upload";

/// A long-lived key in place of the temporary one.
const LONG_LIVED: [(&str, &str); 2] =
    [("ALIBABA_CLOUD_ACCESS_KEY_ID", "LTAI5tLong"), ("ALIBABA_CLOUD_SECURITY_TOKEN", "")];

/// Every byte there is, several times, and what looks like the end of a part.
fn content() -> Vec<u8> {
    let all: Vec<u8> = (0..=255).cycle().take(3000).collect();
    [&all, &b"\r\n--\r\n------boundary012\r\n\r\n"[..], &all].concat()
}

/// Uploads a form and checks that its content comes back as it went in, as this type.
async fn goes_through(server: &Server, mut form: Form, stored_type: &str) {
    let content = content();
    let reply = server.post(form.content(&content)).await;
    let wanted = form.clone().take("success_action_status");
    assert_eq!(reply.status.to_string(), wanted, "{}", reply.text());
    let key = form.take("key");
    let back = stored(server, &key).await;
    assert_eq!(back.status, 200, "{key}");
    assert_eq!(back.body, content, "{key}");
    assert_eq!(back.header("content-type"), stored_type);
}

async fn native(function: &Function, file: &str) -> Value {
    let answer = function.post("/uploads", &format!(r#"{{"files":[{file}]}}"#)).await.json();
    assert!(answer["uploads"][0]["error"].is_null(), "{answer}");
    answer["uploads"][0].clone()
}

async fn documented(function: &Function, query: &str) -> Value {
    let answer = function.get(&format!("{DOCUMENTED}{query}")).await.json();
    assert!(answer["error"].is_null(), "{answer}");
    answer
}

#[tokio::test]
async fn a_native_grant_stores_the_file_byte_for_byte_with_a_token_and_without() {
    for keys in [&[][..], &LONG_LIVED] {
        let server = Server::with(same_world).await;
        let function = Function::new(keys);
        let upload = native(&function, r#"{"name":"a.png","type":"image/png"}"#).await;
        let has_token = upload["fields"].get("x-oss-security-token").is_some();
        assert_eq!(has_token, keys.is_empty());
        let form = native_form(&upload, "a.png", Some("image/png"));
        goes_through(&server, form, "image/png").await;
        server.stop().await;
    }
}

#[tokio::test]
async fn a_documented_grant_stores_the_file_byte_for_byte_with_a_token_and_without() {
    for keys in [&[][..], &LONG_LIVED] {
        let server = Server::with(same_world).await;
        let answer = documented(&Function::new(keys), "").await;
        assert_eq!(answer["security_token"] == "", !keys.is_empty());
        let form = documented_form(&answer, "a.png", Some("image/png"));
        goes_through(&server, form, "image/png").await;
        server.stop().await;
    }
}

#[tokio::test]
async fn the_forms_of_other_peoples_clients_store_the_file_byte_for_byte() {
    for signature in ["v4", "v1"] {
        let server = Server::with(same_world).await;
        let function = Function::new(&[("UPLOAD_SIGNATURE", signature)]);
        for (path, fields) in [
            ("/uppy/default/s3/params", "/fields"),
            ("/presigned-post/default", "/fields"),
            ("/wechat/default", "/formData"),
            // The address is among the fields and has to be passed over.
            ("/uview/default", "/data/params"),
        ] {
            let query = "?filename=%E7%85%A7%E7%89%87.png&type=image/png";
            let answer = function.get(&format!("{path}{query}")).await.json();
            // The clients of the last two name no type with the file, and the server's dice are loaded.
            let form = form_of(answer.pointer(fields).unwrap(), "wx_1.png", None);
            goes_through(&server, form, "image/png").await;
            clear(&server);
        }
        server.stop().await;
    }
}

#[tokio::test]
async fn every_file_of_one_call_has_a_grant_of_its_own() {
    let server = Server::with(same_world).await;
    let function = Function::new(&[]);
    let files = r#"{"files":[{"name":"a.png"},{"name":"b.png"},{}]}"#;
    let answer = function.post("/uploads", files).await.json();
    let types = ["image/png", "image/png", "application/octet-stream"];
    for (upload, content_type) in answer["uploads"].as_array().unwrap().iter().zip(types) {
        let form = native_form(upload, "whatever.bin", None);
        goes_through(&server, form, content_type).await;
    }
    assert_eq!(server.files().len(), 6);
    server.stop().await;
}

#[tokio::test]
async fn a_chinese_name_goes_through_in_both_dialects() {
    let server = Server::with(same_world).await;
    let function = Function::new(&[("UPLOAD_DIR", "用户/{uuid}/")]);
    let upload = native(&function, r#"{"name":"照片 一.png","type":"image/png"}"#).await;
    assert!(upload["key"].as_str().unwrap().ends_with("/照片 一.png"));
    goes_through(&server, native_form(&upload, "照片 一.png", None), "image/png").await;
    let answer = documented(&function, "").await;
    let form = documented_form(&answer, "照片 二.png", Some("image/png"));
    goes_through(&server, form, "image/png").await;
    let query = "?filename=%E7%85%A7%E7%89%87.png&type=image/png";
    let answer = documented(&function, query).await;
    assert!(answer["key"].as_str().unwrap().ends_with("/照片.png"));
    let form = documented_form(&answer, "another name.png", Some("image/png"));
    goes_through(&server, form, "image/png").await;
    server.stop().await;
}

#[tokio::test]
async fn a_size_that_was_named_is_the_only_one_that_passes() {
    let function = Function::new(&[]);
    let upload = native(&function, r#"{"name":"a","size":11}"#).await;
    let answer = documented(&function, "?filename=b&size=11").await;
    for form in [native_form(&upload, "a", None), documented_form(&answer, "b", None)] {
        let server = Server::with(same_world).await;
        for (size, refusal) in [(10, "EntityTooSmall"), (12, "EntityTooLarge"), (11, "")] {
            let mut form = form.clone();
            let reply = server.post(form.content(&vec![b'x'; size])).await;
            assert_eq!(reply.child("Code"), refusal);
            assert_eq!(reply.status == 200, refusal.is_empty());
        }
        server.stop().await;
    }
}

#[tokio::test]
async fn the_types_of_a_route_hold_for_a_page_that_names_none() {
    for (types, passing, refused) in [
        ("image/*", vec!["image/png", "image/x"], vec!["text/plain", "imagery/png", "image"]),
        ("image/png,text/plain", vec!["image/png", "text/plain"], vec!["image/jpeg", "text/html"]),
        ("", vec!["image/png", "anything/at.all"], vec![]),
    ] {
        let server = Server::with(same_world).await;
        let function = Function::new(&[("UPLOAD_TYPES", types)]);
        let answer = documented(&function, "").await;
        for (number, one) in passing.into_iter().enumerate() {
            let form = documented_form(&answer, &format!("{number}"), Some(one));
            goes_through(&server, form, one).await;
        }
        for one in refused {
            let reply = server.post(&documented_form(&answer, "other", Some(one))).await;
            assert_eq!(reply.refusal().2, "0006-00000227", "{one}");
        }
        server.stop().await;
    }
}

#[tokio::test]
async fn a_type_that_was_named_is_the_one_that_is_stored() {
    let server = Server::with(same_world).await;
    let function = Function::new(&[("UPLOAD_TYPES", "image/*,text/plain")]);
    let file = r#"{"name":"a.txt","type":"text/plain; charset=utf-8"}"#;
    let upload = native(&function, file).await;
    // The field decides, whatever the part says.
    let form = native_form(&upload, "a.txt", Some("text/html"));
    goes_through(&server, form, "text/plain; charset=utf-8").await;
    let answer = documented(&function, "?filename=b.png&type=image/png").await;
    let form = documented_form(&answer, "b.png", Some("image/png"));
    goes_through(&server, form, "image/png").await;
    let form = documented_form(&answer, "b.png", Some("text/html"));
    assert_eq!(server.post(&form).await.refusal().2, "0006-00000227");
    server.stop().await;
}

#[tokio::test]
async fn a_second_upload_under_a_native_grant_overwrites_only_where_the_route_allows_it() {
    for (overwrite, second) in [("false", 409), ("true", 200)] {
        let server = Server::with(same_world).await;
        let function = Function::new(&[("UPLOAD_OVERWRITE", overwrite)]);
        let upload = native(&function, r#"{"name":"a"}"#).await;
        let form = native_form(&upload, "a", None);
        assert_eq!(server.post(&form).await.status, 200);
        assert_eq!(server.post(&form).await.status, second);
        server.stop().await;
    }
}
