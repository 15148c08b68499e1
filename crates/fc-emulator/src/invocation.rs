//! Requests that nobody waits for: answered at once, run behind the answer, run again if they fail.
//!
//! From "Web functions" and "Error handling": a caller asks for it by a header; what fails by the
//! function's own fault is run three times more, each time with a higher count; what finds no instance
//! is tried again after half a second, then after twice as long each time, for five hours. How long
//! the platform waits before it runs a failed request again is not said; here it does not wait.

use std::time::Duration;

use bytes::Bytes;
use http::Response;
use http::StatusCode;
use http_body_util::BodyExt;
use http_body_util::Either;
use http_body_util::Full;
use tokio::task::JoinHandle;

use crate::Answer;
use crate::Passed;
use crate::gateway::Gateway;
use crate::gateway::Received;
use crate::refusal::Refusal;

/// How often a failed request is run again.
const RETRIES: u32 = 3;

/// The first pause where there is no instance to be had.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// How long an instance is looked for.
const PATIENCE: Duration = Duration::from_hours(5);

/// What will have become of a request that nobody waited for.
pub type Later = JoinHandle<Vec<Attempt>>;

/// One run of a request that nobody waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// What its header said of earlier runs.
    pub retry_count: u32,
    /// The function's status, or the one of the platform in its place.
    pub status: u16,
    /// Whether it counts as done.
    pub is_good: bool,
}

/// Answers at once, and runs the request behind the answer.
pub(crate) fn leave(gateway: &Gateway, received: Received, request_id: &str) -> (Answer, Later) {
    let mut answer = Response::new(Either::Left(Full::new(Bytes::new())));
    *answer.status_mut() = StatusCode::ACCEPTED;
    let run = run(gateway.clone(), received, request_id.to_owned());
    (answer, tokio::spawn(run))
}

async fn run(gateway: Gateway, received: Received, request_id: String) -> Vec<Attempt> {
    let mut attempts = Vec::new();
    for retry_count in 0..=RETRIES {
        let attempt = match patiently(&gateway, &received, &request_id, retry_count).await {
            Ok(answer) => finished(answer, retry_count).await,
            Err(refusal) => {
                let (status, ..) = refusal.words();
                Attempt { retry_count, status: status.as_u16(), is_good: false }
            }
        };
        attempts.push(attempt);
        if attempt.is_good {
            break;
        }
    }
    attempts
}

/// Runs it once, as soon as there is an instance to be had.
async fn patiently(
    gateway: &Gateway,
    received: &Received,
    request_id: &str,
    retry_count: u32,
) -> Result<Answer, Refusal> {
    let (mut waited, mut pause) = (Duration::ZERO, FIRST_PAUSE);
    loop {
        match gateway.forward(received, request_id, retry_count).await {
            Err(Refusal::Exhausted) if waited < PATIENCE => {
                tokio::time::sleep(pause).await;
                waited += pause;
                pause *= 2;
            }
            outcome => return outcome,
        }
    }
}

/// Reads an answer to its end. A function may fail with a status of 200 and say so in a header; that
/// a status from 500 up counts as a failure too is assumed.
async fn finished(answer: Answer, retry_count: u32) -> Attempt {
    let status = answer.status();
    let says_failed = answer.extensions().get::<Passed>().is_some_and(|passed| passed.says_failed);
    let is_whole = answer.into_body().collect().await.is_ok();
    let is_good = is_whole && !says_failed && !status.is_server_error();
    Attempt { retry_count, status: status.as_u16(), is_good }
}
