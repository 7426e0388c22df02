//! The live view of a running server: on a terminal it takes over the screen and restores it, elsewhere it prints once.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Child, ExitStatus};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use apportion_tests::process::program::{apportion, command};
use apportion_tests::process::server::Server;
use rustix::fs::OFlags;
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

/// Longest time until the screen shows a text.
const PATIENCE: Duration = Duration::from_secs(60);

/// A terminal, and what was written to it.
struct Terminal {
    keys: File,
    program: File,
    output: Receiver<Vec<u8>>,
    shown: Vec<u8>,
}

impl Terminal {
    fn new(columns: u16, rows: u16) -> Self {
        let keys = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&keys).and_then(|()| unlockpt(&keys)).expect("its own");
        let name = ptsname(&keys, Vec::new()).expect("a name").into_string().expect("a path");
        let no_control = i32::try_from(OFlags::NOCTTY.bits()).expect("a flag");
        let program = File::options().read(true).write(true).custom_flags(no_control).open(name);
        let program = program.expect("its other end");
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&program, size).expect("a size");
        let keys = File::from(keys);
        let (sender, output) = channel();
        let mut from = keys.try_clone().expect("a handle");
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(length @ 1..) = from.read(&mut bytes) {
                let _ = sender.send(bytes[..length].to_vec());
            }
        });
        Self { keys, program, output, shown: Vec::new() }
    }

    fn start(&self, server: SocketAddr, arguments: &[&str]) -> Child {
        let arguments: Vec<_> = arguments.iter().map(AsRef::as_ref).collect();
        let mut command = command(Some(server), &arguments);
        let end = || self.program.try_clone().expect("a handle");
        command.env("TERM", "xterm-256color").stdin(end()).stdout(end()).stderr(end());
        command.spawn().expect("it starts")
    }

    /// Whether it is in canonical mode, as a shell leaves it.
    fn is_canonical(&self) -> bool {
        let modes = tcgetattr(&self.program).expect("modes").local_modes;
        modes.contains(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG)
    }

    /// Waits until a text has been shown since the last call.
    fn wait_for(&mut self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        let find = |shown: &[u8]| shown.windows(text.len()).position(|part| part == text.as_bytes());
        loop {
            if let Some(at) = find(&self.shown) {
                self.shown.drain(..at + text.len());
                return;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let bytes = self.output.recv_timeout(left);
            let shown = String::from_utf8_lossy(&self.shown);
            self.shown.extend(bytes.unwrap_or_else(|_| panic!("`{text}` is not shown: {shown}")));
        }
    }

    /// Types keys.
    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).expect("typed");
    }
}

/// An address whose connections are relayed to `target`; they are closed if nothing listens there.
fn relay(target: Arc<Mutex<SocketAddr>>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let to = *target.lock().expect("no panic");
            let Ok(server) = TcpStream::connect(to) else { continue };
            let ends = || (client.try_clone().expect("a handle"), server.try_clone().expect("a handle"));
            let ((client, server), (back, from)) = (ends(), ends());
            std::thread::spawn(move || pass_on(client, server));
            std::thread::spawn(move || pass_on(from, back));
        }
    });
    address
}

/// Relays all bytes, and then the end of the stream.
fn pass_on(mut from: TcpStream, mut to: TcpStream) {
    let _ = std::io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Both);
}

/// The sequence that leaves the alternate screen, which shows the view.
const LEAVE: &str = "\x1b[?1049l";

/// The status of a view that `end` ends.
fn status_after(server: &Server, end: impl FnOnce(&mut Terminal, &Child)) -> ExitStatus {
    let mut terminal = Terminal::new(100, 20);
    assert!(terminal.is_canonical());
    let mut child = terminal.start(server.address(), &["top"]);
    terminal.wait_for("live");
    assert!(!terminal.is_canonical(), "the terminal is not in raw mode");
    end(&mut terminal, &child);
    terminal.wait_for(LEAVE);
    let status = child.wait().expect("a child");
    assert!(terminal.is_canonical(), "the terminal was not restored");
    status
}

#[test]
fn the_terminal_is_restored_however_the_view_ends() {
    let server = Server::fresh();
    for key in ["q", "\x1b", "\x03"] {
        assert!(status_after(&server, |terminal, _| terminal.press(key)).success(), "{key:?}");
    }
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let status = status_after(&server, |_, child| {
            kill_process(Pid::from_child(child), signal).expect("it runs");
        });
        assert!(status.success(), "{signal:?}: {status}");
    }
}

#[test]
fn the_view_reconnects_to_the_next_server() {
    let (home, mut terminal) = (tempfile::tempdir().expect("a directory"), Terminal::new(100, 20));
    let server = Server::start(home.path());
    let target = Arc::new(Mutex::new(server.address()));
    let mut child = terminal.start(relay(Arc::clone(&target)), &["top"]);
    terminal.wait_for("live");
    server.kill();
    terminal.wait_for("reconnecting");
    let next = Server::start(home.path());
    *target.lock().expect("no panic") = next.address();
    terminal.wait_for("live");
    terminal.press("ss");
    // Only changed cells are drawn, and every letter of this differs from the previous order.
    terminal.wait_for("waiting");
    terminal.press("q");
    assert!(child.wait().expect("a child").success());
    next.has_not_panicked();
}

#[test]
fn without_a_terminal_the_view_is_printed_once() {
    let server = Server::fresh();
    let printed = apportion(Some(server.address()), &["top".as_ref()]);
    let text = String::from_utf8(printed.stdout).expect("text");
    assert!(printed.status.success() && !text.contains('\x1b'), "{text}");
    assert!(text.starts_with("default\nper-10s ") && text.contains("166 left of 166"), "{text}");
    assert!(text.lines().last().is_some_and(|line| line.starts_with("default ")), "{text}");
    let unknown = apportion(Some(server.address()), &["top".as_ref(), "nowhere".as_ref()]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("UNKNOWN_WORKSPACE"));
}
