//! The stage: one fleet of instances, the gateways in front of it, the keys, and what has been seen.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderName;
use http::Request;
use http_body_util::BodyExt;
use http_body_util::Full;
use tokio::time::Instant;

use crate::rehearse::ask::Ask;
use crate::rehearse::ask::Reply;
use fc_emulator::Behind;
use fc_emulator::Fleet;
use fc_emulator::Gateway;
use fc_emulator::Instance;
use fc_emulator::Keys;
use fc_emulator::Options;
use fc_emulator::Plan;

/// The key in the environment of every instance.
pub(super) const ENVIRONMENT_KEY: &str = "STS.RehearsalEnvironmentKey";

/// The key that the headers bring at first.
pub(super) const HEADER_KEY: &str = "STS.RehearsalHeaderKey";

/// The key that they bring after a night.
pub(super) const NEW_HEADER_KEY: &str = "STS.RehearsalNewHeaderKey";

/// Part of every secret and of no other text.
const SECRET_MARK: &str = "RehearsalKeySecret";

/// Part of every token and of no other text.
const TOKEN_MARK: &str = "RehearsalSecurityToken";

/// Makes the keys of a name. They open nothing anywhere.
pub(super) fn keys(id: &str) -> Keys {
    let name = id.trim_start_matches("STS.Rehearsal");
    Keys {
        access_key_id: id.to_owned(),
        access_key_secret: format!("{SECRET_MARK}{name}"),
        security_token: format!("{TOKEN_MARK}{name}"),
    }
}

/// Tells whether a line of a log gives a secret or a token away.
pub(super) fn is_telling(line: &str) -> bool {
    line.contains(SECRET_MARK) || line.contains(TOKEN_MARK)
}

/// What all answers together have shown.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) header_bytes: usize,
    pub(super) taken: Vec<HeaderName>,
    pub(super) too_large: Option<String>,
    pub(super) secret: Option<String>,
    pub(super) slowest: Duration,
}

/// The stage.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) fleet: Fleet,
    /// Brings keys in the headers, as `custom` and `custom.debian10` do.
    pub(super) front: Gateway,
    /// Brings empty ones, as newer runtimes do.
    pub(super) bare: Gateway,
    /// The requests that are sent; at least one.
    pub(super) asks: Vec<Ask>,
    seen: Mutex<Seen>,
}

impl Stage {
    pub(super) fn new(plan: Plan, asks: Vec<Ask>) -> Self {
        let fleet = Fleet::new(plan);
        let front = gateway(&fleet, |options| options.keys = Some(keys(HEADER_KEY)));
        let bare = gateway(&fleet, |_| {});
        Self { fleet, front, bare, asks, seen: Mutex::default() }
    }

    /// The request that stands for all others.
    pub(super) fn ask(&self) -> Ask {
        self.asks.first().cloned().unwrap_or_else(|| Ask::get("/"))
    }

    /// The instance that requests go to, started if there is none.
    pub(super) async fn instance(&self) -> Result<Arc<Instance>, String> {
        self.front.warm().await.map_err(|none| format!("{}: {}", none.code, none.sentence))?;
        let mut instances = self.fleet.instances().into_iter();
        instances.find(|instance| !instance.is_ill()).ok_or_else(|| "no instance runs".to_owned())
    }

    /// Sends a request by a gateway and reads the answer.
    pub(super) async fn send(&self, gateway: &Gateway, request: Request<Full<Bytes>>) -> Reply {
        let path = request.uri().path().to_owned();
        let started = Instant::now();
        let (parts, body) = gateway.handle(request).await.into_parts();
        let mut reply = Reply {
            status: parts.status.as_u16(),
            passed: parts.extensions.get().cloned(),
            headers: parts.headers,
            body: Bytes::new(),
            took: started.elapsed(),
        };
        match body.collect().await {
            Ok(body) => reply.body = body.to_bytes(),
            // An answer that breaks off is none.
            Err(_) => reply.passed = None,
        }
        reply.took = started.elapsed();
        self.look(&reply, path);
        reply
    }

    pub(super) fn seen(&self) -> MutexGuard<'_, Seen> {
        // No change can panic half way, so a poisoned lock is still good.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn look(&self, reply: &Reply, path: String) {
        let mut seen = self.seen();
        if reply.refusal().is_some_and(|(code, _)| code == "BadResponse") {
            seen.too_large = Some(path.clone());
        }
        let Some(passed) = &reply.passed else {
            return;
        };
        seen.header_bytes = seen.header_bytes.max(passed.header_bytes);
        seen.slowest = seen.slowest.max(reply.took);
        for name in &passed.taken {
            if !seen.taken.contains(name) {
                seen.taken.push(name.clone());
            }
        }
        if reply.says(SECRET_MARK) {
            seen.secret = Some(path);
        }
    }
}

/// Puts a further gateway in front of a fleet.
pub(super) fn gateway(fleet: &Fleet, change: impl FnOnce(&mut Options)) -> Gateway {
    let mut options = Options {
        behind: Behind::Fleet(fleet.clone()),
        function: fleet.plan().function.clone(),
        keys: None,
        default_domain: false,
    };
    change(&mut options);
    Gateway::new(options)
}
