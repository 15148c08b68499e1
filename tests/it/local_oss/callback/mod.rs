//! Tests callbacks over sockets: the request, its signature, the events and failures.

mod body;
mod failures;
mod parameter;
mod responses;
mod signature;

use oss_emulator::oss::OssEvent;

use crate::support::form::Form;
use crate::support::oss::Server;

/// A valid form with this callback.
pub(super) fn with_callback(callback: &str) -> Form {
    let mut form = Form::good();
    form.set("callback", callback);
    form
}

/// Waits for the events of a stored upload and returns the address and failure of each callback.
async fn calls(server: &mut Server, count: usize) -> Vec<(String, Option<String>)> {
    assert!(matches!(server.event().await, OssEvent::Stored { .. }));
    let mut calls = Vec::new();
    for _ in 0..count {
        let OssEvent::Called { url, key, failure, .. } = server.event().await else {
            unreachable!("no other event comes after it");
        };
        assert_eq!(key, "dir/hello.txt");
        calls.push((url, failure));
    }
    calls
}
