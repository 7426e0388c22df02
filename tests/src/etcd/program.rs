//! The programs `etcd` and `etcdutl`, built once from their Go module into `target/etcd`.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The packages, and the names of their programs.
const PACKAGES: [(&str, &str); 2] =
    [("etcd", "go.etcd.io/etcd/server/v3"), ("etcdutl", "go.etcd.io/etcd/etcdutl/v3")];

/// The program of this name. Panics, naming what is missing, if it cannot be built.
pub(super) fn program(name: &str) -> PathBuf {
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    let directory = DIRECTORY.get_or_init(|| {
        let directory = directory();
        for (name, package) in PACKAGES {
            build(&directory.join(name), package);
        }
        directory
    });
    directory.join(name)
}

/// `target/etcd`, beside the directory of this program's profile.
fn directory() -> PathBuf {
    let this = std::env::current_exe().expect("a path");
    let profile = this.parent().expect("a directory");
    let profile = if profile.ends_with("deps") { profile.parent().expect("target/PROFILE") } else { profile };
    profile.parent().expect("target").join("etcd")
}

fn build(program: &Path, package: &str) {
    let module = Path::new(env!("CARGO_MANIFEST_DIR")).join("etcd");
    let changed = |path: &Path| path.metadata().and_then(|file| file.modified()).ok();
    if changed(program).is_some_and(|built| Some(built) >= changed(&module.join("go.mod"))) {
        return;
    }
    eprintln!("building {}, once", program.display());
    let mut go = Command::new("go");
    go.args(["build", "-trimpath", "-ldflags", "-s -w", "-o"]).arg(program).arg(package);
    match go.current_dir(&module).status() {
        Ok(status) if status.success() => {}
        Ok(status) => panic!("etcd, which this test needs, cannot be built: `go build {package}`: {status}"),
        Err(error) if error.kind() == ErrorKind::NotFound => panic!(
            "this test needs etcd, which is built with Go, and go is missing: install Go 1.26 or newer (https://go.dev/dl), then run `make etcd`"
        ),
        Err(error) => {
            panic!("this test needs etcd, which is built with Go, and go cannot be started: {error}")
        }
    }
}
