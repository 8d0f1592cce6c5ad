//! A trial in a line of a terminal, while it runs.

use contract::{Params, Pattern, Scenario};

use super::{
    number::{THIN_SPACE, counted, period_ms},
    swept::SweepParameter,
};

/// What distinguishes a trial from the other trials of its pattern: the value that its scenario varies, such as
/// `buffering 16 KiB or 1 s`. Without a scenario, without a sweep, or if the sweep does not concern the pattern:
/// the number of subscribers and the pattern's own setting, such as `8 subscribers, hold 1.5 s`.
#[must_use]
pub fn trial_words(scenario: Option<&Scenario>, pattern: Pattern, params: &Params) -> String {
    let swept = scenario.and_then(SweepParameter::of).filter(|swept| swept.concerns(pattern));
    let words = swept.map_or_else(|| own_settings(params), |swept| swept.text(params));
    // A terminal has no thin space.
    words.replace(THIN_SPACE, " ")
}

fn own_settings(params: &Params) -> String {
    let mut parts = vec![counted(u64::from(params.subscribers), "subscriber", "subscribers")];
    parts.extend(params.poll_interval_ms.map(|interval_ms| format!("every {}", period_ms(interval_ms))));
    parts.extend(params.hold_ms.map(|hold_ms| format!("hold {}", period_ms(hold_ms))));
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use contract::Selection;

    use super::*;

    /// The lines of all trials of a scenario with this sweep.
    fn lines(sweep: &str) -> Vec<String> {
        let text = format!(
            "name = \"s\"\nquestion = \"q\"\nsetting = \"s\"\nlook_at = \"l\"\nsubscribers = 1\n\
             measure = \"9s\"\npoll_interval = \"250ms\"\nhold = \"1s 500ms\"\n\
             patterns = [\"short-polling\", \"long-polling\", \"sse\"]\n[events]\narrivals = \"steady\"\n\
             rate_hz = 4.0\n{sweep}"
        );
        let scenario = Scenario::from_toml("s.toml", &text).unwrap();
        let trials = scenario.trials(Selection::Everything);
        let words = |plan: &contract::TrialPlan| {
            let params = plan.settings.params(plan.pattern, 4.0, 100);
            format!("{} · {}", plan.pattern.label(), trial_words(Some(&scenario), plan.pattern, &params))
        };
        trials.iter().map(words).collect()
    }

    #[test]
    fn a_trial_is_named_by_what_its_scenario_varies() {
        let buffering = "network = [{}, { buffer = { bytes = 16384, pause = \"1s\" } }]";
        let found = lines(&format!("[sweep]\n{buffering}\n"));
        for line in ["long polling · no obstacle", "SSE · buffering 16 KiB or 1 s"] {
            assert!(found.iter().any(|other| other == line), "{line} is missing in {found:?}");
        }
        // Patterns without the setting are measured once, with their own settings.
        let found = lines("[sweep]\npoll_interval = [\"100ms\", \"2s\"]\n");
        assert_eq!(
            found,
            [
                "short polling · 100 ms",
                "long polling · 1 subscriber, hold 1.5 s",
                "SSE · 1 subscriber",
                "short polling · 2 s"
            ]
        );
        assert_eq!(lines("")[0], "short polling · 1 subscriber, every 250 ms");
    }
}
