//! Starts a temporary PostgreSQL as the tests do, prints where to connect, and removes it when its own stdin ends:
//! `cargo run -p justiam-tests --bin temporary-postgres [--durable] [FOLDER]`. With `--durable` a commit waits for the disk, as in
//! production; FOLDER is where its files are.

use std::env;
use std::io::{self, Read as _, Write as _};

use justiam_tests::postgres::{Cluster, Settings};

fn main() -> io::Result<()> {
    let mut settings = Settings::default();
    for argument in env::args().skip(1) {
        if argument == "--durable" {
            settings.durable = true;
        } else {
            settings.parent = argument.into();
        }
    }
    let cluster = Cluster::start(&settings);
    writeln!(io::stdout(), "{}", cluster.url())?;
    io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
