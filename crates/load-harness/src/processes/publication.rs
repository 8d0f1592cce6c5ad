//! The order to publish a trial's schedule.

use contract::{Period, StartSchedule};

use crate::{
    data::{started::Started, trial_spec::TrialSpec},
    processes::{harness::Harness, server_access::ServerAccess, trial_error::TrialError},
};

/// From the order to publish until the schedule's instant 0: enough time to notify every worker.
const START_IN: Period = Period::from_millis(300);

impl Harness {
    /// Has the schedule published, and returns its position on the epoch's clock.
    pub(crate) async fn publish(
        &self,
        server: &ServerAccess,
        order: &TrialSpec,
    ) -> Result<Started, TrialError> {
        let started = server.start_schedule(&self.publication(order)).await?;
        if started.hash != order.schedule.hash() {
            let asked = order.schedule.hash().to_owned();
            return Err(TrialError::OtherSchedule { published: started.hash, asked });
        }
        let numbers = (started.first_seq, started.first_seq + started.events);
        Ok(Started { start_ns: started.start_ns, window: order.window(), numbers })
    }

    /// The order for the publisher.
    fn publication(&self, order: &TrialSpec) -> StartSchedule {
        let settings = &order.plan.settings;
        StartSchedule {
            arrivals: settings.events.clone(),
            replay_csv: order.replay_csv.clone(),
            seed: self.seed,
            length: settings.schedule_length(),
            payload_bytes: settings.payload_bytes,
            start_in: START_IN,
            delivery_delay: settings.delivery_delay,
            delivery_jitter: settings.delivery_jitter,
            counted_from: settings.warm_up,
        }
    }
}
