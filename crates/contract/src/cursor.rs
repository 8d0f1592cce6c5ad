//! A place in the event log, and what the server reports about a cursor that it is asked to resume from.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

const EPOCH_LENGTH: usize = 6;

/// Identity of one instance of a log: six characters `[a-z][0-9a-z]{5}`, random per log.
///
/// It is random because a counter would repeat after a restart, and a cursor of the old log would then silently
/// point into the new one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Epoch([u8; EPOCH_LENGTH]);

impl Epoch {
    /// Makes an epoch out of 64 random bits.
    #[must_use]
    pub fn from_random_bits(bits: u64) -> Self {
        const FIRST: &[u8; 26] = b"abcdefghijklmnopqrstuvwxyz";
        const REST: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
        let mut left = bits;
        let mut take = |alphabet: &[u8]| {
            let size = alphabet.len() as u64;
            let letter = alphabet[(left % size) as usize];
            left /= size;
            letter
        };
        Self([take(FIRST), take(REST), take(REST), take(REST), take(REST), take(REST)])
    }

    /// The six characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("an epoch is ASCII by construction")
    }
}

impl FromStr for Epoch {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let letters: [u8; EPOCH_LENGTH] = text.as_bytes().try_into().map_err(|_| CursorError::new(text))?;
        let rest_fits =
            letters[1..].iter().all(|letter| letter.is_ascii_digit() || letter.is_ascii_lowercase());
        if letters[0].is_ascii_lowercase() && rest_fits {
            Ok(Self(letters))
        } else {
            Err(CursorError::new(text))
        }
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl fmt::Debug for Epoch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// The place after event `seq` of the log `epoch`, written `<epoch>.<seq>`.
///
/// `seq` counts from 1, so `<epoch>.0` is the place before the first event. Subscribers treat the text as
/// opaque; only the harness parses it, to check for loss.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cursor {
    /// Which log.
    pub epoch: Epoch,
    /// Number of the last event before this place.
    pub seq: u64,
}

/// A text that is not a cursor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not a cursor: expected `<epoch>.<seq>` as an earlier answer gave it, such as `k3v9qa.17`"
)]
pub struct CursorError {
    text: String,
}

impl CursorError {
    fn new(text: &str) -> Self {
        // A hostile text must not be repeated at full length.
        Self { text: text.chars().take(40).collect() }
    }
}

impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || CursorError::new(text);
        let (epoch, seq) = text.split_once('.').ok_or_else(error)?;
        let canonical = !seq.is_empty()
            && seq.bytes().all(|digit| digit.is_ascii_digit())
            && (seq == "0" || !seq.starts_with('0'));
        if !canonical {
            return Err(error());
        }
        Ok(Self { epoch: epoch.parse().map_err(|_| error())?, seq: seq.parse().map_err(|_| error())? })
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.epoch, self.seq)
    }
}

impl fmt::Debug for Cursor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self}")
    }
}

impl Serialize for Cursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Cursor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Cursor;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a cursor `<epoch>.<seq>`")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Cursor, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

/// Where a subscriber asks to start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// No `after`: from now on.
    Now,
    /// `after=0`: from the oldest event that the log keeps.
    Oldest,
    /// `after=<epoch>.<seq>`: the events after this place.
    Cursor(Cursor),
    /// A `Last-Event-ID` that is not a cursor. A browser would repeat it, and an error status would end its
    /// stream for good, so the log answers with [`Resume::Reset`].
    Unreadable,
}

impl FromStr for After {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "0" { Ok(Self::Oldest) } else { text.parse().map(Self::Cursor) }
    }
}

/// What became of the cursor that a subscriber asked to resume from. It is the same for all patterns, is always
/// reported, and never needs a status code that ends a browser's stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Resume {
    /// The log still has all events after the cursor.
    Live,
    /// Some events after the cursor fell out of retention.
    Expired,
    /// The cursor belongs to another epoch, or is not a cursor.
    Reset,
    /// The cursor lies in the future of this log; handled like [`Resume::Reset`].
    Ahead,
}

impl Resume {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Expired => "expired",
            Self::Reset => "reset",
            Self::Ahead => "ahead",
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_the_canonical_form_is_a_cursor() {
        let cursor: Cursor = "k3v9qa.17".parse().unwrap();
        assert_eq!((cursor.epoch.as_str(), cursor.seq), ("k3v9qa", 17));
        assert_eq!(cursor.to_string(), "k3v9qa.17");
        for text in [
            "",
            ".",
            "k3v9qa",
            "k3v9qa.",
            "k3v9qa.017",
            "k3v9qa.+1",
            "k3v9qa.-1",
            "K3v9qa.1",
            "33v9qa.1",
            "k3v9q.1",
            "k3v9qab.1",
            "k3v9qa.1.2",
            "k3v9qa.18446744073709551616",
            "0",
            "k3v9qa.1 ",
            "k3v9é.1",
        ] {
            assert!(text.parse::<Cursor>().is_err(), "{text:?} was taken for a cursor");
        }
    }

    #[test]
    fn zero_means_oldest_only_as_after() {
        assert_eq!("0".parse::<After>().unwrap(), After::Oldest);
        assert!("00".parse::<After>().is_err());
        assert!("-1".parse::<After>().is_err());
    }

    #[test]
    fn a_hostile_text_is_not_echoed_whole() {
        let error = "x".repeat(10_000).parse::<Cursor>().unwrap_err();
        assert!(error.to_string().len() < 200);
    }

    proptest! {
        #[test]
        fn every_cursor_survives_its_text(bits: u64, seq: u64) {
            let cursor = Cursor { epoch: Epoch::from_random_bits(bits), seq };
            prop_assert_eq!(cursor.to_string().parse::<Cursor>().unwrap(), cursor);
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in ".*") {
            let _ = text.parse::<After>();
        }
    }
}
