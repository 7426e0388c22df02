//! Files with secrets in them: who but their owner can read them is told at the start.

use crate::config::Settings;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// What anybody but the owner may do with a file.
const OTHERS: u32 = 0o077;

/// Warns of each file with secrets that others than its owner may read or write.
pub(super) fn warn(settings: &Settings, store: &Path) {
    let key = settings.tls.as_ref().map(|tls| ("tls.key", &*tls.key));
    for (what, path) in [Some(("the store", store)), key].into_iter().flatten() {
        let Ok(found) = fs::metadata(path) else { continue };
        let mode = found.permissions().mode() & 0o7777;
        if mode & OTHERS != 0 {
            let path = path.display();
            tracing::warn!(
                "{what}: {path} has mode {mode:04o}, so others than its owner can use it: chmod 600 {path}"
            );
        }
    }
}
