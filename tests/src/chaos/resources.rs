//! What a process holds: memory, file handles, connections.

use std::fs;

/// What a process holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Resources {
    /// Resident memory, in KiB.
    pub memory_kib: u64,
    /// Open file handles, those of connections included.
    pub handles: u64,
    /// Open sockets.
    pub sockets: u64,
}

impl Resources {
    /// What a process holds now; nothing, if it has ended.
    pub fn of(pid: u32) -> Self {
        let links = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        let links: Vec<_> = links.filter_map(|entry| fs::read_link(entry.path()).ok()).collect();
        let sockets = links.iter().filter(|link| link.to_string_lossy().starts_with("socket:"));
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next());
        Self {
            memory_kib: memory.and_then(|number| number.parse().ok()).unwrap_or_default(),
            handles: count(links.len()),
            sockets: count(sockets.count()),
        }
    }

    /// The larger of each.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self {
            memory_kib: self.memory_kib.max(other.memory_kib),
            handles: self.handles.max(other.handles),
            sockets: self.sockets.max(other.sockets),
        }
    }
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
