//! Numbers, settings, obstacles and warnings in words, without any findings.

pub(crate) mod environment;
pub(crate) mod network_words;
pub(crate) mod number;
pub(crate) mod sentence;
pub(crate) mod setting;
pub(crate) mod swept;
pub(crate) mod swept_names;
pub(crate) mod trial_words;
pub(crate) mod warnings;
