//! Instruments: processor time, memory, instructions, medians.

use std::process::Command;

/// The processor time of this thread so far, in nanoseconds.
pub(crate) fn processor_time() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split_whitespace().next().and_then(|ns| ns.parse().ok()).unwrap_or(0)
}

/// The resident anonymous memory of this process, in bytes.
pub(crate) fn memory() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap_or("0");
    line.split_whitespace().next().and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) * 1024
}

/// The mean processor time of one operation, in nanoseconds. `work` returns how many there were.
pub(crate) fn each(work: impl FnOnce() -> u64) -> f64 {
    let before = processor_time();
    let count = work();
    (processor_time() - before) as f64 / count.max(1) as f64
}

/// The median of some measurements.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The output of this program, run again with those arguments.
pub(crate) fn apart(arguments: &[&str]) -> Option<String> {
    let output = Command::new(std::env::current_exe().ok()?).args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The instructions inside `function` while this program runs with those arguments, and its output. None without valgrind.
pub(crate) fn instructions(function: &str, arguments: &[&str]) -> Option<(f64, String)> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--collect-atstart=no"])
        .arg(format!("--toggle-collect=*{function}*"))
        .arg(std::env::current_exe().ok()?)
        .args(arguments)
        .output()
        .ok()?;
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    let collected = log.lines().find_map(|line| line.split("Collected :").nth(1))?;
    Some((collected.trim().parse().ok()?, String::from_utf8_lossy(&output.stdout).into_owned()))
}
