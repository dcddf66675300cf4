//! lockrig: a hardware-in-the-loop test and certification rig for smart-lock resets.
//!
//! `src/ARCHITECTURE.md` is the map; modules stand here in reading order.

pub mod unit;

pub mod yaml;

pub mod lock;

pub mod trace;

pub mod memory;

pub mod verdict;

pub mod belief;

pub mod cover;

pub mod statistics;

pub mod scenario;

pub mod explore;

pub mod engine;

pub mod rig;

pub mod drivers;

pub mod guard;

pub mod sim;

pub mod evidence;

pub mod attest;

pub mod run;

pub mod report;

pub mod cli;
