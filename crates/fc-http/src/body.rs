//! Request bodies, read into memory before the service is called.

use std::convert::Infallible;
use std::error::Error;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::{fmt, mem};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::time::{Instant, timeout_at};

use crate::BoxError;
use crate::error::RuntimeError;

/// A whole request body.
///
/// Implements [`http_body::Body`], so that frameworks which expect a stream of frames, `axum` for one, take it. Its
/// `Debug` shows the length only, because a body can contain secrets.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Body(Bytes);

impl Body {
    /// Returns the bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &Bytes {
        &self.0
    }

    /// Takes the bytes out.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.0
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Body({} bytes)", self.0.len())
    }
}

impl<T: Into<Bytes>> From<T> for Body {
    fn from(bytes: T) -> Self {
        Self(bytes.into())
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let bytes = mem::take(&mut self.0);
        Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(u64::try_from(self.0.len()).unwrap_or(u64::MAX))
    }
}

/// Reads a body of at most `max` bytes before the deadline.
///
/// A body whose announced length is too large is refused before a byte of it is read, one without an announced
/// length at the first byte beyond the limit.
pub(crate) async fn read<I>(body: I, max: usize, deadline: Instant) -> Result<Body, RuntimeError>
where
    I: http_body::Body<Data = Bytes>,
    I::Error: Into<BoxError>,
{
    if body.is_end_stream() {
        return Ok(Body::default());
    }
    let announced = body.size_hint().lower();
    if usize::try_from(announced).map_or(true, |announced| announced > max) {
        return Err(RuntimeError::BodyTooLarge(max));
    }
    let body = std::pin::pin!(body);
    match timeout_at(deadline, Limited::new(body, max).collect()).await {
        Ok(Ok(body)) => Ok(Body(body.to_bytes())),
        Ok(Err(error)) if is_length_limit(error.as_ref()) => Err(RuntimeError::BodyTooLarge(max)),
        Ok(Err(_)) => Err(RuntimeError::BodyUnreadable),
        Err(_) => Err(RuntimeError::BodyTimedOut),
    }
}

fn is_length_limit(error: &(dyn Error + 'static)) -> bool {
    error.is::<LengthLimitError>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_is_one_frame_of_its_length() {
        for text in ["", "abc"] {
            let body = Body::from(text);
            assert_eq!(http_body::Body::size_hint(&body).exact(), Some(text.len() as u64));
            assert_eq!(http_body::Body::is_end_stream(&body), text.is_empty());
            assert_eq!(body.as_bytes(), text.as_bytes());
            assert_eq!(format!("{body:?}"), format!("Body({} bytes)", text.len()));
            assert_eq!(body.clone().into_bytes(), text);
            assert_eq!(body.collect().await.unwrap().to_bytes(), text);
        }
    }
}
