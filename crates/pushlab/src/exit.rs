//! How the program ends. The codes are a promise to scripts.

use std::{fmt, process::ExitCode};

use crate::say::complain;

/// Something could not be done.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Exit 1: it was tried and did not work.
    Error(anyhow::Error),
    /// Exit 2: what was asked for makes no sense; nothing was started.
    Usage(anyhow::Error),
}

impl Failure {
    /// Exit code of a run in which a threshold failed.
    pub(crate) const THRESHOLD: u8 = 3;
    /// Exit code of a run whose numbers cannot be trusted.
    pub(crate) const INVALID: u8 = 4;
    /// Exit code, if it was asked to be strict, of a run with a threshold that its intervals leave open.
    pub(crate) const INCONCLUSIVE: u8 = 5;
    /// Exit code after Ctrl-C: 128 + SIGINT, as shells have it.
    pub(crate) const INTERRUPTED: u8 = 130;
    /// Exit code when asked to end: 128 + SIGTERM.
    pub(crate) const TERMINATED: u8 = 143;

    pub(crate) fn usage(error: impl Into<anyhow::Error>) -> Self {
        Self::Usage(error.into())
    }

    /// Tells it on stderr and gives the exit code.
    pub(crate) fn tell(self) -> ExitCode {
        complain(format!("pushlab: {self}"));
        match self {
            Self::Error(_) => ExitCode::from(1),
            Self::Usage(_) => ExitCode::from(2),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(error) | Self::Usage(error) => write!(formatter, "{error:#}"),
        }
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Error(error.into())
    }
}
