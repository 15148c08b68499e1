//! The request body as it comes in.
//!
//! Waits for each chunk no longer than the patience allows, counts, and hashes the whole body when
//! `Content-MD5` was sent. After a refusal it goes on reading for a while and throws the bytes
//! away: a browser that is still sending would otherwise never see the answer.

use std::error::Error;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Body;
use md5::Digest;
use md5::Md5;

use crate::oss::judgement::Patience;
use crate::oss::refusal::Kind;
use crate::oss::refusal::Refusal;

/// What a body may fail with; whatever it is, the upload was cut.
type BoxError = Box<dyn Error + Send + Sync>;

/// Reads one request body.
#[derive(Debug)]
pub(super) struct Inflow {
    body: UnsyncBoxBody<Bytes, BoxError>,
    patience: Patience,
    /// The announced length of the whole body; none without `Content-Length`.
    announced: Option<u64>,
    arrived: u64,
    /// Set when all has come.
    over: bool,
    /// Set when nothing more will come although not all has come.
    broken: bool,
    /// The digest that was promised, and the one of what has arrived.
    digest: Option<([u8; 16], Md5)>,
}

impl Inflow {
    pub(super) fn new<B>(body: B, patience: Patience) -> Self
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        Self {
            announced: body.size_hint().exact(),
            body: body.map_err(Into::into).boxed_unsync(),
            patience,
            arrived: 0,
            over: false,
            broken: false,
            digest: None,
        }
    }

    /// Promises that the whole body has the digest of this `Content-MD5` header.
    pub(super) fn expect_digest(&mut self, header: &[u8]) -> Result<(), Refusal> {
        let promised = STANDARD.decode(header).unwrap_or_default();
        let promised = <[u8; 16]>::try_from(promised).map_err(|_| {
            Kind::InvalidDigest.because("the Content-MD5 header is not the base64 of 16 bytes")
        })?;
        self.digest = Some((promised, Md5::new()));
        Ok(())
    }

    /// Returns the next bytes, or none at the end.
    pub(super) async fn chunk(&mut self) -> Result<Option<Bytes>, Refusal> {
        while !self.over {
            let Ok(frame) = tokio::time::timeout(self.patience.idle, self.body.frame()).await
            else {
                self.broken = true;
                return Err(Kind::RequestTimeout.because(format!(
                    "no byte of the upload arrived for {} seconds",
                    self.patience.idle.as_secs_f32()
                )));
            };
            match frame {
                None => self.over = true,
                Some(Err(_)) => {
                    self.broken = true;
                    return Err(Kind::IncompleteBody.because(
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

    /// Compares the promised digest with that of the body, which must have been read to its end.
    pub(super) fn check_digest(&mut self) -> Result<(), Refusal> {
        let Some((promised, digest)) = self.digest.take() else {
            return Ok(());
        };
        if digest.finalize() == promised {
            return Ok(());
        }
        Err(Kind::InvalidDigest.because("Content-MD5 is not the MD5 of the whole request body"))
    }

    /// Returns the announced length of the body.
    pub(super) fn announced(&self) -> Option<u64> {
        self.announced
    }

    /// Says whether nothing of the body has been asked for.
    pub(super) fn untouched(&self) -> bool {
        self.arrived == 0 && !self.over && !self.broken
    }

    /// Reads and throws away what still comes, within the patience, and says whether that was all.
    pub(super) async fn drain(&mut self) -> bool {
        self.digest = None;
        let patience = self.patience;
        let read_over = self.read_over(patience.drain_bytes);
        let all = tokio::time::timeout(patience.drain_time, read_over).await;
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
