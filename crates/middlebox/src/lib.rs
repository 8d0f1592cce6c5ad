//! The network in a box.
