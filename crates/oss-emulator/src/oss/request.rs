//! A request: what its head says, and its body.
//!
//! The body is read with a time limit per chunk, counted, and hashed if `Content-MD5` was sent.
//! After an error, reading continues for a while and the bytes are dropped: a browser that is still
//! sending would otherwise not see the response.

use std::error::Error;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::uri::Authority;
use http::{HeaderValue, header, request};
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Body;
use md5::{Digest, Md5};

use crate::oss::error::{OssError, OssErrorKind};
use crate::oss::host;
use crate::oss::strictness::TransferLimits;

/// The client's address, as an extension of requests that come through a socket.
#[derive(Clone, Copy, Debug)]
pub(super) struct ClientAddress(pub(super) IpAddr);

/// The properties of one request.
#[derive(Debug)]
pub(super) struct RequestInfo<'a> {
    /// The request id: 24 upper-case hex digits.
    pub(super) id: String,
    /// The host without its port.
    pub(super) host: String,
    /// The host with its port.
    pub(super) authority: String,
    pub(super) origin: Option<HeaderValue>,
    /// The client's address; `None` for requests in process.
    pub(super) client: Option<IpAddr>,
    pub(super) started: Instant,
    /// Set if the connection is closed with a part of the body unread.
    unread: &'a AtomicBool,
}

impl<'a> RequestInfo<'a> {
    pub(super) fn new(id: String, head: &request::Parts, unread: &'a AtomicBool) -> Self {
        let authority = authority(head);
        Self {
            id,
            host: host::without_port(authority).to_owned(),
            authority: authority.to_owned(),
            origin: head.headers.get(header::ORIGIN).cloned(),
            client: head.extensions.get().map(|ClientAddress(address)| *address),
            started: Instant::now(),
            unread,
        }
    }

    /// Records that the connection is closed with a part of the body unread.
    pub(super) fn mark_unread(&self) {
        self.unread.store(true, Ordering::Relaxed);
    }
}

/// Returns the host of a request with its port.
pub(super) fn authority(head: &request::Parts) -> &str {
    let named = head.headers.get(header::HOST).and_then(|value| value.to_str().ok());
    head.uri.authority().map(Authority::as_str).or(named).unwrap_or_default()
}

/// Creates a request id from the Unix second and a number that is unique in one run.
pub(super) fn request_id(now: i64, number: u64) -> String {
    // Multiplying by an odd number keeps the numbers distinct and makes the ids look different.
    let mixed = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    format!("{:08X}{mixed:016X}", now & 0xffff_ffff)
}

/// The error type of bodies. Every error means that the upload was cut off.
type BoxError = Box<dyn Error + Send + Sync>;

/// Reads one request body.
#[derive(Debug)]
pub(super) struct UploadBody {
    body: UnsyncBoxBody<Bytes, BoxError>,
    limits: TransferLimits,
    /// The body's length according to `Content-Length`.
    announced: Option<u64>,
    arrived: u64,
    /// Set when the whole body has been read.
    over: bool,
    /// Set when the body ended too early.
    broken: bool,
    /// The digest from `Content-MD5`, and the running digest of the body.
    digest: Option<([u8; 16], Md5)>,
}

impl UploadBody {
    pub(super) fn new<B>(body: B, limits: TransferLimits) -> Self
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        Self {
            announced: body.size_hint().exact(),
            body: body.map_err(Into::into).boxed_unsync(),
            limits,
            arrived: 0,
            over: false,
            broken: false,
            digest: None,
        }
    }

    /// Sets the value of `Content-MD5`, which the whole body must match.
    pub(super) fn expect_digest(&mut self, header: &[u8]) -> Result<(), OssError> {
        let promised = STANDARD.decode(header).unwrap_or_default();
        let promised = <[u8; 16]>::try_from(promised).map_err(|_| {
            OssErrorKind::InvalidDigest
                .because("the Content-MD5 header is not the base64 of 16 bytes")
        })?;
        self.digest = Some((promised, Md5::new()));
        Ok(())
    }

    /// Returns the next bytes, or `None` at the end.
    pub(super) async fn chunk(&mut self) -> Result<Option<Bytes>, OssError> {
        while !self.over {
            let Ok(frame) = tokio::time::timeout(self.limits.idle, self.body.frame()).await else {
                self.broken = true;
                return Err(OssErrorKind::RequestTimeout.because(format!(
                    "no byte of the upload arrived for {} seconds",
                    self.limits.idle.as_secs_f32()
                )));
            };
            match frame {
                None => self.over = true,
                Some(Err(_)) => {
                    self.broken = true;
                    return Err(OssErrorKind::IncompleteBody.because(
                        "the client cut the connection before all announced bytes were sent",
                    ));
                }
                Some(Ok(frame)) => {
                    if let Ok(bytes) = frame.into_data() {
                        self.count(&bytes);
                        return Ok(Some(bytes));
                    }
                }
            }
        }
        Ok(None)
    }

    fn count(&mut self, bytes: &Bytes) {
        self.arrived += bytes.len() as u64;
        if let Some((_, digest)) = &mut self.digest {
            digest.update(bytes);
        }
    }

    /// Compares `Content-MD5` with the digest of the body, which must have been read to its end.
    pub(super) fn check_digest(&mut self) -> Result<(), OssError> {
        let Some((promised, digest)) = self.digest.take() else {
            return Ok(());
        };
        if digest.finalize() == promised {
            return Ok(());
        }
        Err(OssErrorKind::InvalidDigest
            .because("Content-MD5 is not the MD5 of the whole request body"))
    }

    /// Returns the body's length according to `Content-Length`.
    pub(super) fn announced(&self) -> Option<u64> {
        self.announced
    }

    /// Returns whether nothing of the body has been read yet.
    pub(super) fn untouched(&self) -> bool {
        self.arrived == 0 && !self.over && !self.broken
    }

    /// Reads and drops the rest of the body, within the limits, and returns whether its end was
    /// reached.
    pub(super) async fn drain(&mut self) -> bool {
        self.digest = None;
        let limits = self.limits;
        let read_over = self.read_over(limits.drain_bytes);
        let all = tokio::time::timeout(limits.drain_time, read_over).await;
        all.unwrap_or(false)
    }

    async fn read_over(&mut self, bytes: u64) -> bool {
        let bound = self.arrived.saturating_add(bytes);
        while !self.broken && self.arrived < bound {
            match self.chunk().await {
                Ok(Some(_)) => {}
                Ok(None) => return true,
                Err(_) => return false,
            }
        }
        !self.broken && self.body.is_end_stream()
    }
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
