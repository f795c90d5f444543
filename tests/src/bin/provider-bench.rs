//! What the provider costs under the real Terraform, beside Terraform's own `terraform_data`:
//! `provider-bench [--rounds N] [--objects N] [--write-only] [plan|create|destroy|change|latency|memory]...`; without names, all rows.
//! With `--write-only` the tasks have `secrets_wo` in place of `secrets`.
//!
//! `cargo build --release -p terraform-provider-justiam -p justiam-server -p justiam-tests --bins`, then run it.

use std::io::{self, Write as _};
use std::process::ExitCode;

use justiam_tests::provider_bench::{Bench, ROWS, Secrets};

#[tokio::main]
async fn main() -> io::Result<ExitCode> {
    let mut bench = Bench { rounds: 3, objects: 1000, secrets: Secrets::InState, rows: Vec::new() };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut number = || arguments.next().and_then(|text| text.parse().ok()).filter(|number| *number > 0);
        let understood = match argument.as_str() {
            "--rounds" => number().map(|rounds| bench.rounds = rounds).is_some(),
            "--objects" => number().map(|objects| bench.objects = objects).is_some(),
            "--write-only" => {
                bench.secrets = Secrets::WriteOnly;
                true
            }
            name => {
                bench.rows.push(name.to_owned());
                ROWS.contains(&name)
            }
        };
        if !understood {
            writeln!(io::stderr(), "`{argument}` is not understood; rows are {}", ROWS.join(", "))?;
            return Ok(ExitCode::from(2));
        }
    }
    let table = bench.run().await;
    io::stdout().write_all(table.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}
