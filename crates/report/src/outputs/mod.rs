//! The report's files and the terminal's tables, each written only from the findings.

pub(crate) mod compare_text;
pub(crate) mod csv;
pub(crate) mod html;
pub(crate) mod markdown;
pub(crate) mod summary;
pub(crate) mod summary_network;
pub(crate) mod terminal;
mod words;
