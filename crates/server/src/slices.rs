//! Splits a large answer into slices.
//!
//! hyper copies the bytes that it sends into a buffer of the connection and keeps that buffer. Without slices,
//! every connection that caught up once would keep a buffer of a megabyte.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use axum::body::Body;
use bytes::Bytes;
use contract::Ablation;
use http_body::{Frame, SizeHint};

/// Larger than the largest event, so that an event always fits into one slice.
const SLICE_BYTES: usize = 80 << 10;

/// Removes the next slice from the front.
pub(crate) fn next_slice(bytes: &mut Bytes) -> Bytes {
    bytes.split_to(bytes.len().min(SLICE_BYTES))
}

/// A body of known length, sent slice by slice.
pub(crate) fn in_slices(bytes: Bytes) -> Body {
    if bytes.len() <= SLICE_BYTES { Body::from(bytes) } else { Body::new(Slices(bytes)) }
}

/// Sets how hyper writes a stream's body: all ready frames in one write, or in the ablation `write-each` each
/// frame in its own write.
pub(crate) fn flushed_by<B>(ablation: Ablation, body: B) -> Body
where
    B: http_body::Body<Data = Bytes, Error = Infallible> + Send + Unpin + 'static,
{
    match ablation {
        Ablation::Best | Ablation::OwnTasks | Ablation::EncodeEach | Ablation::LargeBuffers => {
            Body::new(body)
        }
        Ablation::WriteEach => Body::new(OneByOne { body, has_given: false }),
    }
}

/// A body that is pending after each frame, because hyper flushes when its body is pending.
struct OneByOne<B> {
    body: B,
    has_given: bool,
}

impl<B> http_body::Body for OneByOne<B>
where
    B: http_body::Body<Data = Bytes, Error = Infallible> + Unpin,
{
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if std::mem::take(&mut self.has_given) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let polled = Pin::new(&mut self.body).poll_frame(context);
        self.has_given = polled.is_ready();
        polled
    }
}

struct Slices(Bytes);

impl http_body::Body for Slices {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let slice = (!self.0.is_empty()).then(|| next_slice(&mut self.0));
        Poll::Ready(slice.map(|slice| Ok(Frame::data(slice))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.len() as u64)
    }
}
