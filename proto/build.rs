//! Compiles the `.proto` files with protox, so that no `protoc` is needed: to code, and to descriptor sets. Reflection serves that of
//! `apportion/v1`, the public API, and the tests of this crate read both.

use prost::Message;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let descriptors = protox::compile(protos("apportion/v1")?, ["."])?;
    fs::write(out.join("apportion_v1.bin"), descriptors.encode_to_vec())?;
    configured().compile_fds(descriptors)?;

    let descriptors = protox::compile(protos("apportion/peer/v1")?, ["."])?;
    fs::write(out.join("apportion_peer_v1.bin"), descriptors.encode_to_vec())?;
    // The messages of the public API are not generated again, but its services are: elsewhere.
    let out = out.join("peer");
    fs::create_dir_all(&out)?;
    let configured = configured().extern_path(".apportion.v1", "crate::v1").bytes(".apportion.peer.v1");
    configured.out_dir(out).compile_fds(descriptors)?;
    Ok(())
}

/// The messages of an Exchange that are large in memory. They are moved from hand to hand, so what is moved is a pointer.
const LARGE: [&str; 3] = [
    ".apportion.v1.ExchangeRequest.request.acquire",
    ".apportion.v1.ExchangeRequest.request.settle",
    ".apportion.v1.ExchangeResponse.response.granted",
];

/// `connect` would make every user of the messages depend on a transport.
fn configured() -> tonic_prost_build::Builder {
    let builder =
        tonic_prost_build::configure().build_transport(false).codec_path("crate::codec::LeaseCodec");
    LARGE.into_iter().fold(builder, tonic_prost_build::Builder::boxed)
}

/// The `.proto` files of a directory, in order of name: the order of directory entries differs between machines.
fn protos(directory: &str) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let directory = Path::new(directory);
    println!("cargo:rerun-if-changed={}", directory.display());
    let mut protos = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "proto") {
            protos.push(path);
        }
    }
    protos.sort();
    Ok(protos)
}
