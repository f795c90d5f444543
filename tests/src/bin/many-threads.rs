//! Has more threads than the program of a step may have, and waits.

use std::thread::{self, Builder};

const THREADS: usize = 5000;

fn main() -> std::io::Result<()> {
    for _ in 0..THREADS {
        Builder::new().stack_size(32 << 10).spawn(wait)?;
    }
    wait();
    Ok(())
}

fn wait() {
    loop {
        thread::park();
    }
}
