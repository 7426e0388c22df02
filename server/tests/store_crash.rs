//! A process that is killed while it commits: nothing that it was told to be durable is lost.

use apportion_server::store::{CommitOutcome, Embedded, Store, Transaction};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

/// Where the child commits; absent in the parent.
const DIRECTORY: &str = "APPORTION_STORE_CRASH_DIRECTORY";
/// How often the child is killed.
const KILLS: u32 = 20;
/// How many transactions the child commits at once.
const GROUP: u64 = 4;

fn key(number: u64) -> String {
    format!("key/{number:08}")
}

/// A value that its number tells, of changing length.
fn value(number: u64) -> Vec<u8> {
    let length = usize::try_from(number * 7_919 % 5_000).expect("small");
    [number.to_be_bytes().into(), vec![b'x'; length]].concat()
}

/// How many keys there are: each is the next one, none is missing, and each has its value.
fn count(store: &Embedded) -> u64 {
    let (mut next, mut after) = (0, None);
    loop {
        let page = store.scan("key/", after.as_deref(), 100).expect("readable");
        let Some(last) = page.last() else { return next };
        after = Some(last.key.clone());
        for entry in page {
            assert_eq!((entry.key, entry.value), (key(next), value(next)));
            next += 1;
        }
    }
}

/// Commits for ever, and says what became durable.
fn commit_until_killed(directory: &Path) -> ! {
    let store = Embedded::open(directory).expect("opened");
    let mut next = count(&store);
    loop {
        let group = (next..next + GROUP).map(|number| Transaction {
            expect: vec![(key(number), None)],
            puts: vec![(key(number), value(number))],
            ..Transaction::default()
        });
        let outcomes = store.commit(group.collect());
        assert!(outcomes.iter().all(|outcome| matches!(outcome, CommitOutcome::Done(_))), "{outcomes:?}");
        next += GROUP;
        writeln!(std::io::stdout(), "durable {next}").expect("the parent listens");
    }
}

/// Starts a child, kills it after it has spoken `words` times and a while of `spins`, and returns what it last said.
fn killed(directory: &Path, words: u64, spins: u64) -> u64 {
    let mut child = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "what_was_said_to_be_durable_survives_a_kill"])
        .env(DIRECTORY, directory)
        .stdout(Stdio::piped())
        .spawn()
        .expect("started");
    let mut said = BufReader::new(child.stdout.take().expect("its words")).lines().map_while(Result::ok);
    let mut number = || said.find_map(|line| line.strip_prefix("durable ")?.parse().ok());
    let mut last = 0;
    for _ in 0..words {
        last = number().expect("it commits");
    }
    for _ in 0..spins {
        std::hint::spin_loop();
    }
    child.kill().expect("killed");
    while let Some(number) = number() {
        last = number;
    }
    child.wait().expect("ended");
    last
}

#[test]
fn what_was_said_to_be_durable_survives_a_kill() {
    if let Some(directory) = std::env::var_os(DIRECTORY) {
        commit_until_killed(Path::new(&directory));
    }
    let directory = tempfile::tempdir().expect("directory");
    let mut random = 1_u64;
    let mut below = |end: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % end
    };
    for kill in 0..KILLS {
        let said = killed(directory.path(), 1 + below(8), below(400_000));
        let kept = count(&Embedded::open(directory.path()).expect("opened"));
        // The last group may have become durable without a word. A word may be cut in half, and counts as none.
        assert!((said..=said + 2 * GROUP).contains(&kept), "kill {kill}: said {said}, kept {kept}");
        assert_eq!(kept % GROUP, 0, "kill {kill}: a group is durable as a whole");
    }
}
