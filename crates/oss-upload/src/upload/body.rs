//! The body of an upload, which is read from the file while it is sent: a whole form, or one part of a large file.
//!
//! No library is used for forms, because OSS needs names in quotes, no `filename*`, and a `Content-Length`. Only a
//! few pieces of the file are in memory at a time.

use std::io;
use std::io::SeekFrom;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http_body::{Frame, SizeHint};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio::sync::mpsc;

/// The size of a piece in bytes.
const PIECE: usize = 64 * 1024;

/// The number of pieces that are read ahead.
const AHEAD: usize = 4;

/// Receives each piece of the file when it is sent.
pub(super) type OnPiece = Arc<dyn Fn(&[u8]) + Send + Sync>;

/// A file to upload.
#[derive(Clone, Debug)]
pub(super) struct UploadFile {
    pub(super) path: PathBuf,
    pub(super) name: String,
    pub(super) content_type: String,
    pub(super) size: u64,
}

/// Bytes of a file that follow each other.
#[derive(Clone, Debug)]
pub(super) struct FileRange {
    pub(super) path: PathBuf,
    pub(super) offset: u64,
    pub(super) length: u64,
}

/// A body that is produced while it is sent.
#[derive(Debug)]
pub(super) struct StreamedBody {
    remaining: u64,
    pieces: mpsc::Receiver<io::Result<Bytes>>,
}

/// Starts to produce the body of a form, and returns it with its content type.
pub(super) fn start_form(
    fields: &[(String, String)],
    file: &UploadFile,
    on_piece: OnPiece,
) -> (StreamedBody, String) {
    let boundary = boundary(fields);
    let head = head(fields, (&file.name, &file.content_type), &boundary);
    let tail = Bytes::from(format!("\r\n--{boundary}--\r\n"));
    let range = FileRange { path: file.path.clone(), offset: 0, length: file.size };
    let body = start(head, range, tail, on_piece);
    (body, format!("multipart/form-data; boundary={boundary}"))
}

/// Starts to produce the body of a part.
pub(super) fn start_part(range: FileRange, on_piece: OnPiece) -> StreamedBody {
    start(Bytes::new(), range, Bytes::new(), on_piece)
}

fn start(head: Bytes, range: FileRange, tail: Bytes, on_piece: OnPiece) -> StreamedBody {
    let remaining = (head.len() + tail.len()) as u64 + range.length;
    let (sender, pieces) = mpsc::channel(AHEAD);
    tokio::spawn(async move {
        let outcome = feed(&sender, head, &range, &on_piece).await;
        let last = outcome.map(|()| tail);
        // If sending fails, the request has ended, and its result has the reason.
        let _ = sender.send(last).await;
    });
    StreamedBody { remaining, pieces }
}

/// Builds the whole body for a small file with this name and type, and returns it with its content type.
pub(crate) fn whole_form(
    fields: &[(String, String)],
    file: (&str, &str),
    content: &[u8],
) -> (Vec<u8>, String) {
    let boundary = boundary(fields);
    let tail = format!("\r\n--{boundary}--\r\n");
    let body = [&head(fields, file, &boundary)[..], content, tail.as_bytes()].concat();
    (body, format!("multipart/form-data; boundary={boundary}"))
}

/// Returns a boundary made of the signature, which cannot occur in a file that was written before.
fn boundary(fields: &[(String, String)]) -> String {
    let signature = fields.iter().find(|(name, _)| name.to_lowercase().ends_with("signature"));
    let letters = signature.map_or("", |(_, value)| value).chars();
    let unique: String = letters.filter(char::is_ascii_alphanumeric).take(32).collect();
    format!("oss-upload-{unique}")
}

fn head(fields: &[(String, String)], (name, content_type): (&str, &str), boundary: &str) -> Bytes {
    let part = |(name, value): &(String, String)| {
        let name = quoted(name);
        format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
        )
    };
    let parts: String = fields.iter().map(part).collect();
    let name = quoted(name);
    Bytes::from(format!(
        "{parts}--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
         Content-Type: {content_type}\r\n\r\n"
    ))
}

/// Escapes a name as browsers do between quotes.
fn quoted(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

async fn feed(
    sender: &mpsc::Sender<io::Result<Bytes>>,
    head: Bytes,
    range: &FileRange,
    on_piece: &OnPiece,
) -> io::Result<()> {
    let closed = |_| io::Error::from(io::ErrorKind::BrokenPipe);
    sender.send(Ok(head)).await.map_err(closed)?;
    let mut file = File::open(&range.path).await?;
    file.seek(SeekFrom::Start(range.offset)).await?;
    let mut content = file.take(range.length);
    let mut sent = 0;
    loop {
        let mut piece = BytesMut::with_capacity(PIECE);
        if content.read_buf(&mut piece).await? == 0 {
            break;
        }
        let piece = piece.freeze();
        sender.send(Ok(piece.clone())).await.map_err(closed)?;
        sent += piece.len() as u64;
        on_piece(&piece);
    }
    if sent < range.length {
        return Err(io::Error::other("the file became shorter while it was read"));
    }
    Ok(())
}

impl http_body::Body for StreamedBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.remaining == 0 {
            return Poll::Ready(None);
        }
        let piece = std::task::ready!(self.pieces.poll_recv(context));
        if let Some(Ok(bytes)) = &piece {
            self.remaining = self.remaining.saturating_sub(bytes.len() as u64);
        }
        Poll::Ready(piece.map(|piece| piece.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.remaining == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.remaining)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_its_quotes() {
        assert_eq!(quoted("a\"\r\nb: c.png"), "a%22%0D%0Ab: c.png");
    }

    #[test]
    fn the_boundary_is_made_of_the_signature() {
        let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let fields = [field("key", "a"), field("x-oss-signature", "0a1b+/=")];
        assert_eq!(boundary(&fields), "oss-upload-0a1b");
    }
}
