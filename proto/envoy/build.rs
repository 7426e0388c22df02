//! Compiles the part of Envoy's API that is served with protox, so that no `protoc` is needed: to code, and to a descriptor set.

use prost::Message;
use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

/// The file with the service; it imports the others.
const SERVICE: &str = "envoy/service/ratelimit/v3/rls.proto";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=envoy");
    let descriptors = protox::compile([SERVICE], ["."])?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("envoy.bin"), descriptors.encode_to_vec())?;
    let configured = tonic_prost_build::configure().build_transport(false).include_file("envoy.rs");
    configured.compile_fds(descriptors)?;
    Ok(())
}
