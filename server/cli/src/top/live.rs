//! The terminal: taken at the start, given back at the end, whatever the end is.

use super::Args;
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

/// How often clocks move while nothing else happens.
const TICK: Duration = Duration::from_millis(250);
/// News that wait to be drawn.
const NEWS: usize = 4;

/// The terminal as it is drawn on; dropped, it is as it was before. A panic gives it back too.
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
        // Leaving the other screen does not bring the cursor back.
        let _ = self.0.show_cursor();
        ratatui::restore();
    }
}

/// What happens.
enum Happening {
    Act(Act),
    /// The terminal has another size, or a key means nothing.
    Nothing,
    News(News),
    Tick,
    Stop,
}

/// The sources of what happens.
struct Happenings {
    keys: mpsc::UnboundedReceiver<event::Event>,
    news: mpsc::Receiver<News>,
    ticks: tokio::time::Interval,
    signals: [Signal; 3],
}

/// Shows the workspace until somebody quits.
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
            terminal.0.draw(show).map_err(|error| format!("the terminal is gone: {error}"))?;
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

/// Changes the screen; false where that was to quit.
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
                // Nobody can quit any more.
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

/// Keys and new sizes, read by a thread that ends with the process: reading cannot be broken off.
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

/// Whether colours are wanted, as <https://no-color.org> says.
fn is_coloured() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
