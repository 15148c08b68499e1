//! Cuts a multipart body into pieces, without doing any I/O.
//!
//! Bytes are fed in as they come, pieces are taken out until more bytes are needed. What is held
//! back is bounded: a header block, or the few bytes that could be the start of a boundary. Knows
//! nothing of fields, files and their limits.

use bytes::Bytes;
use bytes::BytesMut;
use memchr::memmem::Finder;

/// The longest header block: room for the longest name, a file name and a type.
const MAX_HEAD: usize = 16 * 1024;

/// A piece of a body, in the order in which they come: head, data…, end of part, …, end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// The header block of a part, without the empty line.
    Head(Bytes),
    /// Some bytes of a part's content.
    Data(Bytes),
    /// The part is over.
    PartEnd,
    /// The closing boundary; what follows does not count.
    End,
}

/// Says what is wrong with a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Damage {
    /// The body does not begin with the boundary.
    Opening,
    /// A boundary is followed by neither a line end nor two dashes.
    Boundary,
    /// A part has no header at all.
    NoHead,
    /// A header block has no end; so many bytes were looked at.
    EndlessHead(usize),
    /// The body stops before its closing boundary.
    Truncated,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// Before the first boundary.
    Opening,
    /// After a boundary, before its line end or dashes.
    Delimiter,
    Head,
    Data,
    /// After the closing boundary.
    Done,
}

/// Cuts one body.
#[derive(Debug)]
pub(super) struct Splitter {
    /// Finds the line end, the dashes and the boundary.
    finder: Finder<'static>,
    /// What was fed in and not taken out; begins with a line end that the body does not have, so
    /// that the first boundary looks like all others.
    buffer: BytesMut,
    state: State,
    preamble: bool,
}

impl Splitter {
    /// Prepares to cut at `boundary`; text before the first one is damage unless `preamble`.
    pub(super) fn new(boundary: &str, preamble: bool) -> Self {
        let delimiter = format!("\r\n--{boundary}");
        Self {
            finder: Finder::new(delimiter.as_bytes()).into_owned(),
            buffer: BytesMut::from(&b"\r\n"[..]),
            state: State::Opening,
            preamble,
        }
    }

    /// Takes in the next bytes of the body.
    pub(super) fn feed(&mut self, chunk: &[u8]) {
        // The epilogue is not looked at, so it is not kept either.
        if !matches!(self.state, State::Done) {
            self.buffer.extend_from_slice(chunk);
        }
    }

    /// Takes out the next piece; none means that more bytes are needed.
    pub(super) fn next(&mut self) -> Result<Option<Piece>, Damage> {
        if matches!(self.state, State::Opening) && !self.open()? {
            return Ok(None);
        }
        match self.state {
            State::Delimiter => self.after_delimiter(),
            State::Head => self.head(),
            State::Data => Ok(self.data()),
            State::Opening | State::Done => Ok(None),
        }
    }

    /// Checks that a body which is over was complete.
    pub(super) fn finish(&self) -> Result<(), Damage> {
        match self.state {
            State::Done => Ok(()),
            _ => Err(Damage::Truncated),
        }
    }

    /// Steps over the first boundary and says whether it was there.
    fn open(&mut self) -> Result<bool, Damage> {
        let delimiter = self.finder.needle();
        if self.preamble {
            let Some(at) = self.finder.find(&self.buffer) else {
                self.release(false);
                return Ok(false);
            };
            let _ = self.buffer.split_to(at + delimiter.len());
        } else {
            let length = delimiter.len().min(self.buffer.len());
            if self.buffer.get(..length) != delimiter.get(..length) {
                return Err(Damage::Opening);
            }
            if length < delimiter.len() {
                return Ok(false);
            }
            let _ = self.buffer.split_to(length);
        }
        self.state = State::Delimiter;
        Ok(true)
    }

    fn after_delimiter(&mut self) -> Result<Option<Piece>, Damage> {
        match self.buffer.get(..2) {
            Some(b"\r\n") => {
                let _ = self.buffer.split_to(2);
                self.state = State::Head;
                self.head()
            }
            Some(b"--") => {
                self.buffer.clear();
                self.state = State::Done;
                Ok(Some(Piece::End))
            }
            Some(_) => Err(Damage::Boundary),
            None => Ok(None),
        }
    }

    fn head(&mut self) -> Result<Option<Piece>, Damage> {
        if self.buffer.starts_with(b"\r\n") {
            return Err(Damage::NoHead);
        }
        let seen = self.buffer.len().min(MAX_HEAD);
        let window = self.buffer.get(..seen).unwrap_or_default();
        let Some(end) = memchr::memmem::find(window, b"\r\n\r\n") else {
            return match seen {
                MAX_HEAD => Err(Damage::EndlessHead(seen)),
                _ => Ok(None),
            };
        };
        let block = self.buffer.split_to(end).freeze();
        let _ = self.buffer.split_to(4);
        self.state = State::Data;
        Ok(Some(Piece::Head(block)))
    }

    fn data(&mut self) -> Option<Piece> {
        match self.finder.find(&self.buffer) {
            Some(0) => {
                let _ = self.buffer.split_to(self.finder.needle().len());
                self.state = State::Delimiter;
                Some(Piece::PartEnd)
            }
            Some(at) => Some(Piece::Data(self.buffer.split_to(at).freeze())),
            None => self.release(true).map(Piece::Data),
        }
    }

    /// Takes out the bytes that cannot be the start of a boundary.
    fn release(&mut self, wanted: bool) -> Option<Bytes> {
        let held = self.finder.needle().len() - 1;
        let from = self.buffer.len().saturating_sub(held);
        let tail = self.buffer.get(from..).unwrap_or_default();
        // Only what begins with a line end could become a boundary.
        let keep = memchr::memchr(b'\r', tail).map_or(0, |at| tail.len() - at);
        let free = self.buffer.split_to(self.buffer.len() - keep);
        (wanted && !free.is_empty()).then(|| free.freeze())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds a body in chunks of one size and joins neighbouring data.
    fn cut(body: &[u8], chunk: usize) -> Result<Vec<String>, Damage> {
        let mut splitter = Splitter::new("B", false);
        let mut pieces: Vec<String> = Vec::new();
        let mut open = false;
        for bytes in body.chunks(chunk) {
            splitter.feed(bytes);
            while let Some(piece) = splitter.next()? {
                let data = matches!(piece, Piece::Data(_));
                let text = match &piece {
                    Piece::Head(block) | Piece::Data(block) => {
                        String::from_utf8_lossy(block).into_owned()
                    }
                    Piece::PartEnd => "/".to_owned(),
                    Piece::End => "//".to_owned(),
                };
                match pieces.last_mut() {
                    Some(last) if data && open => last.push_str(&text),
                    _ => pieces.push(text),
                }
                open = data;
            }
        }
        splitter.finish()?;
        Ok(pieces)
    }

    #[test]
    fn a_body_is_cut_the_same_way_however_it_arrives() {
        let body =
            b"--B\r\nh: 1\r\n\r\none\r\n--\r\n-B\r\r\n--B\r\nh: 2\r\n\r\n\r\n--B--\r\nepilogue";
        for chunk in 1..body.len() {
            let pieces = cut(body, chunk).unwrap();
            assert_eq!(pieces, ["h: 1", "one\r\n--\r\n-B\r", "/", "h: 2", "/", "//"], "{chunk}");
        }
    }

    #[test]
    fn text_before_the_first_boundary_is_damage_unless_allowed() {
        let body = b"hello\r\n--B\r\nh: 1\r\n\r\none\r\n--B--";
        assert_eq!(cut(body, 3), Err(Damage::Opening));
        let mut splitter = Splitter::new("B", true);
        splitter.feed(body);
        assert_eq!(splitter.next(), Ok(Some(Piece::Head(Bytes::from_static(b"h: 1")))));
    }

    #[test]
    fn a_boundary_that_goes_on_is_damage() {
        assert_eq!(cut(b"--BX\r\nh: 1\r\n\r\n", 4), Err(Damage::Boundary));
        assert_eq!(cut(b"--B\r\nh: 1\r\n\r\none\r\n--Bad", 4), Err(Damage::Boundary));
    }

    #[test]
    fn a_body_that_stops_early_is_truncated_wherever_it_stops() {
        let body = b"--B\r\nh: 1\r\n\r\none\r\n--B--";
        for end in 1..body.len() {
            let part = body.get(..end).unwrap();
            assert_eq!(cut(part, 5), Err(Damage::Truncated), "{end}");
        }
        assert!(cut(body, 5).is_ok());
    }

    #[test]
    fn a_part_without_headers_is_damage() {
        assert_eq!(cut(b"--B\r\n\r\none\r\n--B--", 4), Err(Damage::NoHead));
    }

    #[test]
    fn a_header_block_without_end_is_stopped() {
        let body = [b"--B\r\n".to_vec(), vec![b'x'; 20_000]].concat();
        assert_eq!(cut(&body, 999), Err(Damage::EndlessHead(MAX_HEAD)));
    }

    #[test]
    fn little_is_held_back() {
        let mut splitter = Splitter::new("B", false);
        splitter.feed(b"--B\r\nh: 1\r\n\r\n");
        assert!(matches!(splitter.next(), Ok(Some(Piece::Head(_)))));
        for _ in 0..100 {
            splitter.feed(&[b'\r'; 1000]);
            while let Ok(Some(_)) = splitter.next() {}
            assert!(splitter.buffer.len() < 10);
        }
    }

    proptest::proptest! {
        #[test]
        fn any_content_without_the_boundary_comes_out_as_it_went_in(
            content in "[\\r\\n\\-Bx]{0,60}",
            chunk in 1_usize..20,
        ) {
            proptest::prop_assume!(!content.contains("\r\n--B"));
            let body = format!("--B\r\nh: 1\r\n\r\n{content}\r\n--B--");
            let pieces = cut(body.as_bytes(), chunk).unwrap();
            let expected: &[&str] = if content.is_empty() {
                &["h: 1", "/", "//"]
            } else {
                &["h: 1", &content, "/", "//"]
            };
            proptest::prop_assert_eq!(pieces, expected);
        }

        #[test]
        fn no_body_makes_it_panic_or_hold_much(
            body in "(--B|\\r\\n|h: 1|--|x){0,40}",
            chunk in 1_usize..9,
            preamble: bool,
        ) {
            let mut splitter = Splitter::new("B", preamble);
            for bytes in body.as_bytes().chunks(chunk) {
                splitter.feed(bytes);
                while let Ok(Some(_)) = splitter.next() {}
                proptest::prop_assert!(splitter.buffer.len() <= body.len() + 2);
            }
            let _ = splitter.finish();
        }
    }
}
