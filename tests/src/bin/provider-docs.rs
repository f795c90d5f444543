//! Writes the provider's pages in `docs`: `cargo run -p justiam-tests --bin provider-docs`, after a build of the provider. With `--check` it
//! writes nothing, says which page differs, and fails if one does.

use std::env;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use justiam_tests::programs::program;
use justiam_tests::provider_docs;

#[tokio::main]
async fn main() -> io::Result<ExitCode> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let check = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => false,
        ["--check"] => true,
        _ => {
            writeln!(io::stderr(), "usage: provider-docs [--check]")?;
            return Ok(ExitCode::from(2));
        }
    };
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let pages = match provider_docs::generate(&program("terraform-provider-justiam"), root).await {
        Ok(pages) => pages,
        Err(mistakes) => return failed(&mistakes),
    };
    if check {
        let differences = provider_docs::differences(&pages, root);
        if !differences.is_empty() {
            return failed(&differences);
        }
        writeln!(io::stdout(), "{} pages are as the provider says", pages.len())?;
    } else {
        provider_docs::write(&pages, root)?;
        writeln!(io::stdout(), "wrote {} pages", pages.len())?;
    }
    Ok(ExitCode::SUCCESS)
}

fn failed(lines: &[String]) -> io::Result<ExitCode> {
    for line in lines {
        writeln!(io::stderr(), "{line}")?;
    }
    writeln!(
        io::stderr(),
        "Pages are made by `cargo run -p justiam-tests --bin provider-docs`, after a build of the provider."
    )?;
    Ok(ExitCode::FAILURE)
}
