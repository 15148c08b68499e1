//! Tests bad networks and failures: disconnects, stalls, many uploads, a deleted directory,
//! shutdown.

use std::time::Duration;

use oss_emulator::oss::{OssEvent, Relaxation};
use tokio::io::AsyncWriteExt;

use crate::support::form::{Form, NOW};
use crate::support::oss::{Reply, Server};
use crate::support::wait::until;

const MIB: usize = 1024 * 1024;

/// Waits for the next event and returns its status and code if it is an error.
async fn refused(server: &mut Server) -> Option<(u16, &'static str)> {
    match server.event().await {
        OssEvent::Refused { status, code, .. } => Some((status, code)),
        OssEvent::Stored { .. } | OssEvent::Warned { .. } | OssEvent::Called { .. } => None,
    }
}

#[tokio::test]
async fn a_client_that_disconnects_leaves_no_file() {
    let mut server = Server::start().await;
    let form = Form::good();
    let head = server.head(&form, 10_000_000, &[]);
    let begun = [head.into_bytes(), form.before_content(), vec![b'x'; MIB]].concat();
    drop(server.connect(&begun).await);
    assert_eq!(refused(&mut server).await, Some((400, "IncompleteBody")));
    assert!(server.files().is_empty());
    server.stop().await;
}

#[tokio::test]
async fn a_client_that_stops_sending_gets_an_error() {
    let server = Server::start().await;
    let form = Form::good();
    let head = server.head(&form, 10_000_000, &[]);
    let mut stream = server.connect(&[head.into_bytes(), form.body()].concat()).await;
    stream.shutdown().await.unwrap();
    let reply = Reply::read(stream).await;
    assert_eq!((reply.status, reply.child("Code").as_str()), (400, "IncompleteBody"));
    assert!(server.files().is_empty());
    server.stop().await;
}

#[tokio::test]
async fn a_client_that_pauses_gets_an_error_and_leaves_no_file() {
    let server = Server::with_strictness(|strictness| {
        strictness.limits.idle = Duration::from_millis(50);
    })
    .await;
    let form = Form::good();
    let head = server.head(&form, 10_000_000, &[]);
    let begun = [head.into_bytes(), form.before_content(), vec![b'x'; 1000]].concat();
    let reply = server.send(&begun).await;
    assert_eq!((reply.status, reply.child("Code").as_str()), (400, "RequestTimeout"));
    assert!(server.files().is_empty());
    server.stop().await;
}

#[tokio::test]
async fn a_browser_that_is_still_sending_can_read_the_error() {
    let server = Server::start().await;
    let mut form = Form::good();
    form.content(&vec![b'x'; 40 * MIB]).set("x-oss-signature", "00");
    let reply = server.post(&form).await;
    assert_eq!(reply.status, 403);
    assert_eq!(reply.child("Code"), "SignatureDoesNotMatch");
    server.stop().await;
}

#[tokio::test]
async fn an_oversize_upload_is_stopped_early() {
    let server = Server::with_strictness(|strictness| {
        strictness.limits.drain_bytes = MIB as u64;
    })
    .await;
    let mut form = Form::good();
    form.allow(&[r#"["content-length-range",0,1000]"#]);
    let head = server.head(&form, 4_000_000_000, &[]);
    let begun = [head.into_bytes(), form.before_content(), vec![b'x'; 3 * MIB]].concat();
    let reply = server.send(&begun).await;
    assert_eq!(reply.refusal().1, "EntityTooLarge");
    assert_eq!(reply.header("connection"), "close");
    assert!(server.files().is_empty());
    server.stop().await;
}

#[tokio::test]
async fn a_connection_is_reused_after_an_error() {
    let server = Server::start().await;
    let mut bad = Form::good();
    bad.set("x-oss-signature", "00");
    let first = server.head(&bad, bad.body().len() as u64, &[("Connection", "keep-alive")]);
    let good = Form::good();
    let second = server.head(&good, good.body().len() as u64, &[]);
    let both = [first.into_bytes(), bad.body(), second.into_bytes(), good.body()].concat();
    let reply = server.send(&both).await;
    assert_eq!(reply.status, 403);
    assert!(String::from_utf8_lossy(&reply.body).contains("HTTP/1.1 204 "));
    server.stop().await;
}

#[tokio::test]
async fn a_client_that_waits_for_100_continue_is_refused_without_sending() {
    let mut server = Server::start().await;
    let form = Form::good();
    let headers = [("Expect", "100-continue"), ("Content-Type", "text/plain")];
    let head = server.head(&form, 1000, &headers);
    let reply = server.send(head.as_bytes()).await;
    assert_eq!(reply.status, 405);
    assert_eq!(refused(&mut server).await, Some((405, "MethodNotAllowed")));
    server.stop().await;
}

#[tokio::test]
async fn a_policy_that_expires_during_the_upload_is_refused_unless_allowed() {
    for (relaxed, status) in [(false, 403), (true, 204)] {
        let server = Server::with_strictness(|strictness| {
            if relaxed {
                strictness.relaxed.insert(Relaxation::ExpiryDuringUpload);
            }
        })
        .await;
        let form = Form::good();
        let head = server.head(&form, form.body().len() as u64, &[]);
        let begun = [head.into_bytes(), form.before_content()].concat();
        let mut stream = server.connect(&begun).await;
        // The temporary file shows that the form has been validated.
        until("the file is on its way in", || !server.files().is_empty()).await;
        server.clock.store(NOW + 3601, std::sync::atomic::Ordering::Relaxed);
        let rest = [form.content.clone(), form.after_content()].concat();
        stream.write_all(&rest).await.unwrap();
        let reply = Reply::read(stream).await;
        assert_eq!(reply.status, status);
        if status == 403 {
            assert_eq!(reply.child("EC"), "0006-00000213");
            assert!(server.files().is_empty());
        }
        server.stop().await;
    }
}

#[tokio::test]
async fn of_two_concurrent_uploads_that_must_not_overwrite_one_succeeds() {
    let server = Server::start().await;
    let mut form = Form::good();
    form.set("x-oss-forbid-overwrite", "true");
    let head = server.head(&form, form.body().len() as u64, &[]);
    let begun = [head.into_bytes(), form.before_content()].concat();
    let rest = [form.content.clone(), form.after_content()].concat();
    let mut streams = Vec::new();
    for _ in 0..8 {
        streams.push(server.connect(&begun).await);
    }
    for stream in &mut streams {
        stream.write_all(&rest).await.unwrap();
    }
    let mut statuses = Vec::new();
    for stream in streams {
        statuses.push(Reply::read(stream).await.status);
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 409, 409, 409, 409, 409, 409, 409]);
    server.stop().await;
}

#[tokio::test]
async fn many_concurrent_uploads_are_all_stored() {
    let mut server = Server::start().await;
    let mut streams = Vec::new();
    for index in 0..50_u8 {
        let mut form = Form::good();
        form.set("key", &format!("k{index}")).content(&vec![index; 100_000]);
        let head = server.head(&form, form.body().len() as u64, &[]);
        let begun = [head.into_bytes(), form.before_content()].concat();
        let rest = [form.content.clone(), form.after_content()].concat();
        streams.push((server.connect(&begun).await, rest));
    }
    for (mut stream, rest) in streams {
        stream.write_all(&rest).await.unwrap();
        assert_eq!(Reply::read(stream).await.status, 204);
    }
    for _ in 0..50 {
        assert!(matches!(server.event().await, OssEvent::Stored { size: 100_000, .. }));
    }
    assert_eq!(server.ask("GET", "/k7", &[]).await.body, vec![7; 100_000]);
    server.stop().await;
}

#[tokio::test]
async fn a_deleted_data_directory_is_an_internal_error() {
    let server = Server::start().await;
    std::fs::remove_dir_all(server.folder.path().join(".incoming")).unwrap();
    let reply = server.post(&Form::good()).await;
    assert_eq!((reply.status, reply.child("Code").as_str()), (500, "InternalError"));
    assert!(server.files().is_empty());
    server.stop().await;
}

#[tokio::test]
async fn an_upload_in_progress_finishes_before_the_shutdown() {
    let mut server = Server::start().await;
    let form = Form::good();
    let head = server.head(&form, form.body().len() as u64, &[]);
    let begun = [head.into_bytes(), form.before_content()].concat();
    let mut stream = server.connect(&begun).await;
    until("the file is on its way in", || !server.files().is_empty()).await;
    server.ask_to_stop();
    let rest = [form.content.clone(), form.after_content()].concat();
    stream.write_all(&rest).await.unwrap();
    assert_eq!(Reply::read(stream).await.status, 204);
    assert!(matches!(server.event().await, OssEvent::Stored { .. }));
    server.stop().await;
}
