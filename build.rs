//! The shipped scenarios, models and rigs are part of the program: a new file has to be compiled in.

#![expect(clippy::print_stdout, reason = "this is how a build script speaks")]

fn main() {
    for folder in ["scenarios", "rigs"] {
        println!("cargo::rerun-if-changed={folder}");
    }
}
