//! Screens of several sizes, as the text that a terminal in memory shows.

use super::*;
use crate::top::model::{LimitRow, TeamRow, View};
use crate::top::sort::Sort;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use std::time::Duration;

/// What a terminal of that size shows.
fn buffer(screen: &Screen, width: u16, height: u16) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a terminal in memory");
    terminal.draw(|frame| draw(frame.buffer_mut(), screen)).expect("drawn");
    terminal.backend().buffer().clone()
}

fn shown(screen: &Screen, width: u16, height: u16) -> String {
    lines(&buffer(screen, width, height)).join("\n")
}

fn limit() -> LimitRow {
    LimitRow {
        id: "per-10s".into(),
        elapsed: Duration::from_millis(2_500),
        window: Duration::from_secs(10),
        budget: 166,
        configured: None,
        left: 40,
        booked: 130,
        others: 4,
        open: true,
        exhausted: false,
        cooldown: None,
    }
}

fn team(id: &str, granted: u32, waiting: u64) -> TeamRow {
    let priorities = "def".into();
    TeamRow { id: id.into(), priorities, weight: 1, granted, waiting, share: 55, ..TeamRow::default() }
}

fn three_teams() -> Screen {
    let support = TeamRow {
        priorities: "def..crit".into(),
        weight: 3,
        reserved: 40,
        p50: Some(Duration::from_millis(4)),
        p99: Some(Duration::from_millis(1_250)),
        ..team("support", 80, 0)
    };
    let chat = TeamRow { depth: 1, cap: Some(50), expected: 7, ..team("chat", 50, 12) };
    let import = TeamRow { refused: 3, ..team("import", 42, 900) };
    let view = View {
        workspace: "default".into(),
        trouble: None,
        limits: vec![limit()],
        teams: vec![support, chat, import],
        waiting_requests: 14,
    };
    Screen { view, ..Screen::default() }
}

#[test]
fn a_wide_terminal_shows_every_column() {
    let expected = "\
default, 14 wait                                                                                          live
per-10s  ██████░░░░░░░░░░░░░░░░░░   7.5s to go  40 left of 166  booked 130, others 4  open

TEAM        PRIORITY  WEIGHT  RESERV     CAP  GRANTED   SHARE  WAITING    KEPT     P50     P99  REFUSED
support    def..crit       3      40       -       80      55        -       -     4ms    1.2s        -
  chat           def       1       -      50       50      55       12       7       -       -        -
import           def       1       -       -       42      55      900       -       -       -        3

q quit  s sort: tree  ↑↓ scroll  p pause                                                               3 teams";
    assert_eq!(shown(&three_teams(), 110, 9), expected);
}

#[test]
fn a_terminal_of_80_by_24_drops_columns_and_keeps_the_limit_on_one_line() {
    let expected = "\
default, 14 wait                                                            live
per-10s  ███░░░░░░░░░   7.5s to go  40 left of 166  booked 130, others 4  open

TEAM        PRIORITY  WEIGHT  RESERV  GRANTED   SHARE  WAITING     P50     P99
support    def..crit       3      40       80      55        -     4ms    1.2s
  chat           def       1       -       50      55       12       -       -
import           def       1       -       42      55      900       -       -
"
    .to_owned()
        + &"\n".repeat(16)
        + "q quit  s sort: tree  ↑↓ scroll  p pause                                 3 teams";
    assert_eq!(shown(&three_teams(), 80, 24), expected);
}

#[test]
fn a_narrow_and_low_terminal_keeps_what_is_granted_and_what_waits() {
    let expected = "\
default, 14 wait                    live
per-10s  █░░░░░░░   7.5s to go  open
  40 left of 166, booked 130, others 4
TEAM      GRANTED  WAITING   SHARE
support        80        -      55
  chat         50       12      55
import         42      900      55
q quit  s sort: tree  ↑↓ scroll  p pause";
    let text = shown(&three_teams(), 40, 8);
    assert_eq!(text.lines().count(), expected.lines().count());
    assert!(text.contains("  40 left of 166, booked 130, others 4\n"), "{text}");
    assert!(text.contains("support        80"), "{text}");
    let low = shown(&three_teams(), 40, 5);
    assert!(low.contains("TEAM") && low.contains("support") && !low.contains("booked"), "{low}");
}

#[test]
fn no_size_is_too_small_and_nothing_is_drawn_outside() {
    for width in 1..30 {
        for height in 1..12 {
            let text = shown(&three_teams(), width, height);
            assert!(text.lines().all(|line| line.chars().count() <= usize::from(width)));
            assert!(text.starts_with(['d', '…']), "{width} by {height}: {text}");
        }
    }
}

#[test]
fn an_empty_workspace_says_so() {
    let view = View { workspace: "new".into(), ..View::default() };
    let text = shown(&Screen { view, ..Screen::default() }, 60, 6);
    let expected = "\
new                                                     live

TEAM      GRANTED   SHARE  WAITING     P99


q quit  s sort: tree  ↑↓ scroll  p pause            no teams";
    assert!(text.starts_with("new  ") && text.ends_with("no teams"), "{text}\n{expected}");
    assert!(text.contains("\nTEAM "), "{text}");
}

#[test]
fn of_two_hundred_teams_those_that_were_scrolled_to_are_shown_and_the_last_page_is_full() {
    let teams = (0..200).map(|number| team(&format!("team-{number:03}"), number, 0)).collect();
    let view = View { workspace: "w".into(), limits: vec![limit()], teams, ..View::default() };
    let mut screen = Screen { view, ..Screen::default() };
    let page = |screen: &Screen| {
        let text = shown(screen, 80, 24);
        let rows: Vec<_> = text.lines().filter_map(|line| line.split_whitespace().next()).collect();
        let rows: Vec<_> =
            rows.into_iter().filter(|word| word.starts_with("team-")).map(String::from).collect();
        let told =
            text.lines().last().expect("the keys").split("pause").nth(1).expect("teams").trim().to_owned();
        (rows.first().cloned(), rows.last().cloned(), rows.len(), told)
    };
    let told =
        |first: &str, last: &str, told: &str| (Some(first.into()), Some(last.into()), 19, String::from(told));
    assert_eq!(page(&screen), told("team-000", "team-018", "teams 1-19 of 200"));
    screen.scroll = 100;
    assert_eq!(page(&screen), told("team-100", "team-118", "teams 101-119 of 200"));
    screen.scroll = 199;
    assert_eq!(page(&screen), told("team-181", "team-199", "teams 182-200 of 200"));
    (screen.scroll, screen.sort) = (0, Sort::Granted);
    assert_eq!(page(&screen), told("team-199", "team-181", "teams 1-19 of 200"));
}

#[test]
fn long_names_and_huge_numbers_stay_in_their_places() {
    let huge = TeamRow {
        weight: u32::MAX,
        reserved: u32::MAX,
        share: u32::MAX,
        p99: Some(Duration::MAX),
        ..team(&"x".repeat(63), u32::MAX, u64::MAX)
    };
    let limit = LimitRow { id: "l".repeat(63), budget: u32::MAX, left: u32::MAX, ..limit() };
    let view = View { workspace: "w".repeat(63), limits: vec![limit], teams: vec![huge], ..View::default() };
    let text = shown(&Screen { view, ..Screen::default() }, 80, 8);
    let row = text.lines().find(|line| line.starts_with("xxx")).expect("the team");
    let cells: Vec<_> = row.split_whitespace().collect();
    assert!(cells[0].ends_with("…"), "{row}");
    assert!(cells.contains(&"18.4E") && cells.contains(&"4.29G"), "{row}");
    assert!(text.lines().any(|line| line.starts_with("lll")), "{text}");
}

#[test]
fn a_throttled_limit_says_for_how_long_and_a_learned_budget_says_what_policy_has() {
    let mut screen = three_teams();
    screen.view.limits[0].cooldown = Some(Duration::from_secs(4));
    screen.view.limits[0].configured = Some(200);
    screen.view.trouble = Some("PROVIDER_COOLDOWN: the provider throttles".into());
    screen.age = Duration::from_secs(1);
    let text = shown(&screen, 110, 9);
    assert!(text.contains("\nPROVIDER_COOLDOWN: the provider throttles\n"), "{text}");
    assert!(text.contains("40 left of 166 (policy 200)") && text.contains("throttled, 3.0s more"), "{text}");
    assert!(text.contains(" 6.5s to go"), "the clock goes on between snapshots: {text}");
    screen.age = Duration::from_secs(60);
    let text = shown(&screen, 110, 9);
    assert!(text.contains("  0s to go") && !text.contains("throttled,"), "{text}");
}

#[test]
fn a_closed_limit_is_starting_in_the_guard_or_exhausted() {
    let mut screen = three_teams();
    screen.view.limits[0].open = false;
    let mut ends = |millis, exhausted| {
        (screen.view.limits[0].elapsed, screen.view.limits[0].exhausted) =
            (Duration::from_millis(millis), exhausted);
        let line = shown(&screen, 110, 9).lines().nth(1).expect("the limit").to_owned();
        line.rsplit("  ").next().expect("its state").to_owned()
    };
    assert_eq!([ends(50, false), ends(9_300, false), ends(5_000, true)], ["starting", "guard", "exhausted"]);
}

#[test]
fn what_is_no_longer_true_is_grey_and_says_since_when() {
    let mut screen = Screen { colour: true, age: Duration::from_secs(7), ..three_teams() };
    screen.link = Link::Lost("connection refused".into(), Duration::from_millis(500));
    let cells = buffer(&screen, 110, 9);
    let text = lines(&cells).join("\n");
    assert!(text.contains("reconnecting in 500ms, as of 7.0s ago: connection refused"), "{text}");
    assert!(text.contains("import"), "the last that was known stays: {text}");
    let row = |y: u16| cells.cell((0, y)).expect("a cell").style();
    assert_eq!(row(6).fg, Some(Color::DarkGray));
    assert!(row(6).add_modifier.contains(Modifier::DIM));
    assert_eq!(row(0).fg, Some(Color::Yellow));
    screen.link = Link::Trying;
    assert!(shown(&screen, 110, 9).contains("reconnecting, as of 7.0s ago"));
}

#[test]
fn without_colours_no_cell_has_one() {
    let mut screen = three_teams();
    screen.view.trouble = Some("STORE_LOST: the store cannot be reached".into());
    let coloured = |screen: &Screen| {
        let cells = buffer(screen, 110, 9);
        cells.content.iter().any(|cell| cell.fg != Color::Reset || cell.bg != Color::Reset)
    };
    assert!(!coloured(&screen));
    screen.colour = true;
    assert!(coloured(&screen));
}

#[test]
fn as_text_every_team_and_column_is_there_and_no_keys() {
    let text = text(&three_teams());
    let heads = "TEAM PRIORITY WEIGHT RESERV CAP GRANTED SHARE WAITING KEPT P50 P99 REFUSED";
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.lines().any(|line| words(line) == heads), "{text}");
    assert!(text.lines().last().is_some_and(|line| line.starts_with("import")), "{text}");
    assert!(!text.contains("quit"));
}
