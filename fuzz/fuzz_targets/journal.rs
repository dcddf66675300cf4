//! A run folder's journal: verified, and its traces read.
#![no_main]

#[path = "../fuzzed/journal.rs"]
mod fuzzed;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzzed::journal(bytes));
