//! Functions that start, answer, and break the platform's rules while they do.

use insta::assert_snapshot;

use crate::rehearse::package::Package;

/// Breaks as many rules as one function can.
const ROGUE: &str = r#"
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)

remembered = []

class Rogue(Handler):
    def key(self):
        # Only the connection that the test of idling opens, so that no other act hangs on the moment.
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

Handler = Rogue
"#;

#[tokio::test]
async fn every_broken_rule_is_told() {
    let package = Package::with(ROGUE);
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
async fn the_same_one_by_one() {
    let package = Package::with(ROGUE);
    let options = ["--idle", "2", "--pre-stop", "on", "--memory", "128"];
    let rehearsal = package.rehearse(&options).await;
    let said = |act: &str, what: &str| {
        let said = rehearsal.said(act);
        assert!(said.contains(what), "{act}: {said}");
    };
    said("keys by environment", "with the keys that an earlier request brought");
    said("reserved headers", "callers never see what the function sets: x-fc-status");
    said("idle connection", "the function closed it after");
    said("freeze and thaw", "goes on signing with keys of before");
    said("pre-stop", "GET /pre-stop was answered 500");
    said("stop", "did not end when it was told to, and was killed");
    said("log", "a line holds the secret or the token");
}

#[tokio::test]
async fn a_function_that_reads_the_environment_only_is_noted() {
    let package = Package::with(
        "Handler.key = lambda self: os.environ['ALIBABA_CLOUD_ACCESS_KEY_ID']\n\
         Handler.protocol_version = 'HTTP/1.0'\n",
    );
    let rehearsal = package.rehearse(&["--idle", "1"]).await;
    let said = rehearsal.said("keys by header");
    assert!(said.starts_with("it signs with the keys of the environment"), "{said}");
    let said = rehearsal.said("idle connection");
    assert!(said.starts_with("the function closes it after each answer"), "{said}");
    assert_eq!(rehearsal.code, 1);
}

#[tokio::test]
async fn a_function_that_needs_too_much_memory_is_told() {
    let package = Package::with("ballast = bytearray(os.urandom(1) * (160 << 20))\n");
    let rehearsal = package.rehearse(&["--quick"]).await;
    let said = rehearsal.said("memory");
    assert!(said.contains("the platform would have killed it"), "{said}");
    assert!(rehearsal.figure("memory").ends_with(" of 128 MB"));
}

#[tokio::test]
async fn a_function_that_insists_on_its_port_has_one_instance() {
    let listener = std::net::TcpListener::bind("0.0.0.0:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    drop(listener);
    let package = Package::with(&format!("port = {port}\n"));
    let rehearsal = package.rehearse(&["--quick", "--port", &port]).await;
    let said = rehearsal.said("scale-out");
    assert!(said.starts_with("left out: instances share this machine"), "{said}");
    rehearsal.assert_good();
}

#[tokio::test]
async fn a_function_that_dies_of_a_request_gives_502() {
    let package = Package::with("Handler.key = lambda self: os._exit(7)\n");
    let rehearsal = package.rehearse(&["--quick"]).await;
    let said = rehearsal.said("answer");
    assert!(said.starts_with("GET /: the caller gets 502 CAExited"), "{said}");
    assert_eq!(rehearsal.code, 1);
}
