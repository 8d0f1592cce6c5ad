//! The frames of a WebSocket (RFC 6455 §5), as a client reads them: tungstenite parses the header, the payload
//! is not copied.

use std::io::Cursor;

use tokio_tungstenite::tungstenite::protocol::frame::{
    FrameHeader,
    coding::{Control, Data, OpCode},
};

use super::{LONGEST_BYTES, Unreadable};

/// Longest payload of a control frame (RFC 6455 §5.5).
const LONGEST_CONTROL_BYTES: usize = 125;

/// A frame, and the message that it completes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Bytes of its payload.
    pub payload_bytes: usize,
    /// The message; none if this is a fragment and more follow.
    pub message: Option<Message<'a>>,
}

/// A message of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message<'a> {
    /// A text.
    Text(&'a str),
    /// Bytes.
    Binary(&'a [u8]),
    /// A request for a pong with the same payload.
    Ping(&'a [u8]),
    /// The answer to a ping.
    Pong,
    /// The server closes the connection: two bytes of status and a reason; or nothing.
    Close(&'a [u8]),
}

/// The state between two frames: the fragments of an incomplete message.
#[derive(Debug, Default)]
pub struct MessageReader {
    fragments: Vec<u8>,
    /// The type of the fragmented message.
    begun: Option<Data>,
}

impl MessageReader {
    /// Takes the next frame from the front of `bytes`. `None` if more bytes are needed.
    ///
    /// # Errors
    /// [`Unreadable`] if a server must not send this.
    pub fn next<'a, 'bytes: 'a>(
        &'a mut self,
        bytes: &mut &'bytes [u8],
    ) -> Result<Option<Frame<'a>>, Unreadable> {
        let Some((header, payload)) = take_frame(bytes)? else { return Ok(None) };
        let message = match header.opcode {
            OpCode::Control(control) => Some(control_message(control, header.is_final, payload)?),
            OpCode::Data(data) => self.data(data, header.is_final, payload)?,
        };
        Ok(Some(Frame { payload_bytes: payload.len(), message }))
    }

    fn data<'a>(
        &'a mut self,
        data: Data,
        is_final: bool,
        payload: &'a [u8],
    ) -> Result<Option<Message<'a>>, Unreadable> {
        match (data, self.begun) {
            (Data::Text | Data::Binary, None) => {
                // Frees the memory of the last message.
                self.fragments = Vec::new();
                if is_final {
                    return data_message(data, payload).map(Some);
                }
                self.begun = Some(data);
            }
            (Data::Continue, Some(_)) => {}
            (Data::Continue, None) => return Err(Unreadable::new("a fragment continues no message")),
            (Data::Text | Data::Binary, Some(_)) => {
                return Err(Unreadable::new("a message begins before the last one has ended"));
            }
            (Data::Reserved(code), _) => return Err(Unreadable::new(format!("no frame has opcode {code}"))),
        }
        if self.fragments.len() + payload.len() > LONGEST_BYTES {
            return Err(Unreadable::new(format!("a message of more than {LONGEST_BYTES} bytes")));
        }
        self.fragments.extend_from_slice(payload);
        match self.begun {
            Some(kind) if is_final => {
                self.begun = None;
                data_message(kind, &self.fragments).map(Some)
            }
            Some(_) | None => Ok(None),
        }
    }
}

fn take_frame<'a>(bytes: &mut &'a [u8]) -> Result<Option<(FrameHeader, &'a [u8])>, Unreadable> {
    let mut cursor = Cursor::new(*bytes);
    let Some((header, length)) =
        FrameHeader::parse(&mut cursor).map_err(|error| Unreadable::new(format!("no frame: {error}")))?
    else {
        return Ok(None);
    };
    if header.mask.is_some() {
        return Err(Unreadable::new("a server must not mask its frames"));
    }
    if header.rsv1 || header.rsv2 || header.rsv3 {
        return Err(Unreadable::new("a frame uses an extension that was not agreed on"));
    }
    if length > LONGEST_BYTES as u64 {
        return Err(Unreadable::new(format!("a frame of more than {LONGEST_BYTES} bytes")));
    }
    let Some((payload, rest)) = bytes[cursor.position() as usize..].split_at_checked(length as usize) else {
        return Ok(None);
    };
    *bytes = rest;
    Ok(Some((header, payload)))
}

fn control_message(control: Control, is_final: bool, payload: &[u8]) -> Result<Message<'_>, Unreadable> {
    if !is_final || payload.len() > LONGEST_CONTROL_BYTES {
        return Err(Unreadable::new("a control frame is in fragments or too long"));
    }
    match control {
        Control::Ping => Ok(Message::Ping(payload)),
        Control::Pong => Ok(Message::Pong),
        Control::Close => Ok(Message::Close(payload)),
        Control::Reserved(code) => Err(Unreadable::new(format!("no control frame has opcode {code}"))),
    }
}

fn data_message(data: Data, payload: &[u8]) -> Result<Message<'_>, Unreadable> {
    match data {
        Data::Text => std::str::from_utf8(payload)
            .map(Message::Text)
            .map_err(|error| Unreadable::new(format!("a text message is not UTF-8: {error}"))),
        Data::Binary | Data::Continue | Data::Reserved(_) => Ok(Message::Binary(payload)),
    }
}

impl Message<'_> {
    /// The frame that must answer this message, if any: for a ping a pong with its payload, for a close a close
    /// with its status (RFC 6455 §5.5); masked, as every frame of a client (§5.3).
    #[must_use]
    pub fn answer(&self, mask: [u8; 4]) -> Option<Vec<u8>> {
        match self {
            Self::Ping(payload) => Some(masked(Control::Pong, payload, mask)),
            Self::Close(payload) => Some(masked(Control::Close, &payload[..payload.len().min(2)], mask)),
            Self::Text(_) | Self::Binary(_) | Self::Pong => None,
        }
    }
}

fn masked(control: Control, payload: &[u8], mask: [u8; 4]) -> Vec<u8> {
    let header = FrameHeader { opcode: OpCode::Control(control), mask: Some(mask), ..FrameHeader::default() };
    let mut frame = Vec::with_capacity(header.len(payload.len() as u64) + payload.len());
    header.format(payload.len() as u64, &mut frame).expect("writing to memory cannot fail");
    frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// All messages of `reads`, as text; unused bytes of a read are put before the next one.
    fn read<'a>(reads: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<String>, Unreadable> {
        let (mut reader, mut left, mut messages) = (MessageReader::default(), Vec::new(), Vec::new());
        for bytes in reads {
            left.extend_from_slice(bytes);
            let mut bytes = &left[..];
            while let Some(frame) = reader.next(&mut bytes)? {
                messages.extend(frame.message.map(|message| format!("{message:?}")));
            }
            left = bytes.to_vec();
        }
        Ok(messages)
    }

    #[test]
    fn the_examples_of_the_rfc_are_read() {
        // RFC 6455 §5.7.
        assert_eq!(read([&b"\x81\x05Hello"[..]]).unwrap(), ["Text(\"Hello\")"]);
        assert_eq!(read([&b"\x01\x03Hel\x80\x02lo"[..]]).unwrap(), ["Text(\"Hello\")"]);
        assert_eq!(read([&b"\x89\x05Hello"[..]]).unwrap(), ["Ping([72, 101, 108, 108, 111])"]);
        for (header, length) in [(&b"\x82\x7e\x01\x00"[..], 256), (b"\x82\x7f\0\0\0\0\0\x01\0\0", 65_536)] {
            let mut frame = header.to_vec();
            frame.resize(header.len() + length, 0);
            let (mut reader, mut bytes) = (MessageReader::default(), &frame[..]);
            let expected = Message::Binary(&frame[header.len()..]);
            let read = reader.next(&mut bytes).unwrap().unwrap();
            assert_eq!((read.payload_bytes, read.message), (length, Some(expected)));
        }
        let mask = [0x37, 0xfa, 0x21, 0x3d];
        let pong = Message::Ping(b"Hello").answer(mask).unwrap();
        assert_eq!(pong, b"\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
    }

    #[test]
    fn a_ping_between_fragments_and_a_close_are_told() {
        let wire = b"\x01\x03Hel\x89\x00\x80\x02lo\x8a\x00\x88\x02\x03\xe8";
        assert_eq!(read([&wire[..]]).unwrap(), ["Ping([])", "Text(\"Hello\")", "Pong", "Close([3, 232])"]);
    }

    #[test]
    fn a_close_is_answered_with_its_status_and_other_messages_with_nothing() {
        let mask = [1, 2, 4, 8];
        let answer = |payload: &'static [u8]| Message::Close(payload).answer(mask).unwrap();
        assert_eq!(answer(b"\x03\xe8and a reason"), b"\x88\x82\x01\x02\x04\x08\x02\xea");
        assert_eq!(answer(b""), b"\x88\x80\x01\x02\x04\x08");
        assert_eq!(Message::Text("x").answer(mask), None);
    }

    #[test]
    fn what_a_server_must_not_send_is_refused() {
        for (wire, reported) in [
            (&b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"[..], "mask"),
            (b"\xc1\x00", "extension"),
            (b"\x83\x00", "no frame"),
            (b"\x80\x00", "continues no message"),
            (b"\x01\x00\x81\x00", "before the last one"),
            (b"\x09\x00", "in fragments"),
            (b"\x88\x7e\x00\x80", "too long"),
            (b"\x81\x01\xff", "UTF-8"),
            (b"\x82\x7f\x00\x00\x00\x00\x7f\x00\x00\x00", "more than"),
        ] {
            let mut wire = wire.to_vec();
            if reported == "too long" {
                wire.resize(4 + 128, 0);
            }
            let error = read([&wire[..]]).unwrap_err().to_string();
            assert!(error.contains(reported), "{wire:?}: {error}");
        }
    }

    proptest! {
        #[test]
        fn it_does_not_matter_where_the_network_cuts(
            texts in proptest::collection::vec(".{0,200}", 0..5),
            mut cuts in proptest::collection::vec(0_usize..900, 0..8),
        ) {
            let mut wire = Vec::new();
            for text in &texts {
                let header = FrameHeader { opcode: OpCode::Data(Data::Text), ..FrameHeader::default() };
                header.format(text.len() as u64, &mut wire).unwrap();
                wire.extend_from_slice(text.as_bytes());
            }
            cuts.iter_mut().for_each(|cut| *cut = (*cut).min(wire.len()));
            cuts.extend([0, wire.len()]);
            cuts.sort_unstable();
            let reads = cuts.windows(2).map(|pair| &wire[pair[0]..pair[1]]);
            let expected: Vec<String> = texts.iter().map(|text| format!("Text({text:?})")).collect();
            prop_assert_eq!(read(reads).unwrap(), expected);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            let _ = read([&bytes[..]]);
            let _ = read(bytes.chunks(1));
        }
    }
}
