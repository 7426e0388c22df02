//! The memory of this process, for tests that measure it. Such a test is the only one of its file.

/// The anonymous memory of this process that is resident, in bytes.
///
/// # Panics
/// If the system does not report it.
pub fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/status").expect("a Linux system");
    let line = text.lines().find_map(|line| line.strip_prefix("RssAnon:")).expect("a line for it");
    let kib = line.split_whitespace().next().and_then(|kib| kib.parse::<usize>().ok());
    kib.expect("a number of KiB") * 1024
}
