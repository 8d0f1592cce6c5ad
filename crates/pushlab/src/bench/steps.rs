//! The order of a run: calibrations, then block after block; a disturbed trial runs again at the end of its block.
//!
//! Which trial comes next depends only on the plan and on the records so far. So a run that was interrupted goes on
//! where it stopped: its records are played back first.

use std::collections::{HashMap, VecDeque};

use anyhow::bail;
use contract::{Calibration, TrialRecord};
use load_harness::{CalibrationKey, TrialSpec};

use super::Plan;

/// A trial of the run: the first attempt or a repetition.
pub(super) struct Step {
    /// Its number among the planned trials, calibrations included, from 1.
    pub(super) number: usize,
    pub(super) order: TrialSpec,
}

/// The trials that are still to run.
pub(super) struct Steps<'a> {
    plan: &'a Plan,
    /// Steps whose record is missing among later ones.
    missing: VecDeque<Step>,
    /// The planned trials of each block, and the repetitions at its end.
    blocks: VecDeque<VecDeque<(usize, TrialSpec)>>,
    known: HashMap<CalibrationKey, Calibration>,
    /// Trials that were begun. Calibrations and repetitions count, so the number identifies one trial of the run.
    begun: u32,
}

impl<'a> Steps<'a> {
    pub(super) fn of(plan: &'a Plan) -> Self {
        let everything: Vec<&TrialSpec> = plan.calibrations.iter().chain(&plan.orders).collect();
        let numbered: Vec<(usize, &TrialSpec)> = (1..).zip(everything).collect();
        let blocks = numbered
            .chunk_by(|(_, one), (_, next)| is_same_block(one, next))
            .map(|block| block.iter().map(|(number, order)| (*number, (*order).clone())).collect())
            .collect();
        Self { plan, missing: VecDeque::new(), blocks, known: HashMap::new(), begun: 0 }
    }

    pub(super) const fn is_calibration(&self, number: usize) -> bool {
        number <= self.plan.calibrations.len()
    }

    /// The next trial; none at the end of the run.
    pub(super) fn next(&mut self) -> Option<Step> {
        if let Some(missing) = self.missing.pop_front() {
            return Some(missing);
        }
        while self.blocks.front().is_some_and(VecDeque::is_empty) {
            self.blocks.pop_front();
        }
        let (number, mut order) = self.blocks.front_mut()?.pop_front()?;
        // The cost of a delivery on the lab's own server says nothing about other servers.
        let is_calibrated = !self.is_calibration(number) && order.plan.settings.server.is_pushlab();
        let known = self.known.get(&CalibrationKey::of(&order.plan)).copied();
        order.calibration = known.filter(|_| is_calibrated);
        order.order = self.begun;
        self.begun += 1;
        Some(Step { number, order })
    }

    /// Takes the result of a calibration, and queues a trial that the machine disturbed again. Returns what
    /// disturbed it, and the attempt that will follow, if any.
    pub(super) fn end(&mut self, step: Step, record: &TrialRecord) -> Option<(String, Option<TrialSpec>)> {
        let Step { number, mut order } = step;
        if let (true, Some(found)) = (self.is_calibration(number), record.calibration) {
            self.known.insert(CalibrationKey::of(&order.plan), found);
        }
        let reason = self.plan.disturbed(&order, record)?;
        let repeats = self.plan.scenario_of(&order).map_or(0, |scenario| scenario.limits.repeats);
        if order.attempt > repeats {
            return Some((reason, None));
        }
        order.attempt += 1;
        match self.blocks.front_mut() {
            Some(block) => block.push_back((number, order.clone())),
            None => self.blocks.push_back(VecDeque::from([(number, order.clone())])),
        }
        Some((reason, Some(order)))
    }

    /// Whether every trial that will still run in this block is a first attempt.
    pub(super) fn has_no_repetition(&self) -> bool {
        self.blocks.front().into_iter().flatten().all(|(_, order)| order.attempt == 1)
    }

    /// The trials that are known to be left, without repetitions that may follow.
    pub(super) fn left(&self) -> Vec<&TrialSpec> {
        let missing = self.missing.iter().map(|step| &step.order);
        missing.chain(self.blocks.iter().flatten().map(|(_, order)| order)).collect()
    }

    /// Plays the records of an interrupted run back, which leaves the trials that it did not finish.
    ///
    /// # Errors
    /// If a record is not that of the plan's trial at its place.
    pub(super) fn play_back(&mut self, mut records: Vec<TrialRecord>) -> anyhow::Result<()> {
        records.sort_by_key(|record| record.order);
        let mut missing = Vec::new();
        for record in &records {
            let step = loop {
                let Some(step) = self.next() else {
                    bail!("{} is not a trial of this run's plan", described(record));
                };
                if step.order.order == record.order {
                    break step;
                }
                missing.push(step);
            };
            check(&step.order, record)?;
            self.end(step, record);
        }
        self.missing.extend(missing);
        Ok(())
    }
}

/// Whether two consecutive trials belong to the same block of the same scenario. All calibrations are one
/// block.
fn is_same_block(one: &TrialSpec, next: &TrialSpec) -> bool {
    (&one.scenario, one.block) == (&next.scenario, next.block)
}

/// Whether a record is that of this trial.
fn check(order: &TrialSpec, record: &TrialRecord) -> anyhow::Result<()> {
    let is_same = record.scenario == order.scenario
        && record.pattern == order.plan.pattern
        && record.server == order.plan.settings.server
        && (record.block, record.attempt) == (order.block, order.attempt)
        && record.schedule_hash == order.schedule.hash()
        && record.params == order.params();
    if !is_same {
        bail!(
            "{} should be block {}, attempt {} of {} in {}: another version of pushlab planned this run, or its \
             files were changed",
            described(record),
            order.block,
            order.attempt,
            order.plan.pattern.label(),
            order.scenario
        );
    }
    Ok(())
}

fn described(record: &TrialRecord) -> String {
    format!(
        "record {} (block {}, attempt {} of {} in {})",
        record.order,
        record.block,
        record.attempt,
        record.pattern.label(),
        record.scenario
    )
}
