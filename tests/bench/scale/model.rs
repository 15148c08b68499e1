//! The simulation: instances of the function under a load, second by second.
//!
//! Time is simulated, the code that fetches and rotates is the function's own: each instance has a
//! [`CredentialCache`], a [`SessionPool`] and a [`CachedResource`], and STS and the server of the key set are counters
//! with the limits of the real ones. The platform is a model: requests are work on a share of a core, an instance takes
//! up to its limit of requests at once, a further one starts when all are full, and an idle one ends after a while.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, Uri};
use oss_upload_signer::cached_resource::{CachedResource, ResourceOptions};
use oss_upload_signer::credentials::cache::CredentialCache;
use oss_upload_signer::credentials::session::{RoleSession, SessionPool};
use oss_upload_signer::credentials::{
    Credentials, FetchFuture, FetchRequest, Provider, ProviderError, RandomSource,
};
use oss_upload_signer::net::{HttpClient, RequestLimits, ResponseFuture, SendError};
use oss_upload_signer::secret::Secret;
use oss_upload_signer::time::Timestamp;

use super::random::Random;

/// What the platform and the deployment decide.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Platform {
    /// The most instances of a region. The documentation says 300 in one place and 100 in another.
    pub(crate) max_instances: usize,
    /// Requests that one instance has at once: `instanceConcurrency` in `s.yaml`.
    pub(crate) concurrency: f64,
    /// The share of a core that one instance has: `cpu` in `s.yaml`.
    pub(crate) cpu: f64,
    /// Seconds of a whole core for one signature.
    pub(crate) cpu_per_call: f64,
    /// Seconds after which an idle instance ends. Not documented.
    pub(crate) idle: u64,
    /// Calls of `AssumeRole` that an account may send in a second.
    pub(crate) sts_per_second: u64,
}

impl Platform {
    /// The settings of `s.yaml`, and the limits of the platform's documentation.
    pub(crate) const DOCUMENTED: Self = Self {
        max_instances: 300,
        concurrency: 50.0,
        cpu: 0.1,
        cpu_per_call: 75e-6,
        idle: 300,
        sts_per_second: 100,
    };
}

/// Whose keys sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keys {
    /// Those of the function's role, which the platform gives to every request.
    Platform,
    /// Those of another role, which each instance takes once an hour.
    SharedRole,
    /// Those of a session for each of so many callers.
    SessionPerCaller(u64),
}

/// What was counted.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Report {
    pub(crate) calls: u64,
    /// Calls that the platform refused because all instances were full.
    pub(crate) turned_away: u64,
    /// Calls that failed because there was no key to sign with.
    pub(crate) without_key: u64,
    pub(crate) most_instances: usize,
    pub(crate) cold_starts: u64,
    pub(crate) sts_calls: u64,
    pub(crate) most_sts_calls_in_a_second: u64,
    pub(crate) throttled_by_sts: u64,
    pub(crate) key_set_fetches: u64,
    pub(crate) most_key_set_fetches_in_a_second: u64,
    /// Seconds in which an instance had a request, over all instances: what is billed.
    pub(crate) busy_seconds: f64,
    pub(crate) seconds: u64,
}

/// A server that counts the calls of each second and refuses those above its limit.
#[derive(Debug)]
struct Counter {
    limit: u64,
    /// All, those of this second, the most of a second, and those that were refused.
    counts: [AtomicU64; 4],
}

impl Counter {
    fn new(limit: u64) -> Arc<Self> {
        Arc::new(Self { limit, counts: Default::default() })
    }

    fn count(&self) -> bool {
        let [all, now, most, refused] = &self.counts;
        all.fetch_add(1, Ordering::Relaxed);
        let this_second = now.fetch_add(1, Ordering::Relaxed) + 1;
        most.fetch_max(this_second, Ordering::Relaxed);
        let is_refused = this_second > self.limit;
        refused.fetch_add(u64::from(is_refused), Ordering::Relaxed);
        !is_refused
    }

    fn next_second(&self) {
        self.counts[1].store(0, Ordering::Relaxed);
    }

    fn get(&self, which: usize) -> u64 {
        self.counts[which].load(Ordering::Relaxed)
    }
}

/// STS: keys that live for an hour.
impl Provider for Counter {
    fn name(&self) -> &'static str {
        "sts"
    }

    fn fetch<'a>(&'a self, request: FetchRequest<'a>) -> FetchFuture<'a> {
        let credentials = Credentials {
            key_id: "STS.Simulated".to_owned(),
            secret: Secret::new("simulated"),
            token: Some(Secret::new("simulated")),
            usable_until: Some(request.now.plus(Duration::from_hours(1))),
        };
        let is_taken = self.count();
        Box::pin(async move {
            if is_taken { Ok(credentials) } else { Err(ProviderError::temporary("Throttling")) }
        })
    }
}

/// The server of the key set.
impl HttpClient for Counter {
    fn send(&self, _: Request<Bytes>, _: RequestLimits) -> ResponseFuture<'_> {
        let is_taken = self.count();
        Box::pin(async move {
            if is_taken { Ok(Response::new(Bytes::new())) } else { Err(SendError::TimedOut) }
        })
    }
}

/// One instance, with the caches that it has to itself.
struct Instance {
    role: CredentialCache,
    sessions: SessionPool,
    key_set: CachedResource<()>,
    idle_since: u64,
}

impl Instance {
    fn start(sts: &Arc<Counter>, random: &RandomSource, second: u64) -> Self {
        let longest_form = Duration::from_mins(10);
        let provider: Arc<dyn Provider> = sts.clone();
        let opened = Arc::clone(&provider);
        let open = Box::new(move |_: &RoleSession| Ok(Arc::clone(&opened)));
        let limits =
            RequestLimits { timeout: Duration::from_secs(3), max_body: 1, use_proxy: false };
        Self {
            role: CredentialCache::new(provider, longest_form, Arc::clone(random)),
            sessions: SessionPool::new(open, longest_form, Arc::clone(random)),
            key_set: CachedResource::new(ResourceOptions {
                name: "the key set",
                uri: Uri::from_static("https://keys.example/jwks"),
                accept: "application/json",
                parse: |_| Some(()),
                max_age: Duration::from_mins(10),
                limits,
            }),
            idle_since: second,
        }
    }
}

/// A deployment under load.
pub(crate) struct Simulation {
    platform: Platform,
    keys: Keys,
    sts: Arc<Counter>,
    key_server: Arc<Counter>,
    instances: Vec<Instance>,
    random: Random,
    /// Draws the small differences by which instances refresh at different moments.
    jitter: RandomSource,
    /// Requests that have arrived and are not answered.
    waiting: f64,
    report: Report,
}

impl Simulation {
    pub(crate) fn new(platform: Platform, keys: Keys, seed: u64) -> Self {
        let jitter = Mutex::new(Random::seeded(!seed));
        Self {
            platform,
            keys,
            sts: Counter::new(platform.sts_per_second),
            key_server: Counter::new(u64::MAX),
            instances: Vec::new(),
            random: Random::seeded(seed),
            jitter: Arc::new(move || Ok(jitter.lock().map_or([0; 16], |mut one| one.bytes()))),
            waiting: 0.0,
            report: Report::default(),
        }
    }

    /// Simulates as many seconds as `rates` has, each with its expected number of calls. `None` is a second in which
    /// the region is down: all instances are gone.
    pub(crate) async fn run(mut self, rates: impl Iterator<Item = Option<f64>>) -> Report {
        for rate in rates {
            if let Some(rate) = rate {
                let calls = self.random.poisson(rate);
                self.second(calls).await;
            } else {
                self.instances.clear();
                self.waiting = 0.0;
            }
            self.sts.next_second();
            self.key_server.next_second();
            self.report.seconds += 1;
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        self.report.sts_calls = self.sts.get(0);
        self.report.most_sts_calls_in_a_second = self.sts.get(2);
        self.report.throttled_by_sts = self.sts.get(3);
        self.report.key_set_fetches = self.key_server.get(0);
        self.report.most_key_set_fetches_in_a_second = self.key_server.get(2);
        self.report
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "numbers of calls and instances are small and not negative"
    )]
    async fn second(&mut self, calls: u64) {
        let Platform { max_instances, concurrency, cpu, cpu_per_call, idle, .. } = self.platform;
        self.report.calls += calls;
        // What one instance works off in a second, and what it may leave waiting.
        let per_instance = cpu / cpu_per_call;
        let demand = self.waiting + calls as f64;
        let needed = (demand / (per_instance + concurrency)).ceil() as usize;
        let running = self.instances.len();
        for _ in running..needed.min(max_instances) {
            self.instances.push(Instance::start(&self.sts, &self.jitter, self.report.seconds));
            self.report.cold_starts += 1;
        }
        self.report.most_instances = self.report.most_instances.max(self.instances.len());
        let capacity = self.instances.len() as f64 * per_instance;
        self.waiting = (demand - capacity).max(0.0);
        let room = self.instances.len() as f64 * concurrency;
        self.report.turned_away += (self.waiting - room).max(0.0).round() as u64;
        self.waiting = self.waiting.min(room);

        // The platform fills one instance before the next, so the last ones become idle.
        let active =
            ((demand / per_instance).ceil() as usize).clamp(1, self.instances.len().max(1));
        let per_active = (demand.min(capacity) / active as f64).min(per_instance);
        let answer_time = cpu_per_call / cpu;
        let busy = 1.0 - (-per_active * answer_time).exp();
        if calls > 0 {
            self.report.busy_seconds += busy.max(per_active / per_instance) * active as f64;
            self.answer(active, calls).await;
        }
        let now = self.report.seconds;
        for instance in self.instances.iter_mut().take(active) {
            instance.idle_since = now;
        }
        self.instances.retain(|instance| now - instance.idle_since < idle);
    }

    /// Lets every active instance look for what it needs to sign.
    async fn answer(&mut self, active: usize, calls: u64) {
        let now = Timestamp::from_unix(1_767_225_600).unwrap_or_else(oss_upload_signer::time::now);
        let now = now.plus(Duration::from_secs(self.report.seconds));
        let active = active.min(self.instances.len());
        let calls_of = |index: usize| {
            let (share, rest) = (calls / active as u64, calls % active as u64);
            share + u64::from((index as u64) < rest)
        };
        for (index, instance) in self.instances.iter().take(active).enumerate() {
            if calls_of(index) == 0 {
                continue;
            }
            let _ = instance.key_set.get(now, &*self.key_server).await;
            match self.keys {
                Keys::Platform => {}
                // All calls of a second see the same cache.
                Keys::SharedRole => {
                    if instance.role.provide(None, now).await.is_err() {
                        self.report.without_key += calls_of(index);
                    }
                }
                Keys::SessionPerCaller(callers) => {
                    for _ in 0..calls_of(index) {
                        let subject = self.random.below(callers).to_string();
                        let session =
                            RoleSession::for_subject(&format!("user-{subject}"), String::new());
                        let found = instance.sessions.provide(&session, None, now).await;
                        self.report.without_key += u64::from(found.is_err());
                    }
                }
            }
        }
    }
}

impl fmt::Debug for Simulation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Simulation").field("report", &self.report).finish_non_exhaustive()
    }
}
