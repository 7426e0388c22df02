//! Processor affinity and accounting.

use rustix::process::setpriority_process;
use rustix::thread::{CpuSet, gettid, sched_setaffinity};

/// The processor of servers.
const SERVERS: usize = 0;
/// The processor of the load.
const LOAD: usize = 1;

/// Starts a server on the processor of servers; this thread stays on that of the load. With one processor, both share it.
pub(crate) fn on_server_core<T>(start: impl FnOnce() -> T) -> T {
    move_to(SERVERS);
    let started = start();
    move_to(LOAD);
    started
}

fn move_to(core: usize) {
    let mut set = CpuSet::new();
    set.set(core);
    let _ = sched_setaffinity(None, &set);
}

/// Lowers the priority of this thread below all others.
pub(crate) fn lower_priority() {
    let _ = setpriority_process(Some(gettid()), 19);
}

/// The processor time of the live threads of a process so far, in nanoseconds.
pub(crate) fn processor_time(pid: u32) -> u64 {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{pid}/task")) else { return 0 };
    let of = |thread: std::fs::DirEntry| {
        let text = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    };
    threads.flatten().filter_map(of).sum()
}

/// The resident memory of a process, in bytes.
pub(crate) fn memory(pid: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0");
    line.split_whitespace().next().and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) * 1024
}
