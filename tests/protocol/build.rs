//! Compiles the provider crate's own definitions, for a client.

use std::error::Error;

/// The same messages are opaque here as there.
const OPAQUE: &str = include_str!("../../provider/tfplugin/proto/opaque.txt");

fn main() -> Result<(), Box<dyn Error>> {
    let proto = "../../provider/tfplugin/proto";
    println!("cargo::rerun-if-changed={proto}");
    let files = protox::compile(["tfplugin6.proto", "plugin.proto"], [proto])?;
    tonic_prost_build::configure().build_server(false).skip_debug(OPAQUE.lines()).compile_fds(files)?;
    Ok(())
}
