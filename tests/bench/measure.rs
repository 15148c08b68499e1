//! Measures the function against the yardstick, side by side: CPU per signed request, start to the
//! first signed answer, memory when idle. See `run` beside this file.
//!
//! Both servers run on one core, the load on the other; rounds alternate, so that a machine whose
//! speed drifts is unfair to both alike. What counts is the ratio.
//!
//! The CPU time is taken twice. One request at a time is how a small function is called: each wakes
//! the process. Many at once never let it sleep, which leaves only what the two really do.
//!
//! With a third program, a signer in Go, everything is measured again beside that one.
//!
//! Usage: `measure FUNCTION BARE_HYPER [GO_SIGNER]`
#![expect(clippy::unwrap_used, reason = "a measurement that breaks should say so at once")]
#![expect(clippy::print_stdout, reason = "the table is the product")]
#![expect(clippy::panic, reason = "a wrong call of a measurement says how to call it")]

use std::hint::black_box;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use oss_upload_signer::app::App;
use oss_upload_signer::callback::upload_token::UploadToken;
use oss_upload_signer::config::Settings;
use oss_upload_signer::config::environment::Environment;
use oss_upload_signer::credentials::Credentials;
use oss_upload_signer::grant::part::sign_parts;
use oss_upload_signer::grant::{Form, GrantRequest, issue};
use oss_upload_signer::policy::template::RenderContext;
use oss_upload_signer::time;
use oss_upload_signer::time::Timestamp;

const ROUNDS: usize = 15;
const REQUESTS: usize = 4_096;
const AT_ONCE: [usize; 2] = [1, 16];
const STARTS: usize = 40;

/// What the gateway of the platform sends, with the keys of a role whose token is as long as real
/// ones are.
fn request() -> Vec<u8> {
    let token = "CAIS".repeat(150);
    format!(
        "GET /get_post_signature_for_oss_upload HTTP/1.1\r\nHost: signer.example.com\r\nAccept: */*\r\n\
         Accept-Encoding: gzip\r\nUser-Agent: measure\r\nX-Fc-Request-Id: 1-67a59f35-150c1267-f381ba1c085c\r\n\
         X-Fc-Control-Path: /http-invoke\r\nX-Fc-Access-Key-Id: STS.NUexampleexampleexample\r\n\
         X-Fc-Access-Key-Secret: ExampleSecretExampleSecretExampleSecretEx\r\nX-Fc-Security-Token: {token}\r\n\
         X-Fc-Region: cn-hangzhou\r\nX-Fc-Account-Id: 1234567890123456\r\nX-Fc-Function-Name: signer\r\n\
         X-Fc-Function-Memory: 128\r\nX-Fc-Function-Timeout: 30\r\nX-Fc-Qualifier: LATEST\r\n\
         X-Fc-Retry-Count: 0\r\nX-Fc-Client-Ip: \r\nX-Fc-Version-Id: \r\n\r\n"
    )
    .into_bytes()
}

/// What is measured, by its path. Each learns its port in another way.
#[derive(Clone, Copy)]
enum Program<'a> {
    Function(&'a str),
    /// Answers every request with this many bytes.
    BareHyper(&'a str, usize),
    GoSigner(&'a str),
}

struct Server {
    child: Child,
    port: u16,
}

impl Server {
    /// Starts a program on a free port, on the first core; what it logs is read and thrown away, as
    /// the platform's collector reads it.
    fn start(program: Program<'_>) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Command::new("taskset");
        command.args(["-c", "0"]).env_clear();
        match program {
            Program::Function(path) => command.arg(path),
            Program::BareHyper(path, bytes) => {
                command.args([path, &port.to_string(), &bytes.to_string()])
            }
            Program::GoSigner(path) => command.args([path, &port.to_string()]),
        };
        command.envs([
            ("FC_CUSTOM_LISTEN_PORT", port.to_string().as_str()),
            ("FC_FUNCTION_NAME", "signer"),
            ("OSS_BUCKET", "examplebucket"),
            ("OSS_REGION", "cn-hangzhou"),
            ("UPLOAD_AUTH", "anonymous"),
        ]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut log = child.stdout.take().unwrap();
        std::thread::spawn(move || {
            let mut buffer = vec![0; 1 << 16];
            while log.read(&mut buffer).is_ok_and(|count| count > 0) {}
        });
        Self { child, port }
    }

    fn connect(&self) -> TcpStream {
        loop {
            if let Ok(stream) = TcpStream::connect(("127.0.0.1", self.port)) {
                stream.set_nodelay(true).unwrap();
                return stream;
            }
            std::thread::sleep(Duration::from_micros(50));
        }
    }

    /// The time that the server's threads have spent on a core.
    fn cpu(&self) -> Duration {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        let nanoseconds = threads.map(|thread| {
            let text = std::fs::read_to_string(thread.unwrap().path().join("schedstat")).unwrap();
            text.split(' ').next().unwrap().parse::<u64>().unwrap()
        });
        Duration::from_nanos(nanoseconds.sum())
    }

    fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends one request and reads the whole answer; gives the length of its body.
fn exchange(stream: &mut TcpStream, request: &[u8]) -> usize {
    stream.write_all(request).unwrap();
    answer(stream, &mut Vec::new())
}

/// Reads one whole answer; gives the length of its body.
fn answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> usize {
    buffer.clear();
    let mut chunk = [0; 8192];
    loop {
        let count = stream.read(&mut chunk).unwrap();
        assert!(count > 0, "the server closed the connection");
        buffer.extend_from_slice(&chunk[..count]);
        let Some(head) = buffer.windows(4).position(|window| window == b"\r\n\r\n") else {
            continue;
        };
        let text = std::str::from_utf8(&buffer[..head]).unwrap().to_ascii_lowercase();
        assert!(text.starts_with("http/1.1 200"), "{text}");
        let length = text.split("content-length: ").nth(1).unwrap();
        let length: usize = length.lines().next().unwrap().parse().unwrap();
        if buffer.len() >= head + 4 + length {
            return length;
        }
    }
}

fn median<T: Copy + PartialOrd>(mut values: Vec<T>) -> T {
    values.sort_by(|a, b| a.partial_cmp(b).unwrap());
    values[values.len() / 2]
}

/// Microseconds of CPU per request, one round.
fn round(server: &Server, streams: &mut [TcpStream], request: &[u8]) -> f64 {
    let mut buffer = Vec::new();
    let before = server.cpu();
    for _ in 0..REQUESTS / streams.len() {
        for stream in &mut *streams {
            stream.write_all(request).unwrap();
        }
        for stream in &mut *streams {
            answer(stream, &mut buffer);
        }
    }
    let spent = server.cpu().checked_sub(before).unwrap();
    spent.as_secs_f64() * 1e6 / f64::from(u32::try_from(REQUESTS).unwrap())
}

/// Milliseconds from the start of the process to the whole first answer.
fn first_answer(program: Program<'_>, request: &[u8]) -> f64 {
    let start = Instant::now();
    let server = Server::start(program);
    exchange(&mut server.connect(), request);
    start.elapsed().as_secs_f64() * 1e3
}

/// The function in process, with a token as in the requests.
fn app(more: &[(&str, &str)]) -> (App, Arc<Credentials>, Timestamp) {
    let (mut environment, token) = (Environment::default(), "CAIS".repeat(150));
    let needed = [
        ("OSS_BUCKET", "examplebucket"),
        ("OSS_REGION", "cn-hangzhou"),
        ("UPLOAD_AUTH", "anonymous"),
        ("ALIBABA_CLOUD_ACCESS_KEY_ID", "STS.NUexampleexampleexample"),
        ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ExampleSecretExampleSecretExampleSecretEx"),
        ("ALIBABA_CLOUD_SECURITY_TOKEN", &token),
    ];
    for (name, value) in needed.iter().chain(more) {
        environment.set(name, *value);
    }
    let now = time::now();
    let settings = Settings::load(&environment, None, now).unwrap();
    let credentials = settings.sources.environment.as_ref().unwrap().read(now).unwrap();
    (App::new(settings), credentials, now)
}

/// Microseconds for one grant in process: rules, policy, signature.
fn grant() -> f64 {
    let (app, credentials, now) = app(&[]);
    let route = app.route(None).unwrap();
    let ask = GrantRequest::new(Form::Documented);
    let rounds = (0..ROUNDS).map(|_| {
        let start = Instant::now();
        for _ in 0..REQUESTS {
            black_box(
                issue(&ask, route, &credentials, &RenderContext::anonymous(now, &[7; 16]), None)
                    .unwrap(),
            );
        }
        start.elapsed().as_secs_f64() * 1e6 / f64::from(u32::try_from(REQUESTS).unwrap())
    });
    median(rounds.collect())
}

/// Milliseconds to sign ten thousand parts in process, and the bytes of the JSON that carries them.
fn parts() -> (f64, usize) {
    let keys = ("UPLOAD_TOKEN_KEYS", "an example key of more than 32 bytes");
    let (app, credentials, now) = app(&[("UPLOAD_MULTIPART", "true"), keys]);
    let token = UploadToken {
        id: [7; 16],
        route: "default".to_owned(),
        bucket: "examplebucket".to_owned(),
        key: "uploads/2026/12/01/5e5e5e5e-5e5e-4e5e-9e5e-5e5e5e5e5e5e/film.mp4".to_owned(),
        upload_id: "0004B9894A22E5B1888A1E29F8236E2D".to_owned(),
        size: Some(10_000 * (8 << 20)),
        part_size: 8 << 20,
        content_type: "video/mp4".to_owned(),
        subject: None,
        issued_at: now.unix(),
        expires_at: now.unix() + 86_400,
    };
    let sign = || {
        let route = app.route(None).unwrap();
        sign_parts(&token, 1..=10_000, route, &credentials, now).unwrap()
    };
    let rounds = (0..ROUNDS).map(|_| {
        let start = Instant::now();
        black_box(sign());
        start.elapsed().as_secs_f64() * 1e3
    });
    let signed = sign();
    let signatures: std::collections::BTreeMap<_, _> = signed.signatures.into_iter().collect();
    let json = serde_json::json!({ "url": signed.url, "signatures": signatures }).to_string();
    (median(rounds.collect()), json.len())
}

fn row(name: &str, unit: &str, (function, bare): (f64, f64), ratio: f64, budget: &str) {
    println!("| {name} | {function:.2} {unit} | {bare:.2} {unit} | {ratio:.2} | {budget} |");
}

/// The figures of two programs, each pair from the same moment.
struct Comparison {
    cpu: [Vec<(f64, f64)>; AT_ONCE.len()],
    starts: Vec<(f64, f64)>,
    idle_kib: (u64, u64),
}

impl Comparison {
    fn of(first: Program<'_>, second: Program<'_>, request: &[u8]) -> Self {
        let servers = (Server::start(first), Server::start(second));
        exchange(&mut servers.0.connect(), request);
        exchange(&mut servers.1.connect(), request);
        let idle_kib = (servers.0.resident_kib(), servers.1.resident_kib());
        let cpu = AT_ONCE.map(|count| {
            let connect = |server: &Server| (0..count).map(|_| server.connect()).collect();
            let mut streams: (Vec<_>, Vec<_>) = (connect(&servers.0), connect(&servers.1));
            let mut both = || {
                let figure = round(&servers.0, &mut streams.0, request);
                (figure, round(&servers.1, &mut streams.1, request))
            };
            both();
            (0..ROUNDS).map(|_| both()).collect()
        });
        let both = |_| (first_answer(first, request), first_answer(second, request));
        Self { cpu, starts: (0..STARTS).map(both).collect(), idle_kib }
    }

    /// Prints the rows of a table; `budgets` are those of CPU, start and memory.
    fn print(&self, budgets: [&str; 3]) {
        let [alone, at_once] = &self.cpu;
        for (name, unit, pairs, budget) in [
            ("CPU per signed request, one at a time", "µs", alone, budgets[0]),
            ("CPU per signed request, 16 at once", "µs", at_once, budgets[0]),
            ("start to first signed response", "ms", &self.starts, budgets[1]),
        ] {
            let ratios = pairs.iter().map(|(function, other)| function / other).collect();
            let of = |pick: fn(&(f64, f64)) -> f64| median(pairs.iter().map(pick).collect());
            row(name, unit, (of(|pair| pair.0), of(|pair| pair.1)), median(ratios), budget);
        }
        let mib = |kib: u64| f64::from(u32::try_from(kib).unwrap()) / 1024.0;
        let idle = (mib(self.idle_kib.0), mib(self.idle_kib.1));
        row("resident when idle", "MiB", idle, idle.0 / idle.1, budgets[2]);
    }
}

fn main() {
    let programs: Vec<String> = std::env::args().skip(1).collect();
    let [function, bare, go @ ..] = &programs[..] else {
        panic!("usage: measure FUNCTION BARE_HYPER [GO_SIGNER]")
    };
    let (function, request) = (Program::Function(function), request());
    let body_bytes = exchange(&mut Server::start(function).connect(), &request);

    println!(
        "| {body_bytes} bytes in a response, one core | function | bare hyper | ratio | budget |"
    );
    println!("|---|---|---|---|---|");
    let bare = Program::BareHyper(bare, body_bytes);
    Comparison::of(function, bare, &request).print(["2.2", "1.3", "8 MB"]);
    println!("| one form, in process | {:.2} µs | | | |", grant());
    let (milliseconds, bytes) = parts();
    println!("| 10,000 parts signed, in process | {milliseconds:.1} ms | | | |");
    println!("| their URL and signatures as JSON | {bytes} bytes | | | |");
    if let [go] = go {
        println!("\n| the same beside Go | function | Go net/http | ratio | budget |");
        println!("|---|---|---|---|---|");
        Comparison::of(function, Program::GoSigner(go), &request).print([""; 3]);
    }
}
