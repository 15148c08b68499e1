//! The reader of forms: no input causes a panic, the result does not depend on how the body is cut
//! into chunks, and a result can be written and read again.
//!
//! Input: one byte of relaxations, one with the number of cuts that follow, the cuts, the body,
//! whose boundary is `b`.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use oss_emulator::oss::{OssErrorKind, ParsedForm, Relaxation, Strictness};
use tokio::runtime::{Builder, Runtime};

/// The relaxations that the bits of the first byte select.
const RELAXATIONS: [Relaxation; 5] = [
    Relaxation::Preamble,
    Relaxation::UnquotedNames,
    Relaxation::TightSemicolons,
    Relaxation::RepeatedFields,
    Relaxation::QuotedBoundary,
];

/// The longest body that is also read byte by byte, which is slow.
const MAX_CRUMBS: usize = 512;

/// A limit that is small enough for a fuzzer to exceed.
const VALUE_LIMIT: u64 = 64;

thread_local! {
    static RUNTIME: RefCell<Runtime> =
        RefCell::new(Builder::new_current_thread().enable_time().build().unwrap());
}

/// A body that arrives in these chunks.
struct Chunks {
    waiting: VecDeque<Bytes>,
    left: u64,
}

impl Chunks {
    /// Cuts a body: each cut is the length of a chunk, and the last chunk is what remains.
    fn cut(body: &[u8], cuts: &[u8]) -> Self {
        let mut rest = Bytes::copy_from_slice(body);
        let mut waiting = VecDeque::new();
        for cut in cuts {
            waiting.push_back(rest.split_to(usize::from(*cut).min(rest.len())));
        }
        waiting.push_back(rest);
        Self { waiting, left: body.len() as u64 }
    }

    /// Cuts a body into single bytes.
    fn crumbs(body: &[u8]) -> Self {
        let waiting = body.chunks(1).map(Bytes::copy_from_slice).collect();
        Self { waiting, left: body.len() as u64 }
    }
}

impl Body for Chunks {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = self.waiting.pop_front();
        self.left -= next.as_ref().map_or(0, |chunk| chunk.len() as u64);
        Poll::Ready(next.map(|chunk| Ok(Frame::data(chunk))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

/// The parts of a form that are compared.
#[derive(Debug, PartialEq, Eq)]
struct Read {
    fields: Vec<(String, String)>,
    filename: Option<String>,
    file_type: Option<String>,
    content: Vec<u8>,
}

/// Runs one input.
pub(crate) fn run(input: &[u8]) {
    let [flags, count, rest @ ..] = input else {
        return;
    };
    let (cuts, body) = rest.split_at(usize::from(*count).min(rest.len()));
    let mut strictness = Strictness { value_limit: VALUE_LIMIT, ..Strictness::default() };
    for (bit, relaxation) in RELAXATIONS.into_iter().enumerate() {
        if flags & (1 << bit) != 0 {
            strictness.relaxed.insert(relaxation);
        }
    }
    let whole = read(Chunks::cut(body, &[]), &strictness);
    assert_eq!(read(Chunks::cut(body, cuts), &strictness), whole);
    if flags & 0x80 != 0 && body.len() <= MAX_CRUMBS {
        assert_eq!(read(Chunks::crumbs(body), &strictness), whole);
    }
    let Ok(form) = whole else {
        return;
    };
    if let Some(written) = write(&form) {
        assert_eq!(read(Chunks::cut(&written, cuts), &strictness), Ok(form));
    }
}

fn read(body: Chunks, strictness: &Strictness) -> Result<Read, OssErrorKind> {
    let reading = RUNTIME.with_borrow(|runtime| {
        runtime.block_on(ParsedForm::read("multipart/form-data; boundary=b", body, strictness))
    });
    let ParsedForm { form, content } = reading.map_err(|refusal| refusal.kind())?;
    let own = |text: Option<&str>| text.map(str::to_owned);
    let fields = form.with_prefix("").map(|(name, value)| (name.to_owned(), value.to_owned()));
    Ok(Read {
        fields: fields.collect(),
        filename: own(form.filename()),
        file_type: own(form.file_type()),
        content,
    })
}

/// Writes a form; `None` if a name cannot be quoted unambiguously.
fn write(read: &Read) -> Option<Vec<u8>> {
    let Read { fields, filename, file_type, content } = read;
    let names = fields.iter().map(|(name, _)| name).chain(filename);
    if names.clone().any(|name| name.contains(['"', '\\'])) {
        return None;
    }
    let mut body = Vec::new();
    for (name, value) in fields {
        // In lower case the name can mean the file where it did not before.
        if name == "file" {
            return None;
        }
        let head = format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
        body.extend([head.as_bytes(), value.as_bytes(), b"\r\n"].concat());
    }
    body.extend(b"--b\r\nContent-Disposition: form-data; name=\"file\"");
    if let Some(filename) = filename {
        body.extend(format!("; filename=\"{filename}\"").bytes());
    }
    if let Some(file_type) = file_type {
        body.extend(format!("\r\nContent-Type: {file_type}").bytes());
    }
    body.extend([b"\r\n\r\n", &content[..], b"\r\n--b--\r\n"].concat());
    Some(body)
}
