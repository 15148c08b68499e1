//! `upload` of files in parts: through a function and straight to a bucket, with everything that can happen on the way.

use std::fs;
use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;

use fc_http::log::LogWriter;
use insta::assert_snapshot;
use oss_upload_signer::app::App;
use oss_upload_signer::callback::upload_token::UploadToken;
use oss_upload_signer::config::Settings;
use oss_upload_signer::secret::Secret;
use oss_upload_signer::time;
use tokio::process::Child;

use crate::support::app::bucket_environment;
use crate::support::form::{BUCKET, REGION};
use crate::support::oss::Server as Oss;
use crate::support::server::Server;
use crate::support::signal::send_signal;
use crate::support::tool::{Outcome, Tool};
use crate::support::wait::{LIMIT, poll, within};
use crate::support::wire::{Wire, WireState};

/// The size of a part: the smallest that OSS accepts.
const PART: usize = 100 << 10;

const TOKEN_KEY: &str = "an example key of more than 32 bytes";

/// A route with small parts.
const ROUTES: &str = "[routes.films]\ndir = \"films/\"\nmax_size = \"10GiB\"\noverwrite = true\n\
                      [routes.films.multipart]\nenabled = true\nthreshold = \"150KiB\"\n\
                      part_size = \"1100KiB\"\nmax_parallel = 2\n";

/// Starts a local OSS with the clock of the tool.
async fn start_oss() -> Oss {
    Oss::with(|options| options.clock = Arc::new(|| time::now().unix())).await
}

/// Starts a function whose bucket is at an address.
async fn start_function(bucket: SocketAddr, variables: &[(&str, &str)]) -> Server {
    let mut environment = bucket_environment(bucket, TOKEN_KEY);
    for (name, value) in variables {
        environment.set(name, *value);
    }
    let settings = Settings::load_over(&[], &environment, Some(ROUTES), time::now()).unwrap();
    let service = oss_upload_signer::http::service(Arc::new(App::new(settings)));
    let log = LogWriter::new(io::sink());
    Server::start(service, fc_http::Options { log, ..fc_http::Options::default() }).await
}

/// Returns a file in which no two parts are the same.
fn content(size: usize) -> Vec<u8> {
    (0..size).map(|index| u8::try_from((index * 7 + index / PART) % 251).unwrap()).collect()
}

/// Returns the arguments for the bucket with the keys of the environment.
fn direct<'a>(host: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let place = ["upload", "--bucket", BUCKET, "--region", REGION, "--upload-host", host];
    [&place[..], &["--part-size", "100KiB", "--object", "in/"], more].concat()
}

/// Returns the arguments for a function.
fn through<'a>(signer: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["upload", "--signer", signer, "--route", "films"], more].concat()
}

fn url(address: SocketAddr) -> String {
    format!("http://{address}")
}

/// A tool with a home, in which it saves unfinished uploads.
fn tool() -> Tool {
    let tool = Tool::new();
    let home = tool.path("home").to_str().unwrap().to_owned();
    tool.with("HOME", &home)
}

/// Lists the saved uploads of a tool.
fn saved(tool: &Tool) -> Vec<PathBuf> {
    let folder = tool.path("home/.local/state/oss-upload/uploads");
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// Asserts that an object was made of parts, and is the file.
async fn assert_stored(oss: &Oss, path: &str, content: &[u8]) {
    let reply = oss.ask("GET", path, &[]).await;
    assert_eq!((reply.status, reply.header("x-oss-object-type")), (200, "Multipart"));
    assert!(reply.body == content, "the object differs from the file");
}

/// Interrupts a running tool as a keyboard does, and waits for its end.
async fn interrupt(child: Child) -> (i32, String) {
    assert!(send_signal("INT", &child.id().unwrap().to_string()));
    let output = within(LIMIT, "the end of the tool", child.wait_with_output()).await.unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

/// Starts an upload and interrupts it when the line has stopped.
async fn begin_and_interrupt(tool: &Tool, line: &Wire, arguments: &[&str]) -> (i32, String) {
    let child = tool.command(arguments).stdout(Stdio::null()).spawn().unwrap();
    poll("the line stops", || line.is(WireState::Stopped).then_some(())).await;
    interrupt(child).await
}

#[tokio::test]
async fn a_file_is_stored_in_parts_with_keys_and_through_a_function() {
    let (tool, oss) = (tool(), start_oss().await);
    let film = content(10 * PART + 77);
    tool.write("film.mp4", &film);
    let host = url(oss.address);
    assert_snapshot!(
        tool.run(&direct(&host, &["film.mp4"])).await.good(),
        @"stored   in/film.mp4  1000.0 KiB"
    );
    assert_stored(&oss, "/in/film.mp4", &film).await;
    let reply = oss.ask("HEAD", "/in/film.mp4", &[]).await;
    assert_eq!(reply.header("content-type"), "video/mp4");
    assert!(reply.header("etag").ends_with("-11\""), "{}", reply.header("etag"));
    let function = start_function(oss.address, &[]).await;
    let signer = url(function.address);
    let keyless = Tool::new().with("ALIBABA_CLOUD_ACCESS_KEY_ID", "");
    keyless.write("film.mp4", &film);
    let arguments = through(&signer, &["film.mp4", "--part-size", "1100KiB"]);
    assert_snapshot!(
        keyless.run(&arguments).await.good(),
        @"stored   films/film.mp4  1000.0 KiB"
    );
    assert_stored(&oss, "/films/film.mp4", &film).await;
    assert_eq!(saved(&tool).len(), 0);
    oss.stop().await;
}

#[tokio::test]
async fn a_small_file_and_an_empty_one_are_sent_as_one_form() {
    let (tool, oss) = (tool(), start_oss().await);
    tool.write("small.txt", "small");
    tool.write("empty", "");
    let host = url(oss.address);
    let outcome = tool.run(&direct(&host, &["small.txt", "empty"])).await;
    assert_eq!(outcome.good(), "stored   in/small.txt  5 B\nstored   in/empty  0 B\n");
    assert_eq!(oss.ask("HEAD", "/in/small.txt", &[]).await.header("x-oss-object-type"), "Normal");
    oss.stop().await;
}

#[tokio::test]
async fn an_interrupted_upload_is_continued_without_sending_its_parts_again() {
    let (tool, oss) = (tool(), start_oss().await);
    let film = content(30 * PART);
    tool.write("film.mp4", &film);
    for kind in ["direct", "through"] {
        let line = Wire::to(oss.address, 15 * PART as u64, WireState::Stopped).await;
        let host = url(line.address);
        // The function signs for the line, so that the parts go through it.
        let function = start_function(line.address, &[]).await;
        let lined = url(function.address);
        let arguments = |more: &[&'static str]| -> Vec<String> {
            let all = match kind {
                "direct" => direct(&host, more),
                _ => through(&lined, &[&["--part-size", "110KiB"], more].concat()),
            };
            all.into_iter().map(str::to_owned).collect()
        };
        let first: Vec<String> = arguments(&["film.mp4"]);
        let first: Vec<&str> = first.iter().map(String::as_str).collect();
        let (code, message) = begin_and_interrupt(&tool, &line, &first).await;
        assert_eq!(
            (code, message.as_str()),
            (
                1,
                "oss-upload: film.mp4: interrupted; the upload can be continued with --resume, and \
                 its parts can be deleted with --abort\n\
                 oss-upload: interrupted; no further file was tried\n"
            ),
            "{kind}"
        );
        assert_eq!(saved(&tool).len(), 1, "{kind}");
        line.set(WireState::Open);
        // Without the option the parts would be left, or sent again.
        let again = tool.run(&first).await;
        assert_eq!(again.code, 1);
        assert!(again.err.contains("continue it with --resume, or delete"), "{}", again.err);
        let before = line.passed();
        let resumed = tool.run(&arguments(&["--resume", "film.mp4"])).await.good();
        assert!(resumed.starts_with("stored   "), "{resumed}");
        let sent = line.passed() - before;
        assert!(sent < 20 * PART as u64, "{kind}: {sent} bytes of {} were sent", film.len());
        let path = if kind == "direct" { "/in/film.mp4" } else { "/films/film.mp4" };
        assert_stored(&oss, path, &film).await;
        assert_eq!(saved(&tool).len(), 0, "{kind}");
    }
    oss.stop().await;
}

#[cfg(unix)]
#[tokio::test]
async fn the_token_is_readable_by_its_user_only_and_another_tool_continues_with_it() {
    use std::os::unix::fs::PermissionsExt;
    let (first, oss) = (tool(), start_oss().await);
    let film = content(20 * PART);
    first.write("film.mp4", &film);
    let line = Wire::to(oss.address, 9 * PART as u64, WireState::Stopped).await;
    let function = start_function(line.address, &[]).await;
    let signer = url(function.address);
    let begin = through(&signer, &["film.mp4", "--part-size", "110KiB"]);
    begin_and_interrupt(&first, &line, &begin).await;
    line.set(WireState::Open);
    let [path] = &saved(&first)[..] else { panic!("one saved upload") };
    assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    let text = fs::read_to_string(path).unwrap();
    let token = text.split("\"token\":\"").nth(1).unwrap().split('"').next().unwrap();
    let second = Tool::new().with("ALIBABA_CLOUD_ACCESS_KEY_ID", "");
    second.write("copy.mp4", &film[1..]);
    let arguments = through(&signer, &["copy.mp4", "--token", "-"]);
    let outcome = second.run_with(&arguments, &format!("{token}\n")).await;
    assert_snapshot!(outcome.err, @"
    oss-upload: copy.mp4: the token is for a file of 2048000 bytes, and this one has 2047999
    oss-upload: the file was not uploaded
    ");
    second.write("copy.mp4", &film);
    let before = line.passed();
    let outcome = second.run_with(&arguments, token).await;
    assert_eq!(outcome.good(), "stored   films/film.mp4  2000 KiB\n");
    assert!(line.passed() - before < 15 * PART as u64, "parts were sent again");
    assert_stored(&oss, "/films/film.mp4", &film).await;
    // The first tool learns that the upload is over, and that its object is there.
    let outcome = first.run(&through(&signer, &["film.mp4", "--resume"])).await;
    assert_eq!(outcome.good(), "stored   films/film.mp4  2000 KiB\n");
    assert_eq!(saved(&first).len(), 0);
    oss.stop().await;
}

#[tokio::test]
async fn a_cut_line_costs_the_parts_that_were_on_it() {
    let (tool, oss) = (tool(), start_oss().await);
    let film = content(30 * PART);
    tool.write("film.mp4", &film);
    let line = Wire::to(oss.address, 10 * PART as u64 + 5000, WireState::Cut).await;
    let host = url(line.address);
    let arguments = direct(&host, &["film.mp4", "--parallel", "3"]);
    let mend = async {
        poll("the line is cut", || line.is(WireState::Cut).then_some(())).await;
        line.set(WireState::Open);
    };
    let (outcome, ()) = tokio::join!(tool.run(&arguments), mend);
    assert_eq!(outcome.good(), "stored   in/film.mp4  3000 KiB\n");
    assert_stored(&oss, "/in/film.mp4", &film).await;
    let most = 35 * PART as u64;
    assert!(line.passed() < most, "{} bytes were sent", line.passed());
    oss.stop().await;
}

#[tokio::test]
async fn a_file_that_changed_is_not_continued_and_its_parts_can_be_deleted() {
    let (tool, oss) = (tool(), start_oss().await);
    let mut film = content(20 * PART);
    tool.write("film.mp4", &film);
    let line = Wire::to(oss.address, 9 * PART as u64, WireState::Stopped).await;
    let host = url(line.address);
    begin_and_interrupt(&tool, &line, &direct(&host, &["film.mp4"])).await;
    line.set(WireState::Open);
    let resume = direct(&host, &["--resume", "film.mp4"]);
    film[0] ^= 1;
    tool.write("film.mp4", &film);
    assert_snapshot!(tool.run(&resume).await.err, @"
    oss-upload: film.mp4: the file is not the one whose upload began: its content has changed. Delete the parts of that upload with --abort, then upload the file anew
    oss-upload: the file was not uploaded
    ");
    film.push(0);
    tool.write("film.mp4", &film);
    let outcome = tool.run(&resume).await;
    assert!(outcome.err.contains("it had 2048000 bytes and has 2048001"), "{}", outcome.err);
    assert!(oss.files().iter().any(|path| path.to_string_lossy().contains("upload")), "parts");
    let abort = direct(&host, &["--abort", "film.mp4"]);
    assert_eq!(tool.run(&abort).await.good(), "aborted  in/film.mp4\n");
    assert_eq!(saved(&tool).len(), 0);
    let outcome = tool.run(&abort).await;
    assert_eq!(outcome.code, 1);
    assert!(outcome.err.contains("there is no unfinished upload of this file"), "{}", outcome.err);
    assert_eq!(tool.run(&resume).await.good(), "stored   in/film.mp4  1.9 MiB\n");
    assert_stored(&oss, "/in/film.mp4", &film).await;
    oss.stop().await;
}

#[tokio::test]
async fn a_file_that_changes_during_its_upload_is_not_stored() {
    let (tool, oss) = (tool(), start_oss().await);
    tool.write("film.mp4", content(20 * PART));
    let line = Wire::to(oss.address, 9 * PART as u64, WireState::Stopped).await;
    let host = url(line.address);
    let arguments = direct(&host, &["film.mp4"]);
    let child = tool.command(&arguments).spawn().unwrap();
    poll("the line stops", || line.is(WireState::Stopped).then_some(())).await;
    let file = File::options().write(true).open(tool.path("film.mp4")).unwrap();
    file.set_len(10 * PART as u64).unwrap();
    line.set(WireState::Open);
    let output = within(LIMIT, "the end of the tool", child.wait_with_output()).await.unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains("the file has changed since its upload began"), "{message}");
    assert!(message.contains("its parts can be deleted with --abort"), "{message}");
    assert_eq!(oss.ask("HEAD", "/in/film.mp4", &[]).await.status, 404);
    oss.stop().await;
}

#[tokio::test]
async fn a_token_that_has_ended_or_is_damaged_is_said_and_forgotten() {
    let (tool, oss) = (tool(), start_oss().await);
    tool.write("film.mp4", content(20 * PART));
    let line = Wire::to(oss.address, 9 * PART as u64, WireState::Stopped).await;
    let function = start_function(line.address, &[]).await;
    let signer = url(function.address);
    let begin = through(&signer, &["film.mp4", "--part-size", "110KiB"]);
    begin_and_interrupt(&tool, &line, &begin).await;
    line.set(WireState::Open);
    let [path] = &saved(&tool)[..] else { panic!("one saved upload") };
    let text = fs::read_to_string(path).unwrap();
    let token = text.split("\"token\":\"").nth(1).unwrap().split('"').next().unwrap();
    let key = Secret::new(TOKEN_KEY);
    let mut ended = UploadToken::verify(token, std::slice::from_ref(&key)).unwrap();
    ended.expires_at = time::now().unix() - 1;
    fs::write(path, text.replace(token, &ended.sign(&key))).unwrap();
    let resume = through(&signer, &["film.mp4", "--resume"]);
    assert_snapshot!(tool.run(&resume).await.err, @"
    oss-upload: film.mp4: the signer refused it (upload_token_expired): The time within which this upload can be resumed is over. Begin a new one; its parts stay until a lifecycle rule of the bucket removes them
    oss-upload: the file was not uploaded
    ");
    assert_eq!(saved(&tool).len(), 0);
    let outcome = tool.run(&through(&signer, &["film.mp4", "--token", "u1.damaged"])).await;
    assert!(outcome.err.contains("(upload_token_invalid)"), "{}", outcome.err);
    assert!(!outcome.err.contains("damaged"), "{}", outcome.err);
    oss.stop().await;
}

#[tokio::test]
async fn the_caller_of_a_function_is_authenticated_on_each_call() {
    let (tool, oss) = (tool(), start_oss().await);
    let film = content(3 * PART);
    tool.write("film.mp4", &film);
    let function = start_function(oss.address, &[("UPLOAD_AUTH", "ticket")]).await;
    let signer = url(function.address);
    let arguments = through(&signer, &["film.mp4", "--part-size", "110KiB"]);
    let outcome = tool.run(&arguments).await;
    assert!(outcome.err.contains("(ticket_missing)"), "{}", outcome.err);
    let ticket = Tool::new()
        .with("UPLOAD_TICKET_KEYS", TOKEN_KEY)
        .run(&["ticket", "--sub", "alice", "--for", "5m"])
        .await
        .good();
    let tool = tool.with("SIGNER_TICKET", ticket.trim());
    assert!(tool.run(&arguments).await.good().starts_with("stored   films/film.mp4"));
    assert_stored(&oss, "/films/film.mp4", &film).await;
    oss.stop().await;
}

#[tokio::test]
async fn a_refusal_of_the_bucket_is_explained_and_nothing_is_left_open() {
    let (tool, oss) = (tool(), start_oss().await);
    tool.write("film.mp4", content(3 * PART));
    let host = url(oss.address);
    let place = ["upload", "--bucket", BUCKET, "--region", REGION, "--upload-host", &host];
    let again = [&place[..], &["--part-size", "100KiB", "--object", "in/", "film.mp4"]].concat();
    tool.run(&again).await.good();
    let outcome = tool.run(&[&again[..], &["--forbid-overwrite"]].concat()).await;
    assert_eq!(outcome.code, 1);
    assert!(outcome.err.contains("409 (FileAlreadyExists"), "{}", outcome.err);
    let wrong = tool.with("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "marker-secret");
    let outcome = wrong.run(&again).await;
    assert!(outcome.err.contains("403 (SignatureDoesNotMatch"), "{}", outcome.err);
    assert!(!outcome.err.contains("marker-secret"), "{}", outcome.err);
    assert_eq!(saved(&wrong).len(), 0);
    oss.stop().await;
}

#[tokio::test]
async fn wrong_arguments_are_named() {
    let tool = tool();
    for name in ["a", "b"] {
        tool.write(name, name);
    }
    let complaint = async |more: &[&str]| {
        let place = ["upload", "--signer", "http://127.0.0.1:1"];
        tool.run(&[&place[..], more].concat()).await.complaint()
    };
    assert_snapshot!(complaint(&["a", "b", "--token", "u1"]).await, @"oss-upload: --token belongs to one upload; name one file");
    assert_snapshot!(complaint(&["a", "--resume", "--abort"]).await, @"oss-upload: the argument '--resume' cannot be used with '--abort'; --help lists the options");
    assert_snapshot!(complaint(&["a", "--part-size", "1KiB"]).await, @"oss-upload: invalid value '1KiB' for '--part-size <SIZE>': a part has from 100KiB to 5GiB; --help lists the options");
    assert_snapshot!(complaint(&["a", "--parallel", "33"]).await, @"oss-upload: invalid value '33' for '--parallel <COUNT>': 33 is not in 1..=32; --help lists the options");
    let place = ["upload", "--bucket", BUCKET, "--region", REGION, "--object", "a"];
    let outcome = tool.run(&[&place[..], &["a", "--token", "u1"]].concat()).await;
    assert_snapshot!(outcome.complaint(), @"oss-upload: --token is that of a function; name it with --signer");
}

/// The memory of the tool does not depend on the size of the file.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_large_file_needs_little_memory() {
    let (tool, oss) = (tool(), start_oss().await);
    File::create(tool.path("large.bin")).unwrap().set_len(600 << 20).unwrap();
    let host = url(oss.address);
    let place = ["upload", "--bucket", BUCKET, "--region", REGION, "--upload-host", &host];
    let arguments = [&place[..], &["--object", "in/", "large.bin"]].concat();
    let child = tool.command(&arguments).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id().unwrap());
    let ended = tokio::spawn(async move {
        within(5 * LIMIT, "the end of the tool", child.wait_with_output()).await.unwrap()
    });
    let mut peak = 0;
    while !ended.is_finished() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        peak = peak.max(kib.unwrap_or_default());
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let output = ended.await.unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!((1024..64 << 10).contains(&peak), "the tool used {peak} KiB");
    let reply = oss.ask("HEAD", "/in/large.bin", &[]).await;
    assert_eq!(reply.header("content-length"), (600 << 20).to_string());
    oss.stop().await;
}

/// Nothing is lost where no home is set: the upload is saved beside its file.
#[tokio::test]
async fn without_a_home_an_upload_is_saved_beside_its_file() {
    let (tool, oss) = (Tool::new(), start_oss().await);
    let film = content(20 * PART);
    tool.write("film.mp4", &film);
    let line = Wire::to(oss.address, 9 * PART as u64, WireState::Stopped).await;
    let host = url(line.address);
    begin_and_interrupt(&tool, &line, &direct(&host, &["film.mp4"])).await;
    line.set(WireState::Open);
    let hidden = || {
        let names = fs::read_dir(tool.folder.path()).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.starts_with(".film.mp4.")).count()
    };
    assert_eq!(hidden(), 1);
    let outcome: Outcome = tool.run(&direct(&host, &["--resume", "film.mp4"])).await;
    assert_eq!(outcome.good(), "stored   in/film.mp4  2000 KiB\n");
    assert_eq!(hidden(), 0);
    assert_stored(&oss, "/in/film.mp4", &film).await;
    oss.stop().await;
}
