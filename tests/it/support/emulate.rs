//! The tool's local OSS as a process of its own, as a developer runs it, on a free port.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;

use oss_upload_signer::time;
use tempfile::TempDir;

use crate::support::app::{Function, NOW};
use crate::support::form::Form;
use crate::support::oss::files_below;
use crate::support::wait::Lines;

/// A running `oss-upload emulate`; it is killed when it is dropped.
pub(crate) struct Process {
    child: Child,
    pub(crate) address: SocketAddr,
    folder: TempDir,
    lines: Mutex<Lines>,
}

impl Process {
    /// Starts it from a shell that has run these commands before.
    pub(crate) fn start(commands: &str) -> Self {
        Self::start_with(commands, "")
    }

    /// The same, with further options.
    pub(crate) fn start_with(commands: &str, options: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let script = format!(
            "{commands} exec \"$0\" emulate --port 0 --bucket examplebucket \
             --access-key-id LTAI5tLong --access-key-secret ExampleSecret --data-dir \"$1\" {options}"
        );
        let mut child = Command::new("sh")
            .args(["-c", &script, env!("CARGO_BIN_EXE_oss-upload")])
            .arg(folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = Lines::of(child.stdout.take().unwrap());
        let first = lines.find("its address", |_| true);
        let address = first.split("http://").nth(1).unwrap().split(' ').next().unwrap();
        let address = address.parse().unwrap();
        Self { child, address, folder, lines: Mutex::new(lines) }
    }

    /// Waits for the next line that begins with this word.
    pub(crate) fn printed(&self, word: &str) -> String {
        let lines = self.lines.lock().unwrap();
        lines.find(word, |line| line.split(' ').next() == Some(word))
    }

    /// Uploads a form and returns the whole answer as text.
    pub(crate) fn post(&self, form: &Form) -> String {
        let (before, after) = (form.before_content(), form.after_content());
        let mut stream = TcpStream::connect(self.address).unwrap();
        write!(
            stream,
            "POST / HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: {}\r\n\
             Content-Length: {}\r\n\r\n",
            self.address,
            form.content_type(),
            before.len() + form.content.len() + after.len()
        )
        .unwrap();
        for bytes in [&before, &form.content, &after] {
            stream.write_all(bytes).unwrap();
        }
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Lists the files of objects, their sidecars, and unfinished uploads.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        files_below(self.folder.path())
    }

    /// Returns the most memory that it has ever had, in KiB.
    pub(crate) fn peak_kib(&self) -> u64 {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(path).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Makes a form with a grant of this moment, since the process goes by the real clock.
pub(crate) async fn granted(name: &str) -> Form {
    let function = Function::new(&[
        ("ALIBABA_CLOUD_ACCESS_KEY_ID", "LTAI5tLong"),
        ("ALIBABA_CLOUD_SECURITY_TOKEN", ""),
    ])
    .at(time::now().unix() - NOW);
    let ask = format!(r#"{{"files":[{{"name":"{name}"}}]}}"#);
    let answer = function.post("/uploads", &ask).await.json();
    let mut form = Form::empty();
    for (name, value) in answer["uploads"][0]["fields"].as_object().unwrap() {
        form.set(name, value.as_str().unwrap());
    }
    form
}
