//! Cut connections, restarts, and requests at the same time.

use std::time::Duration;

use tokio::task::JoinSet;

use crate::support::{Call, KEY, LocalOss, MINIMUM, content, part_list};

/// Waits until a condition holds.
async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    for _ in 0..600 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(condition(), "waited in vain until {what}");
}

#[tokio::test]
async fn a_cut_connection_leaves_no_half_a_part_and_keeps_the_whole_one() {
    let oss = LocalOss::start().await;
    let mut client = oss.client().await;
    let id = client.initiate().await;
    let whole = content(1, MINIMUM);
    let etag = client.part(&id, 1, &whole).await;
    for number in [1, 2] {
        let mut other = oss.client().await;
        other.write_head(&Call::part(&id, number, ""), MINIMUM).await;
        other.write(&content(9, MINIMUM / 2)).await;
        until("the part arrives", || oss.incoming() == 1).await;
        other.cut();
        until("the half of the part is removed", || oss.incoming() == 0).await;
    }
    let listed = client.send(Call::list_parts(&id)).await;
    assert_eq!(
        (listed.children("PartNumber"), listed.children("ETag")),
        (vec!["1".to_owned()], vec![etag])
    );
    client.part(&id, 2, b"end").await;
    assert_eq!(client.send(Call::complete_all(&id)).await.status, 200);
    assert_eq!(oss.object(KEY).unwrap(), [whole, b"end".to_vec()].concat());
}

#[tokio::test]
async fn an_upload_goes_on_after_a_restart() {
    let oss = LocalOss::start().await;
    let mut client = oss.client().await;
    let id = client.send(Call::initiate().header("x-oss-meta-a", "kept")).await.child("UploadId");
    let one = client.part(&id, 1, &content(1, MINIMUM)).await;
    client.cut();
    let oss = oss.restart().await;
    let mut client = oss.client().await;
    let listed = client.send(Call::list_parts(&id)).await;
    assert_eq!(listed.children("ETag"), [one.as_str()]);
    // A second upload does not get the id of the first, although the clock stands still.
    assert_ne!(client.initiate().await, id);
    let two = client.part(&id, 2, b"end").await;
    let list = part_list(&[(1, &one), (2, &two)]);
    assert_eq!(client.send(Call::complete(&id, list)).await.status, 200);
    let head = client.send(Call::new("HEAD", crate::support::KEY_PATH)).await;
    assert_eq!(head.header("x-oss-meta-a"), "kept");
}

#[tokio::test]
async fn parts_in_parallel_and_in_any_order_become_one_object() {
    let oss = LocalOss::start().await;
    let id = oss.client().await.initiate().await;
    let mut tasks = JoinSet::new();
    for number in (1..=16_u32).rev() {
        let (mut client, id) = (oss.client().await, id.clone());
        tasks.spawn(async move { client.part(&id, number, &content(number, MINIMUM)).await });
    }
    assert_eq!(tasks.join_all().await.len(), 16);
    assert_eq!(oss.client().await.send(Call::complete_all(&id)).await.status, 200);
    let whole: Vec<u8> = (1..=16).flat_map(|number| content(number, MINIMUM)).collect();
    assert_eq!(oss.object(KEY).unwrap(), whole);
}

#[tokio::test]
async fn of_two_completions_at_the_same_time_one_wins() {
    let oss = LocalOss::start().await;
    let mut client = oss.client().await;
    let id = client.initiate().await;
    for number in 1..=8 {
        client.part(&id, number, &content(number, MINIMUM)).await;
    }
    let mut tasks = JoinSet::new();
    for _ in 0..6 {
        let (mut client, id) = (oss.client().await, id.clone());
        tasks.spawn(async move { client.send(Call::complete_all(&id)).await.status });
    }
    let mut statuses = tasks.join_all().await;
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 404, 404, 404, 404, 404]);
    assert_eq!(oss.object(KEY).unwrap().len(), 8 * MINIMUM);
    assert_eq!((oss.uploads(), oss.incoming()), (0, 0));
}

#[tokio::test]
async fn a_completion_goes_on_after_its_client_has_gone() {
    let oss = LocalOss::start().await;
    let mut client = oss.client().await;
    let id = client.initiate().await;
    client.part(&id, 1, b"content").await;
    client.write_head(&Call::complete_all(&id), 0).await;
    client.cut();
    until("the object appears", || oss.object(KEY).is_some()).await;
    until("the upload is removed", || oss.uploads() == 0).await;
    let again = oss.client().await.send(Call::complete_all(&id)).await;
    assert_eq!(again.refusal(), (404, "NoSuchUpload".to_owned(), String::new()));
}

#[tokio::test]
async fn a_part_that_ends_after_its_upload_was_aborted_is_refused() {
    let oss = LocalOss::start().await;
    let mut client = oss.client().await;
    let id = client.initiate().await;
    let mut late = oss.client().await;
    late.write_head(&Call::part(&id, 1, ""), 4).await;
    late.write(b"la").await;
    until("the part arrives", || oss.incoming() == 1).await;
    assert_eq!(client.send(Call::abort(&id)).await.status, 204);
    late.write(b"te").await;
    let reply = late.read("PUT").await;
    let (code, ec) = ("NoSuchUpload".to_owned(), "0042-00000104".to_owned());
    assert_eq!(reply.refusal(), (404, code, ec));
    assert_eq!((oss.uploads(), oss.incoming()), (0, 0));
}
