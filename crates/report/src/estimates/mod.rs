//! Costs of settings that nobody measured: the model's counts, and the measured costs of the nearest points.
//!
//! | number | rule |
//! |---|---|
//! | ages, requests, bytes, connections | the model's closed form; Poisson events |
//! | server CPU of a stream | deliveries per second × measured CPU per delivery, plus that of idle connections |
//! | server CPU of polls | requests per second × measured CPU per request, whatever a request brings |
//! | memory | connections × measured memory per connection |
//!
//! A cost is taken from the nearest measured point ([`costs`]), unchanged.

pub(crate) mod break_even;
pub(crate) mod choice;
pub(crate) mod costs;
pub(crate) mod estimate;
pub(crate) mod rules;
pub(crate) mod which_one;
pub(crate) mod wish;
