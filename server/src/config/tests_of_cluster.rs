//! Which settings make a node of a cluster, and what is refused.

use super::tests::{refused, settings};
use std::path::Path;

/// The flags of a node, and more.
fn node<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let node = ["--store", "etcd://127.0.0.1:2379,[::1]:2379", "--cluster", "blue", "--node", "n1"];
    [&node, more].concat()
}

#[test]
fn a_node_is_set_by_flags_or_the_file() {
    let file = "store = \"etcd://a.example:2379\"\n[cluster]\nname = \"red\"\nnode = \"n2\"\nadvertise = \"n2.example:7420\"\n[etcd]\nca = \"ca.pem\"";
    let of_file = settings(&[], file).expect("it is allowed").cluster.expect("a cluster");
    assert_eq!((of_file.etcd.cluster.as_str(), of_file.node.as_str()), ("red", "n2"));
    assert_eq!(of_file.etcd.options.members, ["a.example:2379"]);
    assert_eq!(of_file.etcd.options.tls.map(|tls| tls.ca), Some("ca.pem".into()));
    assert_eq!(of_file.advertise.as_deref(), Some("n2.example:7420"));
    let flags = settings(&node(&[]), file).expect("it is allowed").cluster.expect("a cluster");
    assert_eq!(flags.etcd.options.members, ["127.0.0.1:2379", "[::1]:2379"]);
    assert_eq!((flags.etcd.cluster.as_str(), flags.node.as_str()), ("blue", "n1"));
    assert_eq!(flags.store(), "etcd://127.0.0.1:2379,[::1]:2379, cluster blue");
    assert!(settings(&[], "").expect("it is allowed").cluster.is_none());
}

#[test]
fn settings_of_a_cluster_without_one_and_a_data_directory_with_one_are_refused() {
    let flags = [
        ("--cluster", "cluster.name"),
        ("--node", "cluster.node"),
        ("--advertise", "cluster.advertise"),
        ("--etcd-ca", "etcd.ca"),
        ("--etcd-cert", "etcd.cert"),
        ("--etcd-key", "etcd.key"),
        ("--etcd-user", "etcd.user"),
        ("--etcd-password-file", "etcd.password_file"),
    ];
    for (flag, name) in flags {
        let told = refused(&[flag, "x"], "");
        assert_eq!(told, format!("{name}: requires store, such as etcd://127.0.0.1:2379"));
    }
    let told = "data_dir: is for the embedded store: unset it, or store";
    assert_eq!(refused(&node(&["--data-dir", "x"]), ""), told);
    assert_eq!(refused(&node(&[]), "data_dir = \"x\""), told);
}

#[test]
fn an_address_of_a_store_is_a_scheme_and_members() {
    let of = |store: &str| refused(&["--store", store, "--cluster", "c", "--node", "n"], "");
    for bad in ["", "x", "a:2379", "http://a:2379", "ETCD://a:2379", "etcd:/a:1", "./data"] {
        assert!(of(bad).contains("does not start with etcd://"), "{bad}: {}", of(bad));
    }
    for bad in [
        "etcd://",
        "etcd://a",
        "etcd://a:",
        "etcd://:1",
        "etcd://a:0",
        "etcd://a:65536",
        "etcd://a:1,",
        "etcd://a:1/x",
        "etcd://a b:1",
        "etcd://[::g]:1",
        "etcd://::1:1",
        "etcd://a:1?x",
    ] {
        assert!(
            of(bad).starts_with("store: \"") && of(bad).ends_with("is not HOST:PORT"),
            "{bad}: {}",
            of(bad)
        );
    }
    assert!(of("etcd://root:secret@a:1").ends_with("set etcd.user and etcd.password_file"));
    assert!(!of("etcd://root:secret@a:1").contains("secret"));
    let many = format!("etcd://{}", vec!["a:1"; 33].join(","));
    assert_eq!(of(&many), "store: 33 members, at most 32");
}

#[test]
fn names_and_addresses_of_nodes_are_checked() {
    let store = ["--store", "etcd://a:1"];
    let of = |more: &[&str]| refused(&[&store, more].concat(), "");
    assert!(of(&["--node", "n"]).starts_with("cluster.name: is missing"));
    assert!(of(&["--cluster", "c"]).starts_with("cluster.node: is missing"));
    for bad in ["", "a-", "A", "a/b", "a_b", "ä", &"a".repeat(64)] {
        assert!(of(&["--cluster", bad, "--node", "n"]).starts_with("cluster.name: "), "{bad}");
    }
    for bad in ["", "a/b", "a b"] {
        assert!(of(&["--cluster", "c", "--node", bad]).starts_with("cluster.node: "), "{bad}");
    }
    for bad in ["", "a", ":1", "0.0.0.0:1", "[::]:1", "http://a:1"] {
        let told = of(&["--cluster", "c", "--node", "n", "--advertise", bad]);
        assert!(told.starts_with("cluster.advertise: "), "{bad}: {told}");
    }
}

#[test]
fn half_of_a_certificate_or_of_a_login_is_refused_and_so_is_a_password_in_the_clear() {
    assert!(refused(&node(&["--etcd-cert", "c"]), "").starts_with("etcd.ca: is missing"));
    assert!(refused(&node(&["--etcd-ca", "a", "--etcd-cert", "c"]), "").starts_with("etcd.key: is missing"));
    assert!(refused(&node(&["--etcd-ca", "a", "--etcd-key", "k"]), "").starts_with("etcd.cert: is missing"));
    assert!(refused(&node(&["--etcd-user", "u"]), "").starts_with("etcd.password_file: is missing"));
    assert!(refused(&node(&["--etcd-password-file", "f"]), "").starts_with("etcd.user: is missing"));
    let absent = refused(&node(&["--etcd-user", "u", "--etcd-password-file", "/does/not/exist"]), "");
    assert!(absent.starts_with("etcd.password_file: /does/not/exist: "), "{absent}");
    let file = tempfile::NamedTempFile::new().expect("a file");
    let path = file.path().to_str().expect("a path");
    let login = ["--etcd-user", "u", "--etcd-password-file", path];
    assert!(refused(&node(&login), "").ends_with(": 1 to 1024 bytes"));
    std::fs::write(file.path(), "secret \n").expect("it is written");
    let cluster = settings(&node(&login), "").expect("it is allowed").cluster.expect("a cluster");
    let known = cluster.etcd.options.login.expect("a login");
    assert_eq!((known.user.as_str(), known.password.as_str()), ("u", "secret "));
    assert!(!format!("{known:?}").contains("secret"));
    assert_eq!(cluster.password_file.as_deref(), Some(Path::new(path)));
    let far = ["--store", "etcd://10.0.0.1:2379", "--cluster", "c", "--node", "n"];
    let told = refused(&[&far[..], &login].concat(), "");
    assert!(told.starts_with("etcd.user: the password would be sent to 10.0.0.1:2379 without TLS"), "{told}");
    assert!(settings(&[&far[..], &login, &["--insecure"]].concat(), "").is_ok());
    assert!(settings(&[&far[..], &login, &["--etcd-ca", "ca.pem"]].concat(), "").is_ok());
}
