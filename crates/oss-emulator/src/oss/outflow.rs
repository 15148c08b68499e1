//! The body of an answer: a text that is there, or a file that is read as it is sent.

use std::fs;
use std::io;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use bytes::Bytes;
use hyper::body::Body;
use hyper::body::Frame;
use hyper::body::SizeHint;
use tokio::fs::File;
use tokio::io::AsyncRead;
use tokio::io::ReadBuf;

/// The bytes of a file that are in memory at a time.
const READ_BUFFER: usize = 64 * 1024;

/// Is sent as an answer's body.
#[derive(Debug)]
pub(super) enum Outflow {
    /// A text, once.
    Text(Option<Bytes>),
    /// The next bytes of a file, and how many are still to be sent.
    File(File, u64),
}

impl Outflow {
    pub(super) fn empty() -> Self {
        Self::Text(None)
    }

    pub(super) fn text(text: String) -> Self {
        Self::Text(Some(Bytes::from(text)).filter(|bytes| !bytes.is_empty()))
    }

    pub(super) fn file(file: fs::File, size: u64) -> Self {
        Self::File(File::from_std(file), size)
    }
}

impl Body for Outflow {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match self.get_mut() {
            Self::Text(text) => Poll::Ready(text.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::File(_, 0) => Poll::Ready(None),
            Self::File(file, left) => {
                let length =
                    usize::try_from(*left).map_or(READ_BUFFER, |left| left.min(READ_BUFFER));
                let mut space = vec![0; length];
                let mut buffer = ReadBuf::new(&mut space);
                ready!(Pin::new(file).poll_read(context, &mut buffer))?;
                let read = buffer.filled().len();
                if read == 0 {
                    return Poll::Ready(Some(Err(io::ErrorKind::UnexpectedEof.into())));
                }
                *left -= read as u64;
                space.truncate(read);
                Poll::Ready(Some(Ok(Frame::data(Bytes::from(space)))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Text(None) | Self::File(_, 0))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(match self {
            Self::Text(text) => text.as_ref().map_or(0, |bytes| bytes.len() as u64),
            Self::File(_, left) => *left,
        })
    }
}
