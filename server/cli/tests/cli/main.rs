//! The program `apportion` as people run it: a server in a process of its own, and commands that administer it.

mod apply;
mod authority;
mod careless;
mod closed;
mod commands;
mod credentials;
mod dev;
mod health;
mod process;
mod tls;
