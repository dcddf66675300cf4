//! The `lockrig` program.

fn main() -> lockrig::cli::Exit {
    lockrig::cli::main()
}
