//! Tests sizes and the values of fields.

use crate::support::form::Form;
use crate::support::oss::Server;

#[tokio::test]
async fn the_size_range_includes_both_its_ends() {
    let server = Server::start().await;
    for (size, refusal) in [
        (9, Some(("EntityTooSmall", "0006-00000004"))),
        (10, None),
        (20, None),
        (21, Some(("EntityTooLarge", "0006-00000003"))),
    ] {
        let mut form = Form::good();
        form.content(&vec![b'x'; size]).allow(&[r#"["content-length-range",10,20]"#]);
        let reply = server.post(&form).await;
        let Some((code, ec)) = refusal else {
            assert_eq!(reply.status, 204, "{size}");
            continue;
        };
        assert_eq!(reply.refusal(), (400, code.to_owned(), ec.to_owned()));
    }
    server.stop().await;
}

#[tokio::test]
async fn a_file_of_a_wrong_size_is_refused_with_the_services_message() {
    let server = Server::start().await;
    let mut form = Form::good();
    let reply = server.post(form.allow(&[r#"["content-length-range",0,10]"#])).await;
    assert_eq!(reply.child("Message"), "Your proposed upload exceeds the maximum allowed size.");
    assert_eq!(reply.child("MaxSizeAllowed"), "10");
    assert_eq!(reply.child("ProposedSize"), "11");
    let reply = server.post(form.allow(&[r#"["content-length-range",12,20]"#])).await;
    assert_eq!(
        reply.child("Message"),
        "Your proposed upload smaller than the minimum allowed size."
    );
    assert!(server.files().is_empty());
    server.stop().await;
}

#[tokio::test]
async fn the_file_name_is_inserted_after_the_policy_check() {
    let server = Server::start().await;
    let mut form = Form::good();
    form.set("key", "dir/${filename}").allow(&[r#"["eq","$key","dir\/\${filename}"]"#]);
    assert_eq!(server.post(&form).await.status, 204);
    assert_eq!(server.ask("GET", "/dir/hello.txt", &[]).await.status, 200);
    let reply = server.post(form.allow(&[r#"["eq","$key","dir/hello.txt"]"#])).await;
    assert_eq!(reply.refusal().2, "0006-00000227");
    server.stop().await;
}

#[tokio::test]
async fn an_invalid_key_is_refused() {
    let server = Server::start().await;
    for key in ["", "/a", "\\a", "a\tb", &"k".repeat(1024)] {
        let mut form = Form::good();
        let reply = server.post(form.set("key", key)).await;
        assert_eq!((reply.status, reply.child("Code").as_str()), (400, "InvalidObjectName"));
    }
    assert!(server.files().is_empty());
    let mut form = Form::good();
    let longest = "ü".repeat(511);
    assert_eq!(server.post(form.set("key", &longest)).await.status, 204);
    let path = format!("/{}", "%C3%BC".repeat(511));
    assert_eq!(server.ask("GET", &path, &[]).await.status, 200);
    server.stop().await;
}

#[tokio::test]
async fn a_key_may_be_the_prefix_of_another() {
    let server = Server::start().await;
    for key in ["a", "a/b", "a/b/c", "A"] {
        let mut form = Form::good();
        form.set("key", key).content(key.as_bytes());
        assert_eq!(server.post(&form).await.status, 204);
    }
    for key in ["a", "a/b", "a/b/c", "A"] {
        assert_eq!(server.ask("GET", &format!("/{key}"), &[]).await.text(), key);
    }
    server.stop().await;
}

#[tokio::test]
async fn an_object_that_must_not_be_overwritten_is_not() {
    let server = Server::start().await;
    let mut form = Form::good();
    form.set("x-oss-forbid-overwrite", "true");
    assert_eq!(server.post(&form).await.status, 204);
    let reply = server.post(form.content(b"other")).await;
    assert_eq!(reply.refusal(), (409, "FileAlreadyExists".to_owned(), String::new()));
    assert_eq!(
        reply.child("Message"),
        "The object you specified already exists and can not be overwritten."
    );
    assert_eq!(server.ask("GET", "/dir/hello.txt", &[]).await.text(), "hello world");
    form.set("x-oss-forbid-overwrite", "false");
    assert_eq!(server.post(&form).await.status, 204);
    assert_eq!(server.ask("GET", "/dir/hello.txt", &[]).await.text(), "other");
    server.stop().await;
}

#[tokio::test]
async fn the_error_for_a_wrong_value_names_the_field() {
    let server = Server::start().await;
    for (name, value, code, ec) in [
        ("x-oss-forbid-overwrite", "yes", "InvalidArgument", "0006-00000117"),
        ("x-oss-object-acl", "public", "InvalidArgument", ""),
        ("x-oss-storage-class", "Cold", "InvalidArgument", ""),
        ("x-oss-tagging", "a=b", "InvalidArgument", ""),
        ("x-oss-meta-a", "1\n2", "InvalidArgument", ""),
    ] {
        let mut form = Form::good();
        let reply = server.post(form.set(name, value)).await;
        assert_eq!(reply.refusal(), (400, code.to_owned(), ec.to_owned()), "{name}");
        assert_eq!(reply.child("ArgumentName"), name);
        assert_eq!(reply.child("ArgumentValue"), value);
    }
    let mut form = Form::good();
    form.set("x-oss-server-side-encryption", "AES128");
    let reply = server.post(&form).await;
    assert_eq!(reply.child("Code"), "InvalidEncryptionAlgorithmError");
    assert!(server.files().is_empty());
    server.stop().await;
}

#[tokio::test]
async fn an_acl_field_takes_precedence_over_the_header() {
    let server = Server::start().await;
    let header = [("x-oss-object-acl", "public")];
    let reply = server.post_with(&Form::good(), &header).await;
    assert_eq!(reply.child("ArgumentName"), "x-oss-object-acl");
    let mut form = Form::good();
    form.set("x-oss-object-acl", "private");
    assert_eq!(server.post_with(&form, &header).await.status, 204);
    server.stop().await;
}

#[tokio::test]
async fn unknown_fields_are_ignored() {
    let server = Server::start().await;
    let mut form = Form::good();
    form.set("acl", "anything").set("x:who", "me").set("custom", "1").set("callback", "");
    assert_eq!(server.post(&form).await.status, 204);
    server.stop().await;
}

#[tokio::test]
async fn the_stored_type_follows_the_documented_order() {
    let server = Server::start().await;
    for (field, part, oss_field, stored) in [
        (None, None, None, "application/octet-stream"),
        (Some("a/field"), None, None, "a/field"),
        (Some("a/field"), Some("a/part"), None, "a/part"),
        (Some("a/field"), Some("a/part"), Some("a/oss"), "a/oss"),
    ] {
        let mut form = Form::good();
        form.file("x", part);
        for (name, value) in [("Content-Type", field), ("x-oss-content-type", oss_field)] {
            if let Some(value) = value {
                form.set(name, value);
            }
        }
        assert_eq!(server.post(&form).await.status, 204);
        let reply = server.ask("HEAD", "/dir/hello.txt", &[]).await;
        assert_eq!(reply.header("content-type"), stored);
    }
    server.stop().await;
}
