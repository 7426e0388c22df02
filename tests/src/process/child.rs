//! A process: its first line, its complaints, signals, its end. It never outlives its owner.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, getrlimit, kill_process, prlimit};

pub use rustix::process::Signal;

/// Longest time until a process says its first line.
const FIRST_LINE: Duration = Duration::from_secs(30);

/// A process that was started here.
#[derive(Debug)]
pub struct Child {
    process: std::process::Child,
    lines: Receiver<String>,
    complaints: Arc<Mutex<String>>,
}

impl Child {
    /// Starts it, with nothing to read and everything that it says taken in. Panics, naming the program, where it cannot be started.
    pub fn start(command: &mut Command) -> Self {
        Self::start_reading(command, Stdio::null())
    }

    /// Starts it in the same way, with an input that stays open as long as its owner lives. One that ends with its input does
    /// not outlive an owner that is killed.
    pub fn start_bound(command: &mut Command) -> Self {
        Self::start_reading(command, Stdio::piped())
    }

    fn start_reading(command: &mut Command, input: Stdio) -> Self {
        command.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped());
        let program = command.get_program().to_string_lossy().into_owned();
        let mut process =
            command.spawn().unwrap_or_else(|error| panic!("{program} cannot be started: {error}"));
        let (said, lines) = channel();
        let stdout = BufReader::new(process.stdout.take().expect("it is piped"));
        std::thread::spawn(move || {
            // The sender is dropped at the end, which is how the end is noticed.
            for line in stdout.lines().map_while(Result::ok) {
                let _ = said.send(line);
            }
        });
        let complaints = Arc::new(Mutex::new(String::new()));
        let (into, mut stderr) = (Arc::clone(&complaints), process.stderr.take().expect("it is piped"));
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(many @ 1..) = stderr.read(&mut bytes) {
                let text = String::from_utf8_lossy(&bytes[..many]);
                into.lock().unwrap_or_else(PoisonError::into_inner).push_str(&text);
            }
        });
        Self { process, lines, complaints }
    }

    /// The next line of its output. Panics with its complaints where none comes.
    pub fn line(&self) -> String {
        self.next_line().unwrap_or_else(|why| panic!("{why}"))
    }

    /// The next line of its output.
    ///
    /// # Errors
    ///
    /// Its complaints, where none comes in time.
    pub fn next_line(&self) -> Result<String, String> {
        let line = self.lines.recv_timeout(FIRST_LINE);
        line.map_err(|why| format!("no line came ({why}): {}", self.complaints()))
    }

    /// The lines of its output that are there and were not asked for before.
    pub fn lines(&self) -> impl Iterator<Item = String> + '_ {
        self.lines.try_iter()
    }

    /// Ends its input, for one that was started bound.
    pub fn end_input(&mut self) {
        drop(self.process.stdin.take());
    }

    /// All that it wrote to its standard error.
    pub fn complaints(&self) -> String {
        self.complaints.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The number that the system gave it.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        // It is not waited for before its end, so its number is not another's.
        kill_process(Pid::from_child(&self.process), signal).expect("a process that was started here");
    }

    /// From now on it can write to no file, as on a disk that is full: every write fails in the kernel.
    pub fn deny_writes(&self) {
        self.limit_files(|_| Some(0));
    }

    /// It can write again.
    pub fn allow_writes(&self) {
        self.limit_files(|most| most);
    }

    /// Limits the size of its files, by the most that this process may have itself.
    fn limit_files(&self, bytes: impl FnOnce(Option<u64>) -> Option<u64>) {
        let maximum = getrlimit(Resource::Fsize).maximum;
        let limit = Rlimit { current: bytes(maximum), maximum };
        prlimit(Some(Pid::from_child(&self.process)), Resource::Fsize, limit)
            .expect("a process that was started here");
    }

    /// How it ended, and what it still said; none if it does not end in time.
    pub fn ended(&mut self, within: Duration) -> Option<(ExitStatus, Vec<String>)> {
        let deadline = std::time::Instant::now() + within;
        let mut said = Vec::new();
        loop {
            let left = deadline.saturating_duration_since(std::time::Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => said.push(line),
                Err(std::sync::mpsc::RecvTimeoutError::Timeout) => return None,
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => break,
            }
        }
        Some((self.process.wait().expect("a child"), said))
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // A stopped process is killed as well; one that has ended is only waited for.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
