//! Tests of the lab as its users have it: the real program, the harness with real servers, the shipped files.
//!
//! All of them are one test program, because each program links the whole lab.
#![allow(clippy::unwrap_used, reason = "a test may end where its premise fails")]

mod browser;
mod checkout;
mod choose;
mod claims;
mod commands;
mod compare;
mod exercises;
mod exit_codes;
mod failures;
mod floor;
mod instrument;
mod known_answer;
mod lab;
mod ledgers;
mod links;
mod network;
mod obstacles;
mod peers;
mod readers;
mod reconnect;
mod resume;
mod run;
mod same_numbers;
mod scenarios;
mod schemas;
mod shape;
mod transports;
mod usage;
mod window;
mod wire_sizes;
