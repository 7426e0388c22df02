//! Compiles `apportion/v1/*.proto` in Rust alone, so that no `protoc` is needed: once for the generated code, once as the
//! descriptor set that reflection serves and the tests of this crate read.

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
    protos.sort(); // the order of a directory differs from machine to machine

    let descriptors = protox::compile(&protos, ["."])?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("apportion_v1.bin"), descriptors.encode_to_vec())?;
    // `connect` would pull a transport into everything that only speaks the messages.
    let configured =
        tonic_prost_build::configure().build_transport(false).codec_path("crate::codec::LeaseCodec");
    configured.compile_fds(descriptors)?;
    Ok(())
}
