//! Starts a temporary PostgreSQL as the tests do, prints where to connect, and removes it when its own stdin ends:
//! `cargo run -p justiam-tests --bin temporary-postgres`.

use std::io::{self, Read as _, Write as _};

use justiam_tests::postgres::{Cluster, Settings};

fn main() -> io::Result<()> {
    let cluster = Cluster::start(&Settings::default());
    writeln!(io::stdout(), "{}", cluster.url())?;
    io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
