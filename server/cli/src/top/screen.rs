//! What is on the screen beside the workspace itself: the connection, the order, what is scrolled and paused. Knows keys, no
//! terminal.

use super::model::View;
use super::sort::Sort;
use ratatui::crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use std::time::Duration;

/// The state of the connection.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) enum Link {
    /// Connected: the view is current.
    #[default]
    Live,
    /// Printed once.
    Printed,
    /// Reconnecting.
    Trying,
    /// Lost for this reason; reconnects after this time.
    Lost(String, Duration),
}

/// The state of the screen.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Screen {
    pub(super) view: View,
    /// The age of the view.
    pub(super) age: Duration,
    pub(super) link: Link,
    pub(super) sort: Sort,
    /// The number of teams above the first visible one.
    pub(super) scroll: usize,
    pub(super) paused: bool,
    /// Whether to use colors.
    pub(super) colour: bool,
}

/// The action of a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Act {
    Quit,
    Sort,
    Pause,
    /// Scrolls by lines, down where positive.
    Scroll(isize),
}

/// The lines of a page.
const PAGE: isize = 10;

/// The action of an event, if any.
pub(super) fn act(event: &Event) -> Option<Act> {
    let Event::Key(KeyEvent { code, modifiers, kind, .. }) = event else { return None };
    if *kind == KeyEventKind::Release {
        return None;
    }
    Some(match code {
        KeyCode::Char('c') if modifiers.contains(KeyModifiers::CONTROL) => Act::Quit,
        KeyCode::Char('q') | KeyCode::Esc => Act::Quit,
        KeyCode::Char('s') => Act::Sort,
        KeyCode::Char('p' | ' ') => Act::Pause,
        KeyCode::Up | KeyCode::Char('k') => Act::Scroll(-1),
        KeyCode::Down | KeyCode::Char('j') => Act::Scroll(1),
        KeyCode::PageUp => Act::Scroll(-PAGE),
        KeyCode::PageDown => Act::Scroll(PAGE),
        KeyCode::Home => Act::Scroll(isize::MIN),
        KeyCode::End => Act::Scroll(isize::MAX),
        _ => return None,
    })
}

impl Screen {
    /// Does the action. Returns false to quit.
    pub(super) fn act(&mut self, act: Act) -> bool {
        match act {
            Act::Quit => return false,
            Act::Sort => self.sort = self.sort.next(),
            Act::Pause => self.paused = !self.paused,
            Act::Scroll(by) => self.scroll = self.scroll.saturating_add_signed(by).min(self.last()),
        }
        true
    }

    /// Replaces the view, unless paused.
    pub(super) fn show(&mut self, view: View) {
        if !self.paused {
            (self.view, self.age) = (view, Duration::ZERO);
            self.scroll = self.scroll.min(self.last());
        }
    }

    /// Ages the view, unless paused.
    pub(super) fn grow_older(&mut self, by: Duration) {
        if !self.paused {
            self.age += by;
        }
        if let Link::Lost(_, after) = &mut self.link {
            *after = after.saturating_sub(by);
        }
    }

    fn last(&self) -> usize {
        self.view.teams.len().saturating_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::TeamRow;
    use super::*;

    fn key(code: KeyCode, modifiers: KeyModifiers) -> Option<Act> {
        act(&Event::Key(KeyEvent::new(code, modifiers)))
    }

    #[test]
    fn three_keys_quit_and_a_plain_c_does_not() {
        let none = KeyModifiers::NONE;
        assert_eq!(key(KeyCode::Char('q'), none), Some(Act::Quit));
        assert_eq!(key(KeyCode::Esc, none), Some(Act::Quit));
        assert_eq!(key(KeyCode::Char('c'), KeyModifiers::CONTROL), Some(Act::Quit));
        assert_eq!(key(KeyCode::Char('c'), none), None);
        let released = KeyEvent { kind: KeyEventKind::Release, ..KeyEvent::from(KeyCode::Char('q')) };
        assert_eq!(act(&Event::Key(released)), None);
        assert!(!Screen::default().act(Act::Quit));
    }

    #[test]
    fn scrolling_stays_among_the_teams_also_when_they_become_fewer() {
        let teams = |many| View { teams: vec![TeamRow::default(); many], ..View::default() };
        let mut screen = Screen { view: teams(30), ..Screen::default() };
        let at = |screen: &mut Screen, by| {
            assert!(screen.act(Act::Scroll(by)));
            screen.scroll
        };
        assert_eq!([at(&mut screen, -1), at(&mut screen, 3), at(&mut screen, -1)], [0, 3, 2]);
        assert_eq!([at(&mut screen, isize::MAX), at(&mut screen, isize::MIN)], [29, 0]);
        at(&mut screen, 20);
        screen.show(teams(5));
        assert_eq!(screen.scroll, 4);
        screen.show(teams(0));
        assert_eq!(screen.scroll, 0);
    }

    #[test]
    fn a_paused_screen_keeps_what_it_shows() {
        let named = |workspace: &str| View { workspace: workspace.into(), ..View::default() };
        let mut screen = Screen { view: named("a"), ..Screen::default() };
        screen.act(Act::Pause);
        screen.show(named("b"));
        assert_eq!(screen.view.workspace, "a");
        screen.act(Act::Pause);
        screen.show(named("b"));
        assert_eq!(screen.view.workspace, "b");
    }
}
