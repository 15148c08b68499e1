//! Callbacks over real sockets: what is sent, what is signed, what is told, what goes wrong.

mod answers;
mod body;
mod failures;
mod parameter;
mod signature;

use oss_emulator::oss::Event;

use crate::support::form::Form;
use crate::support::oss::Server;

/// A good form with this callback.
pub(super) fn calling(callback: &str) -> Form {
    let mut form = Form::good();
    form.set("callback", callback);
    form
}

/// Waits for the events of an upload that was stored, and returns those of its calls: address and
/// what failed.
async fn calls(server: &mut Server, count: usize) -> Vec<(String, Option<String>)> {
    assert!(matches!(server.event().await, Event::Stored { .. }));
    let mut calls = Vec::new();
    for _ in 0..count {
        let Event::Called { url, key, failure, .. } = server.event().await else {
            unreachable!("no other event comes after it");
        };
        assert_eq!(key, "dir/hello.txt");
        calls.push((url, failure));
    }
    calls
}
