//! Keys and signatures by the `openssl` command: another hand than the verifier's.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tempfile::TempDir;

/// A pair of keys in files.
pub(crate) struct Pair {
    folder: TempDir,
    /// The public half in PEM.
    pub(crate) public: String,
}

impl Pair {
    /// Makes an RSA pair of this many bits, with the usual exponent.
    pub(crate) fn rsa(bits: u32) -> Self {
        Self::new(&["genrsa", "-out", "KEY", &bits.to_string()])
    }

    /// Makes a pair by other words; `KEY` stands for the file.
    pub(crate) fn new(words: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key.pem");
        let file = file.to_str().unwrap();
        let words: Vec<_> =
            words.iter().map(|word| if *word == "KEY" { file } else { *word }).collect();
        run(&words, b"");
        let public = run(&["pkey", "-in", file, "-pubout"], b"");
        Self { folder, public: String::from_utf8(public).unwrap() }
    }

    /// Signs with MD5, as OSS does.
    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.sign_with("-md5", message)
    }

    pub(crate) fn sign_with(&self, hash: &str, message: &[u8]) -> Vec<u8> {
        run(&["dgst", hash, "-sign", self.file().to_str().unwrap()], message)
    }

    /// Puts bytes through the private key as they are.
    pub(crate) fn raw(&self, block: &[u8]) -> Vec<u8> {
        let file = self.file();
        let words = [
            "pkeyutl",
            "-sign",
            "-inkey",
            file.to_str().unwrap(),
            "-pkeyopt",
            "rsa_padding_mode:none",
        ];
        run(&words, block)
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("key.pem")
    }
}

/// The pair that OSS has in these tests: as short as the real one.
pub(crate) fn oss() -> &'static Pair {
    static PAIR: OnceLock<Pair> = OnceLock::new();
    PAIR.get_or_init(|| Pair::rsa(512))
}

pub(crate) fn base64(bytes: impl AsRef<[u8]>) -> String {
    STANDARD.encode(bytes)
}

fn run(words: &[&str], input: &[u8]) -> Vec<u8> {
    let mut command = Command::new("openssl");
    command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let started = command.spawn();
    let cause = "the tests sign callbacks with the command 'openssl'; install it";
    assert!(started.is_ok(), "{cause}: {started:?}");
    let mut child = started.unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "openssl {words:?}: {complaint}");
    output.stdout
}
