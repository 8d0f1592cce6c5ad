//! What changed between two runs: the same points before and after.
//!
//! The blocks of two runs are not paired, so this is Welch's t on the logarithms of the blocks' values. It
//! allows the two runs a different scatter.

use contract::Environment;
use distrs::StudentsT;

use crate::{
    findings::{Findings, Point, ScenarioFinding},
    quantities::{Bound, QuantityName, Reading},
    statistics::estimate::{FEWEST_BLOCKS, Spread},
    text::environment::{self, EnvironmentDifference},
};

/// Where nothing is judged, so many of the largest changes are listed.
const UNJUDGED_LISTED: usize = 3;

/// Rates of random schedules that differ by less, as a logarithm, are the same setting.
const SAME_RATE: f64 = 0.25;

/// Which changes a comparison lists.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Detail {
    /// Only shown changes of at least this fraction; where nothing is judged, the three largest.
    From(f64),
    /// Every quantity of every point.
    All,
}

/// How a quantity changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The 95 % interval of after ÷ before lies above 1.
    Higher,
    /// It lies below 1.
    Lower,
    /// It contains 1.
    NotShown,
    /// Fewer than four blocks on a side, or only a bound.
    NotJudged,
}

impl Change {
    /// The word in the table.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Higher => "higher",
            Self::Lower => "lower",
            Self::NotShown => "no change shown",
            Self::NotJudged => "not judged",
        }
    }
}

/// One quantity of one point, before and after.
#[derive(Debug, Clone, PartialEq)]
pub struct QuantityChange {
    /// Name of the scenario.
    pub scenario: String,
    /// The point in words.
    pub point: String,
    /// Which quantity.
    pub quantity: QuantityName,
    /// The value before, as text with its unit.
    pub before: String,
    /// The value after, as text with its unit.
    pub after: String,
    /// After ÷ before; none where a value is zero or only a bound.
    pub ratio: Option<f64>,
    /// Ends of the ratio's 95 % interval; none with fewer than four blocks on a side.
    pub interval: Option<(f64, f64)>,
    /// How it changed.
    pub change: Change,
    /// Whether a side's point is invalid.
    pub invalid: Option<&'static str>,
}

/// Two runs compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Compared {
    /// The two runs in a line each.
    pub runs: [String; 2],
    /// The changes that [`Detail`] selects, in the order of the report.
    pub changes: Vec<QuantityChange>,
    /// Quantities that were judged: four blocks or more on both sides, and no bound.
    pub judged: usize,
    /// Quantities left out because no change is shown.
    pub hidden_unchanged: usize,
    /// Quantities left out because their change is too small.
    pub hidden_small: usize,
    /// Quantities left out because they are not judged.
    pub hidden_unjudged: usize,
    /// Whether both runs have the same points with the same value of every quantity.
    pub is_equal: bool,
    /// Points that only the run before has.
    pub only_before: Vec<String>,
    /// Points that only the run after has.
    pub only_after: Vec<String>,
    /// What else differs: machine, build, scenarios, schedules.
    pub differences: Vec<String>,
    /// The fraction below which changes were left out; none if nothing was.
    pub smallest: Option<f64>,
}

/// Compares two runs point by point.
#[must_use]
pub fn compare(before: &Findings, after: &Findings, detail: Detail) -> Compared {
    let left: Vec<&Point> = before.scenarios.iter().flat_map(|scenario| &scenario.points).collect();
    let right: Vec<&Point> = after.scenarios.iter().flat_map(|scenario| &scenario.points).collect();
    let mut compared = Compared {
        runs: [described(before), described(after)],
        changes: Vec::new(),
        judged: 0,
        hidden_unchanged: 0,
        hidden_small: 0,
        hidden_unjudged: 0,
        is_equal: true,
        only_before: Vec::new(),
        only_after: Vec::new(),
        differences: differences(before, after),
        smallest: match detail {
            Detail::From(smallest) => Some(smallest),
            Detail::All => None,
        },
    };
    let name = |point: &Point| format!("{}: {}", point.scenario, point.label());
    for point in &left {
        match counterpart(point, &right) {
            Some(other) => compared.add(point, other, detail),
            None => compared.only_before.push(name(point)),
        }
    }
    compared.only_after =
        right.iter().filter(|point| counterpart(point, &left).is_none()).map(|point| name(point)).collect();
    compared.is_equal &= compared.only_before.is_empty() && compared.only_after.is_empty();
    if matches!(detail, Detail::From(_)) {
        compared.hide_unjudged();
    }
    compared
}

impl Compared {
    /// The listed quantities whose change is shown.
    pub fn shown(&self) -> impl Iterator<Item = &QuantityChange> {
        self.changes.iter().filter(|change| matches!(change.change, Change::Higher | Change::Lower))
    }

    /// The shown change by the largest factor, at a valid point if there is one.
    #[must_use]
    pub fn largest(&self) -> Option<&QuantityChange> {
        self.shown().max_by(|left, right| {
            let by_validity = left.invalid.is_none().cmp(&right.invalid.is_none());
            by_validity.then_with(|| left.size().total_cmp(&right.size()))
        })
    }

    fn add(&mut self, before: &Point, after: &Point, detail: Detail) {
        for name in QuantityName::ALL {
            let Some(change) = quantity_change(name, before, after) else { continue };
            let small = |smallest: f64| change.ratio.is_some_and(|ratio| ratio.ln().abs() < smallest.ln_1p());
            self.judged += usize::from(change.change != Change::NotJudged);
            self.is_equal &= change.before == change.after && change.ratio.is_none_or(|ratio| ratio == 1.0);
            match (detail, change.change) {
                (Detail::All, _) => self.changes.push(change),
                (Detail::From(_), Change::NotShown) => self.hidden_unchanged += 1,
                (Detail::From(smallest), _) if small(smallest) => self.hidden_small += 1,
                (Detail::From(_), _) => self.changes.push(change),
            }
        }
    }

    /// Keeps what is judged; where nothing is, the largest changes.
    fn hide_unjudged(&mut self) {
        let all = self.changes.len();
        if self.judged > 0 {
            self.changes.retain(|change| change.change != Change::NotJudged);
        } else {
            self.changes.sort_by(|left, right| right.size().total_cmp(&left.size()));
            self.changes.truncate(UNJUDGED_LISTED);
        }
        self.hidden_unjudged = all - self.changes.len();
    }
}

impl QuantityChange {
    /// By what factor it changed, as a logarithm without its sign; zero where there is no ratio.
    fn size(&self) -> f64 {
        self.ratio.map_or(0.0, |ratio| ratio.ln().abs())
    }
}

fn described(findings: &Findings) -> String {
    format!(
        "{}, {}, commit {}, {}",
        findings.name,
        findings.started_at,
        findings.environment.commit,
        findings.verdict_words()
    )
}

/// The same point in the other run: the actual rate of another random schedule differs a little.
fn counterpart<'a>(point: &Point, others: &[&'a Point]) -> Option<&'a Point> {
    let apart = |other: &Point| (other.params.rate_hz / point.params.rate_hz).ln().abs();
    let same = |other: &Point| {
        let mut params = other.params;
        params.rate_hz = point.params.rate_hz;
        other.scenario == point.scenario
            && other.pattern == point.pattern
            && other.server == point.server
            && params == point.params
            && (other.params.rate_hz == point.params.rate_hz || apart(other) < SAME_RATE)
    };
    others
        .iter()
        .copied()
        .filter(|other| same(other))
        .min_by(|left, right| apart(left).total_cmp(&apart(right)))
}

fn quantity_change(name: QuantityName, before: &Point, after: &Point) -> Option<QuantityChange> {
    let (left, right) = (before.quantity_of(name), after.quantity_of(name));
    if left.measured.is_none() && right.measured.is_none() {
        return None;
    }
    let judged = difference_test(&before.readings(name), &after.readings(name));
    Some(QuantityChange {
        scenario: before.scenario.clone(),
        point: before.label(),
        quantity: name,
        before: left.measured_with_interval(),
        after: right.measured_with_interval(),
        ratio: judged.ratio,
        interval: judged.interval,
        change: judged.change,
        invalid: match (before.valid, after.valid) {
            (true, true) => None,
            (false, true) => Some("before: invalid"),
            (true, false) => Some("after: invalid"),
            (false, false) => Some("both invalid"),
        },
    })
}

struct Judged {
    ratio: Option<f64>,
    interval: Option<(f64, f64)>,
    change: Change,
}

fn difference_test(before: &[Reading], after: &[Reading]) -> Judged {
    let nothing = Judged { ratio: None, interval: None, change: Change::NotJudged };
    let bounded = |readings: &[Reading]| readings.iter().any(|reading| reading.bound == Bound::AtLeast);
    if bounded(before) || bounded(after) {
        return nothing;
    }
    let by_factor = before.iter().chain(after).all(|reading| reading.value > 0.0);
    let spread = |readings: &[Reading]| {
        let scaled = |reading: &Reading| if by_factor { reading.value.ln() } else { reading.value };
        Spread::of(&readings.iter().map(scaled).collect::<Vec<f64>>())
    };
    let (Some(left), Some(right)) = (spread(before), spread(after)) else { return nothing };
    let difference = right.mean - left.mean;
    let ratio = |value: f64| if by_factor { Some(value.exp()) } else { (difference == 0.0).then_some(1.0) };
    let Some((low, high)) = welch(&left, &right) else {
        return Judged { ratio: ratio(difference), ..nothing };
    };
    // A rounding error is not a change.
    let change = match (low, high) {
        (low, _) if low > 1e-12 => Change::Higher,
        (_, high) if high < -1e-12 => Change::Lower,
        _ => Change::NotShown,
    };
    Judged { ratio: ratio(difference), interval: ratio(low).zip(ratio(high)), change }
}

/// Ends of the 95 % interval of right − left; none with too few blocks on a side.
fn welch(left: &Spread, right: &Spread) -> Option<(f64, f64)> {
    if left.count < FEWEST_BLOCKS || right.count < FEWEST_BLOCKS {
        return None;
    }
    let (left_variance, right_variance) = (left.error?.powi(2), right.error?.powi(2));
    let variance = left_variance + right_variance;
    let difference = right.mean - left.mean;
    if variance <= 0.0 {
        return Some((difference, difference));
    }
    let share = |variance: f64, count: usize| variance.powi(2) / (count - 1) as f64;
    let freedom = variance.powi(2) / (share(left_variance, left.count) + share(right_variance, right.count));
    let half = StudentsT::ppf(0.975, freedom) * variance.sqrt();
    Some((difference - half, difference + half))
}

/// What else differs between the runs.
fn differences(before: &Findings, after: &Findings) -> Vec<String> {
    let mut found = environment_differences(&before.environment, &after.environment);
    if before.seed != after.seed {
        found.push(format!("seed: {} before, {} after", before.seed, after.seed));
    }
    for left in &before.scenarios {
        let name = &left.scenario.name;
        let Some(right) = after.scenarios.iter().find(|other| other.scenario.name == *name) else {
            continue;
        };
        if left.scenario != right.scenario {
            found.push(format!("scenario {name}: its settings were changed"));
        }
        if schedules(left) != schedules(right) {
            found.push(format!(
                "schedule of {name}: another draw; the intervals do not cover the effect of that"
            ));
        }
    }
    found
}

fn schedules(finding: &ScenarioFinding) -> Vec<&str> {
    let trials = finding.points.iter().flat_map(|point| &point.trials);
    let mut hashes: Vec<&str> = trials.map(|trial| trial.schedule_hash.as_str()).collect();
    hashes.sort_unstable();
    hashes.dedup();
    hashes
}

fn environment_differences(before: &Environment, after: &Environment) -> Vec<String> {
    let words = |difference: EnvironmentDifference| {
        let EnvironmentDifference { fact, before, after } = difference;
        format!("{fact}: {before} before, {after} after")
    };
    environment::differences(before, after).into_iter().map(words).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spread(values: &[f64]) -> Spread {
        Spread::of(values).unwrap()
    }

    #[test]
    fn the_interval_is_that_of_the_textbook() {
        // Means 3 and 6, squared errors 0.5 and 2, 5.8824 degrees of freedom, t(0.975) = 2.4590.
        let (low, high) =
            welch(&spread(&[1.0, 2.0, 3.0, 4.0, 5.0]), &spread(&[2.0, 4.0, 6.0, 8.0, 10.0])).unwrap();
        assert!((low - (3.0 - 2.4590 * 2.5_f64.sqrt())).abs() < 1e-3, "{low}");
        assert!((high - (3.0 + 2.4590 * 2.5_f64.sqrt())).abs() < 1e-3, "{high}");
        assert_eq!(welch(&spread(&[1.0; 3]), &spread(&[2.0; 5])), None);
        assert_eq!(welch(&spread(&[1.0; 4]), &spread(&[2.0; 4])), Some((1.0, 1.0)));
    }

    #[test]
    fn zeros_have_a_change_but_no_ratio() {
        let of = |value: f64| vec![Reading { value, bound: Bound::Exact }; 4];
        let same = difference_test(&of(0.0), &of(0.0));
        assert_eq!((same.change, same.ratio), (Change::NotShown, Some(1.0)));
        let more = difference_test(&of(0.0), &of(2.0));
        assert_eq!((more.change, more.ratio, more.interval), (Change::Higher, None, None));
        let bound = vec![Reading { value: 3.0, bound: Bound::AtLeast }; 4];
        assert_eq!(difference_test(&of(2.0), &bound).change, Change::NotJudged);
    }
}
