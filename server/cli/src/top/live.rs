//! The event loop of the live view. Owns the terminal and restores it at the end.

use super::args::Args;
use super::draw::draw;
use super::feed::{self, News};
use super::model::View;
use super::screen::{Act, Link, Screen, act};
use apportion_proto::v1;
use ratatui::crossterm::event;
use ratatui::{DefaultTerminal, Frame};
use std::time::{Duration, Instant};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

/// The interval of redraws while nothing else happens.
const TICK: Duration = Duration::from_millis(250);
/// The capacity of the queue of news.
const NEWS: usize = 4;

/// The terminal in raw mode. Dropping it restores the terminal; so does a panic.
struct Taken(DefaultTerminal);

impl Taken {
    fn new() -> Result<Self, String> {
        ratatui::try_init().map(Self).map_err(|error| {
            ratatui::restore();
            format!("the terminal cannot be used: {error}; try --once")
        })
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        // Leaving the alternate screen does not show the cursor again.
        let _ = self.0.show_cursor();
        ratatui::restore();
    }
}

/// An event of the loop.
enum Happening {
    Act(Act),
    /// A resize, or a key without a meaning.
    Nothing,
    News(News),
    Tick,
    Stop,
}

/// The sources of events.
struct Happenings {
    keys: mpsc::UnboundedReceiver<event::Event>,
    news: mpsc::Receiver<News>,
    ticks: tokio::time::Interval,
    signals: [Signal; 3],
}

/// Shows the workspace until the user quits.
pub(super) async fn run(args: &Args, first: &v1::WorkspaceSnapshot) -> Result<(), String> {
    let failed = |error: std::io::Error| error.to_string();
    let mut screen = Screen { view: View::new(first), colour: is_coloured(), ..Screen::default() };
    let [terminate, interrupt, hang_up] =
        [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()].map(signal);
    let signals = [terminate.map_err(failed)?, interrupt.map_err(failed)?, hang_up.map_err(failed)?];
    let (to, news) = mpsc::channel(NEWS);
    let mut terminal = Taken::new()?;
    let mut happenings = Happenings { keys: keys(), news, ticks: tokio::time::interval(TICK), signals };
    let showing = async {
        let mut drawn = Instant::now();
        loop {
            let show = |frame: &mut Frame<'_>| draw(frame.buffer_mut(), &screen);
            terminal.0.draw(show).map_err(|error| format!("lost the terminal: {error}"))?;
            let happening = happenings.next().await;
            let now = Instant::now();
            screen.grow_older(now - drawn);
            drawn = now;
            if !happen(&mut screen, happening) {
                return Ok(());
            }
        }
    };
    tokio::select! {
        shown = showing => shown,
        () = feed::follow(args, to) => Ok(()),
    }
}

/// Updates the screen. Returns false to quit.
fn happen(screen: &mut Screen, happening: Happening) -> bool {
    match happening {
        Happening::Act(act) => return screen.act(act),
        Happening::News(News::Snapshot(snapshot)) => {
            screen.link = Link::Live;
            screen.show(View::new(&snapshot));
        }
        Happening::News(News::Lost(why, after)) => screen.link = Link::Lost(why, after),
        Happening::News(News::Trying) => screen.link = Link::Trying,
        Happening::Nothing | Happening::Tick => {}
        Happening::Stop => return false,
    }
    true
}

impl Happenings {
    async fn next(&mut self) -> Happening {
        let [terminate, interrupt, hang_up] = &mut self.signals;
        tokio::select! {
            event = self.keys.recv() => match event {
                Some(event) => act(&event).map_or(Happening::Nothing, Happening::Act),
                // There is no input left to quit with.
                None => Happening::Stop,
            },
            Some(news) = self.news.recv() => Happening::News(news),
            _ = self.ticks.tick() => Happening::Tick,
            _ = terminate.recv() => Happening::Stop,
            _ = interrupt.recv() => Happening::Stop,
            _ = hang_up.recv() => Happening::Stop,
        }
    }
}

/// Keys and resizes, read by a thread that ends with the process: the read cannot be cancelled.
fn keys() -> mpsc::UnboundedReceiver<event::Event> {
    let (to, keys) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        while let Ok(event) = event::read() {
            if to.send(event).is_err() {
                return;
            }
        }
    });
    keys
}

/// Whether to use colors; see <https://no-color.org>.
fn is_coloured() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
