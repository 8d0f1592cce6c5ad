//! A stream of Server-Sent Events as a body for hyper. One read of the log becomes one frame of the body.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use event_log::{Follow, Followed, Start};
use http_body::{Body, Frame};

use super::heartbeat::HeartbeatTimer;
use crate::{app::App, request::is_wanted, slices::next_slice, sse};

/// The body after the head.
pub(super) struct EventStream {
    app: Arc<App>,
    /// Bytes to send next.
    ready: Bytes,
    follow: Follow,
    heartbeat: HeartbeatTimer,
    /// Only events of these types; all if `None`.
    types: Option<Vec<String>>,
}

impl EventStream {
    pub(super) fn new(app: &Arc<App>, start: &Start, types: Option<Vec<String>>) -> Self {
        Self {
            ready: sse::first(start),
            follow: app.follow(start),
            app: Arc::clone(app),
            heartbeat: HeartbeatTimer::new(app.heartbeat()),
            types,
        }
    }
}

impl Body for EventStream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let stream = self.get_mut();
        let encodings = stream.app.encodings();
        if !stream.ready.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(next_slice(&mut stream.ready)))));
        }
        if let Poll::Ready(followed) = stream.follow.poll_next(context) {
            stream.ready = match followed {
                // The log is closed. A browser reconnects after the end of the stream.
                None => return Poll::Ready(None),
                Some(Followed::Expired(start)) => sse::reset(&start).into(),
                Some(Followed::Events(batch)) => match &stream.types {
                    None => sse::batch(encodings, &batch),
                    Some(types) => batch
                        .events
                        .iter()
                        .filter(|event| is_wanted(types, event))
                        .flat_map(|event| sse::event(encodings, event))
                        .collect(),
                },
            };
            // The filter dropped the whole batch: yield before reading the next one.
            if stream.ready.is_empty() {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            stream.heartbeat.note_write();
            return Poll::Ready(Some(Ok(Frame::data(next_slice(&mut stream.ready)))));
        }
        if stream.heartbeat.poll_due(context).is_ready() {
            // A filtered stream may be silent for long: the heartbeat keeps its cursor recent.
            let heartbeat = match stream.types {
                None => Bytes::from_static(sse::HEARTBEAT),
                Some(_) => sse::place(stream.follow.cursor()).into(),
            };
            return Poll::Ready(Some(Ok(Frame::data(heartbeat))));
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, time::Duration};

    use contract::{After, Heartbeat, Period};
    use tokio::time::sleep;

    use super::*;
    use crate::app::AppSettings;

    #[tokio::test(start_paused = true)]
    async fn an_event_goes_before_a_heartbeat_that_is_due_with_it() {
        let heartbeat = Heartbeat::WhenIdle(Period::from_millis(1_000));
        let app = Arc::new(App::new(&AppSettings { heartbeat, ..AppSettings::default() }));
        let mut stream = EventStream::new(&app, &app.log().resume(After::Now), None);
        let mut next = async || {
            let frame = poll_fn(|context| Pin::new(&mut stream).poll_frame(context)).await;
            String::from_utf8(frame.unwrap().unwrap().into_data().unwrap().to_vec()).unwrap()
        };
        assert!(next().await.starts_with("retry: "));
        for number in 0..16 {
            // The stream is not polled meanwhile.
            sleep(Duration::from_millis(1_500)).await;
            app.log().append(None, &format!("event {number}")).unwrap();
            assert!(next().await.contains(&format!("data: event {number}")));
        }
        sleep(Duration::from_millis(1_500)).await;
        assert_eq!(next().await, ":\n\n");
    }
}
