//! What is known of a request from its first line: an id, the host, where it comes from.

use std::net::IpAddr;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Instant;

use http::HeaderValue;
use http::header;
use http::request;
use http::uri::Authority;

use crate::oss::host;

/// Says where a request on a socket comes from; an extension of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Client(pub(super) IpAddr);

/// Says at which of this machine's addresses a request on a socket arrived; an extension of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reached(pub(super) IpAddr);

/// Identifies one request.
#[derive(Debug)]
pub(super) struct Call<'a> {
    /// 24 upper-case hex digits.
    pub(super) id: String,
    /// The host without its port.
    pub(super) host: String,
    /// The host with its port.
    pub(super) authority: String,
    pub(super) origin: Option<HeaderValue>,
    /// The caller's address; none in process.
    pub(super) client: Option<IpAddr>,
    pub(super) started: Instant,
    /// Set when the connection is closed with a part of the body unread.
    unread: &'a AtomicBool,
}

impl<'a> Call<'a> {
    pub(super) fn new(id: String, head: &request::Parts, unread: &'a AtomicBool) -> Self {
        let headers = &head.headers;
        let named = headers.get(header::HOST).and_then(|value| value.to_str().ok());
        let authority = head.uri.authority().map(Authority::as_str);
        let authority = authority.or(named).unwrap_or_default();
        Self {
            id,
            host: host::without_port(authority).to_owned(),
            authority: authority.to_owned(),
            origin: headers.get(header::ORIGIN).cloned(),
            client: head.extensions.get().map(|Client(address)| *address),
            started: Instant::now(),
            unread,
        }
    }

    /// Notes that the connection is closed with a part of the body unread.
    pub(super) fn leave_unread(&self) {
        self.unread.store(true, Ordering::Relaxed);
    }
}

/// Makes a request id: the second, then a number that never comes twice in one run.
pub(super) fn request_id(now: i64, number: u64) -> String {
    // Multiplying by an odd number keeps different numbers different and makes them look apart.
    let mixed = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    format!("{:08X}{mixed:016X}", now & 0xffff_ffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_id_has_24_upper_case_hex_digits() {
        for (now, number) in [(0, 0), (1_732_687_781, 1), (i64::MAX, u64::MAX), (-1, 7)] {
            let id = request_id(now, number);
            assert_eq!(id.len(), 24, "{id}");
            assert!(id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F')));
        }
        assert_ne!(request_id(0, 1), request_id(0, 2));
    }
}
