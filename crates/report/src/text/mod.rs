//! Numbers, settings and obstacles in words: what needs no finding to be said.

pub(crate) mod network_words;
pub(crate) mod number;
pub(crate) mod sentence;
pub(crate) mod setting;
pub(crate) mod swept;
