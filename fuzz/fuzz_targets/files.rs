//! Model, scenario and rig files: read, checked, expanded into cases.
#![no_main]

#[path = "../fuzzed/files.rs"]
mod fuzzed;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzzed::files(bytes));
