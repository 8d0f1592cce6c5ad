//! Tables with words in their cells, the same in every output.

pub(crate) mod claims;
pub(crate) mod comparison_rows;
pub(crate) mod drivers;
pub(crate) mod glossary;
pub(crate) mod heartbeats;
pub(crate) mod left_out;
pub(crate) mod obstacles;
pub(crate) mod outside_range;
pub(crate) mod panel;
pub(crate) mod panels;
pub(crate) mod ranking;
pub(crate) mod recovery;
pub(crate) mod relay;
pub(crate) mod servers;
pub(crate) mod set_up_table;
pub(crate) mod validity_rows;
pub(crate) mod watched;
