//! Other work of the machine during a trial: that of other programs, and that which the kernel does outside
//! the trial's processes. CPU per event also falls if work only moves to another core, so the report shows
//! other work next to it.

use contract::Measurements;

use crate::{statistics::finite::finite, text::number::percent};

/// From this share of the machine's cores other work is a warning.
const MUCH: f64 = 0.1;

/// The share of the machine's cores that was busy in the window with other work. None if the system does not
/// report it, and for a browser's trials: the browser is not one of the measured processes.
fn share(of: &Measurements) -> Option<f64> {
    let cores = of.cpu.all_cores.filter(|_| of.browser_clock.is_none())?;
    let relay_us = of.relay.map_or(0.0, |relay| relay.cpu_us);
    let trial_us = of.cpu.server_us + of.cpu.publisher_us + of.cpu.harness_us + relay_us;
    // Processes are timed exactly, the machine in ticks: so the difference may be slightly negative.
    let other_us = (cores.busy_us - trial_us).max(0.0);
    finite(other_us / (of.cpu.wall_us * f64::from(cores.number)))
}

/// A warning if other work took much of the machine.
pub(crate) fn warning(of: &Measurements) -> Option<String> {
    let much = share(of).filter(|share| *share > MUCH)?;
    Some(format!(
        "other work on the machine took {} of its cores, more than {}. Other programs make ages \
         older. Kernel work outside the processes of this trial is in no CPU per event",
        percent(much),
        percent(MUCH)
    ))
}

/// How much it was in these trials; none if no trial reports it.
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
        "Other work on the machine: {range} of its cores, by the kernel's ticks. It is the cores' busy time in \
         the windows, minus the CPU time of the lab's processes."
    ))
}
