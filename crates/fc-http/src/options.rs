//! What a host may choose about the server.
//!
//! Plain values with sensible defaults; reading them from an environment or a file is the host's
//! business.

use std::borrow::Cow;
use std::time::Duration;

use crate::log::Sink;

/// Says how much the server accepts, how long it waits, and whom it believes.
#[derive(Clone, Debug)]
pub struct Options {
    /// The largest request body in bytes; one byte more is answered 413. Default 1 MiB.
    pub max_body: usize,
    /// The largest sum of header fields in bytes; more is answered 431. Default 16 KiB, twice what
    /// the platform lets through.
    pub max_header_bytes: usize,
    /// How long one request may take, the reading of its body included. Default 10 s.
    pub deadline: Duration,
    /// How long a stop waits for requests that are under way. Default 5 s.
    pub drain: Duration,
    /// How many connections may be open at once. At the limit a new one takes the place of the
    /// oldest that has sent no whole request. An instance serves at most 200 requests at a time, so
    /// this only bounds what idle and half-dead connections can take. Default 1024.
    pub max_connections: usize,
    /// How long a connection may be open without one whole request head. One that is idle after a
    /// request is never closed for its age. Default 30 s.
    pub fresh_timeout: Duration,
    /// How long a client may take nothing of an answer before its connection is closed. Default
    /// 10 s.
    pub write_timeout: Duration,
    /// Whether the platform's gateway stands in front and vouches for the `x-fc-*` headers.
    /// Default false: then anybody may have written them, and they carry neither keys nor hooks.
    pub platform: bool,
    /// What of a path may be logged; it is given the path without its query. Default all of it; a
    /// host that takes tickets in paths leaves them out here.
    pub log_path: for<'a> fn(&'a str) -> Cow<'a, str>,
    /// Where the invocation lines go. Default the process's standard output.
    pub log: Sink,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            max_body: 1024 * 1024,
            max_header_bytes: 16 * 1024,
            deadline: Duration::from_secs(10),
            drain: Duration::from_secs(5),
            max_connections: 1024,
            fresh_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(10),
            platform: false,
            log_path: |path| Cow::Borrowed(path),
            log: Sink::stdout(),
        }
    }
}
