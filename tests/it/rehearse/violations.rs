//! Functions that start and respond, and violate rules of the platform.

use insta::assert_snapshot;

use crate::rehearse::package::Package;
use crate::support::port::free_port;

/// Violates as many rules as one function can.
const VIOLATING: &str = r#"
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)

remembered = []

class Violating(Handler):
    def key(self):
        # Only the connection of the idle check has no request id; other checks do not depend on timing.
        if not self.headers["x-fc-request-id"]:
            self.connection.settimeout(0.1)
        if self.path == "/secret":
            return os.environ["ALIBABA_CLOUD_ACCESS_KEY_SECRET"]
        remembered.append(self.headers["x-fc-access-key-id"])
        return remembered[0]

    def status(self):
        return 500 if self.path == "/pre-stop" else 200

    def more_headers(self):
        self.send_header("x-fc-status", "200")
        self.send_header("server-timing", "total")
        if self.path == "/large":
            self.send_header("x-large", "l" * 8192)

    def log_message(self, *_):
        print(self.headers["x-fc-security-token"], flush=True)

Handler = Violating
"#;

#[tokio::test]
async fn every_violation_fails_its_check() {
    let package = Package::with(VIOLATING);
    let requests = ["/", "/secret", "/large"].map(|path| format!("GET {path}"));
    let mut options = vec!["--idle", "2", "--pre-stop", "on"];
    for request in &requests {
        options.extend(["--request", request]);
    }
    let rehearsal = package.rehearse(&options).await;
    assert_eq!(rehearsal.code, 1);
    assert_snapshot!(rehearsal.verdicts(), @"
    PASS package
    PASS cold start
    NOTE initializer
    PASS answer
    PASS answer
    FAIL answer
    FAIL keys by header
    FAIL keys by environment
    PASS request head
    PASS request body
    FAIL answer's headers
    FAIL reserved headers
    PASS default domain
    FAIL idle connection
    FAIL freeze and thaw
    PASS scale-out
    PASS memory
    PASS kill
    PASS async and retry
    PASS timeout
    FAIL pre-stop
    NOTE stop
    FAIL log
    ");
}

#[tokio::test]
async fn every_violation_has_its_sentence() {
    let package = Package::with(VIOLATING);
    let options = ["--idle", "2", "--pre-stop", "on", "--memory", "128"];
    let rehearsal = package.rehearse(&options).await;
    let assert_contains = |check: &str, part: &str| {
        let sentence = rehearsal.sentence(check);
        assert!(sentence.contains(part), "{check}: {sentence}");
    };
    assert_contains("keys by environment", "with the keys that an earlier request brought");
    assert_contains("reserved headers", "callers never see what the function sets: x-fc-status");
    assert_contains("idle connection", "the function closed it after");
    assert_contains("freeze and thaw", "it still signs with the earlier keys");
    assert_contains("pre-stop", "GET /pre-stop was answered 500");
    assert_contains("stop", "did not end after SIGTERM, and was killed");
    assert_contains("log", "a line holds the secret or the token");
}

#[tokio::test]
async fn a_function_that_ignores_the_keys_of_the_headers_gets_a_note() {
    let package = Package::with(
        "Handler.key = lambda self: os.environ['ALIBABA_CLOUD_ACCESS_KEY_ID']\n\
         Handler.protocol_version = 'HTTP/1.0'\n",
    );
    let rehearsal = package.rehearse(&["--idle", "1"]).await;
    let sentence = rehearsal.sentence("keys by header");
    assert!(sentence.starts_with("it signs with the keys of the environment"), "{sentence}");
    let sentence = rehearsal.sentence("idle connection");
    assert!(sentence.starts_with("the function closes it after each answer"), "{sentence}");
    assert_eq!(rehearsal.code, 1);
}

#[tokio::test]
async fn a_function_that_needs_too_much_memory_fails() {
    let package = Package::with("ballast = bytearray(os.urandom(1) * (160 << 20))\n");
    let rehearsal = package.rehearse(&["--quick"]).await;
    let sentence = rehearsal.sentence("memory");
    assert!(sentence.contains("the platform would have killed it"), "{sentence}");
    assert!(rehearsal.figure("memory").ends_with(" of 128 MB"));
}

#[tokio::test]
async fn a_function_with_a_fixed_port_has_one_instance() {
    let port = free_port().to_string();
    let package = Package::with(&format!("port = {port}\n"));
    let rehearsal = package.rehearse(&["--quick", "--port", &port]).await;
    let sentence = rehearsal.sentence("scale-out");
    assert!(sentence.starts_with("left out: instances share this machine"), "{sentence}");
    rehearsal.assert_good();
}

#[tokio::test]
async fn a_function_that_dies_in_a_request_gives_502() {
    let package = Package::with("Handler.key = lambda self: os._exit(7)\n");
    let rehearsal = package.rehearse(&["--quick"]).await;
    let sentence = rehearsal.sentence("answer");
    assert!(sentence.starts_with("GET /: the caller gets 502 CAExited"), "{sentence}");
    assert_eq!(rehearsal.code, 1);
}
