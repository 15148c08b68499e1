//! Asynchronous invocations: answered at once, run afterwards, and run again if they fail.
//!
//! From "Web functions" and "Error handling": a caller asks for it by a header. A request that fails by
//! the function's own error is run three times more, each time with a higher count. A request that finds
//! no free instance is tried again after half a second, then after twice as long each time, for five
//! hours. The pause before a failed request is run again is not documented; here there is none.

use std::time::Duration;

use http_body_util::BodyExt;
use tokio::task::JoinHandle;

use crate::error::GatewayError;
use crate::gateway::response::{ForwardReport, GatewayResponse};

/// How often a failed request is run again.
const RETRIES: u32 = 3;

/// The first pause when there is no free instance.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// How long the platform looks for a free instance.
const CAPACITY_TIMEOUT: Duration = Duration::from_hours(5);

/// The handle of an asynchronous invocation; it completes with all attempts.
pub type AsyncInvocation = JoinHandle<Vec<Attempt>>;

/// One run of an asynchronous invocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The count of earlier runs, as in `x-fc-retry-count`.
    pub retry_count: u32,
    /// The status of the function, or of the gateway in its place.
    pub status: u16,
    /// Whether the platform counts the invocation as done.
    pub is_success: bool,
}

/// Runs an invocation until it succeeds or its retries are used up. `forward` sends the request with a
/// retry count.
pub(super) async fn run<F, R>(forward: F) -> Vec<Attempt>
where
    F: Fn(u32) -> R,
    R: Future<Output = Result<GatewayResponse, GatewayError>>,
{
    let mut attempts = Vec::new();
    for retry_count in 0..=RETRIES {
        let attempt = match wait_for_capacity(|| forward(retry_count)).await {
            Ok(response) => finish(response, retry_count).await,
            Err(error) => {
                Attempt { retry_count, status: error.status().as_u16(), is_success: false }
            }
        };
        attempts.push(attempt);
        if attempt.is_success {
            break;
        }
    }
    attempts
}

/// Sends the request as soon as there is a free instance.
async fn wait_for_capacity<R>(forward: impl Fn() -> R) -> Result<GatewayResponse, GatewayError>
where
    R: Future<Output = Result<GatewayResponse, GatewayError>>,
{
    let (mut waited, mut pause) = (Duration::ZERO, FIRST_PAUSE);
    loop {
        match forward().await {
            Err(GatewayError::ResourceExhausted) if waited < CAPACITY_TIMEOUT => {
                tokio::time::sleep(pause).await;
                waited += pause;
                pause *= 2;
            }
            outcome => return outcome,
        }
    }
}

/// Reads a response to its end. A function may fail with a status of 200 and say so in a header. That a
/// status from 500 up counts as a failure too is an assumption.
async fn finish(response: GatewayResponse, retry_count: u32) -> Attempt {
    let status = response.status();
    let report = response.extensions().get::<ForwardReport>();
    let reports_failure = report.is_some_and(|report| report.reports_failure);
    let is_complete = response.into_body().collect().await.is_ok();
    let is_success = is_complete && !reports_failure && !status.is_server_error();
    Attempt { retry_count, status: status.as_u16(), is_success }
}
