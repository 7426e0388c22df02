//! The unit for systemd, as systemd reads it.

use std::process::Command;

use crate::files::{read, target};

/// The most exposed that the service may be, in tenths of systemd's scale from 0 to 10.
const EXPOSURE_MAX_TENTHS: &str = "13";
const UNIT: &str = "apportion.service";

/// Runs systemd-analyze on the unit. Returns whether it succeeded, and everything it printed.
fn analyze(arguments: &[&str], unit: &str) -> (bool, String) {
    let home = tempfile::tempdir_in(target()).expect("a directory");
    let path = home.path().join(UNIT);
    std::fs::write(&path, unit).expect("it is written");
    let output = Command::new("systemd-analyze").args(arguments).arg(&path).output().unwrap_or_else(|error| {
        panic!("systemd-analyze, which this test runs: {error}; install systemd (Debian: apt-get install systemd)")
    });
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

/// The unit with a program that is there.
fn unit() -> String {
    let unit = read(&format!("deploy/systemd/{UNIT}"));
    assert!(unit.contains("ExecStart=/usr/bin/apportion serve"), "it starts the program of the package");
    unit.replace("/usr/bin/apportion", "/bin/true")
}

#[test]
fn systemd_understands_every_line_of_the_unit() {
    let verify = ["verify", "--man=no"];
    let faults = |unit: &str| {
        let (_, text) = analyze(&verify, unit);
        text.lines().filter(|line| line.contains(UNIT)).map(String::from).collect::<Vec<_>>()
    };
    assert_eq!(faults(&unit()), Vec::<String>::new());
    let wrong = unit().replace("Restart=always", "Restart=allways");
    assert_eq!(faults(&wrong).len(), 1, "a wrong line is noticed");
}

#[test]
fn the_service_is_hardly_exposed() {
    let arguments = ["security", "--offline=true", "--threshold", EXPOSURE_MAX_TENTHS, "--no-pager"];
    let (is_below, text) = analyze(&arguments, &unit());
    assert!(is_below, "more exposed than {EXPOSURE_MAX_TENTHS} tenths: {text}");
    let (is_below, _) =
        analyze(&arguments, &unit().replace("ProtectSystem=strict", "").replace("PrivateUsers=yes", ""));
    assert!(!is_below, "a service with less protection is noticed");
}
