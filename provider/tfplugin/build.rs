//! Compiles the protocol's definitions with a proto compiler written in Rust: no `protoc` on the build machine.

use std::error::Error;

/// Messages that can carry a secret: their `Debug` is written by hand, in `src/wire/opaque.rs`, and shows sizes only.
const OPAQUE: &str = include_str!("proto/opaque.txt");

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto");
    let files = protox::compile(["tfplugin6.proto", "plugin.proto"], ["proto"])?;
    tonic_prost_build::configure()
        .build_client(false)
        // A new Terraform may call what this crate does not know yet: the answer is then "unimplemented".
        .generate_default_stubs(true)
        .skip_debug(OPAQUE.lines())
        .compile_fds(files)?;
    Ok(())
}
