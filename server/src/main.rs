//! The server's program. Everything happens in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    justiam_server::cli::main(std::env::args_os())
}
