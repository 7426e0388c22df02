//! Careless operators and damaged disks: what would lose changes or secrets is refused or noticed, and said.

use crate::process::{Said, Server, run, said, soon, start_refused};
use apportion_server::store::{Embedded, Store, Transaction};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

fn backup(server: &Server, to: &Path, more: &[&str]) -> Said {
    server.run(&[&["backup", to.to_str().expect("text")], more].concat())
}

fn restore(file: &Path, data: &Path) -> Said {
    let (file, data) = (file.to_str().expect("text"), data.to_str().expect("text"));
    run("http://127.0.0.1:1", &["restore", file, "--data-dir", data], &[])
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("there").permissions().mode() & 0o777
}

#[test]
fn a_backup_never_takes_the_place_of_a_store_and_no_change_is_lost() {
    let server = Server::start("", &[]);
    let store = server.data().join("apportion.redb");
    let hard = server.path("hard");
    fs::hard_link(&store, &hard).expect("linked");
    symlink(&store, server.path("link")).expect("linked");
    for to in [&store, &hard, &server.path("link"), &server.data().join("apportion.lock")] {
        let told = backup(&server, to, &["--force"]).refused();
        assert!(told.contains("is the file of a store") || told.contains("a server uses"), "{told}");
    }
    server.run(&["team", "create", "default", "kept"]).well();
    let server = server.restart("", &[]);
    server.run(&["team", "get", "default", "kept"]).well();
}

#[test]
fn a_store_that_is_replaced_while_the_server_runs_takes_no_change_and_that_is_told_until_it_is_back() {
    let server = Server::start("", &[]);
    let (store, aside, copy) =
        (server.data().join("apportion.redb"), server.path("aside"), server.path("copy"));
    backup(&server, &copy, &[]).well();
    let trouble = "apportion_trouble{workspace=\"default\",reason=\"STORE_LOST\"}";
    assert_eq!(server.metric(trouble), 0);
    fs::rename(&store, &aside).expect("moved");
    fs::copy(&copy, &store).expect("copied");
    // Nobody asks for anything: it is looked at all the same.
    soon(|| server.metric(trouble) == 1);
    assert!(server.run(&["team", "create", "default", "lost"]).refused().contains("STORE_LOST"));
    assert!(server.log().contains("is not the file that was opened"), "{}", server.log());
    fs::rename(&aside, &store).expect("moved back");
    soon(|| server.metric(trouble) == 0);
    server.run(&["team", "create", "default", "kept"]).well();
}

#[test]
fn files_with_secrets_are_their_owners_alone_and_wider_ones_are_told() {
    let server = Server::start("", &[]);
    let [to, part, victim] = ["file", "file.part", "victim"].map(|name| server.path(name));
    fs::write(&victim, b"untouched").expect("written");
    symlink(&victim, &part).expect("linked");
    assert!(backup(&server, &to, &[]).refused().contains("is not a regular file"));
    assert_eq!(fs::read(&victim).expect("readable"), b"untouched");
    fs::remove_file(&part).expect("removed");
    for path in [&to, &part] {
        fs::write(path, b"left by somebody").expect("written");
        fs::set_permissions(path, fs::Permissions::from_mode(0o666)).expect("its own");
    }
    backup(&server, &to, &["--force"]).well();
    let store = server.data().join("apportion.redb");
    assert_eq!([&to, &store, &server.data().join("apportion.lock")].map(|path| mode(path)), [0o600; 3]);
    assert!(!server.log().contains("has mode"), "{}", server.log());
    fs::set_permissions(&store, fs::Permissions::from_mode(0o644)).expect("its own");
    let server = server.restart("", &[]);
    soon(|| server.log().contains("apportion.redb has mode 0644"));
}

#[test]
fn names_and_notes_of_others_show_as_they_are_and_forge_no_row() {
    let server = Server::start("", &[("APPORTION_ADMIN_TOKEN", "root-secret-of-tests")]);
    let (address, root) =
        (format!("http://{}", server.address), [("APPORTION_TOKEN", "root-secret-of-tests")]);
    let note = "a\ntokens/forged  ROLE_ADMIN\u{1b}[2J\u{202e}\u{2028}\u{9b}b";
    run(&address, &["token", "create", "t", "--role", "admin", "--note", note], &root).well();
    for words in [&["token", "list"][..], &["token", "list", "--json"], &["audit"], &["audit", "--json"]] {
        let text = run(&address, words, &root).well();
        let shown = |c: char| c == '\n' || !(c.is_control() || "\u{202e}\u{2028}".contains(c));
        assert!(text.chars().all(shown), "{text:?}");
        assert!(!text.lines().any(|line| line.starts_with("tokens/forged")), "{text}");
        assert!(text.contains("\\u202e"), "{text}");
    }
    let listed = run(&address, &["token", "list", "--json"], &root).well();
    let listed: serde_json::Value = serde_json::from_str(&listed).expect("JSON");
    assert_eq!(listed[0]["note"], note);
}

#[test]
fn a_damaged_entry_of_the_audit_is_told_and_the_rest_is_shown() {
    let server = Server::start("", &[]);
    for id in ["a", "b", "c"] {
        server.run(&["team", "create", "default", id]).well();
    }
    let home = server.kill();
    let [data, file, other, third] = ["data", "file", "other", "third"].map(|name| home.path().join(name));
    let store = Embedded::open(&data).expect("nobody uses it");
    let spoilt =
        |key: &str| Transaction { puts: vec![(key.into(), vec![0xff; 40])], ..Transaction::default() };
    store.commit(vec![spoilt("audit/00000000000000000003")]);
    drop(store);
    let server = Server::start_in(home, "", &[]);
    let told = server.run(&["audit"]).well();
    assert!(told.contains("auditEntries/3 is damaged in the store"), "{told}");
    assert!(["teams/a", "teams/c"].iter().all(|team| told.contains(team)), "{told}");
    let taken = backup(&server, &file, &[]);
    assert_eq!(taken.code, Some(1), "{taken:?}");
    assert!(taken.err.contains("audit/00000000000000000003 cannot be read"), "{taken:?}");
    let restored = restore(&file, &other);
    assert!(restored.err.contains("warning: audit/00000000000000000003 cannot be read"), "{restored:?}");
    restored.well();
    let store = Embedded::open(&other).expect("nobody uses it");
    store.commit(vec![spoilt("workspace/default")]);
    drop(store);
    let told = restore(&other.join("apportion.redb"), &third).refused();
    assert!(told.contains("workspace/default cannot be read") && told.contains("restore a backup"), "{told}");
}

#[test]
fn a_damaged_page_is_told_at_the_start_in_one_line() {
    let mut server = Server::start("", &[]);
    server.run(&["team", "create", "default", "a"]).well();
    assert_eq!(server.ended_by("TERM"), Some(0));
    let home = server.kill();
    let store = home.path().join("data/apportion.redb");
    let whole = fs::read(&store).expect("readable");
    let mut damaged = 0;
    for page in 0..whole.len() / 4096 {
        let mut bytes = whole.clone();
        bytes[page * 4096..][..4096].iter_mut().for_each(|byte| *byte = !*byte);
        fs::write(&store, bytes).expect("written");
        // A store that opens would be served: it is asked for by a program that ends.
        let backup = home.path().join(format!("backup-{page}"));
        let words = [
            "backup",
            backup.to_str().expect("text"),
            "--data-dir",
            store.parent().and_then(Path::to_str).expect("text"),
        ];
        let said = run("http://127.0.0.1:1", &words, &[]);
        assert!(matches!(said.code, Some(0 | 2)), "page {page}: {said:?}");
        if said.code == Some(2) {
            damaged += 1;
            let told = start_refused(store.parent().expect("a directory")).refused();
            assert!(
                told.starts_with("apportion: the store is damaged: ") && told.lines().count() == 1,
                "{told}"
            );
            assert!(told.contains("restore a backup"), "{told}");
        }
    }
    assert!(damaged > 3, "{damaged}: nothing was shown");
}

#[test]
fn a_data_directory_that_is_a_file_is_told_by_its_path() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let told = start_refused(file.path()).refused();
    let expected =
        format!("apportion: {} is not a directory: name the data directory\n", file.path().display());
    assert_eq!(told, expected);
}

#[test]
fn a_hang_up_stops_the_server_in_good_order() {
    let mut server = Server::start("", &[]);
    assert_eq!(server.ended_by("HUP"), Some(0));
    assert!(server.log().contains("stopping"), "{}", server.log());
    let detached = Server::start_detached();
    detached.signal("HUP");
    detached.run(&["workspace", "list"]).well();
}

#[test]
fn the_first_line_is_json_where_the_log_is_and_a_new_store_is_told() {
    let server = Server::start("[log]\nformat = \"json\"\n", &[]);
    let first: serde_json::Value = serde_json::from_str(&server.first).expect("JSON");
    assert_eq!((&first["grpc"], &first["is_new_store"]), (&server.address.to_string().into(), &true.into()));
    soon(|| server.log().contains("is a new store"));
    assert!(server.log().lines().all(|line| line.starts_with('{')), "{}", server.log());
    let server = server.restart("[log]\nformat = \"json\"\n", &[]);
    let first: serde_json::Value = serde_json::from_str(&server.first).expect("JSON");
    assert_eq!(first["is_new_store"], false);
}

#[test]
fn a_command_whose_reader_has_gone_ends_without_a_word() {
    let server = Server::start("", &[]);
    let commands: [&[&str]; 4] = [
        &["workspace", "list"],
        &["audit", "--json"],
        &["top", "--once"],
        &["token", "create", "t", "--role", "admin"],
    ];
    for words in commands {
        // The other end is closed before the command begins.
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut command = Command::new(env!("CARGO_BIN_EXE_apportion"));
        command.env_clear().env("APPORTION_SERVER", format!("http://{}", server.address));
        let ended = command.args(words).stdin(Stdio::null()).stdout(writer).output().expect("it runs");
        let err = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert!(ended.status.code() == Some(0) && !err.contains("panicked"), "{words:?}: {err}");
    }
}

#[test]
fn a_policy_comes_from_standard_input_too() {
    let server = Server::start("", &[]);
    let text = "[[workspace]]\nid = \"w\"\npreset = \"intercom\"\n[[workspace.team]]\nid = \"whole\"\n\
                [[workspace.team]]\nid = \"part\"\nparent_team = \"whole\"\n";
    let mut command = Command::new(env!("CARGO_BIN_EXE_apportion"));
    command.env_clear().env("APPORTION_SERVER", format!("http://{}", server.address));
    let file = fs::File::open(server.file("policy", text)).expect("there");
    let told = said(command.args(["apply", "-f", "-"]).stdin(file)).well();
    assert!(told.contains("+ workspaces/w/teams/part"), "{told}");
    let file = fs::File::open(server.file("wrong", "x")).expect("there");
    let mut command = Command::new(env!("CARGO_BIN_EXE_apportion"));
    let told = said(command.env_clear().args(["apply", "-f", "-"]).stdin(file));
    assert!(told.err.starts_with("apportion: standard input: "), "{told:?}");
    let told = server.run(&["workspace", "get", "w", "--etag", "1"]);
    assert!(told.code == Some(2) && told.err.contains("--etag"), "{told:?}");
}
