//! Plays one case with one driver, and judges it.
//!
//! `handles` numbers names; `message` makes the requests of the protocol; `group` holds results and their counts; `player` does the
//! steps.

mod handles;

mod message;

mod group;

mod player;

pub use player::{Verdict, play};
