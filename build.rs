//! The shipped scenarios, models, rigs and firmware images are part of the program: a new file has to be compiled in.

fn main() {
    for folder in ["scenarios", "rigs", "firmware/images"] {
        println!("cargo::rerun-if-changed={folder}");
    }
}
