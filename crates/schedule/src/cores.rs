//! Binds threads to cores. If server and harness share a core, each disturbs the measurement of the other.

#[cfg(target_os = "linux")]
mod system {
    use std::sync::OnceLock;

    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

    /// The cores that the process was allowed to use before it bound any thread.
    fn inherited() -> &'static CpuSet {
        static INHERITED: OnceLock<CpuSet> = OnceLock::new();
        INHERITED.get_or_init(|| sched_getaffinity(None).unwrap_or_default())
    }

    pub(super) fn allowed() -> Vec<u32> {
        (0..CpuSet::MAX_CPU).filter(|core| inherited().is_set(*core)).map(|core| core as u32).collect()
    }

    pub(super) fn bind(core: u32) -> bool {
        // A `CpuSet` panics for a core beyond its size.
        let allowed = (core as usize) < CpuSet::MAX_CPU && inherited().is_set(core as usize);
        if !allowed {
            return false;
        }
        let mut only = CpuSet::new();
        only.set(core as usize);
        sched_setaffinity(None, &only).is_ok()
    }

    pub(super) fn release() -> bool {
        sched_setaffinity(None, inherited()).is_ok()
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    //! Without Linux's affinity calls the scheduler decides, and the environment in the records shows that no
    //! thread was bound.

    pub(super) fn allowed() -> Vec<u32> {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        (0..cores as u32).collect()
    }

    pub(super) fn bind(_core: u32) -> bool {
        false
    }

    pub(super) fn release() -> bool {
        false
    }
}

/// Cores that this process may use since its start.
#[must_use]
pub fn allowed_cores() -> Vec<u32> {
    system::allowed()
}

/// Binds the calling thread, and threads that it starts later, to one core. `false` if the system does not
/// support or allow it.
pub fn bind_to_core(core: u32) -> bool {
    system::bind(core)
}

/// Lets the calling thread run on all cores that the process was started with.
pub fn release_from_core() -> bool {
    system::release()
}
