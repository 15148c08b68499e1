//! What the tests share. Servers listen on port 0 of the loopback and end with their test.

pub(crate) mod app;
pub(crate) mod callback_server;
pub(crate) mod caller;
pub(crate) mod emulate;
pub(crate) mod explained;
pub(crate) mod form;
pub(crate) mod gateway;
pub(crate) mod local_sts;
pub(crate) mod log;
pub(crate) mod oss;
pub(crate) mod port;
pub(crate) mod presigned;
pub(crate) mod redis;
pub(crate) mod script;
pub(crate) mod server;
pub(crate) mod signal;
pub(crate) mod source;
pub(crate) mod ticket;
pub(crate) mod tool;
pub(crate) mod wait;
pub(crate) mod wire;

use std::path::{Path, PathBuf};

/// The folder of the whole project.
pub(crate) const PROJECT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// The binary of the function, which `cargo test --workspace` builds beside the tool's.
pub(crate) fn function_binary() -> PathBuf {
    let binary = Path::new(env!("CARGO_BIN_EXE_oss-upload")).with_file_name("oss-upload-signer");
    assert!(
        binary.exists(),
        "no {}; `cargo build -p oss-upload-signer` makes it",
        binary.display()
    );
    binary
}
