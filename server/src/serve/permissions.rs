//! The permissions of files that hold secrets: the server warns at start where others than the owner can use them.

use crate::config::Settings;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// The permission bits of everybody but the owner.
const NOT_OWNER: u32 = 0o077;

/// Warns of each file with secrets that others than its owner may read or write.
pub(super) fn warn(settings: &Settings, store: Option<&Path>) {
    let key = settings.tls.as_ref().map(|tls| ("tls.key", &*tls.key));
    let password = settings.cluster.as_ref().and_then(|cluster| cluster.password_file.as_deref());
    let password = password.map(|path| ("etcd.password_file", path));
    for (what, path) in [store.map(|store| ("the store", store)), key, password].into_iter().flatten() {
        let Ok(found) = fs::metadata(path) else { continue };
        let mode = found.permissions().mode() & 0o7777;
        if mode & NOT_OWNER != 0 {
            let path = path.display();
            tracing::warn!(
                "{what}: {path} has mode {mode:04o}, so others than its owner can use it: chmod 600 {path}"
            );
        }
    }
}
