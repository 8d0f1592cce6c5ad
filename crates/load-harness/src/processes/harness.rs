//! What all trials of a run share, and how their server is started.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, atomic::AtomicBool},
};

use contract::{Environment, Heartbeat, ServerName, Transport};

use crate::{
    data::trial_spec::TrialSpec,
    processes::target_folder::TargetFolder,
    system::environment::{Cores, TCP_MAXSEG},
};

/// What all trials of a run share.
#[derive(Debug)]
pub struct Harness {
    /// The server program: it is run with `serve` and its options.
    pub server_program: PathBuf,
    /// The cores of server, harness and middlebox.
    pub cores: Cores,
    /// Seed of the run.
    pub seed: u64,
    /// The environment to write into every record.
    pub environment: Environment,
    /// Foreign servers, by name.
    pub targets: BTreeMap<ServerName, Arc<TargetFolder>>,
    /// Whether a trial of this run has had memory steps already.
    pub has_climbed: AtomicBool,
}

impl Harness {
    /// Arguments of the server program for a trial.
    pub(crate) fn server_arguments(&self, order: &TrialSpec) -> Vec<String> {
        let mut arguments = vec![
            "serve".to_owned(),
            format!("--pattern={}", order.plan.pattern),
            "--data=127.0.0.1:0".to_owned(),
            "--control=127.0.0.1:0".to_owned(),
            format!("--tcp-maxseg={TCP_MAXSEG}"),
            "--until-stdin-closes".to_owned(),
        ];
        let settings = &order.plan.settings;
        if settings.server.is_floor() {
            arguments.push("--floor".to_owned());
        }
        if settings.transport != Transport::default() {
            arguments.push(format!("--transport={}", settings.transport));
        }
        if settings.transport.is_encrypted() {
            arguments.push(format!("--make-certificate={}", settings.certificate));
        }
        if settings.transport == Transport::Http2 {
            arguments.push(format!("--max-streams={}", settings.max_streams));
        }
        if settings.heartbeat != Heartbeat::default() {
            arguments.push(format!("--heartbeat={}", settings.heartbeat));
        }
        if settings.browser.is_some() {
            arguments.push("--pages".to_owned());
        }
        arguments.extend(self.cores.server.map(|core| format!("--core={core}")));
        arguments.extend(settings.ablation.map(|ablation| format!("--ablation={ablation}")));
        arguments
    }
}
