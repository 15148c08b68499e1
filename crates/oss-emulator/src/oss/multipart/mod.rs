//! The multipart body: boundary, parts, headers, damage.
//!
//! Our own reader, because OSS minds what libraries smooth over: the order of a part's headers, a
//! missing space, the size of a name. Gives parts and their bytes in order; what they
//! mean is `form`'s and `post_object`'s business.

pub(super) mod boundary;
pub(super) mod head;
mod splitter;

use bytes::Bytes;

use crate::oss::inflow::Inflow;
use crate::oss::judgement::Judgement;
use crate::oss::judgement::Leniency;
use crate::oss::multipart::head::Head;
use crate::oss::multipart::splitter::Damage;
use crate::oss::multipart::splitter::Piece;
use crate::oss::multipart::splitter::Splitter;
use crate::oss::refusal::Kind;
use crate::oss::refusal::Refusal;

/// Reads the parts of one request body, one after the other.
#[derive(Debug)]
pub(super) struct Parts<'a> {
    inflow: &'a mut Inflow,
    judgement: &'a Judgement,
    splitter: Splitter,
    /// How many bytes of heads and contents have been taken out.
    taken: u64,
}

impl<'a> Parts<'a> {
    /// Begins to read a body with this boundary.
    pub(super) fn new(inflow: &'a mut Inflow, boundary: &str, judgement: &'a Judgement) -> Self {
        Self {
            splitter: Splitter::new(boundary, judgement.allows(Leniency::Preamble)),
            inflow,
            judgement,
            taken: 0,
        }
    }

    /// Returns the head of the next part, or none after the last one.
    ///
    /// What is left of the current part is read over.
    pub(super) async fn next_part(&mut self) -> Result<Option<Head>, Refusal> {
        loop {
            match self.piece().await? {
                Piece::Head(block) => {
                    let announced = self.inflow.announced().unwrap_or_default();
                    let remaining = announced.saturating_sub(self.taken);
                    return Head::parse(&block, remaining, self.judgement).map(Some);
                }
                Piece::End => return Ok(None),
                Piece::Data(_) | Piece::PartEnd => {}
            }
        }
    }

    /// Returns some more bytes of the current part, or none at its end.
    pub(super) async fn data(&mut self) -> Result<Option<Bytes>, Refusal> {
        match self.piece().await? {
            Piece::Data(bytes) => Ok(Some(bytes)),
            Piece::Head(_) | Piece::PartEnd | Piece::End => Ok(None),
        }
    }

    /// Returns how many bytes the heads and contents read so far have.
    pub(super) fn taken(&self) -> u64 {
        self.taken
    }

    /// Reads what stands behind the closing boundary and checks the body's digest.
    pub(super) async fn finish(self) -> Result<(), Refusal> {
        while self.inflow.chunk().await?.is_some() {}
        self.inflow.check_digest()
    }

    async fn piece(&mut self) -> Result<Piece, Refusal> {
        loop {
            if let Some(piece) = self.splitter.next().map_err(refuse)? {
                if let Piece::Head(bytes) | Piece::Data(bytes) = &piece {
                    self.taken += bytes.len() as u64;
                }
                return Ok(piece);
            }
            if let Some(chunk) = self.inflow.chunk().await? {
                self.splitter.feed(&chunk);
            } else {
                self.splitter.finish().map_err(refuse)?;
                return Ok(Piece::End);
            }
        }
    }
}

fn refuse(damage: Damage) -> Refusal {
    let reason = match damage {
        Damage::NoHead => return head::no_disposition(),
        Damage::EndlessHead(seen) => return head::name_too_long(seen as u64),
        Damage::Opening => {
            "the body does not begin with the boundary that the Content-Type header names"
        }
        Damage::Boundary => "a boundary in the body is damaged: no line end and no -- follows it",
        Damage::Truncated => {
            "the body stops before its closing boundary, so Content-Length is too small or the \
             last line is missing"
        }
    };
    Kind::BodyMalformed.because(reason)
}
