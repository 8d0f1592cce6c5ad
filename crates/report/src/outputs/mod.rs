//! The report's files and the terminal's texts. HTML, Markdown and terminal are written from a document, the files
//! for programs from the findings.

pub(crate) mod choice_json;
pub(crate) mod csv;
pub(crate) mod html;
pub(crate) mod markdown;
pub(crate) mod summary;
pub(crate) mod summary_claims;
pub(crate) mod summary_network;
pub(crate) mod terminal;
