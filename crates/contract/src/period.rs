//! Durations as people write them: a number and a unit.

use std::{borrow::Cow, fmt, ops::Deref, str::FromStr, time::Duration};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A length of time that is written with its unit: `"250ms"`, `"15s"`, `"1m 30s"`.
///
/// A bare number is refused because it could mean seconds or milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period(pub Duration);

impl Period {
    /// A period of whole milliseconds.
    #[must_use]
    pub const fn from_millis(milliseconds: u64) -> Self {
        Self(Duration::from_millis(milliseconds))
    }

    /// Whether it is zero.
    #[must_use]
    pub const fn is_nothing(&self) -> bool {
        self.0.is_zero()
    }

    /// The period in milliseconds, with fractions.
    #[must_use]
    pub fn milliseconds(self) -> f64 {
        self.0.as_secs_f64() * 1e3
    }
}

impl Deref for Period {
    type Target = Duration;

    fn deref(&self) -> &Duration {
        &self.0
    }
}

impl fmt::Display for Period {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", humantime::format_duration(self.0))
    }
}

impl FromStr for Period {
    type Err = humantime::DurationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        humantime::parse_duration(text).map(Self)
    }
}

impl JsonSchema for Period {
    fn schema_name() -> Cow<'static, str> {
        "Period".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A length of time with its unit, such as \"250ms\" or \"1m 30s\".",
        })
    }
}

impl Serialize for Period {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Period;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a duration with its unit in quotes, such as \"250ms\" or \"15s\"")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Period, E> {
                text.parse().map_err(|error| {
                    E::custom(format!(
                        "`{text}` is not a duration ({error}); write a number and a unit, such as \"250ms\" or \"15s\""
                    ))
                })
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_needs_its_unit() {
        assert_eq!("250ms".parse::<Period>().unwrap(), Period::from_millis(250));
        assert!("250".parse::<Period>().is_err());
        assert!(serde_json::from_str::<Period>("250").is_err());
        let error = serde_json::from_str::<Period>("\"fast\"").unwrap_err();
        assert!(error.to_string().contains("a number and a unit"), "{error}");
    }

    #[test]
    fn a_period_survives_writing_and_reading() {
        for text in ["1ms", "1s 500ms", "2m"] {
            let period: Period = text.parse().unwrap();
            assert_eq!(period.to_string().parse::<Period>().unwrap(), period);
        }
    }
}
