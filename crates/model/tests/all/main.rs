//! The predictions, against the hand, against simulators, and against each other.
//!
//! One program for all, as each program links everything.

mod by_hand;
mod convergence;
mod monte_carlo;
mod network;
mod network_by_hand;
mod properties;
mod trial;
mod wire_sizes;
