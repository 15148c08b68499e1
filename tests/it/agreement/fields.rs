//! Everything that a route can fix is a field and a condition: as it was signed it is taken and kept,
//! and dropped or changed it is refused.

use insta::assert_snapshot;
use oss_emulator::oss::Relaxation;

use crate::agreement::random::SIGNED;
use crate::agreement::table::{NOT_THERE, OTHER_VALUE};
use crate::agreement::{clear, native_form, same_world, stored};
use crate::support::app::Function;
use crate::support::form::Form;
use crate::support::oss::Server;

const FILE: &str = r#"
[routes.all]
key = "all/{uuid}.{ext}"
success_status = 201
[routes.all.headers]
cache-control = "private, max-age=60"
content-disposition = "attachment; filename=\"a.png\""
x-oss-storage-class = "IA"
x-oss-object-acl = "private"
x-oss-server-side-encryption = "KMS"
x-oss-server-side-data-encryption = "SM4"
x-oss-server-side-encryption-key-id = "9468da86"
[routes.all.metadata]
title = "[a-z ]+"
author = { required = true }
[routes.tags]
headers.x-oss-tagging = "a=1&b=2"
"#;

const METADATA: &str = r#"{"title":"a cat","author":"alice"}"#;

async fn form(function: &Function, route: &str, file: &str) -> Form {
    let call = format!(r#"{{"route":"{route}","files":[{file}]}}"#);
    let answer = function.post("/uploads", &call).await.json();
    assert!(answer["uploads"][0]["error"].is_null(), "{answer}");
    native_form(&answer["uploads"][0], "a.PNG", Some("image/png"))
}

fn all() -> String {
    format!(r#"{{"name":"a.PNG","type":"image/png","metadata":{METADATA}}}"#)
}

#[tokio::test]
async fn a_form_with_everything_is_taken_and_what_it_says_is_kept() {
    let server = Server::with(same_world).await;
    for signature in ["v4", "v1"] {
        let function = Function::with_file(&[], &format!("signature = \"{signature}\"\n{FILE}"));
        let form = form(&function, "all", &all()).await;
        let reply = server.post(&form).await;
        assert_eq!(reply.status, 201, "{}", reply.text());
        let back = stored(&server, "all/abababab-abab-4bab-abab-abababababab.png").await;
        for (name, kept) in [
            ("cache-control", "private, max-age=60"),
            ("content-disposition", "attachment; filename=\"a.png\""),
            ("x-oss-storage-class", "IA"),
            ("x-oss-server-side-encryption", "KMS"),
            ("x-oss-meta-author", "alice"),
            ("x-oss-meta-title", "a cat"),
        ] {
            assert_eq!(back.header(name), kept);
        }
        clear(&server);
    }
    server.stop().await;
}

#[tokio::test]
async fn each_field_dropped_or_changed_is_refused() {
    let server = Server::with(same_world).await;
    let function = Function::with_file(&[], FILE);
    let good = form(&function, "all", &all()).await;
    let names = good.fields.iter().map(|(name, _)| name.as_str());
    let names: Vec<_> = names.filter(|name| *name != "key" && !SIGNED.contains(name)).collect();
    assert_snapshot!(names.join("\n"), @"
    Cache-Control
    Content-Disposition
    success_action_status
    x-oss-content-type
    x-oss-forbid-overwrite
    x-oss-meta-author
    x-oss-meta-title
    x-oss-object-acl
    x-oss-server-side-data-encryption
    x-oss-server-side-encryption
    x-oss-server-side-encryption-key-id
    x-oss-storage-class
    ");
    for name in names {
        let changed = OTHER_VALUE.iter().map(|change| (change, "0006-00000227"));
        let missing = NOT_THERE.iter().map(|change| (change, "0006-00000226"));
        for (change, ec) in changed.chain(missing) {
            let mut form = good.clone();
            change(&mut form, name);
            assert_eq!(server.post(&form).await.refusal().2, ec, "{name}: {:?}", form.fields);
            assert!(server.files().is_empty());
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn a_file_that_can_run_scripts_is_an_attachment_unless_the_route_says_otherwise() {
    let server = Server::with(same_world).await;
    let page = r#"{"name":"a.svg","type":"image/svg+xml"}"#;
    let (none, inline) = ([].as_slice(), [("UPLOAD_CONTENT_DISPOSITION", "inline")].as_slice());
    for (variables, file, disposition) in [
        (none, page, "attachment"),
        (inline, page, "inline"),
        (none, r#"{"name":"a.png","type":"image/png"}"#, ""),
    ] {
        let mut form = form(&Function::new(variables), "default", file).await;
        let reply = server.post(&form).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        let back = stored(&server, &form.take("key")).await;
        assert_eq!(back.header("content-disposition"), disposition);
        clear(&server);
    }
    let mut form = form(&Function::new(&[]), "default", page).await;
    form.set("Content-Disposition", "inline");
    assert_eq!(server.post(&form).await.refusal().2, "0006-00000227");
    form.take("Content-Disposition");
    assert_eq!(server.post(&form).await.refusal().2, "0006-00000226");
    server.stop().await;
}

#[tokio::test]
async fn a_disposition_with_the_name_of_the_file_is_taken_and_kept() {
    const NAMED: &str = "[routes.saved]\nkey = \"saved/{uuid}\"\n\
                         headers.content-disposition = 'attachment; filename=\"{name}\"'\n";
    let server = Server::with(same_world).await;
    for signature in ["v4", "v1"] {
        let function = Function::with_file(&[], &format!("signature = \"{signature}\"\n{NAMED}"));
        for (name, kept) in [
            ("a'b; c.png", "attachment; filename=\"a'b; c.png\""),
            (
                "100% 照片🌏.png",
                "attachment; filename=\"100_ ___.png\"; \
                 filename*=UTF-8''100%25%20%E7%85%A7%E7%89%87%F0%9F%8C%8F.png",
            ),
        ] {
            let mut form = form(&function, "saved", &format!("{{\"name\":\"{name}\"}}")).await;
            let reply = server.post(&form).await;
            assert_eq!(reply.status, 200, "{}", reply.text());
            let back = stored(&server, "saved/abababab-abab-4bab-abab-abababababab").await;
            assert_eq!(back.header("content-disposition"), kept);
            clear(&server);
            let other = kept.replace("png", "exe");
            form.set("Content-Disposition", &other);
            assert_eq!(server.post(&form).await.refusal().2, "0006-00000227");
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn tags_are_signed_though_the_strict_judge_takes_none() {
    let function = Function::with_file(&[], FILE);
    let mut form = form(&function, "tags", "{}").await;
    let strict = Server::with(same_world).await;
    assert_eq!(strict.post(&form).await.refusal().1, "InvalidArgument");
    strict.stop().await;
    let relaxed = Server::with(|options| {
        same_world(options);
        options.strictness.relaxed.insert(Relaxation::IgnoredTagging);
    })
    .await;
    assert_eq!(relaxed.post(&form).await.status, 200);
    form.set("x-oss-tagging", "a=1");
    assert_eq!(relaxed.post(&form).await.refusal().2, "0006-00000227");
    form.take("x-oss-tagging");
    assert_eq!(relaxed.post(&form).await.refusal().2, "0006-00000226");
    relaxed.stop().await;
}
