//! Compiles `apportion/v1/*.proto` with protox, so that no `protoc` is needed: to code, and to the descriptor set that reflection
//! serves and the tests of this crate read.

use prost::Message;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let directory = Path::new("apportion/v1");
    println!("cargo:rerun-if-changed={}", directory.display());
    let mut protos = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "proto") {
            protos.push(path);
        }
    }
    protos.sort(); // the order of directory entries differs between machines

    let descriptors = protox::compile(&protos, ["."])?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("apportion_v1.bin"), descriptors.encode_to_vec())?;
    // `connect` would make every user of the messages depend on a transport.
    let configured =
        tonic_prost_build::configure().build_transport(false).codec_path("crate::codec::LeaseCodec");
    configured.compile_fds(descriptors)?;
    Ok(())
}
