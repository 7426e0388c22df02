//! Where a setting comes from, what is refused, and where a server may listen.

use super::file::ConfigFile;
use super::*;
use crate::service::authorize::{Role, Scope};
use apportion_core::ids::{TeamId, WorkspaceId};
use clap::Parser;
use std::path::Path;

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    flags: Flags,
}

fn flags(words: &[&str]) -> Flags {
    Command::try_parse_from([&["serve"], words].concat()).expect("flags are allowed").flags
}

pub(super) fn settings(words: &[&str], file: &str) -> Result<Settings, ConfigError> {
    let file = file::parse(Path::new("apportion.toml"), file)?;
    Settings::resolve(&flags(words), file, None)
}

pub(super) fn refused(words: &[&str], file: &str) -> String {
    settings(words, file).expect_err("it is refused").to_string()
}

#[test]
fn nothing_set_is_a_server_on_loopback() {
    let settings = settings(&[], "").expect("it is allowed");
    assert_eq!(
        (settings.listen.to_string(), settings.http_listen.to_string()),
        ("127.0.0.1:7420".into(), "127.0.0.1:7421".into())
    );
    assert_eq!(settings.data_dir, Path::new("./apportion-data"));
    assert_eq!((settings.tls.is_none(), settings.insecure), (true, false));
    assert_eq!(check_exposure(&settings, false), Ok(()));
}

#[test]
fn a_flag_comes_before_the_file_and_the_file_before_the_default() {
    let file =
        "listen = \"127.0.0.1:1\"\ndrain_seconds = 3\n[limits]\nconnections = 7\n[log]\nformat = \"json\"";
    let settings = settings(&["--listen", "127.0.0.1:2", "--insecure"], file).expect("it is allowed");
    assert_eq!((settings.listen.port(), settings.http_listen.port()), (2, 7421));
    assert_eq!((settings.drain_seconds, settings.limits.connections), (3, 7));
    assert_eq!((settings.log.format, settings.log.level), (LogFormat::Json, LogLevel::Info));
    assert!(settings.insecure);
}

#[test]
fn every_flag_has_its_variable() {
    let command = <Command as clap::CommandFactory>::command();
    for flag in command.get_arguments() {
        let name = flag.get_id().as_str().to_ascii_uppercase();
        let variable = flag.get_env().map(|env| env.to_string_lossy().into_owned());
        assert_eq!(variable, Some(format!("APPORTION_{name}")));
    }
}

#[test]
fn an_unknown_key_is_refused_by_name_with_its_line() {
    let told = refused(&[], "drain_seconds = 3\n[tls]\ncertificate = \"x\"\n");
    assert!(told.starts_with("apportion.toml: ") && told.contains("line 3"), "{told}");
    assert!(told.contains("unknown field `certificate`"), "{told}");
}

#[test]
fn a_bound_of_nothing_and_half_of_tls_are_refused() {
    assert_eq!(refused(&["--connections", "0"], ""), "limits.connections: must be at least 1");
    assert_eq!(refused(&["--drain-seconds", "3601"], ""), "drain_seconds: must be at most 3600");
    assert_eq!(settings(&["--drain-seconds", "3600"], "").expect("it is allowed").drain_seconds, 3_600);
    assert_eq!(refused(&["--tls-cert", "a"], ""), "tls: cert and key must be set together; key is missing");
    assert_eq!(
        refused(&["--tls-client-ca", "a"], ""),
        "tls: cert and key must be set together; cert is missing"
    );
}

#[test]
fn a_name_of_certificates_is_bound_to_a_role_and_scopes() {
    let file = "[tls]\ncert = \"c\"\nkey = \"k\"\nclient_ca = \"a\"\nclient_optional = true\n\
                [[tls.client]]\nsan = \"spiffe://example.org/sync\"\nrole = \"client\"\nscopes = [\"eu/sync\", \"*\"]\n";
    let clients =
        settings(&[], file).expect("it is allowed").tls.and_then(|tls| tls.clients).expect("they are set");
    let name = |id: &str| WorkspaceId::new(id).expect("a name");
    let sync = Scope { workspace: Some(name("eu")), team: Some(TeamId::new("sync").expect("a name")) };
    let scopes = vec![sync, Scope { workspace: None, team: None }];
    let binding = Binding { san: "spiffe://example.org/sync".into(), role: Role::Client, scopes };
    assert_eq!(clients, Clients { ca: "a".into(), optional: true, bindings: vec![binding] });
}

#[test]
fn a_binding_that_does_not_hold_is_refused_with_its_name() {
    let tls = "[tls]\ncert = \"c\"\nkey = \"k\"\n";
    let entry = |line: &str| format!("{tls}client_ca = \"a\"\n[[tls.client]]\n{line}\n");
    let san = "san = \"a.example.org\"\n";
    let admin = format!("{san}role = \"admin\"");
    for (file, told) in [
        (format!("{tls}[[tls.client]]\n{admin}"), "tls: client requires client_ca"),
        (format!("{tls}client_optional = true"), "tls: client_optional requires client_ca"),
        (
            entry(&format!("{san}role = \"client\"")),
            "tls.client \"a.example.org\": scopes: at least one, such as \"WORKSPACE/TEAM\"",
        ),
        (
            entry(&format!("{admin}\nscopes = [\"*\"]")),
            "tls.client \"a.example.org\": scopes: an admin has none",
        ),
        (
            entry(&format!("{san}role = \"observer\"\nscopes = [\"a/b/c\"]")),
            "tls.client \"a.example.org\": scopes: \"a/b/c\" is not WORKSPACE or WORKSPACE/TEAM",
        ),
        (
            entry("san = \"*.example.org\"\nrole = \"admin\""),
            "tls.client \"*.example.org\": san: no patterns; name each client",
        ),
        (
            entry("san = \"\"\nrole = \"admin\""),
            "tls.client \"\": san: a DNS name or URI of 1 to 1024 printable characters",
        ),
        (
            entry(&format!("{admin}\n[[tls.client]]\n{admin}")),
            "tls.client \"a.example.org\": it is bound twice",
        ),
    ] {
        assert_eq!(refused(&[], &file), told);
    }
    let unknown = refused(&[], &entry(&format!("{admin}\nteam = \"sync\"")));
    assert!(unknown.contains("unknown field `team`") && unknown.contains("line 8"), "{unknown}");
}

#[test]
fn so_many_names_of_certificates_are_bound_and_no_more() {
    let name = |n: usize| format!("[[tls.client]]\nsan = \"c{n}.example.org\"\nrole = \"admin\"\n");
    let file = |count: usize| {
        let names: String = (0..count).map(name).collect();
        format!("[tls]\ncert = \"c\"\nkey = \"k\"\nclient_ca = \"a\"\n{names}")
    };
    assert!(settings(&[], &file(10_000)).is_ok());
    assert_eq!(refused(&[], &file(10_001)), "tls.client: 10001 names, at most 10000");
}

#[test]
fn a_secret_is_not_shown() {
    let settings =
        Settings::resolve(&flags(&[]), ConfigFile::default(), Some("hunter2hunter2hunter2".into()))
            .expect("allowed");
    assert!(!format!("{settings:?}").contains("hunter2"));
    assert_eq!(settings.admin_token.as_ref().map(Secret::expose), Some("hunter2hunter2hunter2"));
}

#[test]
fn a_secret_of_the_environment_is_long_and_bears_no_blanks() {
    let admin_token = |text: &str| {
        let settings = Settings::resolve(&flags(&[]), ConfigFile::default(), Some(text.into()));
        settings.map(|settings| settings.admin_token.map(|secret| secret.expose().to_owned()))
    };
    let secret = "0123456789abcdef";
    assert_eq!(admin_token("").ok(), Some(None), "an empty variable is as good as none");
    assert_eq!(admin_token(secret).ok(), Some(Some(secret.into())));
    assert_eq!(admin_token(&format!(" {secret}\n")).ok(), Some(Some(secret.into())), "as a file gives it");
    for bad in
        ["x", "0123456789abcde", "   \n", "0123456789 abcdef", "0123456789abcd\u{e9}f", &"x".repeat(1_025)]
    {
        let told = admin_token(bad).expect_err("it is refused").to_string();
        assert!(told.starts_with("APPORTION_ADMIN_TOKEN: must be 16 to 1024 printable"), "{told}");
    }
}

#[test]
fn a_server_beyond_loopback_wants_tls_and_authentication() {
    let exposed = |words: &[&str], has_tokens| {
        let words = [&["--listen", "0.0.0.0:1"], words].concat();
        check_exposure(&settings(&words, "").expect("it is allowed"), has_tokens)
    };
    let tls = ["--tls-cert", "c", "--tls-key", "k"];
    let listen = "0.0.0.0:1".parse().expect("an address");
    assert_eq!(exposed(&[], true), Err(Exposed::WithoutTls(listen)));
    assert_eq!(exposed(&tls, false), Err(Exposed::WithoutAuthentication(listen)));
    assert_eq!(exposed(&tls, true), Ok(()));
    let clients = [&tls[..], &["--tls-client-ca", "a"]].concat();
    assert_eq!(exposed(&clients, false), Err(Exposed::Nobody));
    assert_eq!(exposed(&[&clients[..], &["--insecure"]].concat(), false), Err(Exposed::Nobody));
    assert_eq!(exposed(&clients, true), Ok(()));
    let bound = "[[tls.client]]\nsan = \"ops.example.org\"\nrole = \"admin\"";
    let bound = settings(&[&["--listen", "0.0.0.0:1"], &clients[..]].concat(), bound).expect("it is allowed");
    assert_eq!(check_exposure(&bound, false), Ok(()));
    assert_eq!(exposed(&["--insecure"], false), Ok(()));
    let http = settings(&["--http-listen", "[::]:1"], "").expect("it is allowed");
    assert!(matches!(check_exposure(&http, true), Err(Exposed::PlainHttp(_))));
    let mapped = settings(&["--listen", "[::ffff:127.0.0.1]:1"], "").expect("it is allowed");
    assert_eq!(check_exposure(&mapped, false), Ok(()));
}

#[test]
fn the_port_for_nodes_has_tls_or_is_on_loopback() {
    let exposed = |words: &[&str]| check_exposure(&settings(words, "").expect("allowed"), true);
    let beyond = "192.0.2.1:7422";
    let refused = exposed(&["--peer-listen", beyond, "--insecure"]).expect_err("refused");
    assert_eq!(refused, Exposed::PeersWithoutTls(beyond.parse().expect("an address")));
    assert_eq!(exposed(&["--peer-listen", "127.0.0.1:7422"]), Ok(()));
    let tls = ["--peer-tls-cert", "c", "--peer-tls-key", "k", "--peer-tls-ca", "a"];
    assert_eq!(exposed(&[&["--peer-listen", beyond], &tls[..]].concat()), Ok(()));
    for left_out in 0..3 {
        let part: Vec<_> = tls
            .chunks(2)
            .enumerate()
            .filter(|(at, _)| *at != left_out)
            .flat_map(|(_, it)| it.to_vec())
            .collect();
        let which = ["cert", "key", "ca"][left_out];
        assert_eq!(
            self::refused(&part, ""),
            format!("peer_tls: cert, key and ca must be set together; {which} is missing")
        );
    }
}
