//! The JSON of polling and WebSocket: the object of an event, and the body of a poll's answer.

use bytes::{BufMut, Bytes, BytesMut};
use contract::{Cursor, Epoch, Resume, WireEvent};
use event_log::{Batch, Event, Start};

use crate::encodings::Encodings;

/// The object of an event: an element of a poll's `events`, or the text of a WebSocket message.
#[must_use]
pub fn event(encodings: &Encodings, event: &Event) -> Bytes {
    encodings.json().event(event, |event| object(encodings.epoch(), event))
}

/// The body of a poll's answer, the same for long and short polling.
#[must_use]
pub fn poll_body(encodings: &Encodings, start: &Start, batch: &Batch) -> Bytes {
    let encode = |event: &Event| object(encodings.epoch(), event);
    let join = |objects: &mut dyn Iterator<Item = Bytes>| {
        let mut body = BytesMut::new();
        body.put(format!(r#"{{{},"events":["#, place(batch.cursor, start)).as_bytes());
        for (index, object) in objects.enumerate() {
            if index > 0 {
                body.put_u8(b',');
            }
            body.put(object);
        }
        body.put(format!(r#"],"more":{}}}"#, batch.more).as_bytes());
        body.freeze()
    };
    // Only a live answer is the same for all subscribers at the same cursor.
    if start.resume == Resume::Live {
        encodings.json().batch(batch, encode, join)
    } else {
        join(&mut batch.events.iter().map(|event| encodings.json().event(event, encode)))
    }
}

/// The members `cursor`, `resume` and `lost`: a cursor, and what became of the requested cursor.
pub(crate) fn place(cursor: Cursor, start: &Start) -> String {
    let lost = start.lost.map_or(String::new(), |lost| format!(r#","lost":{lost}"#));
    format!(r#""cursor":"{cursor}","resume":"{}"{lost}"#, start.resume.as_str())
}

fn object(epoch: Epoch, event: &Event) -> Bytes {
    let object = WireEvent {
        id: Cursor { epoch, seq: event.seq },
        event_type: event.event_type.clone(),
        data: (&*event.data).into(),
    };
    serde_json::to_vec(&object).expect("an event is plain strings").into()
}
