//! The simulation of `docs/scale.md`, held against real processes where these are few and the time is short.

#[path = "../bench/scale/model.rs"]
mod model;
#[path = "../bench/scale/random.rs"]
mod random;

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};

use self::model::{Keys, Platform, Report, Simulation};
use crate::support::function_binary;
use crate::support::port::free_port;
use crate::support::wait::{LIMIT, within};

/// Three instances, whatever the load, of which each has a call in every second.
const THREE: Platform = Platform {
    max_instances: 3,
    concurrency: 1e6,
    cpu: 1.0,
    cpu_per_call: 1.0,
    ..Platform::DOCUMENTED
};

/// Simulates three instances for some seconds.
async fn simulated(platform: Platform, keys: Keys, seconds: usize) -> Report {
    // As many calls as keep all instances busy: fewer would leave the third one out.
    let platform = Platform { concurrency: 1.0, ..platform };
    Simulation::new(platform, keys, 1).run(std::iter::repeat_n(Some(1_000.0), seconds)).await
}

/// A service that hands out keys which live for years, or answers 503; it counts the requests.
struct KeyService {
    url: String,
    requests: Arc<AtomicU64>,
}

impl KeyService {
    async fn start(is_working: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/key", listener.local_addr().unwrap());
        let requests = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&requests);
        let key = r#"{"Code":"Success","AccessKeyId":"STS.a","AccessKeySecret":"s","SecurityToken":"t","Expiration":"2999-01-02T09:04:05Z"}"#;
        let (status, body) =
            if is_working { ("200 OK", key) } else { ("503 Service Unavailable", "{}") };
        let answer = format!(
            "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        );
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::Relaxed);
                let mut head = [0; 4096];
                let _ = stream.read(&mut head).await;
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        Self { url, requests }
    }

    fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }
}

/// A process of the function, which ends with its test.
struct Instance {
    _process: Child,
    port: u16,
}

impl Instance {
    async fn start(keys: &KeyService) -> Self {
        let port = free_port();
        let mut process = Command::new(function_binary())
            .env_clear()
            .envs([
                ("FC_CUSTOM_LISTEN_PORT", &*port.to_string()),
                ("OSS_BUCKET", "examplebucket"),
                ("OSS_REGION", "cn-hangzhou"),
                ("UPLOAD_AUTH", "anonymous"),
                ("UPLOAD_CREDENTIALS", "uri"),
                ("ALIBABA_CLOUD_CREDENTIALS_URI", &keys.url),
            ])
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        within(LIMIT, "the line that it listens", async {
            while !lines.next_line().await.unwrap().unwrap().contains("listening on") {}
        })
        .await;
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self { _process: process, port }
    }

    /// Calls the function and returns the status.
    async fn call(&self) -> u16 {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        let request = b"GET /get_post_signature_for_oss_upload HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
        stream.write_all(request).await.unwrap();
        let mut answer = String::new();
        within(LIMIT, "an answer", stream.read_to_string(&mut answer)).await.unwrap();
        answer.split(' ').nth(1).unwrap().parse().unwrap()
    }
}

async fn three_instances(keys: &KeyService) -> Vec<Instance> {
    let mut instances = Vec::new();
    for _ in 0..3 {
        instances.push(Instance::start(keys).await);
    }
    instances
}

#[tokio::test]
async fn real_instances_fetch_keys_as_often_as_simulated_ones() {
    let keys = KeyService::start(true).await;
    for instance in three_instances(&keys).await {
        for _ in 0..3 {
            assert_eq!(instance.call().await, 200);
        }
    }
    assert_eq!(keys.requests(), in_paused_time(|| simulated(THREE, Keys::SharedRole, 3)).sts_calls);
}

#[tokio::test]
async fn real_instances_call_a_service_that_fails_as_often_as_simulated_ones() {
    let keys = KeyService::start(false).await;
    let instances = three_instances(&keys).await;
    let mut failed = 0;
    for pause in [0, 1_000, 1_200] {
        tokio::time::sleep(Duration::from_millis(pause)).await;
        for instance in &instances {
            failed += u64::from(instance.call().await == 503);
        }
    }
    let platform = Platform { sts_per_second: 0, ..THREE };
    let report = in_paused_time(|| simulated(platform, Keys::SharedRole, 3));
    assert_eq!((keys.requests(), failed), (report.sts_calls, 9));
    assert_eq!((report.throttled_by_sts, report.without_key), (6, report.calls));
}

/// Runs a simulation, which has a clock of its own.
fn in_paused_time<F: Future<Output = Report> + Send>(
    simulation: impl FnOnce() -> F + Send,
) -> Report {
    let run = move || {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_time().start_paused(true).build().unwrap().block_on(simulation())
    };
    std::thread::scope(|scope| scope.spawn(run).join().unwrap())
}

#[test]
fn a_simulation_counts_everything_and_is_the_same_in_every_run() {
    let report = in_paused_time(|| simulated(THREE, Keys::SessionPerCaller(10), 3));
    let again = in_paused_time(|| simulated(THREE, Keys::SessionPerCaller(10), 3));
    assert_eq!(report, again);
    // Each instance has a session for each caller, and fetches the key set once.
    assert_eq!(
        report,
        Report {
            calls: report.calls,
            turned_away: report.turned_away,
            without_key: 0,
            most_instances: 3,
            cold_starts: 3,
            sts_calls: 30,
            most_sts_calls_in_a_second: 30,
            throttled_by_sts: 0,
            key_set_fetches: 3,
            most_key_set_fetches_in_a_second: 3,
            busy_seconds: report.busy_seconds,
            seconds: 3,
        }
    );
    assert!(report.calls > 2_900 && report.turned_away > 2_900, "{report:?}");
    assert_eq!(in_paused_time(|| simulated(THREE, Keys::Platform, 3)).sts_calls, 0);
}
