//! A child process: its output, its exit, signals. It never outlives its owner.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{
    Pid, Resource, Rlimit, WaitId, WaitIdOptions, getrlimit, kill_process, prlimit, waitid,
};

pub use rustix::process::Signal;

/// Longest time until a process prints a line that is waited for.
const LINE_TIMEOUT: Duration = Duration::from_secs(30);
/// Longest time until what a process wrote before it exited has been read.
const STDERR_TIMEOUT: Duration = Duration::from_secs(1);

/// A child process.
#[derive(Debug)]
pub struct Child {
    process: std::process::Child,
    lines: Receiver<String>,
    stderr: Arc<Mutex<String>>,
    /// Disconnected once its standard error has been read to the end.
    stderr_end: Receiver<()>,
}

impl Child {
    /// Starts it with an empty input, and reads all of its output. Panics, naming the program, if it cannot be started.
    pub fn start(command: &mut Command) -> Self {
        Self::start_reading(command, Stdio::null())
    }

    /// Starts it with an input that stays open as long as its owner lives. A child that exits at the end of its input does not
    /// outlive an owner that is killed.
    pub fn start_bound(command: &mut Command) -> Self {
        Self::start_reading(command, Stdio::piped())
    }

    fn start_reading(command: &mut Command, input: Stdio) -> Self {
        command.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped());
        let program = command.get_program().to_string_lossy().into_owned();
        let mut process =
            command.spawn().unwrap_or_else(|error| panic!("{program} cannot be started: {error}"));
        let (sender, lines) = channel();
        let stdout = BufReader::new(process.stdout.take().expect("it is piped"));
        std::thread::spawn(move || {
            // The receiver notices the end of the output by the dropped sender.
            for line in stdout.lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let stderr = Arc::new(Mutex::new(String::new()));
        let (text, mut pipe) = (Arc::clone(&stderr), process.stderr.take().expect("it is piped"));
        let (reads, stderr_end) = channel();
        std::thread::spawn(move || {
            let _reads: Sender<()> = reads;
            let mut bytes = [0; 4096];
            while let Ok(length @ 1..) = pipe.read(&mut bytes) {
                let part = String::from_utf8_lossy(&bytes[..length]);
                text.lock().unwrap_or_else(PoisonError::into_inner).push_str(&part);
            }
        });
        Self { process, lines, stderr, stderr_end }
    }

    /// The next line of its output. Panics with its standard error if none comes in time.
    pub fn line(&self) -> String {
        self.next_line().unwrap_or_else(|why| panic!("{why}"))
    }

    /// The next line of its output.
    ///
    /// # Errors
    ///
    /// Its standard error, if none comes in time.
    pub fn next_line(&self) -> Result<String, String> {
        let line = self.lines.recv_timeout(LINE_TIMEOUT);
        line.map_err(|why| format!("no line came ({why}): {}", self.stderr()))
    }

    /// The lines of its output that have arrived and were not read before.
    pub fn lines(&self) -> impl Iterator<Item = String> + '_ {
        self.lines.try_iter()
    }

    /// Closes its input, if it was [bound](Self::start_bound).
    pub fn end_input(&mut self) {
        drop(self.process.stdin.take());
    }

    /// All that it wrote to its standard error.
    pub fn stderr(&self) -> String {
        self.stderr.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The id of the process.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        // It has not been waited for, so no other process has its id.
        kill_process(Pid::from_child(&self.process), signal).expect("a process that was started here");
    }

    /// Pauses it with SIGSTOP, and returns once it stands still: the signal alone takes a while to arrive.
    pub fn pause(&self) {
        self.signal(Signal::STOP);
        let stopped = waitid(WaitId::Pid(Pid::from_child(&self.process)), WaitIdOptions::STOPPED);
        stopped.expect("a child that runs");
    }

    /// Lets every write to a file fail from now on, as on a full disk.
    pub fn deny_writes(&self) {
        self.limit_files(|_| Some(0));
    }

    /// Lets it write again.
    pub fn allow_writes(&self) {
        self.limit_files(|most| most);
    }

    /// Limits the size of its files, given the hard limit.
    fn limit_files(&self, bytes: impl FnOnce(Option<u64>) -> Option<u64>) {
        let maximum = getrlimit(Resource::Fsize).maximum;
        let limit = Rlimit { current: bytes(maximum), maximum };
        prlimit(Some(Pid::from_child(&self.process)), Resource::Fsize, limit)
            .expect("a process that was started here");
    }

    /// Its status and the rest of its output, once it has exited; none if it does not exit in time.
    pub fn ended(&mut self, within: Duration) -> Option<(ExitStatus, Vec<String>)> {
        let deadline = Instant::now() + within;
        let mut rest = Vec::new();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => rest.push(line),
                Err(std::sync::mpsc::RecvTimeoutError::Timeout) => return None,
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => break,
            }
        }
        let status = self.process.wait().expect("a child");
        // A process that it left running may keep its standard error open.
        let _ = self.stderr_end.recv_timeout(STDERR_TIMEOUT);
        Some((status, rest))
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // A stopped process is killed as well; one that has exited is only waited for.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
