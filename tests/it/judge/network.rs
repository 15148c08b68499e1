//! Bad networks and bad days: cuts, stalls, crowds, a folder that vanishes, the end.

use std::time::Duration;

use oss_emulator::oss::Event;
use oss_emulator::oss::Leniency;
use tokio::io::AsyncWriteExt;

use crate::support::form::Form;
use crate::support::form::NOW;
use crate::support::oss::Reply;
use crate::support::oss::Server;
use crate::support::wait::until;

const MIB: usize = 1024 * 1024;

/// Waits for the next event and returns what it refuses with.
async fn refused(server: &mut Server) -> Option<(u16, &'static str)> {
    match server.event().await {
        Event::Refused { status, code, .. } => Some((status, code)),
        Event::Stored { .. } | Event::Warned { .. } | Event::Called { .. } => None,
    }
}

#[tokio::test]
async fn a_client_that_cuts_off_leaves_nothing() {
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
async fn a_client_that_stops_sending_but_listens_is_told() {
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
async fn a_client_that_falls_silent_is_told_and_leaves_nothing() {
    let server = Server::judging(|judgement| {
        judgement.patience.idle = Duration::from_millis(50);
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
async fn a_browser_that_is_still_sending_can_read_the_refusal() {
    let server = Server::start().await;
    let mut form = Form::good();
    form.content(&vec![b'x'; 40 * MIB]).set("x-oss-signature", "00");
    let reply = server.post(&form).await;
    assert_eq!(reply.status, 403);
    assert_eq!(reply.child("Code"), "SignatureDoesNotMatch");
    server.stop().await;
}

#[tokio::test]
async fn an_oversize_upload_is_stopped_long_before_its_end() {
    let server = Server::judging(|judgement| {
        judgement.patience.drain_bytes = MIB as u64;
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
async fn a_connection_serves_on_after_a_refusal() {
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
async fn a_client_that_waits_for_leave_is_refused_without_sending() {
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
async fn a_policy_that_expires_on_the_way_is_refused_unless_allowed() {
    for (lenient, status) in [(false, 403), (true, 204)] {
        let server = Server::judging(|judgement| {
            if lenient {
                judgement.lenient.insert(Leniency::ExpiryDuringUpload);
            }
        })
        .await;
        let form = Form::good();
        let head = server.head(&form, form.body().len() as u64, &[]);
        let begun = [head.into_bytes(), form.before_content()].concat();
        let mut stream = server.connect(&begun).await;
        // The file on its way in shows that the form has been judged.
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
async fn of_two_uploads_under_way_that_must_not_overwrite_one_wins() {
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
async fn many_uploads_at_once_all_arrive() {
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
        assert!(matches!(server.event().await, Event::Stored { size: 100_000, .. }));
    }
    assert_eq!(server.ask("GET", "/k7", &[]).await.body, vec![7; 100_000]);
    server.stop().await;
}

#[tokio::test]
async fn a_data_folder_that_vanishes_is_an_internal_error() {
    let server = Server::start().await;
    std::fs::remove_dir_all(server.folder.path().join(".incoming")).unwrap();
    let reply = server.post(&Form::good()).await;
    assert_eq!((reply.status, reply.child("Code").as_str()), (500, "InternalError"));
    assert!(server.files().is_empty());
    server.stop().await;
}

#[tokio::test]
async fn an_upload_under_way_is_finished_before_the_end() {
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
    assert!(matches!(server.event().await, Event::Stored { .. }));
    server.stop().await;
}
