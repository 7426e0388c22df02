//! Where a node runs: what starts it, and where it listens.

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::process::Command;

use super::program::program;

/// A free port of the loopback.
pub(super) const ANYWHERE: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0));

/// Where a node runs.
#[derive(Clone, Debug)]
pub struct Site {
    /// The program with its first arguments, to which those of `apportion` are added.
    pub start: Vec<OsString>,
    /// Where it listens for clients, for scrapes, and for other nodes.
    pub listens: [SocketAddr; 3],
    /// More flags.
    pub flags: Vec<String>,
    /// The secret of an administrator; none: callers need no credential.
    pub secret: Option<String>,
}

impl Site {
    /// Free ports of the loopback.
    pub fn loopback() -> Self {
        Self { start: vec![program().into()], listens: [ANYWHERE; 3], flags: Vec::new(), secret: None }
    }

    /// The program, without the environment of this one.
    pub(super) fn command(&self) -> Command {
        let (program, arguments) = self.start.split_first().expect("a program");
        let mut command = Command::new(program);
        command.env_clear().args(arguments);
        if let Some(secret) = &self.secret {
            command.env("APPORTION_ADMIN_TOKEN", secret);
        }
        command
    }
}
