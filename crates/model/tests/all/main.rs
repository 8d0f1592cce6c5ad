//! The predictions, tested by hand, with simulators, and against each other.
//!
//! One test program for all, because each program links everything.

mod by_hand;
mod convergence;
mod monte_carlo;
mod network;
mod network_by_hand;
mod properties;
mod trial;
mod wire_sizes;
