//! What a link adds to the age of pushed events: transmission time, queueing, jitter.

use crate::{
    AgeCurve, Inputs, NotApplicable,
    age::AgeSample,
    gaps::Gaps,
    path::{Chance, NetworkPath},
    polling::{HIGHEST_STEADY_LOAD, check_link},
    timeline::{Delays, Timeline},
};

/// Mean time on the link of events of `bytes` bytes, without jitter.
///
/// # Errors
/// If the load of the link is too high, or if jitter is longer than most gaps.
pub(crate) fn closed_form_s(path: &NetworkPath, gaps: Gaps, bytes: f64) -> Result<f64, NotApplicable> {
    let rate_hz = 1.0 / gaps.mean_s();
    let pass_s = path.passing_s(bytes);
    check_link(path, gaps, gaps.mean_batch(pass_s), bytes * rate_hz)?;
    if path.jitter_s > 0.0 && gaps.share_below(path.jitter_s) > 0.5 {
        return Err(NotApplicable(
            "there is no formula if most gaps are shorter than the jitter, since order is kept".to_owned(),
        ));
    }
    let load = rate_hz * pass_s;
    let waits_s = match gaps {
        Gaps::Poisson { .. } => load * pass_s / (2.0 * (1.0 - load)),
        Gaps::Steady { .. } | Gaps::Bursts { .. } => 0.0,
    };
    Ok(path.back_s(bytes) + waits_s)
}

/// Ages if every subscriber has its own link. `bytes` are the sizes of the events' writes.
pub(crate) fn replayed(
    inputs: &Inputs<'_>,
    timeline: &Timeline<'_>,
    path: &NetworkPath,
    bytes: &[f64],
) -> Result<AgeCurve, NotApplicable> {
    let counted = &timeline.counted;
    let pass_s: f64 = bytes[counted.clone()].iter().map(|&bytes| path.passing_s(bytes)).sum();
    let load = pass_s / inputs.window.seconds();
    if load > HIGHEST_STEADY_LOAD {
        return Err(NotApplicable(format!(
            "the events take {:.0} % of a connection's bandwidth",
            load * 100.0
        )));
    }
    let delays = Delays::from(inputs.calibration);
    let subscribers = inputs.params.subscribers;
    let mut ages = AgeSample::new(subscribers as usize * counted.len(), counted.len());
    let mut chance = Chance::new();
    for subscriber in 0..subscribers {
        let written_after_s = delays.transit_s + f64::from(subscriber) * delays.service_s;
        let (mut free_s, mut received_s) = (f64::NEG_INFINITY, f64::NEG_INFINITY);
        for (event, (&published_s, &bytes)) in timeline.published_s.iter().zip(bytes).enumerate() {
            free_s = free_s.max(published_s + written_after_s) + path.passing_s(bytes);
            // An event never overtakes the one before it.
            received_s = received_s.max(free_s + path.back_s(0.0) + path.draw_s(&mut chance));
            if counted.contains(&event) {
                ages.add(received_s - timeline.due_s[event]);
            }
        }
    }
    Ok(ages.into_curve())
}
