//! A WebSocket in its own task. tungstenite writes the frames of the pattern file and reads those of the
//! client.

use std::sync::Arc;

use event_log::{Follow, Followed, Start};
use futures_util::{SinkExt, StreamExt, future::Either};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Error, Message,
        protocol::{CloseFrame, Role, frame::Frame},
    },
};
use tokio_util::either;

use super::heartbeat::HeartbeatTimer;
use crate::{
    app::App,
    handshake::Upgrade,
    hyper_io::HyperIo,
    limits::CLOSE_WAIT,
    meter::Metered,
    websocket,
    websocket_uplink::{Reaction, config, react},
};

/// What carries a WebSocket after the upgrade: the socket itself, or hyper's upgraded stream with TLS or
/// HTTP/2.
type Carrier = either::Either<Metered<TcpStream>, TokioIo<Upgraded>>;

type Socket = WebSocketStream<Carrier>;

/// Sends all events after a cursor.
pub(super) async fn stream(app: Arc<App>, start: Start, mut upgrade: Upgrade) {
    // A client may leave during the handshake.
    let Ok(mut socket) = open(&mut upgrade, &app).await else { return };
    let follow = app.follow(&start);
    // An error of the socket means that the client is gone; a close by the server is an `Ok`.
    let _ = converse(&app, &start, follow, &mut socket).await;
    hang_up(&mut socket).await;
}

/// Sends one frame and closes.
pub(super) async fn one_shot(app: Arc<App>, text: Frame, frame: CloseFrame, mut upgrade: Upgrade) {
    let Ok(mut socket) = open(&mut upgrade, &app).await else { return };
    // A client that has left needs no close.
    if socket.send(Message::Frame(text)).await.is_ok() {
        let _ = close(&mut socket, frame).await;
    }
    hang_up(&mut socket).await;
}

/// The socket after the handshake, without hyper's buffers around it.
async fn open(upgrade: &mut Upgrade, app: &App) -> Result<Socket, hyper::Error> {
    let (carrier, early) = match (&mut upgrade.upgraded).await?.downcast::<TokioIo<HyperIo>>() {
        // Bytes that the client sent right after its handshake. They are copied because even an empty slice
        // of hyper's buffer would keep its 8 KiB alive.
        Ok(parts) => (either::Either::Left(parts.io.into_inner().into_parts().0), parts.read_buf.to_vec()),
        // hyper's stream returns the bytes that were read first, and then frees the buffer.
        Err(upgraded) => (either::Either::Right(TokioIo::new(upgraded)), Vec::new()),
    };
    Ok(WebSocketStream::from_partially_read(carrier, early, Role::Server, Some(config(app))).await)
}

/// Sends the events of the log and handles the subscriber's frames, until the log or the subscriber ends.
async fn converse<S>(
    app: &App,
    start: &Start,
    mut follow: Follow,
    socket: &mut WebSocketStream<S>,
) -> Result<(), Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut heartbeat = HeartbeatTimer::new(app.heartbeat());
    socket.send(Message::Frame(websocket::place(start))).await?;
    loop {
        let woken = tokio::select! {
            // An event goes first: a stream with an event to send needs no heartbeat.
            biased;
            woken = async { tokio::select! {
                followed = follow.next() => Either::Left(followed),
                received = socket.next() => Either::Right(received),
            } } => Some(woken),
            () = heartbeat.due() => None,
        };
        match woken {
            None => socket.send(Message::Frame(websocket::heartbeat())).await?,
            Some(Either::Left(followed)) => {
                match followed {
                    None => return close(socket, websocket::end()).await,
                    Some(Followed::Expired(start)) => {
                        socket.feed(Message::Frame(websocket::place(&start))).await?;
                    }
                    Some(Followed::Events(batch)) => {
                        for event in &batch.events {
                            let frame = websocket::event(app.encodings(), event);
                            socket.feed(Message::Frame(frame)).await?;
                        }
                    }
                }
                socket.flush().await?;
                heartbeat.note_write();
            }
            Some(Either::Right(received)) => {
                if matches!(received, Some(Ok(Message::Ping(_)))) {
                    heartbeat.note_write();
                }
                match received.map_or(Reaction::Gone, |received| react(app, received)) {
                    Reaction::Continue => socket.flush().await?,
                    Reaction::Close(frame) => return close(socket, frame).await,
                    Reaction::Gone => return Ok(()),
                }
            }
        }
    }
}

/// Closes from this side.
async fn close<S>(socket: &mut WebSocketStream<S>, frame: CloseFrame) -> Result<(), Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    socket.close(Some(frame)).await?;
    // Closing the socket before the other side has read the close frame could cause a reset.
    let rest = async { while let Some(Ok(_)) = socket.next().await {} };
    let _ = timeout(CLOSE_WAIT, rest).await;
    Ok(())
}

/// Shuts down the carrier of a WebSocket: TLS sends `close_notify` (RFC 8446 §6.1), HTTP/2 ends the stream.
async fn hang_up(socket: &mut Socket) {
    // An error means that the other side is gone.
    let _ = timeout(CLOSE_WAIT, socket.get_mut().shutdown()).await;
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, pin::pin, task::Poll, time::Duration};

    use contract::{After, Heartbeat, Period};
    use tokio::{
        io::{AsyncReadExt, duplex},
        time::sleep,
    };

    use super::*;
    use crate::app::AppSettings;

    #[tokio::test(start_paused = true)]
    async fn an_event_goes_before_a_heartbeat_that_is_due_with_it() {
        let heartbeat = Heartbeat::WhenIdle(Period::from_millis(1_000));
        let app = App::new(&AppSettings { heartbeat, ..AppSettings::default() });
        let (near, mut far) = duplex(1 << 10);
        let mut socket = WebSocketStream::from_raw_socket(near, Role::Server, Some(config(&app))).await;
        let start = app.log().resume(After::Now);
        let mut conversation = pin!(converse(&app, &start, app.follow(&start), &mut socket));
        let mut turn = async || {
            poll_fn(|context| {
                assert!(conversation.as_mut().poll(context).is_pending());
                Poll::Ready(())
            })
            .await;
            let mut written = vec![0; 1 << 10];
            let length = far.read(&mut written).await.unwrap();
            String::from_utf8_lossy(&written[2..length]).into_owned()
        };
        assert!(turn().await.contains("cursor"));
        for number in 0..16 {
            // The task is not polled meanwhile.
            sleep(Duration::from_millis(1_500)).await;
            app.log().append(None, &format!("event {number}")).unwrap();
            assert!(turn().await.contains(&format!("event {number}")));
        }
        sleep(Duration::from_millis(1_500)).await;
        assert_eq!(turn().await, "", "a heartbeat alone has no payload");
    }
}
