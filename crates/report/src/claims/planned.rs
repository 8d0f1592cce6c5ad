//! The points that a scenario plans for an expression, measured or not.

use contract::{Arrivals, Change, Pattern, Scenario, Selection, ServerName, TrialPlan};

use crate::{
    findings::label_at,
    judgement::{
        expression::{Divisor, Measure, Term},
        expression_value::PointsOf,
    },
    text::{swept::SweepParameter, swept_names::value_at},
};

/// A planned point.
#[derive(Debug, Clone)]
pub(crate) struct Planned<'a> {
    scenario: &'a Scenario,
    pattern: Pattern,
    value: Option<Change>,
    server: ServerName,
    label: String,
}

/// The planned points of one value: a point, and for a ratio that of its divisor.
pub(crate) type PlannedOperands<'a> = (Planned<'a>, Option<Planned<'a>>);

impl<'a> Planned<'a> {
    fn of(scenario: &'a Scenario, plan: &TrialPlan) -> Self {
        let TrialPlan { pattern, settings } = plan;
        let rate_hz = match settings.events {
            Arrivals::Steady { rate_hz } | Arrivals::Poisson { rate_hz } => rate_hz,
            // Their rate is not swept.
            Arrivals::Bursts { .. } | Arrivals::Ramp { .. } | Arrivals::Silence | Arrivals::Replay { .. } => {
                0.0
            }
        };
        let params = settings.params(*pattern, rate_hz, settings.payload_bytes);
        let swept = SweepParameter::of(scenario).filter(|swept| swept.concerns(*pattern));
        Self {
            scenario,
            pattern: *pattern,
            value: value_at(scenario, *pattern, &params),
            server: settings.server.clone(),
            label: label_at(*pattern, &params, &settings.server, swept),
        }
    }

    fn is_same(&self, other: &Self) -> bool {
        self.pattern == other.pattern && self.value == other.value && self.server == other.server
    }

    fn is_measured(&self, points_of: PointsOf<'_, '_>) -> bool {
        points_of(self.scenario).iter().any(|point| {
            point.pattern == self.pattern
                && point.server == self.server
                && value_at(self.scenario, point.pattern, &point.params) == self.value
        })
    }
}

/// The planned points of a term, on any server.
fn on_all_servers<'a>(term: &Term<'a>) -> Vec<Planned<'a>> {
    // A value may be one of the default run alone.
    let selections: &[Selection] = match term.value {
        Some(_) => &[Selection::Everything, Selection::Default],
        None => &[Selection::Everything],
    };
    let mut all: Vec<Planned<'a>> = Vec::new();
    for plan in selections.iter().flat_map(|selection| term.scenario.trials(*selection)) {
        let planned = Planned::of(term.scenario, &plan);
        if term.applies_to(planned.pattern, planned.value) && all.iter().all(|other| !other.is_same(&planned))
        {
            all.push(planned);
        }
    }
    all
}

/// The points that a measure applies to by the plans of its scenarios.
pub(crate) fn planned<'a>(measure: &Measure<'a>) -> Vec<PlannedOperands<'a>> {
    let is_own = |planned: &Planned<'_>| planned.server.is_pushlab();
    let all = on_all_servers(&measure.term);
    let firsts = all.iter().filter(|planned| is_own(planned)).cloned();
    let divisor = match &measure.divisor {
        None => return firsts.map(|first| (first, None)).collect(),
        Some(Divisor::Server(server)) => {
            let theirs = |first: &Planned<'a>| Planned { server: server.clone(), ..first.clone() };
            let planned =
                |first: &Planned<'a>| all.iter().find(|other| other.is_same(&theirs(first))).cloned();
            return firsts
                .filter_map(|first| Some((planned(&first)?, first)))
                .map(|(second, first)| (first, Some(second)))
                .collect();
        }
        Some(Divisor::Term(term)) => term,
    };
    let seconds: Vec<Planned<'a>> =
        on_all_servers(divisor).into_iter().filter(|second| is_own(second)).collect();
    let fits = |first: &Planned<'_>, second: &Planned<'_>| {
        let is_itself = first.scenario.name == second.scenario.name && first.is_same(second);
        let is_at_same_value = || first.value.zip(second.value).is_none_or(|(first, second)| first == second);
        measure.fits(divisor, is_itself, [first.pattern, second.pattern], is_at_same_value)
    };
    firsts
        .flat_map(|first| {
            let fitting: Vec<Planned<'a>> =
                seconds.iter().filter(|second| fits(&first, second)).cloned().collect();
            fitting.into_iter().map(move |second| (first.clone(), Some(second)))
        })
        .collect()
}

/// The planned points of a measure that lack a measured one, in words.
pub(crate) fn not_measured(measure: &Measure<'_>, points_of: PointsOf<'_, '_>) -> Vec<String> {
    let lacks = |planned: &Planned<'_>| !planned.is_measured(points_of);
    let lacking = planned(measure)
        .into_iter()
        .filter(|(first, second)| lacks(first) || second.as_ref().is_some_and(lacks));
    lacking
        .map(|(first, second)| match second {
            Some(second) if second.label != first.label => format!("{} ÷ {}", first.label, second.label),
            Some(_) | None => first.label,
        })
        .collect()
}
