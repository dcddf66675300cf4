//! Behaviour through the public face: files and arguments in, verdicts and evidence out.

#![expect(clippy::expect_used, clippy::panic, reason = "a test that can not go on says where")]

mod alterations;
mod attention;
mod combined;
mod command_line;
mod common;
mod costs;
mod defects;
mod diagnostics;
mod emulated;
mod engine;
mod evidence;
mod explore;
mod facts;
mod fields;
mod fit;
mod forgeries;
mod fuzzed;
mod golden;
mod guard;
mod hostile;
mod killed;
mod kills;
mod language;
mod liars;
mod limits;
mod log;
mod mutants;
mod mutated;
mod newcomer;
mod packed;
mod patterns;
mod peers;
mod probe;
mod probe_port;
mod report;
mod safe;
mod serial;
mod service;
mod slips;
mod sound;
mod supervised;
mod tutorial;
mod unplugged;
mod waves;
