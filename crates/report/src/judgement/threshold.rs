//! Conditions that a scenario sets on its own results: `sse.age_p99_ms < 250`.
//!
//! `[pattern.]name [/ [pattern.]name] OP number`, where a name is a quantity's key in `summary.json`
//! or a count of deliveries. They apply to the lab's own server.
//!
//! `[pattern.]name / server OP number` compares a quantity with that of the same pattern on another
//! server of the scenario, block by block: `sse.cpu_us_per_event / floor <= 1.25`. Such a bound is close
//! to the noise. So it is kept if the nearer end of the interval is within it, and broken only if the
//! whole interval is beyond it.

use contract::{Delivery, Pattern, Scenario, ServerName};

use crate::quantities::QuantityName;

/// Counts of deliveries that a threshold may name.
const COUNTS: [(&str, Count); 5] = [
    ("lost", |delivery| delivery.lost),
    ("duplicated", |delivery| delivery.duplicated),
    ("reordered", |delivery| delivery.reordered),
    ("received", |delivery| delivery.received),
    ("expected", |delivery| delivery.expected),
];

/// Reads a count.
pub(crate) type Count = fn(&Delivery) -> u64;

/// How a value is compared with its threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Below,
    AtMost,
    Above,
    AtLeast,
    Equal,
}

impl Operator {
    const ALL: [(&'static str, Self); 5] = [
        ("<", Self::Below),
        ("<=", Self::AtMost),
        (">", Self::Above),
        (">=", Self::AtLeast),
        ("==", Self::Equal),
    ];
}

/// What a threshold judges.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Subject {
    Quantity(QuantityName),
    Count(&'static str, Count),
}

impl Subject {
    fn named(name: &str) -> Option<Self> {
        let count = COUNTS.into_iter().find(|(count, _)| *count == name);
        QuantityName::named(name).map(Self::Quantity).or(count.map(|(name, count)| Self::Count(name, count)))
    }

    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::Quantity(name) => name.key(),
            Self::Count(name, _) => name,
        }
    }
}

/// A subject of one pattern, or of every pattern.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Term {
    pub(crate) pattern: Option<Pattern>,
    pub(crate) subject: Subject,
}

/// The divisor of a term.
#[derive(Debug, Clone)]
pub(crate) enum Divisor {
    /// Another quantity, or that of another pattern.
    Term(Term),
    /// The same quantity of the same pattern, on another server.
    Server(ServerName),
}

/// A parsed threshold.
#[derive(Debug, Clone)]
pub(crate) struct Threshold {
    pub(crate) term: Term,
    pub(crate) divisor: Option<Divisor>,
    pub(crate) operator: Operator,
    pub(crate) limit: f64,
}

/// A threshold, or the primary quantity, of a scenario that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ThresholdError {
    /// There is no operator, or one that does not exist.
    #[error(
        "threshold `{text}` of scenario {scenario}: {found}; write `[pattern.]name OP number` with one of < <= > >= =="
    )]
    Operator {
        /// The scenario's name.
        scenario: String,
        /// The threshold as written.
        text: String,
        /// What was found.
        found: String,
    },
    /// The text after the operator is not a number.
    #[error(
        "threshold `{text}` of scenario {scenario}: `{found}` is not a number; write one such as 250 or 1.6, without a unit"
    )]
    Number {
        /// The scenario's name.
        scenario: String,
        /// The threshold as written.
        text: String,
        /// The text that was found instead.
        found: String,
    },
    /// No quantity and no count has this name.
    #[error("threshold `{text}` of scenario {scenario}: `{found}` is not a quantity; allowed are {allowed}")]
    Name {
        /// The scenario's name.
        scenario: String,
        /// The threshold as written.
        text: String,
        /// The name.
        found: String,
        /// All names.
        allowed: String,
    },
    /// No pattern has this name, or the scenario does not have it.
    #[error(
        "threshold `{text}` of scenario {scenario}: `{found}` is not one of its patterns; these are: {allowed}"
    )]
    Pattern {
        /// The scenario's name.
        scenario: String,
        /// The threshold as written.
        text: String,
        /// The name.
        found: String,
        /// The scenario's patterns.
        allowed: String,
    },
    /// A server that the scenario does not have.
    #[error(
        "threshold `{text}` of scenario {scenario}: `{found}` is not one of its other servers; these are: {allowed}"
    )]
    Server {
        /// The scenario's name.
        scenario: String,
        /// The threshold as written.
        text: String,
        /// The name.
        found: String,
        /// The scenario's servers but the lab's own.
        allowed: String,
    },
    /// A count of deliveries divided by that of another server.
    #[error(
        "threshold `{text}` of scenario {scenario}: `{found}` is a count; only a quantity can be divided by that of a server"
    )]
    Count {
        /// The scenario's name.
        scenario: String,
        /// The threshold as written.
        text: String,
        /// The count.
        found: String,
    },
    /// More than one division.
    #[error("threshold `{text}` of scenario {scenario}: it divides more than once; a ratio has two values")]
    Divisions {
        /// The scenario's name.
        scenario: String,
        /// The threshold as written.
        text: String,
    },
    /// A value divided by itself.
    #[error("threshold `{text}` of scenario {scenario}: a value is divided by itself, which is always 1")]
    Itself {
        /// The scenario's name.
        scenario: String,
        /// The threshold as written.
        text: String,
    },
    /// The primary quantity does not exist.
    #[error("`primary` of scenario {scenario} is `{found}`, which is not a quantity; allowed are {allowed}")]
    Primary {
        /// The scenario's name.
        scenario: String,
        /// The name.
        found: String,
        /// All names of quantities.
        allowed: String,
    },
}

/// Checks the thresholds and the primary quantity of a scenario before a run.
///
/// # Errors
/// [`ThresholdError`] with the scenario, the text as written, what is wrong and what is allowed.
pub fn check_thresholds(scenario: &Scenario) -> Result<(), ThresholdError> {
    if QuantityName::named(&scenario.primary).is_none() {
        return Err(ThresholdError::Primary {
            scenario: scenario.name.clone(),
            found: scenario.primary.clone(),
            allowed: quantities(),
        });
    }
    scenario.thresholds.iter().try_for_each(|text| parse(scenario, text).map(|_| ()))
}

/// Reads a threshold of a scenario.
pub(crate) fn parse(scenario: &Scenario, text: &str) -> Result<Threshold, ThresholdError> {
    let (name, text_owned) = (scenario.name.clone(), text.to_owned());
    let is_operator = |letter: char| "<>=!".contains(letter);
    let found =
        |found: String| ThresholdError::Operator { scenario: name.clone(), text: text_owned.clone(), found };
    let Some(start) = text.find(is_operator) else {
        return Err(found("there is no operator".to_owned()));
    };
    let after = text[start..].trim_start_matches(is_operator);
    let sign = &text[start..text.len() - after.len()];
    let operator =
        Operator::ALL.into_iter().find_map(|(known, operator)| (known == sign).then_some(operator));
    let operator = operator.ok_or_else(|| found(format!("`{sign}` is not an operator")))?;
    let limit = after.trim().parse().ok().filter(|limit: &f64| limit.is_finite());
    let limit = limit.ok_or_else(|| ThresholdError::Number {
        scenario: name.clone(),
        text: text_owned.clone(),
        found: after.trim().to_owned(),
    })?;
    let mut written = text[..start].split('/').map(str::trim);
    let first = term(scenario, text, written.next().unwrap_or_default())?;
    let divisor = written.next().map(|written| divisor(scenario, text, &first, written)).transpose()?;
    if written.next().is_some() {
        return Err(ThresholdError::Divisions { scenario: name, text: text_owned });
    }
    Ok(Threshold { term: first, divisor, operator, limit })
}

fn divisor(scenario: &Scenario, text: &str, first: &Term, written: &str) -> Result<Divisor, ThresholdError> {
    let (scenario_name, text_owned) = (scenario.name.clone(), text.to_owned());
    // A quantity's name never equals a server's: it contains a `_`, which a server's name cannot.
    let server = written.parse::<ServerName>().ok().filter(|_| Subject::named(written).is_none());
    if let Some(server) = server {
        let others = || scenario.servers.iter().filter(|server| !server.is_pushlab());
        return if !others().any(|other| *other == server) {
            let allowed: Vec<&str> = others().map(ServerName::as_str).collect();
            Err(ThresholdError::Server {
                scenario: scenario_name,
                text: text_owned,
                found: written.to_owned(),
                allowed: if allowed.is_empty() { "none".to_owned() } else { allowed.join(", ") },
            })
        } else if matches!(first.subject, Subject::Count(..)) {
            let found = first.subject.key().to_owned();
            Err(ThresholdError::Count { scenario: scenario_name, text: text_owned, found })
        } else {
            Ok(Divisor::Server(server))
        };
    }
    let divisor = term(scenario, text, written)?;
    if divisor.pattern == first.pattern && divisor.subject.key() == first.subject.key() {
        return Err(ThresholdError::Itself { scenario: scenario_name, text: text_owned });
    }
    Ok(Divisor::Term(divisor))
}

fn term(scenario: &Scenario, text: &str, written: &str) -> Result<Term, ThresholdError> {
    let (pattern, name) = match written.split_once('.') {
        None => (None, written),
        Some((pattern, name)) => (Some(known_pattern(scenario, text, pattern.trim())?), name.trim()),
    };
    let subject = Subject::named(name).ok_or_else(|| ThresholdError::Name {
        scenario: scenario.name.clone(),
        text: text.to_owned(),
        found: name.to_owned(),
        allowed: format!("{}, {}", quantities(), COUNTS.map(|(count, _)| count).join(", ")),
    })?;
    Ok(Term { pattern, subject })
}

fn known_pattern(scenario: &Scenario, text: &str, written: &str) -> Result<Pattern, ThresholdError> {
    let known = written.parse().ok().filter(|pattern| scenario.patterns.contains(pattern));
    known.ok_or_else(|| ThresholdError::Pattern {
        scenario: scenario.name.clone(),
        text: text.to_owned(),
        found: written.to_owned(),
        allowed: scenario.patterns.iter().map(|pattern| pattern.slug()).collect::<Vec<_>>().join(", "),
    })
}

fn quantities() -> String {
    QuantityName::ALL.map(QuantityName::key).join(", ")
}
