//! File descriptors: one per subscriber in the harness, one per connection in the server.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors a process needs besides its subscribers: listening ports, pipes, timers, files.
const SPARE: u64 = 100;

/// The system allows fewer descriptors than the subscribers need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "{subscribers} subscribers need {needed} file descriptors, but this process may open {allowed}: \
     raise the limit (`ulimit -n {needed}`, or LimitNOFILE= of a service, or \
     /etc/security/limits.conf), or use at most {fitting} subscribers"
)]
pub struct TooFewDescriptors {
    /// Requested subscribers.
    pub subscribers: u32,
    /// Descriptors that they need.
    pub needed: u64,
    /// Descriptors that the system allows.
    pub allowed: u64,
    /// Subscribers that would fit.
    pub fitting: u64,
}

/// Raises the soft limit to the hard one, and returns the resulting limit.
pub fn raise_descriptor_limit() -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: maximum, maximum };
    let now = if setrlimit(Resource::Nofile, raised).is_ok() { maximum } else { current };
    // `None` means that there is no limit.
    now.unwrap_or(u64::MAX)
}

/// Subscribers for which this process has descriptors, once its limit is raised.
pub fn fitting_subscribers() -> u32 {
    u32::try_from(raise_descriptor_limit().saturating_sub(SPARE)).unwrap_or(u32::MAX)
}

/// Makes sure that this process can hold this number of subscribers.
///
/// # Errors
/// [`TooFewDescriptors`], which says how many are needed and how many subscribers would fit.
pub fn ensure_descriptors(subscribers: u32) -> Result<(), TooFewDescriptors> {
    check(subscribers, raise_descriptor_limit())
}

fn check(subscribers: u32, allowed: u64) -> Result<(), TooFewDescriptors> {
    let needed = u64::from(subscribers) + SPARE;
    if needed <= allowed {
        return Ok(());
    }
    Err(TooFewDescriptors { subscribers, needed, allowed, fitting: allowed.saturating_sub(SPARE) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_says_what_is_needed_and_what_fits() {
        assert_eq!(check(900, 1_000), Ok(()));
        let text = check(2_000, 1_024).unwrap_err().to_string();
        for words in ["2000 subscribers", "2100", "may open 1024", "at most 924", "ulimit -n 2100"] {
            assert!(text.contains(words), "{words} is missing in: {text}");
        }
    }
}
