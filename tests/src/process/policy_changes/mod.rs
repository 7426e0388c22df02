//! A server under changes of policy and crashes, and a judge of the leases that it grants meanwhile.

mod clock;

mod limits;

mod history;

mod changing;

pub use changing::{ChangingServer, Shared, TEAMS, WORKSPACE};
pub use clock::SteadyClock;
pub use history::{HeldLease, History, PolicyShape};
pub use limits::Limit;
