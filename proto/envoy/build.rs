//! Compiles the part of Envoy's API that is served with protox, so that no `protoc` is needed: to code, and to a descriptor set.

use prost::Message;
use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

/// The files with services; they import the others.
const SERVICES: [&str; 2] =
    ["envoy/service/ratelimit/v3/rls.proto", "envoy/service/rate_limit_quota/v3/rlqs.proto"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=envoy");
    let descriptors = protox::compile(SERVICES, ["."])?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("envoy.bin"), descriptors.encode_to_vec())?;
    let configured = tonic_prost_build::configure().build_transport(false).include_file("envoy.rs");
    // Maps of a bucket in order of their keys: a bucket is told apart by what is in it.
    configured.btree_map(".").compile_fds(descriptors)?;
    Ok(())
}
