//! Scripts against the account of a workspace: what windows start with that lie elsewhere than the former ones.

use super::*;
use crate::ledger::continued;

const SECOND: u64 = 1;

fn limit(id: &str) -> LimitId {
    LimitId::new(id).expect("a name")
}

fn grid(length: u64, phase: u64) -> Grid {
    Grid::new(Span::from_secs(length), Span::from_secs(phase))
}

/// What an allocator says at an instant.
fn says(life: u64, now: u64, shape: &[(&str, Grid)]) -> Statement {
    let shape = shape.iter().map(|(id, grid)| (limit(id), *grid)).collect();
    let (number, is_urgent) = (1, true);
    Statement { at: at(now), life, number, is_urgent, shape, former: Vec::new() }
}

fn granted(from: u64, until: u64, n: u32, final_at: u64) -> FormerGrant {
    let spent = Spent { from: at(from), until: at(until), permits: permits(n) };
    FormerGrant { spent, final_at: at(final_at) }
}

/// The marks of a workspace, and who books in them.
struct Books {
    marks: Marks,
    series: Series,
}

impl Books {
    fn of(shape: &[(&str, Grid)]) -> Self {
        let mut books = Self { marks: Marks::first(workspace()), series: Series { life: 1, number: 1 } };
        books.state(&says(1, 0, shape));
        books
    }

    fn state(&mut self, statement: &Statement) {
        self.marks.state(statement);
        self.series = Series { life: statement.life, number: self.series.number + 1 };
    }

    /// Books in the window of an instant; tells the mark before and after.
    fn book(&mut self, id: &str, grid: Grid, s: u64, n: u32, budget: u32) -> Result<(u32, u32), BookRefusal> {
        let window = grid.at(at(s));
        let key = MarkKey {
            workspace: want(0, 0).workspace,
            limit: limit(id),
            window_start: window.start.earliest,
        };
        let raise = self.marks.raise(&key, &window, permits(n), permits(budget), self.series)?;
        Ok((raise.from.get(), raise.to.get()))
    }
}

#[test]
fn a_lengthened_window_starts_with_all_shorter_ones_in_it() {
    let (short, long) = (grid(10, 0), grid(60, 0));
    let mut books = Books::of(&[("l", short)]);
    for (s, n) in [(6000, 166), (6010, 166), (6020, 100)] {
        books.book("l", short, s, n, 166).expect("room");
    }
    books.state(&says(2, 6025, &[("l", long)]));
    assert_eq!(books.book("l", long, 6025, 900, 1000), Ok((432, 1000)));
    assert_eq!(books.book("l", long, 6060, 900, 1000), Ok((0, 900)));
}

#[test]
fn a_renamed_limit_goes_on_with_its_windows() {
    let windows = grid(10, 0);
    let mut books = Books::of(&[("l", windows)]);
    books.book("l", windows, 1000, 60, 100).expect("room");
    books.state(&says(2, 1005, &[("m", windows)]));
    assert_eq!(books.book("m", windows, 1005, 100, 100), Ok((60, 100)));
    assert_eq!(books.book("l", windows, 1005, 1, 100), Err(BookRefusal::PolicyChanged));
}

#[test]
fn an_exhausted_window_stays_so_whatever_its_limit_becomes() {
    let (short, long) = (grid(10, 0), grid(60, 0));
    for former in [short, long] {
        let mut books = Books::of(&[("s", short), ("l", long)]);
        let id = if former == short { "s" } else { "l" };
        books.book(id, former, 6000, 5, 100).expect("room");
        let key = MarkKey { workspace: want(0, 0).workspace, limit: limit(id), window_start: at(6000) };
        books.marks.spend(&key, &former.at(at(6000)), permits(100));
        let new = grid(20, 0);
        books.state(&says(2, 6005, &[("n", new)]));
        assert_eq!(books.book("n", new, 6005, 1, 100), Ok((100, 100)), "nothing is left");
        let after = if former == short { 6020 } else { 6060 };
        assert_eq!(books.book("n", new, after, 1, 100), Ok((0, 1)));
    }
}

#[test]
fn what_an_allocator_says_of_its_leases_replaces_what_its_marks_say() {
    let (long, short) = (grid(60, 0), grid(10, 0));
    let mut books = Books::of(&[("l", long)]);
    books.book("l", long, 6000, 100, 1000).expect("room");
    // 30 of 100 were granted; 20 of them may be used until the window ends.
    let mut statement = says(1, 6007, &[("l", long), ("s", short)]);
    statement.former = vec![granted(6000, 6008, 10, 6060), granted(6000, 6060, 20, 6060)];
    books.state(&statement);
    assert_eq!(books.book("s", short, 6007, 1, 100), Ok((30, 31)));
    assert_eq!(books.book("s", short, 6010, 1, 100), Ok((20, 21)));
    // 15 came back.
    statement.former[1] = granted(6000, 6060, 5, 6060);
    statement.at = at(6012);
    books.marks.state(&statement);
    assert_eq!(books.book("s", short, 6020, 1, 100), Ok((5, 6)));
    // After a crash nobody corrects it any more, and it counts all the same.
    books.state(&says(2, 6025, &[("l", long), ("s", short)]));
    assert_eq!(books.book("s", short, 6030, 1, 100), Ok((5, 6)));
}

#[test]
fn after_a_crash_all_that_was_booked_of_a_window_counts_to_its_end() {
    let (long, short) = (grid(60, 0), grid(10, 0));
    let mut books = Books::of(&[("l", long)]);
    books.book("l", long, 6000, 100, 1000).expect("room");
    books.state(&says(2, 6007, &[("l", long), ("s", short)]));
    assert_eq!(books.book("s", short, 6050, 1, 1000), Ok((100, 101)));
    assert_eq!(books.book("s", short, 6060, 1, 1000), Ok((0, 1)));
    assert_eq!(books.book("l", long, 6007, 1, 1000), Ok((100, 101)), "its own windows go on");
}

#[test]
fn blocks_that_are_not_granted_yet_count_once_they_are() {
    let (short, long) = (grid(10, 0), grid(60, 0));
    let mut books = Books::of(&[("s", short)]);
    books.book("s", short, 6000, 50, 100).expect("room");
    // 20 of the 50 are granted when a limit is added; the other 30 afterwards, from the block that goes on.
    let mut added = says(1, 6002, &[("s", short), ("l", long)]);
    added.former = vec![granted(6000, 6003, 20, 6010)];
    books.state(&added);
    // Then the process dies, and somebody else finds the limit changed again.
    books.state(&says(2, 6012, &[("l", grid(30, 0))]));
    // What was granted may have come back and been granted again, so it counts twice.
    assert_eq!(books.book("l", grid(30, 0), 6012, 1, 1000), Ok((70, 71)));
}

#[test]
fn a_window_of_another_shape_is_not_booked() {
    let mut books = Books::of(&[("l", grid(10, 0))]);
    assert_eq!(books.book("l", grid(10, 3), 1000, 1, 100), Err(BookRefusal::PolicyChanged));
    assert_eq!(books.book("l", grid(20, 0), 1000, 1, 100), Err(BookRefusal::PolicyChanged));
    assert_eq!(books.book("m", grid(10, 0), 1000, 1, 100), Err(BookRefusal::PolicyChanged));
}

#[test]
fn marks_that_are_cleaned_up_stand_in_the_account() {
    let windows = grid(10, 0);
    let mut books = Books::of(&[("l", windows)]);
    for s in [6000, 6010, 6020] {
        books.book("l", windows, s, 5, 100).expect("room");
    }
    books.marks.clean_up(at(6031));
    assert_eq!(books.marks.marks.len(), 2);
    assert_eq!(books.book("l", windows, 6000, 100, 100), Ok((5, 100)), "by a clock that is far behind");
    books.marks.clean_up(at(6090));
    assert!(books.marks.marks.is_empty());
    books.state(&says(2, 6090, &[("l", grid(3600, 0))]));
    assert_eq!(books.book("l", grid(3600, 0), 6090, 1, 1000), Ok((110, 111)));
}

#[test]
fn an_account_stays_small_and_forgets_nothing_of_a_month() {
    let windows = grid(10, 0);
    let mut books = Books::of(&[("l", windows)]);
    let windows_booked: u32 = 20_000;
    for n in 0..u64::from(windows_booked) {
        let s = 1_000_000 + 10 * n;
        books.book("l", windows, s, 1, 100).expect("room");
        books.marks.clean_up(at(s));
        let account = &books.marks.account;
        assert!(account.past.len() <= ENTRIES_MAX + 1, "{} entries", account.past.len());
    }
    let now = 1_000_000 + 10 * u64::from(windows_booked);
    let month = grid(31 * 86_400, 0);
    books.state(&says(2, now, &[("l", month)]));
    assert_eq!(books.book("l", month, now, 1, 1_000_000), Ok((windows_booked, windows_booked + 1)));
    books.state(&says(3, now, &[("l", grid(60, 0))]));
    let (from, _) = books.book("l", grid(60, 0), now - 60, 1, 1_000).expect("room");
    assert!((6..=8).contains(&from), "the last minute is known well: {from}");
}

#[test]
fn what_was_granted_a_month_ago_is_forgotten() {
    let windows = grid(10, 0);
    let mut books = Books::of(&[("l", windows)]);
    books.book("l", windows, 6000, 5, 100).expect("room");
    books.marks.clean_up(at(6100));
    assert_eq!(books.marks.account.past.len(), 1);
    books.marks.clean_up(at(6100 + 32 * 86_400 * SECOND));
    assert!(books.marks.account.past.is_empty());
    assert_eq!(books.marks.known_from, at(6010));
}

#[test]
fn a_limit_goes_on_under_its_id_or_under_another_one_with_the_same_windows() {
    let shape = |limits: &[(&str, u64)]| -> Shape {
        limits.iter().map(|&(id, length)| (limit(id), grid(length, 0))).collect()
    };
    let before = shape(&[("a", 10), ("b", 60)]);
    assert_eq!(continued(&before, &shape(&[("b", 60), ("a", 10)])), [Some(1), Some(0)]);
    assert_eq!(continued(&before, &shape(&[("c", 10), ("b", 60)])), [Some(0), Some(1)]);
    assert_eq!(continued(&before, &shape(&[("a", 60), ("c", 10)])), [Some(1), Some(0)]);
    assert_eq!(continued(&before, &shape(&[("a", 30), ("c", 10), ("d", 10)])), [None, Some(0), None]);
}
