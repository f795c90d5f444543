//! Compiles the protocol's definitions with a proto compiler written in Rust: no `protoc` on the build machine.

use std::error::Error;

/// Messages that can carry a secret: their `Debug` is written by hand, in `wire.rs`, and shows sizes only.
const OPAQUE: &[&str] = &[
    ".tfplugin6.DynamicValue",
    ".tfplugin6.RawState",
    ".tfplugin6.ReadResource.Request",
    ".tfplugin6.ReadResource.Response",
    ".tfplugin6.PlanResourceChange.Request",
    ".tfplugin6.PlanResourceChange.Response",
    ".tfplugin6.ApplyResourceChange.Request",
    ".tfplugin6.ApplyResourceChange.Response",
    ".tfplugin6.ImportResourceState.ImportedResource",
    ".tfplugin6.MoveResourceState.Request",
    ".tfplugin6.MoveResourceState.Response",
    ".tfplugin6.OpenEphemeralResource.Response",
    ".tfplugin6.RenewEphemeralResource.Request",
    ".tfplugin6.RenewEphemeralResource.Response",
    ".tfplugin6.CloseEphemeralResource.Request",
    ".tfplugin6.ReadStateBytes.ResponseChunk",
    ".tfplugin6.WriteStateBytes.RequestChunk",
    ".plugin.StdioData",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto");
    let files = protox::compile(["tfplugin6.proto", "plugin.proto"], ["proto"])?;
    tonic_prost_build::configure()
        // A new Terraform may call what this crate does not know yet: the answer is then "unimplemented".
        .generate_default_stubs(true)
        .skip_debug(OPAQUE)
        .compile_fds(files)?;
    Ok(())
}
