//! Finds idle HTTP/2 connections. HTTP itself would let them stay open for ever.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::Duration,
};

use http_body::{Body, Frame, SizeHint};
use tokio::time::sleep;

/// The streams of one connection.
#[derive(Debug, Clone, Default)]
pub(crate) struct Streams(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    begun: AtomicU64,
    open: AtomicU64,
}

impl Streams {
    /// Notes a new stream. It is open until the last copy of the returned value is dropped.
    pub(crate) fn begin(&self) -> Arc<OpenStream> {
        self.0.begun.fetch_add(1, Relaxed);
        self.0.open.fetch_add(1, Relaxed);
        Arc::new(OpenStream(self.clone()))
    }

    /// Waits until no stream has been open for `patience`, or up to twice as long: a periodic check is cheaper
    /// than a timer that every stream resets.
    pub(crate) async fn idle(&self, patience: Duration) {
        let mut begun_when_idle = Some(0);
        loop {
            sleep(patience).await;
            let (begun, open) = (self.0.begun.load(Relaxed), self.0.open.load(Relaxed));
            let now = (open == 0).then_some(begun);
            if now.is_some() && now == begun_when_idle {
                return;
            }
            begun_when_idle = now;
        }
    }
}

/// An open stream.
#[derive(Debug)]
pub(crate) struct OpenStream(Streams);

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.0.0.open.fetch_sub(1, Relaxed);
    }
}

/// A body that counts its stream as open.
pub(crate) struct StreamBody<B> {
    pub(crate) body: B,
    pub(crate) _stream: Arc<OpenStream>,
}

impl<B: Body + Unpin> Body for StreamBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{Instant, timeout};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    #[tokio::test(start_paused = true)]
    async fn who_never_begins_is_idle_after_the_patience_and_who_has_ended_after_twice_at_most() {
        let streams = Streams::default();
        let begin = Instant::now();
        streams.idle(PATIENCE).await;
        assert!(begin.elapsed() >= PATIENCE);
        drop(streams.begin());
        let ended = Instant::now();
        timeout(PATIENCE * 2 + Duration::from_secs(1), streams.idle(PATIENCE)).await.unwrap();
        assert!(ended.elapsed() >= PATIENCE);
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_a_stream_open_or_begins_one_now_and_then_is_not_idle() {
        let streams = Streams::default();
        let open = streams.begin();
        assert!(timeout(PATIENCE * 10, streams.idle(PATIENCE)).await.is_err());
        drop(open);
        let now_and_then = async {
            for _ in 0..20 {
                drop(streams.begin());
                sleep(PATIENCE / 2).await;
            }
        };
        tokio::select! {
            () = now_and_then => {}
            () = streams.idle(PATIENCE) => panic!("it was used meanwhile"),
        }
    }
}
