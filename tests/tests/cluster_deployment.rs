//! `deploy/compose` and the unit of a node for systemd name only what the program knows, and each other's names agree.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use apportion_tests::process::program;
use serde_yaml_ng::Value;

/// The variable with the secret of the administrator, which is no flag.
const ADMIN_TOKEN: &str = "APPORTION_ADMIN_TOKEN";

fn deploy(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy").join(path)
}

fn read(path: &str) -> String {
    std::fs::read_to_string(deploy(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The help of a command.
fn help(command: &[&str]) -> String {
    let command: Vec<_> = command.iter().map(OsStr::new).chain([OsStr::new("--help")]).collect();
    String::from_utf8(program::apportion(None, &command).stdout).expect("text")
}

/// The environment variables that a help names.
fn variables(help: &str) -> BTreeSet<String> {
    let after = help.split("[env: ").skip(1);
    let names = after.filter_map(|rest| rest.split(['=', ']']).next());
    names.map(str::to_owned).collect()
}

/// `compose.yaml` with its anchors put in.
fn compose() -> Value {
    let mut compose: Value = serde_yaml_ng::from_str(&read("compose/compose.yaml")).expect("YAML");
    compose.apply_merge().expect("its anchors are maps");
    compose
}

/// The services whose names are wanted.
fn services(compose: &Value, is_wanted: impl Fn(&str) -> bool) -> Vec<(&str, &Value)> {
    let all = compose["services"].as_mapping().expect("services").iter();
    let named = all.map(|(name, service)| (name.as_str().expect("a name"), service));
    named.filter(|(name, _)| is_wanted(name)).collect()
}

fn keys(map: &Value) -> BTreeSet<&str> {
    map.as_mapping().expect("a map").keys().map(|key| key.as_str().expect("a key")).collect()
}

fn texts(list: &Value) -> Vec<&str> {
    list.as_sequence().expect("a list").iter().map(|text| text.as_str().expect("text")).collect()
}

fn variable<'a>(service: &'a Value, name: &str) -> &'a str {
    service["environment"][name].as_str().unwrap_or_else(|| panic!("{name} is not set"))
}

#[test]
fn every_variable_of_the_nodes_is_one_that_the_program_reads_and_every_secret_is_made() {
    let (served, client) = (variables(&help(&["serve"])), variables(&help(&["cluster", "status"])));
    assert!(
        served.contains("APPORTION_STORE") && client.contains("APPORTION_SERVER"),
        "{served:?} {client:?}"
    );
    let (compose, script) = (compose(), read("compose/certificates"));
    let nodes = services(&compose, |name| !name.starts_with("etcd"));
    assert_eq!(nodes.len(), 3);
    for (name, node) in &nodes {
        for variable in keys(&node["environment"]) {
            let is_known = served.contains(variable) || client.contains(variable);
            assert!(is_known, "{name}: the program reads no variable {variable}");
        }
        assert_eq!(variable(node, "APPORTION_NODE"), *name);
        assert_eq!(variable(node, "APPORTION_ADVERTISE"), format!("{name}:7420"));
        assert_eq!(variable(node, "APPORTION_SERVER"), format!("https://{name}:7420"));
        let health = texts(&node["healthcheck"]["test"]);
        assert_eq!(health[..2], ["CMD", "apportion"], "the image has no shell");
        assert!(help(&health[2..]).contains("Usage: apportion cluster status"), "{health:?}");
        assert_eq!(texts(&node["command"]), ["serve"]);
        assert_eq!(texts(&node["env_file"]), ["secrets/administrator.env"]);
    }
    assert!(
        script.contains(&format!("'{ADMIN_TOKEN}=%s")),
        "the script makes the variable of the administrator"
    );
    secrets_agree(&compose, &script);
}

/// Each secret that a service has is declared and made, each that it names in its environment it has, and no other one.
fn secrets_agree(compose: &Value, script: &str) {
    let declared = keys(&compose["secrets"]);
    let mut used = BTreeSet::new();
    for (name, service) in services(compose, |_| true) {
        let has: BTreeSet<_> = texts(&service["secrets"]).into_iter().collect();
        let values = service["environment"].as_mapping().expect("variables").values();
        let named = values.filter_map(|value| value.as_str()?.strip_prefix("/run/secrets/"));
        let of_health = texts(&service["healthcheck"]["test"]).into_iter();
        let named: BTreeSet<_> =
            named.chain(of_health.filter_map(|word| Some(word.split_once("/run/secrets/")?.1))).collect();
        assert_eq!(has, named, "{name}: the secrets that it has, and those that it names");
        used.extend(has);
    }
    assert_eq!(used, declared, "declared secrets, and used ones");
    for secret in declared {
        let file = compose["secrets"][secret]["file"].as_str().expect("a file");
        assert_eq!(file, format!("secrets/{secret}"));
        let name = secret.trim_end_matches(".pem").trim_end_matches("-key");
        let makes = [format!("authority {name} "), format!("certificate {name} "), format!(">{name}\n")];
        assert!(makes.iter().any(|line| script.contains(line.as_str())), "{secret}: nothing makes it");
    }
}

#[test]
fn the_members_of_etcd_and_the_nodes_know_each_other_and_keep_their_data_and_ports_apart() {
    let compose = compose();
    let members = services(&compose, |name| name.starts_with("etcd"));
    let cluster: Vec<_> = members.iter().map(|(name, _)| format!("{name}=https://{name}:2380")).collect();
    let store: Vec<_> = members.iter().map(|(name, _)| format!("{name}:2379")).collect();
    for (name, member) in &members {
        assert_eq!(variable(member, "ETCD_NAME"), *name);
        assert_eq!(variable(member, "ETCD_INITIAL_CLUSTER"), cluster.join(","));
        assert_eq!(variable(member, "ETCD_ADVERTISE_CLIENT_URLS"), format!("https://{name}:2379"));
        assert_eq!(variable(member, "ETCD_INITIAL_ADVERTISE_PEER_URLS"), format!("https://{name}:2380"));
        assert_eq!(texts(&member["volumes"]), [format!("{name}:/etcd-data")]);
        assert!(keys(&compose["volumes"]).contains(name));
    }
    let (mut ports, mut published) = (BTreeSet::new(), 0);
    for (_, node) in services(&compose, |name| !name.starts_with("etcd")) {
        assert_eq!(variable(node, "APPORTION_STORE"), format!("etcd://{}", store.join(",")));
        let waits: Vec<_> = keys(&node["depends_on"]).into_iter().collect();
        assert_eq!(waits, members.iter().map(|(name, _)| *name).collect::<Vec<_>>());
        for port in texts(&node["ports"]) {
            assert!(port.starts_with("127.0.0.1:"), "{port} is published beyond this machine");
            ports.insert(port.split(':').nth(1).expect("a port"));
            published += 1;
        }
    }
    assert_eq!(ports.len(), published, "two services publish one port");
}

/// The lines `key=value` of a unit, by section.
fn unit(text: &str) -> Vec<(String, String, String)> {
    let (mut section, mut lines) = (String::new(), Vec::new());
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            name.clone_into(&mut section);
            continue;
        }
        let (key, value) = line.split_once('=').unwrap_or_else(|| panic!("{line}: expected key=value"));
        lines.push((section.clone(), key.to_owned(), value.to_owned()));
    }
    lines
}

#[test]
fn the_unit_of_a_node_starts_the_program_with_flags_that_it_has_and_is_as_hardened_as_that_of_a_server() {
    let node = unit(&read("systemd/apportion-node@.service"));
    let sections: BTreeSet<_> = node.iter().map(|(section, ..)| section.as_str()).collect();
    assert_eq!(sections, BTreeSet::from(["Install", "Service", "Unit"]));
    let value = |wanted: &str| {
        let of_it = node.iter().filter(|(_, key, _)| key == wanted).map(|(.., value)| value.as_str());
        of_it.collect::<Vec<_>>()
    };
    let start: Vec<_> = value("ExecStart")[0].split(' ').collect();
    assert_eq!(start[..2], ["/usr/bin/apportion", "serve"]);
    let help = help(&["serve"]);
    for flag in start.iter().filter(|word| word.starts_with("--")) {
        assert!(help.contains(&format!("{flag} <")), "the program has no flag {flag}");
    }
    // All that confines the unit of a single server, but for its data directory.
    let server = unit(&read("systemd/apportion.service"));
    let data = ["StateDirectory", "StateDirectoryMode", "Environment", "ExecStart"];
    for line in
        server.iter().filter(|(section, key, _)| section == "Service" && !data.contains(&key.as_str()))
    {
        assert!(node.contains(line), "{line:?} is missing");
    }
    verify();
}

/// Has systemd check the unit, where it is installed; what the test above reads holds without it too.
fn verify() {
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        println!("systemd-analyze is not installed: the unit was read by this test alone");
        return;
    }
    let home = tempfile::tempdir().expect("a directory");
    let copy = home.path().join("apportion-node@a.service");
    let program = program::program().canonicalize().expect("it was built");
    let text = read("systemd/apportion-node@.service")
        .replace("/usr/bin/apportion", program.to_str().expect("UTF-8"));
    std::fs::write(&copy, text).expect("written");
    let checked =
        Command::new("systemd-analyze").arg("verify").arg("--man=no").arg(&copy).output().expect("it runs");
    let said = String::from_utf8_lossy(&checked.stderr);
    let of_it: Vec<_> = said.lines().filter(|line| line.contains("apportion-node")).collect();
    assert!(checked.status.success() && of_it.is_empty(), "{said}");
}
