//! How the program ends. Scripts rely on the exit codes.

use std::{fmt, process::ExitCode};

use crate::say::print_warning;

/// Why a command failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Exit 1: the command was tried and did not work.
    Error(anyhow::Error),
    /// Exit 2: the command makes no sense; nothing was started.
    Usage(anyhow::Error),
}

impl Failure {
    /// Exit code of a run in which a threshold failed.
    pub(crate) const THRESHOLD: u8 = 3;
    /// Exit code of a run whose numbers cannot be trusted.
    pub(crate) const INVALID: u8 = 4;
    /// With `--strict`, exit code of a run with a threshold that its intervals leave open.
    pub(crate) const INCONCLUSIVE: u8 = 5;
    /// Exit code after Ctrl-C: 128 + SIGINT, as in shells.
    pub(crate) const INTERRUPTED: u8 = 130;
    /// Exit code after SIGTERM: 128 + SIGTERM.
    pub(crate) const TERMINATED: u8 = 143;

    pub(crate) fn usage(error: impl Into<anyhow::Error>) -> Self {
        Self::Usage(error.into())
    }

    /// The error without its exit code.
    pub(crate) fn into_error(self) -> anyhow::Error {
        match self {
            Self::Error(error) | Self::Usage(error) => error,
        }
    }

    /// Prints the failure to stderr and returns the exit code.
    pub(crate) fn tell(self) -> ExitCode {
        print_warning(format!("pushlab: {self}"));
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
