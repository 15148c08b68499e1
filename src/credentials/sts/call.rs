//! The exchange itself: attempts, pauses between them, and when to stop.
//!
//! Asking twice does no harm: STS forgets whom it gave a key to. So whatever may have been chance
//! is tried again, each time with a new nonce and the time of that moment.

use std::time::Duration;

use bytes::Bytes;
use http::Response;

use crate::credentials::Credentials;
use crate::credentials::Failure;
use crate::credentials::sts::Sts;
use crate::credentials::sts::message::Message;
use crate::credentials::sts::message::Proof;
use crate::credentials::sts::refusal::Remedy;
use crate::credentials::sts::reply;
use crate::credentials::sts::role::RoleRequest;
use crate::credentials::sts::watch::Watch;
use crate::crypto::hex;
use crate::net::RequestLimits;
use crate::net::SendError;
use crate::time::Timestamp;

/// The longest pauses before the second and the third attempt; there is no fourth.
const PAUSES: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(1)];

/// How long one attempt may take. A call takes some tens of milliseconds.
const ATTEMPT: Duration = Duration::from_secs(10);

/// An answer has about two thousand bytes, most of them the token.
const MAX_ANSWER: usize = 64 * 1024;

/// Why there is no key.
#[derive(Debug)]
pub(in crate::credentials) struct Declined {
    pub(in crate::credentials) failure: Failure,
    /// Whether a newer key or token would help.
    pub(in crate::credentials) is_stale: bool,
}

impl From<Failure> for Declined {
    fn from(failure: Failure) -> Self {
        Self { failure, is_stale: false }
    }
}

/// What to do about a failed attempt.
enum Next {
    /// Stop.
    End(Declined),
    /// Try again after a pause, at least as long as the server wants.
    Pause(Failure, Option<Duration>),
    /// Try again by the server's clock.
    Clock(Failure, Timestamp),
}

/// Exchanges a proof for a role's key.
pub(in crate::credentials) async fn exchange(
    sts: &Sts,
    role: &RoleRequest,
    proof: Proof<'_>,
    watch: &Watch,
) -> Result<Credentials, Declined> {
    let mut clock = Clock::default();
    let mut pauses = PAUSES.iter();
    loop {
        let nonce = hex(&draw(sts)?);
        let message = Message::compose(role, proof, &nonce, clock.correct(watch.now()));
        let answer = attempt(sts, &message, watch).await;
        let next = match answer.and_then(|answer| judge(&answer, &message, watch.now())) {
            Ok(credentials) => return Ok(credentials),
            Err(next) => next,
        };
        match (next, pauses.next()) {
            (Next::End(declined), _) => return Err(declined),
            (Next::Clock(_, theirs), Some(_)) if clock.set(watch.now(), theirs) => {}
            (Next::Pause(failure, wanted), Some(longest)) => {
                let pause = jitter(sts, *longest)?.max(wanted.unwrap_or_default());
                if pause >= watch.left() {
                    return Err(failure.into());
                }
                tokio::time::sleep(pause).await;
            }
            (Next::Clock(failure, _) | Next::Pause(failure, _), _) => return Err(failure.into()),
        }
    }
}

async fn attempt(sts: &Sts, message: &Message, watch: &Watch) -> Result<Response<Bytes>, Next> {
    let request = message
        .address(&sts.endpoint)
        .map_err(|_| Next::End(Failure::permanent("the address of STS cannot be used").into()))?;
    let time = watch.left().min(ATTEMPT);
    let limits = RequestLimits { timeout: time, max_body: MAX_ANSWER, use_proxy: true };
    sts.means.http.send(request, limits).await.map_err(|error| {
        let failure = Failure::temporary(format!("STS could not be asked: {error}"));
        match error {
            SendError::TooLong => Next::End(failure.into()),
            _ => Next::Pause(failure, None),
        }
    })
}

fn judge(answer: &Response<Bytes>, message: &Message, now: Timestamp) -> Result<Credentials, Next> {
    reply::read(answer, now).map_err(|refusal| {
        let failure = refusal.explain(message);
        match (refusal.remedy(), reply::date(answer.headers())) {
            (Remedy::Again, _) => Next::Pause(failure, reply::wait(answer.headers())),
            (Remedy::Clock, Some(theirs)) => Next::Clock(failure, theirs),
            (Remedy::Proof, _) => Next::End(Declined { failure, is_stale: true }),
            (Remedy::Clock | Remedy::Later | Remedy::Mend, _) => Next::End(failure.into()),
        }
    })
}

/// By how many seconds the local clock is wrong, once the server has said so. It is believed once:
/// if its own clock does not please it, nothing will.
#[derive(Default)]
struct Clock(Option<i64>);

impl Clock {
    fn set(&mut self, ours: Timestamp, theirs: Timestamp) -> bool {
        let is_first = self.0.is_none();
        self.0 = Some(theirs.unix() - ours.unix());
        is_first
    }

    fn correct(&self, ours: Timestamp) -> Timestamp {
        Timestamp::from_unix(ours.unix() + self.0.unwrap_or_default()).unwrap_or(ours)
    }
}

fn draw(sts: &Sts) -> Result<[u8; 16], Failure> {
    let dry = |_| Failure::temporary("the system has no randomness to give; try again");
    (sts.means.draw)().map_err(dry)
}

/// Draws a pause of any length up to the longest, so that many instances do not come back at once.
fn jitter(sts: &Sts, longest: Duration) -> Result<Duration, Failure> {
    let [first, second, ..] = draw(sts)?;
    Ok(longest * u32::from(u16::from_be_bytes([first, second])) / u32::from(u16::MAX))
}
