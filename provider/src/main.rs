//! The provider's program, which Terraform starts.

use std::process::ExitCode;

fn main() -> ExitCode {
    tfplugin::serve(terraform_provider_justiam::JustIam)
}
