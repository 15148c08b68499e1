//! The tool's local OSS as a process of its own, as a developer runs it, on a free port.

use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::io::Write;
use std::net::SocketAddr;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::Mutex;
use std::sync::mpsc;
use std::sync::mpsc::Receiver;

use oss_upload_signer::time;
use tempfile::TempDir;

use crate::support::app::Function;
use crate::support::app::NOW;
use crate::support::form::Form;

/// A running `oss-upload emulate`; it is killed when it is dropped.
pub(crate) struct Process {
    child: Child,
    pub(crate) address: SocketAddr,
    folder: TempDir,
    lines: Mutex<Receiver<String>>,
}

impl Process {
    /// Starts it from a shell that has run these commands before.
    pub(crate) fn start(commands: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let script = format!(
            "{commands} exec \"$0\" emulate --port 0 --bucket examplebucket \
             --access-key-id LTAI5tLong --access-key-secret ExampleSecret --data-dir \"$1\""
        );
        let mut child = Command::new("sh")
            .args(["-c", &script, env!("CARGO_BIN_EXE_oss-upload")])
            .arg(folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = lines.next().unwrap().unwrap();
        let address = first.split("http://").nth(1).unwrap().split(' ').next().unwrap();
        let address = address.parse().unwrap();
        // What it says later is read at once, or it would wait for a reader.
        let (said, lines_said) = mpsc::channel();
        std::thread::spawn(move || {
            lines.map_while(Result::ok).try_for_each(|line| said.send(line))
        });
        Self { child, address, folder, lines: Mutex::new(lines_said) }
    }

    /// Waits for the next line that begins with this word.
    pub(crate) fn printed(&self, word: &str) -> String {
        let lines = self.lines.lock().unwrap();
        lines.iter().find(|line| line.split(' ').next() == Some(word)).unwrap()
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

    /// Lists the files of objects, and those on their way in.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        [".incoming", "examplebucket/objects", "examplebucket/sidecars"]
            .iter()
            .flat_map(|folder| std::fs::read_dir(self.folder.path().join(folder)).unwrap())
            .map(|entry| entry.unwrap().path())
            .collect()
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
