//! Measures the local OSS: one large upload against plain writing of the same bytes, and memory when
//! eight come at once. See `uploads` beside this file.
//!
//! Nothing is synced to the disk by anybody; turns change from round to round, so that a machine whose speed drifts
//! is unfair to all alike. What counts is the ratio.
//!
//! Usage: `uploads OSS_UPLOAD FOLDER`, where the folder has room for eight files.
#![expect(clippy::unwrap_used, reason = "a measurement that breaks should say so at once")]
#![expect(clippy::print_stdout, reason = "the table is the product")]
#![expect(clippy::panic, reason = "a wrong call of a measurement says how to call it")]

use std::fs;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use oss_upload_signer::credentials::Credentials;
use oss_upload_signer::grant::GrantRequest;
use oss_upload_signer::policy::bucket::{Bucket, Region};
use oss_upload_signer::policy::route::{Route, SizeRange};
use oss_upload_signer::policy::template::RenderContext;
use oss_upload_signer::policy::template::Template;
use oss_upload_signer::secret::Secret;
use oss_upload_signer::{grant, time};

const ROUNDS: usize = 9;
const SIZE: u64 = 1 << 30;
const AT_ONCE: usize = 8;
/// The bytes that are written at a time, by everybody.
const CHUNK: usize = 1 << 20;

/// A running `oss-upload emulate`.
struct Emulator {
    child: Child,
    address: SocketAddr,
}

impl Emulator {
    fn start(program: &str, folder: &Path) -> Self {
        let mut child = Command::new(program)
            .args(["emulate", "--port", "0", "--bucket", "examplebucket"])
            .args(["--access-key-id", "LTAI5tExample", "--access-key-secret", "ExampleSecret"])
            .arg("--data-dir")
            .arg(folder)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = lines.next().unwrap().unwrap();
        let address = first.split("http://").nth(1).unwrap().split(' ').next().unwrap();
        let address = address.parse().unwrap();
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address }
    }

    /// Uploads a file of `SIZE` bytes and returns how long that took.
    fn upload(&self, name: &str) -> Duration {
        let (before, after) = form(name);
        let chunk = content();
        let start = Instant::now();
        let mut stream = TcpStream::connect(self.address).unwrap();
        let length = before.len() as u64 + SIZE + after.len() as u64;
        write!(
            stream,
            "POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Content-Type: multipart/form-data; boundary=b0123456789\r\n\
             Content-Length: {length}\r\n\r\n{before}"
        )
        .unwrap();
        send(&mut stream, &chunk);
        stream.write_all(after.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        start.elapsed()
    }

    /// The seconds that all its threads have spent on a core, to a hundredth.
    fn cpu(&self) -> f64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let after_name = stat.rsplit(") ").next().unwrap();
        let ticks = after_name.split(' ').skip(11).take(2);
        ticks.map(|ticks| ticks.parse::<f64>().unwrap()).sum::<f64>() / 100.0
    }

    fn peak_mib(&self) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Signs a form and writes what stands before and after its file.
fn form(name: &str) -> (String, String) {
    let bucket = Bucket::parse("examplebucket").unwrap();
    let region = Region::parse("cn-hangzhou").unwrap();
    let template = Template::directory("bench/").unwrap();
    let route = Route {
        size: SizeRange { min: 0, max: SIZE },
        lifetime: Duration::from_hours(1),
        overwrite: true,
        ..Route::new("default", bucket, region, template)
    };
    let credentials = Credentials {
        key_id: "LTAI5tExample".to_owned(),
        secret: Secret::new("ExampleSecret"),
        token: None,
        usable_until: None,
    };
    let ask = GrantRequest {
        filename: Some(name.to_owned()),
        ..GrantRequest::new(grant::Form::Complete)
    };
    let occasion = RenderContext::anonymous(time::now(), &[0; 16]);
    let grant = grant::issue(&ask, &route, &credentials, &occasion, None).unwrap();
    let part = |name: &str, value: &str| {
        format!("--b0123456789\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}")
    };
    let fields = grant.fields.iter().map(|(name, value)| part(name, &format!("{value}\r\n")));
    let before = fields.chain([part("file", "")]).collect();
    (before, "\r\n--b0123456789--\r\n".to_owned())
}

/// Makes bytes in which line ends are as frequent as in compressed data.
fn content() -> Vec<u8> {
    let mut state = 1_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    (0..CHUNK / 8).flat_map(|_| next()).collect()
}

fn send(target: &mut impl Write, chunk: &[u8]) {
    for _ in 0..SIZE / CHUNK as u64 {
        target.write_all(chunk).unwrap();
    }
}

/// Writes the same bytes to a file, and nothing else.
fn plain_write(folder: &Path) -> Duration {
    let (path, chunk) = (folder.join("plain"), content());
    let start = Instant::now();
    send(&mut File::create(&path).unwrap(), &chunk);
    let spent = start.elapsed();
    fs::remove_file(path).unwrap();
    spent
}

/// Sends the same bytes over the loopback to a thread that writes them to a file.
fn socket_to_file(folder: &Path) -> Duration {
    let (path, chunk) = (folder.join("socket"), content());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let start = Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let (mut stream, _) = listener.accept().unwrap();
            let (mut file, mut space) = (File::create(&path).unwrap(), vec![0; CHUNK]);
            loop {
                let count = stream.read(&mut space).unwrap();
                if count == 0 {
                    break;
                }
                file.write_all(&space[..count]).unwrap();
            }
        });
        send(&mut TcpStream::connect(address).unwrap(), &chunk);
    });
    let spent = start.elapsed();
    fs::remove_file(path).unwrap();
    spent
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [program, folder] = &arguments[..] else { panic!("usage: uploads OSS_UPLOAD FOLDER") };
    let folder = Path::new(folder);
    fs::create_dir_all(folder).unwrap();
    let data = folder.join("data");
    let emulator = Emulator::start(program, &data);
    emulator.upload("one");
    let one = |index: usize| match index {
        0 => emulator.upload("one"),
        1 => plain_write(folder),
        _ => socket_to_file(folder),
    };
    let before = emulator.cpu();
    let rounds: Vec<[f64; 3]> = (0..ROUNDS)
        .map(|round| {
            let mut spent = [0.0; 3];
            // Whoever comes second pays for what the first has left to the disk, so all take turns.
            for index in (0..3).map(|turn| (round + turn) % 3) {
                spent[index] = one(index).as_secs_f64();
            }
            spent
        })
        .collect();
    let rounds_of_it = f64::from(u32::try_from(ROUNDS).unwrap());
    let cpu = (emulator.cpu() - before) / rounds_of_it;
    let alone = emulator.peak_mib();
    let start = Instant::now();
    std::thread::scope(|scope| {
        for index in 0..AT_ONCE {
            let emulator = &emulator;
            scope.spawn(move || emulator.upload(&format!("file{index}")));
        }
    });
    let together = start.elapsed().as_secs_f64();
    let peak = emulator.peak_mib();
    drop(emulator);
    fs::remove_dir_all(data).unwrap();

    let of = |pick: fn(&[f64; 3]) -> f64| median(rounds.iter().map(pick).collect());
    println!("| 1 GiB | local OSS | plain write | socket to file |");
    println!("|---|---|---|---|");
    let [own, plain, socket] = [of(|r| r[0]), of(|r| r[1]), of(|r| r[2])];
    println!("| seconds | {own:.2} | {plain:.2} | {socket:.2} |");
    let [plain, socket] = [of(|r| r[0] / r[1]), of(|r| r[0] / r[2])];
    println!("| local OSS to it | 1 | {plain:.2} | {socket:.2} |");
    println!("| CPU of the local OSS, seconds | {cpu:.2} | | |");
    println!("| peak memory, one upload | {alone:.1} MiB | | |");
    println!("| peak memory, {AT_ONCE} x 1 GiB at once | {peak:.1} MiB ({together:.1} s) | | |");
}
