//! Splits a `multipart/form-data` body into tokens, without I/O.
//!
//! The caller feeds bytes as they arrive and takes tokens until more bytes are needed. Little is
//! buffered: at most a header block, or the few bytes that could be the start of a boundary.
//! Fields, files and their limits are not known here.

use bytes::{Bytes, BytesMut};
use memchr::memmem::Finder;

/// The longest header block, with room for the longest name, a file name and a type.
const MAX_HEADERS: usize = 16 * 1024;

/// A token of a body, in this order: headers, data…, end of part, …, end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum FormDataToken {
    /// The header block of a part, without the empty line.
    Headers(Bytes),
    /// Bytes of a part's content.
    Data(Bytes),
    /// The end of a part.
    PartEnd,
    /// The closing boundary. The bytes after it are ignored.
    End,
}

/// The reason why a body is malformed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FormDataError {
    /// The body does not begin with the boundary.
    Opening,
    /// Neither a line end nor two dashes follow a boundary.
    Boundary,
    /// A part has no headers.
    NoHeaders,
    /// A header block does not end within this number of bytes.
    EndlessHeaders(usize),
    /// The body ends before its closing boundary.
    Truncated,
}

#[derive(Clone, Copy, Debug)]
enum SplitterState {
    /// Before the first boundary.
    Opening,
    /// After a boundary, before its line end or dashes.
    Delimiter,
    Headers,
    Data,
    /// After the closing boundary.
    Done,
}

/// Splits one body.
#[derive(Debug)]
pub(super) struct FormDataSplitter {
    /// Finds a line end, two dashes and the boundary.
    finder: Finder<'static>,
    /// The bytes that were fed and not yet taken. It starts with a line end that the body does not
    /// have, so that the first boundary looks like all others.
    buffer: BytesMut,
    state: SplitterState,
    allow_preamble: bool,
}

impl FormDataSplitter {
    /// Creates a splitter for this boundary. Text before the first boundary is an error unless
    /// `allow_preamble` is set.
    pub(super) fn new(boundary: &str, allow_preamble: bool) -> Self {
        let delimiter = format!("\r\n--{boundary}");
        Self {
            finder: Finder::new(delimiter.as_bytes()).into_owned(),
            buffer: BytesMut::from(&b"\r\n"[..]),
            state: SplitterState::Opening,
            allow_preamble,
        }
    }

    /// Appends the next bytes of the body.
    pub(super) fn feed(&mut self, chunk: &[u8]) {
        // The bytes after the closing boundary are ignored, so they are not buffered.
        if !matches!(self.state, SplitterState::Done) {
            self.buffer.extend_from_slice(chunk);
        }
    }

    /// Returns the next token; `None` if more bytes are needed.
    pub(super) fn next(&mut self) -> Result<Option<FormDataToken>, FormDataError> {
        if matches!(self.state, SplitterState::Opening) && !self.open()? {
            return Ok(None);
        }
        match self.state {
            SplitterState::Delimiter => self.after_delimiter(),
            SplitterState::Headers => self.headers(),
            SplitterState::Data => Ok(self.data()),
            SplitterState::Opening | SplitterState::Done => Ok(None),
        }
    }

    /// Checks at the end of the body that it was complete.
    pub(super) fn finish(&self) -> Result<(), FormDataError> {
        match self.state {
            SplitterState::Done => Ok(()),
            _ => Err(FormDataError::Truncated),
        }
    }

    /// Skips the first boundary and returns whether it was there.
    fn open(&mut self) -> Result<bool, FormDataError> {
        let delimiter = self.finder.needle();
        if self.allow_preamble {
            let Some(at) = self.finder.find(&self.buffer) else {
                self.release(false);
                return Ok(false);
            };
            let _ = self.buffer.split_to(at + delimiter.len());
        } else {
            let length = delimiter.len().min(self.buffer.len());
            if self.buffer.get(..length) != delimiter.get(..length) {
                return Err(FormDataError::Opening);
            }
            if length < delimiter.len() {
                return Ok(false);
            }
            let _ = self.buffer.split_to(length);
        }
        self.state = SplitterState::Delimiter;
        Ok(true)
    }

    fn after_delimiter(&mut self) -> Result<Option<FormDataToken>, FormDataError> {
        match self.buffer.get(..2) {
            Some(b"\r\n") => {
                let _ = self.buffer.split_to(2);
                self.state = SplitterState::Headers;
                self.headers()
            }
            Some(b"--") => {
                self.buffer.clear();
                self.state = SplitterState::Done;
                Ok(Some(FormDataToken::End))
            }
            Some(_) => Err(FormDataError::Boundary),
            None => Ok(None),
        }
    }

    fn headers(&mut self) -> Result<Option<FormDataToken>, FormDataError> {
        if self.buffer.starts_with(b"\r\n") {
            return Err(FormDataError::NoHeaders);
        }
        let seen = self.buffer.len().min(MAX_HEADERS);
        let window = self.buffer.get(..seen).unwrap_or_default();
        let Some(end) = memchr::memmem::find(window, b"\r\n\r\n") else {
            return match seen {
                MAX_HEADERS => Err(FormDataError::EndlessHeaders(seen)),
                _ => Ok(None),
            };
        };
        let block = self.buffer.split_to(end).freeze();
        let _ = self.buffer.split_to(4);
        self.state = SplitterState::Data;
        Ok(Some(FormDataToken::Headers(block)))
    }

    fn data(&mut self) -> Option<FormDataToken> {
        match self.finder.find(&self.buffer) {
            Some(0) => {
                let _ = self.buffer.split_to(self.finder.needle().len());
                self.state = SplitterState::Delimiter;
                Some(FormDataToken::PartEnd)
            }
            Some(at) => Some(FormDataToken::Data(self.buffer.split_to(at).freeze())),
            None => self.release(true).map(FormDataToken::Data),
        }
    }

    /// Takes the bytes that cannot be the start of a boundary out of the buffer.
    fn release(&mut self, wanted: bool) -> Option<Bytes> {
        let held = self.finder.needle().len() - 1;
        let from = self.buffer.len().saturating_sub(held);
        let tail = self.buffer.get(from..).unwrap_or_default();
        // Only bytes from a line end on could become a boundary.
        let keep = memchr::memchr(b'\r', tail).map_or(0, |at| tail.len() - at);
        let free = self.buffer.split_to(self.buffer.len() - keep);
        (wanted && !free.is_empty()).then(|| free.freeze())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds a body in chunks of one size and joins adjacent data tokens.
    fn cut(body: &[u8], chunk: usize) -> Result<Vec<String>, FormDataError> {
        let mut splitter = FormDataSplitter::new("B", false);
        let mut pieces: Vec<String> = Vec::new();
        let mut open = false;
        for bytes in body.chunks(chunk) {
            splitter.feed(bytes);
            while let Some(piece) = splitter.next()? {
                let data = matches!(piece, FormDataToken::Data(_));
                let text = match &piece {
                    FormDataToken::Headers(block) | FormDataToken::Data(block) => {
                        String::from_utf8_lossy(block).into_owned()
                    }
                    FormDataToken::PartEnd => "/".to_owned(),
                    FormDataToken::End => "//".to_owned(),
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
    fn a_body_is_split_the_same_way_in_chunks_of_any_size() {
        let body =
            b"--B\r\nh: 1\r\n\r\none\r\n--\r\n-B\r\r\n--B\r\nh: 2\r\n\r\n\r\n--B--\r\nepilogue";
        for chunk in 1..body.len() {
            let pieces = cut(body, chunk).unwrap();
            assert_eq!(pieces, ["h: 1", "one\r\n--\r\n-B\r", "/", "h: 2", "/", "//"], "{chunk}");
        }
    }

    #[test]
    fn text_before_the_first_boundary_is_an_error_unless_allowed() {
        let body = b"hello\r\n--B\r\nh: 1\r\n\r\none\r\n--B--";
        assert_eq!(cut(body, 3), Err(FormDataError::Opening));
        let mut splitter = FormDataSplitter::new("B", true);
        splitter.feed(body);
        assert_eq!(splitter.next(), Ok(Some(FormDataToken::Headers(Bytes::from_static(b"h: 1")))));
    }

    #[test]
    fn a_boundary_followed_by_other_text_is_an_error() {
        assert_eq!(cut(b"--BX\r\nh: 1\r\n\r\n", 4), Err(FormDataError::Boundary));
        assert_eq!(cut(b"--B\r\nh: 1\r\n\r\none\r\n--Bad", 4), Err(FormDataError::Boundary));
    }

    #[test]
    fn a_body_that_ends_early_is_truncated_wherever_it_ends() {
        let body = b"--B\r\nh: 1\r\n\r\none\r\n--B--";
        for end in 1..body.len() {
            let part = body.get(..end).unwrap();
            assert_eq!(cut(part, 5), Err(FormDataError::Truncated), "{end}");
        }
        assert!(cut(body, 5).is_ok());
    }

    #[test]
    fn a_part_without_headers_is_an_error() {
        assert_eq!(cut(b"--B\r\n\r\none\r\n--B--", 4), Err(FormDataError::NoHeaders));
    }

    #[test]
    fn a_header_block_without_end_is_an_error() {
        let body = [b"--B\r\n".to_vec(), vec![b'x'; 20_000]].concat();
        assert_eq!(cut(&body, 999), Err(FormDataError::EndlessHeaders(MAX_HEADERS)));
    }

    #[test]
    fn few_bytes_are_buffered() {
        let mut splitter = FormDataSplitter::new("B", false);
        splitter.feed(b"--B\r\nh: 1\r\n\r\n");
        assert!(matches!(splitter.next(), Ok(Some(FormDataToken::Headers(_)))));
        for _ in 0..100 {
            splitter.feed(&[b'\r'; 1000]);
            while let Ok(Some(_)) = splitter.next() {}
            assert!(splitter.buffer.len() < 10);
        }
    }

    proptest::proptest! {
        #[test]
        fn any_content_without_the_boundary_is_returned_unchanged(
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
        fn no_body_causes_a_panic_or_fills_the_buffer(
            body in "(--B|\\r\\n|h: 1|--|x){0,40}",
            chunk in 1_usize..9,
            allow_preamble: bool,
        ) {
            let mut splitter = FormDataSplitter::new("B", allow_preamble);
            for bytes in body.as_bytes().chunks(chunk) {
                splitter.feed(bytes);
                while let Ok(Some(_)) = splitter.next() {}
                proptest::prop_assert!(splitter.buffer.len() <= body.len() + 2);
            }
            let _ = splitter.finish();
        }
    }
}
