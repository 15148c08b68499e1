//! Answers of back ends that were told already, so that the same event is not told twice and is answered
//! the same.
//!
//! In memory, of one instance, of successes only, and not for ever: what is promised is at least once, and the
//! id of the message lets the back end see that it knows it. Whoever comes with an event that is being
//! told waits, and finds the answer there.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::Weak;

use bytes::Bytes;

/// The most answers that are kept.
const MAX_COUNT: usize = 512;

/// The most bytes of answers that are kept; one alone has at most 64 KiB.
const MAX_BYTES: usize = 1024 * 1024;

type Turn = tokio::sync::Mutex<()>;

/// What was answered, and who is telling.
#[derive(Debug, Default)]
pub(super) struct Replays {
    answers: Mutex<VecDeque<(String, Bytes)>>,
    turns: Mutex<Vec<(String, Weak<Turn>)>>,
}

impl Replays {
    /// Gives the turn of an event; who holds it may tell.
    pub(super) fn turn(&self, id: &str) -> Arc<Turn> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns.retain(|(_, turn)| turn.strong_count() > 0);
        let under_way = turns.iter().find(|(one, _)| one == id);
        under_way.and_then(|(_, turn)| turn.upgrade()).unwrap_or_else(|| {
            let turn = Arc::default();
            turns.push((id.to_owned(), Arc::downgrade(&turn)));
            turn
        })
    }

    /// Finds what was answered to an event.
    pub(super) fn answer(&self, id: &str) -> Option<Bytes> {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.iter().find(|(one, _)| one == id).map(|(_, answer)| answer.clone())
    }

    /// Keeps an answer, in the place of the oldest ones.
    pub(super) fn keep(&self, id: String, answer: Bytes) {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.push_back((id, answer));
        let mut bytes: usize = answers.iter().map(|(_, answer)| answer.len()).sum();
        while answers.len() > MAX_COUNT || bytes > MAX_BYTES {
            bytes -= answers.pop_front().map_or(bytes, |(_, answer)| answer.len());
        }
    }
}
