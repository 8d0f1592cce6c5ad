//! What an expression may name: a quantity, or a count, which is certain without an interval.

use std::collections::BTreeMap;

use contract::{BrowserFindings, BrowserLane, Delivery, Measurements, Pattern};

use crate::{
    findings::{Point, Trial},
    quantities::QuantityName,
    trials::browser_lanes::most_at_once,
};

/// How a count is read.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Counted {
    /// From the deliveries: the sum over the completed trials of a point, as in `summary.json`.
    Deliveries(fn(&Delivery) -> u64),
    /// From one completed trial.
    Trial(fn(&Measurements) -> u64),
    /// From one browser's task of a pattern; none if the task has no such count.
    Browser(fn(Pattern, &BrowserFindings) -> Option<u64>),
}

/// A row of the table of counts: the name, and how it is read.
type Count = (&'static str, Counted);

const COUNTS: [Count; 16] = [
    ("lost", Counted::Deliveries(|delivery| delivery.lost)),
    ("duplicated", Counted::Deliveries(|delivery| delivery.duplicated)),
    ("reordered", Counted::Deliveries(|delivery| delivery.reordered)),
    ("received", Counted::Deliveries(|delivery| delivery.received)),
    ("expected", Counted::Deliveries(|delivery| delivery.expected)),
    ("never_connected", Counted::Trial(|of| of.never_connected)),
    ("reconnects", Counted::Trial(|of| of.requests.reconnects)),
    ("failed_requests", Counted::Trial(|of| of.requests.failed)),
    ("checks", Counted::Browser(|_, of| Some(of.checks.len() as u64))),
    (
        "checks_failed",
        Counted::Browser(|_, of| Some(of.checks.iter().filter(|check| !check.holds).count() as u64)),
    ),
    ("streams_asked", Counted::Browser(|pattern, of| Some(streams(pattern, of).count() as u64))),
    (
        "streams_opened",
        Counted::Browser(|pattern, of| {
            Some(streams(pattern, of).filter(|lane| lane.opened_ms.is_some()).count() as u64)
        }),
    ),
    ("streams_open", Counted::Browser(|pattern, of| Some(most_at_once(streams(pattern, of))))),
    ("browser_connections", Counted::Browser(|_, of| Some(of.connections))),
    ("crowd_connected", Counted::Browser(|_, of| of.crowd.map(|crowd| u64::from(crowd.connected)))),
    ("crowd_deliveries", Counted::Browser(|_, of| of.crowd.map(|crowd| crowd.deliveries))),
];

/// The streams that the page opened with the pattern's own API.
fn streams(pattern: Pattern, of: &BrowserFindings) -> impl Iterator<Item = &BrowserLane> {
    of.lanes.iter().filter(move |lane| lane.kind == pattern.page_api())
}

/// What an expression judges.
#[derive(Debug, Clone)]
pub(crate) enum Subject {
    Quantity(QuantityName),
    Count(Count),
    /// 1 if the check of a browser's task with this name holds in every trial, else 0: `check[P18]`.
    Check(String),
}

impl Subject {
    /// The subject with this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        if let Some(check) = name.strip_prefix("check[").and_then(|rest| rest.strip_suffix(']')) {
            return (!check.is_empty()).then(|| Self::Check(check.to_owned()));
        }
        let count = COUNTS.into_iter().find(|(count, _)| *count == name);
        QuantityName::named(name).map(Self::Quantity).or(count.map(Self::Count))
    }

    /// All names, for an error.
    pub(crate) fn names() -> String {
        let counts = COUNTS.map(|(count, _)| count).join(", ");
        format!("{}, {counts}, check[NAME]", quantities())
    }

    /// Its name as an expression writes it.
    pub(crate) fn key(&self) -> String {
        match self {
            Self::Quantity(name) => name.key().to_owned(),
            Self::Count((name, _)) => (*name).to_owned(),
            Self::Check(name) => format!("check[{name}]"),
        }
    }

    pub(crate) const fn quantity(&self) -> Option<QuantityName> {
        match self {
            Self::Quantity(name) => Some(*name),
            Self::Count(_) | Self::Check(_) => None,
        }
    }

    /// Whether it is one of the deliveries' counts, which are known of an invalid point too.
    pub(crate) const fn is_of_deliveries(&self) -> bool {
        matches!(self, Self::Count((_, Counted::Deliveries(_))))
    }

    /// Whether only a browser's task has it.
    pub(crate) const fn is_of_browser(&self) -> bool {
        matches!(self, Self::Count((_, Counted::Browser(_))) | Self::Check(_))
    }

    /// By how much one block's value may differ from that of many, as a factor.
    pub(crate) fn one_block(&self) -> f64 {
        self.quantity().map_or(1.0, QuantityName::one_block)
    }

    /// The count at a point: the least and the most of its trials. None if no trial has it, and for a quantity.
    pub(crate) fn count(&self, point: &Point) -> Option<(u64, u64)> {
        if let Self::Count((_, Counted::Deliveries(count))) = self {
            let sum = count(&point.delivery);
            return Some((sum, sum));
        }
        let counts = || point.trials.iter().filter_map(|trial| self.count_in(point.pattern, trial));
        let (least, most) = counts().min().zip(counts().max())?;
        Some((least, if matches!(self, Self::Check(_)) { least } else { most }))
    }

    /// The value of each block.
    pub(crate) fn by_block(&self, point: &Point) -> BTreeMap<u32, f64> {
        if let Self::Quantity(name) = self {
            return point.by_block(*name).unwrap_or_default();
        }
        let trials = point.trials.iter();
        trials.filter_map(|trial| Some((trial.block, self.count_in(point.pattern, trial)? as f64))).collect()
    }

    fn count_in(&self, pattern: Pattern, trial: &Trial) -> Option<u64> {
        match self {
            Self::Quantity(_) => None,
            Self::Count((_, Counted::Deliveries(count))) => {
                Some(count(&trial.measurements.as_ref()?.delivery))
            }
            Self::Count((_, Counted::Trial(count))) => Some(count(trial.measurements.as_ref()?)),
            Self::Count((_, Counted::Browser(count))) => count(pattern, trial.watched.as_ref()?),
            Self::Check(name) => {
                let check = trial.watched.as_ref()?.checks.iter().find(|check| check.name == *name)?;
                Some(u64::from(check.holds))
            }
        }
    }
}

/// The keys of all quantities, for an error.
pub(crate) fn quantities() -> String {
    QuantityName::ALL.map(QuantityName::key).join(", ")
}
