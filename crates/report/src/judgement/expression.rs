//! The language of thresholds and claims: `sse.age_p99_ms < 250`.
//!
//! `[scenario:] [pattern[value].]name [/ [scenario:] [pattern[value].]name] OP number`, where a name is a
//! quantity's key in `summary.json` or a count, and `[value]` selects one value of the scenario's sweep. Without
//! it an expression applies to every point. A threshold names no scenario: it is of its own. All values are
//! those of the lab's own server.
//!
//! `[pattern.]name / server OP number` compares a quantity with that of the same pattern on another server of
//! the scenario, block by block: `sse.cpu_us_per_event / floor <= 1.25`.

use contract::{Change, Pattern, Scenario, ServerName};

use super::{expression_error::ExpressionError, subject::Subject};
use crate::text::{swept::SweepParameter, swept_names};

/// How a value is compared with the limit.
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

    /// Whether an exact value fulfils it.
    pub(crate) fn is_met(self, value: f64, limit: f64) -> bool {
        match self {
            Self::Below => value < limit,
            Self::AtMost => value <= limit,
            Self::Above => value > limit,
            Self::AtLeast => value >= limit,
            Self::Equal => value == limit,
        }
    }
}

/// A subject of one pattern, or of every pattern, at one value of the sweep or at every one.
#[derive(Debug, Clone)]
pub(crate) struct Term<'a> {
    pub(crate) scenario: &'a Scenario,
    pub(crate) pattern: Option<Pattern>,
    pub(crate) value: Option<Change>,
    pub(crate) subject: Subject,
}

/// The divisor of a term.
#[derive(Debug, Clone)]
pub(crate) enum Divisor<'a> {
    /// Another quantity, or that of another point.
    Term(Term<'a>),
    /// The same quantity of the same pattern, on another server.
    Server(ServerName),
}

/// A value of a point, or the ratio of two.
#[derive(Debug, Clone)]
pub(crate) struct Measure<'a> {
    pub(crate) term: Term<'a>,
    pub(crate) divisor: Option<Divisor<'a>>,
}

/// A measure and its limit.
#[derive(Debug, Clone)]
pub(crate) struct Expression<'a> {
    pub(crate) measure: Measure<'a>,
    pub(crate) operator: Operator,
    pub(crate) limit: f64,
}

/// The scenarios that an expression may name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scope<'a, 'of> {
    /// The scenario of a term that names none.
    pub(crate) own: Option<&'a Scenario>,
    /// Those that may be named; empty for a threshold.
    pub(crate) named: &'of [&'a Scenario],
}

impl<'a> Scope<'a, '_> {
    /// Reads an expression.
    pub(crate) fn expression(self, text: &str) -> Result<Expression<'a>, ExpressionError> {
        check_brackets(text)?;
        let found = |found: String| ExpressionError::Operator { found };
        let is_operator = |letter: char| "<>=!".contains(letter);
        let Some(start) = outside(text, is_operator) else {
            return Err(found("there is no operator".to_owned()));
        };
        let after = text[start..].trim_start_matches(is_operator);
        let sign = &text[start..text.len() - after.len()];
        let operator =
            Operator::ALL.into_iter().find_map(|(known, operator)| (known == sign).then_some(operator));
        let operator = operator.ok_or_else(|| found(format!("`{sign}` is not an operator")))?;
        let limit = after.trim().parse().ok().filter(|limit: &f64| limit.is_finite());
        let limit = limit.ok_or_else(|| ExpressionError::Number { found: after.trim().to_owned() })?;
        Ok(Expression { measure: self.measure(&text[..start])?, operator, limit })
    }

    /// Reads a value or a ratio, without operator and limit.
    pub(crate) fn measure(self, text: &str) -> Result<Measure<'a>, ExpressionError> {
        check_brackets(text)?;
        let (first, divisor) = match split(text, '/') {
            None => (text, None),
            Some((first, divisor)) => (first, Some(divisor)),
        };
        let term = self.term(first)?;
        let Some(divisor) = divisor else { return Ok(Measure { term, divisor: None }) };
        if split(divisor, '/').is_some() {
            return Err(ExpressionError::Divisions);
        }
        let divisor = self.divisor(&term, divisor.trim())?;
        Ok(Measure { term, divisor: Some(divisor) })
    }

    fn divisor(self, first: &Term<'a>, written: &str) -> Result<Divisor<'a>, ExpressionError> {
        // A subject that has the name of a server comes first; so far none has.
        let server = written.parse::<ServerName>().ok().filter(|_| Subject::named(written).is_none());
        if let Some(server) = server {
            return known_server(first, server);
        }
        let divisor = Self { own: Some(first.scenario), ..self }.term(written)?;
        let is_same_point = divisor.scenario.name == first.scenario.name
            && divisor.pattern == first.pattern
            // Without a value it is at that of the first.
            && (divisor.value.is_none() || divisor.value == first.value);
        if is_same_point && divisor.subject.key() == first.subject.key() {
            return Err(ExpressionError::Itself);
        }
        Ok(Divisor::Term(divisor))
    }

    fn term(self, written: &str) -> Result<Term<'a>, ExpressionError> {
        let (scenario, written) = match split(written, ':') {
            None => (self.own.ok_or(ExpressionError::NoScenario)?, written),
            Some((name, rest)) => (self.scenario(name.trim())?, rest),
        };
        let (pattern, value, name) = match split(written, '.') {
            None => (None, None, written.trim()),
            Some((selected, name)) => {
                let (pattern, value) = selection(scenario, selected.trim())?;
                (Some(pattern), value, name.trim())
            }
        };
        let subject = Subject::named(name)
            .ok_or_else(|| ExpressionError::Name { found: name.to_owned(), allowed: Subject::names() })?;
        Ok(Term { scenario, pattern, value, subject })
    }

    fn scenario(self, name: &str) -> Result<&'a Scenario, ExpressionError> {
        if self.named.is_empty() {
            return Err(ExpressionError::Foreign { found: name.to_owned() });
        }
        self.named.iter().find(|scenario| scenario.name == name).copied().ok_or_else(|| {
            let allowed: Vec<&str> = self.named.iter().map(|scenario| scenario.name.as_str()).collect();
            ExpressionError::Scenario { found: name.to_owned(), allowed: allowed.join(", ") }
        })
    }
}

impl Measure<'_> {
    /// Its subjects, one or two.
    pub(crate) fn subjects(&self) -> impl Iterator<Item = &Subject> {
        let divisor = match &self.divisor {
            None => None,
            Some(Divisor::Term(term)) => Some(&term.subject),
            Some(Divisor::Server(_)) => Some(&self.term.subject),
        };
        std::iter::once(&self.term.subject).chain(divisor)
    }

    /// Its terms, one or two.
    pub(crate) fn terms(&self) -> impl Iterator<Item = &Term<'_>> {
        let divisor = match &self.divisor {
            None | Some(Divisor::Server(_)) => None,
            Some(Divisor::Term(term)) => Some(term),
        };
        std::iter::once(&self.term).chain(divisor)
    }
}

/// The scenarios that a text names, each once, whether they exist or not.
pub(crate) fn scenarios_named(text: &str) -> Vec<&str> {
    let measure = outside(text, |letter| "<>=!".contains(letter)).map_or(text, |start| &text[..start]);
    let parts =
        split(measure, '/').map_or([Some(measure), None], |(first, second)| [Some(first), Some(second)]);
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in parts.into_iter().flatten().filter_map(|part| split(part, ':')) {
        if !names.contains(&name.trim()) {
            names.push(name.trim());
        }
    }
    names
}

fn known_server<'a>(first: &Term<'a>, server: ServerName) -> Result<Divisor<'a>, ExpressionError> {
    let others = || first.scenario.servers.iter().filter(|server| !server.is_pushlab());
    if !others().any(|other| *other == server) {
        let allowed: Vec<&str> = others().map(ServerName::as_str).collect();
        let allowed = if allowed.is_empty() { "none".to_owned() } else { allowed.join(", ") };
        return Err(ExpressionError::Server { found: server.to_string(), allowed });
    }
    if first.subject.quantity().is_none() {
        return Err(ExpressionError::Count { found: first.subject.key() });
    }
    Ok(Divisor::Server(server))
}

/// A pattern of the scenario, and a value of its sweep if there is one in brackets.
fn selection(scenario: &Scenario, written: &str) -> Result<(Pattern, Option<Change>), ExpressionError> {
    let Some((pattern, rest)) = written.split_once('[') else {
        return Ok((known_pattern(scenario, written)?, None));
    };
    let pattern = known_pattern(scenario, pattern.trim())?;
    let bracket = || ExpressionError::Bracket { found: written.to_owned() };
    let found = rest.strip_suffix(']').ok_or_else(bracket)?.trim();
    if SweepParameter::of(scenario).is_none_or(|swept| !swept.concerns(pattern)) {
        return Err(ExpressionError::Unswept {
            found: found.to_owned(),
            scenario: scenario.name.clone(),
            pattern: pattern.slug().to_owned(),
        });
    }
    let value = swept_names::named(scenario, found).ok_or_else(|| ExpressionError::Value {
        found: found.to_owned(),
        scenario: scenario.name.clone(),
        allowed: swept_names::names(scenario).join(", "),
    })?;
    Ok((pattern, Some(value)))
}

fn known_pattern(scenario: &Scenario, written: &str) -> Result<Pattern, ExpressionError> {
    let known = written.parse().ok().filter(|pattern| scenario.patterns.contains(pattern));
    known.ok_or_else(|| ExpressionError::Pattern {
        found: written.to_owned(),
        allowed: scenario.patterns.iter().map(|pattern| pattern.slug()).collect::<Vec<_>>().join(", "),
    })
}

/// The place of the first such letter that is not between brackets.
fn outside(text: &str, is_meant: impl Fn(char) -> bool) -> Option<usize> {
    let mut depth = 0_u32;
    for (place, letter) in text.char_indices() {
        match letter {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ if depth == 0 && is_meant(letter) => return Some(place),
            _ => {}
        }
    }
    None
}

/// The texts before and after the first such letter outside brackets.
fn split(text: &str, at: char) -> Option<(&str, &str)> {
    let place = outside(text, |letter| letter == at)?;
    Some((&text[..place], &text[place + at.len_utf8()..]))
}

/// Refuses a bracket without its other half, and brackets within brackets.
fn check_brackets(text: &str) -> Result<(), ExpressionError> {
    let mut is_open = false;
    for letter in text.chars().filter(|letter| "[]".contains(*letter)) {
        if is_open == (letter == '[') {
            return Err(ExpressionError::Bracket { found: text.trim().to_owned() });
        }
        is_open = !is_open;
    }
    if is_open { Err(ExpressionError::Bracket { found: text.trim().to_owned() }) } else { Ok(()) }
}
