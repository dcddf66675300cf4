//! The shipped scenarios, models and rigs are part of the program: a new file has to be compiled in.

fn main() {
    for folder in ["scenarios", "rigs"] {
        println!("cargo::rerun-if-changed={folder}");
    }
}
