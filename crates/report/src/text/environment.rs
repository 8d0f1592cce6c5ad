//! How two environments differ.

use contract::Environment;

/// A fact that differs between two environments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvironmentDifference {
    /// The fact, such as `commit`, `CPU` or `memory in MiB`.
    pub fact: &'static str,
    /// In the first environment.
    pub before: String,
    /// In the second.
    pub after: String,
}

/// The facts that differ, in the order of the report.
pub(crate) fn differences(before: &Environment, after: &Environment) -> Vec<EnvironmentDifference> {
    facts(before)
        .into_iter()
        .zip(facts(after))
        .filter(|(left, right)| left.1 != right.1)
        .map(|((fact, before), (_, after))| EnvironmentDifference { fact, before, after })
        .collect()
}

fn facts(of: &Environment) -> [(&'static str, String); 10] {
    [
        ("pushlab", of.pushlab.clone()),
        ("commit", of.commit.clone()),
        ("build", of.build.clone()),
        ("system", of.system.clone()),
        ("CPU", of.cpu.clone()),
        ("cores", of.cores.to_string()),
        ("memory in MiB", of.memory_mib.to_string()),
        ("server's core", format!("{:?}", of.server_core)),
        ("harness's cores", format!("{:?}", of.harness_cores)),
        ("largest segment in bytes", of.tcp_maxseg.to_string()),
    ]
}
