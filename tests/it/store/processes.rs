//! Many clients of many processes of the function: real instances that share nothing but the store.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::support::app::SMALL;
use crate::support::caller::Caller;
use crate::support::function_binary;
use crate::support::port::free_port;
use crate::support::redis::RedisServer;
use crate::support::wait::{LIMIT, Lines};

const PROCESSES: usize = 8;
const CLIENTS: usize = 64;
const BUDGET: u32 = 200;

/// A process that ends with its test.
struct FunctionProcess {
    address: SocketAddr,
    process: Child,
    /// Read to its end, so that the process can go on writing.
    _log: Lines,
}

impl Drop for FunctionProcess {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn start(store: &str) -> FunctionProcess {
    let budget = format!("total {BUDGET}/1d");
    let port = free_port();
    let mut process = Command::new(function_binary())
        .env_clear()
        .envs(SMALL)
        .env("FC_CUSTOM_LISTEN_PORT", port.to_string())
        .env("UPLOAD_STORE_URL", store)
        .env("UPLOAD_STORE_FAILURE", "refuse")
        .env("UPLOAD_BUDGETS", budget)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let log = Lines::of(process.stdout.take().unwrap());
    log.find("where it listens", |line| line.contains("listening"));
    FunctionProcess { address: ([127, 0, 0, 1], port).into(), process, _log: log }
}

/// What came of all calls.
#[derive(Default)]
struct Tally {
    granted: AtomicU32,
    unavailable: AtomicU32,
}

/// Calls until the budget is used up. While the store is too slow for its limit, nothing is granted.
async fn use_up(address: SocketAddr, tally: &Tally) {
    let mut caller = Caller::connect(address).await;
    let start = Instant::now();
    loop {
        let answer = caller.ask("GET", "/get_post_signature_for_oss_upload", "").await;
        let count = match answer.status {
            200 => &tally.granted,
            503 => &tally.unavailable,
            status => {
                assert_eq!(status, 429, "{}", answer.body);
                return;
            }
        };
        count.fetch_add(1, Ordering::Relaxed);
        assert!(start.elapsed() < LIMIT, "the budget was not used up");
        if answer.status == 503 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

#[tokio::test]
async fn many_clients_of_many_processes_never_exceed_a_budget_by_one() {
    let redis = RedisServer::start(&[]).await;
    let processes: Vec<_> = (0..PROCESSES).map(|_| start(&redis.url())).collect();
    let tally = Arc::new(Tally::default());
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let (address, tally) = (processes[client % PROCESSES].address, Arc::clone(&tally));
            tokio::spawn(async move { use_up(address, &tally).await })
        })
        .collect();
    for client in clients {
        client.await.unwrap();
    }
    let (granted, unavailable) =
        (tally.granted.load(Ordering::Relaxed), tally.unavailable.load(Ordering::Relaxed));
    let name = redis.names().remove(0);
    assert_eq!(redis.ask(&["HGET", &name, "grants"]), BUDGET.to_string());
    // What the store has counted too late for its limit was granted to nobody.
    assert!(granted <= BUDGET, "{granted} grants of {BUDGET}");
    assert!(
        granted + 2 * unavailable >= BUDGET,
        "{granted} grants, {unavailable} without an answer"
    );
}
