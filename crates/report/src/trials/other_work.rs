//! What the machine did besides a trial: work of other programs, and work that the trial's own processes
//! left to the kernel. CPU per event falls when work only moves to another core, so it is shown beside it.

use contract::Measurements;

use super::measured::finite;
use crate::text::number::with_unit;

/// Share of the machine's cores from which on other work is a doubt.
const MUCH: f64 = 0.1;

/// The share of the machine's cores that was busy in the window for nobody of the trial. None where the
/// system did not tell, and for a browser's trials: the browser is none of the processes that are measured.
fn share(of: &Measurements) -> Option<f64> {
    let cores = of.cpu.all_cores.filter(|_| of.browser_clock.is_none())?;
    let relay_us = of.relay.map_or(0.0, |relay| relay.cpu_us);
    let trial_us = of.cpu.server_us + of.cpu.publisher_us + of.cpu.harness_us + relay_us;
    // Processes are timed exactly and the machine at ticks: a little less than nothing is nothing.
    let other_us = (cores.busy_us - trial_us).max(0.0);
    finite(other_us / (of.cpu.wall_us * f64::from(cores.number)))
}

fn percent(share: f64) -> String {
    with_unit(share * 100.0, "%")
}

/// A trial in which others took much of the machine.
pub(crate) fn warning(of: &Measurements) -> Option<String> {
    let much = share(of).filter(|share| *share > MUCH)?;
    Some(format!(
        "other work on the machine took {} of its cores, more than {}. Another program makes ages older. What the \
         kernel does in nobody's name for this trial is in no CPU per event",
        percent(much),
        percent(MUCH)
    ))
}

/// How much it was in these trials; none where no trial tells.
pub(crate) fn sentence<'a>(trials: impl Iterator<Item = &'a Measurements>) -> Option<String> {
    let shares: Vec<f64> = trials.filter_map(share).collect();
    let least = shares.iter().copied().reduce(f64::min)?;
    let most = shares.iter().copied().reduce(f64::max)?;
    let range = if percent(least) == percent(most) {
        percent(most)
    } else {
        format!("{} to {}", percent(least), percent(most))
    };
    Some(format!(
        "Other work on the machine: {range} of its cores, by the kernel's ticks. It is all that the cores were \
         busy with in the windows, less what the processes of the lab took."
    ))
}
