//! Messages from the client of a WebSocket: a text frame publishes an event, and a protocol error closes the
//! connection with the matching code.

use contract::Ablation;
use tokio_tungstenite::tungstenite::{
    Error, Message,
    error::{CapacityError, ProtocolError},
    protocol::{
        WebSocketConfig,
        frame::{CloseFrame, coding::CloseCode},
    },
};

use crate::{
    app::App,
    publish::{PublishError, publish},
    websocket::close,
};

/// tungstenite zeroes its whole read buffer at every attempt to read, 128 KiB by default, and a
/// fan-out attempts once per delivery. What subscribers send is small.
const READ_BUFFER_BYTES: usize = 1 << 10;
/// Frames are collected up to this size before they are written; a flush writes them earlier.
const WRITE_BUFFER_BYTES: usize = 4 << 10;

/// How the server reacts to a message of the subscriber.
pub(crate) enum Reaction {
    /// Flush queued frames, such as a pong, and continue.
    Continue,
    /// Close the connection with this frame.
    Close(CloseFrame),
    /// The socket is closed or broken.
    Gone,
}

/// Handles one message of the subscriber.
pub(crate) fn react(app: &App, received: Result<Message, Error>) -> Reaction {
    match received {
        Ok(Message::Text(text)) => match publish(app.log(), None, &text) {
            Ok(_) => Reaction::Continue,
            Err(error @ PublishError::CarriageReturn) => {
                Reaction::Close(close(CloseCode::Policy, &error.to_string()))
            }
            Err(error @ PublishError::Log(_)) => Reaction::Close(close(CloseCode::Away, &error.to_string())),
        },
        Ok(Message::Binary(_)) => {
            Reaction::Close(close(CloseCode::Unsupported, "an event is text: send a text frame"))
        }
        // tungstenite itself queues the pong and the answer to a close.
        Ok(Message::Ping(_) | Message::Pong(_) | Message::Close(_) | Message::Frame(_)) => Reaction::Continue,
        Err(error) => match close_code(&error) {
            Some(code) => Reaction::Close(close(code, &error.to_string())),
            None => Reaction::Gone,
        },
    }
}

/// Limits the size of a message and makes the buffers small, since subscribers send little. The ablation
/// `large-buffers` keeps the library's buffer sizes.
pub(crate) fn config(app: &App) -> WebSocketConfig {
    let message_bytes = app.limits().body_bytes;
    let config =
        WebSocketConfig::default().max_message_size(Some(message_bytes)).max_frame_size(Some(message_bytes));
    match app.ablation() {
        Ablation::Best | Ablation::OwnTasks | Ablation::EncodeEach | Ablation::WriteEach => {
            config.read_buffer_size(READ_BUFFER_BYTES).write_buffer_size(WRITE_BUFFER_BYTES)
        }
        Ablation::LargeBuffers => config,
    }
}

/// The close code after a protocol error of the subscriber; `None` if the socket is closed or broken.
fn close_code(error: &Error) -> Option<CloseCode> {
    match error {
        Error::Utf8(_) => Some(CloseCode::Invalid),
        Error::Capacity(CapacityError::MessageTooLong { .. }) => Some(CloseCode::Size),
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => None,
        Error::Protocol(_) => Some(CloseCode::Protocol),
        Error::ConnectionClosed
        | Error::AlreadyClosed
        | Error::Io(_)
        | Error::Tls(_)
        | Error::Capacity(_)
        | Error::WriteBufferFull(_)
        | Error::AttackAttempt
        | Error::Url(_)
        | Error::Http(_)
        | Error::HttpFormat(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_cut_between_characters_and_fits_into_a_control_frame() {
        assert_eq!(close(CloseCode::Policy, "no carriage return").reason.as_str(), "no carriage return");
        // Four bytes each.
        assert_eq!(close(CloseCode::Policy, &"🦀".repeat(40)).reason.len(), 40);
        assert_eq!(close(CloseCode::Policy, &"€".repeat(40)).reason.len(), 39);
    }
}
