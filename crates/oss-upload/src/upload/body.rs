//! The multipart body: the fields, then the file, read while it is sent.
//!
//! Written by hand, because OSS minds what libraries do: names in quotes, no `filename*`, a length
//! that is announced. Only a few pieces of the file are in memory at a time.

use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http_body::{Frame, SizeHint};
use tokio::fs::File;
use tokio::io::AsyncReadExt;
use tokio::sync::mpsc;

const PIECE: usize = 64 * 1024;

/// How many pieces may wait to be sent.
const AHEAD: usize = 4;

/// Is told how many bytes of the file have been handed over.
pub(super) type Report = Arc<dyn Fn(u64) + Send + Sync>;

/// A file to be sent.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub(super) path: PathBuf,
    pub(super) name: String,
    pub(super) content_type: String,
    pub(super) size: u64,
}

/// A body that is made while it is sent.
#[derive(Debug)]
pub(super) struct Body {
    remaining: u64,
    pieces: mpsc::Receiver<io::Result<Bytes>>,
}

/// Begins to make the body; gives it with its content type.
pub(super) fn begin(fields: &[(String, String)], source: Source, report: Report) -> (Body, String) {
    let boundary = boundary(fields);
    let head = head(fields, (&source.name, &source.content_type), &boundary);
    let tail = Bytes::from(format!("\r\n--{boundary}--\r\n"));
    let remaining = (head.len() + tail.len()) as u64 + source.size;
    let (sender, pieces) = mpsc::channel(AHEAD);
    tokio::spawn(async move {
        let outcome = feed(&sender, head, &source, &report).await;
        let last = outcome.map(|()| tail);
        // Nobody to send to: the request is over, and its end says why.
        let _ = sender.send(last).await;
    });
    (Body { remaining, pieces }, format!("multipart/form-data; boundary={boundary}"))
}

/// Makes a body as a whole, for a small file of this name and type; gives it with its content type.
pub(crate) fn whole(
    fields: &[(String, String)],
    file: (&str, &str),
    content: &[u8],
) -> (Vec<u8>, String) {
    let boundary = boundary(fields);
    let tail = format!("\r\n--{boundary}--\r\n");
    let body = [&head(fields, file, &boundary)[..], content, tail.as_bytes()].concat();
    (body, format!("multipart/form-data; boundary={boundary}"))
}

/// The signature is as good as dice: nobody could write it into the file beforehand.
fn boundary(fields: &[(String, String)]) -> String {
    let signature = fields.iter().find(|(name, _)| name.to_lowercase().ends_with("signature"));
    let letters = signature.map_or("", |(_, value)| value).chars();
    let unguessable: String = letters.filter(char::is_ascii_alphanumeric).take(32).collect();
    format!("oss-upload-{unguessable}")
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

/// Writes a name as browsers do between quotes.
fn quoted(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

async fn feed(
    sender: &mpsc::Sender<io::Result<Bytes>>,
    head: Bytes,
    source: &Source,
    report: &Report,
) -> io::Result<()> {
    let over = |_| io::Error::from(io::ErrorKind::BrokenPipe);
    sender.send(Ok(head)).await.map_err(over)?;
    let mut file = File::open(&source.path).await?.take(source.size);
    let mut sent = 0;
    loop {
        let mut piece = BytesMut::with_capacity(PIECE);
        if file.read_buf(&mut piece).await? == 0 {
            break;
        }
        let length = piece.len() as u64;
        sender.send(Ok(piece.freeze())).await.map_err(over)?;
        sent += length;
        report(sent);
    }
    if sent < source.size {
        return Err(io::Error::other("the file became shorter while it was read"));
    }
    Ok(())
}

impl http_body::Body for Body {
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
